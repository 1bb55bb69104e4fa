/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The timers of jobs. Two of the clock's timers serve all: one for jobs that live (retry, no progress, maximum time),
 * planned anew with every turn; one for days and weeks (inactivity, retention), which is only ever set too early and
 * looks at all jobs when it fires. */

#include "ferry-engine-private.h"

#define HOUR (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)
#define DAY  (24 * HOUR)

/* == time in action == */

void
ferry_engine_start_active_time (FerryEngine *self, FerryJob *job)
{
  job->active_since = ferry_engine_now (self);
}

static gint64
get_active_time (FerryEngine *self, FerryJob *job)
{
  gint64 running = job->active_since != 0 ? ferry_engine_now (self) - job->active_since : 0;

  return job->active_time + running;
}

void
ferry_engine_stop_active_time (FerryEngine *self, FerryJob *job)
{
  job->active_time = get_active_time (self, job);
  job->active_since = 0;
}

/* µs; the policy is a ceiling, a job may set less. */
static gint64
get_maximum_time (FerryEngine *self, FerryJob *job)
{
  gint64 ceiling = ferry_policy_get (self->policy, FERRY_POLICY_MAX_DOWNLOAD_TIME);

  if (job->maximum_download_time != 0)
    ceiling = MIN (ceiling, job->maximum_download_time);
  return ceiling * G_USEC_PER_SEC;
}

/* == jobs that live == */

/* Boot time of the job's next deadline, 0 = none. */
static gint64
get_live_deadline (FerryEngine *self, FerryJob *job)
{
  gint64 deadline = 0;

  /* What is being published neither fails nor starts; when that is done all is planned anew. */
  if (ferry_engine_is_completing (self, job))
    return 0;
  if (ferry_job_state_is_active (job->state))
    return ferry_engine_now (self) + get_maximum_time (self, job) - get_active_time (self, job);
  if (job->state != FERRY_JOB_STATE_TRANSIENT_ERROR)
    return 0;

  deadline = job->next_attempt;
  if (job->no_progress_since >= 0 && job->no_progress_timeout != 0)
    {
      gint64 end = job->no_progress_since + (gint64) job->no_progress_timeout * G_USEC_PER_SEC;
      gint64 boot = ferry_service_time_to_boot (self->service_time, end);

      deadline = deadline == 0 ? boot : MIN (deadline, boot);
    }
  return deadline;
}

static void
fail_without_progress (FerryEngine *self, FerryJob *job)
{
  g_autofree char *message = g_strdup_printf ("No progress for %u s; the last error was: %s",
                                              job->no_progress_timeout,
                                              job->error != NULL ? job->error->message
                                                                 : "no network");

  ferry_engine_fail (self, job,
                     ferry_failure_new (FERRY_ERROR_NO_PROGRESS, FERRY_ERROR_CONTEXT_TRANSPORT,
                                        job->error != NULL ? job->error->file : -1, 0, message));
}

static void
act_on_live_deadline (FerryEngine *self, FerryJob *job)
{
  gint64 now = ferry_service_time_get (self->service_time);

  if (ferry_job_state_is_active (job->state))
    {
      g_autofree char *message = g_strdup_printf (
          "The job has been transferring for %" G_GINT64_FORMAT " s",
          get_maximum_time (self, job) / G_USEC_PER_SEC);

      ferry_engine_fail (self, job,
                         ferry_failure_new (FERRY_ERROR_MAXIMUM_TIME_EXCEEDED,
                                            FERRY_ERROR_CONTEXT_QUEUE, -1, 0, message));
    }
  else if (job->no_progress_since >= 0 && job->no_progress_timeout != 0 &&
           now - job->no_progress_since >= (gint64) job->no_progress_timeout * G_USEC_PER_SEC)
    fail_without_progress (self, job);
  else
    ferry_engine_move (self, job, FERRY_JOB_EVENT_RETRY);
}

static void
live_timer_cb (gpointer data)
{
  FerryEngine *self = data;
  g_autoptr (GPtrArray) jobs = ferry_engine_list_live (self);
  gint64 now = ferry_engine_now (self);

  self->live_timer = 0;
  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);
      gint64 deadline = get_live_deadline (self, job);

      if (deadline != 0 && deadline <= now)
        act_on_live_deadline (self, job);
    }
  ferry_engine_arm_deadlines (self);
}

void
ferry_engine_arm_deadlines (FerryEngine *self)
{
  gint64 next = 0;
  GHashTableIter iter;
  gpointer job;

  /* The clock goes on in a sleep: what fell due in it is looked at when the pause is over. */
  ferry_clock_clear (self->clock, &self->live_timer);
  if (self->paused_since != 0)
    return;

  g_hash_table_iter_init (&iter, self->live);
  while (g_hash_table_iter_next (&iter, &job, NULL))
    {
      gint64 deadline = get_live_deadline (self, job);

      if (deadline != 0 && (next == 0 || deadline < next))
        next = deadline;
    }

  if (next != 0)
    self->live_timer = ferry_clock_add (self->clock, next, live_timer_cb, self);
}

