/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-store-statements.h"

static const char *const job_columns[] = {
  [FERRY_JOB_COLUMN_SEQUENCE] = "sequence",
  [FERRY_JOB_COLUMN_ID] = "id",
  [FERRY_JOB_COLUMN_OWNER] = "owner",
  [FERRY_JOB_COLUMN_OWNER_NAME] = "owner_name",
  [FERRY_JOB_COLUMN_TYPE] = "type",
  [FERRY_JOB_COLUMN_STATE] = "state",
  [FERRY_JOB_COLUMN_DISPLAY_NAME] = "display_name",
  [FERRY_JOB_COLUMN_DESCRIPTION] = "description",
  [FERRY_JOB_COLUMN_APPLICATION_ID] = "application_id",
  [FERRY_JOB_COLUMN_PRIORITY] = "priority",
  [FERRY_JOB_COLUMN_MINIMUM_RETRY_DELAY] = "minimum_retry_delay",
  [FERRY_JOB_COLUMN_NO_PROGRESS_TIMEOUT] = "no_progress_timeout",
  [FERRY_JOB_COLUMN_MAXIMUM_DOWNLOAD_TIME] = "maximum_download_time",
  [FERRY_JOB_COLUMN_NOTIFICATION_INTERVAL] = "notification_interval",
  [FERRY_JOB_COLUMN_AUTO_COMPLETE] = "auto_complete",
  [FERRY_JOB_COLUMN_MAXIMUM_DOWNLOAD_SIZE] = "maximum_download_size",
  [FERRY_JOB_COLUMN_REQUEST_HEADERS] = "request_headers",
  [FERRY_JOB_COLUMN_PROXY_USAGE] = "proxy_usage",
  [FERRY_JOB_COLUMN_PROXY_URI] = "proxy_uri",
  [FERRY_JOB_COLUMN_PROXY_BYPASS] = "proxy_bypass",
  [FERRY_JOB_COLUMN_HAD_SECRETS] = "had_secrets",
  [FERRY_JOB_COLUMN_EXEMPT] = "exempt",
  [FERRY_JOB_COLUMN_COMPLETING] = "completing",
  [FERRY_JOB_COLUMN_CREATION_TIME] = "creation_time",
  [FERRY_JOB_COLUMN_MODIFICATION_TIME] = "modification_time",
  [FERRY_JOB_COLUMN_TRANSFER_COMPLETION_TIME] = "transfer_completion_time",
  [FERRY_JOB_COLUMN_FINAL_TIME] = "final_time",
  [FERRY_JOB_COLUMN_ACTIVITY_TIME] = "activity_time",
  [FERRY_JOB_COLUMN_NO_PROGRESS_SINCE] = "no_progress_since",
  [FERRY_JOB_COLUMN_ACTIVE_TIME] = "active_time",
  [FERRY_JOB_COLUMN_ERROR_COUNT] = "error_count",
  [FERRY_JOB_COLUMN_FAILURES] = "failures",
  [FERRY_JOB_COLUMN_ERROR] = "error",
  [FERRY_JOB_COLUMN_NEXT_INDEX] = "next_index",
  [FERRY_JOB_COLUMN_NEXT_ATTEMPT] = "next_attempt",
  [FERRY_JOB_COLUMN_UPLOAD_PROTOCOL] = "upload_protocol",
  [FERRY_JOB_COLUMN_RESOLVED_UPLOAD_PROTOCOL] = "resolved_upload_protocol",
  [FERRY_JOB_COLUMN_RESUMABLE] = "resumable",
  [FERRY_JOB_COLUMN_REPLY_PATH] = "reply_path",
  [FERRY_JOB_COLUMN_TLS_FLAGS] = "tls_flags",
  [FERRY_JOB_COLUMN_SERVER_PINS] = "server_pins",
  [FERRY_JOB_COLUMN_REDIRECT_POLICY] = "redirect_policy",
  [FERRY_JOB_COLUMN_HTTP_METHOD] = "http_method",
  [FERRY_JOB_COLUMN_CLIENT_CERTIFICATE] = "client_certificate",
};

