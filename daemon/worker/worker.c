/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker.h"

#include "ferry-error.h"
#include "ferry-text.h"
#include "ferry-worker-protocol.h"
#include "worker-attempt.h"
#include "worker-chores.h"
#include "worker-failure.h"
#include "worker-sink.h"

#include <malloc.h>

/* Between two looks at what the attempts have not told yet, ms. */
#define TICK_TIME 200

/* Connections and memory are kept this long after the last attempt, s. */
#define IDLE_TIME 30

/* Files whose final URL is remembered. */
#define MAX_PLACES 256

/* As long as the longest that ferryd makes: the check for long names counts it. */
#define LONGEST_TEMPORARY_NAME ".ferry-00000000000000000000000000000000-4294967295.part"

/** Where a file was found, after redirects; in memory only. */
typedef struct
{
  char *url;       /* (owned): what was asked */
  char *final_url; /* (owned) */
} Place;

struct _Worker
{
  FerryLink *link;          /* (unowned) */
  WorkerSessions *sessions; /* (owned) */
  WorkerBuffers *buffers;   /* (owned) */
  WorkerChores *chores;     /* (owned) */
  GThreadPool *pool;        /* (owned): one thread for each attempt */
  GHashTable *
      attempts; /* (owned) (element-type guint64 WorkerAttempt): that have not reported their end */
  guint n_threads;    /* attempts whose thread has not come back */
  GHashTable *places; /* (owned) (element-type utf8 Place): by job and file */
  guint idle_timer;   /* source id, 0 when none */
  guint tick_timer;   /* source id, 0 when no attempt runs */
};

static void
free_place (gpointer data)
{
  Place *place = data;

  g_free (place->url);
  g_free (place->final_url);
  g_free (place);
}

/* == errors in replies == */

static GVariant *
build_error_reply (const GError *error, gint64 index)
{
  g_auto (GVariantDict) reply = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  WorkerFailure failure = worker_failure_from_error (error);
  g_autofree char *message = ferry_text_clean (error->message, FERRY_TEXT_MAX);

  g_variant_dict_insert (&dict, "Name", "s", ferry_error_get_name (failure.code));
  g_variant_dict_insert (&dict, "Context", "s", ferry_error_context_to_string (failure.context));
  g_variant_dict_insert (&dict, "Message", "s", message);
  g_variant_dict_insert_value (&reply, "Error", g_variant_dict_end (&dict));
  if (index >= 0)
    g_variant_dict_insert (&reply, "Index", "u", (guint32) index);
  if (g_error_matches (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_LOST))
    g_variant_dict_insert (&reply, "Lost", "b", TRUE);
  return g_variant_ref_sink (g_variant_dict_end (&reply));
}

/* == attempts == */

/** A message of an attempt on its way to the main thread; with no kind: its thread is done with it. */
typedef struct
{
  Worker *worker;         /* (unowned) */
  WorkerAttempt *attempt; /* (owned) (nullable) */
  guint64 id;
  char *kind;          /* (owned) (nullable) */
  GVariant *arguments; /* (owned) (nullable) */
} Report;

/** What an attempt's reports need to find home. */
typedef struct
{
  Worker *worker; /* (unowned) */
  guint64 id;
  WorkerAttempt *attempt; /* (owned) */
} Run;

static gboolean
is_end (const char *kind)
{
  return g_str_equal (kind, "done") || g_str_equal (kind, "failed") ||
         g_str_equal (kind, "stopped") || g_str_equal (kind, "new-name");
}

static gboolean
idle_cb (gpointer data)
{
  Worker *self = data;

  self->idle_timer = 0;
  worker_sessions_trim (self->sessions);
  worker_buffers_trim (self->buffers);
  malloc_trim (0);
  return G_SOURCE_REMOVE;
}

static char *
get_place_key (const WorkerOrder *order)
{
  return g_strdup_printf ("%s %u", order->job, order->file);
}

static void
remember_place (Worker *self, WorkerAttempt *attempt, gboolean done)
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

