/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-join.h"

#include "ferry-error.h"
#include "ferry-headers.h"
#include "ferry-print.h"
#include "ferry-resolve.h"

/* The service drops the fragment. */
static gboolean
is_same_url (const char *left, const char *right)
{
  gsize left_length = strcspn (left, "#");
  gsize right_length = strcspn (right, "#");

  return left_length == right_length && strncmp (left, right, left_length) == 0;
}

static gboolean
is_same_type (FerryRemoteJob *job, const FerryTransferItem *item)
{
  return g_str_equal (ferry_remote_job_get_string (job, "Type"),
                      ferry_job_type_to_string (item->type));
}

GVariant *
ferry_join_match (FerryRemoteJob *job, GVariant *files, const FerryTransferItem *item)
{
  for (gsize i = 0; i < g_variant_n_children (files) && is_same_type (job, item); i++)
    {
      g_autoptr (GVariant) file = g_variant_get_child_value (files, i);
      const char *url, *path;

      if (g_variant_lookup (file, "RemoteUrl", "&s", &url) &&
          g_variant_lookup (file, "LocalPath", "&s", &path) && is_same_url (url, item->url->url) &&
          g_str_equal (path, item->path))
        return g_steal_pointer (&file);
    }

  return NULL;
}

/* Returns: @method, "" when it is that of a download anyway */
static const char *
get_method (FerryJobType type, const char *method)
{
  return type == FERRY_JOB_TYPE_DOWNLOAD && g_strcmp0 (method, "GET") == 0 ? "" : method;
}

/* Another request brings something else, or does something else. */
static gboolean
check_method (FerryRemoteJob *job, const FerryTransferItem *item,
              const FerryTransferOptions *options, GError **error)
{
  g_autofree char *id = ferry_resolve_short_id (job->id);
  const char *theirs = get_method (item->type, ferry_remote_job_get_string (job, "HttpMethod"));
  const char *ours = get_method (item->type, options->method != NULL ? options->method : "");

  if (g_str_equal (theirs, ours))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
               "job %s %s this already, with another method; `ferry cancel %s` first", id,
               item->type == FERRY_JOB_TYPE_DOWNLOAD ? "fetches" : "sends", id);
  return FALSE;
}

/* Of an upload: the same protocol, and the reply in the same place. */
static gboolean
check_upload (FerryRemoteJob *job, const FerryTransferItem *item,
              const FerryTransferOptions *options, GError **error)
{
  g_autofree char *id = ferry_resolve_short_id (job->id);
  g_autofree char *reply = ferry_remote_job_get_text (job, "ReplyPath");
  const char *protocol = ferry_remote_job_get_string (job, "UploadProtocol");
  const char *resolved = ferry_remote_job_get_string (job, "ResolvedUploadProtocol");

  if (options->protocol != NULL && !g_str_equal (options->protocol, protocol) &&
      !g_str_equal (options->protocol, resolved))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                   "job %s sends this already, with another protocol; `ferry cancel %s` first", id,
                   id);
      return FALSE;
    }
  if (*reply != '\0' && !g_str_equal (ferry_remote_job_get_string (job, "ReplyPath"), item->reply))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                   "job %s sends this already, and puts the reply into %s; `ferry set %s "
                   "ReplyPath=PATH` changes that",
                   id, reply, id);
      return FALSE;
    }

  return TRUE;
}

/* Joining must give what a new job would: not less checked, and the file at the end. */
static gboolean
check_download (FerryRemoteJob *job, GVariant *file, gsize n_files,
                const FerryTransferOptions *options, GError **error)
{
  g_autofree char *id = ferry_resolve_short_id (job->id);
  const char *digest = "";

  g_variant_lookup (file, "Digest", "&s", &digest);
  if (options->digest != NULL && g_ascii_strcasecmp (options->digest, digest) != 0)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                   "job %s fetches this already, with %s digest; `ferry cancel %s` first", id,
                   *digest == '\0' ? "no" : "another", id);
      return FALSE;
    }
  if (n_files > 1 && !ferry_remote_job_get_boolean (job, "AutoComplete"))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                   "job %s of %" G_GSIZE_FORMAT " files fetches this already; `ferry watch %s` "
                   "follows it, `ferry complete %s` hands its files over",
                   id, n_files, id, id);
      return FALSE;
    }

  return TRUE;
}

gboolean
ferry_join_check (FerryRemoteJob *job, GVariant *file, gsize n_files, const FerryTransferItem *item,
                  const FerryTransferOptions *options, GError **error)
{
  if (!check_method (job, item, options, error))
    return FALSE;
  if (item->type == FERRY_JOB_TYPE_DOWNLOAD)
    return check_download (job, file, n_files, options, error);

  return check_upload (job, item, options, error);
}

static gboolean
call (FerryClient *client, FerryRemoteJob *job, const char *method, GVariant *arguments,
      GError **error)
{
  g_autoptr (GVariant)
      reply = ferry_client_call_job (client, job->path, method, arguments, NULL, error);

  return reply != NULL;
}

static gboolean
set_headers (FerryClient *client, FerryRemoteJob *job, char **headers, GError **error)
{
  g_auto (GStrv) plain = NULL;
  g_auto (GStrv) secret = NULL;

  ferry_headers_split (headers, &plain, &secret);
  if (plain[0] != NULL &&
      !ferry_client_set_property (client, job->path, "RequestHeaders",
                                  g_variant_new_strv ((const char *const *) plain, -1), error))
    return FALSE;

  return secret[0] == NULL ||
         call (client, job, "SetCustomHeaders", g_variant_new ("(^as)", secret), error);
}

