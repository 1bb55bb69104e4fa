/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must be done although its job may be gone: temporary files removed, and servers told that an upload was given up.
 * Noted in the store with the change that makes it so, done by the owner's worker, tried again until it is (or, of uploads,
 * for a day). */

#include "ferry-engine-private.h"

#include <pwd.h>
#include <string.h>

#define RETRY_FIRST (10 * G_USEC_PER_SEC)
#define RETRY_MAX   (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

/* Cancellations of one user that his worker has at a time: each may hold a thread of it for a minute, and what else it is
 * asked must not wait behind them until it counts as hung. */
#define CANCELLATIONS_AT_ONCE 2

/* Cancellations of one user that are remembered: jobs are made and cancelled faster than a server that is away is given up. */
#define CANCELLATIONS_MAX 100

/**
 * DutyWait: a call that waits for all duties of a job.
 */
typedef struct
{
  FerryEngine *engine; /* (unowned): holds us */
  char *job_id;        /* (owned) */
  guint timer;
  FerryStoreFunc func;
  gpointer user_data; /* (unowned) */
} DutyWait;

static void run_duty (FerryDutyRun *run);

void
ferry_duty_run_free (gpointer data)
{
  FerryDutyRun *run = data;

  ferry_duty_free (run->duty);
  g_free (run->job_id);
  g_free (run);
}

/* == waiting == */

static gboolean
has_duties (FerryEngine *self, const char *job_id)
{
  for (guint i = 0; i < self->duties->len; i++)
    {
      const FerryDutyRun *run = g_ptr_array_index (self->duties, i);

      if (g_strcmp0 (run->job_id, job_id) == 0)
        return TRUE;
    }

  return FALSE;
}

static void
free_wait (DutyWait *wait)
{
  FerryEngine *self = wait->engine;

  ferry_clock_clear (self->clock, &wait->timer);
  g_ptr_array_remove (self->duty_waits, wait);
  g_free (wait->job_id);
  g_free (wait);
}

static void
end_wait (DutyWait *wait, const GError *error)
{
  FerryStoreFunc func = wait->func;
  gpointer user_data = wait->user_data;

  free_wait (wait);
  func (error, user_data);
}

/* The files may go later, but the change itself must be on disk: it may be the disk that is slow. */
static void
patience_cb (gpointer data)
{
  DutyWait *wait = data;

  wait->timer = 0;
  ferry_store_after_commit (wait->engine->store, wait->func, wait->user_data);
  free_wait (wait);
}

static void
check_waits (FerryEngine *self, const char *job_id)
{
  if (job_id == NULL || has_duties (self, job_id))
    return;

  for (guint i = self->duty_waits->len; i > 0; i--)
    {
      DutyWait *wait = g_ptr_array_index (self->duty_waits, i - 1);

      if (g_str_equal (wait->job_id, job_id))
        end_wait (wait, NULL);
    }
}

void
ferry_engine_after_duties (FerryEngine *self, const char *job_id, FerryStoreFunc func,
                           gpointer user_data)
{
  DutyWait *wait;

  if (!has_duties (self, job_id))
    {
      ferry_store_after_commit (self->store, func, user_data);
      return;
    }

  wait = g_new0 (DutyWait, 1);
  wait->engine = self;
  wait->job_id = g_strdup (job_id);
  wait->func = func;
  wait->user_data = user_data;
  wait->timer = ferry_clock_add (self->clock, ferry_engine_now (self) + FERRY_REMOVE_PATIENCE,
                                 patience_cb, wait);
  g_ptr_array_add (self->duty_waits, wait);
}

/* == doing == */

static void
end_duty (FerryEngine *self, FerryDutyRun *run)
{
  g_autofree char *job_id = g_strdup (run->job_id);

  ferry_store_remove_duty (self->store, run->duty->id);
  g_ptr_array_remove (self->duties, run);
  check_waits (self, job_id);
}

static void
retry_cb (gpointer data)
{
  FerryDutyRun *run = data;

  run->timer = 0;
  run_duty (run);
}

static gboolean
is_cancellation (const FerryDutyRun *run)
{
  return run->duty->kind == FERRY_DUTY_CANCEL_UPLOAD;
}

static guint
count_cancellations (FerryEngine *self, uid_t owner, gboolean under_way)
{
  guint count = 0;

  for (guint i = 0; i < self->duties->len; i++)
    {
      const FerryDutyRun *run = g_ptr_array_index (self->duties, i);

      count += is_cancellation (run) && run->duty->owner == owner && (!under_way || run->under_way);
    }

  return count;
}

