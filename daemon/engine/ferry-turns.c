/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who runs, and what of a job is given to its worker. */

#include "ferry-engine-private.h"

#include "ferry-scheduler.h"

/* Files of a job beside each other, and up to what size they are small enough for that. */
#define MAX_FILES_AT_ONCE 6
#define SMALL_FILE        (1024 * 1024)

/* µs; so that twice as much, added to a time, is one still. */
#define MAX_SLICE (G_MAXINT64 / 4)

/* Bytes of a frame around the arguments of a "start", with room to spare. */
#define FRAME_HEAD 64

static void turn_timer_cb (gpointer data);

/* == planning == */

/* What keeps a queued job from being a candidate, as a bit of wait_reasons; 0 = nothing. */
static guint
get_obstacle (FerryEngine *self, FerryJob *job)
{
  if (ferry_job_lacks_secrets (job))
    return 1u << FERRY_WAIT_REASON_CREDENTIALS;
  if (ferry_workers_get_next_start (self->workers, job->owner) > ferry_engine_now (self))
    return 1u << FERRY_WAIT_REASON_WORKER;
  return 0;
}

/* Of two times the earlier one; 0 = none. */
static gint64
get_earlier (gint64 a, gint64 b)
{
  if (a == 0 || b == 0)
    return MAX (a, b);
  return MIN (a, b);
}

static void
set_wait_reasons (FerryJob *job, guint reasons)
{
  if (job->wait_reasons == reasons)
    return;
  job->wait_reasons = reasons;
  ferry_job_touch (job, FERRY_CHANGE_PROGRESS);
}

/* == who was served how much == */

/* A user who comes anew starts level with the one served least, so that past idleness is no claim and past service
 * no debt. */
static gint64 *
get_served (FerryEngine *self, uid_t uid)
{
  gint64 *served = g_hash_table_lookup (self->served, GUINT_TO_POINTER (uid));
  gint64 least = G_MAXINT64;
  GHashTableIter iter;
  gpointer value;

  if (served != NULL)
    return served;

  g_hash_table_iter_init (&iter, self->served);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    least = MIN (least, *(gint64 *) value);
  served = g_new (gint64, 1);
  *served = least == G_MAXINT64 ? 0 : least;
  g_hash_table_insert (self->served, GUINT_TO_POINTER (uid), served);
  return served;
}

/* Adds the time since the last plan to what the running users have got. */
static void
account (FerryEngine *self)
{
  gint64 now = ferry_engine_now (self);
  gint64 passed = now - self->last_plan;
  GHashTableIter iter;
  gpointer key;

  self->last_plan = now;
  if (g_hash_table_size (self->live) == 0)
    g_hash_table_remove_all (self->served);

  g_hash_table_iter_init (&iter, self->live);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const FerryJob *job = key;

      if (ferry_job_state_is_active (job->state) && job->priority != FERRY_PRIORITY_FOREGROUND)
        *get_served (self, job->owner) += passed;
    }
}

/* == files that could be started == */

static gboolean
is_startable (FerryJob *job, FerryFile *file)
{
  return file->state == FERRY_FILE_STATE_PENDING && file->attempt == 0 && file->unstored == 0 &&
         (!ferry_file_is_reply (file) || ferry_engine_may_start_reply (job, file));
}

static FerryFile *
find_pending (FerryJob *job)
{
  for (guint i = 0; i < job->files->len; i++)
    {
      FerryFile *file = g_ptr_array_index (job->files, i);

      if (is_startable (job, file))
        return file;
    }

  return NULL;
}

/* Whether files wait for the commit that makes their names known to us after a crash. */
static gboolean
has_unstored (FerryJob *job)
{
  for (guint i = 0; i < job->files->len; i++)
    {
      const FerryFile *file = g_ptr_array_index (job->files, i);

      if (file->state == FERRY_FILE_STATE_PENDING && file->unstored > 0)
        return TRUE;
    }

  return FALSE;
}

/* == candidates == */

static void
add_candidate (FerryEngine *self, GArray *candidates, FerryJob *job)
{
  const gint64 *last = g_hash_table_lookup (self->turn_ends, job);
  FerryCandidate candidate = {
    .owner = job->owner,
    .priority = job->priority,
    .running = ferry_job_state_is_active (job->state),
    .turn_start = job->turn_start,
    .slice = job->slice,
    .fragile = ferry_engine_is_fragile (job),
    .bound = ferry_job_asks_once (job) && ferry_job_has_running_attempts (job),
    .last_turn = last != NULL ? *last : 0,
    .served = *get_served (self, job->owner),
    .order = job->sequence,
    .job = job,
  };

  g_array_append_val (candidates, candidate);
}

