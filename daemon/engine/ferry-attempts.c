/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What workers report. Every message is a claim by the worker's uid: it is believed about an attempt that this
 * uid's worker was given, and about nothing else. */

#include "ferry-engine-private.h"

#include "ferry-text.h"

/* Weight of the newest second in the smoothed rate. */
#define RATE_WEIGHT 0.3

void
ferry_attempt_free (gpointer data)
{
  FerryAttempt *attempt = data;

  if (attempt->held != NULL)
    ferry_workers_release (attempt->held, attempt->uid);
  g_clear_object (&attempt->held);
  g_object_unref (attempt->job);
  g_free (attempt);
}

/* Counted for each user, whose worker sees the numbers: they must not tell him how much others fetch. */
static guint64
new_id (FerryEngine *self, uid_t uid)
{
  gpointer key = GUINT_TO_POINTER (uid);
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (self->last_attempts, key)) + 1;

  g_hash_table_insert (self->last_attempts, key, GUINT_TO_POINTER (count));
  return (guint64) uid << 32 | count;
}

FerryAttempt *
ferry_engine_add_attempt (FerryEngine *self, FerryJob *job, FerryFile *file)
{
  FerryAttempt *attempt = g_new0 (FerryAttempt, 1);

  attempt->id = new_id (self, job->owner);
  attempt->job = g_object_ref (job);
  attempt->index = file->index;
  attempt->uid = job->owner;
  attempt->rate_bytes = file->bytes_transferred;
  attempt->rate_time = ferry_engine_now (self);
  attempt->most_kept = file->most_kept;
  file->attempt = attempt->id;
  g_hash_table_insert (self->attempts, &attempt->id, attempt);
  return attempt;
}

