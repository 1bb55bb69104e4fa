/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-store-rows.h"

#include "ferry-method.h"
#include "ferry-worker-protocol.h"

#include <string.h>

void
ferry_duty_free (FerryDuty *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->resume, g_variant_unref);
  g_free (self->path);
  g_free (self->temporary_name);
  g_free (self->owner_name);
  g_free (self->url);
  g_clear_pointer (&self->request, g_variant_unref);
  ferry_secrets_free (self->secrets);
  g_free (self);
}

static void
set_strv (FerryOp *op, guint cell, char **strings)
{
  if (strings != NULL)
    ferry_op_set_variant (op, cell, g_variant_new_strv ((const char *const *) strings, -1));
}

static void
set_failure (FerryOp *op, guint cell, const FerryFailure *failure)
{
  if (failure != NULL)
    ferry_op_set_variant (op, cell, ferry_failure_to_variant (failure, TRUE));
}

static void
put_job_settings (FerryOp *op, const FerryJob *job)
{
  ferry_op_set_text (op, FERRY_JOB_COLUMN_DISPLAY_NAME, job->display_name);
  ferry_op_set_text (op, FERRY_JOB_COLUMN_DESCRIPTION, job->description);
  ferry_op_set_text (op, FERRY_JOB_COLUMN_APPLICATION_ID, job->application_id);
  ferry_op_set_text (op, FERRY_JOB_COLUMN_PRIORITY, ferry_priority_to_string (job->priority));
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_MINIMUM_RETRY_DELAY, job->minimum_retry_delay);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_NO_PROGRESS_TIMEOUT, job->no_progress_timeout);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_MAXIMUM_DOWNLOAD_TIME, job->maximum_download_time);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_NOTIFICATION_INTERVAL, job->notification_interval);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_AUTO_COMPLETE, job->auto_complete);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_MAXIMUM_DOWNLOAD_SIZE,
                        (gint64) job->maximum_download_size);
  set_strv (op, FERRY_JOB_COLUMN_REQUEST_HEADERS, job->request_headers);
  ferry_op_set_text (op, FERRY_JOB_COLUMN_PROXY_USAGE,
                     ferry_proxy_usage_to_string (job->proxy_usage));
  ferry_op_set_text (op, FERRY_JOB_COLUMN_PROXY_URI, job->proxy_uri);
  set_strv (op, FERRY_JOB_COLUMN_PROXY_BYPASS, job->proxy_bypass);
  ferry_op_set_text (op, FERRY_JOB_COLUMN_UPLOAD_PROTOCOL,
                     ferry_upload_protocol_to_string (job->upload_protocol));
  ferry_op_set_text (op, FERRY_JOB_COLUMN_REPLY_PATH, job->reply_path);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_TLS_FLAGS, job->tls_flags);
  set_strv (op, FERRY_JOB_COLUMN_SERVER_PINS, job->server_pins);
  ferry_op_set_text (op, FERRY_JOB_COLUMN_REDIRECT_POLICY,
                     ferry_redirect_policy_to_string (job->redirect_policy));
  ferry_op_set_text (op, FERRY_JOB_COLUMN_HTTP_METHOD, job->http_method);
  ferry_op_set_text (op, FERRY_JOB_COLUMN_CLIENT_CERTIFICATE, job->client_certificate);
}

