/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the lives of jobs goes to the journal: after the commit, so that nothing is told that did not happen, and not
 * without bound, so that no user can fill the journal or drown in it what others need to read. */

#include "ferry-engine-private.h"

#include <string.h>

/* Events of one user in a time. journald takes 10,000 of ferryd in 30 s. */
#define BUDGET      1000
#define BUDGET_TIME (30 * G_USEC_PER_SEC)

typedef struct
{
  gint64 start; /* boot µs */
  guint count;
} Budget;

typedef struct
{
  FerryEvent event;
  char *message; /* (owned) */
  char **fields; /* (owned): keys and values in turn */
} Record;

static void
recorded_cb (const GError *error, gpointer data)
{
  Record *record = data;

  if (error == NULL)
    ferry_event_log (record->event, (const char *const *) record->fields, "%s", record->message);
  g_strfreev (record->fields);
  g_free (record->message);
  g_free (record);
}

/* == who may say how much == */

static void
tell_silence (uid_t uid)
{
  g_autofree char *number = g_strdup_printf ("%u", (guint) uid);
  const char *const fields[] = { "FERRY_UID", number, NULL };

  ferry_event_log (
      FERRY_EVENT_JOBS_NOT_LOGGED, fields,
      "The jobs of uid %u made %d events in %d s; no more are logged until that time is over",
      (guint) uid, BUDGET, (int) (BUDGET_TIME / G_USEC_PER_SEC));
}

static gboolean
may_record (FerryEngine *self, uid_t uid)
{
  Budget *budget = g_hash_table_lookup (self->budgets, GUINT_TO_POINTER (uid));
  gint64 now = ferry_engine_now (self);

  if (budget == NULL)
    {
      budget = g_new0 (Budget, 1);
      budget->start = now;
      g_hash_table_insert (self->budgets, GUINT_TO_POINTER (uid), budget);
    }
  if (now - budget->start >= BUDGET_TIME)
    *budget = (Budget){ .start = now };
  if (++budget->count == BUDGET)
    tell_silence (uid);
  return budget->count < BUDGET;
}

/* @what: of the job, as "was created"
 * @more: (nullable) (array zero-terminated=1): keys and values in turn */
static void
note (FerryEngine *self, FerryEvent event, FerryJob *job, const char *what, const char *const *more)
{
  g_autoptr (GStrvBuilder) fields = g_strv_builder_new ();
  g_autofree char *uid = g_strdup_printf ("%u", (guint) job->owner);
  Record *record;

  if (!may_record (self, job->owner))
    return;

  g_strv_builder_add_many (fields, "FERRY_JOB", job->id, "FERRY_UID", uid, NULL);
  if (more != NULL)
    g_strv_builder_addv (fields, (const char **) more);
  record = g_new0 (Record, 1);
  record->event = event;
  record->message = g_strdup_printf ("Job %s of uid %s %s", job->id, uid, what);
  record->fields = g_strv_builder_end (fields);
  ferry_store_after_commit (self->store, recorded_cb, record);
}

static void
note_with (FerryEngine *self, FerryEvent event, FerryJob *job, const char *what, const char *key,
           const char *value)
{
  const char *const more[] = { key, value, NULL };
  g_autofree char *text = g_strconcat (what, *value != '\0' ? ": " : "", value, NULL);

  note (self, event, job, text, more);
}

/* == events == */

/* Returns: (transfer none): the name of the job's error without its prefix, "" when it has none */
static const char *
get_error (FerryJob *job)
{
  return job->error != NULL ? strrchr (ferry_error_get_name (job->error->code), '.') + 1 : "";
}

/* Returns: (transfer none): who gave @job up, from the error that its owner reads */
static const char *
get_canceller (FerryJob *job)
{
  if (job->error == NULL)
    return "owner";
  return job->error->code == FERRY_ERROR_INACTIVITY_TIMEOUT ? "inactivity" : "administrator";
}

void
ferry_engine_record_created (FerryEngine *self, FerryJob *job)
{
  note (self, FERRY_EVENT_JOB_CREATED, job, "was created", NULL);
}

void
ferry_engine_record_move (FerryEngine *self, FerryJob *job, FerryJobEvent event)
{
  switch (event)
    {
    case FERRY_JOB_EVENT_RESUME:
      note (self, FERRY_EVENT_JOB_RESUMED, job, "was resumed", NULL);
      break;
    case FERRY_JOB_EVENT_SUSPEND:
      note (self, FERRY_EVENT_JOB_SUSPENDED, job, "was suspended", NULL);
      break;
    case FERRY_JOB_EVENT_FAIL_TRANSIENT:
      if (job->transient_reasons == 1u << FERRY_WAIT_REASON_NETWORK)
        note_with (self, FERRY_EVENT_JOB_INTERRUPTED, job, "was interrupted", "FERRY_REASON",
                   "network");
      else
        note_with (self, FERRY_EVENT_JOB_INTERRUPTED, job, "was interrupted", "FERRY_ERROR",
                   get_error (job));
      break;
    case FERRY_JOB_EVENT_FAIL:
      note_with (self, FERRY_EVENT_JOB_FAILED, job, "failed", "FERRY_ERROR", get_error (job));
      break;
    case FERRY_JOB_EVENT_FINISH:
      note (self, FERRY_EVENT_JOB_TRANSFERRED, job, "is transferred", NULL);
      break;
    case FERRY_JOB_EVENT_COMPLETE:
      note (self, FERRY_EVENT_JOB_COMPLETED, job, "is completed", NULL);
      break;
    case FERRY_JOB_EVENT_CANCEL:
      note_with (self, FERRY_EVENT_JOB_CANCELLED, job, "was cancelled", "FERRY_BY",
                 get_canceller (job));
      break;
    case FERRY_JOB_EVENT_START:
    case FERRY_JOB_EVENT_CONNECTED:
    case FERRY_JOB_EVENT_YIELD:
    case FERRY_JOB_EVENT_RETRY:
      break;
    }
}

void
ferry_engine_record_orphan (FerryEngine *self, FerryJob *job)
{
  note_with (self, FERRY_EVENT_JOB_CANCELLED, job, "was cancelled", "FERRY_BY", "owner-vanished");
}

void
ferry_engine_record_taken (FerryEngine *self, FerryJob *job, uid_t former)
{
  g_autofree char *number = g_strdup_printf ("%u", (guint) former);

  note_with (self, FERRY_EVENT_JOB_TAKEN, job, "was taken over from uid", "FERRY_FORMER_UID",
             number);
}

/* The reason may be a worker's word; what is no word of ours is not repeated. */
void
ferry_engine_record_restart (FerryEngine *self, FerryJob *job, guint index, const char *reason)
{
  static const char *const reasons[] = {
    "remote-file-changed", "no-validator",        "no-range-support", "range-refused",
    "mixed-response",      "temporary-file-lost", "digest-mismatch",  "validation-failed",
    "url-changed",         "session-lost",        "not-resumable",    NULL,
  };
  const char *known = g_strv_contains (reasons, reason) ? reason : "";
  g_autofree char *number = g_strdup_printf ("%u", index);
  const char *const more[] = { "FERRY_FILE", number, "FERRY_REASON", known, NULL };
  g_autofree char *what = g_strdup_printf ("starts its file %u over%s%s", index,
                                           *known != '\0' ? ": " : "", known);

  note (self, FERRY_EVENT_FILE_RESTARTED, job, what, more);
}
