/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failures, retries, the network. DESIGN section 5. */

#include "ferry-engine-private.h"

#include "ferry-backoff.h"

/* A worker that dies is our trouble, not the server's: there is nobody to be polite to, so that no job waits for its
 * MinimumRetryDelay because of it. One that dies of this very job again and again is tried less often. */
#define WORKER_RETRY_MAX      (5 * G_USEC_PER_SEC)
#define WORKER_RETRY_MANY     10
#define WORKER_RETRY_MANY_MAX (60 * G_USEC_PER_SEC)

/* == reaching == */

static const char *
get_next_url (FerryJob *job)
{
  for (guint i = 0; i < job->files->len; i++)
    {
      const FerryFile *file = g_ptr_array_index (job->files, i);

      if (!ferry_file_is_whole (file) && file->state != FERRY_FILE_STATE_FAILED)
        return file->remote_url;
    }

  return NULL;
}

gboolean
ferry_engine_can_reach (FerryEngine *self, FerryJob *job)
{
  g_autoptr (GUri) uri = NULL;
  const char *url;

  if (self->network_available)
    return TRUE;

  url = get_next_url (job);
  uri = url != NULL ? g_uri_parse (url, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, NULL)
                    : NULL;
  return uri == NULL || ferry_network_can_reach (self->network, g_uri_get_host (uri));
}

void
ferry_engine_network_changed_cb (FerryNetwork *network, gpointer data)
{
  FerryEngine *self = data;
  g_autoptr (GPtrArray) jobs = ferry_engine_list_live (self);
  gboolean available = ferry_network_is_available (network);
  gboolean returned = available && !self->network_available;

  self->network_available = available;
  if (returned)
    ferry_engine_retry_cancellations (self);
  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);

      if (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR)
        {
          /* All go on at once when the network returns, whatever they failed of. That some address or route changes,
           * as it does all the time where containers come and go, is no such return. */
          if (job->transient_reasons & 1u << FERRY_WAIT_REASON_CREDENTIALS)
            continue;
          if (returned || (available && job->next_attempt == 0))
            ferry_engine_move (self, job, FERRY_JOB_EVENT_RETRY);
        }
      else if (!ferry_engine_can_reach (self, job))
        {
          ferry_engine_stop_attempts (self, job);
          ferry_engine_fail_transient (self, job, NULL, FALSE, 0, "network");
        }
    }
  ferry_engine_reschedule (self);
}

/* == failing == */

void
ferry_engine_note_progress (FerryEngine *self, FerryJob *job)
{
  if (job->failures == 0 && job->no_progress_since < 0)
    return;

  job->failures = 0;
  job->no_progress_since = -1;
  ferry_job_touch (job, FERRY_CHANGE_JOB);
}

void
ferry_engine_fail (FerryEngine *self, FerryJob *job, FerryFailure *failure)
{
  if (ferry_job_state_is_final (job->state))
    {
      ferry_failure_free (failure);
      return;
    }

  ferry_job_set_error (job, failure);
  job->error_count++;
  job->slice = 0;
  ferry_engine_note_activity (self, job);
  ferry_engine_stop_attempts (self, job);
  ferry_engine_move (self, job, FERRY_JOB_EVENT_FAIL);
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  ferry_engine_emit_after_commit (self, job, "failed", -1, NULL);
}

static gint64
get_delay (FerryJob *job, const FerryFailure *failure, guint32 retry_after)
{
  gint64 delay = ferry_backoff_get_delay (job->failures, job->minimum_retry_delay,
                                          g_random_double ());

  if (failure->code == FERRY_ERROR_WORKER_FAILED)
    delay = MIN (delay,
                 job->failures > WORKER_RETRY_MANY ? WORKER_RETRY_MANY_MAX : WORKER_RETRY_MAX);
  return MAX (delay, (gint64) retry_after * G_USEC_PER_SEC);
}

/* BITS: with no time to wait in, the first error is final. */
static gboolean
retries (FerryJob *job)
{
  return job->no_progress_timeout != 0 && job->minimum_retry_delay <= job->no_progress_timeout;
}

static guint
get_reasons (guint32 retry_after, const char *wait_reason)
{
  FerryWaitReason reason;

  if (ferry_wait_reason_from_string (wait_reason, &reason))
    {
      /* What has no event that tells of its end is tried again after a time. */
      if (reason == FERRY_WAIT_REASON_NETWORK || reason == FERRY_WAIT_REASON_CREDENTIALS)
        return 1u << reason;
      return (1u << reason) | (1u << FERRY_WAIT_REASON_RETRY);
    }
  return 1u << (retry_after != 0 ? FERRY_WAIT_REASON_RETRY_AFTER : FERRY_WAIT_REASON_RETRY);
}

/* Counts a failure and says when it is tried again. Returns: %FALSE when it is final after all */
static gboolean
record (FerryEngine *self, FerryJob *job, FerryFailure *failure, gboolean new_bytes,
        guint32 retry_after)
{
  gint64 now = ferry_service_time_get (self->service_time);
  gint64 delay;

  if (new_bytes)
    ferry_engine_note_progress (self, job);
  if (job->no_progress_since < 0)
    job->no_progress_since = now;
  job->failures++;
  if (!retries (job))
    return FALSE;

  job->error_count++;
  delay = get_delay (job, failure, retry_after);
  job->next_attempt = ferry_engine_now (self) + delay;
  job->next_attempt_wall = ferry_clock_get_wall (self->clock) + delay;
  return TRUE;
}

void
ferry_engine_fail_transient (FerryEngine *self, FerryJob *job, FerryFailure *failure,
                             gboolean new_bytes, guint32 retry_after, const char *wait_reason)
{
  if (failure != NULL)
    {
      if (!record (self, job, failure, new_bytes, retry_after))
        {
          ferry_engine_fail (self, job, failure);
          return;
        }
      ferry_job_set_error (job, failure);
    }
  if (failure != NULL || wait_reason != NULL)
    job->transient_reasons = get_reasons (retry_after, wait_reason);
  if (wait_reason != NULL && failure == NULL)
    {
      job->next_attempt = 0;
      job->next_attempt_wall = 0;
      /* No error, but no progress either. */
      if (job->no_progress_since < 0)
        job->no_progress_since = ferry_service_time_get (self->service_time);
    }

  /* Others of its files may still run to their end. */
  job->draining = TRUE;
  if (ferry_job_state_is_active (job->state) && ferry_job_has_running_attempts (job))
    {
      ferry_job_touch (job, FERRY_CHANGE_PROGRESS);
      return;
    }

  ferry_engine_move (self, job, FERRY_JOB_EVENT_FAIL_TRANSIENT);
  job->wait_reasons = job->transient_reasons;
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  ferry_engine_arm_deadlines (self);
}