FerryOp *
ferry_rows_put_job (const FerryJob *job)
{
  FerryOp *op = ferry_op_new (FERRY_STATEMENT_PUT_JOB, FERRY_N_JOB_COLUMNS);

  ferry_op_set_integer (op, FERRY_JOB_COLUMN_SEQUENCE, (gint64) job->sequence);
  ferry_op_set_text (op, FERRY_JOB_COLUMN_ID, job->id);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_OWNER, job->owner);
  ferry_op_set_text (op, FERRY_JOB_COLUMN_OWNER_NAME, job->owner_name);
  ferry_op_set_text (op, FERRY_JOB_COLUMN_TYPE, ferry_job_type_to_string (job->type));
  ferry_op_set_text (op, FERRY_JOB_COLUMN_STATE, ferry_job_state_to_string (job->state));
  put_job_settings (op, job);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_HAD_SECRETS, job->had_secrets);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_EXEMPT, job->exempt);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_COMPLETING, job->completing);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_CREATION_TIME, job->creation_time);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_MODIFICATION_TIME, job->modification_time);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_TRANSFER_COMPLETION_TIME,
                        job->transfer_completion_time);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_FINAL_TIME, job->final_time);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_ACTIVITY_TIME, job->activity_time);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_NO_PROGRESS_SINCE, job->no_progress_since);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_ACTIVE_TIME, job->active_time);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_ERROR_COUNT, job->error_count);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_FAILURES, job->failures);
  set_failure (op, FERRY_JOB_COLUMN_ERROR, job->error);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_NEXT_INDEX, job->next_index);
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_NEXT_ATTEMPT, job->next_attempt_wall);
  ferry_op_set_text (op, FERRY_JOB_COLUMN_RESOLVED_UPLOAD_PROTOCOL,
                     ferry_upload_protocol_to_string (job->resolved_upload_protocol));
  ferry_op_set_integer (op, FERRY_JOB_COLUMN_RESUMABLE, job->resumable);
  return op;
}

FerryOp *
ferry_rows_put_file (const FerryJob *job, const FerryFile *file)
{
  FerryOp *op = ferry_op_new (FERRY_STATEMENT_PUT_FILE, FERRY_N_FILE_COLUMNS);

  ferry_op_set_integer (op, FERRY_FILE_COLUMN_JOB, (gint64) job->sequence);
  ferry_op_set_integer (op, FERRY_FILE_COLUMN_INDEX, file->index);
  ferry_op_set_text (op, FERRY_FILE_COLUMN_REMOTE_URL, file->remote_url);
  ferry_op_set_text (op, FERRY_FILE_COLUMN_LOCAL_PATH, file->local_path);
  if (file->ranges != NULL)
    ferry_op_set_variant (op, FERRY_FILE_COLUMN_RANGES, ferry_file_get_ranges (file));
  ferry_op_set_text (op, FERRY_FILE_COLUMN_DIGEST, file->digest);
  ferry_op_set_integer (op, FERRY_FILE_COLUMN_EXPECTED_SIZE, (gint64) file->expected_size);
  ferry_op_set_integer (op, FERRY_FILE_COLUMN_MAY_REPLACE, file->replace);
  ferry_op_set_integer (op, FERRY_FILE_COLUMN_MODE, file->mode);
  ferry_op_set_text (op, FERRY_FILE_COLUMN_STATE, ferry_file_state_to_string (file->state));
  ferry_op_set_integer (op, FERRY_FILE_COLUMN_BYTES_TOTAL, (gint64) file->bytes_total);
  ferry_op_set_integer (op, FERRY_FILE_COLUMN_BYTES_TRANSFERRED, (gint64) file->bytes_transferred);
  ferry_op_set_text (op, FERRY_FILE_COLUMN_VALIDATOR, file->validator);
  ferry_op_set_integer (op, FERRY_FILE_COLUMN_HTTP_STATUS, file->http_status);
  set_strv (op, FERRY_FILE_COLUMN_RESPONSE_HEADERS, file->response_headers);
  ferry_op_set_integer (op, FERRY_FILE_COLUMN_RESTARTS, file->restarts);
  set_failure (op, FERRY_FILE_COLUMN_ERROR, file->error);
  ferry_op_set_integer (op, FERRY_FILE_COLUMN_GENERATION, file->generation);
  ferry_op_set_variant (op, FERRY_FILE_COLUMN_RESUME, file->resume);
  return op;
}

static const char *const duty_kinds[] = {
  [FERRY_DUTY_REMOVE] = "remove",
  [FERRY_DUTY_CANCEL_UPLOAD] = "cancel-upload",
};

static void
put_cancellation (FerryOp *op, const FerryDuty *duty)
{
  ferry_op_set_text (op, FERRY_DUTY_COLUMN_OWNER_NAME, duty->owner_name);
  ferry_op_set_text (op, FERRY_DUTY_COLUMN_URL, duty->url);
  ferry_op_set_variant (op, FERRY_DUTY_COLUMN_REQUEST, duty->request);
  ferry_op_set_integer (op, FERRY_DUTY_COLUMN_DEADLINE, duty->deadline);
}

