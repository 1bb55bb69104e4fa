/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resume: what failed is tried again; and what must not be sent twice may be sent once more, since its owner says so. */

#include "ferry-engine-private.h"

/* What runs is not sent anew by a Resume, so that nothing is forgiven; what was told to stop is when it has. */
static void
forgive (FerryEngine *self, FerryJob *job)
{
  for (guint i = 0; i < job->files->len; i++)
    {
      FerryFile *file = g_ptr_array_index (job->files, i);
      FerryAttempt *attempt = g_hash_table_lookup (self->attempts, &file->attempt);

      if (attempt != NULL && !file->stopping)
        continue;
      if (attempt != NULL)
        attempt->forgiven = TRUE;
      if (ferry_file_forget_asked (file))
        ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
    }
}

gboolean
ferry_engine_resume_by_itself (FerryEngine *self, FerryJob *job, GError **error)
{
  if (!ferry_engine_check_open (self, job, error))
    return FALSE;
  if (job->files->len == 0)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_EMPTY_JOB,
                           "The job has no files; add one before it is resumed");
      return FALSE;
    }
  if (job->state == FERRY_JOB_STATE_QUEUED || ferry_job_state_is_active (job->state))
    return TRUE;

  ferry_engine_note_activity (self, job);
  for (guint i = 0; i < job->files->len; i++)
    {
      FerryFile *file = g_ptr_array_index (job->files, i);

      if (file->state == FERRY_FILE_STATE_FAILED)
        {
          file->state = FERRY_FILE_STATE_PENDING;
          g_clear_pointer (&file->error, ferry_failure_free);
          ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
        }
    }
  job->failures = 0;
  job->no_progress_since = -1;
  job->active_time = 0;
  ferry_job_set_error (job, NULL);

  if (ferry_job_is_whole (job))
    {
      if (job->state != FERRY_JOB_STATE_TRANSFERRED)
        ferry_engine_finish (self, job);
      return TRUE;
    }

  ferry_engine_move (self, job, FERRY_JOB_EVENT_RESUME);
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  return TRUE;
}

gboolean
ferry_engine_resume (FerryEngine *self, FerryJob *job, GError **error)
{
  if (!ferry_engine_check_open (self, job, error))
    return FALSE;

  forgive (self, job);
  return ferry_engine_resume_by_itself (self, job, error);
}
