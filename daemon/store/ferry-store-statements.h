/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All prepared statements, and the bound calls of them that cross from the main thread to the store's. */

#pragma once

#include "ferry-db.h"

G_BEGIN_DECLS

/* Columns in the order in which the statements bind and return them. */
typedef enum
{
  FERRY_JOB_COLUMN_SEQUENCE,
  FERRY_JOB_COLUMN_ID,
  FERRY_JOB_COLUMN_OWNER,
  FERRY_JOB_COLUMN_OWNER_NAME,
  FERRY_JOB_COLUMN_TYPE,
  FERRY_JOB_COLUMN_STATE,
  FERRY_JOB_COLUMN_DISPLAY_NAME,
  FERRY_JOB_COLUMN_DESCRIPTION,
  FERRY_JOB_COLUMN_APPLICATION_ID,
  FERRY_JOB_COLUMN_PRIORITY,
  FERRY_JOB_COLUMN_MINIMUM_RETRY_DELAY,
  FERRY_JOB_COLUMN_NO_PROGRESS_TIMEOUT,
  FERRY_JOB_COLUMN_MAXIMUM_DOWNLOAD_TIME,
  FERRY_JOB_COLUMN_NOTIFICATION_INTERVAL,
  FERRY_JOB_COLUMN_AUTO_COMPLETE,
  FERRY_JOB_COLUMN_MAXIMUM_DOWNLOAD_SIZE,
  FERRY_JOB_COLUMN_REQUEST_HEADERS,
  FERRY_JOB_COLUMN_PROXY_USAGE,
  FERRY_JOB_COLUMN_PROXY_URI,
  FERRY_JOB_COLUMN_PROXY_BYPASS,
  FERRY_JOB_COLUMN_HAD_SECRETS,
  FERRY_JOB_COLUMN_EXEMPT,
  FERRY_JOB_COLUMN_COMPLETING,
  FERRY_JOB_COLUMN_CREATION_TIME,
  FERRY_JOB_COLUMN_MODIFICATION_TIME,
  FERRY_JOB_COLUMN_TRANSFER_COMPLETION_TIME,
  FERRY_JOB_COLUMN_FINAL_TIME,
  FERRY_JOB_COLUMN_ACTIVITY_TIME,
  FERRY_JOB_COLUMN_NO_PROGRESS_SINCE,
  FERRY_JOB_COLUMN_ACTIVE_TIME,
  FERRY_JOB_COLUMN_ERROR_COUNT,
  FERRY_JOB_COLUMN_FAILURES,
  FERRY_JOB_COLUMN_ERROR,
  FERRY_JOB_COLUMN_NEXT_INDEX,
  FERRY_JOB_COLUMN_NEXT_ATTEMPT,
  FERRY_JOB_COLUMN_UPLOAD_PROTOCOL,
  FERRY_JOB_COLUMN_RESOLVED_UPLOAD_PROTOCOL,
  FERRY_JOB_COLUMN_RESUMABLE,
  FERRY_JOB_COLUMN_REPLY_PATH,
  FERRY_JOB_COLUMN_TLS_FLAGS,
  FERRY_JOB_COLUMN_SERVER_PINS,
  FERRY_JOB_COLUMN_REDIRECT_POLICY,
  FERRY_JOB_COLUMN_HTTP_METHOD,
  FERRY_JOB_COLUMN_CLIENT_CERTIFICATE,
} FerryJobColumn;

#define FERRY_N_JOB_COLUMNS (FERRY_JOB_COLUMN_CLIENT_CERTIFICATE + 1)

typedef enum
{
  FERRY_FILE_COLUMN_JOB,
  FERRY_FILE_COLUMN_INDEX,
  FERRY_FILE_COLUMN_REMOTE_URL,
  FERRY_FILE_COLUMN_LOCAL_PATH,
  FERRY_FILE_COLUMN_RANGES,
  FERRY_FILE_COLUMN_DIGEST,
  FERRY_FILE_COLUMN_EXPECTED_SIZE,
  FERRY_FILE_COLUMN_MAY_REPLACE,
  FERRY_FILE_COLUMN_MODE,
  FERRY_FILE_COLUMN_STATE,
  FERRY_FILE_COLUMN_BYTES_TOTAL,
  FERRY_FILE_COLUMN_BYTES_TRANSFERRED,
  FERRY_FILE_COLUMN_VALIDATOR,
  FERRY_FILE_COLUMN_HTTP_STATUS,
  FERRY_FILE_COLUMN_RESPONSE_HEADERS,
  FERRY_FILE_COLUMN_RESTARTS,
  FERRY_FILE_COLUMN_ERROR,
  FERRY_FILE_COLUMN_GENERATION,
  FERRY_FILE_COLUMN_RESUME,
} FerryFileColumn;