FerryOp *
ferry_rows_put_duty (const FerryDuty *duty)
{
  FerryOp *op = ferry_op_new (FERRY_STATEMENT_PUT_DUTY, FERRY_N_DUTY_COLUMNS);

  ferry_op_set_integer (op, FERRY_DUTY_COLUMN_ID, duty->id);
  ferry_op_set_integer (op, FERRY_DUTY_COLUMN_OWNER, duty->owner);
  ferry_op_set_text (op, FERRY_DUTY_COLUMN_PATH, duty->path);
  ferry_op_set_text (op, FERRY_DUTY_COLUMN_TEMPORARY_NAME, duty->temporary_name);
  ferry_op_set_variant (op, FERRY_DUTY_COLUMN_RESUME, duty->resume);
  ferry_op_set_text (op, FERRY_DUTY_COLUMN_KIND, duty_kinds[duty->kind]);
  if (duty->kind == FERRY_DUTY_CANCEL_UPLOAD)
    put_cancellation (op, duty);
  return op;
}

FerryOp *
ferry_rows_put_value (const char *name, GVariant *value)
{
  FerryOp *op = value != NULL ? ferry_op_new (FERRY_STATEMENT_PUT_VALUE, 2)
                              : ferry_op_new (FERRY_STATEMENT_DELETE_VALUE, 1);

  ferry_op_set_text (op, 0, name);
  if (value != NULL)
    ferry_op_set_variant (op, 1, g_variant_new_variant (value));
  return op;
}

FerryOp *
ferry_rows_delete (FerryStatement statement, gint64 key, gint64 index)
{
  FerryOp *op = ferry_op_new (statement, index < 0 ? 1 : 2);

  ferry_op_set_integer (op, 0, key);
  if (index >= 0)
    ferry_op_set_integer (op, 1, index);
  return op;
}

static const char *
get_text (sqlite3_stmt *row, int column)
{
  return sqlite3_column_type (row, column) == SQLITE_TEXT
             ? (const char *) sqlite3_column_text (row, column)
             : NULL;
}

/* Text that goes out on the bus, where invalid UTF-8 would be our own crime. */
static const char *
get_utf8 (sqlite3_stmt *row, int column)
{
  const char *text = get_text (row, column);

  return text != NULL && g_utf8_validate (text, -1, NULL) ? text : NULL;
}

static void
get_string (sqlite3_stmt *row, int column, char **field)
{
  const char *text = get_utf8 (row, column);

  if (text == NULL)
    return;
  g_free (*field);
  *field = g_strdup (text);
}

static gint64
get_integer (sqlite3_stmt *row, int column, gint64 fallback)
{
  return sqlite3_column_type (row, column) == SQLITE_INTEGER ? sqlite3_column_int64 (row, column)
                                                             : fallback;
}

static guint32
get_uint32 (sqlite3_stmt *row, int column, guint32 fallback)
{
  gint64 value = get_integer (row, column, fallback);

  return value >= 0 && value <= G_MAXUINT32 ? (guint32) value : fallback;
}

static gboolean
get_boolean (sqlite3_stmt *row, int column)
{
  return get_integer (row, column, 0) != 0;
}

GVariant *
ferry_rows_get_variant (sqlite3_stmt *row, int column, const GVariantType *type)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) variant = NULL;

  if (sqlite3_column_type (row, column) != SQLITE_BLOB)
    return NULL;

  bytes = g_bytes_new (sqlite3_column_blob (row, column),
                       (gsize) sqlite3_column_bytes (row, column));
  variant = g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, FALSE));
  if (!g_variant_is_normal_form (variant))
    return NULL;

  return G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_steal_pointer (&variant)
                                         : g_variant_byteswap (variant);
}

static void
get_strv (sqlite3_stmt *row, int column, char ***field)
{
  g_autoptr (GVariant) variant = ferry_rows_get_variant (row, column, G_VARIANT_TYPE_STRING_ARRAY);

  if (variant == NULL)
    return;
  g_strfreev (*field);
  *field = g_variant_dup_strv (variant, NULL);
}

