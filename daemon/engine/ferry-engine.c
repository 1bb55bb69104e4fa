/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-engine-private.h"

#include <string.h>

G_DEFINE_TYPE (FerryEngine, ferry_engine, G_TYPE_OBJECT)

static void
ferry_engine_dispose (GObject *object)
{
  FerryEngine *self = FERRY_ENGINE (object);

  if (self->workers != NULL)
    g_signal_handlers_disconnect_by_data (self->workers, self);
  if (self->network != NULL)
    g_signal_handlers_disconnect_by_data (self->network, self);
  if (self->policy != NULL)
    g_signal_handlers_disconnect_by_data (self->policy, self);
  if (self->store != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->store, self);
      ferry_store_unwatch (self->store);
    }
  if (self->service_time != NULL)
    g_signal_handlers_disconnect_by_data (self->service_time, self);
  if (self->clock != NULL)
    {
      ferry_engine_clear_turns (self);
      ferry_engine_clear_deadlines (self);
      ferry_engine_clear_duties (self);
      ferry_engine_clear_suspends (self);
      ferry_engine_clear_pauses (self);
    }

  if (self->askings != NULL)
    ferry_engine_set_agents (self, NULL);
  g_clear_pointer (&self->askings, g_hash_table_unref);
  g_clear_pointer (&self->completions, g_hash_table_unref);
  g_clear_pointer (&self->attempts, g_hash_table_unref);
  g_clear_pointer (&self->last_attempts, g_hash_table_unref);
  g_clear_pointer (&self->live, g_hash_table_unref);
  g_clear_pointer (&self->turn_ends, g_hash_table_unref);
  g_clear_pointer (&self->served, g_hash_table_unref);
  g_clear_pointer (&self->duties, g_ptr_array_unref);
  g_clear_pointer (&self->duty_waits, g_ptr_array_unref);
  g_clear_pointer (&self->suspends, g_ptr_array_unref);
  g_clear_pointer (&self->pauses, g_ptr_array_unref);
  g_clear_pointer (&self->running, g_hash_table_unref);
  g_clear_pointer (&self->budgets, g_hash_table_unref);
  if (self->queue != NULL)
    g_signal_handlers_disconnect_by_data (self->queue, self);
  g_clear_object (&self->queue);
  g_clear_object (&self->service_time);
  g_clear_object (&self->workers);
  g_clear_object (&self->policy);
  g_clear_object (&self->store);
  g_clear_object (&self->network);
  g_clear_object (&self->clock);
  G_OBJECT_CLASS (ferry_engine_parent_class)->dispose (object);
}

static void
ferry_engine_class_init (FerryEngineClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_engine_dispose;

  g_signal_new ("transferred", FERRY_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 1, FERRY_TYPE_JOB);
  g_signal_new ("failed", FERRY_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                FERRY_TYPE_JOB);
  g_signal_new ("lost", FERRY_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                G_TYPE_ERROR);
  g_signal_new ("file-transferred", FERRY_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 2, FERRY_TYPE_JOB, G_TYPE_UINT);
  g_signal_new ("file-restarted", FERRY_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 3, FERRY_TYPE_JOB, G_TYPE_UINT, G_TYPE_STRING);
  g_signal_new ("running", FERRY_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                1, G_TYPE_BOOLEAN);
}

static void
ferry_engine_init (FerryEngine *self)
{
  self->live = g_hash_table_new (NULL, NULL);
  self->attempts = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, ferry_attempt_free);
  self->last_attempts = g_hash_table_new (NULL, NULL);
  self->askings = g_hash_table_new_full (NULL, NULL, NULL, ferry_engine_asking_free);
  self->completions = g_hash_table_new_full (NULL, NULL, NULL, ferry_completion_free);
  self->turn_ends = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->served = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->duties = g_ptr_array_new_with_free_func (ferry_duty_run_free);
  self->suspends = g_ptr_array_new ();
  self->duty_waits = g_ptr_array_new ();
  self->pauses = g_ptr_array_new_with_free_func (g_object_unref);
  self->running = g_hash_table_new (NULL, NULL);
  self->budgets = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->queue = ferry_queue_new ();
}

