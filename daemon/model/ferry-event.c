/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-event.h"

#include <syslog.h>

/* MESSAGE, MESSAGE_ID, PRIORITY, FERRY_EVENT, and what an event adds. */
#define FIELDS_MAX 16

static const struct
{
  const char *name;
  const char *message_id;
  int priority;
} events[] = {
  [FERRY_EVENT_JOB_CREATED] = { "job-created", "e350aa11d60c4def95be07523017ccc5", LOG_INFO },
  [FERRY_EVENT_JOB_RESUMED] = { "job-resumed", "93e0428f01264a3fb5b94b8b0231bf81", LOG_INFO },
  [FERRY_EVENT_JOB_SUSPENDED] = { "job-suspended", "f2a9650847ad46bb9601fbfffea0a121", LOG_INFO },
  [FERRY_EVENT_JOB_INTERRUPTED] = { "job-interrupted", "336a59bc106f4594b029815a09eea33a",
                                    LOG_INFO },
  [FERRY_EVENT_JOB_FAILED] = { "job-failed", "938db534bea143f7955bdab0627587e6", LOG_NOTICE },
  [FERRY_EVENT_JOB_TRANSFERRED] = { "job-transferred", "a018ba27e4f04907902bc9e98c1777bd",
                                    LOG_INFO },
  [FERRY_EVENT_JOB_COMPLETED] = { "job-completed", "cbd3f84320e8449d977b6067b490c315", LOG_INFO },
  [FERRY_EVENT_JOB_CANCELLED] = { "job-cancelled", "54c11c3030984803b629ea8dd03c4f26", LOG_NOTICE },
  [FERRY_EVENT_JOB_TAKEN] = { "job-taken", "be27bb3a4edf43a68da7befa90bce9ac", LOG_NOTICE },
  [FERRY_EVENT_FILE_RESTARTED] = { "file-restarted", "96379514af0b479794ff023413bad1c8", LOG_INFO },
  [FERRY_EVENT_JOBS_NOT_LOGGED] = { "jobs-not-logged", "e70f61b4b85044a3b5d5800f65d35d61",
                                    LOG_NOTICE },
  [FERRY_EVENT_WORKER_FAILED] = { "worker-failed", "9b8a024cd6244395b32b6cdf5c3826a7", LOG_NOTICE },
  [FERRY_EVENT_STORE_SALVAGED] = { "store-salvaged", "66b769ffe8da4790a78c39d93a82ab1c",
                                   LOG_WARNING },
  [FERRY_EVENT_POLICY_PROBLEM] = { "policy-problem", "d089c5e9fb27402b82046f4a38af7b89",
                                   LOG_WARNING },
};

G_STATIC_ASSERT (G_N_ELEMENTS (events) == FERRY_N_EVENTS);

const char *
ferry_event_get_name (FerryEvent event)
{
  return events[event].name;
}

const char *
ferry_event_get_message_id (FerryEvent event)
{
  return events[event].message_id;
}

int
ferry_event_get_priority (FerryEvent event)
{
  return events[event].priority;
}

static void
add (GLogField *fields, gsize *n_fields, const char *key, const char *value)
{
  g_return_if_fail (*n_fields < FIELDS_MAX);

  fields[(*n_fields)++] = (GLogField){ key, value, -1 };
}

/* GLib says nothing of what is less than a message unless it is asked to; the journal, which has the priority, can leave
 * out what its reader does not want. */
static GLogLevelFlags
get_level (FerryEvent event)
{
  return events[event].priority <= LOG_WARNING ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_MESSAGE;
}

void
ferry_event_log (FerryEvent event, const char *const *more, const char *format, ...)
{
  g_autofree char *priority = g_strdup_printf ("%d", events[event].priority);
  g_autofree char *message = NULL;
  GLogField fields[FIELDS_MAX];
  gsize n_fields = 0;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  add (fields, &n_fields, "MESSAGE", message);
  add (fields, &n_fields, "MESSAGE_ID", events[event].message_id);
  add (fields, &n_fields, "PRIORITY", priority);
  add (fields, &n_fields, "FERRY_EVENT", events[event].name);
  for (gsize i = 0; more != NULL && more[i] != NULL; i += 2)
    {
      if (*more[i + 1] != '\0')
        add (fields, &n_fields, more[i], more[i + 1]);
    }
  g_log_structured_array (get_level (event), fields, n_fields);
}
