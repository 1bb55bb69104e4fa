/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs, files and duties as rows, and back. Secrets have no column. */

#pragma once

#include "ferry-store.h"
#include "ferry-store-statements.h"

G_BEGIN_DECLS

/** Returns: (transfer full): the call that writes the job's own row */
FerryOp *ferry_rows_put_job (const FerryJob *job);
/** Returns: (transfer full): the call that writes one file */
FerryOp *ferry_rows_put_file (const FerryJob *job, const FerryFile *file);
FerryOp *ferry_rows_put_duty (const FerryDuty *duty);
/** Returns: (transfer full): writes @name, or deletes it when @value (nullable, not consumed) is %NULL */
FerryOp *ferry_rows_put_value (const char *name, GVariant *value);
/** Returns: (transfer full): deletes by a key of one or two integers; @index < 0 = one */
FerryOp *ferry_rows_delete (FerryStatement statement, gint64 key, gint64 index);

/**
 * ferry_rows_get_job:
 * @row: a row of FERRY_STATEMENT_LIST_JOBS
 *
 * An active job comes back queued. A row without id, owner or type is skipped and one whose state makes no sense gets the
 * state error; the journal hears of both. Other stray values are read as the default.
 *
 * Returns: (transfer full) (nullable): %NULL when the row is of no use
 */
FerryJob *ferry_rows_get_job (sqlite3_stmt *row);

/**
 * ferry_rows_get_file:
 * @row: a row of FERRY_STATEMENT_LIST_FILES that belongs to @job
 *
 * Adds the file to @job; one of no use puts the job in error instead. The bytes of an unfinished file are those that its resume record holds.
 */
void ferry_rows_get_file (FerryJob *job, sqlite3_stmt *row);

/** Returns: (transfer full) (nullable): %NULL when the row is of no use, which the journal hears */
FerryDuty *ferry_rows_get_duty (sqlite3_stmt *row);

/** Returns: (transfer full) (nullable): the value in column @column as @type, %NULL when it is not one in normal form */
GVariant *ferry_rows_get_variant (sqlite3_stmt *row, int column, const GVariantType *type);

G_END_DECLS