static gboolean
report_cb (gpointer data)
{
  Report *report = data;
  Worker *self = report->worker;

  if (report->kind != NULL)
    {
      if (is_end (report->kind))
        {
          WorkerAttempt *attempt = g_hash_table_lookup (self->attempts, &report->id);

          if (attempt != NULL)
            remember_place (self, attempt, g_str_equal (report->kind, "done"));
          g_hash_table_remove (self->attempts, &report->id);
        }
      ferry_link_send (self->link, 0, report->kind, report->arguments);
    }
  else if (--self->n_threads == 0)
    {
      g_clear_handle_id (&self->tick_timer, g_source_remove);
      self->idle_timer = g_timeout_add_seconds (IDLE_TIME, idle_cb, self);
    }

  g_clear_pointer (&report->attempt, worker_attempt_unref);
  g_clear_pointer (&report->arguments, g_variant_unref);
  g_free (report->kind);
  g_free (report);
  return G_SOURCE_REMOVE;
}

static void
post (Run *run, WorkerAttempt *attempt, const char *kind, GVariant *arguments)
{
  Report *report = g_new0 (Report, 1);

  report->worker = run->worker;
  report->attempt = attempt;
  report->id = run->id;
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
  Run *run = data;

  worker_attempt_run (run->attempt);
  /* The last reference goes in the main thread: with it may go that to a session. */
  post (run, g_steal_pointer (&run->attempt), NULL, NULL);
  g_free (run);
}

static void
refuse_start (Worker *self, guint64 id, GVariant *resume, const GError *error)
{
  g_autoptr (GVariant) reply = build_error_reply (error, -1);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (reply);
  guint64 offset = 0;

  if (resume != NULL)
    {
      g_variant_lookup (resume, "Offset", "t", &offset);
      g_variant_dict_insert_value (&dict, "Resume", resume);
    }
  g_variant_dict_insert (&dict, "Attempt", "t", id);
  g_variant_dict_insert (&dict, "Bytes", "t", offset);
  g_variant_dict_insert (&dict, "Transient", "b", worker_failure_from_error (error).transient);
  g_variant_dict_insert (&dict, "NewBytes", "b", FALSE);
  ferry_link_send (self->link, 0, "failed", g_variant_dict_end (&dict));
}

static GVariant *
run_due_checkpoint (gpointer data)
{
  worker_attempt_checkpoint (data);
  return g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
}

/* The last reference goes in the main thread, here too. */
static void
due_checkpoint_done_cb (GVariant *reply, gpointer data)
{
  worker_attempt_unref (data);
}

static gboolean
tick_cb (gpointer data)
{
  Worker *self = data;
  GHashTableIter iter;
  gpointer attempt;

  g_hash_table_iter_init (&iter, self->attempts);
  while (g_hash_table_iter_next (&iter, NULL, &attempt))
    {
      if (worker_attempt_tick (attempt))
        worker_chores_push (self->chores, FALSE, run_due_checkpoint, attempt, NULL,
                            due_checkpoint_done_cb, worker_attempt_ref (attempt));
    }
  return G_SOURCE_CONTINUE;
}

static void
start (Worker *self, GVariant *arguments)
{
  g_autoptr (WorkerOrder) order = worker_order_new (arguments);
  g_autoptr (SoupSession) session = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *key = NULL;
  guint64 id = 0;
  const char *last_url = NULL;
  Place *place;
  Run *run;

  g_variant_lookup (arguments, "Attempt", "t", &id);
  if (order == NULL)
    error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                                 "The worker was asked for a file without being told which");
  else if (g_hash_table_contains (self->attempts, &id) ||
           g_hash_table_size (self->attempts) >= FERRY_WORKER_MAX_ATTEMPTS)
    error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                                 "The worker has too many files under way");
  else
    session = worker_sessions_get (self->sessions, order->proxy_usage, order->proxy_uri,
                                   (const char *const *) order->proxy_bypass, &error);
  if (session == NULL)
    {
      refuse_start (self, id, order != NULL ? order->resume : NULL, error);
      return;
    }

  key = get_place_key (order);
  place = g_hash_table_lookup (self->places, key);
  if (place != NULL && g_str_equal (place->url, order->url))
    last_url = place->final_url;

  run = g_new0 (Run, 1);
  run->worker = self;
  run->id = id;
  run->attempt = worker_attempt_new (g_steal_pointer (&order), self->sessions, session,
                                     self->buffers, last_url, attempt_report_cb, run);
  g_clear_handle_id (&self->idle_timer, g_source_remove);
  if (self->n_threads++ == 0)
    self->tick_timer = g_timeout_add (TICK_TIME, tick_cb, self);
  g_hash_table_insert (self->attempts, g_memdup2 (&id, sizeof id),
                       worker_attempt_ref (run->attempt));
  g_thread_pool_push (self->pool, run, NULL);
}

