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

void
ferry_engine_cancel_async (FerryEngine *self, FerryJob *job, FerryFailure *reason,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (FerryFailure) owned_reason = reason;
  GError *error = NULL;

  g_task_set_source_tag (task, ferry_engine_cancel_async);
  if (!ferry_engine_check_open (self, job, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  ferry_engine_note_activity (self, job);
  ferry_engine_stop_attempts (self, job);
  for (guint i = 0; i < job->files->len; i++)
    {
      FerryFile *file = g_ptr_array_index (job->files, i);

      if (file->state != FERRY_FILE_STATE_PUBLISHED)
        ferry_engine_drop_file (self, job, file);
    }

  g_clear_pointer (&job->secret_headers, g_strfreev);
  ferry_job_set_error (job, g_steal_pointer (&owned_reason));
  ferry_engine_move (self, job, FERRY_JOB_EVENT_CANCEL);
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  ferry_engine_after_duties (self, job->id, cancelled_cb, g_steal_pointer (&task));
}

gboolean
ferry_engine_cancel_finish (FerryEngine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