GPtrArray *
ferry_engine_list_live (FerryEngine *self)
{
  GPtrArray *jobs = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer job;

  g_hash_table_iter_init (&iter, self->live);
  while (g_hash_table_iter_next (&iter, &job, NULL))
    g_ptr_array_add (jobs, g_object_ref (job));
  return jobs;
}

/* @wake: (out): boot µs when an obstacle goes by itself, 0 = none */
static GArray *
collect_candidates (FerryEngine *self, gint64 *wake)
{
  GArray *candidates = g_array_new (FALSE, TRUE, sizeof (FerryCandidate));
  g_autoptr (GPtrArray) jobs = ferry_engine_list_live (self);

  *wake = 0;
  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);
      guint obstacle;

      if (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR || job->completing ||
          ferry_engine_is_completing (self, job))
        continue;
      if (ferry_job_state_is_active (job->state))
        {
          add_candidate (self, candidates, job);
          continue;
        }
      if (has_unstored (job) && find_pending (job) == NULL)
        continue;

      obstacle = get_obstacle (self, job);
      if (obstacle == 1u << FERRY_WAIT_REASON_WORKER)
        *wake = get_earlier (*wake, ferry_workers_get_next_start (self->workers, job->owner));
      if (obstacle != 0)
        set_wait_reasons (job, obstacle);
      else if (!ferry_engine_can_reach (self, job))
        ferry_engine_fail_transient (self, job, NULL, FALSE, 0, "network");
      else
        add_candidate (self, candidates, job);
    }

  return candidates;
}

static void
start_turn (FerryEngine *self, FerryJob *job)
{
  job->turn_start = ferry_engine_now (self);
  ferry_engine_move (self, job, FERRY_JOB_EVENT_START);
  ferry_engine_feed (self, job);
}

static void
end_turn (FerryEngine *self, FerryJob *job)
{
  /* All that it has sent is lost. It would never come to its end if every turn were as short as this one. */
  if (self->paused_since == 0 && ferry_engine_is_fragile (job))
    job->slice = MIN (MAX (job->slice, FERRY_TIME_SLICE) * 2, MAX_SLICE);
  ferry_engine_stop_attempts (self, job);
  /* One that drains was not to go on before its retry anyway. */
  if (job->draining)
    ferry_engine_fail_transient (self, job, NULL, FALSE, 0, NULL);
  else
    ferry_engine_move (self, job, FERRY_JOB_EVENT_YIELD);
}

static void
plan (FerryEngine *self)
{
  g_autoptr (GArray) candidates = NULL;
  guint slots = (guint) ferry_policy_get (self->policy, FERRY_POLICY_MAX_ACTIVE_JOBS);
  gint64 next, wake;

  account (self);
  candidates = collect_candidates (self, &wake);
  next = wake;
  /* In a pause nobody is chosen. */
  if (self->paused_since == 0)
    next = get_earlier (wake, ferry_scheduler_plan (candidates, slots, ferry_engine_now (self)));
  for (guint i = 0; i < candidates->len; i++)
    g_object_ref (g_array_index (candidates, FerryCandidate, i).job);

  /* First those that yield, so that a worker has room for those that start. */
  for (guint i = 0; i < candidates->len; i++)
    {
      FerryCandidate *candidate = &g_array_index (candidates, FerryCandidate, i);

      if (candidate->running && candidate->chosen)
        ((FerryJob *) candidate->job)->leaving = candidate->overdue;
      else if (candidate->running)
        end_turn (self, candidate->job);
      else if (!candidate->chosen)
        set_wait_reasons (candidate->job, 1u << FERRY_WAIT_REASON_TURN);
    }
  for (guint i = 0; i < candidates->len; i++)
    {
      FerryCandidate *candidate = &g_array_index (candidates, FerryCandidate, i);

      if (!candidate->running && candidate->chosen)
        start_turn (self, candidate->job);
      g_object_unref (candidate->job);
    }

  ferry_clock_clear (self->clock, &self->turn_timer);
  if (next != 0)
    self->turn_timer = ferry_clock_add (self->clock, next, turn_timer_cb, self);
  ferry_engine_arm_deadlines (self);
}

static void
turn_timer_cb (gpointer data)
{
  FerryEngine *self = data;

  self->turn_timer = 0;
  ferry_engine_reschedule (self);
}

static gboolean
reschedule_cb (gpointer data)
{
  FerryEngine *self = data;

  self->reschedule_source = 0;
  plan (self);
  return G_SOURCE_REMOVE;
}

void
ferry_engine_reschedule (FerryEngine *self)
{
  if (self->reschedule_source == 0 && !self->shutting_down)
    self->reschedule_source = g_idle_add_full (G_PRIORITY_DEFAULT, reschedule_cb, self, NULL);
}

void
ferry_engine_end_turns (FerryEngine *self)
{
  g_clear_handle_id (&self->reschedule_source, g_source_remove);
  plan (self);
}

