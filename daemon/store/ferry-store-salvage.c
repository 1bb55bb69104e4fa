/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-store-salvage.h"

#include "ferry-event.h"
#include "ferry-failure.h"
#include "ferry-file.h"
#include "ferry-job-state.h"
#include "ferry-store-rows.h"
#include "ferry-store-schema.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Between two readable ends of a table each key is tried, up to this many. */
#define PROBES_MAX 1000000

typedef enum
{
  TABLE_JOBS,
  TABLE_FILES,
  TABLE_DUTIES,
  TABLE_VALUES,
} Table;

/* One of the two files that are read. */
typedef struct
{
  sqlite3 *handle;     /* (owned) (nullable): %NULL: cannot be read at all */
  sqlite3_stmt *job;   /* (owned) (nullable): one job by sequence */
  sqlite3_stmt *file;  /* (owned) (nullable): one file by job and index */
  sqlite3_stmt *files; /* (owned) (nullable): all files of a job */
  sqlite3_stmt
      *inserts[4]; /* (owned) (nullable): by Table: into the new store, for this source's columns */
} Source;

typedef struct
{
  sqlite3 *fresh; /* (owned) */
  Source broken;
  Source backup;
  guint jobs;
  guint jobs_from_backup;
  guint jobs_lost;
  guint files_lost;
  GError *error; /* (owned) (nullable): the new store could not be written */
} Salvage;

static const char *const table_names[] = { "jobs", "files", "duties", "named_values" };

static int
prepare (sqlite3 *handle, const char *sql, sqlite3_stmt **statement)
{
  if (handle == NULL)
    return SQLITE_CORRUPT;
  return sqlite3_prepare_v2 (handle, sql, -1, statement, NULL);
}

static void
source_open (Source *self, const char *path)
{
  g_autoptr (GError) error = NULL;

  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
    return;

  self->handle = ferry_db_open (path, &error);
  if (self->handle == NULL)
    return;

  prepare (self->handle, "SELECT * FROM jobs WHERE sequence = ?", &self->job);
  prepare (self->handle, "SELECT * FROM files WHERE job = ? AND idx = ?", &self->file);
  prepare (self->handle, "SELECT * FROM files WHERE job = ? ORDER BY idx", &self->files);
}

static void
source_close (Source *self)
{
  sqlite3_finalize (self->job);
  sqlite3_finalize (self->file);
  sqlite3_finalize (self->files);
  for (guint i = 0; i < G_N_ELEMENTS (self->inserts); i++)
    sqlite3_finalize (self->inserts[i]);
  ferry_db_close (self->handle);
}

/* Columns go by name: the damaged store may be of an older schema. */
static sqlite3_stmt *
get_insert (Salvage *self, Source *source, Table table, sqlite3_stmt *row)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autoptr (GString) marks = g_string_new (NULL);
  g_autofree char *sql = NULL;

  if (source->inserts[table] != NULL)
    return source->inserts[table];

  for (int i = 0; i < sqlite3_column_count (row); i++)
    {
      const char *name = sqlite3_column_name (row, i);

      if (sqlite3_table_column_metadata (self->fresh, NULL, table_names[table], name, NULL, NULL,
                                         NULL, NULL, NULL) != SQLITE_OK)
        continue;
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", name);
      g_string_append_printf (marks, "%s?%d", marks->len > 0 ? ", " : "", i + 1);
    }

  sql = g_strdup_printf ("INSERT OR IGNORE INTO %s (%s) VALUES (%s)", table_names[table],
                         names->str, marks->str);
  prepare (self->fresh, sql, &source->inserts[table]);
  return source->inserts[table];
}

/* Copies the row that @row stands on. */
static gboolean
copy_row (Salvage *self, Source *source, Table table, sqlite3_stmt *row)
{
  sqlite3_stmt *insert = get_insert (self, source, table, row);
  int result;

  if (insert == NULL || self->error != NULL)
    return FALSE;

  for (int i = 0; i < sqlite3_column_count (row); i++)
    sqlite3_bind_value (insert, i + 1, sqlite3_column_value (row, i));
  result = sqlite3_step (insert);
  if (result != SQLITE_DONE)
    ferry_db_set_error (&self->error, self->fresh, result, "Salvaging the store");
  sqlite3_reset (insert);
  sqlite3_clear_bindings (insert);
  return result == SQLITE_DONE;
}