G_STATIC_ASSERT (G_N_ELEMENTS (job_columns) == FERRY_N_JOB_COLUMNS);

static const char *const file_columns[] = {
  [FERRY_FILE_COLUMN_JOB] = "job",
  [FERRY_FILE_COLUMN_INDEX] = "idx",
  [FERRY_FILE_COLUMN_REMOTE_URL] = "remote_url",
  [FERRY_FILE_COLUMN_LOCAL_PATH] = "local_path",
  [FERRY_FILE_COLUMN_RANGES] = "ranges",
  [FERRY_FILE_COLUMN_DIGEST] = "digest",
  [FERRY_FILE_COLUMN_EXPECTED_SIZE] = "expected_size",
  [FERRY_FILE_COLUMN_MAY_REPLACE] = "may_replace",
  [FERRY_FILE_COLUMN_MODE] = "mode",
  [FERRY_FILE_COLUMN_STATE] = "state",
  [FERRY_FILE_COLUMN_BYTES_TOTAL] = "bytes_total",
  [FERRY_FILE_COLUMN_BYTES_TRANSFERRED] = "bytes_transferred",
  [FERRY_FILE_COLUMN_VALIDATOR] = "validator",
  [FERRY_FILE_COLUMN_HTTP_STATUS] = "http_status",
  [FERRY_FILE_COLUMN_RESPONSE_HEADERS] = "response_headers",
  [FERRY_FILE_COLUMN_RESTARTS] = "restarts",
  [FERRY_FILE_COLUMN_ERROR] = "error",
  [FERRY_FILE_COLUMN_GENERATION] = "generation",
  [FERRY_FILE_COLUMN_RESUME] = "resume",
};

G_STATIC_ASSERT (G_N_ELEMENTS (file_columns) == FERRY_N_FILE_COLUMNS);

static const char *const duty_columns[] = {
  [FERRY_DUTY_COLUMN_ID] = "id",
  [FERRY_DUTY_COLUMN_OWNER] = "owner",
  [FERRY_DUTY_COLUMN_PATH] = "path",
  [FERRY_DUTY_COLUMN_TEMPORARY_NAME] = "temporary_name",
  [FERRY_DUTY_COLUMN_RESUME] = "resume",
  [FERRY_DUTY_COLUMN_KIND] = "kind",
  [FERRY_DUTY_COLUMN_OWNER_NAME] = "owner_name",
  [FERRY_DUTY_COLUMN_URL] = "url",
  [FERRY_DUTY_COLUMN_REQUEST] = "request",
  [FERRY_DUTY_COLUMN_DEADLINE] = "deadline",
};

G_STATIC_ASSERT (G_N_ELEMENTS (duty_columns) == FERRY_N_DUTY_COLUMNS);

static const char *const value_columns[] = { "name", "value" };

typedef struct
{
  const char *sql;            /* with %s for the columns, when there are any */
  const char *const *columns; /* (nullable) */
  guint n_columns;
  gboolean put; /* @sql is the table's name, to be written */
} StatementText;

#define PUT(table, columns)                                                                        \
  {                                                                                                \
    table, columns, G_N_ELEMENTS (columns), TRUE                                                   \
  }
#define LIST(sql, columns)                                                                         \
  {                                                                                                \
    sql, columns, G_N_ELEMENTS (columns), FALSE                                                    \
  }

