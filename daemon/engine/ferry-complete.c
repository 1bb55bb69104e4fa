/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Complete: all transferred files get their final names, the rest is discarded. The order is
 *
 *   check all transferred files -> note in the store that publication has begun -> stop what still runs ->
 *   publish each file, noting it -> discard the rest, final state -> answer
 *
 * so that a crash at any point either finds a job as it was or goes on where it stopped.
 *
 * An upload is completed only when all of it is there, and publishes nothing but its reply, if that has a place to go. */

#include "ferry-engine-private.h"

/**
 * FerryCompletion: one publication under way.
 */
typedef struct
{
  FerryEngine *engine;       /* (unowned): owns us */
  FerryJob *job;             /* (owned) */
  GPtrArray *tasks;          /* (owned) (element-type GTask): calls that wait for it */
  gboolean automatic;        /* AutoComplete began it */
  GCancellable *cancellable; /* (owned): cancelled when we go, so that late answers find nobody */
  gboolean publishing;       /* past the check */
  guint pending;             /* answers of the worker that are missing */
  GError *error;             /* (owned) (nullable): the first one */
  gint64 error_file;         /* index of its file as it is shown */
  gboolean transient;        /* it may go by itself */
  char *wait_reason; /* (owned) (nullable): what has to happen for that, a FerryWaitReason */
} FerryCompletion;

/**
 * Question: one request to the worker about one file.
 */
typedef struct
{
  FerryCompletion *completion; /* (unowned): not looked at when cancelled */
  guint index;
} Question;

static void publish_all (FerryCompletion *completion);

void
ferry_completion_free (gpointer data)
{
  FerryCompletion *completion = data;

  g_cancellable_cancel (completion->cancellable);
  for (guint i = 0; i < completion->tasks->len; i++)
    g_task_return_new_error (g_ptr_array_index (completion->tasks, i), FERRY_ERROR,
                             FERRY_ERROR_STORE_FAILED, "The job's change could not be stored");
  g_ptr_array_unref (completion->tasks);
  g_object_unref (completion->cancellable);
  g_clear_error (&completion->error);
  g_free (completion->wait_reason);
  g_object_unref (completion->job);
  g_free (completion);
}

gboolean
ferry_engine_is_completing (FerryEngine *self, FerryJob *job)
{
  return g_hash_table_contains (self->completions, job);
}

static FerryCompletion *
add_completion (FerryEngine *self, FerryJob *job)
{
  FerryCompletion *completion = g_new0 (FerryCompletion, 1);

  completion->engine = self;
  completion->job = g_object_ref (job);
  completion->tasks = g_ptr_array_new_with_free_func (g_object_unref);
  completion->cancellable = g_cancellable_new ();
  g_hash_table_insert (self->completions, job, completion);
  /* Nothing is to expire while it is handed over. */
  ferry_engine_note_activity (self, job);
  return completion;
}

/* == the end == */

typedef struct
{
  FerryEngine *engine; /* (owned) */
  GPtrArray *tasks;    /* (owned) */
  FerryJob *job;       /* (owned) */
  gboolean automatic;
  guint published;
  guint discarded;
} Result;

static void
answered_cb (const GError *error, gpointer data)
{
  Result *result = data;

  for (guint i = 0; i < result->tasks->len; i++)
    {
      GTask *task = g_ptr_array_index (result->tasks, i);

      if (error != NULL)
        g_task_return_error (task, g_error_copy (error));
      else
        {
          const guint counts[] = { result->published, result->discarded };

          g_task_return_pointer (task, g_memdup2 (counts, sizeof counts), g_free);
        }
    }
  if (error == NULL && result->automatic)
    g_signal_emit_by_name (result->engine, "transferred", result->job);

  g_object_unref (result->engine);
  g_object_unref (result->job);
  g_ptr_array_unref (result->tasks);
  g_free (result);
}

/* Counts what the owner knows of. */
static void
settle_file (FerryEngine *self, Result *result, FerryFile *file)
{
  gboolean counts = !ferry_file_is_reply (file);

  /* It is where it was to go. */
  if (file->is_source)
    {
      file->state = FERRY_FILE_STATE_PUBLISHED;
      ferry_job_touch_file (result->job, file, FERRY_CHANGE_PROGRESS);
    }
  if (file->state == FERRY_FILE_STATE_PUBLISHED)
    {
      result->published += counts;
      return;
    }
  result->discarded += counts;
  ferry_engine_drop_file (self, result->job, file);
}