guint
ferry_engine_count_attempts (FerryEngine *self, uid_t uid)
{
  GHashTableIter iter;
  gpointer value;
  guint count = 0;

  g_hash_table_iter_init (&iter, self->attempts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    count += ((FerryAttempt *) value)->uid == uid;
  return count;
}

/* Returns: (transfer none) (nullable): the file, when it is still there and still this attempt's */
static FerryFile *
get_file (FerryAttempt *attempt)
{
  FerryFile *file = ferry_job_get_file (attempt->job, attempt->index);

  return file != NULL && file->attempt == attempt->id ? file : NULL;
}

/* == taking over what a message says of a file == */

static void
take_resume (FerryFile *file, GVariant *arguments)
{
  g_autoptr (GVariant)
      resume = g_variant_lookup_value (arguments, "Resume", G_VARIANT_TYPE_VARDICT);

  if (resume == NULL || g_variant_get_size (resume) > FERRY_RESUME_MAX)
    return;
  ferry_file_set_resume (file, resume);
}

static void
take_answer (FerryJob *job, FerryFile *file, GVariant *arguments)
{
  g_autoptr (GVariant) headers = NULL;
  const char *validator;
  guint32 status;

  if (g_variant_lookup (arguments, "HttpStatus", "u", &status) && status != 0)
    file->http_status = status;
  if (g_variant_lookup (arguments, "Validator", "&s", &validator))
    {
      g_free (file->validator);
      file->validator = ferry_text_clean (validator, FERRY_TEXT_MAX);
    }

  headers = g_variant_lookup_value (arguments, "ResponseHeaders", G_VARIANT_TYPE_STRING_ARRAY);
  if (headers != NULL && g_variant_n_children (headers) > 0)
    {
      g_strfreev (file->response_headers);
      file->response_headers = g_variant_dup_strv (headers, NULL);
    }
}

/* Returns: whether there are more bytes than ever before */
static gboolean
take_bytes (FerryFile *file, GVariant *arguments)
{
  guint64 before = file->most_bytes;
  guint64 bytes, total;

  if (g_variant_lookup (arguments, "Total", "t", &total))
    file->bytes_total = total;
  if (g_variant_lookup (arguments, "Bytes", "t", &bytes))
    file->bytes_transferred = MIN (bytes, file->bytes_total);
  file->most_bytes = MAX (before, file->bytes_transferred);
  return file->bytes_transferred > before;
}

static void
update_rate (FerryEngine *self, FerryAttempt *attempt, FerryFile *file)
{
  gint64 now = ferry_engine_now (self);
  gint64 passed = now - attempt->rate_time;
  double rate;

  if (passed < G_USEC_PER_SEC / 4)
    return;
  if (file->bytes_transferred >= attempt->rate_bytes)
    {
      double weight = MIN (1.0, RATE_WEIGHT * MAX (1.0, passed / (double) G_USEC_PER_SEC));

      rate = (file->bytes_transferred - attempt->rate_bytes) * (double) G_USEC_PER_SEC / passed;
      attempt->job->transfer_rate = attempt->job->transfer_rate == 0
                                        ? (guint64) rate
                                        : (guint64) (weight * rate +
                                                     (1 - weight) * attempt->job->transfer_rate);
    }
  attempt->rate_bytes = file->bytes_transferred;
  attempt->rate_time = now;
  attempt->job->rate_time = now;
}

static void
note_connected (FerryEngine *self, FerryAttempt *attempt)
{
  if (ferry_job_state_is_active (attempt->job->state) &&
      attempt->job->state != FERRY_JOB_STATE_TRANSFERRING)
    ferry_engine_move (self, attempt->job, FERRY_JOB_EVENT_CONNECTED);
}

/* == reports while an attempt runs == */

static void
on_response (FerryEngine *self, FerryAttempt *attempt, FerryFile *file, GVariant *arguments)
{
  take_answer (attempt->job, file, arguments);
  take_bytes (file, arguments);
  note_connected (self, attempt);
  ferry_engine_note_accepted (self, attempt->job);
  ferry_job_touch (attempt->job, FERRY_CHANGE_PROGRESS);
  /* Now that its size is known there may be room beside it. */
  if (!file->stopping)
    ferry_engine_feed (self, attempt->job);
}

static void
on_progress (FerryEngine *self, FerryAttempt *attempt, FerryFile *file, GVariant *arguments)
{
  if (take_bytes (file, arguments))
    ferry_engine_note_activity (self, attempt->job);
  note_connected (self, attempt);
  update_rate (self, attempt, file);
  ferry_job_touch (attempt->job, FERRY_CHANGE_PROGRESS);
}

static void
confirm_if_asked (FerryEngine *self, FerryAttempt *attempt, GVariant *arguments)
{
  gboolean confirm = FALSE;

  g_variant_lookup (arguments, "Confirm", "b", &confirm);
  if (confirm)
    ferry_engine_confirm_record (self, attempt);
}

static void
on_checkpoint (FerryEngine *self, FerryAttempt *attempt, FerryFile *file, GVariant *arguments)
{
  take_resume (file, arguments);
  take_bytes (file, arguments);
  /* One of nothing only says that the server is about to be asked. */
  if (file->bytes_transferred > 0)
    {
      ferry_engine_note_activity (self, attempt->job);
      ferry_engine_note_progress (self, attempt->job);
    }
  ferry_job_touch_file (attempt->job, file, FERRY_CHANGE_PROGRESS);
  confirm_if_asked (self, attempt, arguments);
}

static void
on_record (FerryEngine *self, FerryAttempt *attempt, FerryFile *file, GVariant *arguments)
{
  /* A claim about a file that is not sent: of no use. */
  if (!file->is_source)
    return;

  take_resume (file, arguments);
  take_bytes (file, arguments);
  ferry_engine_take_upload_protocol (self, attempt->job, arguments);
  note_connected (self, attempt);
  update_rate (self, attempt, file);
  /* What is acknowledged for the second time, because it had to be sent again, is no progress. */
  if (file->bytes_transferred > file->most_kept)
    {
      ferry_engine_note_accepted (self, attempt->job);
      file->most_kept = file->bytes_transferred;
      ferry_engine_note_activity (self, attempt->job);
      ferry_engine_note_progress (self, attempt->job);
    }
  ferry_job_touch_file (attempt->job, file, FERRY_CHANGE_PROGRESS);
  confirm_if_asked (self, attempt, arguments);
}

static void
on_restarted (FerryEngine *self, FerryAttempt *attempt, FerryFile *file, GVariant *arguments)
{
  g_autofree char *reason = NULL;
  const char *claimed = "remote-file-changed";

  g_variant_lookup (arguments, "Reason", "&s", &claimed);
  reason = ferry_text_clean (claimed, 64);
  ferry_engine_restart_file (self, attempt->job, file, reason);
  file->state = file->stopping ? FERRY_FILE_STATE_PENDING : FERRY_FILE_STATE_TRANSFERRING;
  take_resume (file, arguments);
}

/* == reports that end an attempt == */

/* Takes the attempt out of the tables; @attempt is held by the caller's reference to its job only. */
static void
end_attempt (FerryEngine *self, FerryAttempt *attempt, FerryFile *file)
{
  g_autoptr (FerryJob) job = g_object_ref (attempt->job);
  guint64 id = attempt->id;

  if (file != NULL)
    {
      file->attempt = 0;
      file->stopping = FALSE;
      if (attempt->forgiven && ferry_file_forget_asked (file))
        ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
      if (file->state == FERRY_FILE_STATE_TRANSFERRING)
        file->state = FERRY_FILE_STATE_PENDING;
    }
  g_hash_table_remove (self->attempts, &id);
  ferry_engine_duty_attempt_ended (self, id);
  ferry_engine_completion_attempt_ended (self, job);
  ferry_engine_suspend_attempt_ended (self, job);
  ferry_engine_check_pauses (self);
}

static void
on_done (FerryEngine *self, FerryAttempt *attempt, FerryFile *file, GVariant *arguments)
{
  FerryJob *job = attempt->job;

  take_answer (attempt->job, file, arguments);
  take_resume (file, arguments);
  take_bytes (file, arguments);
  ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
  if (file->is_source && job->type == FERRY_JOB_TYPE_UPLOAD_REPLY &&
      !ferry_engine_take_reply_url (self, job, arguments))
    return;

  ferry_engine_note_accepted (self, job);
  ferry_engine_take_final_url (job, file, arguments);
  /* How large a source is was known before. */
  if (file->is_source && file->bytes_total != FERRY_SIZE_UNKNOWN)
    file->bytes_transferred = file->bytes_total;
  else
    file->bytes_total = file->bytes_transferred;
  file->state = FERRY_FILE_STATE_TRANSFERRED;
  g_clear_pointer (&file->error, ferry_failure_free);
  ferry_engine_note_activity (self, job);
  ferry_engine_note_progress (self, job);
  note_connected (self, attempt);
  if (ferry_file_is_reply (file))
    ferry_engine_reply_done (self, job);
  else
    ferry_engine_emit_after_commit (self, job, "file-transferred", file->index, NULL);
}

static void
on_failed (FerryEngine *self, FerryAttempt *attempt, FerryFile *file, GVariant *arguments)
{
  g_autoptr (GVariant) dict = g_variant_lookup_value (arguments, "Error", G_VARIANT_TYPE_VARDICT);
  gint64 index = ferry_file_get_shown_index (file);
  g_autoptr (FerryFailure) failure = dict != NULL ? ferry_failure_from_variant (dict, index) : NULL;
  FerryJob *job = attempt->job;
  gboolean transient = FALSE;
  gboolean new_bytes = FALSE;
  guint32 retry_after = 0;
  const char *wait_reason = NULL;

  take_answer (attempt->job, file, arguments);
  take_resume (file, arguments);
  take_bytes (file, arguments);
  g_variant_lookup (arguments, "Transient", "b", &transient);
  g_variant_lookup (arguments, "NewBytes", "b", &new_bytes);
  g_variant_lookup (arguments, "RetryAfter", "u", &retry_after);
  g_variant_lookup (arguments, "WaitReason", "&s", &wait_reason);
  if (failure == NULL)
    failure = ferry_failure_new (FERRY_ERROR_WORKER_FAILED, FERRY_ERROR_CONTEXT_QUEUE, index, 0,
                                 "The worker reported a failure without saying which");
  if (file->is_source)
    ferry_engine_take_upload_protocol (self, job, arguments);

  if (new_bytes && file->is_source)
    {
      file->most_kept = MAX (file->most_kept, file->bytes_transferred);
      new_bytes = file->most_kept > attempt->most_kept;
    }
  if (new_bytes)
    ferry_engine_note_activity (self, job);
  ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);

  /* The owner stopped it meanwhile: no news for him. */
  if (file->stopping)
    return;

  ferry_failure_free (file->error);
  file->error = ferry_failure_copy (failure);
  if (transient)
    {
      ferry_engine_fail_transient (self, job, g_steal_pointer (&failure), new_bytes, retry_after,
                                   wait_reason);
      return;
    }

  if (ferry_engine_take_challenge (self, job, arguments, failure))
    return;
  file->state = FERRY_FILE_STATE_FAILED;
  ferry_engine_refuse_alike (job, file, failure);
}