/* µs that are left for it; a file is removed however long it takes. */
static gint64
get_time_left (FerryDutyRun *run)
{
  if (!is_cancellation (run))
    return G_MAXINT64;
  return run->duty->deadline - ferry_service_time_get (run->engine->service_time);
}

/* What nobody can do is given up, and so is what would do no good. */
static gboolean
is_over (FerryDutyRun *run)
{
  const FerryDuty *duty = run->duty;
  const struct passwd *holder = getpwuid (duty->owner);
  gboolean session = FALSE;

  if (!is_cancellation (run))
    {
      if (holder == NULL)
        g_message ("A temporary file of uid %u, which is gone, is left where it is", duty->owner);
      return holder == NULL;
    }

  if (duty->resume != NULL)
    g_variant_lookup (duty->resume, FERRY_RESUME_SESSION, "b", &session);
  /* Another holder of the uid is to know nothing of it. */
  return !session || holder == NULL || !g_str_equal (holder->pw_name, duty->owner_name) ||
         get_time_left (run) <= 0;
}

/* @reply: (nullable): what the worker says of its failure */
static gboolean
is_final (FerryDutyRun *run, GVariant *reply)
{
  gboolean transient = FALSE;

  /* No word of the worker means that it could not try. */
  if (!is_cancellation (run) || reply == NULL)
    return FALSE;
  g_variant_lookup (reply, "Transient", "b", &transient);
  return !transient;
}

static void noted_cb (const GError *error, gpointer data);

static void
done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FerryDutyRun *run = data;
  FerryEngine *self = run->engine;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  gboolean done = ferry_workers_request_finish (FERRY_WORKERS (source), result, &reply, &error);

  run->under_way = FALSE;
  if (self == NULL)
    {
      ferry_duty_run_free (run);
      return;
    }
  /* Another one may have waited for its turn. */
  if (is_cancellation (run))
    ferry_store_after_commit (self->store, noted_cb, g_object_ref (self));
  if (done || is_final (run, reply))
    {
      end_duty (self, run);
      return;
    }

  run->delay = run->delay == 0 ? RETRY_FIRST : MIN (run->delay * 2, RETRY_MAX);
  run->timer = ferry_clock_add (self->clock,
                                ferry_engine_now (self) +
                                    CLAMP (get_time_left (run), 0, run->delay),
                                retry_cb, run);
}

static GVariant *
get_arguments (const FerryDuty *duty)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, duty->request);
  if (duty->resume != NULL)
    g_variant_dict_insert_value (&dict, "Resume", duty->resume);
  switch (duty->kind)
    {
    case FERRY_DUTY_REMOVE:
      g_variant_dict_insert (&dict, "Path", "s", duty->path);
      g_variant_dict_insert (&dict, "TemporaryName", "s", duty->temporary_name);
      break;
    case FERRY_DUTY_CANCEL_UPLOAD:
      g_variant_dict_insert (&dict, "Url", "s", duty->url);
      ferry_secrets_add (duty->secrets, &dict);
      break;
    }
  return g_variant_dict_end (&dict);
}

static void
run_duty (FerryDutyRun *run)
{
  FerryEngine *self = run->engine;
  gboolean cancellation = is_cancellation (run);

  if (run->attempt != 0 || run->reply_attempt != 0 || run->under_way || run->timer != 0)
    return;
  if (is_over (run))
    {
      end_duty (self, run);
      return;
    }
  if (cancellation && count_cancellations (self, run->duty->owner, TRUE) >= CANCELLATIONS_AT_ONCE)
    return;

  run->under_way = TRUE;
  ferry_workers_request (self->workers, run->duty->owner, cancellation ? "cancel-upload" : "remove",
                         get_arguments (run->duty),
                         cancellation ? FERRY_CANCEL_TIMEOUT : FERRY_REMOVE_TIMEOUT, NULL, done_cb,
                         run);
}

static void
noted_cb (const GError *error, gpointer data)
{
  g_autoptr (FerryEngine) self = data;

  /* When the commit failed the model was read anew, and these duties with it. The last commit may come after our
   * end. */
  if (error != NULL || self->duties == NULL)
    return;
  for (guint i = self->duties->len; i > 0; i--)
    run_duty (g_ptr_array_index (self->duties, i - 1));
}

static FerryDutyRun *
add_run (FerryEngine *self, FerryDuty *duty, const char *job_id, guint64 attempt)
{
  FerryDutyRun *run = g_new0 (FerryDutyRun, 1);

  run->engine = self;
  run->duty = duty;
  run->job_id = g_strdup (job_id);
  run->attempt = attempt;
  g_ptr_array_add (self->duties, run);
  return run;
}

