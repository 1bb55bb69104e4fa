/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-request.h"
#include "worker-runs.h"

#include "ferry-error.h"
#include "ferry-worker-protocol.h"
#include "worker-failure.h"
#include "worker-reply.h"

#include <malloc.h>

/* Connections and memory are kept this long after the last attempt, s. */
#define IDLE_TIME 30

/* Between two looks at the attempts: what they have not told yet, and whether they hang; ms. */
#define TICK_TIME 200

/* Files whose final URL is remembered. */
#define MAX_PLACES 256

/* Threads that hang in a file system, with those that work; no more are given to chance. Each may
 * hold a buffer. */
#define MAX_THREADS WORKER_BUFFERS_MAX

/** Where a file was found, after redirects; in memory only. */
typedef struct
{
  char *url;       /* (owned): what was asked */
  char *final_url; /* (owned) */
} Place;

/** An attempt that has not reported its end. */
typedef struct
{
  WorkerAttempt *attempt; /* (owned) */
  GVariant *resume;       /* (owned): what ferryd knows of it */
} Run;

/** A temporary file that a thread has open, or is about to leave. */
typedef struct
{
  gboolean hung;     /* we gave up on its attempt */
  WorkerOrder *next; /* (owned) (nullable): the attempt that begins when the thread has come back */
  SoupSession *session; /* (owned) (nullable): of @next */
} FileUse;

struct _WorkerRuns
{
  FerryLink *link;      /* (unowned) */
  WorkerChores *chores; /* (unowned) */
  guint patience;
  WorkerSessions *sessions; /* (owned) */
  WorkerBuffers *buffers;   /* (owned) */
  GThreadPool *pool;        /* (owned): one thread for each attempt */
  GHashTable *runs;         /* (owned) (element-type guint64 Run): by number of the attempt */
  GHashTable
      *files; /* (owned) (element-type utf8): temporary files that a thread has or had open */
  GHashTable *places; /* (owned) (element-type utf8 Place): by job and file */
  guint idle_timer;   /* source id, 0 when none */
  guint watch;        /* source id, 0 when none */
};

/** What goes from an attempt's thread to the main thread; without a kind: the thread has come
 * back. */
typedef struct
{
  WorkerRuns *runs;       /* (unowned) */
  WorkerAttempt *attempt; /* (owned) (nullable): in the last one */
  guint64 id;
  char *kind;          /* (owned) (nullable) */
  GVariant *arguments; /* (owned) (nullable) */
} Report;

/** What an attempt's reports need to find home. */
typedef struct
{
  WorkerRuns *runs; /* (unowned) */
  guint64 id;
  WorkerAttempt *attempt; /* (owned) */
} Task;

static void
free_place (gpointer data)
{
  Place *place = data;

  g_free (place->url);
  g_free (place->final_url);
  g_free (place);
}

static void
free_run (gpointer data)
{
  Run *run = data;

  worker_attempt_unref (run->attempt);
  g_clear_pointer (&run->resume, g_variant_unref);
  g_free (run);
}

static void
free_use (gpointer data)
{
  FileUse *use = data;

  g_clear_pointer (&use->next, worker_order_free);
  g_clear_object (&use->session);
  g_free (use);
}

static char *
get_place_key (const WorkerOrder *order)
{
  return g_strdup_printf ("%s %u", order->job, order->file);
}

static char *
get_file_key (const WorkerOrder *order)
{
  /* One source may go to several places at a time. */
  if (order->upload)
    return get_place_key (order);
  return g_strdup_printf ("%s\n%s", order->path, order->temporary_name);
}

/* == reports == */

static void
send_failed (WorkerRuns *self, guint64 id, GVariant *resume, const GError *error,
             const char *wait_reason)
{
  g_autoptr (GVariant) reply = worker_reply_new_error (error, -1);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (reply);
  guint64 offset = 0;

  if (resume != NULL)
    {
      g_variant_lookup (resume, "Offset", "t", &offset);
      g_variant_dict_insert_value (&dict, "Resume", resume);
    }
  g_variant_dict_insert (&dict, "Attempt", "t", id);
  g_variant_dict_insert (&dict, "Bytes", "t", offset);
  g_variant_dict_insert (&dict, "Transient", "b",
                         wait_reason != NULL || worker_failure_from_error (error).transient);
  g_variant_dict_insert (&dict, "NewBytes", "b", FALSE);
  if (wait_reason != NULL)
    g_variant_dict_insert (&dict, "WaitReason", "s", wait_reason);
  ferry_link_send (self->link, 0, "failed", g_variant_dict_end (&dict));
}

