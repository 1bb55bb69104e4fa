/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New jobs and new files: all or nothing, and durable before the answer. */

#include "ferry-targets.h"

typedef struct
{
  FerryJob *job;    /* (owned) */
  uid_t owner;      /* of @job, whose worker is asked */
  GPtrArray *files; /* (owned) (element-type FerryFile) */
  FerryFile *reply; /* (owned) (nullable): of an upload-reply, until it is the job's */
  gboolean resume;
  guint first_index;
} Submission;

static void
submission_free (gpointer data)
{
  Submission *submission = data;

  g_object_unref (submission->job);
  g_ptr_array_unref (submission->files);
  ferry_file_free (submission->reply);
  g_free (submission);
}

/* Takes @files (nullable). */
static GTask *
new_task (FerryEngine *self, FerryJob *job, GPtrArray *files, GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Submission *submission = g_new0 (Submission, 1);

  submission->job = g_object_ref (job);
  submission->owner = job->owner;
  submission->files = files != NULL
                          ? files
                          : g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_file_free);
  g_task_set_task_data (task, submission, submission_free);
  return task;
}

static guint
get_most_ranges (GPtrArray *files)
{
  guint most = 0;

  for (guint i = 0; i < files->len; i++)
    {
      const FerryFile *file = g_ptr_array_index (files, i);

      if (file->ranges != NULL)
        most = MAX (most, file->ranges->len);
    }
  return most;
}

/* Two files of one job with one target would overwrite each other. */
static gboolean
check_targets_differ (FerryJob *job, GPtrArray *files, GError **error)
{
  g_autoptr (GHashTable) paths = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < job->files->len; i++)
    g_hash_table_add (paths, ((FerryFile *) g_ptr_array_index (job->files, i))->local_path);
  for (guint i = 0; i < files->len; i++)
    {
      const FerryFile *file = g_ptr_array_index (files, i);

      if (!g_hash_table_add (paths, file->local_path))
        {
          g_set_error (error, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS,
                       "Two files of the job have the same target '%s'", file->local_path);
          return FALSE;
        }
    }
  return TRUE;
}

/* An upload sends one file. */
static gboolean
check_file_count (FerryJob *job, GPtrArray *files, GError **error)
{
  guint count = ferry_job_count_files (job) + files->len;

  if (!ferry_job_is_upload (job) || count <= 1 || files->len == 0)
    return TRUE;

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_FILES,
               "A job of type %s takes one file, and this would make it %u",
               ferry_job_type_to_string (job->type), count);
  return FALSE;
}

static gboolean
check_files (FerryEngine *self, Submission *submission, gboolean new_job, GError **error)
{
  FerryJob *job = submission->job;
  GPtrArray *files = submission->files;

  return check_file_count (job, files, error) && check_targets_differ (job, files, error) &&
         ferry_engine_check_limits (self, job, new_job, files->len, get_most_ranges (files), error);
}

/* Asks the owner's worker about the files, and where there is one about the place of the reply; that of a job without a
 * file yet is only looked at. */
static void
ask_worker (FerryEngine *self, GTask *task, pid_t pid, GAsyncReadyCallback callback)
{
  Submission *submission = g_task_get_task_data (task);
  FerryJob *job = submission->job;
  g_autoptr (GPtrArray) asked = g_ptr_array_new ();
  const FerryFile *source = NULL;

  for (guint i = 0; i < submission->files->len; i++)
    {
      FerryFile *file = g_ptr_array_index (submission->files, i);

      file->is_source = ferry_job_is_upload (job);
      source = file;
      g_ptr_array_add (asked, file);
    }
  if (job->type == FERRY_JOB_TYPE_UPLOAD_REPLY)
    submission->reply = ferry_engine_new_reply (job, source);
  if (submission->reply != NULL && *job->reply_path != '\0')
    g_ptr_array_add (asked, submission->reply);
  ferry_targets_check_async (self, job->owner, pid, FALSE, asked, callback, g_object_ref (task));
}

/* The owner may have set another one while the worker looked at this one. */
static gboolean
check_same_reply (Submission *submission, GError **error)
{
  const char *path = submission->job->reply_path;

  if (submission->reply == NULL || submission->files->len == 0 ||
      g_str_equal (submission->reply->local_path,
                   *path != '\0' ? path : ((FerryFile *) submission->files->pdata[0])->local_path))
    return TRUE;

  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                       "ReplyPath was changed while the file was added; try again");
  return FALSE;
}

