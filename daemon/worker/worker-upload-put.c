/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plain PUT (RFC 9110, 9.3.4): all at once, or again from the start. So are other methods that an owner chose, of which nobody
 * knows what they do. */

#include "worker-upload-put.h"

static const char *
get_method (const WorkerUpload *upload)
{
  return upload->method != NULL ? upload->method : "PUT";
}

WorkerUploadNext
worker_upload_put_head (WorkerUpload *upload, guint *status, guint64 *length, GError **error)
{
  g_auto (WorkerUploadAnswer) answer = { 0 };
  const WorkerUploadRequest request = { .method = "HEAD" };

  if (!worker_upload_send (upload, &request, &answer, error))
    return WORKER_UPLOAD_ERROR;
  *status = answer.status;
  /* A coded length would be that of something else. */
  if (worker_upload_answer_get (&answer, "Content-Encoding") != NULL ||
      !worker_upload_answer_get_number (&answer, "Content-Length", length))
    *length = FERRY_SIZE_UNKNOWN;
  return WORKER_UPLOAD_GO_ON;
}

WorkerUploadNext
worker_upload_put_refuse (WorkerUpload *upload, const WorkerUploadAnswer *answer, GError **error)
{
  const char *tried = upload->tried != NULL ? upload->tried->str : "";
  gboolean not_found = answer->status == 404;

  if (!not_found && answer->status != 405 && answer->status != 501)
    return worker_upload_fail_status (upload, answer, error);

  return worker_upload_fail (upload, error,
                             not_found ? FERRY_ERROR_NOT_FOUND : FERRY_ERROR_UPLOAD_NOT_SUPPORTED,
                             FERRY_ERROR_CONTEXT_REMOTE_FILE, upload->unsure,
                             "The server does not accept uploads at this address (HTTP %u)%s%s%s%s",
                             answer->status, *tried != '\0' ? ". Tried: " : "", tried,
                             *tried != '\0' ? ", and " : "",
                             *tried != '\0' ? get_method (upload) : "");
}

static WorkerUploadNext
put_nothing (WorkerUpload *upload, GError **error)
{
  return WORKER_UPLOAD_GO_ON;
}

static WorkerUploadNext
put_locate (WorkerUpload *upload, GError **error)
{
  upload->record->offset = 0;
  return WORKER_UPLOAD_GO_ON;
}

/* Some say 201 to what they have not read, so they are asked what they kept. One that cannot tell is believed, as is one that
 * answered 200, whose address may stand for something else than the file; and an address with a query may be signed, for
 * one method only. */
static WorkerUploadNext
verify (WorkerUpload *upload, guint put_status, GError **error)
{
  guint64 total = upload->record->total;
  gboolean again = upload->record->suspicious;
  guint64 length;
  guint status;

  if ((put_status != 201 && put_status != 204) || !g_str_equal (get_method (upload), "PUT") ||
      g_uri_get_query (worker_upload_get_home (upload)) != NULL)
    return WORKER_UPLOAD_GO_ON;
  if (worker_upload_put_head (upload, &status, &length, error) == WORKER_UPLOAD_ERROR)
    return WORKER_UPLOAD_ERROR;
  if (status != 200 || length == FERRY_SIZE_UNKNOWN || length == total)
    return WORKER_UPLOAD_GO_ON;

  /* Once is an accident. */
  upload->record->suspicious = TRUE;
  return worker_upload_fail (upload, error, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                             FERRY_ERROR_CONTEXT_REMOTE_FILE, !again,
                             "The server took the file and kept %" G_GUINT64_FORMAT
                             " of %" G_GUINT64_FORMAT " bytes",
                             length, total);
}

static void
explain_break (WorkerUpload *upload, GError **error)
{
  g_autofree char *why = NULL;

  if (!worker_upload_is_break (*error) || upload->sent == 0 || upload->starting != NULL)
    return;
  why = g_strdup ((*error)->message);
  g_clear_error (error);
  worker_upload_fail (upload, error, FERRY_ERROR_CONNECTION_CLOSED, FERRY_ERROR_CONTEXT_TRANSPORT,
                      TRUE,
                      "%s; %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                      " bytes were sent and must be sent again",
                      why, upload->sent, upload->record->total);
}

static WorkerUploadNext
put_send (WorkerUpload *upload, GError **error)
{
  g_auto (WorkerUploadAnswer) answer = { 0 };
  g_autoptr (GError) local_error = NULL;
  const WorkerUploadRequest request = {
    .method = get_method (upload),
    .own = upload->method != NULL,
    .body = TRUE,
    .length = upload->record->total,
  };
  gboolean answered = worker_upload_send (upload, &request, &answer, &local_error);

  upload->record->sent = upload->sent;
  if (!answered)
    {
      explain_break (upload, &local_error);
      g_propagate_error (error, g_steal_pointer (&local_error));
      return WORKER_UPLOAD_ERROR;
    }
  if (!worker_upload_is_success (answer.status))
    return worker_upload_put_refuse (upload, &answer, error);
  if (verify (upload, answer.status, error) == WORKER_UPLOAD_ERROR)
    return WORKER_UPLOAD_ERROR;
  upload->record->sent = 0;
  return worker_upload_acknowledge (upload, upload->record->total, error);
}

const WorkerUploadProtocol worker_upload_put = {
  .protocol = FERRY_UPLOAD_PROTOCOL_PUT,
  .resumable = FALSE,
  .begin = put_nothing,
  .locate = put_locate,
  .send = put_send,
  .finish = put_nothing,
  .cancel = put_nothing,
};
