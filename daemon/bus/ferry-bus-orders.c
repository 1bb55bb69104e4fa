/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Orders that a job's owner gives by its methods, and an administrator by ControlJob. */

#include "ferry-bus-private.h"

void
ferry_bus_resume (FerryBus *self, FerryCall *call, FerryJob *job)
{
  GError *error = NULL;

  if (!ferry_engine_resume (self->engine, job, &error))
    ferry_call_return_error (call, error);
  else
    ferry_call_return_after_commit (call, self->store, NULL);
}

static void
on_suspended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerryCall *call = user_data;
  GError *error = NULL;

  if (!ferry_engine_suspend_finish (FERRY_ENGINE (source), result, &error))
    ferry_call_return_error (call, error);
  else
    ferry_call_return (call, NULL);
}

void
ferry_bus_suspend (FerryBus *self, FerryCall *call, FerryJob *job)
{
  ferry_engine_suspend_async (self->engine, job, on_suspended, call);
}

static void
on_cancelled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerryCall *call = user_data;
  GError *error = NULL;

  if (!ferry_engine_cancel_finish (FERRY_ENGINE (source), result, &error))
    ferry_call_return_error (call, error);
  else
    ferry_call_return (call, NULL);
}

void
ferry_bus_cancel (FerryBus *self, FerryCall *call, FerryJob *job)
{
  FerryFailure *reason = NULL;

  if (job->owner != call->uid)
    reason = ferry_failure_new (FERRY_ERROR_CANCELLED_BY_ADMINISTRATOR, FERRY_ERROR_CONTEXT_GENERAL,
                                -1, 0, "An administrator cancelled the job.");
  ferry_engine_cancel_async (self->engine, job, reason, on_cancelled, call);
}
