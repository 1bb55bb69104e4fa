/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One SQLite connection with our pragmas: opening, checking, transactions. Knows no table. */

#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* Errors of SQLite; the code is SQLite's extended result code. */
#define FERRY_DB_ERROR (ferry_db_error_quark ())
GQuark ferry_db_error_quark (void);

/** Returns: whether @error says that the file is damaged (and not, say, that the disk is full) */
gboolean ferry_db_error_is_damage (const GError *error);

/** Sets @error from what @handle (nullable: out of memory) last failed with; "@what: sentence". */
void ferry_db_set_error (GError **error, sqlite3 *handle, int code, const char *what);

/**
 * ferry_db_open:
 * @path: the database; created with mode 0600 when absent
 *
 * Opens for this process alone (another one gets SQLITE_BUSY), with WAL, full syncs and secure deletion. The log is
 * neither merged nor removed when it closes until ferry_db_keep() was called, so that a file we must not touch stays as it was.
 *
 * Returns: (transfer full) (nullable): %NULL with #FERRY_DB_ERROR
 */
sqlite3 *ferry_db_open (const char *path, GError **error);

/** From now on closing merges the log into the file and removes it. */
void ferry_db_keep (sqlite3 *handle);

/** Closes; %NULL is fine. All statements must be finalized. */
void ferry_db_close (sqlite3 *handle);

/** Runs statements that return no rows. */
gboolean ferry_db_exec (sqlite3 *handle, const char *sql, GError **error);

/** Reads the one integer that @sql gives. */
gboolean ferry_db_get_integer (sqlite3 *handle, const char *sql, gint64 *value, GError **error);

/** Returns: whether the file's structure is whole; %FALSE with an error for which ferry_db_error_is_damage() holds, or another */
gboolean ferry_db_check (sqlite3 *handle, GError **error);

/** Rolls back an open transaction, if there is one. */
void ferry_db_rollback (sqlite3 *handle);

/**
 * ferry_db_read_version:
 *
 * Reads the schema version from the file's header without SQLite, which might write.
 *
 * Returns: the version; 0 when the file is absent or empty; -1 when it is no database of any plausible version
 */
gint64 ferry_db_read_version (const char *path);

/** Makes renames and new files in @directory durable. */
gboolean ferry_db_sync_directory (const char *directory, GError **error);

/** Makes the database at @path durable as it is, with its log, before anybody believes it: who was killed while he wrote
 * leaves what can be read and is not on disk. An absent file is fine. */
gboolean ferry_db_sync_found (const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3, ferry_db_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_stmt, sqlite3_finalize)

G_END_DECLS
