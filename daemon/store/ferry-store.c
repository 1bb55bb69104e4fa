/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-store.h"

#include "ferry-store-core.h"
#include "ferry-store-rows.h"

/* A function that waits for a commit. */
typedef struct
{
  FerryStoreFunc func;
  gpointer user_data;
} Waiter;

/* One transaction on its way through the thread. */
typedef struct
{
  GPtrArray *ops;     /* (owned) (element-type FerryOp) */
  GHashTable *values; /* (owned) (element-type utf8 GVariant): named values it writes; a NULL value is a deletion */
  GArray *waiters;    /* (owned) (element-type Waiter) */
  GError *error;      /* (owned) (nullable): set by the thread */
} Batch;

typedef gboolean (*CallFunc) (FerryCore *core, gpointer data, GError **error);

/* Work for the thread: a batch, or a function that the main thread waits for, or (neither) the end. */
typedef struct
{
  Batch *batch;  /* (unowned) (nullable): belongs to the store, as in_flight */
  CallFunc func; /* (nullable) */
  gpointer data; /* (unowned) */
  GError **error;
  gboolean result;
  gboolean done; /* guarded by FerryStore.mutex */
} Task;

struct _FerryStore
{
  GObject parent_instance;

  GMainContext *context; /* (owned): where the store was made and everything but the thread runs */
  GSource *flush_source; /* (owned): ready when something is to be committed or told */
  GSource *done_source;  /* (owned): ready when the thread is done with @in_flight */

  FerryCore *core;     /* (owned) (nullable): the thread's while it runs */
  GThread *thread;     /* (owned) (nullable): %NULL once closed */
  GAsyncQueue *tasks;  /* (owned) (element-type Task): tasks belong to whoever waits */
  GMutex mutex;
  GCond cond;
  Task commit_task; /* the one for @in_flight */

  FerryQueue *queue; /* (unowned) (nullable) */
  gulong handlers[3];

  Batch *pending;      /* (owned): notes for the next commit */
  Batch *in_flight;    /* (owned) (nullable) */
  GHashTable *dirty;   /* (owned) (element-type FerryJob): jobs with notes, keys owned */
  GHashTable *written; /* (owned) (element-type FerryJob GArray): indexes (guint, ascending) of the files that have rows */
  gboolean failing;    /* the waiting functions are being told: nothing is noted */

  GHashTable *values;  /* (owned) (element-type utf8 GVariant): as last set */
  GHashTable *durable; /* (owned) (element-type utf8 GVariant): as on disk */
  gint64 last_duty;
  guint64 commits;
};

G_DEFINE_TYPE (FerryStore, ferry_store, G_TYPE_OBJECT)

enum
{
  SIGNAL_FAILED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void
unref_variant (gpointer variant)
{
  if (variant != NULL)
    g_variant_unref (variant);
}

static GHashTable *
value_table_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, unref_variant);
}

static Batch *
batch_new (void)
{
  Batch *self = g_new0 (Batch, 1);

  self->ops = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_op_free);
  self->values = value_table_new ();
  self->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
  return self;
}

static void
batch_free (Batch *self)
{
  g_ptr_array_unref (self->ops);
  g_hash_table_unref (self->values);
  g_array_unref (self->waiters);
  g_clear_error (&self->error);
  g_free (self);
}

/* What SQLite says, as the error of the contract. */
static void
set_store_error (GError **error, const GError *reason)
{
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED, "The change could not be stored: %s",
               reason->message);
}

/* --- the thread --- */

