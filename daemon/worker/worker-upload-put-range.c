/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PUT with Content-Range (RFC 9110, 14.5), for the few servers that honour it: Apache's mod_dav, lighttpd when told to. One
 * that does not know the header takes a piece for the whole file, so that it is tried on the first bytes; the file that has
 * them is ours, as there must have been none before. */

#include "worker-upload-put.h"

#define FIRST_FRAGMENT ((guint64) 8 * 1024 * 1024)
#define TRIAL          10 /* bytes, twice */

/* Returns: the answer's status, 0 = error set */
static guint
put (WorkerUpload *upload, guint64 start, guint64 length, WorkerUploadAnswer *answer,
     GError **error)
{
  g_autofree char *range = g_strdup_printf ("Content-Range: bytes %" G_GUINT64_FORMAT
                                            "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
                                            start, start + length - 1, upload->record->total);
  const char *const fields[] = { range, NULL };
  const WorkerUploadRequest request = {
    .method = "PUT",
    .fields = length > 0 ? fields : NULL,
    .body = TRUE,
    .start = start,
    .length = length,
  };

  return worker_upload_send (upload, &request, answer, error) ? answer->status : 0;
}

/* == begin == */

static WorkerUploadNext
refuse_existing (WorkerUpload *upload, GError **error)
{
  return worker_upload_fail (upload, error, FERRY_ERROR_UPLOAD_NOT_SUPPORTED,
                             FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                             "There is a file at this address already; put-range, which would "
                             "destroy it piece by piece, replaces none");
}

/* What a server does not tell may be anything. */
static WorkerUploadNext
refuse_unknown (WorkerUpload *upload, guint status, GError **error)
{
  const WorkerUploadAnswer answer = { .status = status };

  if (status == 405 || status == 501 || status < 400)
    return worker_upload_fail (upload, error, FERRY_ERROR_UPLOAD_NOT_SUPPORTED,
                               FERRY_ERROR_CONTEXT_REMOTE_FILE, FALSE,
                               "The server does not tell what is at this address (it answered %u "
                               "to HEAD), and put-range must know",
                               status);
  return worker_upload_fail_status (upload, &answer, error);
}

/* Pieces too small to lose much: does the second one land behind the first? */
static WorkerUploadNext
try_ranges (WorkerUpload *upload, GError **error)
{
  guint64 length;
  guint status;

  for (guint i = 0; i < 2; i++)
    {
      g_auto (WorkerUploadAnswer) answer = { 0 };

      status = put (upload, i * TRIAL, TRIAL, &answer, error);
      if (status == 0)
        return WORKER_UPLOAD_ERROR;
      if (status == 400 || status == 405 || status == 416 || status == 501)
        return WORKER_UPLOAD_PLAIN;
      if (!worker_upload_is_success (status))
        return worker_upload_put_refuse (upload, &answer, error);
    }

  if (worker_upload_put_head (upload, &status, &length, error) == WORKER_UPLOAD_ERROR)
    return WORKER_UPLOAD_ERROR;
  if (status != 200 || length != 2 * TRIAL)
    return WORKER_UPLOAD_PLAIN;
  return worker_upload_acknowledge (upload, 2 * TRIAL, error);
}

static WorkerUploadNext
put_range_begin (WorkerUpload *upload, GError **error)
{
  WorkerUploadRecord *record = upload->record;
  g_auto (WorkerUploadAnswer) answer = { 0 };
  guint64 length;
  guint status;

  if (worker_upload_put_head (upload, &status, &length, error) == WORKER_UPLOAD_ERROR)
    return WORKER_UPLOAD_ERROR;
  /* After a restart it is the file that we began. */
  if (status == 200 && record->restarts == 0)
    return refuse_existing (upload, error);
  if (status != 200 && status != 404 && status != 410)
    return refuse_unknown (upload, status, error);
  if (record->total <= 2 * TRIAL)
    return WORKER_UPLOAD_PLAIN;

  /* From here on what is there is ours. */
  record->session = TRUE;
  if (upload->store != NULL && !upload->store (upload->data, error))
    return WORKER_UPLOAD_ERROR;
  status = put (upload, 0, 0, &answer, error);
  if (status == 0)
    return WORKER_UPLOAD_ERROR;
  if (!worker_upload_is_success (status))
    return worker_upload_put_refuse (upload, &answer, error);
  return try_ranges (upload, error);
}

/* == going on == */

static WorkerUploadNext
put_range_locate (WorkerUpload *upload, GError **error)
{
  guint64 length;
  guint status;

  if (worker_upload_put_head (upload, &status, &length, error) == WORKER_UPLOAD_ERROR)
    return WORKER_UPLOAD_ERROR;
  if (status == 404 || status == 410)
    return WORKER_UPLOAD_LOST;
  if (status != 200 || length == FERRY_SIZE_UNKNOWN)
    return refuse_unknown (upload, status, error);
  /* A break may have come before the trial did. */
  if (length < 2 * TRIAL)
    return try_ranges (upload, error);
  return worker_upload_acknowledge (upload, length, error);
}

static WorkerUploadNext
put_range_send (WorkerUpload *upload, GError **error)
{
  WorkerUploadRecord *record = upload->record;
  guint64 most = record->fragment != 0 ? record->fragment : FIRST_FRAGMENT;
  guint64 length = MIN (most, record->total - record->offset);
  g_auto (WorkerUploadAnswer) answer = { 0 };
  guint status = put (upload, record->offset, length, &answer, error);

  if (status == 0)
    return WORKER_UPLOAD_ERROR;
  if (status == 413)
    return worker_upload_shrink (upload, length, &answer, error);
  if (status == 404 || status == 410)
    return WORKER_UPLOAD_LOST;
  if (!worker_upload_is_success (status))
    return worker_upload_put_refuse (upload, &answer, error);
  return worker_upload_acknowledge (upload, record->offset + length, error);
}

static WorkerUploadNext
put_range_finish (WorkerUpload *upload, GError **error)
{
  guint64 length;
  guint status;

  if (worker_upload_put_head (upload, &status, &length, error) == WORKER_UPLOAD_ERROR)
    return WORKER_UPLOAD_ERROR;
  if (status != 200 && status != 404 && status != 410)
    return refuse_unknown (upload, status, error);
  if (status != 200 || length != upload->record->total)
    return WORKER_UPLOAD_LOST;
  upload->record->session = FALSE;
  return WORKER_UPLOAD_GO_ON;
}

/* The half file is left: to delete what is under the final address is nothing to do unasked. */
static WorkerUploadNext
put_range_cancel (WorkerUpload *upload, GError **error)
{
  return WORKER_UPLOAD_GO_ON;
}

const WorkerUploadProtocol worker_upload_put_range = {
  .protocol = FERRY_UPLOAD_PROTOCOL_PUT_RANGE,
  .resumable = TRUE,
  .begin = put_range_begin,
  .locate = put_range_locate,
  .send = put_range_send,
  .finish = put_range_finish,
  .cancel = put_range_cancel,
};