static void
on_new_name (FerryEngine *self, FerryAttempt *attempt, FerryFile *file, GVariant *arguments)
{
  ferry_engine_rename_file (self, attempt->job, file);
  ferry_engine_restart_file (self, attempt->job, file, "temporary-file-lost");
}

static void
on_stopped (FerryEngine *self, FerryAttempt *attempt, FerryFile *file, GVariant *arguments)
{
  take_resume (file, arguments);
  take_bytes (file, arguments);
  ferry_job_touch_file (attempt->job, file, FERRY_CHANGE_PROGRESS);
}

/* == messages == */

typedef void (*ReportFunc) (FerryEngine *self, FerryAttempt *attempt, FerryFile *file,
                            GVariant *arguments);

static const struct
{
  const char *kind;
  ReportFunc func;
  gboolean ends;
} reports[] = {
  { "response", on_response, FALSE },     { "progress", on_progress, FALSE },
  { "checkpoint", on_checkpoint, FALSE }, { "record", on_record, FALSE },
  { "restarted", on_restarted, FALSE },   { "done", on_done, TRUE },
  { "failed", on_failed, TRUE },          { "new-name", on_new_name, TRUE },
  { "stopped", on_stopped, TRUE },
};

static ReportFunc
find_report (const char *kind, gboolean *ends)
{
  for (guint i = 0; i < G_N_ELEMENTS (reports); i++)
    {
      if (g_str_equal (reports[i].kind, kind))
        {
          *ends = reports[i].ends;
          return reports[i].func;
        }
    }

  return NULL;
}