void
ferry_engine_drop_file (FerryEngine *self, FerryJob *job, FerryFile *file)
{
  FerryDuty *duty;

  if (file->is_source)
    return;

  duty = g_new0 (FerryDuty, 1);
  duty->owner = job->owner;
  duty->path = g_strdup (file->local_path);
  duty->temporary_name = ferry_file_get_temporary_name (file, job->id);
  duty->resume = file->resume != NULL ? g_variant_ref (file->resume) : NULL;

  ferry_store_add_duty (self->store, duty);

  add_run (self, duty, job->id, file->attempt);
  /* Not before it is on disk that the bytes are not wanted any more. */
  ferry_store_after_commit (self->store, noted_cb, g_object_ref (self));
}

/* The oldest one of @owner that is not being done goes. */
static void
forget_cancellation (FerryEngine *self, uid_t owner)
{
  for (guint i = 0; i < self->duties->len; i++)
    {
      FerryDutyRun *run = g_ptr_array_index (self->duties, i);

      if (!is_cancellation (run) || run->duty->owner != owner || run->under_way)
        continue;
      ferry_clock_clear (self->clock, &run->timer);
      end_duty (self, run);
      return;
    }
}

void
ferry_engine_add_cancellation (FerryEngine *self, FerryDuty *duty, guint64 attempt,
                               guint64 reply_attempt)
{
  FerryDutyRun *run;

  if (count_cancellations (self, duty->owner, FALSE) >= CANCELLATIONS_MAX)
    forget_cancellation (self, duty->owner);
  ferry_store_add_duty (self->store, duty);
  /* Without a job: nobody waits for a server that may be away for a day. */
  run = add_run (self, duty, NULL, attempt);
  run->reply_attempt = reply_attempt;
  ferry_store_after_commit (self->store, noted_cb, g_object_ref (self));
}

void
ferry_engine_retry_cancellations (FerryEngine *self)
{
  for (guint i = self->duties->len; i > 0; i--)
    {
      FerryDutyRun *run = g_ptr_array_index (self->duties, i - 1);

      if (!is_cancellation (run) || run->timer == 0)
        continue;
      ferry_clock_clear (self->clock, &run->timer);
      run_duty (run);
    }
}

void
ferry_engine_duty_note_report (FerryEngine *self, guint64 attempt, GVariant *arguments)
{
  for (guint i = 0; i < self->duties->len; i++)
    {
      FerryDutyRun *run = g_ptr_array_index (self->duties, i);
      g_autoptr (GVariant) resume = NULL;

      if (run->attempt != attempt || !is_cancellation (run))
        continue;
      resume = g_variant_lookup_value (arguments, "Resume", G_VARIANT_TYPE_VARDICT);
      if (resume == NULL || g_variant_get_size (resume) > FERRY_RESUME_MAX)
        return;
      g_clear_pointer (&run->duty->resume, g_variant_unref);
      run->duty->resume = g_variant_get_normal_form (resume);
      ferry_store_change_duty (self->store, run->duty);
    }
}

void
ferry_engine_load_duties (FerryEngine *self, GPtrArray *duties)
{
  while (duties->len > 0)
    add_run (self, g_ptr_array_steal_index (duties, duties->len - 1), NULL, 0);
  for (guint i = self->duties->len; i > 0; i--)
    run_duty (g_ptr_array_index (self->duties, i - 1));
}

void
ferry_engine_duty_attempt_ended (FerryEngine *self, guint64 attempt)
{
  for (guint i = self->duties->len; i > 0; i--)
    {
      FerryDutyRun *run = g_ptr_array_index (self->duties, i - 1);

      if (run->attempt != attempt && run->reply_attempt != attempt)
        continue;
      if (run->attempt == attempt)
        run->attempt = 0;
      else
        run->reply_attempt = 0;
      ferry_store_after_commit (self->store, noted_cb, g_object_ref (self));
    }
}

void
ferry_engine_clear_duties (FerryEngine *self)
{
  while (self->duties->len > 0)
    {
      FerryDutyRun *run = g_ptr_array_index (self->duties, self->duties->len - 1);

      ferry_clock_clear (self->clock, &run->timer);
      /* A request under way ends later and frees it then. */
      run->engine = NULL;
      if (run->under_way)
        g_ptr_array_steal_index (self->duties, self->duties->len - 1);
      else
        g_ptr_array_remove_index (self->duties, self->duties->len - 1);
    }
  if (self->duty_waits->len > 0)
    {
      g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_STORE_FAILED,
                                                      "The change could not be stored");

      while (self->duty_waits->len > 0)
        end_wait (g_ptr_array_index (self->duty_waits, self->duty_waits->len - 1), error);
    }
}