/* == following the model == */

static gboolean
is_live (FerryJob *job)
{
  return job->state == FERRY_JOB_STATE_QUEUED || job->state == FERRY_JOB_STATE_TRANSIENT_ERROR ||
         ferry_job_state_is_active (job->state);
}

static void
follow_running (FerryEngine *self, FerryJob *job, gboolean running)
{
  gboolean before = ferry_engine_is_running (self);

  if (running)
    g_hash_table_add (self->running, job);
  else
    g_hash_table_remove (self->running, job);
  if (ferry_engine_is_running (self) != before)
    g_signal_emit_by_name (self, "running", !before);
}

static void
follow_job (FerryEngine *self, FerryJob *job)
{
  follow_running (self, job, ferry_job_state_is_active (job->state));
  if (is_live (job))
    g_hash_table_add (self->live, job);
  else
    g_hash_table_remove (self->live, job);
  ferry_engine_note_slow_deadline (self, job);
}

static void
job_added_cb (FerryQueue *queue, FerryJob *job, gpointer data)
{
  follow_job (data, job);
}

static void
job_changed_cb (FerryQueue *queue, FerryJob *job, guint change, gpointer data)
{
  if (change & FERRY_CHANGE_STATE)
    follow_job (data, job);
}

static void
job_removed_cb (FerryQueue *queue, FerryJob *job, gpointer data)
{
  FerryEngine *self = data;

  follow_running (self, job, FALSE);
  g_hash_table_remove (self->live, job);
  g_hash_table_remove (self->turn_ends, job);
}

/* == construction == */

/* A job of the store goes on: what waited for a time waits for what is left of it. */
static void
revive_job (FerryEngine *self, FerryJob *job)
{
  if (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR && job->next_attempt_wall == 0)
    {
      /* It waited for the network, and no event may ever tell that it is there. */
      ferry_engine_move (self, job, FERRY_JOB_EVENT_RETRY);
    }
  else if (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR)
    {
      gint64 left = job->next_attempt_wall - ferry_clock_get_wall (self->clock);

      /* A wall clock that was set back must not make it wait longer than any backoff would. */
      left = CLAMP (left, 0, G_GINT64_CONSTANT (86400) * G_USEC_PER_SEC);
      job->next_attempt = ferry_engine_now (self) + left;
      job->wait_reasons = 1u << FERRY_WAIT_REASON_RETRY;
    }
  if (job->completing)
    ferry_engine_continue_completion (self, job);
  else
    ferry_engine_complete_automatically (self, job);
}

static gboolean
load (FerryEngine *self, GError **error)
{
  g_autoptr (GPtrArray) duties = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_duty_free);
  g_autoptr (GPtrArray) jobs = NULL;

  if (!ferry_store_load (self->store, self->queue, duties, error))
    return FALSE;

  ferry_store_watch (self->store, self->queue);
  ferry_engine_load_duties (self, duties);
  ferry_engine_check_owners (self);
  jobs = ferry_queue_list_all (self->queue);
  for (guint i = 0; i < jobs->len; i++)
    revive_job (self, g_ptr_array_index (jobs, i));
  ferry_engine_rescan_deadlines (self);
  ferry_engine_reschedule (self);
  return TRUE;
}

static void
collect_secrets (FerryEngine *self, GHashTable *secrets)
{
  g_autoptr (GPtrArray) jobs = ferry_queue_list_all (self->queue);

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);

      if (job->secrets != NULL)
        g_hash_table_insert (secrets, g_strdup (job->id), ferry_secrets_copy (job->secrets));
    }
}

/* A commit failed: memory holds what the disk does not. The model is read anew, as after a crash, so that what was
 * refused with StoreFailed never happens later; only the secrets, which no disk holds, are kept. */