static void
succeed (FerryCompletion *completion)
{
  FerryEngine *self = completion->engine;
  g_autoptr (FerryJob) job = g_object_ref (completion->job);
  Result *result = g_new0 (Result, 1);

  result->engine = g_object_ref (self);
  result->job = g_object_ref (job);
  result->automatic = completion->automatic;
  for (guint i = 0; i < job->files->len; i++)
    settle_file (self, result, g_ptr_array_index (job->files, i));

  result->tasks = g_steal_pointer (&completion->tasks);
  completion->tasks = g_ptr_array_new ();
  g_hash_table_remove (self->completions, job);
  ferry_engine_check_pauses (self);

  job->completing = FALSE;
  ferry_job_set_error (job, NULL);
  ferry_engine_note_activity (self, job);
  g_clear_pointer (&job->secrets, ferry_secrets_free);
  ferry_engine_move (self, job, FERRY_JOB_EVENT_COMPLETE);
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  ferry_engine_after_duties (self, job->id, answered_cb, result);
}

typedef struct
{
  GPtrArray *tasks; /* (owned) */
  GError *error;    /* (owned) */
} Refusal;

static void
refused_cb (const GError *error, gpointer data)
{
  Refusal *refusal = data;

  for (guint i = 0; i < refusal->tasks->len; i++)
    g_task_return_error (g_ptr_array_index (refusal->tasks, i),
                         g_error_copy (error != NULL ? error : refusal->error));
  g_ptr_array_unref (refusal->tasks);
  g_error_free (refusal->error);
  g_free (refusal);
}

static FerryFailure *
get_failure (FerryCompletion *completion)
{
  gboolean ours = completion->error->domain == FERRY_ERROR;

  return ferry_failure_new (ours ? (FerryError) completion->error->code : FERRY_ERROR_WORKER_FAILED,
                            FERRY_ERROR_CONTEXT_LOCAL_FILE, completion->error_file, 0,
                            completion->error->message);
}

/* With AutoComplete nobody would know that he has to call Complete again. What may go by itself is tried again, as when
 * fetching; else the job becomes `error`. Takes @failure. */
static void
fail_automatic (FerryEngine *self, FerryJob *job, FerryFailure *failure, gboolean transient,
                const char *wait_reason)
{
  if (transient)
    ferry_engine_fail_transient (self, job, failure, FALSE, 0, wait_reason);
  else
    ferry_engine_fail (self, job, failure);
}

/* A failure leaves the job as it is, with its Error; Complete can be called again. */
static void
refuse (FerryCompletion *completion)
{
  FerryEngine *self = completion->engine;
  g_autoptr (FerryJob) job = g_object_ref (completion->job);
  Refusal *refusal = g_new0 (Refusal, 1);
  gboolean automatic = completion->automatic;
  gboolean transient = completion->transient;
  g_autofree char *wait_reason = g_steal_pointer (&completion->wait_reason);
  FerryFailure *failure = get_failure (completion);

  refusal->error = g_steal_pointer (&completion->error);
  refusal->tasks = g_steal_pointer (&completion->tasks);
  completion->tasks = g_ptr_array_new ();
  g_hash_table_remove (self->completions, job);
  ferry_engine_check_pauses (self);

  job->completing = FALSE;
  if (automatic)
    fail_automatic (self, job, failure, transient, wait_reason);
  else
    {
      ferry_job_set_error (job, failure);
      if (ferry_job_state_is_active (job->state))
        ferry_engine_move (self, job, FERRY_JOB_EVENT_YIELD);
      ferry_job_touch (job, FERRY_CHANGE_JOB);
      ferry_engine_reschedule (self);
    }
  ferry_store_after_commit (self->store, refused_cb, refusal);
}

/* == asking the worker == */

/* Takes @error. @reply: (nullable): what the worker says of it; without one there is no worker any more. */
static void
note_error (FerryCompletion *completion, guint index, GVariant *reply, GError *error)
{
  if (completion->error != NULL)
    {
      g_error_free (error);
      return;
    }
  completion->error = error;
  completion->error_file = index == FERRY_REPLY_INDEX ? -1 : (gint64) index;
  completion->transient = reply == NULL;
  if (reply == NULL)
    return;
  g_variant_lookup (reply, "Transient", "b", &completion->transient);
  g_variant_lookup (reply, "WaitReason", "s", &completion->wait_reason);
}

