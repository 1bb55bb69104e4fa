/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The BITS 1.5 upload protocol, [MC-BUP]: one session for each file, one packet at a time, an Ack for each. */

#include "worker-upload-bits.h"

#include "worker-redirect.h"

#include <string.h>

#define PROTOCOL   "{7df0354d-249b-430f-820d-3d2a9bef4931}"
#define PROBE_TIME 15 /* s */

/* nginx in front of a server takes 1 MiB by default, and not a byte more. */
#define FIRST_FRAGMENT ((guint32) 1024 * 1024)
#define MOST_FRAGMENT  ((guint32) 8 * 1024 * 1024)
#define QUICK          (5 * G_USEC_PER_SEC)

#define REPLY_TRIES 3

/* Breaks in a row on which a server that answers a Ping has nothing to say to the session's packets. */
#define MAX_SILENT 2

#define SESSION_NOT_FOUND 0x8020001FU
#define ACCESS_DENIED     0x80070005U
#define TOO_LARGE         0x80200020U
#define DISK_FULL         0x80070112U

#define CONTEXT_APPLICATION 0x7U

/* == packets == */

/** What an Ack says, or what is there instead of one. */
typedef struct
{
  WorkerUploadAnswer answer; /* (owned) */
  gboolean ack;
  guint32 hresult; /* 0 = none, or a success */
  guint32 context;
} Ack;

static void
ack_clear (Ack *self)
{
  worker_upload_answer_clear (&self->answer);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Ack, ack_clear)

/* 0x80070057, x80070057, 80070057 and nothing at all were seen. */
static guint32
parse_hex (const char *text)
{
  if (text == NULL)
    return 0;
  if (*text == '0' && (text[1] == 'x' || text[1] == 'X'))
    text++;
  if (*text == 'x' || *text == 'X')
    text++;
  return (guint32) g_ascii_strtoull (text, NULL, 16);
}

static void
read_ack (Ack *ack)
{
  const char *type = worker_upload_answer_get (&ack->answer, "BITS-Packet-Type");
  const char *code = worker_upload_answer_get (&ack->answer, "BITS-Error-Code");

  ack->ack = type != NULL && g_ascii_strcasecmp (type, "Ack") == 0;
  /* A good answer may carry some, too. */
  if (ack->answer.status == 200 || ack->answer.status == 201)
    return;
  if (code == NULL)
    code = worker_upload_answer_get (&ack->answer, "BITS-Error");
  ack->hresult = parse_hex (code);
  ack->context = parse_hex (worker_upload_answer_get (&ack->answer, "BITS-Error-Context"));
}

static gboolean
is_good (const Ack *ack)
{
  return ack->ack && (ack->answer.status == 200 || ack->answer.status == 201);
}

/* Returns: (transfer full): where the session lives: maybe at a host of its own (BITS-Host-Id) */
static GUri *
get_uri (WorkerUpload *upload)
{
  GUri *home = worker_upload_get_home (upload);
  const char *host = upload->record->host;
  g_autofree char *text = NULL;
  g_autoptr (GUri) named = NULL;

  if (host == NULL)
    return g_uri_ref (home);
  text = g_strdup_printf ("%s://%s/", g_uri_get_scheme (home), host);
  named = worker_uri_parse (text, NULL);
  if (named == NULL)
    return g_uri_ref (home);
  return soup_uri_copy (home, SOUP_URI_HOST, g_uri_get_host (named), SOUP_URI_PORT,
                        g_uri_get_port (named), SOUP_URI_NONE);
}

/* @fields: (nullable): more of them */
static gboolean
send_packet (WorkerUpload *upload, const char *type, const char *const *more, guint64 start,
             guint64 length, guint limit, Ack *ack, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *packet = g_strconcat ("BITS-Packet-Type: ", type, NULL);
  g_autoptr (GUri) uri = get_uri (upload);
  g_auto (GStrv) fields = NULL;
  WorkerUploadRequest request = {
    .method = "BITS_POST",
    .uri = uri,
    .body = TRUE,
    .start = start,
    .length = length,
    .limit = limit,
  };

  g_strv_builder_add (builder, packet);
  if (more != NULL)
    g_strv_builder_addv (builder, (const char **) more);
  fields = g_strv_builder_end (builder);
  request.fields = (const char *const *) fields;

  *ack = (Ack){ 0 };
  if (!worker_upload_send (upload, &request, &ack->answer, error))
    return FALSE;
  upload->record->host_failed = 0;
  read_ack (ack);
  return TRUE;
}

