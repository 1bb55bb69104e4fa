/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TakeOwnership: a job changes hands without any secret or half-fetched byte changing hands with it. */

#include "ferry-targets.h"

typedef struct
{
  FerryJob *job; /* (owned) */
  uid_t uid;
  char *user_name; /* (owned) */
  gboolean exempt;
} Taking;

static void
taking_free (gpointer data)
{
  Taking *taking = data;

  g_object_unref (taking->job);
  g_free (taking->user_name);
  g_free (taking);
}

/* The new owner's limits. @job still belongs to the other one. */
static gboolean
check_limits (FerryEngine *self, Taking *taking, GError **error)
{
  g_autoptr (FerryJob) probe = ferry_job_new (taking->job->type, taking->uid, taking->user_name);

  probe->exempt = taking->exempt;
  return ferry_engine_check_limits (self, probe, TRUE, 0, 0, error);
}

/* Copies of what matters for the check: without Replace, as the job will be. The reply of an upload is one of them. */
static GPtrArray *
get_targets (FerryJob *job)
{
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_file_free);

  for (guint i = 0; i < job->files->len; i++)
    {
      const FerryFile *file = g_ptr_array_index (job->files, i);

      if (file->state != FERRY_FILE_STATE_PUBLISHED)
        {
          FerryFile *copy = ferry_file_new (file->remote_url, file->local_path);

          copy->index = file->index;
          copy->is_source = file->is_source;
          g_ptr_array_add (files, copy);
        }
    }
  return files;
}

/* A reply without a place of its own is only a temporary file, which nobody has looked at: no link is followed on its way
 * either. */
static GPtrArray *
get_asked (FerryJob *job, GPtrArray *targets)
{
  GPtrArray *asked = g_ptr_array_new ();

  for (guint i = 0; i < targets->len; i++)
    {
      FerryFile *target = g_ptr_array_index (targets, i);

      if (!ferry_file_is_reply (target) || *job->reply_path != '\0')
        g_ptr_array_add (asked, target);
      else
        target->resume = g_variant_ref_sink (
            g_variant_new_parsed ("{%s: <true>}", FERRY_RESUME_NO_SYMLINKS));
    }
  return asked;
}

static gboolean
is_same (const FerryFile *a, const FerryFile *b)
{
  return a->index == b->index && g_str_equal (a->local_path, b->local_path);
}

/* Whether the new owner's worker was asked about every file that he is to get: the old owner was free to add some
 * meanwhile, with targets and options of his choice. */
static gboolean
check_same_files (FerryJob *job, GPtrArray *targets, GError **error)
{
  g_autoptr (GPtrArray) now = get_targets (job);
  gboolean same = now->len == targets->len;

  for (guint i = 0; same && i < now->len; i++)
    same = is_same (now->pdata[i], targets->pdata[i]);
  if (!same)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                         "The job's files changed while its targets were checked; try again");
  return same;
}

static void
strip (FerryJob *job)
{
  g_clear_pointer (&job->secrets, ferry_secrets_free);
  job->had_secrets = FALSE;
  g_strfreev (job->request_headers);
  job->request_headers = g_new0 (char *, 1);
  job->auto_complete = FALSE;
  g_free (job->client_certificate);
  job->client_certificate = g_strdup ("");
  /* Whom the former owner trusted is his affair; his pins only ask for more. */
  job->tls_flags = 0;
}

static void
hand_over_file (FerryEngine *self, FerryJob *job, FerryFile *file, const FerryFile *target)
{
  ferry_engine_drop_file (self, job, file);
  file->replace = FALSE;
  file->mode = 0644;
  /* Another name: the old owner's worker may still hold the old one. */
  ferry_engine_rename_file (self, job, file);
  file->attempt = 0;
  if (file->is_source)
    {
      ferry_engine_restart_upload (self, job, file);
      file->expected_size = target->expected_size;
      file->bytes_total = target->bytes_total;
    }
  else
    ferry_engine_restart_file (self, job, file, "url-changed");
  g_clear_pointer (&file->error, ferry_failure_free);
  g_clear_pointer (&file->resume, g_variant_unref);
  file->resume = g_variant_ref (target->resume);
}

static void
hand_over (FerryEngine *self, Taking *taking, GPtrArray *targets)
{
  FerryJob *job = taking->job;
  uid_t former = job->owner;

  ferry_engine_suspend_now (self, job, NULL);
  /* With the former owner's headers. */
  ferry_engine_abandon_upload (self, job);
  strip (job);
  g_hash_table_remove (self->askings, job);
  for (guint i = 0; i < targets->len; i++)
    {
      const FerryFile *target = g_ptr_array_index (targets, i);

      hand_over_file (self, job, ferry_job_get_file (job, target->index), target);
    }

  job->exempt = taking->exempt;
  ferry_job_set_error (job, NULL);
  ferry_queue_set_owner (self->queue, job, taking->uid, taking->user_name);
  ferry_engine_record_taken (self, job, former);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FerryEngine *self = FERRY_ENGINE (source);
  g_autoptr (GTask) task = data;
  Taking *taking = g_task_get_task_data (task);
  GPtrArray *targets = g_object_get_data (G_OBJECT (task), "targets");
  GError *error = NULL;

  if (!ferry_targets_check_finish (self, result, &error) ||
      !ferry_engine_check_open (self, taking->job, &error) ||
      !check_same_files (taking->job, targets, &error) || !check_limits (self, taking, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  hand_over (self, taking, targets);
  ferry_engine_return_after_commit (self, task);
}

void
ferry_engine_take_async (FerryEngine *self, FerryJob *job, uid_t uid, const char *user_name,
                         gboolean exempt, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GPtrArray) targets = NULL;
  g_autoptr (GPtrArray) asked = NULL;
  Taking *taking = g_new0 (Taking, 1);
  GError *error = NULL;

  taking->job = g_object_ref (job);
  taking->uid = uid;
  taking->user_name = g_strdup (user_name);
  taking->exempt = exempt;
  g_task_set_source_tag (task, ferry_engine_take_async);
  g_task_set_task_data (task, taking, taking_free);

  if (job->owner == uid)
    g_task_return_boolean (task, TRUE);
  else if (!ferry_engine_check_open (self, job, &error) || !check_limits (self, taking, &error))
    g_task_return_error (task, error);
  else
    {
      targets = get_targets (job);
      g_object_set_data_full (G_OBJECT (task), "targets", g_ptr_array_ref (targets),
                              (GDestroyNotify) g_ptr_array_unref);
      asked = get_asked (job, targets);
      ferry_targets_check_async (self, uid, 0, TRUE, asked, checked_cb, g_object_ref (task));
    }
}

gboolean
ferry_engine_take_finish (FerryEngine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
