/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-chores.h"

typedef struct
{
  WorkerChores *owner; /* (unowned): used in the main thread only, %NULL once it is gone */
  WorkerChoreFunc func;
  gpointer data; /* (owned) */
  GDestroyNotify free_data;
  WorkerChoreDone done; /* (nullable): %NULL once called */
  gpointer done_data;   /* (unowned) */
  gboolean deadline;
  guint timer;     /* source id, 0 when none */
  gboolean hung;   /* counted in n_hung instead of n_running */
  GVariant *reply; /* (owned) (nullable) */
} Chore;

struct _WorkerChores
{
  guint patience;
  GThreadPool
      *pool; /* (owned): unbounded; the bound is kept here, since it must not count what hangs */
  GQueue waiting; /* (element-type Chore) (owned) */
  GHashTable *
      busy; /* (owned) (element-type Chore): in the pool; (unowned) elements, their thread has them */
  guint n_running;
  guint n_hung;
};

static void run_in_thread (gpointer data, gpointer unused);

WorkerChores *
worker_chores_new (guint patience)
{
  WorkerChores *self = g_new0 (WorkerChores, 1);

  self->patience = patience;
  self->pool = g_thread_pool_new (run_in_thread, NULL, -1, FALSE, NULL);
  g_queue_init (&self->waiting);
  self->busy = g_hash_table_new (NULL, NULL);
  return self;
}

static void
free_chore (gpointer data)
{
  Chore *chore = data;

  g_clear_handle_id (&chore->timer, g_source_remove);
  if (chore->free_data != NULL)
    chore->free_data (chore->data);
  g_clear_pointer (&chore->reply, g_variant_unref);
  g_free (chore);
}

static void start_waiting (WorkerChores *self);

static void
answer (Chore *chore, GVariant *reply)
{
  WorkerChoreDone done = g_steal_pointer (&chore->done);

  if (done != NULL)
    done (reply, chore->done_data);
}

/* In the main thread. */
static gboolean
finished_cb (gpointer data)
{
  Chore *chore = data;
  WorkerChores *self = chore->owner;

  if (self != NULL)
    {
      g_hash_table_remove (self->busy, chore);
      if (chore->hung)
        self->n_hung--;
      else
        self->n_running--;
      answer (chore, chore->reply);
      start_waiting (self);
    }
  free_chore (chore);
  return G_SOURCE_REMOVE;
}

static void
run_in_thread (gpointer data, gpointer unused)
{
  Chore *chore = data;

  chore->reply = chore->func (chore->data);
  g_idle_add_full (G_PRIORITY_DEFAULT, finished_cb, chore, NULL);
}

static gboolean
hung_cb (gpointer data)
{
  Chore *chore = data;
  WorkerChores *self = chore->owner;

  chore->timer = 0;
  chore->hung = TRUE;
  self->n_running--;
  self->n_hung++;
  if (chore->deadline)
    answer (chore, NULL);
  start_waiting (self);
  return G_SOURCE_REMOVE;
}

/* So many hang that no more threads are given to chance: who has a deadline is told, the rest waits
 * for one to come back. */
static void
refuse_waiting (WorkerChores *self)
{
  GList *next;

  for (GList *link = self->waiting.head; link != NULL; link = next)
    {
      Chore *chore = link->data;

      next = link->next;
      if (!chore->deadline)
        continue;
      g_queue_delete_link (&self->waiting, link);
      answer (chore, NULL);
      free_chore (chore);
    }
}

static void
start_waiting (WorkerChores *self)
{
  while (self->n_running < WORKER_MAX_CHORES && self->n_hung < WORKER_MAX_HUNG_CHORES &&
         !g_queue_is_empty (&self->waiting))
    {
      Chore *chore = g_queue_pop_head (&self->waiting);

      self->n_running++;
      g_hash_table_add (self->busy, chore);
      chore->timer = g_timeout_add (self->patience, hung_cb, chore);
      g_thread_pool_push (self->pool, chore, NULL);
    }
  if (self->n_hung >= WORKER_MAX_HUNG_CHORES)
    refuse_waiting (self);
}

void
worker_chores_push (WorkerChores *self, gboolean deadline, WorkerChoreFunc func, gpointer data,
                    GDestroyNotify free_data, WorkerChoreDone done, gpointer done_data)
{
  Chore *chore = g_new0 (Chore, 1);

  chore->owner = self;
  chore->func = func;
  chore->data = data;
  chore->free_data = free_data;
  chore->done = done;
  chore->done_data = done_data;
  chore->deadline = deadline;
  g_queue_push_tail (&self->waiting, chore);
  start_waiting (self);
}

void
worker_chores_free (WorkerChores *self)
{
  GHashTableIter iter;
  gpointer key;

  if (self == NULL)
    return;

  /* Their threads may never come back; what they hold is freed when they do. */
  g_hash_table_iter_init (&iter, self->busy);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      Chore *chore = key;

      chore->owner = NULL;
      g_clear_handle_id (&chore->timer, g_source_remove);
    }
  g_hash_table_unref (self->busy);
  g_queue_clear_full (&self->waiting, free_chore);
  g_thread_pool_free (self->pool, FALSE, FALSE);
  g_free (self);
}
