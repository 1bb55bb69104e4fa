/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reply of an upload-reply: where it goes, and what is in it. */

#include "ferry-targets.h"

/* Answers of the worker to one GetReplyData: twice as many as would do. */
#define READS_MAX (2 * FERRY_REPLY_DATA_MAX / FERRY_READ_MAX)

/* == ReplyPath == */

FerryFile *
ferry_engine_new_reply (FerryJob *job, const FerryFile *source)
{
  const char *beside = source != NULL ? source->local_path : "/";
  FerryFile *reply = ferry_file_new ("", *job->reply_path != '\0' ? job->reply_path : beside);

  reply->index = FERRY_REPLY_INDEX;
  if (source != NULL)
    reply->mode = source->mode;
  return reply;
}

static gboolean
check_not_begun (FerryJob *job, GError **error)
{
  const FerryFile *reply = ferry_job_get_reply (job);

  if (reply == NULL ||
      (reply->attempt == 0 && reply->bytes_transferred == 0 && !ferry_file_is_whole (reply)))
    return TRUE;

  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                       "ReplyPath cannot be set any more: the reply is being fetched, or is there");
  return FALSE;
}

/* @checked: (nullable): has the record of the new place */
static void
set_reply_path (FerryEngine *self, FerryJob *job, const char *path, const FerryFile *checked)
{
  const FerryFile *source = ferry_job_get_source (job);
  FerryFile *reply = ferry_job_get_reply (job);

  g_free (job->reply_path);
  job->reply_path = g_strdup (path);
  if (reply != NULL)
    {
      /* An attempt that brought no byte may have left an empty file. */
      ferry_engine_drop_file (self, job, reply);
      g_free (reply->local_path);
      reply->local_path = g_strdup (*path != '\0' ? path : source->local_path);
      ferry_file_reset (reply);
      if (checked != NULL && checked->resume != NULL)
        ferry_file_set_resume (reply, checked->resume);
      ferry_engine_rename_file (self, job, reply);
    }
  ferry_engine_job_edited (self, job);
}