static FerryFailure *
get_failure (sqlite3_stmt *row, int column)
{
  g_autoptr (GVariant) dict = ferry_rows_get_variant (row, column, G_VARIANT_TYPE_VARDICT);

  return dict != NULL ? ferry_failure_from_variant (dict, -1) : NULL;
}

static void
set_unreadable (FerryJob *job, gint64 file, const char *what)
{
  g_warning ("Job %s: %s in the store", job->id, what);
  if (ferry_job_state_is_final (job->state))
    return;
  job->state = FERRY_JOB_STATE_ERROR;
  ferry_job_set_error (job, ferry_failure_new (FERRY_ERROR_STORE_FAILED,
                                               FERRY_ERROR_CONTEXT_GENERAL, file, 0, what));
}

static void
get_job_state (FerryJob *job, sqlite3_stmt *row)
{
  job->error = get_failure (row, FERRY_JOB_COLUMN_ERROR);
  if (!ferry_job_state_from_string (get_text (row, FERRY_JOB_COLUMN_STATE), &job->state))
    set_unreadable (job, -1, "Its state was unreadable");
  else if (ferry_job_state_is_active (job->state))
    job->state = FERRY_JOB_STATE_QUEUED;
}

/* Without its pins a job must not go on: it could talk to somebody else. */
static void
get_pins (FerryJob *job, sqlite3_stmt *row)
{
  g_autoptr (GVariant) pins = ferry_rows_get_variant (row, FERRY_JOB_COLUMN_SERVER_PINS,
                                                      G_VARIANT_TYPE_STRING_ARRAY);

  if (pins == NULL && sqlite3_column_type (row, FERRY_JOB_COLUMN_SERVER_PINS) != SQLITE_NULL)
    set_unreadable (job, -1, "Its ServerPins were unreadable");
  else
    get_strv (row, FERRY_JOB_COLUMN_SERVER_PINS, &job->server_pins);
}

/* With another method than it was told to use the job would ask for something else, or twice. */
static void
get_method (FerryJob *job, sqlite3_stmt *row)
{
  const char *method = get_text (row, FERRY_JOB_COLUMN_HTTP_METHOD);
  gsize length = method != NULL ? strlen (method) : 0;

  if (method == NULL
          ? sqlite3_column_type (row, FERRY_JOB_COLUMN_HTTP_METHOD) != SQLITE_NULL
          : length > FERRY_METHOD_MAX || (length > 0 && !ferry_method_is_token (method, length)))
    set_unreadable (job, -1, "Its HttpMethod was unreadable");
  else
    get_string (row, FERRY_JOB_COLUMN_HTTP_METHOD, &job->http_method);
}

static void
get_job_settings (FerryJob *job, sqlite3_stmt *row)
{
  get_string (row, FERRY_JOB_COLUMN_DISPLAY_NAME, &job->display_name);
  get_string (row, FERRY_JOB_COLUMN_DESCRIPTION, &job->description);
  get_string (row, FERRY_JOB_COLUMN_APPLICATION_ID, &job->application_id);
  ferry_priority_from_string (get_text (row, FERRY_JOB_COLUMN_PRIORITY), &job->priority);
  job->minimum_retry_delay = get_uint32 (row, FERRY_JOB_COLUMN_MINIMUM_RETRY_DELAY,
                                         job->minimum_retry_delay);
  job->no_progress_timeout = get_uint32 (row, FERRY_JOB_COLUMN_NO_PROGRESS_TIMEOUT,
                                         job->no_progress_timeout);
  job->maximum_download_time = get_uint32 (row, FERRY_JOB_COLUMN_MAXIMUM_DOWNLOAD_TIME,
                                           job->maximum_download_time);
  job->notification_interval = get_uint32 (row, FERRY_JOB_COLUMN_NOTIFICATION_INTERVAL,
                                           job->notification_interval);
  job->auto_complete = get_boolean (row, FERRY_JOB_COLUMN_AUTO_COMPLETE);
  job->maximum_download_size = (guint64) get_integer (row, FERRY_JOB_COLUMN_MAXIMUM_DOWNLOAD_SIZE,
                                                      0);
  get_strv (row, FERRY_JOB_COLUMN_REQUEST_HEADERS, &job->request_headers);
  ferry_proxy_usage_from_string (get_text (row, FERRY_JOB_COLUMN_PROXY_USAGE), &job->proxy_usage);
  get_string (row, FERRY_JOB_COLUMN_PROXY_URI, &job->proxy_uri);
  get_strv (row, FERRY_JOB_COLUMN_PROXY_BYPASS, &job->proxy_bypass);
  job->tls_flags = get_uint32 (row, FERRY_JOB_COLUMN_TLS_FLAGS, 0);
  ferry_redirect_policy_from_string (get_text (row, FERRY_JOB_COLUMN_REDIRECT_POLICY),
                                     &job->redirect_policy);
  get_pins (job, row);
  get_method (job, row);
  get_string (row, FERRY_JOB_COLUMN_CLIENT_CERTIFICATE, &job->client_certificate);
}

