/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Job methods about the job as a whole. */

#include "ferry-bus-private.h"

#include "ferry-args.h"
#include "ferry-error.h"

static void
on_completed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerryCall *call = user_data;
  GError *error = NULL;
  guint published, discarded;

  if (!ferry_engine_complete_finish (FERRY_ENGINE (source), result, &published, &discarded, &error))
    ferry_call_return_error (call, error);
  else
    ferry_call_return (call, g_variant_new ("(uu)", published, discarded));
}

static void
handle_complete (FerryBus *self, FerryCall *call, FerryJob *job)
{
  ferry_engine_complete_async (self->engine, job, on_completed, call);
}

static void
handle_set_custom_headers (FerryBus *self, FerryCall *call, FerryJob *job)
{
  g_autofree const char **headers = NULL;
  GError *error = NULL;

  g_variant_get (call->parameters, "(^a&s)", &headers);
  if (!ferry_args_check_headers ("headers", headers, TRUE, &error))
    {
      ferry_call_return_error (call, error);
      return;
    }

  ferry_engine_set_secret_headers (self->engine, job, headers);
  ferry_call_return_after_commit (call, self->store, NULL);
}

static void
handle_not_supported (FerryBus *self, FerryCall *call, FerryJob *job)
{
  ferry_call_return_error (call, g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_NOT_SUPPORTED,
                                              "%s is not supported yet.", call->member));
}

const FerryBusMethod ferry_bus_job_methods[] = {
  { FERRY_JOB_INTERFACE, "Resume", ferry_bus_resume },
  { FERRY_JOB_INTERFACE, "Suspend", ferry_bus_suspend },
  { FERRY_JOB_INTERFACE, "Cancel", ferry_bus_cancel },
  { FERRY_JOB_INTERFACE, "Complete", handle_complete },
  { FERRY_JOB_INTERFACE, "SetCustomHeaders", handle_set_custom_headers },
  { FERRY_JOB_INTERFACE, "SetCredentials", handle_not_supported },
  { FERRY_JOB_INTERFACE, "RemoveCredentials", handle_not_supported },
  { NULL, NULL, NULL },
};