static void
store_failed_cb (FerryStore *store, GError *reason, gpointer data)
{
  FerryEngine *self = data;
  g_autoptr (GHashTable) secrets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                                          (GDestroyNotify) ferry_secrets_free);
  g_autoptr (GPtrArray) jobs = ferry_queue_list_all (self->queue);
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer id, kept;

  collect_secrets (self, secrets);
  ferry_store_unwatch (store);
  ferry_engine_clear_turns (self);
  ferry_engine_clear_deadlines (self);
  ferry_engine_clear_duties (self);
  ferry_engine_clear_suspends (self);
  g_hash_table_remove_all (self->askings);
  g_hash_table_remove_all (self->completions);

  /* Attempts that run are told to stop; their reports find no attempt any more. */
  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);

      ferry_engine_stop_attempts (self, job);
      if (ferry_job_state_is_active (job->state))
        ferry_workers_release (self->workers, job->owner);
      ferry_queue_remove (self->queue, job);
    }
  g_hash_table_remove_all (self->attempts);

  ferry_engine_check_pauses (self);
  if (!load (self, &error))
    {
      g_signal_emit_by_name (self, "lost", error);
      return;
    }

  g_hash_table_iter_init (&iter, secrets);
  while (g_hash_table_iter_next (&iter, &id, &kept))
    {
      FerryJob *job = ferry_queue_lookup_any (self->queue, id);

      if (job != NULL)
        job->secrets = ferry_secrets_copy (kept);
    }
}

static void
policy_changed_cb (FerryPolicy *policy, GStrv keys, gpointer data)
{
  ferry_engine_rescan_deadlines (data);
  ferry_engine_reschedule (data);
}

FerryEngine *
ferry_engine_new (FerryClock *clock, FerryNetwork *network, FerryStore *store, FerryPolicy *policy,
                  FerryWorkers *workers, GError **error)
{
  g_autoptr (FerryEngine) self = g_object_new (FERRY_TYPE_ENGINE, NULL);

  self->clock = g_object_ref (clock);
  self->network = g_object_ref (network);
  self->network_available = ferry_network_is_available (network);
  self->store = g_object_ref (store);
  self->policy = g_object_ref (policy);
  self->workers = g_object_ref (workers);
  self->service_time = ferry_service_time_new (clock, store);

  g_signal_connect (self->queue, "job-added", G_CALLBACK (job_added_cb), self);
  g_signal_connect (self->queue, "job-changed", G_CALLBACK (job_changed_cb), self);
  g_signal_connect (self->queue, "job-removed", G_CALLBACK (job_removed_cb), self);
  g_signal_connect (workers, "message", G_CALLBACK (ferry_engine_worker_message_cb), self);
  g_signal_connect (workers, "up", G_CALLBACK (ferry_engine_worker_up_cb), self);
  g_signal_connect (workers, "down", G_CALLBACK (ferry_engine_worker_down_cb), self);
  g_signal_connect (network, "changed", G_CALLBACK (ferry_engine_network_changed_cb), self);
  g_signal_connect (store, "failed", G_CALLBACK (store_failed_cb), self);
  g_signal_connect (policy, "changed", G_CALLBACK (policy_changed_cb), self);
  g_signal_connect_swapped (self->service_time, "changed",
                            G_CALLBACK (ferry_engine_rescan_deadlines), self);

  if (!load (self, error))
    return NULL;

  return g_steal_pointer (&self);
}

FerryQueue *
ferry_engine_get_queue (FerryEngine *self)
{
  return self->queue;
}

FerryStore *
ferry_engine_get_store (FerryEngine *self)
{
  return self->store;
}

FerryPolicy *
ferry_engine_get_policy (FerryEngine *self)
{
  return self->policy;
}

FerryClock *
ferry_engine_get_clock (FerryEngine *self)
{
  return self->clock;
}

FerryNetwork *
ferry_engine_get_network (FerryEngine *self)
{
  return self->network;
}

FerryWorkers *
ferry_engine_get_workers (FerryEngine *self)
{
  return self->workers;
}

FerryServiceTime *
ferry_engine_get_service_time (FerryEngine *self)
{
  return self->service_time;
}

/* == small pieces for the other files == */

gint64
ferry_engine_now (FerryEngine *self)
{
  return ferry_clock_get_boot (self->clock);
}

