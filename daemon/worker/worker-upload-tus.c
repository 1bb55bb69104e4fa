/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tus 1.0.0, https://tus.io/protocols/resumable-upload: core, creation, termination, expiration. */

#include "worker-upload.h"

#include "ferry-uri.h"
#include "worker-redirect.h"

#include <string.h>

#define PROBE_TIME 15 /* s */

/* A dying request may hold the upload's lock; it is waited for a few times, each twice as long. */
#define LOCK_TRIES      4
#define LOCK_FIRST_WAIT (G_USEC_PER_SEC / 2)

#define VERSION_FIELD "Tus-Resumable: 1.0.0"

#define STATUS_LOCKED 423

/* == helpers == */

static gboolean
has_word (const char *list, const char *word)
{
  g_auto (GStrv) words = list != NULL ? g_strsplit (list, ",", -1) : NULL;

  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    if (g_ascii_strcasecmp (g_strstrip (words[i]), word) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
is_gone (guint status)
{
  return status == 403 || status == 404 || status == 410;
}

static void
note_expiry (WorkerUpload *upload, const WorkerUploadAnswer *answer)
{
  const char *text = worker_upload_answer_get (answer, "Upload-Expires");
  g_autoptr (GDateTime) time = text != NULL ? soup_date_time_new_from_http_string (text) : NULL;

  if (time != NULL)
    upload->record->expires = g_date_time_to_unix (time);
}

static gboolean
has_expired (WorkerUpload *upload)
{
  gint64 expires = upload->record->expires;

  return expires != 0 && g_get_real_time () / G_USEC_PER_SEC >= expires;
}

static WorkerUploadNext
fail (WorkerUpload *upload, const WorkerUploadAnswer *answer, GError **error)
{
  if (answer->status == 412)
    return worker_upload_fail (upload, error, FERRY_ERROR_UPLOAD_NOT_SUPPORTED,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The server speaks another version of tus than 1.0.0");
  return worker_upload_fail_status (upload, answer, error);
}

/* Returns: (transfer full) (nullable): where the upload lives */
static GUri *
get_location (WorkerUpload *upload, GError **error)
{
  return worker_uri_parse (upload->record->id, error);
}

/* == the five == */

static WorkerUploadNext
tus_probe (WorkerUpload *upload, gboolean *speaks, GError **error)
{
  static const char *const fields[] = { NULL };
  g_auto (WorkerUploadAnswer) answer = { 0 };
  g_autoptr (GError) local_error = NULL;
  const WorkerUploadRequest request = { .method = "OPTIONS",
                                        .fields = fields,
                                        .limit = PROBE_TIME };

  if (!worker_upload_send (upload, &request, &answer, &local_error) &&
      !worker_upload_is_limit (local_error))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return WORKER_UPLOAD_ERROR;
    }

  worker_upload_note_tried (upload, "tus", answer.status);
  *speaks = worker_upload_is_success (answer.status) &&
            has_word (worker_upload_answer_get (&answer, "Tus-Version"), "1.0.0") &&
            has_word (worker_upload_answer_get (&answer, "Tus-Extension"), "creation");
  return WORKER_UPLOAD_GO_ON;
}

/* Behind a proxy that ends TLS servers know only of http, and say so. On the very host and port that we asked over https
 * nothing else can be meant.
 *
 * Returns: (transfer full) (nullable): where the upload lives, of an answer from @from */
static GUri *
resolve_location (GUri *from, const char *location, GError **error)
{
  g_autoptr (GUri) to = g_uri_parse_relative (from, location, SOUP_HTTP_URI_FLAGS, NULL);
  g_autofree char *secure = NULL;
  g_autoptr (GUri) upgraded = NULL;

  if (to == NULL || !g_str_equal (g_uri_get_scheme (from), "https") ||
      !g_str_equal (g_uri_get_scheme (to), "http"))
    return worker_redirect_resolve (from, location, 0, FALSE, error);

  /* With the scheme goes its default port. */
  upgraded = soup_uri_copy (to, SOUP_URI_SCHEME, "https", SOUP_URI_PORT,
                            g_uri_get_port (to) == 80 ? 443 : g_uri_get_port (to), SOUP_URI_NONE);
  secure = g_uri_to_string (upgraded);
  return worker_redirect_resolve (from, ferry_uri_same_origin (from, upgraded) ? secure : location,
                                  0, FALSE, error);
}

static WorkerUploadNext
take_location (WorkerUpload *upload, const WorkerUploadAnswer *answer, GError **error)
{
  const char *location = worker_upload_answer_get (answer, "Location");
  g_autoptr (GUri) uri = NULL;
  g_autofree char *text = NULL;

  if (answer->status != 201 || location == NULL)
    return worker_upload_fail (upload, error, FERRY_ERROR_UPLOAD_NOT_SUPPORTED,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The server does not speak the tus upload protocol at this "
                               "address (HTTP %u)",
                               answer->status);
  uri = resolve_location (answer->uri, location, error);
  if (uri == NULL)
    return WORKER_UPLOAD_ERROR;
  text = g_uri_to_string (uri);
  if (strlen (text) > WORKER_UPLOAD_URL_MAX)
    return worker_upload_fail (upload, error, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The server's address for the upload is longer than %d bytes",
                               WORKER_UPLOAD_URL_MAX);

  g_free (upload->record->id);
  upload->record->id = g_steal_pointer (&text);
  upload->record->session = TRUE;
  note_expiry (upload, answer);
  return WORKER_UPLOAD_GO_ON;
}

static WorkerUploadNext
tus_begin (WorkerUpload *upload, GError **error)
{
  const char *name = worker_source_get_name (upload->source);
  g_autofree char *encoded = g_base64_encode ((const guchar *) name, strlen (name));
  g_autofree char *length = g_strdup_printf ("Upload-Length: %" G_GUINT64_FORMAT,
                                             upload->record->total);
  g_autofree char *metadata = g_strdup_printf ("Upload-Metadata: filename %s", encoded);
  const char *const fields[] = { VERSION_FIELD, length, metadata, NULL };
  g_auto (WorkerUploadAnswer) answer = { 0 };
  const WorkerUploadRequest request = { .method = "POST", .fields = fields, .body = TRUE };
  guint status;

  if (!worker_upload_send (upload, &request, &answer, error))
    return WORKER_UPLOAD_ERROR;

  status = answer.status;
  /* What a server says that knows nothing of uploads here; the rest may be trouble that passes. */
  if (worker_upload_is_success (status) || status == 400 || status == 404 || status == 405 ||
      status == 501)
    return take_location (upload, &answer, error);
  return fail (upload, &answer, error);
}

/* Returns: whether the wait was not broken off */
static gboolean
wait_for_lock (WorkerUpload *upload, guint try, GError **error)
{
  GPollFD fd;
  gint64 wait = LOCK_FIRST_WAIT << try;

  if (g_cancellable_make_pollfd (upload->requester.cancellable, &fd))
    {
      g_poll (&fd, 1, (gint) (wait / 1000));
      g_cancellable_release_fd (upload->requester.cancellable);
    }
  return !g_cancellable_set_error_if_cancelled (upload->requester.cancellable, error);
}

static WorkerUploadNext
ask_offset (WorkerUpload *upload, GUri *location, GError **error)
{
  static const char *const fields[] = { VERSION_FIELD, NULL };
  const WorkerUploadRequest request = { .method = "HEAD", .uri = location, .fields = fields };

  for (guint try = 0;; try++)
    {
      g_auto (WorkerUploadAnswer) answer = { 0 };
      guint64 offset;
      guint64 length;

      if (!worker_upload_send (upload, &request, &answer, error))
        return WORKER_UPLOAD_ERROR;
      if (answer.status == STATUS_LOCKED && try < LOCK_TRIES)
        {
          if (!wait_for_lock (upload, try, error))
            return WORKER_UPLOAD_ERROR;
          continue;
        }
      if (is_gone (answer.status))
        return WORKER_UPLOAD_LOST;
      if (!worker_upload_is_success (answer.status))
        return fail (upload, &answer, error);

      note_expiry (upload, &answer);
      if (!worker_upload_answer_get_number (&answer, "Upload-Offset", &offset) ||
          (worker_upload_answer_get_number (&answer, "Upload-Length", &length) &&
           length != upload->record->total))
        return WORKER_UPLOAD_LOST;
      return worker_upload_acknowledge (upload, offset, error);
    }
}

static WorkerUploadNext
tus_locate (WorkerUpload *upload, GError **error)
{
  g_autoptr (GUri) location = get_location (upload, error);

  if (location == NULL)
    return WORKER_UPLOAD_ERROR;
  if (has_expired (upload))
    return WORKER_UPLOAD_LOST;
  return ask_offset (upload, location, error);
}

static WorkerUploadNext
judge_data (WorkerUpload *upload, GUri *location, guint64 length, const WorkerUploadAnswer *answer,
            GError **error)
{
  guint64 offset;

  if (worker_upload_is_success (answer->status))
    {
      note_expiry (upload, answer);
      if (worker_upload_answer_get_number (answer, "Upload-Offset", &offset))
        return worker_upload_acknowledge (upload, offset, error);
      return ask_offset (upload, location, error);
    }

  switch (answer->status)
    {
    case 409:
    case STATUS_LOCKED:
    case 460: /* a checksum that we did not send */
      return ask_offset (upload, location, error);
    case 413:
      return worker_upload_shrink (upload, length, answer, error);
    case 404:
    case 410:
      return WORKER_UPLOAD_LOST;
    default:
      return fail (upload, answer, error);
    }
}

static WorkerUploadNext
tus_send (WorkerUpload *upload, GError **error)
{
  WorkerUploadRecord *record = upload->record;
  guint64 rest = record->total - record->offset;
  guint64 length = record->fragment != 0 ? MIN (rest, record->fragment) : rest;
  g_autofree char *offset = g_strdup_printf ("Upload-Offset: %" G_GUINT64_FORMAT, record->offset);
  const char *const fields[] = { VERSION_FIELD, offset, NULL };
  g_autoptr (GUri) location = get_location (upload, error);
  g_auto (WorkerUploadAnswer) answer = { 0 };
  const WorkerUploadRequest request = {
    .method = "PATCH",
    .uri = location,
    .fields = fields,
    .body = TRUE,
    .start = record->offset,
    .length = length,
    .type = "application/offset+octet-stream",
  };

  if (location == NULL || !worker_upload_send (upload, &request, &answer, error))
    return WORKER_UPLOAD_ERROR;
  return judge_data (upload, location, length, &answer, error);
}

static WorkerUploadNext
tus_finish (WorkerUpload *upload, GError **error)
{
  upload->record->session = FALSE;
  return WORKER_UPLOAD_GO_ON;
}

static WorkerUploadNext
tus_cancel (WorkerUpload *upload, GError **error)
{
  static const char *const fields[] = { VERSION_FIELD, NULL };
  /* What is all there has no session that could be closed, and stays. */
  gboolean whole = worker_upload_is_whole (upload);
  g_autoptr (GUri) location = whole ? NULL : get_location (upload, error);
  g_auto (WorkerUploadAnswer) answer = { 0 };
  const WorkerUploadRequest request = {
    .method = "DELETE",
    .uri = location,
    .fields = fields,
    .body = TRUE,
  };

  if (whole)
    return WORKER_UPLOAD_GO_ON;
  if (location == NULL || !worker_upload_send (upload, &request, &answer, error))
    return WORKER_UPLOAD_ERROR;
  if (worker_upload_is_success (answer.status) || is_gone (answer.status))
    return WORKER_UPLOAD_GO_ON;
  return fail (upload, &answer, error);
}

const WorkerUploadProtocol worker_upload_tus = {
  .protocol = FERRY_UPLOAD_PROTOCOL_TUS,
  .resumable = TRUE,
  .probe = tus_probe,
  .begin = tus_begin,
  .locate = tus_locate,
  .send = tus_send,
  .finish = tus_finish,
  .cancel = tus_cancel,
};