static gboolean
is_end (const char *kind)
{
  return g_str_equal (kind, "done") || g_str_equal (kind, "failed") ||
         g_str_equal (kind, "stopped") || g_str_equal (kind, "new-name");
}

static void
remember_place (WorkerRuns *self, WorkerAttempt *attempt, gboolean done)
{
  const WorkerOrder *order = worker_attempt_get_order (attempt);
  const char *final_url = worker_attempt_get_final_url (attempt);
  g_autofree char *key = get_place_key (order);
  Place *place;

  if (done)
    {
      g_hash_table_remove (self->places, key);
      return;
    }
  if (final_url == NULL || g_str_equal (final_url, order->url))
    return;

  /* They only save a restart in a rare case, so the simplest bound will do. */
  if (g_hash_table_size (self->places) >= MAX_PLACES)
    g_hash_table_remove_all (self->places);
  place = g_new0 (Place, 1);
  place->url = g_strdup (order->url);
  place->final_url = g_strdup (final_url);
  g_hash_table_replace (self->places, g_steal_pointer (&key), place);
}

static void
handle_report (WorkerRuns *self, const Report *report)
{
  Run *run = g_hash_table_lookup (self->runs, &report->id);
  GVariant *resume;

  /* We gave up on it: what it says now is too late. */
  if (run == NULL)
    return;

  resume = g_variant_lookup_value (report->arguments, "Resume", G_VARIANT_TYPE_VARDICT);
  if (resume != NULL)
    {
      g_clear_pointer (&run->resume, g_variant_unref);
      run->resume = resume;
    }
  if (is_end (report->kind))
    {
      remember_place (self, run->attempt, g_str_equal (report->kind, "done"));
      g_hash_table_remove (self->runs, &report->id);
    }
  ferry_link_send (self->link, 0, report->kind, report->arguments);
}

static gboolean
idle_cb (gpointer data)
{
  WorkerRuns *self = data;

  self->idle_timer = 0;
  worker_sessions_trim (self->sessions);
  worker_buffers_trim (self->buffers);
  malloc_trim (0);
  return G_SOURCE_REMOVE;
}

static void launch (WorkerRuns *self, WorkerOrder *order, SoupSession *session);

static void
handle_return (WorkerRuns *self, const Report *report)
{
  g_autofree char *key = get_file_key (worker_attempt_get_order (report->attempt));
  FileUse *use = g_hash_table_lookup (self->files, key);
  g_autoptr (WorkerOrder) next = g_steal_pointer (&use->next);
  g_autoptr (SoupSession) session = g_steal_pointer (&use->session);

  g_hash_table_remove (self->files, key);
  if (next != NULL)
    launch (self, g_steal_pointer (&next), session);
  if (g_hash_table_size (self->files) > 0)
    return;
  g_clear_handle_id (&self->watch, g_source_remove);
  self->idle_timer = g_timeout_add_seconds (IDLE_TIME, idle_cb, self);
}

static gboolean
report_cb (gpointer data)
{
  Report *report = data;

  if (report->kind != NULL)
    handle_report (report->runs, report);
  else
    handle_return (report->runs, report);

  g_clear_pointer (&report->attempt, worker_attempt_unref);
  g_clear_pointer (&report->arguments, g_variant_unref);
  g_free (report->kind);
  g_free (report);
  return G_SOURCE_REMOVE;
}

/* Of one priority, so that they arrive in order. */
static void
post (Task *task, WorkerAttempt *attempt, const char *kind, GVariant *arguments)
{
  Report *report = g_new0 (Report, 1);

  report->runs = task->runs;
  report->attempt = attempt;
  report->id = task->id;
  report->kind = g_strdup (kind);
  report->arguments = arguments;
  g_idle_add_full (G_PRIORITY_DEFAULT, report_cb, report, NULL);
}