void
ferry_engine_worker_message_cb (FerryWorkers *workers, guint uid, const char *kind,
                                GVariant *arguments, gpointer data)
{
  FerryEngine *self = data;
  g_autoptr (FerryJob) job = NULL;
  FerryAttempt *attempt = NULL;
  FerryFile *file;
  ReportFunc func;
  gboolean ends;
  guint64 id;

  func = find_report (kind, &ends);
  if (g_variant_lookup (arguments, "Attempt", "t", &id))
    attempt = g_hash_table_lookup (self->attempts, &id);

  if (func == NULL || (attempt != NULL && attempt->uid != uid))
    {
      g_warning ("The worker of uid %u sends what it must not; it is stopped", uid);
      ferry_workers_kill (workers, uid);
      return;
    }
  /* One that has ended already (after a failed commit), or never was: it can say what it wants. */
  if (attempt == NULL)
    return;

  job = g_object_ref (attempt->job);
  file = get_file (attempt);
  ferry_engine_duty_note_report (self, attempt->id, arguments);
  /* Files of a final job, or removed ones: only the end of the attempt matters. */
  if (file != NULL && !ferry_job_state_is_final (job->state))
    func (self, attempt, file, arguments);
  if (!ends)
    return;

  /* What the report did may have freed nothing but changed much: look again. */
  end_attempt (self, attempt, get_file (attempt));
  ferry_engine_feed (self, job);
  ferry_engine_reschedule (self);
}

void
ferry_engine_worker_up_cb (FerryWorkers *workers, guint uid, gpointer data)
{
  FerryEngine *self = data;
  g_autoptr (GPtrArray) jobs = ferry_engine_list_live (self);

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);

      if (job->owner == uid)
        ferry_engine_feed (self, job);
    }
  ferry_engine_reschedule (self);
}

/* What a worker wrote since its last checkpoint is not counted on once it is gone. */
static void
drop_unsynced (FerryFile *file)
{
  guint64 offset = 0;

  if (file->resume != NULL)
    g_variant_lookup (file->resume, "Offset", "t", &offset);
  file->bytes_transferred = MIN (file->bytes_transferred, offset);
}

/* Its attempts are void. A job that only waited for the worker fails too, so that its owner sees why; not for a worker
 * that was let go as idle just when the job came: that one is no failure, and the next is on its way. */
void
ferry_engine_worker_down_cb (FerryWorkers *workers, guint uid, const char *reason, gpointer data)
{
  FerryEngine *self = data;
  g_autoptr (GList) attempts = g_hash_table_get_values (self->attempts);
  g_autoptr (GPtrArray) jobs = ferry_queue_list (self->queue, uid);
  gboolean failed = ferry_workers_get_next_start (workers, uid) != 0;

  for (GList *l = attempts; l != NULL; l = l->next)
    {
      FerryAttempt *attempt = l->data;
      FerryFile *file = get_file (attempt);

      if (attempt->uid != uid)
        continue;
      if (file != NULL)
        drop_unsynced (file);
      end_attempt (self, attempt, file);
    }

  for (guint i = 0; failed && i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);
      g_autofree char *message = NULL;

      if (!ferry_job_state_is_active (job->state) || ferry_engine_is_completing (self, job))
        continue;
      message = g_strdup_printf ("The worker process ended: %s", reason);
      ferry_engine_fail_transient (self, job,
                                   ferry_failure_new (FERRY_ERROR_WORKER_FAILED,
                                                      FERRY_ERROR_CONTEXT_QUEUE, -1, 0, message),
                                   FALSE, 0, NULL);
    }
  ferry_engine_reschedule (self);
}