static const StatementText texts[] = {
  [FERRY_STATEMENT_BEGIN] = { "BEGIN IMMEDIATE" },
  [FERRY_STATEMENT_COMMIT] = { "COMMIT" },
  [FERRY_STATEMENT_PUT_JOB] = PUT ("jobs", job_columns),
  [FERRY_STATEMENT_DELETE_JOB] = { "DELETE FROM jobs WHERE sequence = ?" },
  [FERRY_STATEMENT_PUT_FILE] = PUT ("files", file_columns),
  [FERRY_STATEMENT_DELETE_FILE] = { "DELETE FROM files WHERE job = ? AND idx = ?" },
  [FERRY_STATEMENT_DELETE_FILES] = { "DELETE FROM files WHERE job = ?" },
  [FERRY_STATEMENT_PUT_DUTY] = PUT ("duties", duty_columns),
  [FERRY_STATEMENT_DELETE_DUTY] = { "DELETE FROM duties WHERE id = ?" },
  [FERRY_STATEMENT_PUT_VALUE] = PUT ("named_values", value_columns),
  [FERRY_STATEMENT_DELETE_VALUE] = { "DELETE FROM named_values WHERE name = ?" },
  [FERRY_STATEMENT_LIST_JOBS] = LIST ("SELECT %s FROM jobs ORDER BY sequence", job_columns),
  [FERRY_STATEMENT_LIST_FILES] = LIST ("SELECT %s FROM files ORDER BY job, idx", file_columns),
  [FERRY_STATEMENT_LIST_DUTIES] = LIST ("SELECT %s FROM duties ORDER BY id", duty_columns),
  [FERRY_STATEMENT_LIST_VALUES] = LIST ("SELECT %s FROM named_values", value_columns),
};

G_STATIC_ASSERT (G_N_ELEMENTS (texts) == FERRY_N_STATEMENTS);

struct _FerryStatements
{
  sqlite3 *handle;                              /* (unowned) */
  sqlite3_stmt *statements[FERRY_N_STATEMENTS]; /* (owned) (nullable) */
};

FerryOp *
ferry_op_new (FerryStatement statement, guint n_cells)
{
  FerryOp *self = g_malloc0 (sizeof (FerryOp) + n_cells * sizeof (FerryCell));

  self->statement = statement;
  self->n_cells = n_cells;
  return self;
}

void
ferry_op_free (FerryOp *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_cells; i++)
    {
      g_free (self->cells[i].text);
      g_clear_pointer (&self->cells[i].blob, g_bytes_unref);
    }
  g_free (self);
}

void
ferry_op_set_integer (FerryOp *self, guint cell, gint64 value)
{
  self->cells[cell].kind = FERRY_CELL_INTEGER;
  self->cells[cell].integer = value;
}

void
ferry_op_set_text (FerryOp *self, guint cell, const char *text)
{
  if (text == NULL)
    return;
  self->cells[cell].kind = FERRY_CELL_TEXT;
  self->cells[cell].text = g_strdup (text);
}

void
ferry_op_set_variant (FerryOp *self, guint cell, GVariant *variant)
{
  g_autoptr (GVariant) stored = NULL;

  if (variant == NULL)
    return;

  variant = g_variant_ref_sink (variant);
  stored = G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_get_normal_form (variant)
                                           : g_variant_byteswap (variant);
  g_variant_unref (variant);
  self->cells[cell].kind = FERRY_CELL_BLOB;
  self->cells[cell].blob = g_variant_get_data_as_bytes (stored);
}

FerryStatements *
ferry_statements_new (sqlite3 *handle)
{
  FerryStatements *self = g_new0 (FerryStatements, 1);

  self->handle = handle;
  return self;
}

void
ferry_statements_free (FerryStatements *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < FERRY_N_STATEMENTS; i++)
    sqlite3_finalize (self->statements[i]);
  g_free (self);
}

/* "INSERT INTO t (key, a) VALUES (?, ?) ON CONFLICT DO UPDATE SET a = excluded.a": one statement whether the row
 * is there or not. */
static char *
make_put (const StatementText *text)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autoptr (GString) marks = g_string_new (NULL);
  g_autoptr (GString) updates = g_string_new (NULL);

  for (guint i = 0; i < text->n_columns; i++)
    {
      const char *comma = i > 0 ? ", " : "";

      g_string_append_printf (names, "%s%s", comma, text->columns[i]);
      g_string_append_printf (marks, "%s?", comma);
      g_string_append_printf (updates, "%s%s = excluded.%s", comma, text->columns[i],
                              text->columns[i]);
    }

  return g_strdup_printf ("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT DO UPDATE SET %s", text->sql,
                          names->str, marks->str, updates->str);
}