static void
attempt_report_cb (gpointer data, const char *kind, GVariant *arguments)
{
  post (data, NULL, kind, arguments);
}

static void
run_cb (gpointer data, gpointer unused)
{
  Task *task = data;

  worker_attempt_run (task->attempt);
  /* The last reference goes in the main thread: with it may go that to a session. */
  post (task, g_steal_pointer (&task->attempt), NULL, NULL);
  g_free (task);
}

/* == watching == */

static GVariant *
run_checkpoint (gpointer data)
{
  worker_attempt_checkpoint (data);
  return worker_reply_new ();
}

static void
checkpoint_done_cb (GVariant *reply, gpointer data)
{
}

/* An attempt writes its own checkpoints, but not while it waits for a server that says nothing. */
static void
write_checkpoint (WorkerRuns *self, WorkerAttempt *attempt)
{
  worker_chores_push (self->chores, FALSE, run_checkpoint, worker_attempt_ref (attempt),
                      (GDestroyNotify) worker_attempt_unref, checkpoint_done_cb, NULL);
}

/* @wait_reason: (out): what the file waits for */
static GError *
new_hang_error (const WorkerOrder *order, const char **wait_reason)
{
  *wait_reason = order->upload ? "upload-source" : "destination";
  return g_error_new (FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                      "The file system of the %s does not answer",
                      order->upload ? "file" : "target");
}

/* Its thread cannot be stopped; as long as it is there nobody else gets its file. */
static gboolean
watch_cb (gpointer data)
{
  WorkerRuns *self = data;
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      Run *run = value;
      const WorkerOrder *order = worker_attempt_get_order (run->attempt);
      g_autofree char *file = get_file_key (order);
      const char *wait_reason;
      FileUse *use = g_hash_table_lookup (self->files, file);
      g_autoptr (GError) error = NULL;
      gboolean opening;
      gint64 busy = worker_attempt_get_busy_time (run->attempt, &opening);

      if (worker_attempt_tick (run->attempt))
        write_checkpoint (self, run->attempt);
      if (busy < (gint64) self->patience * 1000 * (opening ? 1 : WORKER_RUNS_SLOW))
        continue;
      error = new_hang_error (order, &wait_reason);
      use->hung = TRUE;
      worker_attempt_stop (run->attempt);
      send_failed (self, *(guint64 *) key, run->resume, error, wait_reason);
      g_hash_table_iter_remove (&iter);
    }
  return G_SOURCE_CONTINUE;
}

/* == start and stop == */

/* Returns: (transfer full) (nullable): the session to use; %NULL with @error and maybe
 * @wait_reason */
static SoupSession *
check_start (WorkerRuns *self, const WorkerOrder *order, const char **wait_reason, GError **error)
{
  g_autofree char *key = NULL;
  FileUse *use;

  if (order == NULL)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                           "The worker was asked for a file without being told which");
      return NULL;
    }
  if (g_hash_table_contains (self->runs, &order->attempt) ||
      g_hash_table_size (self->runs) >= FERRY_WORKER_MAX_ATTEMPTS)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                           "The worker has too many files under way");
      return NULL;
    }

  key = get_file_key (order);
  use = g_hash_table_lookup (self->files, key);
  if ((use != NULL && (use->hung || use->next != NULL)) ||
      g_hash_table_size (self->files) >= MAX_THREADS)
    {
      g_propagate_error (error, new_hang_error (order, wait_reason));
      return NULL;
    }
  return worker_order_get_session (order, self->sessions, error);
}

static const char *
find_place (WorkerRuns *self, const WorkerOrder *order)
{
  g_autofree char *key = get_place_key (order);
  Place *place = g_hash_table_lookup (self->places, key);

  return place != NULL && g_str_equal (place->url, order->url) ? place->final_url : NULL;
}