static void
path_checked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FerryEngine *self = FERRY_ENGINE (source);
  g_autoptr (GTask) task = data;
  FerryJob *job = g_task_get_task_data (task);
  GPtrArray *files = g_object_get_data (G_OBJECT (task), "files");
  uid_t owner = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (task), "owner"));
  const FerryFile *checked = g_ptr_array_index (files, 0);
  GError *error = NULL;

  if (!ferry_targets_check_finish (self, result, &error) ||
      !ferry_engine_check_open (self, job, &error) ||
      !ferry_targets_check_owner (job, owner, &error) || !check_not_begun (job, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  set_reply_path (self, job, checked->local_path, checked);
  ferry_engine_return_after_commit (self, task);
}

void
ferry_engine_set_reply_path_async (FerryEngine *self, FerryJob *job, const char *path, pid_t pid,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GPtrArray *files = NULL;
  GError *error = NULL;

  g_task_set_source_tag (task, ferry_engine_set_reply_path_async);
  g_task_set_task_data (task, g_object_ref (job), g_object_unref);
  if (!ferry_engine_check_open (self, job, &error) || !check_not_begun (job, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (*path == '\0' || g_str_equal (path, job->reply_path))
    {
      if (!g_str_equal (path, job->reply_path))
        set_reply_path (self, job, path, NULL);
      ferry_engine_return_after_commit (self, task);
      return;
    }

  files = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_file_free);
  g_ptr_array_add (files, ferry_file_new ("", path));
  g_object_set_data_full (G_OBJECT (task), "files", files, (GDestroyNotify) g_ptr_array_unref);
  g_object_set_data (G_OBJECT (task), "owner", GUINT_TO_POINTER (job->owner));
  ferry_targets_check_async (self, job->owner, pid, FALSE, files, path_checked_cb,
                             g_object_ref (task));
}

gboolean
ferry_engine_set_reply_path_finish (FerryEngine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* == what is in it == */

/**
 * Reading: one GetReplyData. All that it needs of the job is copied: the job may go meanwhile.
 */
typedef struct
{
  uid_t uid;
  char *path;           /* (owned) */
  char *temporary_name; /* (owned) */
  GVariant *resume;     /* (owned) (nullable) */
  guint64 size;
  GByteArray *data; /* (owned) */
  guint reads;
} Reading;

static void
reading_free (gpointer data)
{
  Reading *reading = data;

  g_free (reading->path);
  g_free (reading->temporary_name);
  g_clear_pointer (&reading->resume, g_variant_unref);
  g_byte_array_unref (reading->data);
  g_free (reading);
}

static void read_next (FerryEngine *self, GTask *task);

/* Returns: whether it was an answer to what was asked */
static gboolean
take_data (Reading *reading, GVariant *reply)
{
  g_autoptr (GVariant) data = g_variant_lookup_value (reply, "Data", G_VARIANT_TYPE_BYTESTRING);
  gsize size = data != NULL ? g_variant_get_size (data) : 0;

  if (size == 0 || size > FERRY_READ_MAX || size > reading->size - reading->data->len ||
      ++reading->reads > READS_MAX)
    return FALSE;
  g_byte_array_append (reading->data, g_variant_get_data (data), size);
  return TRUE;
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Reading *reading = g_task_get_task_data (task);
  g_autoptr (GVariant) reply = NULL;
  GError *error = NULL;

  if (!ferry_workers_request_finish (FERRY_WORKERS (source), result, &reply, &error))
    g_task_return_error (task, error);
  else if (!take_data (reading, reply))
    g_task_return_new_error (task, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                             "The worker did not give what the reply should hold");
  else
    read_next (g_task_get_source_object (task), task);
}

static void
read_next (FerryEngine *self, GTask *task)
{
  Reading *reading = g_task_get_task_data (task);
  guint64 offset = reading->data->len;
  GVariantDict dict;

  if (offset == reading->size)
    {
      g_task_return_pointer (task, g_byte_array_free_to_bytes (g_byte_array_ref (reading->data)),
                             (GDestroyNotify) g_bytes_unref);
      return;
    }

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Path", "s", reading->path);
  g_variant_dict_insert (&dict, "TemporaryName", "s", reading->temporary_name);
  if (reading->resume != NULL)
    g_variant_dict_insert_value (&dict, "Resume", reading->resume);
  g_variant_dict_insert (&dict, "Offset", "t", offset);
  g_variant_dict_insert (&dict, "Size", "u",
                         (guint32) MIN (reading->size - offset, FERRY_READ_MAX));
  ferry_workers_request (self->workers, reading->uid, "read", g_variant_dict_end (&dict),
                         FERRY_READ_TIMEOUT, NULL, read_cb, g_object_ref (task));
}

static gboolean
check_readable (FerryEngine *self, FerryJob *job, GError **error)
{
  const FerryFile *reply = ferry_job_get_reply (job);

  if (job->type != FERRY_JOB_TYPE_UPLOAD_REPLY)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                 "The job is of type %s; only an upload-reply has a reply",
                 ferry_job_type_to_string (job->type));
  else if (!ferry_engine_check_open (self, job, error))
    return FALSE;
  else if (job->state != FERRY_JOB_STATE_TRANSFERRED || reply == NULL ||
           reply->state != FERRY_FILE_STATE_TRANSFERRED)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                 "The job is %s; its reply can be read when it is transferred",
                 ferry_job_state_to_string (job->state));
  else if (reply->bytes_transferred > FERRY_REPLY_DATA_MAX)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_REPLY_TOO_LARGE,
                 "The reply has %" G_GUINT64_FORMAT " bytes, and at most %u can be read in one go; "
                 "set ReplyPath and complete the job",
                 reply->bytes_transferred, FERRY_REPLY_DATA_MAX);
  else
    return TRUE;
  return FALSE;
}

void
ferry_engine_read_reply_async (FerryEngine *self, FerryJob *job, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  const FerryFile *reply = ferry_job_get_reply (job);
  GError *error = NULL;
  Reading *reading;

  g_task_set_source_tag (task, ferry_engine_read_reply_async);
  if (!check_readable (self, job, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  reading = g_new0 (Reading, 1);
  reading->uid = job->owner;
  reading->path = g_strdup (reply->local_path);
  reading->temporary_name = ferry_file_get_temporary_name (reply, job->id);
  reading->resume = reply->resume != NULL ? g_variant_ref (reply->resume) : NULL;
  reading->size = reply->bytes_transferred;
  reading->data = g_byte_array_new ();
  g_task_set_task_data (task, reading, reading_free);
  read_next (self, task);
}

GBytes *
ferry_engine_read_reply_finish (FerryEngine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
