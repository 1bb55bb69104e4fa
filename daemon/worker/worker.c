/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker.h"

#include "ferry-error.h"
#include "ferry-worker-protocol.h"
#include "worker-cancel.h"
#include "worker-chores.h"
#include "worker-reply.h"
#include "worker-runs.h"
#include "worker-sink.h"
#include "worker-source.h"

struct _Worker
{
  FerryLink *link;      /* (unowned) */
  WorkerChores *chores; /* (owned) */
  WorkerRuns *runs;     /* (owned) */
};

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

  /* Of a checkpoint that is no request of ferryd: called in place of a reply. */
  void (*ended) (gpointer user_data); /* (unowned) (nullable) */
  gpointer user_data;                 /* (unowned) */
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

      late = worker_reply_new_error (error, g_atomic_int_get (&request->index));
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

/** How a "check-targets" or "check-sources" asks. */
typedef struct
{
  GPid pid; /* of the caller */
  gboolean no_symlinks;
  GVariantBuilder *sizes; /* (unowned): of sources */
} Question;

/* @path: of the request's `Paths`. Returns: (transfer full) (nullable): its `Resume` */
typedef GVariant *(*CheckFunc) (GVariant *path, const Question *question, GError **error);

static GVariant *
check_target (GVariant *entry, const Question *question, GError **error)
{
  const char *path;
  gboolean may_exist;

  g_variant_get (entry, "(&sb)", &path, &may_exist);
  return worker_target_check (path, WORKER_LONGEST_TEMPORARY_NAME, question->pid, may_exist,
                              question->no_symlinks, error);
}

static GVariant *
check_source (GVariant *entry, const Question *question, GError **error)
{
  guint64 size;
  GVariant *resume = worker_source_check (g_variant_get_string (entry, NULL), question->pid,
                                          question->no_symlinks, &size, error);

  if (resume != NULL)
    g_variant_builder_add (question->sizes, "t", size);
  return resume;
}

/* In a chore's thread. */
static GVariant *
check_paths (Request *request, const GVariantType *type, CheckFunc check)
{
  g_autoptr (GVariant) paths = g_variant_lookup_value (request->arguments, "Paths", type);
  g_auto (GVariantDict) reply = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariantBuilder) records = g_variant_builder_new (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariantBuilder) sizes = g_variant_builder_new (G_VARIANT_TYPE ("at"));
  Question question = { .sizes = sizes };
  guint32 pid = 0;
  gsize n_paths = paths != NULL ? g_variant_n_children (paths) : 0;

  g_variant_lookup (request->arguments, "Pid", "u", &pid);
  g_variant_lookup (request->arguments, FERRY_RESUME_NO_SYMLINKS, "b", &question.no_symlinks);
  question.pid = (GPid) pid;
  for (gsize i = 0; i < n_paths; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) entry = g_variant_get_child_value (paths, i);
      g_autoptr (GVariant) resume = NULL;

      g_atomic_int_set (&request->index, (int) i);
      resume = check (entry, &question, &error);
      if (resume == NULL)
        return worker_reply_new_error (error, (gint64) i);
      g_variant_builder_add_value (records, resume);
    }

  g_variant_dict_insert_value (&reply, "Resume", g_variant_builder_end (records));
  if (check == check_source)
    g_variant_dict_insert_value (&reply, "Sizes", g_variant_builder_end (sizes));
  return g_variant_ref_sink (g_variant_dict_end (&reply));
}

static GVariant *
check_targets (gpointer data)
{
  return check_paths (data, G_VARIANT_TYPE ("a(sb)"), check_target);
}

static GVariant *
check_sources (gpointer data)
{
  return check_paths (data, G_VARIANT_TYPE_STRING_ARRAY, check_source);
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
    file->resume = worker_reply_new ();
}

static GVariant *
check_publish (gpointer data)
{
  FileArguments file;
  g_autoptr (GError) error = NULL;

  read_file_arguments (data, &file);
  worker_publish_check (file.path, file.temporary_name, file.resume, file.replace, &error);
  g_variant_unref (file.resume);
  return error != NULL ? worker_reply_new_error (error, -1) : worker_reply_new ();
}

static GVariant *
publish (gpointer data)
{
  FileArguments file;
  g_autoptr (GError) error = NULL;

  read_file_arguments (data, &file);
  worker_publish (file.path, file.temporary_name, file.resume, file.replace, file.mode, &error);
  g_variant_unref (file.resume);
  return error != NULL ? worker_reply_new_error (error, -1) : worker_reply_new ();
}