static void
stop (Worker *self, GVariant *arguments)
{
  guint64 id = 0;
  WorkerAttempt *attempt;

  g_variant_lookup (arguments, "Attempt", "t", &id);
  attempt = g_hash_table_lookup (self->attempts, &id);
  if (attempt != NULL)
    worker_attempt_stop (attempt);
}

/* == requests == */

/** A request that a chore works on; (shared) between its thread and the main thread. */
typedef struct
{
  Worker *worker; /* (unowned) */
  guint32 id;
  GVariant *arguments; /* (owned) */
  int index;           /* atomic: of the path being checked */
  guint pending;       /* chores that have not answered: main thread only */
  gboolean hung;       /* one of them did not in time: main thread only */
} Request;

/** One attempt of a "checkpoint" request. */
typedef struct
{
  Request *request;       /* (owned) */
  WorkerAttempt *attempt; /* (owned) */
} CheckpointChore;

static Request *
request_new (Worker *self, guint32 id, GVariant *arguments)
{
  Request *request = g_atomic_rc_box_new0 (Request);

  request->worker = self;
  request->id = id;
  request->arguments = g_variant_ref (arguments);
  return request;
}

static void
request_clear (gpointer data)
{
  Request *request = data;

  g_variant_unref (request->arguments);
}

static void
request_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, request_clear);
}

static GVariant *
empty_reply (void)
{
  return g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
}

static void
request_done_cb (GVariant *reply, gpointer data)
{
  Request *request = data;
  g_autoptr (GVariant) late = NULL;

  if (reply == NULL)
    {
      g_autoptr (GError)
          error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                                       "The file system of the target does not answer");

      late = build_error_reply (error, g_atomic_int_get (&request->index));
    }
  ferry_link_send (request->worker->link, request->id, "reply", reply != NULL ? reply : late);
  request_unref (request);
}

static void
push_request (Worker *self, guint32 id, GVariant *arguments, gboolean deadline,
              WorkerChoreFunc func)
{
  Request *request = request_new (self, id, arguments);

  worker_chores_push (self->chores, deadline, func, g_atomic_rc_box_acquire (request),
                      request_unref, request_done_cb, request);
}

/* In a chore's thread. */
static GVariant *
check_targets (gpointer data)
{
  Request *request = data;
  g_autoptr (GVariant)
      paths = g_variant_lookup_value (request->arguments, "Paths", G_VARIANT_TYPE ("a(sb)"));
  g_auto (GVariantDict) reply = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariantBuilder) builder = g_variant_builder_new (G_VARIANT_TYPE ("aa{sv}"));
  guint32 pid = 0;
  gsize n_paths = paths != NULL ? g_variant_n_children (paths) : 0;

  g_variant_lookup (request->arguments, "Pid", "u", &pid);
  for (gsize i = 0; i < n_paths; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) resume = NULL;
      const char *path;
      gboolean may_exist;

      g_atomic_int_set (&request->index, (int) i);
      g_variant_get_child (paths, i, "(&sb)", &path, &may_exist);
      resume = worker_target_check (path, LONGEST_TEMPORARY_NAME, (GPid) pid, may_exist, &error);
      if (resume == NULL)
        return build_error_reply (error, (gint64) i);
      g_variant_builder_add_value (builder, resume);
    }

  g_variant_dict_insert_value (&reply, "Resume", g_variant_builder_end (builder));
  return g_variant_ref_sink (g_variant_dict_end (&reply));
}

/** What the requests on one file have in common; strings are (unowned). */
typedef struct
{
  const char *path;
  const char *temporary_name;
  GVariant *resume; /* (owned) */
  gboolean replace;
  guint32 mode;
} FileArguments;

static void
read_file_arguments (Request *request, FileArguments *file)
{
  *file = (FileArguments){ "", "", NULL, FALSE, 0644 };
  g_variant_lookup (request->arguments, "Path", "&s", &file->path);
  g_variant_lookup (request->arguments, "TemporaryName", "&s", &file->temporary_name);
  g_variant_lookup (request->arguments, "Replace", "b", &file->replace);
  g_variant_lookup (request->arguments, "Mode", "u", &file->mode);
  file->resume = g_variant_lookup_value (request->arguments, "Resume", G_VARIANT_TYPE_VARDICT);
  if (file->resume == NULL)
    file->resume = empty_reply ();
}