static void
run_task (FerryStore *self, Task *task)
{
  if (task->batch != NULL)
    {
      ferry_core_commit (self->core, task->batch->ops, &task->batch->error);
      g_source_set_ready_time (self->done_source, 0);
      return;
    }

  task->result = task->func (self->core, task->data, task->error);
  g_mutex_lock (&self->mutex);
  task->done = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static gpointer
thread_cb (gpointer data)
{
  FerryStore *self = data;
  gboolean untidy = TRUE;

  for (;;)
    {
      Task *task = untidy ? g_async_queue_try_pop (self->tasks) : g_async_queue_pop (self->tasks);

      if (task == NULL)
        {
          untidy = ferry_core_tidy (self->core);
          continue;
        }
      if (task->batch == NULL && task->func == NULL)
        return NULL;
      run_task (self, task);
      untidy = TRUE;
    }
}

/* Runs @func in the thread, after what is there already, and waits. */
static gboolean
call_thread (FerryStore *self, CallFunc func, gpointer data, GError **error)
{
  g_autoptr (GError) reason = NULL;
  Task task = { NULL, func, data, &reason, FALSE, FALSE };

  g_async_queue_push (self->tasks, &task);
  g_mutex_lock (&self->mutex);
  while (!task.done)
    g_cond_wait (&self->cond, &self->mutex);
  g_mutex_unlock (&self->mutex);

  if (!task.result)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED, "The store could not be read: %s",
                 reason->message);
  return task.result;
}

/* --- notes --- */

static void
wake (FerryStore *self)
{
  g_source_set_ready_time (self->flush_source, 0);
}

static gboolean
can_note (FerryStore *self)
{
  return self->thread != NULL && !self->failing;
}

static void
note_op (FerryStore *self, FerryOp *op)
{
  g_ptr_array_add (self->pending->ops, op);
  wake (self);
}

static void
note_job (FerryStore *self, FerryJob *job)
{
  if (!g_hash_table_contains (self->dirty, job))
    g_hash_table_add (self->dirty, g_object_ref (job));
  wake (self);
}

/* Deletes the rows of files that the job has no more; both lists ascend. */
static void
note_removed_files (FerryStore *self, FerryJob *job, GArray *written)
{
  guint position = 0;

  for (guint i = 0; i < written->len; i++)
    {
      guint index = g_array_index (written, guint, i);
      const FerryFile *file = NULL;

      while (position < job->files->len)
        {
          file = g_ptr_array_index (job->files, position);
          if (file->index >= index)
            break;
          position++;
        }
      if (position == job->files->len || file->index != index)
        g_ptr_array_add (self->pending->ops,
                         ferry_rows_delete (FERRY_STATEMENT_DELETE_FILE, (gint64) job->sequence,
                                            index));
    }
}

static GArray *
list_indexes (FerryJob *job)
{
  GArray *indexes = g_array_sized_new (FALSE, FALSE, sizeof (guint), job->files->len);

  for (guint i = 0; i < job->files->len; i++)
    g_array_append_val (indexes, ((FerryFile *) g_ptr_array_index (job->files, i))->index);
  return indexes;
}

/* Whether the job's files are those that have rows. An index is never used twice, so that the count and the
 * last one tell. */
static gboolean
has_same_files (FerryJob *job, GArray *written)
{
  const FerryFile *last;

  if (written->len != job->files->len)
    return FALSE;
  if (written->len == 0)
    return TRUE;

  last = g_ptr_array_index (job->files, job->files->len - 1);
  return last->index == g_array_index (written, guint, written->len - 1);
}

/* Turns what is marked in @job into calls, from its fields as they are now. */
static void
write_job (FerryStore *self, FerryJob *job)
{
  GArray *written = g_hash_table_lookup (self->written, job);
  GHashTableIter iter;
  gpointer file;

  if (job->dirty)
    g_ptr_array_add (self->pending->ops, ferry_rows_put_job (job));
  job->dirty = FALSE;

  if (!has_same_files (job, written))
    {
      note_removed_files (self, job, written);
      g_hash_table_insert (self->written, job, list_indexes (job));
    }
  if (job->dirty_files == NULL)
    return;

  g_hash_table_iter_init (&iter, job->dirty_files);
  while (g_hash_table_iter_next (&iter, &file, NULL))
    g_ptr_array_add (self->pending->ops, ferry_rows_put_file (job, file));
  g_hash_table_remove_all (job->dirty_files);
}

static void
job_added_cb (FerryQueue *queue, FerryJob *job, FerryStore *self)
{
  g_hash_table_insert (self->written, job, g_array_new (FALSE, FALSE, sizeof (guint)));
  if (!can_note (self))
    return;

  /* A row that could not be read may have had the same number. */
  note_op (self, ferry_rows_delete (FERRY_STATEMENT_DELETE_FILES, (gint64) job->sequence, -1));
  job->dirty = TRUE;
  if (job->dirty_files == NULL)
    job->dirty_files = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < job->files->len; i++)
    g_hash_table_add (job->dirty_files, g_ptr_array_index (job->files, i));
  note_job (self, job);
}