/* Looks one row up and copies it: SQLITE_ROW: copied; SQLITE_DONE: it is not there; else: unreadable. */
static int
copy_one (Salvage *self, Source *source, Table table, gint64 key, gint64 index)
{
  sqlite3_stmt *row = table == TABLE_JOBS ? source->job : source->file;
  int result;

  if (row == NULL)
    return SQLITE_CORRUPT;

  sqlite3_bind_int64 (row, 1, key);
  if (table == TABLE_FILES)
    sqlite3_bind_int64 (row, 2, index);
  result = sqlite3_step (row);
  if (result == SQLITE_ROW && !copy_row (self, source, table, row))
    result = SQLITE_CORRUPT;
  sqlite3_reset (row);
  return result;
}

/* Adds the integers that @sql gives to @keys; *@last is the last one. Returns whether it came to the end. */
static gboolean
scan_keys (Source *source, const char *sql, GHashTable *keys, gint64 *last)
{
  g_autoptr (sqlite3_stmt) row = NULL;
  int result = prepare (source->handle, sql, &row);

  if (result != SQLITE_OK)
    return FALSE;

  while ((result = sqlite3_step (row)) == SQLITE_ROW)
    {
      gint64 key = sqlite3_column_int64 (row, 0);

      g_hash_table_add (keys, g_memdup2 (&key, sizeof key));
      *last = key;
    }

  return result == SQLITE_DONE;
}

/* The keys from both ends up to the damage, those between, and those of the copy. */
static GHashTable *
find_jobs (Salvage *self)
{
  GHashTable *keys = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  gint64 first = 0;
  gint64 last = -1;
  gint64 ignored;

  if (scan_keys (&self->broken, "SELECT sequence FROM jobs ORDER BY sequence", keys, &first))
    return keys;

  scan_keys (&self->broken, "SELECT sequence FROM jobs ORDER BY sequence DESC", keys, &last);
  for (gint64 key = first + 1; key < last && key - first < PROBES_MAX; key++)
    g_hash_table_add (keys, g_memdup2 (&key, sizeof key));
  scan_keys (&self->backup, "SELECT sequence FROM jobs", keys, &ignored);
  return keys;
}

/* A transferred job stays so, unless @incomplete. */
static void
mark_job (Salvage *self, gint64 sequence, gboolean incomplete, const char *message)
{
  g_autoptr (FerryFailure)
      failure = ferry_failure_new (FERRY_ERROR_STORE_FAILED, FERRY_ERROR_CONTEXT_GENERAL, -1, 0,
                                   message);
  g_autoptr (FerryOp) op = ferry_op_new (FERRY_STATEMENT_PUT_VALUE, 1);
  g_autoptr (sqlite3_stmt) statement = NULL;
  gconstpointer data;
  gsize size;

  ferry_op_set_variant (op, 0, ferry_failure_to_variant (failure, TRUE));
  data = g_bytes_get_data (op->cells[0].blob, &size);
  if (prepare (self->fresh,
               "UPDATE jobs SET state = 'error', error = ? WHERE sequence = ? "
               "AND state NOT IN ('acknowledged', 'cancelled') "
               "AND (? OR state != 'transferred')",
               &statement) != SQLITE_OK)
    return;
  sqlite3_bind_blob64 (statement, 1, data, size, SQLITE_STATIC);
  sqlite3_bind_int64 (statement, 2, sequence);
  sqlite3_bind_int (statement, 3, incomplete);
  sqlite3_step (statement);
}

