/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pause: before the machine sleeps or goes down all transfers end at a checkpoint, and none begins until the engine is
 * told to go on. No connection would outlive a sleep, and what lies behind the last checkpoint would not outlive the
 * power. */

#include "ferry-engine-private.h"

/* A publication that is under way is let finish, too. */
static gboolean
is_quiet (FerryEngine *self)
{
  return g_hash_table_size (self->attempts) == 0 && g_hash_table_size (self->completions) == 0;
}

void
ferry_engine_clear_pauses (FerryEngine *self)
{
  g_autoptr (GPtrArray) pauses = g_steal_pointer (&self->pauses);

  self->pauses = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < pauses->len; i++)
    ferry_engine_return_after_commit (self, g_ptr_array_index (pauses, i));
}

void
ferry_engine_check_pauses (FerryEngine *self)
{
  if (self->pauses->len > 0 && is_quiet (self))
    ferry_engine_clear_pauses (self);
}

void
ferry_engine_pause_async (FerryEngine *self, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GPtrArray) jobs = ferry_queue_list_all (self->queue);

  g_task_set_source_tag (task, ferry_engine_pause_async);
  if (self->paused_since == 0)
    self->paused_since = ferry_engine_now (self);
  ferry_engine_end_turns (self);
  /* Of jobs that are being completed the turn does not end. */
  for (guint i = 0; i < jobs->len; i++)
    ferry_engine_stop_attempts (self, g_ptr_array_index (jobs, i));

  g_ptr_array_add (self->pauses, task);
  ferry_engine_check_pauses (self);
}

gboolean
ferry_engine_pause_finish (FerryEngine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Nobody could make progress meanwhile: a laptop that slept for a night must not find its jobs failed in the morning. */
static void
forgive (FerryEngine *self, FerryJob *job, gint64 passed)
{
  if (job->no_progress_since < 0)
    return;

  job->no_progress_since = MIN (job->no_progress_since + passed,
                                ferry_service_time_get (self->service_time));
  ferry_job_touch (job, FERRY_CHANGE_JOB);
}

void
ferry_engine_go_on (FerryEngine *self)
{
  g_autoptr (GPtrArray) jobs = ferry_engine_list_live (self);
  gint64 passed = ferry_engine_now (self) - self->paused_since;

  if (self->paused_since == 0)
    return;

  self->paused_since = 0;
  ferry_engine_clear_pauses (self);
  for (guint i = 0; i < jobs->len; i++)
    forgive (self, g_ptr_array_index (jobs, i), passed);
  ferry_engine_reschedule (self);
}