static void
job_removed_cb (FerryQueue *queue, FerryJob *job, FerryStore *self)
{
  g_hash_table_remove (self->written, job);
  g_hash_table_remove (self->dirty, job);
  if (!can_note (self))
    return;

  note_op (self, ferry_rows_delete (FERRY_STATEMENT_DELETE_JOB, (gint64) job->sequence, -1));
  note_op (self, ferry_rows_delete (FERRY_STATEMENT_DELETE_FILES, (gint64) job->sequence, -1));
}

static void
job_changed_cb (FerryQueue *queue, FerryJob *job, guint change, FerryStore *self)
{
  if (can_note (self) && (change & (FERRY_CHANGE_JOB | FERRY_CHANGE_FILES)) != 0)
    note_job (self, job);
}

/* --- commits --- */

/* Tells the functions in @waiters, which is empty after; they may call the store. */
static void
tell_waiters (GArray *waiters, const GError *error)
{
  gsize n_waiters;
  g_autofree Waiter *stolen = g_array_steal (waiters, &n_waiters);

  for (gsize i = 0; i < n_waiters; i++)
    stolen[i].func (error, stolen[i].user_data);
}

static void
tell_closed (FerryStore *self)
{
  g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_STORE_FAILED,
                                                  "The store is closed");

  tell_waiters (self->pending->waiters, error);
}

static void
write_dirty_jobs (FerryStore *self)
{
  GHashTableIter iter;
  gpointer job;

  g_hash_table_iter_init (&iter, self->dirty);
  while (g_hash_table_iter_next (&iter, &job, NULL))
    write_job (self, job);
  g_hash_table_remove_all (self->dirty);
}

static void
write_values (Batch *batch)
{
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  g_hash_table_iter_init (&iter, batch->values);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_ptr_array_add (batch->ops, ferry_rows_put_value (name, value));
}

/* Hands what was noted to the thread, unless it has work already. */
static void
flush (FerryStore *self)
{
  if (self->in_flight != NULL)
    return;
  if (self->thread == NULL)
    {
      tell_closed (self);
      return;
    }

  write_dirty_jobs (self);
  write_values (self->pending);
  if (self->pending->ops->len == 0)
    {
      tell_waiters (self->pending->waiters, NULL);
      return;
    }

  self->in_flight = g_steal_pointer (&self->pending);
  self->pending = batch_new ();
  self->commit_task.batch = self->in_flight;
  g_async_queue_push (self->tasks, &self->commit_task);
}

static GHashTable *
copy_values (GHashTable *table)
{
  GHashTable *copy = value_table_new ();
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_hash_table_insert (copy, g_strdup (name), g_variant_ref (value));
  return copy;
}

static void
keep_values (FerryStore *self, GHashTable *written)
{
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  g_hash_table_iter_init (&iter, written);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      if (value != NULL)
        g_hash_table_insert (self->durable, g_strdup (name), g_variant_ref (value));
      else
        g_hash_table_remove (self->durable, name);
    }
}

/* Drops all that was noted; what the model has now is not what the store has. */
static void
fail (FerryStore *self, Batch *batch)
{
  g_autoptr (GError) error = NULL;

  set_store_error (&error, batch->error);
  g_warning ("%s", error->message);

  self->failing = TRUE;
  tell_waiters (batch->waiters, error);
  while (self->pending->waiters->len > 0)
    tell_waiters (self->pending->waiters, error);
  g_clear_pointer (&self->pending, batch_free);
  self->pending = batch_new ();
  g_hash_table_remove_all (self->dirty);
  g_clear_pointer (&self->values, g_hash_table_unref);
  self->values = copy_values (self->durable);
  self->failing = FALSE;

  g_signal_emit (self, signals[SIGNAL_FAILED], 0, error);
}

/* Takes back what the thread is done with. */
static void
finish_commit (FerryStore *self)
{
  Batch *batch = g_steal_pointer (&self->in_flight);

  if (batch == NULL)
    return;

  if (batch->error != NULL)
    fail (self, batch);
  else
    {
      self->commits++;
      keep_values (self, batch->values);
      tell_waiters (batch->waiters, NULL);
    }
  batch_free (batch);
}