void
ferry_engine_note_activity (FerryEngine *self, FerryJob *job)
{
  job->activity_time = ferry_service_time_get (self->service_time);
  job->modification_time = ferry_clock_get_wall (self->clock);
}

void
ferry_engine_move (FerryEngine *self, FerryJob *job, FerryJobEvent event)
{
  FerryJobState before = job->state;
  gboolean was_active = ferry_job_state_is_active (before);
  FerryJobState next;

  if (!ferry_job_state_next (job->state, event, &next))
    {
      g_critical ("Event %d in state %s", event, ferry_job_state_to_string (job->state));
      return;
    }

  if (was_active && !ferry_job_state_is_active (next))
    {
      gint64 now = ferry_engine_now (self);

      ferry_engine_stop_active_time (self, job);
      g_hash_table_insert (self->turn_ends, job, g_memdup2 (&now, sizeof now));
      ferry_workers_release (self->workers, job->owner);
      job->transfer_rate = 0;
    }
  if (!was_active && ferry_job_state_is_active (next))
    {
      ferry_engine_start_active_time (self, job);
      ferry_workers_hold (self->workers, job->owner);
    }
  /* A job that drains has its time already, while it is active. */
  if (next != job->state && next != FERRY_JOB_STATE_TRANSIENT_ERROR &&
      !ferry_job_state_is_active (next))
    {
      job->next_attempt = 0;
      job->next_attempt_wall = 0;
    }
  if (!ferry_job_state_is_active (next))
    {
      job->draining = FALSE;
      job->leaving = FALSE;
    }
  if (next != job->state)
    job->wait_reasons = 0;
  if (ferry_job_state_is_final (next))
    job->final_time = ferry_clock_get_wall (self->clock);
  if (next == FERRY_JOB_STATE_TRANSFERRED)
    job->transfer_completion_time = ferry_clock_get_wall (self->clock);

  ferry_job_apply (job, event, NULL);
  if (next != before)
    {
      ferry_engine_record_move (self, job, event);
      ferry_engine_asking_moved (self, job);
    }
  /* A plan looks at every job that lives: only when there is something to plan, a turn that ended or a job that may want
   * one. */
  if (!ferry_job_state_is_active (next) && (was_active || is_live (job)))
    ferry_engine_reschedule (self);
}

typedef struct
{
  FerryEngine *engine; /* (owned) */
  FerryJob *job;       /* (owned) */
  const char *signal;  /* static */
  gint64 index;        /* -1 = the job as a whole */
  char *reason;        /* (owned) (nullable) */
} Emission;

static void
emit_cb (const GError *error, gpointer data)
{
  Emission *emission = data;

  if (error == NULL && emission->reason != NULL)
    g_signal_emit_by_name (emission->engine, emission->signal, emission->job,
                           (guint) emission->index, emission->reason);
  else if (error == NULL && emission->index >= 0)
    g_signal_emit_by_name (emission->engine, emission->signal, emission->job,
                           (guint) emission->index);
  else if (error == NULL)
    g_signal_emit_by_name (emission->engine, emission->signal, emission->job);

  g_object_unref (emission->engine);
  g_object_unref (emission->job);
  g_free (emission->reason);
  g_free (emission);
}

void
ferry_engine_emit_after_commit (FerryEngine *self, FerryJob *job, const char *signal, gint64 index,
                                const char *reason)
{
  Emission *emission = g_new0 (Emission, 1);

  emission->engine = g_object_ref (self);
  emission->job = g_object_ref (job);
  emission->signal = signal;
  emission->index = index;
  emission->reason = g_strdup (reason);
  ferry_store_after_commit (self->store, emit_cb, emission);
}

static void
committed_cb (const GError *error, gpointer data)
{
  g_autoptr (GTask) task = data;

  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_boolean (task, TRUE);
}

void
ferry_engine_return_after_commit (FerryEngine *self, GTask *task)
{
  ferry_store_after_commit (self->store, committed_cb, g_object_ref (task));
}