static gboolean
send_in_session (WorkerUpload *upload, const char *type, Ack *ack, GError **error)
{
  g_autofree char *id = g_strconcat ("BITS-Session-Id: ", upload->record->id, NULL);
  const char *const fields[] = { id, NULL };

  return send_packet (upload, type, fields, 0, 0, 0, ack, error);
}

/* == errors == */

static WorkerUploadNext
fail (WorkerUpload *upload, const Ack *ack, GError **error)
{
  guint status = ack->answer.status;
  WorkerFailure failure = worker_failure_from_status (status);

  if (ack->hresult == TOO_LARGE)
    return worker_upload_fail (upload, error, FERRY_ERROR_MAXIMUM_SIZE_EXCEEDED,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The file is larger than the server takes");
  if (status == 501 && ack->hresult == ACCESS_DENIED)
    return worker_upload_fail (upload, error, FERRY_ERROR_UPLOAD_NOT_SUPPORTED,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The server does not take BITS uploads at this address");
  if (ack->hresult == DISK_FULL)
    return worker_upload_fail (upload, error, FERRY_ERROR_HTTP_ERROR,
                               ack->context == CONTEXT_APPLICATION
                                   ? FERRY_ERROR_CONTEXT_REMOTE_APPLICATION
                                   : FERRY_ERROR_CONTEXT_REMOTE_FILE,
                               TRUE, "The server could not take it now (%u, 0x%08X)", status,
                               ack->hresult);
  if (status < 400)
    return worker_upload_fail (upload, error, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                               FERRY_ERROR_CONTEXT_TRANSPORT, TRUE,
                               "Something that is no BITS server answered (HTTP %u)", status);
  if (ack->context == CONTEXT_APPLICATION)
    failure.context = FERRY_ERROR_CONTEXT_REMOTE_APPLICATION;
  return worker_upload_fail (upload, error, failure.code, failure.context, failure.transient,
                             "The server answered %u %s%s", status, soup_status_get_phrase (status),
                             failure.context == FERRY_ERROR_CONTEXT_REMOTE_APPLICATION
                                 ? ", for the program behind it"
                                 : "");
}

/* Also two servers' way to say it: 400, and no code, to an id that was theirs. It is believed once. */
static gboolean
is_session_unknown (WorkerUpload *upload, const Ack *ack)
{
  if (ack->hresult == SESSION_NOT_FOUND)
    return TRUE;
  if (ack->answer.status != 400 || ack->hresult != 0 || upload->record->suspicious)
    return FALSE;
  upload->record->suspicious = TRUE;
  return TRUE;
}

/* A host of its own that cannot be reached for its time is given up: the first one answers, and may know the session. */
static void
note_unreachable (WorkerUpload *upload, const GError *error)
{
  WorkerUploadRecord *record = upload->record;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (record->host == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (record->host_failed == 0)
    record->host_failed = now;
  else if (record->host_time != 0 && now - record->host_failed >= record->host_time)
    g_clear_pointer (&record->host, g_free);
}

/* == probe, begin == */

static WorkerUploadNext
bits_probe (WorkerUpload *upload, gboolean *speaks, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_auto (Ack) ack = { 0 };

  if (!send_packet (upload, "Ping", NULL, 0, 0, PROBE_TIME, &ack, &local_error) &&
      !worker_upload_is_limit (local_error))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return WORKER_UPLOAD_ERROR;
    }

  worker_upload_note_tried (upload, "BITS", ack.answer.status);
  if (ack.answer.status == 401 || ack.answer.status == 407)
    return worker_upload_fail_status (upload, &ack.answer, error);
  *speaks = is_good (&ack);
  return WORKER_UPLOAD_GO_ON;
}

/* What is not cannot be kept in a `Resume`, which holds text. */
static gboolean
is_printable (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isprint (*c))
      return FALSE;
  return *text != '\0';
}

static gboolean
take_session (WorkerUpload *upload, const Ack *ack)
{
  const char *protocol = worker_upload_answer_get (&ack->answer, "BITS-Protocol");
  const char *id = worker_upload_answer_get (&ack->answer, "BITS-Session-Id");
  const char *host = worker_upload_answer_get (&ack->answer, "BITS-Host-Id");
  WorkerUploadRecord *record = upload->record;
  guint64 host_time;

  if (id == NULL || !is_printable (id) || strlen (id) > WORKER_UPLOAD_ID_MAX ||
      (protocol != NULL && g_ascii_strcasecmp (protocol, PROTOCOL) != 0))
    return FALSE;

  worker_upload_record_drop_session (record);
  record->id = g_strdup (id);
  record->session = TRUE;
  if (host != NULL && is_printable (host) && strlen (host) <= WORKER_UPLOAD_HOST_MAX)
    record->host = g_strdup (host);
  if (worker_upload_answer_get_number (&ack->answer, "BITS-Host-Id-Fallback-Timeout", &host_time))
    record->host_time = (guint32) MIN (host_time, G_MAXUINT32);
  return TRUE;
}

static WorkerUploadNext
bits_begin (WorkerUpload *upload, GError **error)
{
  g_autofree char *name = worker_bits_clean_name (worker_source_get_name (upload->source));
  g_autofree char *content_name = g_strconcat ("Content-Name: ", name, NULL);
  const char *const fields[] = { "BITS-Supported-Protocols: " PROTOCOL, content_name, NULL };
  g_auto (Ack) ack = { 0 };
  guint status;

  /* Whatever host had the session before, a new one begins at the upload's own. */
  g_clear_pointer (&upload->record->host, g_free);
  if (!send_packet (upload, "Create-Session", fields, 0, 0, 0, &ack, error))
    return WORKER_UPLOAD_ERROR;

  status = ack.answer.status;
  if (is_good (&ack) && take_session (upload, &ack))
    return WORKER_UPLOAD_GO_ON;
  if (!ack.ack && (worker_upload_is_success (status) || status == 400 || status == 404 ||
                   status == 405 || status == 412 || status == 501))
    return worker_upload_fail (upload, error, FERRY_ERROR_UPLOAD_NOT_SUPPORTED,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The server does not speak the BITS upload protocol at this "
                               "address (HTTP %u)",
                               status);
  if (is_good (&ack))
    return worker_upload_fail (upload, error, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The server opened a session without a usable id or protocol");
  return fail (upload, &ack, error);
}

/* == going on == */

/* There is no packet that asks for the offset: what was acknowledged last is where to go on, and the next Ack corrects it.
 * The Ping tells whether the server is there at all. */
static WorkerUploadNext
bits_locate (WorkerUpload *upload, GError **error)
{
  g_auto (Ack) ack = { 0 };
  g_autoptr (GError) local_error = NULL;

  if (!send_packet (upload, "Ping", NULL, 0, 0, 0, &ack, &local_error))
    {
      note_unreachable (upload, local_error);
      g_propagate_error (error, g_steal_pointer (&local_error));
      return WORKER_UPLOAD_ERROR;
    }
  if (!is_good (&ack))
    return fail (upload, &ack, error);
  return upload->record->silent >= MAX_SILENT ? WORKER_UPLOAD_LOST : WORKER_UPLOAD_GO_ON;
}

/* The Ack says what the server wants next, whatever we think. */
static WorkerUploadNext
take_offset (WorkerUpload *upload, const Ack *ack, gboolean *told, GError **error)
{
  guint64 offset;

  /* The second spelling is gobits's. */
  *told = worker_upload_answer_get_number (&ack->answer, "BITS-Received-Content-Range", &offset) ||
          worker_upload_answer_get_number (&ack->answer, "BITS-Recieved-Content-Range", &offset);
  return *told ? worker_upload_acknowledge (upload, offset, error) : WORKER_UPLOAD_GO_ON;
}

static void
take_reply_url (WorkerUpload *upload, const Ack *ack)
{
  const char *url = worker_upload_answer_get (&ack->answer, "BITS-Reply-URL");

  if (url == NULL || upload->record->offset < upload->record->total)
    return;
  g_free (upload->record->reply_url);
  upload->record->reply_url = worker_bits_resolve_reply (worker_upload_get_home (upload), url);
}

static void
adapt_fragment (WorkerUploadRecord *record, guint64 length, gint64 took)
{
  guint32 most = record->fragment_max != 0 ? record->fragment_max : MOST_FRAGMENT;

  if (took < QUICK && length == record->fragment)
    record->fragment = MIN (record->fragment * 2, most);
}

static WorkerUploadNext
judge_fragment (WorkerUpload *upload, const Ack *ack, guint64 length, gint64 took, GError **error)
{
  WorkerUploadNext next;
  gboolean told;

  if (ack->answer.status == 413)
    return worker_upload_shrink (upload, length, &ack->answer, error);
  if (is_session_unknown (upload, ack))
    return WORKER_UPLOAD_LOST;
  if (!is_good (ack) && ack->answer.status != 416)
    return fail (upload, ack, error);

  /* Out of step again and again: such a session leads nowhere. */
  upload->refusals = is_good (ack) ? 0 : upload->refusals + 1;
  if (upload->refusals > WORKER_UPLOAD_MAX_IDLE)
    return WORKER_UPLOAD_LOST;
  next = take_offset (upload, ack, &told, error);
  if (next != WORKER_UPLOAD_GO_ON)
    return next;
  if (!told && ack->answer.status == 416)
    return WORKER_UPLOAD_LOST;
  if (!told)
    return worker_upload_fail (upload, error, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The server acknowledged a fragment without saying how much it has");
  if (is_good (ack))
    adapt_fragment (upload->record, length, took);
  take_reply_url (upload, ack);
  return WORKER_UPLOAD_GO_ON;
}

/* A server that answers 401 or 403 and closes while the body is still going out leaves nothing but a broken pipe. One that is
 * there, and has nothing to say to the session's packets, may have lost it; a line that breaks says nothing about that. */
static void
ask_why (WorkerUpload *upload, GError **error)
{
  g_auto (Ack) ack = { 0 };

  if (!send_packet (upload, "Ping", NULL, 0, 0, PROBE_TIME, &ack, NULL))
    return;
  upload->record->silent += is_good (&ack);
  if (ack.answer.status != 401 && ack.answer.status != 403 && ack.answer.status != 407)
    return;
  g_clear_error (error);
  fail (upload, &ack, error);
}

static void
note_break (WorkerUpload *upload, GError **error)
{
  if (!worker_upload_is_break (*error))
    return;
  note_unreachable (upload, *error);
  ask_why (upload, error);
}

static WorkerUploadNext
send_fragment (WorkerUpload *upload, guint64 start, GError **error)
{
  WorkerUploadRecord *record = upload->record;
  guint64 length = MIN (record->fragment, record->total - start);
  g_autofree char *id = g_strconcat ("BITS-Session-Id: ", record->id, NULL);
  g_autofree char *range = g_strdup_printf ("Content-Range: bytes %" G_GUINT64_FORMAT
                                            "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
                                            start, start + length - 1, record->total);
  const char *const fields[] = { id, range, NULL };
  gint64 begin = g_get_monotonic_time ();
  g_autoptr (GError) local_error = NULL;
  g_auto (Ack) ack = { 0 };

  record->last_start = start;
  if (!send_packet (upload, "Fragment", fields, start, length, 0, &ack, &local_error))
    {
      note_break (upload, &local_error);
      g_propagate_error (error, g_steal_pointer (&local_error));
      return WORKER_UPLOAD_ERROR;
    }
  return judge_fragment (upload, &ack, length, g_get_monotonic_time () - begin, error);
}

static WorkerUploadNext
bits_send (WorkerUpload *upload, GError **error)
{
  WorkerUploadRecord *record = upload->record;

  if (record->fragment == 0)
    record->fragment = FIRST_FRAGMENT;
  return send_fragment (upload, record->offset, error);
}

/* == the end == */

/* A conforming server notifies its program again, or repeats its answer, when the last fragment comes again. */
static WorkerUploadNext
seek_reply (WorkerUpload *upload, GError **error)
{
  WorkerUploadRecord *record = upload->record;

  while (record->reply_url == NULL && record->total > 0 && upload->tries++ < REPLY_TRIES)
    {
      WorkerUploadNext next = send_fragment (upload, MIN (record->last_start, record->total - 1),
                                             error);

      if (next != WORKER_UPLOAD_GO_ON)
        return next;
      if (record->offset < record->total)
        return WORKER_UPLOAD_GO_ON;
    }

  if (record->reply_url != NULL)
    return WORKER_UPLOAD_GO_ON;
  return worker_upload_fail (upload, error, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                             FERRY_ERROR_CONTEXT_REMOTE_APPLICATION, FALSE,
                             "The server took the file but sent no usable reply address");
}

/* No fragment can carry nothing, and no text says what servers do then. */
static WorkerUploadNext
check_empty (WorkerUpload *upload, GError **error)
{
  const WorkerUploadRequest request = { .method = "HEAD" };
  g_auto (WorkerUploadAnswer) answer = { 0 };

  if (!worker_upload_send (upload, &request, &answer, error))
    return WORKER_UPLOAD_ERROR;
  if (answer.status != 404 && answer.status != 410)
    return WORKER_UPLOAD_GO_ON;
  return worker_upload_fail (upload, error, FERRY_ERROR_UPLOAD_NOT_SUPPORTED,
                             FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                             "The server cannot take an empty file over BITS");
}

/* @again: the session may have been closed before, and the answer was lost */
static WorkerUploadNext
close_session (WorkerUpload *upload, gboolean again, GError **error)
{
  g_auto (Ack) ack = { 0 };
  guint status;

  if (!send_in_session (upload, "Close-Session", &ack, error))
    return WORKER_UPLOAD_ERROR;

  status = ack.answer.status;
  if (is_good (&ack))
    return WORKER_UPLOAD_GO_ON;
  if (again && (ack.hresult == SESSION_NOT_FOUND || status == 400))
    return WORKER_UPLOAD_GO_ON;
  if (is_session_unknown (upload, &ack))
    return WORKER_UPLOAD_LOST;
  if (status == 404)
    return worker_upload_fail (upload, error, FERRY_ERROR_NOT_FOUND,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "What was uploaded has vanished at the server");
  return fail (upload, &ack, error);
}

static WorkerUploadNext
bits_finish (WorkerUpload *upload, GError **error)
{
  WorkerUploadRecord *record = upload->record;
  gboolean again = record->closing;
  WorkerUploadNext next;

  if (upload->wants_reply)
    return seek_reply (upload, error);

  record->closing = TRUE;
  if (!again && upload->store != NULL && !upload->store (upload->data, error))
    return WORKER_UPLOAD_ERROR;
  next = close_session (upload, again, error);
  if (next != WORKER_UPLOAD_GO_ON)
    return next;
  record->session = FALSE;
  return record->total == 0 ? check_empty (upload, error) : WORKER_UPLOAD_GO_ON;
}

static WorkerUploadNext
bits_cancel (WorkerUpload *upload, GError **error)
{
  const char *type = worker_upload_is_whole (upload) ? "Close-Session" : "Cancel-Session";
  g_auto (Ack) ack = { 0 };

  if (upload->record->id == NULL)
    return WORKER_UPLOAD_GO_ON;
  if (!send_in_session (upload, type, &ack, error))
    return WORKER_UPLOAD_ERROR;
  if (is_good (&ack) || ack.hresult == SESSION_NOT_FOUND || ack.answer.status == 400 ||
      ack.answer.status == 404)
    return WORKER_UPLOAD_GO_ON;
  return fail (upload, &ack, error);
}

const WorkerUploadProtocol worker_upload_bits = {
  .protocol = FERRY_UPLOAD_PROTOCOL_BITS,
  .resumable = TRUE,
  .probe = bits_probe,
  .begin = bits_begin,
  .locate = bits_locate,
  .send = bits_send,
  .finish = bits_finish,
  .cancel = bits_cancel,
};
