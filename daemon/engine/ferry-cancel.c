/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cancel: final at once, and then the files go. */

#include "ferry-engine-private.h"

static void
cancelled_cb (const GError *error, gpointer data)
{
  g_autoptr (GTask) task = data;

  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_boolean (task, TRUE);
}

typedef struct
{
  FerryJob *job;        /* (owned) */
  FerryFailure *reason; /* (owned) (nullable) */
} Cancellation;

static void
cancellation_free (gpointer data)
{
  Cancellation *cancellation = data;

  g_object_unref (cancellation->job);
  ferry_failure_free (cancellation->reason);
  g_free (cancellation);
}

static void
cancel (FerryEngine *self, GTask *task)
{
  Cancellation *cancellation = g_task_get_task_data (task);
  FerryJob *job = cancellation->job;
  GError *error = NULL;

  if (!ferry_engine_check_open (self, job, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  ferry_engine_note_activity (self, job);
  ferry_engine_stop_attempts (self, job);
  ferry_engine_abandon_upload (self, job);
  for (guint i = 0; i < job->files->len; i++)
    {
      FerryFile *file = g_ptr_array_index (job->files, i);

      if (file->state != FERRY_FILE_STATE_PUBLISHED)
        ferry_engine_drop_file (self, job, file);
    }

  g_clear_pointer (&job->secrets, ferry_secrets_free);
  ferry_job_set_error (job, g_steal_pointer (&cancellation->reason));
  ferry_engine_move (self, job, FERRY_JOB_EVENT_CANCEL);
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  ferry_engine_after_duties (self, job->id, cancelled_cb, g_object_ref (task));
}

/* Publication cannot be taken back half way. When it is done the job is final, and that is said; when it failed there is
 * something to cancel. */
static void
published_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  guint published, discarded;

  ferry_engine_complete_finish (FERRY_ENGINE (source), result, &published, &discarded, NULL);
  cancel (FERRY_ENGINE (source), task);
}

void
ferry_engine_cancel_async (FerryEngine *self, FerryJob *job, FerryFailure *reason,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Cancellation *cancellation = g_new0 (Cancellation, 1);

  cancellation->job = g_object_ref (job);
  cancellation->reason = reason;
  g_task_set_source_tag (task, ferry_engine_cancel_async);
  g_task_set_task_data (task, cancellation, cancellation_free);
  if (ferry_engine_is_completing (self, job))
    ferry_engine_complete_async (self, job, published_cb, g_steal_pointer (&task));
  else
    cancel (self, task);
}

gboolean
ferry_engine_cancel_finish (FerryEngine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