gboolean
ferry_engine_check_open (FerryEngine *self, FerryJob *job, GError **error)
{
  if (ferry_job_state_is_final (job->state))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                   "The job is %s and cannot be changed any more",
                   ferry_job_state_to_string (job->state));
      return FALSE;
    }
  /* After a failed commit the jobs are read anew: this one is nobody's any more. */
  if (ferry_queue_lookup_any (self->queue, job->id) != job)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED,
                           "The store failed meanwhile, and the job was read anew; try again");
      return FALSE;
    }
  if (ferry_engine_is_completing (self, job))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                           "The job's files are being published; try again when that is done");
      return FALSE;
    }
  return TRUE;
}

void
ferry_engine_restart_file (FerryEngine *self, FerryJob *job, FerryFile *file, const char *reason)
{
  ferry_file_reset (file);
  file->restarts++;
  /* What a download fetches anew may be another file; what an upload sends again is the same. */
  if (!file->is_source)
    file->most_bytes = 0;
  if (ferry_file_is_reply (file))
    {
      ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
      return;
    }
  ferry_engine_record_restart (self, job, file->index, reason);
  ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
  ferry_engine_emit_after_commit (self, job, "file-restarted", file->index, reason);
}

/* == the owner's simple orders == */

gint64
ferry_engine_get_expiration (FerryEngine *self, FerryJob *job)
{
  gint64 timeout = (gint64) ferry_policy_get (self->policy, FERRY_POLICY_JOB_INACTIVITY_TIMEOUT) *
                   24 * 3600 * G_USEC_PER_SEC;
  gint64 idle = ferry_service_time_get (self->service_time) - job->activity_time;

  if (ferry_job_state_is_final (job->state))
    return 0;
  return ferry_clock_get_wall (self->clock) + timeout - idle;
}

static FerryFile *
get_file (FerryJob *job, guint index, GError **error)
{
  FerryFile *file = ferry_job_get_file (job, index);

  if (file != NULL && !ferry_file_is_reply (file))
    return file;
  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "The job has no file %u", index);
  return NULL;
}

/* With an upload its reply goes, and all that was settled about it. */
static void
remove_reply (FerryEngine *self, FerryJob *job)
{
  FerryFile *reply = ferry_job_get_reply (job);

  ferry_job_unsettle (job);
  if (reply == NULL)
    return;
  ferry_engine_drop_file (self, job, reply);
  ferry_file_free (ferry_job_steal_file (job, reply->index));
}

static gboolean
is_running (const FerryFile *file)
{
  return file != NULL && file->attempt != 0 && !file->stopping;
}

gboolean
ferry_engine_remove_file (FerryEngine *self, FerryJob *job, guint index, GError **error)
{
  FerryFile *file;

  if (!ferry_engine_check_open (self, job, error) || (file = get_file (job, index, error)) == NULL)
    return FALSE;
  if (file->state == FERRY_FILE_STATE_PUBLISHED)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                   "File %u has been published already", index);
      return FALSE;
    }
  if (is_running (file) || is_running (ferry_job_get_reply (job)))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                   "File %u is being transferred; suspend the job first", index);
      return FALSE;
    }

  ferry_engine_note_activity (self, job);
  ferry_engine_abandon_upload (self, job);
  ferry_engine_drop_file (self, job, file);
  if (file->is_source)
    remove_reply (self, job);
  ferry_file_free (ferry_job_steal_file (job, index));

  /* The bad one is gone: what is left may be all there. */
  if (ferry_job_is_whole (job) && (job->state == FERRY_JOB_STATE_ERROR))
    {
      ferry_job_set_error (job, NULL);
      ferry_engine_finish (self, job);
    }
  ferry_engine_reschedule (self);
  return TRUE;
}