/* Whether the job is what became of the submission of @item that went unanswered. */
static gboolean
is_own_doing (FerryRemoteJob *job, const FerryTransferItem *item)
{
  return item->submitted > 0 && item->unsure_since > 0 &&
         ferry_remote_job_get_number (job, "CreationTime", 0) >= (guint64) item->submitted;
}

/* Gives the job what was asked for on this command line, and sets it going. */
static gboolean
revive (FerryClient *client, FerryRemoteJob *job, const FerryTransferItem *item,
        const FerryTransferOptions *options, GError **error)
{
  FerryJobState state = ferry_remote_job_get_state (job);
  GVariant *credentials = ferry_url_get_credentials (item->url, "server");

  if (credentials != NULL && !call (client, job, "SetCredentials", credentials, error))
    return FALSE;
  if (options->priority != NULL &&
      !ferry_client_set_property (client, job->path, "Priority",
                                  g_variant_new_string (options->priority), error))
    return FALSE;
  if (!set_headers (client, job, options->headers, error))
    return FALSE;
  if (options->certificate != NULL &&
      !ferry_client_set_property (client, job->path, "ClientCertificate",
                                  g_variant_new_string (options->certificate), error))
    return FALSE;
  if (item->reply != NULL && *ferry_remote_job_get_string (job, "ReplyPath") == '\0' &&
      !ferry_client_set_property (client, job->path, "ReplyPath",
                                  g_variant_new_string (item->reply), error))
    return FALSE;
  if (!ferry_remote_job_get_boolean (job, "AutoComplete") &&
      !ferry_client_set_property (client, job->path, "AutoComplete", g_variant_new_boolean (TRUE),
                                  error))
    return FALSE;

  /* What we started ourselves and has failed since is news; a Resume would have what must not be sent twice sent again. */
  if ((state == FERRY_JOB_STATE_SUSPENDED || state == FERRY_JOB_STATE_ERROR) &&
      !is_own_doing (job, item))
    return call (client, job, "Resume", NULL, error);
  if (state == FERRY_JOB_STATE_TRANSFERRED)
    return call (client, job, "Complete", NULL, error);

  return TRUE;
}

/* A job that ends between two of our calls is none that could be joined. */
static gboolean
has_ended (const GError *error)
{
  return g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT) ||
         g_error_matches (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
}

static gboolean
join (FerryClient *client, FerryRemoteJob *job, FerryTransferItem *item, GVariant *file,
      gsize n_files, const FerryTransferOptions *options, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *id = ferry_resolve_short_id (job->id);

  if (!ferry_join_check (job, file, n_files, item, options, error))
    return FALSE;
  if (!revive (client, job, item, options, &local_error))
    {
      if (has_ended (local_error))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  item->job_path = g_strdup (job->path);
  ferry_print_note ("job %s %s %s already: joined", id,
                    item->type == FERRY_JOB_TYPE_DOWNLOAD ? "fetches" : "sends", item->label);
  return TRUE;
}

/* Finds the items that @job fetches or sends. */
static gboolean
match_job (FerryClient *client, FerryRemoteJob *job, GPtrArray *items,
           const FerryTransferOptions *options, FerryTransferItem **failed, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) files = NULL;

  /* All items of a command are of one type. */
  if (items->len == 0 || !is_same_type (job, g_ptr_array_index (items, 0)))
    return TRUE;
  files = ferry_remote_files_load (client, job->path, &local_error);
  if (files == NULL && has_ended (local_error))
    return TRUE;
  if (files == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  for (guint i = 0; i < items->len; i++)
    {
      FerryTransferItem *item = g_ptr_array_index (items, i);
      g_autoptr (GVariant) file = NULL;

      if (item->state != FERRY_TRANSFER_WAITING || item->job_path != NULL)
        continue;
      file = ferry_join_match (job, files, item);
      if (file == NULL)
        continue;
      if (ferry_remote_job_is_final (job))
        {
          /* Only what our own lost submission made; else a file fetched once could never be fetched again. */
          if (is_own_doing (job, item))
            item->job_path = g_strdup (job->path);
          continue;
        }
      if (!join (client, job, item, file, g_variant_n_children (files), options, error))
        {
          *failed = item;
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
match_jobs (FerryClient *client, GPtrArray *jobs, GPtrArray *items,
            const FerryTransferOptions *options, FerryTransferItem **failed, GError **error)
{
  for (guint i = 0; i < jobs->len; i++)
    {
      if (!match_job (client, g_ptr_array_index (jobs, i), items, options, failed, error))
        return FALSE;
    }

  return TRUE;
}

gboolean
ferry_join_find (FerryClient *client, GPtrArray *items, const FerryTransferOptions *options,
                 FerryTransferItem **failed, GError **error)
{
  static const char *const ended_states[] = { "acknowledged", NULL };
  g_autoptr (GPtrArray) jobs = ferry_remote_jobs_load (client, error);
  g_autoptr (GPtrArray) ended = NULL;
  gboolean unanswered = FALSE;

  *failed = NULL;
  if (jobs == NULL || !match_jobs (client, jobs, items, options, failed, error))
    return FALSE;

  for (guint i = 0; i < items->len; i++)
    {
      FerryTransferItem *item = g_ptr_array_index (items, i);

      unanswered |= item->state == FERRY_TRANSFER_WAITING && item->job_path == NULL &&
                    item->submitted > 0 && item->unsure_since > 0;
    }
  if (!unanswered)
    return TRUE;

  ended = ferry_remote_jobs_load_states (client, ended_states, error);
  return ended != NULL && match_jobs (client, ended, items, options, failed, error);
}