static void
get_job_upload (FerryJob *job, sqlite3_stmt *row)
{
  const char *reply_path = get_utf8 (row, FERRY_JOB_COLUMN_REPLY_PATH);

  ferry_upload_protocol_from_string (get_text (row, FERRY_JOB_COLUMN_UPLOAD_PROTOCOL),
                                     &job->upload_protocol);
  ferry_upload_protocol_from_string (get_text (row, FERRY_JOB_COLUMN_RESOLVED_UPLOAD_PROTOCOL),
                                     &job->resolved_upload_protocol);
  job->resumable = get_boolean (row, FERRY_JOB_COLUMN_RESUMABLE);
  if (reply_path != NULL && reply_path[0] == '/')
    {
      g_free (job->reply_path);
      job->reply_path = g_strdup (reply_path);
    }
}

FerryJob *
ferry_rows_get_job (sqlite3_stmt *row)
{
  gint64 sequence = sqlite3_column_int64 (row, FERRY_JOB_COLUMN_SEQUENCE);
  const char *id = get_text (row, FERRY_JOB_COLUMN_ID);
  const char *owner_name = get_utf8 (row, FERRY_JOB_COLUMN_OWNER_NAME);
  /* -1 is nobody's uid: chown(2) and setresuid(2) take it as "leave as it is". */
  guint32 owner = get_uint32 (row, FERRY_JOB_COLUMN_OWNER, G_MAXUINT32);
  FerryJobType type;
  FerryJob *job;

  if (sequence <= 0 || !ferry_job_id_is_valid (id) || owner == G_MAXUINT32 || owner_name == NULL ||
      !ferry_job_type_from_string (get_text (row, FERRY_JOB_COLUMN_TYPE), &type))
    {
      g_warning ("The store's row %" G_GINT64_FORMAT " is no job: its id, owner or type is "
                 "unreadable; it is left out",
                 sequence);
      return NULL;
    }

  job = ferry_job_new_with_id (id, type, owner, owner_name);
  job->sequence = (guint64) sequence;
  get_job_state (job, row);
  get_job_settings (job, row);
  get_job_upload (job, row);
  job->had_secrets = get_boolean (row, FERRY_JOB_COLUMN_HAD_SECRETS);
  job->exempt = get_boolean (row, FERRY_JOB_COLUMN_EXEMPT);
  job->completing = get_boolean (row, FERRY_JOB_COLUMN_COMPLETING);
  job->creation_time = get_integer (row, FERRY_JOB_COLUMN_CREATION_TIME, 0);
  job->modification_time = get_integer (row, FERRY_JOB_COLUMN_MODIFICATION_TIME, 0);
  job->transfer_completion_time = get_integer (row, FERRY_JOB_COLUMN_TRANSFER_COMPLETION_TIME, 0);
  job->final_time = get_integer (row, FERRY_JOB_COLUMN_FINAL_TIME, 0);
  job->activity_time = get_integer (row, FERRY_JOB_COLUMN_ACTIVITY_TIME, 0);
  job->no_progress_since = get_integer (row, FERRY_JOB_COLUMN_NO_PROGRESS_SINCE, -1);
  job->active_time = get_integer (row, FERRY_JOB_COLUMN_ACTIVE_TIME, 0);
  job->error_count = get_uint32 (row, FERRY_JOB_COLUMN_ERROR_COUNT, 0);
  job->failures = get_uint32 (row, FERRY_JOB_COLUMN_FAILURES, 0);
  job->next_index = get_uint32 (row, FERRY_JOB_COLUMN_NEXT_INDEX, 0);
  job->next_attempt_wall = get_integer (row, FERRY_JOB_COLUMN_NEXT_ATTEMPT, 0);
  return job;
}