static char *
make_list (const StatementText *text)
{
  g_autoptr (GString) sql = g_string_new (text->sql);
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < text->n_columns; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", text->columns[i]);
  g_string_replace (sql, "%s", names->str, 1);
  return g_string_free (g_steal_pointer (&sql), FALSE);
}

sqlite3_stmt *
ferry_statements_get (FerryStatements *self, FerryStatement statement, GError **error)
{
  const StatementText *text = &texts[statement];
  g_autofree char *sql = NULL;
  int result;

  if (self->statements[statement] != NULL)
    {
      sqlite3_reset (self->statements[statement]);
      return self->statements[statement];
    }

  sql = text->put ? make_put (text) : make_list (text);
  result = sqlite3_prepare_v3 (self->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                               &self->statements[statement], NULL);
  if (result != SQLITE_OK)
    {
      ferry_db_set_error (error, self->handle, result, "The store");
      return NULL;
    }

  return self->statements[statement];
}

gboolean
ferry_statements_check (FerryStatements *self, GError **error)
{
  for (guint i = 0; i < FERRY_N_STATEMENTS; i++)
    {
      g_autoptr (GError) reason = NULL;

      if (ferry_statements_get (self, i, &reason) != NULL)
        continue;
      if (!g_error_matches (reason, FERRY_DB_ERROR, SQLITE_ERROR))
        {
          g_propagate_error (error, g_steal_pointer (&reason));
          return FALSE;
        }
      g_set_error (error, FERRY_DB_ERROR, SQLITE_CORRUPT, "%s", reason->message);
      return FALSE;
    }

  return TRUE;
}

static void
bind_cell (sqlite3_stmt *statement, int place, const FerryCell *cell)
{
  switch (cell->kind)
    {
    case FERRY_CELL_NULL:
      sqlite3_bind_null (statement, place);
      break;
    case FERRY_CELL_INTEGER:
      sqlite3_bind_int64 (statement, place, cell->integer);
      break;
    case FERRY_CELL_TEXT:
      sqlite3_bind_text (statement, place, cell->text, -1, SQLITE_STATIC);
      break;
    case FERRY_CELL_BLOB:
      {
        gsize size;
        gconstpointer data = g_bytes_get_data (cell->blob, &size);

        /* An empty list is a blob of no bytes; a NULL pointer would bind NULL. */
        sqlite3_bind_blob64 (statement, place, data != NULL ? data : "", size, SQLITE_STATIC);
        break;
      }
    }
}

gboolean
ferry_statements_run (FerryStatements *self, const FerryOp *op, GError **error)
{
  sqlite3_stmt *statement = ferry_statements_get (self, op->statement, error);
  int result;

  if (statement == NULL)
    return FALSE;

  for (guint i = 0; i < op->n_cells; i++)
    bind_cell (statement, (int) i + 1, &op->cells[i]);
  result = sqlite3_step (statement);
  if (result != SQLITE_DONE)
    ferry_db_set_error (error, self->handle, result, "Writing to the store");
  sqlite3_reset (statement);
  /* The cells are not copied; nothing may point to them when they are gone. */
  sqlite3_clear_bindings (statement);
  return result == SQLITE_DONE;
}

gboolean
ferry_statements_commit (FerryStatements *self, GPtrArray *ops, GError **error)
{
  static const FerryOp begin = { FERRY_STATEMENT_BEGIN, 0 };
  static const FerryOp commit = { FERRY_STATEMENT_COMMIT, 0 };
  gboolean good = ferry_statements_run (self, &begin, error);

  for (guint i = 0; good && i < ops->len; i++)
    good = ferry_statements_run (self, g_ptr_array_index (ops, i), error);
  good = good && ferry_statements_run (self, &commit, error);
  if (!good)
    ferry_db_rollback (self->handle);
  return good;
}