/* Copies a job's files as far as they can be read in one go; *@next is the index after the last. */
static gboolean
copy_files_in_order (Salvage *self, Source *source, gint64 sequence, gint64 *next)
{
  int result = SQLITE_CORRUPT;

  if (source->files == NULL)
    return FALSE;

  sqlite3_bind_int64 (source->files, 1, sequence);
  while ((result = sqlite3_step (source->files)) == SQLITE_ROW)
    {
      if (!copy_row (self, source, TABLE_FILES, source->files))
        break;
      *next = sqlite3_column_int64 (source->files, 1) + 1;
    }
  sqlite3_reset (source->files);
  return result == SQLITE_DONE;
}

static gint64
get_next_index (Salvage *self, gint64 sequence)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT next_index FROM jobs WHERE sequence = %" G_GINT64_FORMAT, sequence);
  gint64 next = 0;

  ferry_db_get_integer (self->fresh, sql, &next, NULL);
  return MIN (next, PROBES_MAX);
}

/* Its reply is no file that an index counts. */
static gboolean
is_upload_reply (Salvage *self, gint64 sequence)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT count (*) FROM jobs WHERE type = 'upload-reply' AND sequence = %" G_GINT64_FORMAT,
      sequence);
  gint64 count = 0;

  ferry_db_get_integer (self->fresh, sql, &count, NULL);
  return count > 0;
}

static void
mark_lost_files (Salvage *self, gint64 sequence, guint lost)
{
  self->files_lost += lost;
  mark_job (self, sequence, TRUE, "Files of this job were lost when the store was damaged");
}

/* Returns: whether it is lost */
static gboolean
copy_file (Salvage *self, gint64 sequence, gint64 index)
{
  int result = copy_one (self, &self->broken, TABLE_FILES, sequence, index);

  return result != SQLITE_ROW && result != SQLITE_DONE &&
         copy_one (self, &self->backup, TABLE_FILES, sequence, index) != SQLITE_ROW;
}

static void
copy_files (Salvage *self, gint64 sequence)
{
  gint64 next = 0;
  guint lost = 0;

  if (copy_files_in_order (self, &self->broken, sequence, &next))
    return;

  for (gint64 end = get_next_index (self, sequence); next < end; next++)
    lost += copy_file (self, sequence, next);
  if (is_upload_reply (self, sequence))
    lost += copy_file (self, sequence, FERRY_REPLY_INDEX);

  if (lost > 0)
    mark_lost_files (self, sequence, lost);
}

static void
copy_job (Salvage *self, gint64 sequence)
{
  int result = copy_one (self, &self->broken, TABLE_JOBS, sequence, 0);
  gint64 next = 0;

  if (result == SQLITE_DONE)
    return;

  if (result == SQLITE_ROW)
    {
      self->jobs++;
      copy_files (self, sequence);
      return;
    }

  result = copy_one (self, &self->backup, TABLE_JOBS, sequence, 0);
  if (result == SQLITE_ROW)
    {
      self->jobs++;
      self->jobs_from_backup++;
      mark_job (self, sequence, FALSE,
                "The store was damaged; this job was recovered as it was at an earlier start");
      if (!copy_files_in_order (self, &self->backup, sequence, &next))
        mark_lost_files (self, sequence, 1);
    }
  else if (result != SQLITE_DONE)
    self->jobs_lost++;
}

static gboolean
copy_table_in_order (Salvage *self, Source *source, Table table)
{
  g_autofree char *sql = g_strdup_printf ("SELECT * FROM %s", table_names[table]);
  g_autoptr (sqlite3_stmt) row = NULL;
  int result = prepare (source->handle, sql, &row);

  if (result != SQLITE_OK)
    return FALSE;

  while ((result = sqlite3_step (row)) == SQLITE_ROW)
    {
      if (!copy_row (self, source, table, row))
        return FALSE;
    }

  return result == SQLITE_DONE;
}

/* A duty that was done already finds nothing to remove; a value is better old than lost. */
static void
copy_small_tables (Salvage *self)
{
  for (Table table = TABLE_DUTIES; table <= TABLE_VALUES; table++)
    {
      if (!copy_table_in_order (self, &self->broken, table))
        copy_table_in_order (self, &self->backup, table);
    }
}