static void
ask (FerryCompletion *completion, FerryFile *file, const char *kind, GAsyncReadyCallback callback)
{
  g_autofree char *temporary = ferry_file_get_temporary_name (file, completion->job->id);
  Question *question = g_new0 (Question, 1);
  GVariantDict dict;

  question->completion = completion;
  question->index = file->index;
  completion->pending++;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Path", "s", file->local_path);
  g_variant_dict_insert (&dict, "TemporaryName", "s", temporary);
  if (file->resume != NULL)
    g_variant_dict_insert_value (&dict, "Resume", file->resume);
  g_variant_dict_insert (&dict, "Replace", "b", file->replace);
  g_variant_dict_insert (&dict, "Mode", "u", file->mode);
  ferry_workers_request (completion->engine->workers, completion->job->owner, kind,
                         g_variant_dict_end (&dict), FERRY_PUBLISH_TIMEOUT, completion->cancellable,
                         callback, question);
}

/* A reply without a path of its own stays for GetReplyData only. */
static gboolean
is_to_publish (FerryJob *job, const FerryFile *file)
{
  return file->state == FERRY_FILE_STATE_TRANSFERRED && !file->is_source &&
         !(ferry_file_is_reply (file) && *job->reply_path == '\0');
}

static guint
ask_all (FerryCompletion *completion, const char *kind, GAsyncReadyCallback callback)
{
  GPtrArray *files = completion->job->files;
  guint asked = 0;

  for (guint i = 0; i < files->len; i++)
    {
      FerryFile *file = g_ptr_array_index (files, i);

      if (is_to_publish (completion->job, file))
        {
          ask (completion, file, kind, callback);
          asked++;
        }
    }
  return asked;
}

/* Returns: (nullable): whose answer it is, %NULL when it is gone; frees the question */
static FerryCompletion *
get_answer (GObject *source, GAsyncResult *result, gpointer data, guint *index, GVariant **reply,
            GError **error)
{
  g_autofree Question *question = data;
  g_autoptr (GError) local_error = NULL;

  if (!ferry_workers_request_finish (FERRY_WORKERS (source), result, reply, &local_error))
    {
      if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return NULL;
      g_propagate_error (error, g_steal_pointer (&local_error));
    }
  *index = question->index;
  question->completion->pending--;
  return question->completion;
}

/* A file that was transferred and whose bytes are gone: somebody removed them. It has to be fetched again. */
static void
lose_file (FerryCompletion *completion, FerryFile *file)
{
  ferry_engine_rename_file (completion->engine, completion->job, file);
  ferry_engine_restart_file (completion->engine, completion->job, file, "temporary-file-lost");
}

/* Takes @error. */
static void
note_refusal (FerryCompletion *completion, guint index, GVariant *reply, GError *error)
{
  gboolean first = completion->error == NULL;
  gboolean lost = FALSE;

  if (reply != NULL && g_variant_lookup (reply, "Lost", "b", &lost) && lost)
    lose_file (completion, ferry_job_get_file (completion->job, index));
  note_error (completion, index, reply, error);
  /* It can be fetched again, as after a power cut between its last byte and its name. */
  completion->transient |= first && lost;
}

static void
published_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GVariant) reply = NULL;
  GError *error = NULL;
  FerryCompletion *completion;
  FerryFile *file;
  guint index;

  completion = get_answer (source, result, data, &index, &reply, &error);
  if (completion == NULL)
    return;

  file = ferry_job_get_file (completion->job, index);
  if (error == NULL)
    {
      file->state = FERRY_FILE_STATE_PUBLISHED;
      ferry_job_touch_file (completion->job, file, FERRY_CHANGE_PROGRESS);
    }
  else
    {
      note_refusal (completion, index, reply, error);
    }

  if (completion->pending > 0)
    return;
  if (completion->error != NULL)
    refuse (completion);
  else
    succeed (completion);
}

static void
publish_all (FerryCompletion *completion)
{
  if (ask_all (completion, "publish", published_cb) == 0)
    succeed (completion);
}

/* == the journal, and what still runs == */

static void
go_on_when_quiet (FerryCompletion *completion)
{
  if (completion->publishing && completion->pending == 0 &&
      !ferry_job_has_attempts (completion->job))
    publish_all (completion);
}

void
ferry_engine_completion_attempt_ended (FerryEngine *self, FerryJob *job)
{
  FerryCompletion *completion = g_hash_table_lookup (self->completions, job);

  if (completion != NULL)
    go_on_when_quiet (completion);
}

typedef struct
{
  FerryEngine *engine; /* (owned) */
  FerryJob *job;       /* (owned) */
} Journal;