static GVariant *
check_publish (gpointer data)
{
  FileArguments file;
  g_autoptr (GError) error = NULL;

  read_file_arguments (data, &file);
  worker_publish_check (file.path, file.temporary_name, file.resume, file.replace, &error);
  g_variant_unref (file.resume);
  return error != NULL ? build_error_reply (error, -1) : empty_reply ();
}

static GVariant *
publish (gpointer data)
{
  FileArguments file;
  g_autoptr (GError) error = NULL;

  read_file_arguments (data, &file);
  worker_publish (file.path, file.temporary_name, file.resume, file.replace, file.mode, &error);
  g_variant_unref (file.resume);
  return error != NULL ? build_error_reply (error, -1) : empty_reply ();
}

static GVariant *
remove_file (gpointer data)
{
  FileArguments file;
  g_autoptr (GError) error = NULL;

  read_file_arguments (data, &file);
  worker_remove (file.path, file.temporary_name, file.resume, &error);
  g_variant_unref (file.resume);
  return error != NULL ? build_error_reply (error, -1) : empty_reply ();
}

/* == checkpoint of all == */

static void
free_checkpoint_chore (gpointer data)
{
  CheckpointChore *chore = data;

  request_unref (chore->request);
  worker_attempt_unref (chore->attempt);
  g_free (chore);
}

static GVariant *
run_checkpoint (gpointer data)
{
  CheckpointChore *chore = data;

  worker_attempt_checkpoint (chore->attempt);
  return empty_reply ();
}

static void
answer_checkpoint (Request *request)
{
  if (--request->pending == 0)
    {
      g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                                                      "A file system does not answer");
      g_autoptr (GVariant) answer = request->hung ? build_error_reply (error, -1) : empty_reply ();

      ferry_link_send (request->worker->link, request->id, "reply", answer);
    }
  request_unref (request);
}

static void
checkpoint_done_cb (GVariant *reply, gpointer data)
{
  Request *request = data;

  request->hung |= reply == NULL;
  answer_checkpoint (request);
}

static void
checkpoint (Worker *self, guint32 id, GVariant *arguments)
{
  Request *request = request_new (self, id, arguments);
  GHashTableIter iter;
  gpointer value;

  /* One for ourselves: with no attempt at all the answer goes out here. */
  request->pending = g_hash_table_size (self->attempts) + 1;
  g_hash_table_iter_init (&iter, self->attempts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      CheckpointChore *chore = g_new0 (CheckpointChore, 1);

      chore->request = g_atomic_rc_box_acquire (request);
      chore->attempt = worker_attempt_ref (value);
      worker_chores_push (self->chores, TRUE, run_checkpoint, chore, free_checkpoint_chore,
                          checkpoint_done_cb, g_atomic_rc_box_acquire (request));
    }
  answer_checkpoint (request);
}

/* == messages == */

static void
refuse_request (Worker *self, guint32 id, const char *kind)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  if (id == 0)
    return;
  error = g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                       "The worker does not know the request '%.32s'", kind);
  reply = build_error_reply (error, -1);
  ferry_link_send (self->link, id, "reply", reply);
}

void
worker_handle (FerryLink *link, guint32 id, const char *kind, GVariant *arguments,
               gpointer user_data)
{
  Worker *self = user_data;

  if (g_str_equal (kind, "start"))
    start (self, arguments);
  else if (g_str_equal (kind, "stop"))
    stop (self, arguments);
  else if (g_str_equal (kind, "checkpoint"))
    checkpoint (self, id, arguments);
  else if (g_str_equal (kind, "check-targets"))
    push_request (self, id, arguments, TRUE, check_targets);
  else if (g_str_equal (kind, "check-publish"))
    push_request (self, id, arguments, FALSE, check_publish);
  else if (g_str_equal (kind, "publish"))
    push_request (self, id, arguments, FALSE, publish);
  else if (g_str_equal (kind, "remove"))
    push_request (self, id, arguments, FALSE, remove_file);
  else
    refuse_request (self, id, kind);
}

Worker *
worker_new (FerryLink *link, guint chore_patience)
{
  Worker *self = g_new0 (Worker, 1);

  self->link = link;
  self->sessions = worker_sessions_new ();
  self->buffers = worker_buffers_new ();
  self->chores = worker_chores_new (chore_patience);
  self->pool = g_thread_pool_new (run_cb, NULL, FERRY_WORKER_MAX_ATTEMPTS, FALSE, NULL);
  self->attempts = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
                                          (GDestroyNotify) worker_attempt_unref);
  self->places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_place);
  return self;
}