static gboolean
copy_all (Salvage *self, GError **error)
{
  g_autoptr (GHashTable) keys = NULL;
  GHashTableIter iter;
  gpointer key;

  if (!ferry_schema_migrate (self->fresh, error) ||
      !ferry_db_exec (self->fresh, "BEGIN IMMEDIATE", error))
    return FALSE;

  keys = find_jobs (self);
  g_hash_table_iter_init (&iter, keys);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    copy_job (self, *(gint64 *) key);
  copy_small_tables (self);
  if (self->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->error));
      return FALSE;
    }
  return ferry_db_exec (self->fresh, "COMMIT", error);
}

static gboolean
rename_file (const char *from, const char *to, GError **error)
{
  if (rename (from, to) == 0 || errno == ENOENT)
    return TRUE;

  g_set_error (error, FERRY_DB_ERROR, SQLITE_IOERR, "Renaming %s to %s: %s", from, to,
               g_strerror (errno));
  return FALSE;
}

/* A dated name that is not taken: "ferry.db.damaged-20270220-134501". */
static char *
make_dated_path (const char *path)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *date = g_date_time_format (now, "%Y%m%d-%H%M%S");

  for (guint i = 0;; i++)
    {
      g_autofree char *candidate = i == 0 ? g_strdup_printf ("%s.damaged-%s", path, date)
                                          : g_strdup_printf ("%s.damaged-%s.%u", path, date, i);

      if (!g_file_test (candidate, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&candidate);
    }
}

gboolean
ferry_salvage_finish (const char *path, GError **error)
{
  g_autofree char *salvaged = g_strconcat (path, ".salvaged", NULL);
  g_autofree char *aside = NULL;
  g_autofree char *log = g_strconcat (path, "-wal", NULL);
  g_autofree char *log_aside = NULL;
  g_autofree char *directory = g_path_get_dirname (path);

  if (!g_file_test (salvaged, G_FILE_TEST_EXISTS))
    return TRUE;

  aside = make_dated_path (path);
  log_aside = g_strconcat (aside, "-wal", NULL);
  /* The log leaves first and the new store comes last: SQLite must never find that log beside another store. */
  if (!rename_file (log, log_aside, error) || !rename_file (path, aside, error) ||
      !ferry_db_sync_directory (directory, error) || !rename_file (salvaged, path, error) ||
      !ferry_db_sync_directory (directory, error))
    return FALSE;

  g_warning ("The damaged store was set aside as %s", aside);
  return TRUE;
}

static void
remove_database (const char *path)
{
  g_autofree char *log = g_strconcat (path, "-wal", NULL);

  unlink (path);
  unlink (log);
}

gboolean
ferry_salvage (const char *path, const char *backup_path, const char *reason, GError **error)
{
  g_autofree char *growing = g_strconcat (path, ".salvage", NULL);
  g_autofree char *salvaged = g_strconcat (path, ".salvaged", NULL);
  Salvage self = { 0 };
  gboolean good;

  remove_database (growing);
  self.fresh = ferry_db_open (growing, error);
  if (self.fresh == NULL)
    return FALSE;

  ferry_db_keep (self.fresh);
  source_open (&self.broken, path);
  source_open (&self.backup, backup_path);
  /* Reading the copy makes an empty log beside it, which closing shall take away again. */
  if (self.backup.handle != NULL)
    ferry_db_keep (self.backup.handle);

  good = copy_all (&self, error);
  source_close (&self.broken);
  source_close (&self.backup);
  ferry_db_close (self.fresh);
  if (!good || !rename_file (growing, salvaged, error))
    {
      remove_database (growing);
      return FALSE;
    }

  ferry_event_log (
      FERRY_EVENT_STORE_SALVAGED, NULL,
      "The store %s is damaged (%s): %u jobs were recovered, %u of them as they were at an "
      "earlier start; at least %u jobs and %u files were lost",
      path, reason, self.jobs, self.jobs_from_backup, self.jobs_lost, self.files_lost);
  return ferry_salvage_finish (path, error);
}