gboolean
ferry_engine_set_remote_url (FerryEngine *self, FerryJob *job, guint index, const char *url,
                             GError **error)
{
  FerryFile *file;

  if (!ferry_engine_check_open (self, job, error) || (file = get_file (job, index, error)) == NULL)
    return FALSE;
  if (g_str_equal (file->remote_url, url))
    return TRUE;
  if (file->is_source)
    return ferry_engine_change_upload_url (self, job, file, url, error);

  ferry_engine_note_activity (self, job);
  g_free (file->remote_url);
  file->remote_url = g_strdup (url);
  ferry_job_touch_file (job, file, FERRY_CHANGE_JOB);

  /* One that runs goes on from its checkpoint with the new address; what is there already stays. */
  if (is_running (file))
    {
      ferry_engine_stop_attempts (self, job);
      ferry_engine_move (self, job, FERRY_JOB_EVENT_YIELD);
    }
  return TRUE;
}

gboolean
ferry_engine_set_file_valid (FerryEngine *self, FerryJob *job, guint index, gboolean valid,
                             GError **error)
{
  FerryFile *file;

  if (!ferry_engine_check_open (self, job, error) || (file = get_file (job, index, error)) == NULL)
    return FALSE;
  if (file->is_source)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                           "Only a download can be judged, and this job is an upload");
      return FALSE;
    }
  if (file->state != FERRY_FILE_STATE_TRANSFERRED)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                   "File %u is %s; only a transferred one can be judged", index,
                   ferry_file_state_to_string (file->state));
      return FALSE;
    }

  ferry_engine_note_activity (self, job);
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  if (valid)
    return TRUE;

  ferry_engine_drop_file (self, job, file);
  ferry_engine_rename_file (self, job, file);
  ferry_engine_restart_file (self, job, file, "validation-failed");
  ferry_file_fail (file,
                   ferry_failure_new (FERRY_ERROR_VALIDATION_FAILED, FERRY_ERROR_CONTEXT_LOCAL_FILE,
                                      index, 0, "The application found the file to be invalid"));
  ferry_engine_stop_attempts (self, job);
  ferry_engine_fail (self, job, ferry_failure_copy (file->error));
  return TRUE;
}

void
ferry_engine_job_edited (FerryEngine *self, FerryJob *job)
{
  ferry_engine_note_activity (self, job);
  ferry_job_touch (job, FERRY_CHANGE_JOB | FERRY_CHANGE_SETTINGS);
  ferry_engine_note_slow_deadline (self, job);
  ferry_engine_complete_automatically (self, job);
  ferry_engine_reschedule (self);
}

/* == exit == */

static gboolean
holds_secret (FerryJob *job)
{
  return job->secrets != NULL && !ferry_job_state_is_final (job->state);
}

gboolean
ferry_engine_is_running (FerryEngine *self)
{
  return g_hash_table_size (self->running) > 0;
}

gboolean
ferry_engine_is_busy (FerryEngine *self)
{
  return g_hash_table_size (self->attempts) > 0 || g_hash_table_size (self->completions) > 0 ||
         self->duties->len > 0;
}

gboolean
ferry_engine_is_idle (FerryEngine *self)
{
  g_autoptr (GPtrArray) jobs = NULL;

  if (ferry_engine_is_busy (self) || g_hash_table_size (self->live) > 0)
    return FALSE;

  jobs = ferry_queue_list_all (self->queue);
  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);

      if (holds_secret (job) || ferry_job_lacks_login (job) ||
          ferry_engine_expires_soon (self, job))
        return FALSE;
    }
  return TRUE;
}

static void
shutdown_timeout_cb (gpointer data)
{
  *(gboolean *) data = TRUE;
}

void
ferry_engine_shutdown (FerryEngine *self, guint timeout)
{
  g_autoptr (GPtrArray) jobs = ferry_queue_list_all (self->queue);
  gboolean timed_out = FALSE;
  guint timer;

  self->shutting_down = TRUE;
  for (guint i = 0; i < jobs->len; i++)
    ferry_engine_stop_attempts (self, g_ptr_array_index (jobs, i));

  timer = ferry_clock_add (self->clock, ferry_engine_now (self) + timeout * G_USEC_PER_SEC,
                           shutdown_timeout_cb, &timed_out);
  while (!timed_out && g_hash_table_size (self->attempts) > 0)
    g_main_context_iteration (NULL, TRUE);
  if (!timed_out)
    ferry_clock_remove (self->clock, timer);
  ferry_service_time_save (self->service_time);
}
