/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking polkit in the middle of a call. */

#include "ferry-bus-private.h"

#include "ferry-error.h"

typedef struct
{
  FerryBus *self;  /* (owned) */
  FerryCall *call; /* (owned) */
  FerryBusHandler then;
  GError *limit; /* (owned) (nullable): what is answered instead of the refusal */
} Question;

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Question *question = user_data;
  g_autoptr (FerryBus) self = question->self;
  FerryCall *call = question->call;
  FerryBusHandler then = question->then;
  g_autoptr (GError) limit = question->limit;
  GError *error = NULL;
  FerryJob *job = NULL;

  g_free (question);
  if (!ferry_authority_check_finish (FERRY_AUTHORITY (source), result, &error))
    {
      if (limit != NULL)
        {
          g_error_free (error);
          error = g_steal_pointer (&limit);
        }
      ferry_call_return_error (call, error);
      return;
    }

  /* Much may have happened while polkit, or a person, thought about it. */
  if (call->job_id != NULL && (job = ferry_bus_look_up (self, call)) == NULL)
    return;

  then (self, call, job);
}

static void
ask (FerryBus *self, FerryCall *call, const char *action, GVariant *details, GError *limit,
     FerryBusHandler then)
{
  Question *question = g_new0 (Question, 1);

  question->self = g_object_ref (self);
  question->call = call;
  question->then = then;
  question->limit = limit;
  ferry_authority_check_async (self->authority, call->sender, call->uid, action, details,
                               ferry_call_is_interactive (call), on_checked, question);
}

void
ferry_bus_authorize (FerryBus *self, FerryCall *call, const char *action, GVariant *details,
                     FerryBusHandler then)
{
  ask (self, call, action, details, NULL, then);
}

void
ferry_bus_exempt (FerryBus *self, FerryCall *call, GError *limit, FerryBusHandler then)
{
  ask (self, call, FERRY_ACTION_EXCEED_LIMITS, NULL, limit, then);
}

gboolean
ferry_bus_is_limit (const GError *error)
{
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_JOBS_PER_USER) ||
         g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_JOBS_PER_MACHINE) ||
         g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_FILES_IN_JOB) ||
         g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_RANGES_IN_FILE);
}
