/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-store.h"

#include "ferry-store-notes.h"
#include "ferry-store-rows.h"
#include "ferry-store-thread.h"
#include "ferry-store-values.h"

/* A function that waits for a commit. */
typedef struct
{
  FerryStoreFunc func;
  gpointer user_data;
} Waiter;

struct _FerryStore
{
  GObject parent_instance;

  GSource *flush_source;    /* (owned): ready when something is to be committed or told */
  FerryStoreThread *thread; /* (owned) (nullable): %NULL once closed */
  FerryStoreNotes *notes;   /* (owned): for the next commit */
  FerryStoreValues *values; /* (owned) (nullable): %NULL until opened */
  GArray *waiting;          /* (owned) (element-type Waiter): for the next commit */
  GArray *committing;       /* (owned) (element-type Waiter): for the one on its way */
  gboolean failed; /* until it was loaded anew: nothing is noted, all who wait are refused */
  char *directory; /* (owned) (type filename) */
  char *problem;   /* (owned) (nullable): of the last commit */
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
wake (FerryStore *self)
{
  g_source_set_ready_time (self->flush_source, 0);
}

static void
noted_cb (gpointer notes, gpointer data)
{
  wake (data);
}

static void
set_failed (FerryStore *self, gboolean failed)
{
  self->failed = failed;
  ferry_store_notes_set_muted (self->notes, failed);
}

/* --- commits --- */

/* Tells the functions in @waiters, which is empty after; they may call the store. */
static void
tell (GArray *waiters, const GError *error)
{
  gsize n_waiters;
  g_autofree Waiter *stolen = g_array_steal (waiters, &n_waiters);

  for (gsize i = 0; i < n_waiters; i++)
    stolen[i].func (error, stolen[i].user_data);
}

static gboolean
has_changes (FerryStore *self)
{
  return ferry_store_notes_are_there (self->notes) || ferry_store_values_are_changed (self->values);
}

static void
refuse (FerryStore *self)
{
  g_autoptr (GError) error = g_error_new_literal (
      FERRY_ERROR, FERRY_ERROR_STORE_FAILED,
      self->thread == NULL ? "The store is closed" : "The store was not read after it had failed");

  tell (self->waiting, error);
}

/* Hands what was noted to the thread, unless it has work already. */
static void
flush (FerryStore *self)
{
  GArray *none;
  GPtrArray *ops;

  if (self->thread == NULL || self->failed)
    {
      refuse (self);
      return;
    }
  if (ferry_store_thread_is_busy (self->thread))
    return;

  ops = ferry_store_notes_take (self->notes);
  ferry_store_values_take (self->values, ops);
  if (ops->len == 0)
    {
      g_ptr_array_unref (ops);
      tell (self->waiting, NULL);
      return;
    }

  none = self->committing;
  self->committing = self->waiting;
  self->waiting = none;
  ferry_store_thread_commit (self->thread, ops);
}

/* Drops all that was noted: what the model has now is not what the store has. */
static void
fail (FerryStore *self, const GError *reason)
{
  g_autoptr (GError) error = g_error_new (FERRY_ERROR, FERRY_ERROR_STORE_FAILED,
                                          "The change could not be stored: %s", reason->message);

  g_warning ("%s", error->message);
  g_free (self->problem);
  self->problem = g_strdup (error->message);
  ferry_store_notes_drop (self->notes);
  ferry_store_values_revert (self->values);

  set_failed (self, TRUE);
  tell (self->committing, error);
  tell (self->waiting, error);
  g_signal_emit (self, signals[SIGNAL_FAILED], 0, error);
}

static void
committed_cb (const GError *error, gpointer data)
{
  g_autoptr (FerryStore) self = g_object_ref (data);

  if (error != NULL)
    fail (self, error);
  else
    {
      self->commits++;
      g_clear_pointer (&self->problem, g_free);
      ferry_store_values_keep (self->values);
      tell (self->committing, NULL);
    }
  flush (self);
}

static gboolean
flush_cb (gpointer data)
{
  g_autoptr (FerryStore) self = g_object_ref (data);

  g_source_set_ready_time (self->flush_source, -1);
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

static void
ferry_store_dispose (GObject *object)
{
  ferry_store_close (FERRY_STORE (object));
  G_OBJECT_CLASS (ferry_store_parent_class)->dispose (object);
}

static void
ferry_store_finalize (GObject *object)
{
  FerryStore *self = FERRY_STORE (object);

  g_source_destroy (self->flush_source);
  g_source_unref (self->flush_source);
  ferry_store_notes_free (self->notes);
  ferry_store_values_free (self->values);
  g_array_unref (self->waiting);
  g_array_unref (self->committing);
  g_free (self->directory);
  g_free (self->problem);
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
  self->notes = ferry_store_notes_new (noted_cb, self);
  self->waiting = g_array_new (FALSE, FALSE, sizeof (Waiter));
  self->committing = g_array_new (FALSE, FALSE, sizeof (Waiter));
  self->flush_source = g_source_new (&source_funcs, sizeof (GSource));
  /* Above the priority of bus calls: what a turn has noted goes to the disk before the next turn's calls are
   * handled, and no stream of calls holds it up. */
  g_source_set_priority (self->flush_source, G_PRIORITY_HIGH);
  g_source_set_callback (self->flush_source, flush_cb, self, NULL);
  g_source_set_ready_time (self->flush_source, -1);
  g_source_attach (self->flush_source, g_main_context_get_thread_default ());
}

FerryStore *
ferry_store_new (const char *directory, GError **error)
{
  g_autoptr (FerryStore) self = g_object_new (FERRY_TYPE_STORE, NULL);
  g_autoptr (GHashTable) stored = ferry_store_values_table_new ();
  g_autoptr (GError) reason = NULL;
  g_autoptr (FerryCore) core = ferry_core_open (directory, &reason);

  if (core == NULL || !ferry_core_load_values (core, stored, &reason))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED,
                   "The store in %s cannot be opened: %s", directory, reason->message);
      return NULL;
    }