static gboolean
flush_cb (gpointer data)
{
  g_autoptr (FerryStore) self = g_object_ref (data);

  g_source_set_ready_time (self->flush_source, -1);
  flush (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
done_cb (gpointer data)
{
  g_autoptr (FerryStore) self = g_object_ref (data);

  g_source_set_ready_time (self->done_source, -1);
  finish_commit (self);
  flush (self);
  return G_SOURCE_CONTINUE;
}

/* --- the object --- */

static gboolean
dispatch_cb (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSourceFuncs source_funcs = { NULL, NULL, dispatch_cb, NULL, NULL, NULL };

/* Above the priority of bus calls: what a turn has noted goes to the disk before the next turn's calls are
 * handled, and no stream of calls holds it up. */
static GSource *
make_source (FerryStore *self, GSourceFunc func)
{
  GSource *source = g_source_new (&source_funcs, sizeof (GSource));

  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_set_callback (source, func, self, NULL);
  g_source_set_ready_time (source, -1);
  g_source_attach (source, self->context);
  return source;
}

static void
ferry_store_dispose (GObject *object)
{
  FerryStore *self = FERRY_STORE (object);

  ferry_store_close (self);
  G_OBJECT_CLASS (ferry_store_parent_class)->dispose (object);
}

static void
ferry_store_finalize (GObject *object)
{
  FerryStore *self = FERRY_STORE (object);

  g_source_destroy (self->flush_source);
  g_source_unref (self->flush_source);
  g_source_destroy (self->done_source);
  g_source_unref (self->done_source);
  g_main_context_unref (self->context);
  g_async_queue_unref (self->tasks);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  batch_free (self->pending);
  g_hash_table_unref (self->dirty);
  g_hash_table_unref (self->written);
  g_hash_table_unref (self->values);
  g_hash_table_unref (self->durable);
  G_OBJECT_CLASS (ferry_store_parent_class)->finalize (object);
}

static void
ferry_store_class_init (FerryStoreClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_store_dispose;
  G_OBJECT_CLASS (class)->finalize = ferry_store_finalize;

  signals[SIGNAL_FAILED] = g_signal_new ("failed", FERRY_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL,
                                         NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
ferry_store_init (FerryStore *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->flush_source = make_source (self, flush_cb);
  self->done_source = make_source (self, done_cb);
  self->tasks = g_async_queue_new ();
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->pending = batch_new ();
  self->dirty = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->written = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_array_unref);
  self->values = value_table_new ();
  self->durable = value_table_new ();
}

FerryStore *
ferry_store_new (const char *directory, GError **error)
{
  g_autoptr (FerryStore) self = g_object_new (FERRY_TYPE_STORE, NULL);
  g_autoptr (GError) reason = NULL;

  self->core = ferry_core_open (directory, &reason);
  if (self->core == NULL || !ferry_core_load_values (self->core, self->durable, &reason))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED,
                   "The store in %s cannot be opened: %s", directory, reason->message);
      return NULL;
    }

  g_hash_table_unref (self->values);
  self->values = copy_values (self->durable);
  self->last_duty = ferry_core_get_last_duty (self->core);
  self->thread = g_thread_new ("ferry-store", thread_cb, self);
  return g_steal_pointer (&self);
}

typedef struct
{
  GPtrArray *jobs;
  GPtrArray *duties;
} Loaded;

static gboolean
load_cb (FerryCore *core, gpointer data, GError **error)
{
  Loaded *loaded = data;

  return ferry_core_load (core, loaded->jobs, loaded->duties, error);
}

gboolean
ferry_store_load (FerryStore *self, FerryQueue *queue, GPtrArray *duties, GError **error)
{
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func (g_object_unref);
  Loaded loaded = { jobs, duties };

  g_return_val_if_fail (self->thread != NULL, FALSE);

  if (!call_thread (self, load_cb, &loaded, error))
    return FALSE;

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);

      if (ferry_queue_lookup_any (queue, job->id) != NULL)
        g_warning ("Job %s is in the store twice; its row %" G_GUINT64_FORMAT " is left out",
                   job->id, job->sequence);
      else
        ferry_queue_add (queue, job);
    }

  return TRUE;
}

