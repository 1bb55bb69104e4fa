/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-upload.h"

#include "worker-cancellable.h"
#include "worker-proxy.h"

#include <string.h>

const WorkerUploadProtocol *
worker_upload_protocol_get (FerryUploadProtocol protocol)
{
  switch (protocol)
    {
    case FERRY_UPLOAD_PROTOCOL_BITS:
      return &worker_upload_bits;
    case FERRY_UPLOAD_PROTOCOL_TUS:
      return &worker_upload_tus;
    case FERRY_UPLOAD_PROTOCOL_PUT:
      return &worker_upload_put;
    case FERRY_UPLOAD_PROTOCOL_PUT_RANGE:
      return &worker_upload_put_range;
    case FERRY_UPLOAD_PROTOCOL_AUTO:
      return NULL;
    }

  return NULL;
}

GUri *
worker_upload_get_home (const WorkerUpload *upload)
{
  return upload->requester.home;
}

gboolean
worker_upload_is_success (guint status)
{
  return status >= 200 && status < 300;
}

/* == answers == */

void
worker_upload_answer_clear (WorkerUploadAnswer *self)
{
  g_clear_pointer (&self->headers, soup_message_headers_unref);
  g_clear_pointer (&self->uri, g_uri_unref);
  g_clear_pointer (&self->who, g_free);
}

const char *
worker_upload_answer_get (const WorkerUploadAnswer *self, const char *header)
{
  return self->headers != NULL ? soup_message_headers_get_one (self->headers, header) : NULL;
}

gboolean
worker_upload_answer_get_number (const WorkerUploadAnswer *self, const char *header,
                                 guint64 *number)
{
  const char *text = worker_upload_answer_get (self, header);

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, number, NULL);
}

/* == requests == */

/** The end of a request's time, and the attempt's own. */
typedef struct
{
  WorkerBranch branch;
  guint timer;
} Limit;

static gboolean
limit_cb (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_CONTINUE;
}

/* The timer runs in the main thread; it only ever touches the cancellable, which it holds. */
static void
limit_begin (Limit *self, GCancellable *parent, guint seconds)
{
  worker_branch_begin (&self->branch, parent);
  self->timer = g_timeout_add_seconds_full (G_PRIORITY_DEFAULT, seconds, limit_cb,
                                            g_object_ref (self->branch.cancellable),
                                            g_object_unref);
}

/* Says whose end it was. */
static void
limit_end (Limit *self, GError **error)
{
  worker_branch_end (&self->branch);
  g_source_remove (self->timer);
  if (error == NULL || !g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
      g_cancellable_is_cancelled (self->branch.parent))
    return;
  g_clear_error (error);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                       "The server did not answer in time");
}