void
ferry_engine_clear_turns (FerryEngine *self)
{
  g_clear_handle_id (&self->reschedule_source, g_source_remove);
  ferry_clock_clear (self->clock, &self->turn_timer);
  ferry_clock_clear (self->clock, &self->stop_timer);
}

/* == feeding == */

/* What runs beside it counts with all that it is going to be. */
static guint64
get_maximum_size (FerryJob *job, FerryFile *file)
{
  guint64 others = 0;

  if (job->maximum_download_size == 0 || ferry_job_is_upload (job))
    return FERRY_SIZE_UNKNOWN;
  for (guint i = 0; i < job->files->len; i++)
    {
      const FerryFile *other = g_ptr_array_index (job->files, i);
      gboolean runs = other->attempt != 0 && other->bytes_total != FERRY_SIZE_UNKNOWN;
      guint64 bytes = runs ? MAX (other->bytes_total, other->bytes_transferred)
                           : other->bytes_transferred;

      if (other != file && !g_uint64_checked_add (&others, others, bytes))
        return 0;
    }
  return job->maximum_download_size > others ? job->maximum_download_size - others : 0;
}

/* Whether @file is all that the job still needs. */
static gboolean
is_last (FerryJob *job, FerryFile *file)
{
  for (guint i = 0; i < job->files->len; i++)
    {
      const FerryFile *other = g_ptr_array_index (job->files, i);

      if (other != file && !ferry_file_is_whole (other))
        return FALSE;
    }

  return TRUE;
}

static GVariant *
get_start_arguments (FerryEngine *self, FerryJob *job, FerryFile *file, guint64 attempt)
{
  g_autofree char *temporary = ferry_file_get_temporary_name (file, job->id);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  ferry_engine_add_start (self, &dict, job, file, attempt);
  g_variant_dict_insert (&dict, "TemporaryName", "s", temporary);
  g_variant_dict_insert_value (&dict, "Ranges", ferry_file_get_ranges (file));
  g_variant_dict_insert (&dict, "Digest", "s", file->digest != NULL ? file->digest : "");
  g_variant_dict_insert (&dict, "Size", "t", file->expected_size);
  g_variant_dict_insert (&dict, "MaximumSize", "t", get_maximum_size (job, file));
  if (ferry_file_is_reply (file))
    g_variant_dict_insert_value (&dict, "Upload", ferry_engine_get_upload_of_reply (job));
  else if (job->auto_complete && is_last (job, file))
    g_variant_dict_insert (&dict, "FinalMode", "u", file->mode);
  return g_variant_dict_end (&dict);
}

/* Each part has its limit, but together they may be more than a message can hold. */
static void
refuse_file (FerryJob *job, FerryFile *file)
{
  ferry_file_fail (file, ferry_failure_new (FERRY_ERROR_STRING_TOO_LONG, FERRY_ERROR_CONTEXT_QUEUE,
                                            ferry_file_get_shown_index (file), 0,
                                            "The file's URL, path and ranges with the job's "
                                            "headers and ProxyBypass are too long together"));
  ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
}

/* Nobody knows what became of the request: it may have been carried out. */
static void
refuse_twice (FerryJob *job, FerryFile *file)
{
  g_autofree char *message = g_strdup_printf ("The %s request was sent before and the server may "
                                              "have carried it out; Resume sends it again",
                                              job->http_method);

  ferry_file_fail (file,
                   ferry_failure_new (FERRY_ERROR_CONNECTION_CLOSED, FERRY_ERROR_CONTEXT_TRANSPORT,
                                      file->index, 0, message));
  ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
}

/* Returns: whether the next one may be tried */
static gboolean
start_file (FerryEngine *self, FerryJob *job, FerryFile *file)
{
  FerryAttempt *attempt = ferry_engine_add_attempt (self, job, file);
  g_autoptr (GVariant) arguments = g_variant_ref_sink (
      file->is_source ? ferry_engine_get_upload_arguments (self, job, file, attempt->id)
                      : get_start_arguments (self, job, file, attempt->id));
  const char *kind = file->is_source ? "start-upload" : "start";
  gboolean too_large = g_variant_get_size (arguments) > FERRY_FRAME_MAX - FRAME_HEAD;

  if (!too_large && ferry_workers_send (self->workers, job->owner, kind, arguments))
    {
      attempt->held = g_object_ref (self->workers);
      ferry_workers_hold (self->workers, job->owner);
      file->state = FERRY_FILE_STATE_TRANSFERRING;
      file->stopping = FALSE;
      ferry_job_touch (job, FERRY_CHANGE_PROGRESS);
      return TRUE;
    }

  file->attempt = 0;
  g_hash_table_remove (self->attempts, &attempt->id);
  if (too_large)
    refuse_file (job, file);
  return too_large;
}