static void
journalled_cb (const GError *error, gpointer data)
{
  Journal *journal = data;
  FerryCompletion *completion = NULL;

  /* After a failed commit the completions are gone, and were answered; after our end they all are. */
  if (error == NULL && journal->engine->completions != NULL)
    completion = g_hash_table_lookup (journal->engine->completions, journal->job);
  if (completion != NULL)
    {
      completion->publishing = TRUE;
      go_on_when_quiet (completion);
    }
  g_object_unref (journal->engine);
  g_object_unref (journal->job);
  g_free (journal);
}

static void
begin_publishing (FerryCompletion *completion)
{
  Journal *journal = g_new0 (Journal, 1);
  FerryJob *job = completion->job;

  ferry_engine_stop_attempts (completion->engine, job);
  job->completing = TRUE;
  ferry_job_touch (job, FERRY_CHANGE_JOB);

  journal->engine = g_object_ref (completion->engine);
  journal->job = g_object_ref (job);
  ferry_store_after_commit (completion->engine->store, journalled_cb, journal);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GVariant) reply = NULL;
  GError *error = NULL;
  FerryCompletion *completion;
  guint index;

  completion = get_answer (source, result, data, &index, &reply, &error);
  if (completion == NULL)
    return;
  if (error != NULL)
    note_refusal (completion, index, reply, error);
  if (completion->pending > 0)
    return;
  if (completion->error != NULL)
    refuse (completion);
  else
    begin_publishing (completion);
}

static void
begin (FerryCompletion *completion)
{
  /* With one file the check would say what the publication says. */
  if (ferry_job_get_files_transferred (completion->job) <= 1 ||
      ask_all (completion, "check-publish", checked_cb) == 0)
    begin_publishing (completion);
}

/* == entrances == */

void
ferry_engine_continue_completion (FerryEngine *self, FerryJob *job)
{
  FerryCompletion *completion = add_completion (self, job);

  completion->automatic = job->auto_complete;
  completion->publishing = TRUE;
  publish_all (completion);
}

void
ferry_engine_complete_automatically (FerryEngine *self, FerryJob *job)
{
  FerryCompletion *completion;

  if (job->state != FERRY_JOB_STATE_TRANSFERRED || !job->auto_complete ||
      !ferry_job_is_whole (job) || ferry_engine_is_completing (self, job))
    return;

  completion = add_completion (self, job);
  completion->automatic = TRUE;
  begin (completion);
}

void
ferry_engine_finish (FerryEngine *self, FerryJob *job)
{
  job->slice = 0;
  ferry_job_set_error (job, NULL);
  ferry_engine_move (self, job, FERRY_JOB_EVENT_FINISH);
  ferry_job_touch (job, FERRY_CHANGE_JOB);

  if (job->auto_complete)
    ferry_engine_complete_automatically (self, job);
  else
    ferry_engine_emit_after_commit (self, job, "transferred", -1, NULL);
}

/* What is not all at the server is nothing there. */
static gboolean
check_sent (FerryJob *job, GError **error)
{
  if (!ferry_job_is_upload (job))
    return TRUE;
  if (job->state == FERRY_JOB_STATE_TRANSFERRED)
    {
      if (ferry_job_is_whole (job))
        return TRUE;
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                           "Something of the upload is not there any more; resume the job");
      return FALSE;
    }

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
               "The job is %s; an upload can be completed only when it is transferred",
               ferry_job_state_to_string (job->state));
  return FALSE;
}

void
ferry_engine_complete_async (FerryEngine *self, FerryJob *job, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  FerryCompletion *completion = g_hash_table_lookup (self->completions, job);
  GError *error = NULL;

  g_task_set_source_tag (task, ferry_engine_complete_async);
  if (completion != NULL)
    {
      g_ptr_array_add (completion->tasks, g_steal_pointer (&task));
      return;
    }
  if (!ferry_engine_check_open (self, job, &error) || !check_sent (job, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  completion = add_completion (self, job);
  g_ptr_array_add (completion->tasks, g_steal_pointer (&task));
  begin (completion);
}

gboolean
ferry_engine_complete_finish (FerryEngine *self, GAsyncResult *result, guint *published,
                              guint *discarded, GError **error)
{
  g_autofree guint *counts = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  counts = g_task_propagate_pointer (G_TASK (result), error);
  if (counts == NULL)
    return FALSE;

  *published = counts[0];
  *discarded = counts[1];
  return TRUE;
}