gboolean
worker_upload_is_limit (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

gboolean
worker_upload_is_break (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FALSE;
  return error->domain == G_IO_ERROR || error->domain == SOUP_SESSION_ERROR ||
         (error->domain == G_TLS_ERROR && error->code == G_TLS_ERROR_EOF);
}

static gboolean
take_answer (WorkerUpload *upload, WorkerExchange *exchange, const WorkerUploadRequest *request,
             WorkerUploadAnswer *answer, GError **error)
{
  answer->status = soup_message_get_status (exchange->message);
  answer->headers = soup_message_headers_ref (
      soup_message_get_response_headers (exchange->message));
  answer->uri = g_uri_ref (exchange->uri);
  answer->who = worker_proxy_get_answerer (upload->requester.session, exchange->message);
  if (upload->answered != NULL)
    upload->answered (upload->data, exchange->message);

  /* What the server has not read it cannot have kept. */
  if (request->body && upload->sent < request->length && worker_upload_is_success (answer->status))
    {
      worker_upload_fail (upload, error, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                          FERRY_ERROR_CONTEXT_REMOTE_FILE, TRUE,
                          "The server said %u after %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                          " bytes",
                          answer->status, upload->sent, request->length);
      return FALSE;
    }
  return TRUE;
}

gboolean
worker_upload_send (WorkerUpload *upload, const WorkerUploadRequest *request,
                    WorkerUploadAnswer *answer, GError **error)
{
  WorkerRequester requester = upload->requester;
  WorkerSending sending = {
    .source = upload->source,
    .buffers = upload->buffers,
    .start = request->start,
    .length = request->length,
    .type = request->type,
    .session = requester.session,
    .pulse = requester.pulse,
    .position = request->length > 0 ? upload->position : NULL,
  };
  WorkerRequest plain = {
    .uri = request->uri != NULL ? request->uri : requester.home,
    .method = request->method,
    .own = request->own,
    .starting = request->own ? upload->starting : NULL,
    .data = upload->data,
    .fields = request->fields,
    .sending = request->body ? &sending : NULL,
  };
  g_autoptr (GError) local_error = NULL;
  Limit limit = { 0 };
  WorkerExchange *exchange;
  gboolean taken = FALSE;

  *answer = (WorkerUploadAnswer){ 0 };
  upload->explained = FALSE;
  if (upload->answered != NULL)
    upload->answered (upload->data, NULL);
  if (request->limit > 0)
    {
      limit_begin (&limit, requester.cancellable, request->limit);
      requester.cancellable = limit.branch.cancellable;
    }

  if (request->body)
    upload->offered = MAX (upload->offered, request->start + request->length);
  exchange = worker_request_send (&requester, &plain, &local_error);
  upload->sent = sending.sent;
  if (exchange != NULL)
    {
      taken = take_answer (upload, exchange, request, answer, &local_error);
      worker_exchange_close (exchange,
                             request->limit > 0 || !taken ? WORKER_CLOSE_DROP : WORKER_CLOSE_DRAIN);
    }
  worker_sending_clear (&sending);
  if (request->limit > 0)
    limit_end (&limit, &local_error);
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return taken;
}

/* == errors == */

WorkerUploadNext
worker_upload_fail (WorkerUpload *upload, GError **error, FerryError code,
                    FerryErrorContext context, gboolean transient, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  upload->explained = TRUE;
  upload->failure = (WorkerFailure){ code, context, transient, NULL };
  g_set_error_literal (error, FERRY_ERROR, (int) code, message);
  return WORKER_UPLOAD_ERROR;
}

WorkerUploadNext
worker_upload_fail_status (WorkerUpload *upload, const WorkerUploadAnswer *answer, GError **error)
{
  WorkerFailure failure = worker_failure_from_status (answer->status);

  if (answer->status == 413)
    return worker_upload_fail (upload, error, FERRY_ERROR_MAXIMUM_SIZE_EXCEEDED,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The file is too large for the server (it answered 413)");
  worker_upload_fail (upload, error, failure.code, failure.context, failure.transient,
                      "%s answered %u %s", answer->who != NULL ? answer->who : "The server",
                      answer->status, soup_status_get_phrase (answer->status));
  worker_login_explain (upload->requester.login, answer->status, error);
  return WORKER_UPLOAD_ERROR;
}

/* == what the server has == */

WorkerUploadNext
worker_upload_acknowledge (WorkerUpload *upload, guint64 offset, GError **error)
{
  WorkerUploadRecord *record = upload->record;
  guint64 before = record->offset;

  if (offset > record->total)
    return worker_upload_fail (upload, error, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The server says that it has %" G_GUINT64_FORMAT
                               " bytes of a file of %" G_GUINT64_FORMAT,
                               offset, record->total);

  /* They would be another file's. */
  if (upload->begun && offset > upload->offered)
    return worker_upload_fail (upload, error, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The server says that it has %" G_GUINT64_FORMAT
                               " bytes, and was sent no more than %" G_GUINT64_FORMAT,
                               offset, upload->offered);

  record->silent = 0;
  if (worker_upload_record_acknowledge (record, offset))
    upload->idle = 0;
  else if (offset <= before)
    upload->idle++;
  if (upload->position != NULL)
    *upload->position = offset;
  if (upload->tell != NULL)
    upload->tell (upload->data);
  if (upload->idle < WORKER_UPLOAD_MAX_IDLE || offset == record->total)
    return WORKER_UPLOAD_GO_ON;

  return worker_upload_fail (upload, error, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                             FERRY_ERROR_CONTEXT_REMOTE_FILE, TRUE,
                             "The server took bytes %d times and still has no more than "
                             "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
                             WORKER_UPLOAD_MAX_IDLE, offset, record->total);
}

gboolean
worker_upload_is_whole (const WorkerUpload *upload)
{
  const WorkerUploadRecord *record = upload->record;

  return record->offset == record->total && record->total > 0 && !upload->discard;
}

WorkerUploadNext
worker_upload_shrink (WorkerUpload *upload, guint64 length, const WorkerUploadAnswer *answer,
                      GError **error)
{
  guint64 shorter = length / 2;

  if (shorter < WORKER_UPLOAD_LEAST_FRAGMENT)
    return worker_upload_fail_status (upload, answer, error);
  upload->record->fragment = (guint32) MIN (shorter, G_MAXUINT32);
  upload->record->fragment_max = upload->record->fragment;
  if (upload->tell != NULL)
    upload->tell (upload->data);
  return WORKER_UPLOAD_GO_ON;
}

/* == which protocol == */

void
worker_upload_note_tried (WorkerUpload *upload, const char *what, guint status)
{
  upload->unsure |= status == 0;
  if (upload->tried == NULL)
    return;
  g_string_append_printf (upload->tried, "%s%s (", upload->tried->len > 0 ? ", " : "", what);
  if (status != 0)
    g_string_append_printf (upload->tried, "%u)", status);
  else
    g_string_append (upload->tried, "no answer)");
}

/* A foreign method on such an address fails, and may be logged, or count as a use of it. */
static gboolean
is_signed (GUri *uri)
{
  const char *query = g_uri_get_query (uri);
  g_autofree char *all = query != NULL ? g_strconcat ("&", query, NULL) : g_strdup ("");

  return strstr (all, "&X-Amz-Signature=") != NULL || strstr (all, "&X-Goog-Signature=") != NULL ||
         (strstr (all, "&sig=") != NULL && strstr (all, "&se=") != NULL);
}

static WorkerUploadNext
probe (WorkerUpload *upload, GError **error)
{
  static const WorkerUploadProtocol *const candidates[] = { &worker_upload_bits,
                                                            &worker_upload_tus };

  for (guint i = 0; i < G_N_ELEMENTS (candidates); i++)
    {
      gboolean speaks = FALSE;
      WorkerUploadNext next = candidates[i]->probe (upload, &speaks, error);

      if (next != WORKER_UPLOAD_GO_ON)
        return next;
      if (!speaks)
        continue;
      upload->record->protocol = candidates[i]->protocol;
      return WORKER_UPLOAD_GO_ON;
    }

  /* Only the PUT itself can tell: nginx answers OPTIONS with 405, and takes PUT. */
  upload->record->protocol = FERRY_UPLOAD_PROTOCOL_PUT;
  return WORKER_UPLOAD_GO_ON;
}

WorkerUploadNext
worker_upload_settle (WorkerUpload *upload, FerryUploadProtocol wanted, GError **error)
{
  if (wanted == FERRY_UPLOAD_PROTOCOL_AUTO && upload->wants_reply)
    wanted = FERRY_UPLOAD_PROTOCOL_BITS;
  if (wanted == FERRY_UPLOAD_PROTOCOL_AUTO &&
      (upload->method != NULL || is_signed (worker_upload_get_home (upload))))
    wanted = FERRY_UPLOAD_PROTOCOL_PUT;
  if (wanted == FERRY_UPLOAD_PROTOCOL_AUTO)
    return probe (upload, error);

  upload->record->protocol = wanted;
  return WORKER_UPLOAD_GO_ON;
}

gboolean
worker_upload_cancel (WorkerUpload *upload, GError **error)
{
  const WorkerUploadProtocol *protocol = worker_upload_protocol_get (upload->record->protocol);

  if (protocol == NULL || !upload->record->session)
    return TRUE;
  return protocol->cancel (upload, error) != WORKER_UPLOAD_ERROR;
}