/* Counts what runs; whether one more may run beside it. */
static gboolean
has_room (FerryEngine *self, FerryJob *job, guint *running)
{
  gboolean all_small = TRUE;

  *running = 0;
  for (guint i = 0; i < job->files->len; i++)
    {
      const FerryFile *file = g_ptr_array_index (job->files, i);

      if (file->attempt != 0)
        {
          ++*running;
          all_small &= file->bytes_total <= SMALL_FILE;
        }
    }

  return *running == 0 ||
         (all_small && *running < MAX_FILES_AT_ONCE &&
          ferry_engine_count_attempts (self, job->owner) < FERRY_WORKER_MAX_ATTEMPTS);
}

/* Nothing is pending and nothing runs: the job has come to an end of some kind. */
static void
conclude (FerryEngine *self, FerryJob *job)
{
  if (ferry_job_is_whole (job))
    {
      ferry_engine_finish (self, job);
      return;
    }

  for (guint i = 0; i < job->files->len; i++)
    {
      const FerryFile *file = g_ptr_array_index (job->files, i);

      if (file->state == FERRY_FILE_STATE_FAILED)
        {
          ferry_engine_fail (self, job, ferry_failure_copy (file->error));
          return;
        }
    }

  /* All files were removed while it ran. */
  ferry_engine_move (self, job, FERRY_JOB_EVENT_SUSPEND);
}

void
ferry_engine_feed (FerryEngine *self, FerryJob *job)
{
  guint running;

  if (self->shutting_down || !ferry_job_state_is_active (job->state) ||
      ferry_engine_is_completing (self, job))
    return;
  if (!ferry_workers_is_up (self->workers, job->owner))
    {
      set_wait_reasons (job, 1u << FERRY_WAIT_REASON_WORKER);
      return;
    }
  set_wait_reasons (job, 0);

  while (has_room (self, job, &running))
    {
      FerryFile *file = find_pending (job);

      if (file == NULL || job->draining || job->leaving)
        break;
      if (ferry_file_was_asked (file) && ferry_job_asks_once (job))
        refuse_twice (job, file);
      else if (!start_file (self, job, file))
        return;
    }

  if (running > 0 || ferry_job_has_attempts (job) || has_unstored (job))
    return;
  if (job->draining)
    ferry_engine_fail_transient (self, job, NULL, FALSE, 0, NULL);
  else if (job->leaving && find_pending (job) != NULL)
    ferry_engine_move (self, job, FERRY_JOB_EVENT_YIELD);
  else
    conclude (self, job);
}

/* == stopping == */

static void
stop_timer_cb (gpointer data)
{
  FerryEngine *self = data;
  gint64 now = ferry_clock_get_awake (self->clock);
  g_autoptr (GHashTable) hanging = g_hash_table_new (NULL, NULL);
  gint64 next = 0;
  GHashTableIter iter;
  gpointer value;

  self->stop_timer = 0;
  g_hash_table_iter_init (&iter, self->attempts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const FerryAttempt *attempt = value;

      if (attempt->stop_deadline == 0)
        continue;
      if (attempt->stop_deadline <= now)
        g_hash_table_add (hanging, GUINT_TO_POINTER (attempt->uid));
      else if (next == 0 || attempt->stop_deadline < next)
        next = attempt->stop_deadline;
    }

  if (next != 0)
    self->stop_timer = ferry_clock_add (self->clock, ferry_engine_now (self) + next - now,
                                        stop_timer_cb, self);
  g_hash_table_iter_init (&iter, hanging);
  while (g_hash_table_iter_next (&iter, &value, NULL))
    ferry_workers_kill (self->workers, GPOINTER_TO_UINT (value));
}

gboolean
ferry_engine_stop_attempts (FerryEngine *self, FerryJob *job)
{
  gboolean any = FALSE;

  for (guint i = 0; i < job->files->len; i++)
    {
      FerryFile *file = g_ptr_array_index (job->files, i);
      FerryAttempt *attempt = g_hash_table_lookup (self->attempts, &file->attempt);

      if (attempt == NULL)
        continue;
      any = TRUE;
      if (file->stopping)
        continue;

      file->stopping = TRUE;
      file->state = FERRY_FILE_STATE_PENDING;
      attempt->stop_deadline = ferry_clock_get_awake (self->clock) + FERRY_STOP_PATIENCE;
      if (self->stop_timer == 0)
        self->stop_timer = ferry_clock_add (self->clock,
                                            ferry_engine_now (self) + FERRY_STOP_PATIENCE,
                                            stop_timer_cb, self);
      ferry_workers_send (self->workers, attempt->uid, "stop",
                          g_variant_new_parsed ("{'Attempt': <%t>}", attempt->id));
    }

  if (any)
    ferry_job_touch (job, FERRY_CHANGE_PROGRESS);
  return any;
}