#define FERRY_N_FILE_COLUMNS (FERRY_FILE_COLUMN_RESUME + 1)

typedef enum
{
  FERRY_DUTY_COLUMN_ID,
  FERRY_DUTY_COLUMN_OWNER,
  FERRY_DUTY_COLUMN_PATH,
  FERRY_DUTY_COLUMN_TEMPORARY_NAME,
  FERRY_DUTY_COLUMN_RESUME,
  FERRY_DUTY_COLUMN_KIND,
  FERRY_DUTY_COLUMN_OWNER_NAME,
  FERRY_DUTY_COLUMN_URL,
  FERRY_DUTY_COLUMN_REQUEST,
  FERRY_DUTY_COLUMN_DEADLINE,
} FerryDutyColumn;

#define FERRY_N_DUTY_COLUMNS (FERRY_DUTY_COLUMN_DEADLINE + 1)

typedef enum
{
  FERRY_STATEMENT_BEGIN,
  FERRY_STATEMENT_COMMIT,
  FERRY_STATEMENT_PUT_JOB,      /* all job columns */
  FERRY_STATEMENT_DELETE_JOB,   /* sequence */
  FERRY_STATEMENT_PUT_FILE,     /* all file columns */
  FERRY_STATEMENT_DELETE_FILE,  /* job's sequence, index */
  FERRY_STATEMENT_DELETE_FILES, /* job's sequence */
  FERRY_STATEMENT_PUT_DUTY,     /* all duty columns */
  FERRY_STATEMENT_DELETE_DUTY,  /* id */
  FERRY_STATEMENT_PUT_VALUE,    /* name, value */
  FERRY_STATEMENT_DELETE_VALUE, /* name */
  FERRY_STATEMENT_LIST_JOBS,    /* all columns, by sequence */
  FERRY_STATEMENT_LIST_FILES,   /* all columns, by job and index */
  FERRY_STATEMENT_LIST_DUTIES,  /* all columns, by id */
  FERRY_STATEMENT_LIST_VALUES,  /* name, value */
} FerryStatement;

#define FERRY_N_STATEMENTS (FERRY_STATEMENT_LIST_VALUES + 1)

/* A value to bind. */
typedef struct
{
  enum
  {
    FERRY_CELL_NULL,
    FERRY_CELL_INTEGER,
    FERRY_CELL_TEXT,
    FERRY_CELL_BLOB,
  } kind;
  gint64 integer;
  char *text;   /* (owned) (nullable) */
  GBytes *blob; /* (owned) (nullable) */
} FerryCell;

/* A statement and what to bind to it: made in the main thread, run in the store's. */
typedef struct
{
  FerryStatement statement;
  guint n_cells;
  FerryCell cells[];
} FerryOp;

/** Returns: (transfer full): a call with @n_cells NULLs to fill */
FerryOp *ferry_op_new (FerryStatement statement, guint n_cells);
void ferry_op_free (FerryOp *self);
void ferry_op_set_integer (FerryOp *self, guint cell, gint64 value);
/** @text (copied) may be %NULL. */
void ferry_op_set_text (FerryOp *self, guint cell, const char *text);
/** @variant (nullable; not consumed unless floating) is stored serialised, little endian. */
void ferry_op_set_variant (FerryOp *self, guint cell, GVariant *variant);

typedef struct _FerryStatements FerryStatements;

/** Prepares lazily on @handle, which must outlive it. */
FerryStatements *ferry_statements_new (sqlite3 *handle);
/** %NULL is fine. */
void ferry_statements_free (FerryStatements *self);

/** Whether the store has all the tables and columns that there are statements for: one whose text is damaged passes SQLite's own
 * check. SQLITE_CORRUPT otherwise. */
gboolean ferry_statements_check (FerryStatements *self, GError **error);

/**
 * ferry_statements_get:
 *
 * Returns: (transfer none) (nullable): the statement, reset, for reading rows; give it back with sqlite3_reset()
 */
sqlite3_stmt *ferry_statements_get (FerryStatements *self, FerryStatement statement,
                                    GError **error);

/** Binds and runs one call that returns no rows. */
gboolean ferry_statements_run (FerryStatements *self, const FerryOp *op, GError **error);

/** Runs all of @ops (element-type FerryOp) in one transaction: all or nothing. */
gboolean ferry_statements_commit (FerryStatements *self, GPtrArray *ops, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryOp, ferry_op_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryStatements, ferry_statements_free)

G_END_DECLS
