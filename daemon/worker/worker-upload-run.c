/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The work of an attempt that sends: the same steps for every protocol. */

#include "worker-attempt-private.h"

#include "ferry-worker-protocol.h"
#include "worker-redirect.h"
#include "worker-upload.h"

/* == what the upload wants of the attempt == */

static gboolean
store (gpointer data, GError **error)
{
  return worker_attempt_store (data, error);
}

static void
tell (gpointer data)
{
  WorkerAttempt *self = data;

  worker_attempt_lock (self);
  worker_report_record_locked (self, FALSE);
  worker_attempt_unlock (self);
}

static void
answered (gpointer data, SoupMessage *message)
{
  WorkerAttempt *self = data;

  worker_attempt_lock (self);
  self->status = 0;
  self->retry_after = 0;
  if (message != NULL)
    {
      worker_report_note_answer_locked (self, message);
      self->retry_after = worker_retry_after (
          soup_message_headers_get_one (soup_message_get_response_headers (message), "Retry-After"),
          g_get_real_time () / G_USEC_PER_SEC);
    }
  worker_attempt_unlock (self);
}

static WorkerUpload
make_upload (WorkerAttempt *self, GUri *home, WorkerUploadRecord *record)
{
  return (WorkerUpload){
    .requester = worker_order_get_requester (self->order, self->sessions, self->session,
                                             &self->pulse, home, self->cancellable),
    .buffers = self->buffers,
    .record = record,
    .answered = answered,
    .data = self,
  };
}

/* == steps == */

static gboolean
open_source (WorkerAttempt *self, GError **error)
{
  WorkerSource *source;

  worker_attempt_lock (self);
  self->opening = TRUE;
  source = worker_source_open (self->order->path, self->order->resume, &self->source_busy, error);
  self->opening = FALSE;
  if (source != NULL)
    {
      self->source = source;
      self->record.total = worker_source_get_size (source);
    }
  worker_attempt_unlock (self);
  return source != NULL;
}

static void
restart (WorkerAttempt *self, const char *reason)
{
  worker_attempt_lock (self);
  worker_upload_record_drop_session (&self->record);
  self->sent = 0;
  worker_report_restarted_locked (self, reason);
  worker_attempt_unlock (self);
}

/* A protocol was settled: is the administrator content with it? */
static WorkerUploadNext
check_policy (WorkerAttempt *self, WorkerUpload *upload, GError **error)
{
  const WorkerUploadProtocol *protocol = worker_upload_protocol_get (self->record.protocol);

  if (protocol->resumable || self->record.total <= self->order->require_resumable_above)
    return WORKER_UPLOAD_GO_ON;
  return worker_upload_fail (upload, error, FERRY_ERROR_UPLOAD_NOT_SUPPORTED,
                             FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                             "The server cannot continue an interrupted upload, which the policy "
                             "require-resumable-uploads-above (%" G_GUINT64_FORMAT
                             " bytes) asks for with a file of %" G_GUINT64_FORMAT " bytes",
                             self->order->require_resumable_above, self->record.total);
}

static WorkerUploadNext
settle (WorkerAttempt *self, WorkerUpload *upload, GError **error)
{
  gboolean known = self->record.protocol != FERRY_UPLOAD_PROTOCOL_AUTO;
  WorkerUploadNext next = WORKER_UPLOAD_GO_ON;

  if (!known)
    next = worker_upload_settle (upload, self->order->protocol, error);
  if (next == WORKER_UPLOAD_GO_ON)
    next = check_policy (self, upload, error);
  if (next == WORKER_UPLOAD_GO_ON && !known)
    tell (self);
  return next;
}

static WorkerUploadNext
begin (WorkerAttempt *self, WorkerUpload *upload, const WorkerUploadProtocol *protocol,
       GError **error)
{
  WorkerUploadNext next;

  upload->begun = TRUE;
  upload->offered = 0;
  next = protocol->begin (upload, error);
  /* On disk before the first byte: nobody else knows of the session. */
  if (next == WORKER_UPLOAD_GO_ON && self->record.session && !worker_attempt_store (self, error))
    return WORKER_UPLOAD_ERROR;
  return next;
}

/* All pieces, and the end; a server that is behind again makes another round. */
static WorkerUploadNext
transfer (WorkerAttempt *self, WorkerUpload *upload, const WorkerUploadProtocol *protocol,
          GError **error)
{
  WorkerUploadRecord *record = &self->record;
  gboolean sent = protocol->resumable; /* also an empty file is PUT once */
  WorkerUploadNext next = WORKER_UPLOAD_GO_ON;

  do
    {
      while (next == WORKER_UPLOAD_GO_ON && (record->offset < record->total || !sent))
        {
          if (!worker_source_verify (self->source, error))
            return WORKER_UPLOAD_ERROR;
          next = protocol->send (upload, error);
          sent = TRUE;
        }
      if (next == WORKER_UPLOAD_GO_ON && !worker_source_verify (self->source, error))
        next = WORKER_UPLOAD_ERROR;
      if (next == WORKER_UPLOAD_GO_ON)
        next = protocol->finish (upload, error);
    }
  while (next == WORKER_UPLOAD_GO_ON && record->offset < record->total);
  return next;
}

