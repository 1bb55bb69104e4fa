/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Suspend: the state changes at once; the answer waits for the checkpoint, so that what was fetched when the answer
 * came is not fetched again, whatever happens then. */

#include "ferry-engine-private.h"

/**
 * Suspend: a call that waits for the attempts of its job to end.
 */
typedef struct
{
  FerryEngine *engine; /* (unowned): holds us */
  FerryJob *job;       /* (owned) */
  GTask *task;         /* (owned) */
  guint timer;
} Suspend;

static void
end_suspend (Suspend *suspend)
{
  FerryEngine *self = suspend->engine;

  ferry_clock_clear (self->clock, &suspend->timer);
  g_ptr_array_remove (self->suspends, suspend);
  ferry_engine_return_after_commit (self, suspend->task);
  g_object_unref (suspend->task);
  g_object_unref (suspend->job);
  g_free (suspend);
}

static void
patience_cb (gpointer data)
{
  Suspend *suspend = data;

  suspend->timer = 0;
  end_suspend (suspend);
}

void
ferry_engine_suspend_attempt_ended (FerryEngine *self, FerryJob *job)
{
  if (ferry_job_has_attempts (job))
    return;

  for (guint i = self->suspends->len; i > 0; i--)
    {
      Suspend *suspend = g_ptr_array_index (self->suspends, i - 1);

      if (suspend->job == job)
        end_suspend (suspend);
    }
}

void
ferry_engine_clear_suspends (FerryEngine *self)
{
  while (self->suspends->len > 0)
    end_suspend (g_ptr_array_index (self->suspends, self->suspends->len - 1));
}

gboolean
ferry_engine_suspend_now (FerryEngine *self, FerryJob *job, GError **error)
{
  if (!ferry_engine_check_open (self, job, error))
    return FALSE;

  ferry_engine_note_activity (self, job);
  ferry_engine_stop_attempts (self, job);
  ferry_engine_move (self, job, FERRY_JOB_EVENT_SUSPEND);
  return TRUE;
}

void
ferry_engine_suspend_async (FerryEngine *self, FerryJob *job, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;
  Suspend *suspend;

  g_task_set_source_tag (task, ferry_engine_suspend_async);
  if (!ferry_engine_suspend_now (self, job, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (!ferry_job_has_attempts (job))
    {
      ferry_engine_return_after_commit (self, task);
      return;
    }

  suspend = g_new0 (Suspend, 1);
  suspend->engine = self;
  suspend->job = g_object_ref (job);
  suspend->task = g_steal_pointer (&task);
  suspend->timer = ferry_clock_add (self->clock,
                                    ferry_engine_now (self) + FERRY_CHECKPOINT_PATIENCE,
                                    patience_cb, suspend);
  g_ptr_array_add (self->suspends, suspend);
}

gboolean
ferry_engine_suspend_finish (FerryEngine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