static GVariant *
remove_file (gpointer data)
{
  FileArguments file;
  g_autoptr (GError) error = NULL;

  read_file_arguments (data, &file);
  worker_remove (file.path, file.temporary_name, file.resume, &error);
  g_variant_unref (file.resume);
  return error != NULL ? worker_reply_new_error (error, -1) : worker_reply_new ();
}

static GVariant *
read_file (gpointer data)
{
  Request *request = data;
  g_auto (GVariantDict) reply = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  FileArguments file;
  guint64 offset = 0;
  guint32 size = FERRY_READ_MAX;

  read_file_arguments (request, &file);
  g_variant_lookup (request->arguments, "Offset", "t", &offset);
  g_variant_lookup (request->arguments, "Size", "u", &size);
  bytes = worker_read (file.path, file.temporary_name, file.resume, offset,
                       MIN (size, FERRY_READ_MAX), &error);
  g_variant_unref (file.resume);
  if (bytes == NULL)
    return worker_reply_new_error (error, -1);
  g_variant_dict_insert_value (&reply, "Data",
                               g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE));
  return g_variant_ref_sink (g_variant_dict_end (&reply));
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
  return worker_reply_new ();
}

static void
answer_checkpoint (Request *request)
{
  if (--request->pending == 0 && request->ended != NULL)
    {
      request->ended (request->user_data);
    }
  else if (request->pending == 0)
    {
      g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                                                      "A file system does not answer");
      g_autoptr (GVariant) answer = request->hung ? worker_reply_new_error (error, -1)
                                                  : worker_reply_new ();

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

/* @request: (transfer full) */
static void
checkpoint (Worker *self, Request *request)
{
  g_autoptr (GPtrArray) attempts = worker_runs_list (self->runs);

  /* One for ourselves: with no attempt at all the answer goes out here. */
  request->pending = attempts->len + 1;
  for (guint i = 0; i < attempts->len; i++)
    {
      CheckpointChore *chore = g_new0 (CheckpointChore, 1);

      chore->request = g_atomic_rc_box_acquire (request);
      chore->attempt = worker_attempt_ref (g_ptr_array_index (attempts, i));
      worker_chores_push (self->chores, TRUE, run_checkpoint, chore, free_checkpoint_chore,
                          checkpoint_done_cb, g_atomic_rc_box_acquire (request));
    }
  answer_checkpoint (request);
}

void
worker_end (Worker *self, void (*func) (gpointer user_data), gpointer user_data)
{
  g_autoptr (GVariant) nothing = worker_reply_new ();
  Request *request = request_new (self, 0, nothing);

  request->ended = func;
  request->user_data = user_data;
  checkpoint (self, request);
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
  reply = worker_reply_new_error (error, -1);
  ferry_link_send (self->link, id, "reply", reply);
}

void
worker_handle (FerryLink *link, guint32 id, const char *kind, GVariant *arguments,
               gpointer user_data)
{
  Worker *self = user_data;

  if (g_str_equal (kind, "start"))
    worker_runs_start (self->runs, arguments, FALSE);
  else if (g_str_equal (kind, "start-upload"))
    worker_runs_start (self->runs, arguments, TRUE);
  else if (g_str_equal (kind, "stored"))
    worker_runs_stored (self->runs, arguments);
  else if (g_str_equal (kind, "stop"))
    worker_runs_stop (self->runs, arguments);
  else if (g_str_equal (kind, "checkpoint"))
    checkpoint (self, request_new (self, id, arguments));
  else if (g_str_equal (kind, "check-targets"))
    push_request (self, id, arguments, TRUE, check_targets);
  else if (g_str_equal (kind, "check-sources"))
    push_request (self, id, arguments, TRUE, check_sources);
  else if (g_str_equal (kind, "cancel-upload"))
    worker_cancel_upload (self->link, id, arguments, self->chores,
                          worker_runs_get_sessions (self->runs));
  else if (g_str_equal (kind, "read"))
    push_request (self, id, arguments, FALSE, read_file);
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
worker_new (FerryLink *link, guint patience, const WorkerTimes *times)
{
  Worker *self = g_new0 (Worker, 1);

  self->link = link;
  self->chores = worker_chores_new (patience);
  self->runs = worker_runs_new (link, self->chores, patience, times);
  return self;
}