static WorkerUploadNext
proceed (WorkerAttempt *self, WorkerUpload *upload, GError **error)
{
  WorkerUploadNext next = settle (self, upload, error);
  const WorkerUploadProtocol *protocol;

  if (next != WORKER_UPLOAD_GO_ON)
    return next;
  protocol = worker_upload_protocol_get (self->record.protocol);
  if (!protocol->resumable && self->record.sent > 0)
    restart (self, "not-resumable");
  if (self->record.session)
    next = protocol->locate (upload, error);
  else
    next = begin (self, upload, protocol, error);
  return next == WORKER_UPLOAD_GO_ON ? transfer (self, upload, protocol, error) : next;
}

/* Returns: whether there is another round */
static gboolean
take_turn (WorkerAttempt *self, WorkerUpload *upload, WorkerUploadNext next, GError **error)
{
  if (next == WORKER_UPLOAD_PLAIN)
    {
      worker_upload_record_drop_session (&self->record);
      self->record.protocol = FERRY_UPLOAD_PROTOCOL_PUT;
      tell (self);
      return TRUE;
    }
  if (next != WORKER_UPLOAD_LOST)
    return FALSE;

  if (self->record.restarts >= WORKER_UPLOAD_MAX_RESTARTS)
    {
      worker_upload_fail (upload, error, FERRY_ERROR_SESSION_NOT_FOUND,
                          FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                          "The server lost the upload %d times in a row",
                          WORKER_UPLOAD_MAX_RESTARTS + 1);
      return FALSE;
    }
  self->record.restarts++;
  restart (self, "session-lost");
  return TRUE;
}

/* == the end == */

/* Whether it goes on another time, from where it is. */
static gboolean
goes_on (WorkerAttempt *self, const WorkerFailure *failure, gboolean unsure, const GError *error)
{
  gboolean stopped = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* What must not be sent twice does not go on by itself, whatever it failed of; the owner may want another way. */
  if (self->asked)
    return stopped && self->late == NULL;
  return stopped || (failure->transient && !unsure);
}

/* What ended the upload for good, with nothing at the server to go on from: a later Resume begins from nothing. */
static void
forget (WorkerAttempt *self, WorkerUpload *upload, const GError *error)
{
  gboolean changed = g_error_matches (error, FERRY_ERROR, FERRY_ERROR_LOCAL_FILE_CHANGED);
  WorkerFailure failure = upload->explained ? upload->failure : worker_failure_from_error (error);
  /* It spoke no protocol that it was asked about, but some question had no answer: all are asked again. */
  gboolean unsure = upload->unsure && !self->record.session &&
                    (failure.code == FERRY_ERROR_UPLOAD_NOT_SUPPORTED ||
                     failure.code == FERRY_ERROR_NOT_FOUND);

  if (goes_on (self, &failure, unsure, error))
    return;
  /* The server cannot notice that the bytes are others: what it has of the old ones is of no use. */
  upload->discard = changed;
  if (changed)
    worker_upload_cancel (upload, NULL);
  self->forgotten = changed || !self->record.session ||
                    failure.code == FERRY_ERROR_SESSION_NOT_FOUND;
}

gboolean
worker_upload_run (WorkerAttempt *self, GError **error)
{
  g_autoptr (GString) tried = g_string_new (NULL);
  g_autoptr (GError) local_error = NULL;
  WorkerUploadNext next = WORKER_UPLOAD_ERROR;
  WorkerUpload upload;

  self->home = worker_uri_parse (self->order->url, error);
  if (self->home == NULL)
    return FALSE;

  upload = make_upload (self, self->home, &self->record);
  upload.wants_reply = self->order->wants_reply;
  upload.position = &self->sent;
  upload.tried = tried;
  upload.method = self->order->method;
  upload.starting = worker_once_applies (self) ? worker_once_starting : NULL;
  upload.store = store;
  upload.tell = tell;
  if (open_source (self, &local_error))
    {
      upload.source = self->source;
      do
        next = proceed (self, &upload, &local_error);
      while (take_turn (self, &upload, next, &local_error));
    }
  if (local_error == NULL)
    return TRUE;

  self->explained = upload.explained;
  self->failure = upload.failure;
  forget (self, &upload, local_error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

gboolean
worker_upload_close_reply (WorkerAttempt *self, GError **error)
{
  g_auto (WorkerUploadRecord) record = { 0 };
  const WorkerUploadProtocol *protocol;
  g_autoptr (GError) local_error = NULL;
  WorkerUpload upload;

  worker_upload_record_load (&record, self->order->upload_resume);
  protocol = worker_upload_protocol_get (record.protocol);
  if (protocol == NULL || !record.session)
    return TRUE;

  /* The server drops the reply with the session: it must be known that we have it. */
  if (!worker_attempt_store (self, error))
    return FALSE;
  /* A session that is gone was closed by us. */
  record.closing = TRUE;
  upload = make_upload (self, self->upload_home, &record);
  /* Nor does it matter any more what became of the file: the program behind the server has answered it. */
  if (protocol->finish (&upload, &local_error) != WORKER_UPLOAD_ERROR ||
      g_error_matches (local_error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND))
    return TRUE;
  self->explained = upload.explained;
  self->failure = upload.failure;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}