static void
move_files (FerryEngine *self, Submission *submission)
{
  gboolean any = submission->files->len > 0;

  submission->first_index = submission->job->next_index;
  while (submission->files->len > 0)
    {
      FerryFile *file = g_ptr_array_steal_index (submission->files, 0);

      ferry_job_add_file (submission->job, file);
      ferry_engine_hold_file (self, submission->job, file);
    }
  if (any && submission->reply != NULL)
    {
      FerryFile *reply = g_steal_pointer (&submission->reply);

      ferry_job_add_reply (submission->job, reply);
      ferry_engine_hold_file (self, submission->job, reply);
    }
}

/* == CreateJob, SubmitJob == */

static void
enter_queue (FerryEngine *self, GTask *task)
{
  Submission *submission = g_task_get_task_data (task);
  FerryJob *job = submission->job;

  job->creation_time = ferry_clock_get_wall (self->clock);
  ferry_engine_note_activity (self, job);
  ferry_queue_add (self->queue, job);
  ferry_engine_record_created (self, job);
  move_files (self, submission);
  ferry_engine_trim_final_jobs (self, job->owner);
  ferry_job_touch (job, FERRY_CHANGE_JOB | FERRY_CHANGE_FILES);
  if (submission->resume)
    ferry_engine_resume (self, job, NULL);
  ferry_engine_return_after_commit (self, task);
}

static void
submit_checked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FerryEngine *self = FERRY_ENGINE (source);
  g_autoptr (GTask) task = data;
  Submission *submission = g_task_get_task_data (task);
  GError *error = NULL;

  /* The limits once more: others may have come in meanwhile. */
  if (!ferry_targets_check_finish (self, result, &error) ||
      !check_files (self, submission, TRUE, &error))
    g_task_return_error (task, error);
  else
    enter_queue (self, task);
}

void
ferry_engine_submit_async (FerryEngine *self, FerryJob *job, GPtrArray *files, pid_t pid,
                           gboolean resume, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = new_task (self, job, files, callback, user_data);
  Submission *submission = g_task_get_task_data (task);
  GError *error = NULL;

  submission->resume = resume;
  g_task_set_source_tag (task, ferry_engine_submit_async);
  if (resume && submission->files->len == 0)
    g_task_return_new_error (task, FERRY_ERROR, FERRY_ERROR_EMPTY_JOB,
                             "A job without files cannot be started");
  else if (!check_files (self, submission, TRUE, &error))
    g_task_return_error (task, error);
  else
    ask_worker (self, task, pid, submit_checked_cb);
}

gboolean
ferry_engine_submit_finish (FerryEngine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* == AddFile, AddFiles == */

static void
added_cb (const GError *error, gpointer data)
{
  g_autoptr (GTask) task = data;
  Submission *submission = g_task_get_task_data (task);

  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_int (task, submission->first_index);
}

static void
add_checked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FerryEngine *self = FERRY_ENGINE (source);
  g_autoptr (GTask) task = data;
  Submission *submission = g_task_get_task_data (task);
  FerryJob *job = submission->job;
  GError *error = NULL;

  if (!ferry_targets_check_finish (self, result, &error) ||
      !ferry_engine_check_open (self, job, &error) ||
      !ferry_targets_check_owner (job, submission->owner, &error) ||
      !check_files (self, submission, FALSE, &error) || !check_same_reply (submission, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  ferry_engine_note_activity (self, job);
  move_files (self, submission);
  ferry_store_after_commit (self->store, added_cb, g_steal_pointer (&task));
}

void
ferry_engine_add_files_async (FerryEngine *self, FerryJob *job, GPtrArray *files, pid_t pid,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = new_task (self, job, files, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, ferry_engine_add_files_async);
  if (!ferry_engine_check_open (self, job, &error) ||
      !check_files (self, g_task_get_task_data (task), FALSE, &error))
    g_task_return_error (task, error);
  else
    ask_worker (self, task, pid, add_checked_cb);
}

gint64
ferry_engine_add_files_finish (FerryEngine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), -1);
  return g_task_propagate_int (G_TASK (result), error);
}
