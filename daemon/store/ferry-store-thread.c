/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-store-thread.h"

/* Work for the thread: operations, or a function that the main thread waits for, or (neither) the end. */
typedef struct
{
  GPtrArray *ops;            /* (owned by FerryStoreThread) (nullable) */
  FerryStoreThreadCall func; /* (nullable) */
  gpointer data;             /* (unowned) */
  GError *error;             /* (owned) (nullable): set by the thread */
  gboolean done;             /* guarded by FerryStoreThread.mutex */
} Task;

struct _FerryStoreThread
{
  FerryStoreThreadFunc func;
  gpointer user_data; /* (unowned) */
  FerryCore *core;    /* (owned): the thread's */
  GThread *thread;    /* (owned) */
  GAsyncQueue *tasks; /* (owned) (element-type Task): the tasks belong to the main thread */
  GMutex mutex;
  GCond cond;
  GSource *done_source; /* (owned): ready when @commit is done */
  Task commit;          /* with @ops while a transaction is on its way */
};

static void
run_task (FerryStoreThread *self, Task *task)
{
  gboolean is_commit = task->ops != NULL;

  if (is_commit)
    ferry_core_commit (self->core, task->ops, &task->error);
  else
    task->func (self->core, task->data, &task->error);

  g_mutex_lock (&self->mutex);
  task->done = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
  if (is_commit)
    g_source_set_ready_time (self->done_source, 0);
}

/* What can wait is done while no reply waits. */
static gpointer
thread_cb (gpointer data)
{
  FerryStoreThread *self = data;
  gboolean untidy = TRUE;

  for (;;)
    {
      Task *task = untidy ? g_async_queue_try_pop (self->tasks) : g_async_queue_pop (self->tasks);

      if (task == NULL)
        {
          untidy = ferry_core_tidy (self->core);
          continue;
        }
      if (task->ops == NULL && task->func == NULL)
        return NULL;
      run_task (self, task);
      untidy = TRUE;
    }
}

static void
wait_for (FerryStoreThread *self, Task *task)
{
  g_mutex_lock (&self->mutex);
  while (!task->done)
    g_cond_wait (&self->cond, &self->mutex);
  g_mutex_unlock (&self->mutex);
}

/* The next transaction may be given from within. */
static void
tell (FerryStoreThread *self)
{
  g_autoptr (GError) error = g_steal_pointer (&self->commit.error);

  g_clear_pointer (&self->commit.ops, g_ptr_array_unref);
  self->func (error, self->user_data);
}

static gboolean
done_cb (gpointer data)
{
  FerryStoreThread *self = data;

  g_source_set_ready_time (self->done_source, -1);
  /* It may have been told by ferry_store_thread_finish(). */
  if (self->commit.ops != NULL && self->commit.done)
    tell (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_cb (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSourceFuncs source_funcs = { NULL, NULL, dispatch_cb, NULL, NULL, NULL };

FerryStoreThread *
ferry_store_thread_new (FerryCore *core, FerryStoreThreadFunc func, gpointer user_data)
{
  FerryStoreThread *self = g_new0 (FerryStoreThread, 1);

  self->func = func;
  self->user_data = user_data;
  self->core = core;
  self->tasks = g_async_queue_new ();
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->done_source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_priority (self->done_source, G_PRIORITY_HIGH);
  g_source_set_callback (self->done_source, done_cb, self, NULL);
  g_source_set_ready_time (self->done_source, -1);
  g_source_attach (self->done_source, g_main_context_get_thread_default ());
  self->thread = g_thread_new ("ferry-store", thread_cb, self);
  return self;
}

void
ferry_store_thread_free (FerryStoreThread *self)
{
  Task end = { 0 };

  if (self == NULL)
    return;
  g_async_queue_push (self->tasks, &end);
  g_thread_join (self->thread);
  ferry_core_close (self->core);
  g_source_destroy (self->done_source);
  g_source_unref (self->done_source);
  g_clear_pointer (&self->commit.ops, g_ptr_array_unref);
  g_clear_error (&self->commit.error);
  g_async_queue_unref (self->tasks);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}

void
ferry_store_thread_commit (FerryStoreThread *self, GPtrArray *ops)
{
  g_return_if_fail (self->commit.ops == NULL);

  self->commit.ops = ops;
  self->commit.done = FALSE;
  g_async_queue_push (self->tasks, &self->commit);
}

gboolean
ferry_store_thread_is_busy (FerryStoreThread *self)
{
  return self->commit.ops != NULL;
}

void
ferry_store_thread_finish (FerryStoreThread *self)
{
  if (self->commit.ops == NULL)
    return;

  wait_for (self, &self->commit);
  tell (self);
}

gboolean
ferry_store_thread_call (FerryStoreThread *self, FerryStoreThreadCall func, gpointer data,
                         GError **error)
{
  Task task = { NULL, func, data, NULL, FALSE };

  g_async_queue_push (self->tasks, &task);
  wait_for (self, &task);
  if (task.error == NULL)
    return TRUE;

  g_propagate_error (error, task.error);
  return FALSE;
}