static void
launch (WorkerRuns *self, WorkerOrder *order, SoupSession *session)
{
  Task *task = g_new0 (Task, 1);
  Run *run = g_new0 (Run, 1);
  const char *last_url = find_place (self, order);

  g_hash_table_insert (self->files, get_file_key (order), g_new0 (FileUse, 1));
  run->resume = g_variant_ref (order->resume);
  task->runs = self;
  task->id = order->attempt;
  task->attempt = worker_attempt_new (order, self->sessions, session, self->buffers, last_url,
                                      attempt_report_cb, task);
  run->attempt = worker_attempt_ref (task->attempt);
  g_hash_table_insert (self->runs, g_memdup2 (&task->id, sizeof task->id), run);

  g_clear_handle_id (&self->idle_timer, g_source_remove);
  if (self->watch == 0)
    self->watch = g_timeout_add (TICK_TIME, watch_cb, self);
  g_thread_pool_push (self->pool, task, NULL);
}

void
worker_runs_start (WorkerRuns *self, GVariant *arguments, gboolean upload)
{
  g_autoptr (WorkerOrder) order = worker_order_new (arguments, upload);
  g_autoptr (SoupSession) session = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *key = NULL;
  const char *wait_reason = NULL;
  FileUse *use;
  guint64 id = 0;

  g_variant_lookup (arguments, "Attempt", "t", &id);
  session = check_start (self, order, &wait_reason, &error);
  if (session == NULL)
    {
      send_failed (self, id, order != NULL ? order->resume : NULL, error, wait_reason);
      return;
    }

  /* The thread of the attempt before it has said its last word, but may not have come back yet. */
  key = get_file_key (order);
  use = g_hash_table_lookup (self->files, key);
  if (use == NULL)
    {
      launch (self, g_steal_pointer (&order), session);
      return;
    }
  use->next = g_steal_pointer (&order);
  use->session = g_steal_pointer (&session);
}

/* Returns: whether @id was waiting for its turn, and is answered */
static gboolean
stop_waiting (WorkerRuns *self, guint64 id)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->files);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      FileUse *use = value;
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
      guint64 offset = 0;

      if (use->next == NULL || use->next->attempt != id)
        continue;
      g_variant_lookup (use->next->resume, "Offset", "t", &offset);
      g_variant_dict_insert (&dict, "Attempt", "t", id);
      g_variant_dict_insert_value (&dict, "Resume", use->next->resume);
      g_variant_dict_insert (&dict, "Bytes", "t", offset);
      ferry_link_send (self->link, 0, "stopped", g_variant_dict_end (&dict));
      g_clear_pointer (&use->next, worker_order_free);
      g_clear_object (&use->session);
      return TRUE;
    }
  return FALSE;
}

void
worker_runs_stop (WorkerRuns *self, GVariant *arguments)
{
  guint64 id = 0;
  Run *run;

  g_variant_lookup (arguments, "Attempt", "t", &id);
  if (stop_waiting (self, id))
    return;
  run = g_hash_table_lookup (self->runs, &id);
  if (run != NULL)
    worker_attempt_stop (run->attempt);
}

void
worker_runs_stored (WorkerRuns *self, GVariant *arguments)
{
  guint64 id = 0;
  Run *run;

  g_variant_lookup (arguments, "Attempt", "t", &id);
  run = g_hash_table_lookup (self->runs, &id);
  if (run != NULL)
    worker_attempt_stored (run->attempt);
}

WorkerSessions *
worker_runs_get_sessions (WorkerRuns *self)
{
  return self->sessions;
}

GPtrArray *
worker_runs_list (WorkerRuns *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) worker_attempt_unref);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (list, worker_attempt_ref (((Run *) value)->attempt));
  return list;
}

WorkerRuns *
worker_runs_new (FerryLink *link, WorkerChores *chores, guint patience, const WorkerTimes *times)
{
  WorkerRuns *self = g_new0 (WorkerRuns, 1);

  self->link = link;
  self->chores = chores;
  self->patience = patience;
  self->sessions = worker_sessions_new (times);
  self->buffers = worker_buffers_new ();
  self->pool = g_thread_pool_new (run_cb, NULL, MAX_THREADS, FALSE, NULL);
  self->runs = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, free_run);
  self->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_use);
  self->places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_place);
  return self;
}