  self->directory = g_strdup (directory);
  self->values = ferry_store_values_new (g_steal_pointer (&stored));
  self->last_duty = ferry_core_get_last_duty (core);
  self->thread = ferry_store_thread_new (g_steal_pointer (&core), committed_cb, self);
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
  g_autoptr (GError) reason = NULL;
  Loaded loaded = { jobs, duties };

  g_return_val_if_fail (self->thread != NULL, FALSE);

  if (!ferry_store_thread_call (self->thread, load_cb, &loaded, &reason))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED, "The store cannot be read: %s",
                   reason->message);
      return FALSE;
    }

  set_failed (self, FALSE);
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
  ferry_store_notes_watch (self->notes, queue);
}

void
ferry_store_unwatch (FerryStore *self)
{
  ferry_store_notes_unwatch (self->notes);
}

void
ferry_store_add_duty (FerryStore *self, FerryDuty *duty)
{
  duty->id = ++self->last_duty;
  ferry_store_notes_add (self->notes, ferry_rows_put_duty (duty));
}

void
ferry_store_change_duty (FerryStore *self, const FerryDuty *duty)
{
  ferry_store_notes_add (self->notes, ferry_rows_put_duty (duty));
}

void
ferry_store_remove_duty (FerryStore *self, gint64 id)
{
  ferry_store_notes_add (self->notes, ferry_rows_delete (FERRY_STATEMENT_DELETE_DUTY, id, -1));
}

void
ferry_store_set_value (FerryStore *self, const char *name, GVariant *value)
{
  g_autoptr (GVariant) held = value != NULL ? g_variant_ref_sink (value) : NULL;

  if (self->thread != NULL && !self->failed && ferry_store_values_set (self->values, name, held))
    wake (self);
}

GVariant *
ferry_store_get_value (FerryStore *self, const char *name)
{
  return ferry_store_values_get (self->values, name);
}

GPtrArray *
ferry_store_list_values (FerryStore *self, const char *prefix)
{
  return ferry_store_values_list (self->values, prefix);
}

void
ferry_store_after_commit (FerryStore *self, FerryStoreFunc func, gpointer user_data)
{
  Waiter waiter = { func, user_data };

  /* All that was noted may be on its way already. */
  if (self->thread != NULL && ferry_store_thread_is_busy (self->thread) && !has_changes (self))
    {
      g_array_append_val (self->committing, waiter);
      return;
    }

  g_array_append_val (self->waiting, waiter);
  wake (self);
}

const char *
ferry_store_get_directory (FerryStore *self)
{
  return self->directory;
}

const char *
ferry_store_get_problem (FerryStore *self)
{
  return self->problem;
}

guint64
ferry_store_get_commits (FerryStore *self)
{
  return self->commits;
}

void
ferry_store_close (FerryStore *self)
{
  ferry_store_unwatch (self);
  if (self->thread == NULL)
    return;

  /* What is told about one commit may lead to another. */
  flush (self);
  while (ferry_store_thread_is_busy (self->thread))
    {
      ferry_store_thread_finish (self->thread);
      flush (self);
    }
  g_clear_pointer (&self->thread, ferry_store_thread_free);
  ferry_store_notes_set_muted (self->notes, TRUE);
}