/* Without its ranges or its digest a file must not go on: a wrong one could be published. */
static void
get_file_demands (FerryJob *job, FerryFile *file, sqlite3_stmt *row)
{
  g_autoptr (GVariant)
      ranges = ferry_rows_get_variant (row, FERRY_FILE_COLUMN_RANGES, G_VARIANT_TYPE ("a(tt)"));
  GVariantIter iter;
  FerryRange range;

  get_string (row, FERRY_FILE_COLUMN_DIGEST, &file->digest);
  if (file->digest == NULL && sqlite3_column_type (row, FERRY_FILE_COLUMN_DIGEST) != SQLITE_NULL)
    set_unreadable (job, file->index, "The digest of a file of it was unreadable");

  if (ranges == NULL)
    {
      if (sqlite3_column_type (row, FERRY_FILE_COLUMN_RANGES) != SQLITE_NULL)
        set_unreadable (job, file->index, "The ranges of a file of it were unreadable");
      return;
    }

  file->ranges = g_array_new (FALSE, FALSE, sizeof (FerryRange));
  g_variant_iter_init (&iter, ranges);
  while (g_variant_iter_next (&iter, "(tt)", &range.offset, &range.length))
    g_array_append_val (file->ranges, range);
}

/* One that cannot be read may have said that the server was asked what must not be asked twice. */
static void
get_resume (FerryFile *file, sqlite3_stmt *row)
{
  file->resume = ferry_rows_get_variant (row, FERRY_FILE_COLUMN_RESUME, G_VARIANT_TYPE_VARDICT);
  if (file->resume == NULL && sqlite3_column_type (row, FERRY_FILE_COLUMN_RESUME) != SQLITE_NULL)
    file->resume = g_variant_ref_sink (g_variant_new_parsed ("{%s: <true>}", FERRY_RESUME_ASKED));
}

/* What was written after the last checkpoint is not known to be on disk. */
static void
get_file_progress (FerryFile *file, sqlite3_stmt *row)
{
  file->bytes_total = (guint64) get_integer (row, FERRY_FILE_COLUMN_BYTES_TOTAL, -1);
  get_resume (file, row);
  if (ferry_file_is_whole (file))
    file->bytes_transferred = (guint64) get_integer (row, FERRY_FILE_COLUMN_BYTES_TRANSFERRED, 0);
  else if (file->resume != NULL)
    g_variant_lookup (file->resume, "Offset", "t", &file->bytes_transferred);
  file->most_bytes = file->bytes_transferred;
  file->most_kept = file->bytes_transferred;
}

/* Where a reply is, is not known before the upload is done. */
static gboolean
is_place (FerryJob *job, gint64 index, const char *url, const char *path)
{
  gboolean reply = index == FERRY_REPLY_INDEX;

  return index >= 0 && index < G_MAXUINT32 && url != NULL && path != NULL && path[0] == '/' &&
         (!reply || job->type == FERRY_JOB_TYPE_UPLOAD_REPLY) && (reply || url[0] != '\0');
}