void
ferry_store_watch (FerryStore *self, FerryQueue *queue)
{
  g_autoptr (GPtrArray) jobs = ferry_queue_list_all (queue);

  g_return_if_fail (self->queue == NULL);

  self->queue = queue;
  self->handlers[0] = g_signal_connect (queue, "job-added", G_CALLBACK (job_added_cb), self);
  self->handlers[1] = g_signal_connect (queue, "job-removed", G_CALLBACK (job_removed_cb), self);
  self->handlers[2] = g_signal_connect (queue, "job-changed", G_CALLBACK (job_changed_cb), self);

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);

      g_hash_table_insert (self->written, job, list_indexes (job));
    }
}

void
ferry_store_unwatch (FerryStore *self)
{
  if (self->queue == NULL)
    return;

  /* What was marked is still to be written; the jobs may be gone by then. */
  if (can_note (self))
    write_dirty_jobs (self);
  for (guint i = 0; i < G_N_ELEMENTS (self->handlers); i++)
    g_clear_signal_handler (&self->handlers[i], self->queue);
  self->queue = NULL;
  g_hash_table_remove_all (self->dirty);
  g_hash_table_remove_all (self->written);
}

void
ferry_store_add_duty (FerryStore *self, FerryDuty *duty)
{
  duty->id = ++self->last_duty;
  if (can_note (self))
    note_op (self, ferry_rows_put_duty (duty));
}

void
ferry_store_remove_duty (FerryStore *self, gint64 id)
{
  if (can_note (self))
    note_op (self, ferry_rows_delete (FERRY_STATEMENT_DELETE_DUTY, id, -1));
}

static gboolean
is_same_value (GVariant *a, GVariant *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  return g_variant_equal (a, b);
}

void
ferry_store_set_value (FerryStore *self, const char *name, GVariant *value)
{
  g_autoptr (GVariant) held = value != NULL ? g_variant_ref_sink (value) : NULL;

  if (!can_note (self) || is_same_value (g_hash_table_lookup (self->values, name), held))
    return;

  if (held != NULL)
    g_hash_table_insert (self->values, g_strdup (name), g_variant_ref (held));
  else
    g_hash_table_remove (self->values, name);
  g_hash_table_insert (self->pending->values, g_strdup (name), g_steal_pointer (&held));
  wake (self);
}

GVariant *
ferry_store_get_value (FerryStore *self, const char *name)
{
  GVariant *value = g_hash_table_lookup (self->values, name);

  return value != NULL ? g_variant_ref (value) : NULL;
}

GPtrArray *
ferry_store_list_values (FerryStore *self, const char *prefix)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, self->values);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      if (g_str_has_prefix (name, prefix))
        g_ptr_array_add (names, g_strdup (name));
    }

  return names;
}

static gboolean
has_notes (FerryStore *self)
{
  return self->pending->ops->len > 0 || g_hash_table_size (self->pending->values) > 0 ||
         g_hash_table_size (self->dirty) > 0;
}

void
ferry_store_after_commit (FerryStore *self, FerryStoreFunc func, gpointer user_data)
{
  Waiter waiter = { func, user_data };
  gboolean on_its_way = self->in_flight != NULL && !has_notes (self);

  g_array_append_val (on_its_way ? self->in_flight->waiters : self->pending->waiters, waiter);
  if (!on_its_way)
    wake (self);
}

guint64
ferry_store_get_commits (FerryStore *self)
{
  return self->commits;
}

static gboolean
nothing_cb (FerryCore *core, gpointer data, GError **error)
{
  return TRUE;
}

void
ferry_store_close (FerryStore *self)
{
  static Task end;

  ferry_store_unwatch (self);
  if (self->thread != NULL)
    {
      /* What is told about one commit may lead to another. */
      flush (self);
      while (self->in_flight != NULL)
        {
          call_thread (self, nothing_cb, NULL, NULL);
          finish_commit (self);
          flush (self);
        }
      g_async_queue_push (self->tasks, &end);
      g_thread_join (g_steal_pointer (&self->thread));
    }
  g_clear_pointer (&self->core, ferry_core_close);
}