/* == days and weeks == */

/* Boot time when @job is removed (final) or cancelled (all others). */
static gint64
get_slow_deadline (FerryEngine *self, FerryJob *job)
{
  gint64 now = ferry_engine_now (self);
  gint64 timeout, end;

  if (ferry_job_state_is_final (job->state))
    {
      timeout = (gint64) ferry_policy_get (self->policy, FERRY_POLICY_FINISHED_JOB_RETENTION) *
                G_USEC_PER_SEC;
      return now + MAX (job->final_time + timeout - ferry_clock_get_wall (self->clock), 0);
    }

  timeout = (gint64) ferry_policy_get (self->policy, FERRY_POLICY_JOB_INACTIVITY_TIMEOUT) * DAY;
  end = ferry_service_time_to_boot (self->service_time, job->activity_time + timeout);
  /* Nothing is cancelled in the first hour after a start: owners may come back first. */
  return MAX (end, ferry_service_time_get_start (self->service_time) + HOUR);
}

gboolean
ferry_engine_expires_soon (FerryEngine *self, FerryJob *job)
{
  return !ferry_job_state_is_final (job->state) &&
         (ferry_service_time_is_doubtful (self->service_time) ||
          get_slow_deadline (self, job) <= ferry_engine_now (self) + HOUR);
}

static void
cancelled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_engine_cancel_finish (FERRY_ENGINE (source), result, &error))
    g_warning ("Cancelling an inactive job failed: %s", error->message);
}

static void
act_on_slow_deadline (FerryEngine *self, FerryJob *job)
{
  g_autofree char *message = NULL;

  if (ferry_job_state_is_final (job->state))
    {
      ferry_queue_remove (self->queue, job);
      return;
    }
  if (ferry_engine_is_completing (self, job))
    return;

  message = g_strdup_printf ("Nothing happened to the job for %" G_GUINT64_FORMAT " days",
                             ferry_policy_get (self->policy, FERRY_POLICY_JOB_INACTIVITY_TIMEOUT));
  ferry_engine_cancel_async (self, job,
                             ferry_failure_new (FERRY_ERROR_INACTIVITY_TIMEOUT,
                                                FERRY_ERROR_CONTEXT_QUEUE, -1, 0, message),
                             cancelled_cb, NULL);
}

/* Final jobs count in no limit, so that something else must keep a user from filling memory and disk with jobs that he
 * creates and cancels all day: the oldest of them go early. */
void
ferry_engine_trim_final_jobs (FerryEngine *self, uid_t uid)
{
  g_autoptr (GPtrArray) jobs = NULL;
  guint n_final = 0;

  if (ferry_queue_count_final (self->queue, uid) <= FERRY_MAX_FINAL_JOBS)
    return;

  jobs = ferry_queue_list (self->queue, uid);
  for (guint i = jobs->len; i > 0; i--)
    {
      FerryJob *job = g_ptr_array_index (jobs, i - 1);

      if (ferry_job_state_is_final (job->state) && ++n_final > FERRY_MAX_FINAL_JOBS)
        ferry_queue_remove (self->queue, job);
    }
}

static void slow_timer_cb (gpointer data);

static void
arm_slow_timer (FerryEngine *self, gint64 deadline)
{
  ferry_clock_clear (self->clock, &self->slow_timer);
  self->slow_deadline = deadline;
  if (deadline != 0)
    self->slow_timer = ferry_clock_add (self->clock, deadline, slow_timer_cb, self);
}

static void
slow_timer_cb (gpointer data)
{
  FerryEngine *self = data;
  g_autoptr (GPtrArray) jobs = ferry_queue_list_all (self->queue);
  gint64 now = ferry_engine_now (self);

  self->slow_timer = 0;
  self->slow_deadline = 0;
  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);

      if (get_slow_deadline (self, job) <= now)
        act_on_slow_deadline (self, job);
    }
  ferry_engine_rescan_deadlines (self);
}

void
ferry_engine_rescan_deadlines (FerryEngine *self)
{
  g_autoptr (GPtrArray) jobs = ferry_queue_list_all (self->queue);
  gint64 next = 0;

  for (guint i = 0; i < jobs->len; i++)
    {
      gint64 deadline = get_slow_deadline (self, g_ptr_array_index (jobs, i));

      if (next == 0 || deadline < next)
        next = deadline;
    }
  arm_slow_timer (self, next);
  ferry_engine_arm_deadlines (self);
}

void
ferry_engine_note_slow_deadline (FerryEngine *self, FerryJob *job)
{
  gint64 deadline = get_slow_deadline (self, job);

  if (self->slow_deadline == 0 || deadline < self->slow_deadline)
    arm_slow_timer (self, deadline);
}

void
ferry_engine_clear_deadlines (FerryEngine *self)
{
  ferry_clock_clear (self->clock, &self->live_timer);
  ferry_clock_clear (self->clock, &self->slow_timer);
  self->slow_deadline = 0;
}