void
ferry_rows_get_file (FerryJob *job, sqlite3_stmt *row)
{
  g_autoptr (FerryFile) file = NULL;
  gint64 index = get_integer (row, FERRY_FILE_COLUMN_INDEX, -1);
  const char *url = get_utf8 (row, FERRY_FILE_COLUMN_REMOTE_URL);
  const char *path = get_text (row, FERRY_FILE_COLUMN_LOCAL_PATH);

  if (!is_place (job, index, url, path))
    {
      set_unreadable (job, CLAMP (index, -1, G_MAXUINT32), "A file of it was unreadable");
      return;
    }

  file = ferry_file_new (url, path);
  file->index = (guint) index;
  if (!ferry_file_state_from_string (get_text (row, FERRY_FILE_COLUMN_STATE), &file->state))
    set_unreadable (job, index, "The state of a file of it was unreadable");
  else if (file->state == FERRY_FILE_STATE_TRANSFERRING)
    file->state = FERRY_FILE_STATE_PENDING;
  get_file_demands (job, file, row);
  file->expected_size = (guint64) get_integer (row, FERRY_FILE_COLUMN_EXPECTED_SIZE, -1);
  file->replace = get_boolean (row, FERRY_FILE_COLUMN_MAY_REPLACE);
  file->mode = get_uint32 (row, FERRY_FILE_COLUMN_MODE, file->mode);
  get_file_progress (file, row);
  get_string (row, FERRY_FILE_COLUMN_VALIDATOR, &file->validator);
  file->http_status = get_uint32 (row, FERRY_FILE_COLUMN_HTTP_STATUS, 0);
  get_strv (row, FERRY_FILE_COLUMN_RESPONSE_HEADERS, &file->response_headers);
  file->restarts = get_uint32 (row, FERRY_FILE_COLUMN_RESTARTS, 0);
  file->error = get_failure (row, FERRY_FILE_COLUMN_ERROR);
  file->generation = get_uint32 (row, FERRY_FILE_COLUMN_GENERATION, 0);
  ferry_job_load_file (job, g_steal_pointer (&file));
}

/* Older rows know of one kind only. */
static gboolean
get_duty_kind (sqlite3_stmt *row, FerryDutyKind *kind)
{
  const char *word = get_text (row, FERRY_DUTY_COLUMN_KIND);

  *kind = FERRY_DUTY_REMOVE;
  if (word == NULL)
    return TRUE;

  for (guint i = 0; i < G_N_ELEMENTS (duty_kinds); i++)
    {
      if (g_str_equal (word, duty_kinds[i]))
        {
          *kind = i;
          return TRUE;
        }
    }
  return FALSE;
}

static void
get_cancellation (FerryDuty *duty, sqlite3_stmt *row)
{
  get_string (row, FERRY_DUTY_COLUMN_OWNER_NAME, &duty->owner_name);
  get_string (row, FERRY_DUTY_COLUMN_URL, &duty->url);
  duty->request = ferry_rows_get_variant (row, FERRY_DUTY_COLUMN_REQUEST, G_VARIANT_TYPE_VARDICT);
  duty->deadline = get_integer (row, FERRY_DUTY_COLUMN_DEADLINE, 0);
}

static gboolean
is_complete (const FerryDuty *duty)
{
  if (duty->owner == G_MAXUINT32)
    return FALSE;
  if (duty->kind == FERRY_DUTY_CANCEL_UPLOAD)
    return duty->owner_name != NULL && duty->url != NULL;
  return duty->path != NULL && duty->path[0] == '/' && duty->temporary_name != NULL;
}

FerryDuty *
ferry_rows_get_duty (sqlite3_stmt *row)
{
  FerryDuty *duty = g_new0 (FerryDuty, 1);
  gboolean known = get_duty_kind (row, &duty->kind);

  duty->id = sqlite3_column_int64 (row, FERRY_DUTY_COLUMN_ID);
  duty->owner = get_uint32 (row, FERRY_DUTY_COLUMN_OWNER, G_MAXUINT32);
  duty->resume = ferry_rows_get_variant (row, FERRY_DUTY_COLUMN_RESUME, G_VARIANT_TYPE_VARDICT);
  if (duty->kind == FERRY_DUTY_CANCEL_UPLOAD)
    get_cancellation (duty, row);
  else
    {
      duty->path = g_strdup (get_text (row, FERRY_DUTY_COLUMN_PATH));
      duty->temporary_name = g_strdup (get_text (row, FERRY_DUTY_COLUMN_TEMPORARY_NAME));
    }
  if (known && is_complete (duty))
    return duty;

  g_warning ("The store's duty %" G_GINT64_FORMAT " is unreadable; it is left out", duty->id);
  ferry_duty_free (duty);
  return NULL;
}
