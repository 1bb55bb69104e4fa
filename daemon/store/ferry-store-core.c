/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-store-core.h"

#include "ferry-store-backup.h"
#include "ferry-store-rows.h"
#include "ferry-store-salvage.h"
#include "ferry-store-schema.h"

#include <sys/stat.h>

#define STORE_NAME "ferry.db"

/* Merging the log costs two syncs; a small job writes some 20 pages. */
#define LOG_PAGES 1000

struct _FerryCore
{
  char *path;                  /* (owned) */
  char *backup_path;           /* (owned) */
  sqlite3 *handle;             /* (owned) (nullable): %NULL after a recovery that failed */
  FerryStatements *statements; /* (owned) (nullable): of @handle */
  FerryBackup *backup;         /* (owned) (nullable): while the second copy is made */
  GError *damage;              /* (owned) (nullable): found when writing */
  int log_pages;               /* since the last merge */
  int merge_at;                /* @log_pages at which to try the next one */
};

static int
log_cb (void *data, sqlite3 *handle, const char *name, int pages)
{
  FerryCore *self = data;

  self->log_pages = pages;
  return SQLITE_OK;
}

static void
close_handle (FerryCore *self)
{
  g_clear_pointer (&self->backup, ferry_backup_free);
  g_clear_pointer (&self->statements, ferry_statements_free);
  g_clear_pointer (&self->handle, ferry_db_close);
}

static gboolean
check_version (gint64 version, GError **error)
{
  if (version <= (gint64) ferry_schema_get_version ())
    return TRUE;

  g_set_error (error, FERRY_DB_ERROR, SQLITE_MISMATCH,
               "The store has schema version %" G_GINT64_FORMAT
               ", made by a newer Ferry; this one knows versions up to %u",
               version, ferry_schema_get_version ());
  return FALSE;
}

/* The header first: SQLite writes when it opens. But a newer version may still be in the log only; then nothing
 * is written either, as ferry_db_keep() comes after. */
static gboolean
open_checked (FerryCore *self, GError **error)
{
  gint64 version = ferry_db_read_version (self->path);
  struct stat status;

  if (version < 0)
    {
      g_set_error (error, FERRY_DB_ERROR, SQLITE_NOTADB, "its header is unreadable");
      return FALSE;
    }
  if (!check_version (version, error))
    return FALSE;
  if (stat (self->path, &status) == 0 && status.st_size == 0 &&
      g_file_test (self->backup_path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, FERRY_DB_ERROR, SQLITE_NOTADB, "it is empty, its second copy is not");
      return FALSE;
    }

  self->handle = ferry_db_open (self->path, error);
  if (self->handle == NULL ||
      !ferry_db_get_integer (self->handle, "PRAGMA user_version", &version, error) ||
      !check_version (version, error) || !ferry_db_check (self->handle, error))
    return FALSE;

  ferry_db_keep (self->handle);
  return ferry_schema_migrate (self->handle, error);
}

static gboolean
open_handle (FerryCore *self, GError **error)
{
  if (!open_checked (self, error))
    {
      close_handle (self);
      return FALSE;
    }

  self->log_pages = 0;
  self->merge_at = LOG_PAGES;
  sqlite3_wal_hook (self->handle, log_cb, self);
  self->statements = ferry_statements_new (self->handle);
  if (!ferry_statements_check (self->statements, error))
    {
      close_handle (self);
      return FALSE;
    }
  return TRUE;
}

static gboolean
salvage (FerryCore *self, const GError *damage, GError **error)
{
  close_handle (self);
  return ferry_salvage (self->path, self->backup_path, damage->message, error) &&
         open_handle (self, error);
}

/* A service that is started often shall not copy an unchanged store each time. */
static gboolean
needs_backup (FerryCore *self)
{
  g_autofree char *log = g_strconcat (self->path, "-wal", NULL);
  struct stat store;
  struct stat copy;
  struct stat log_status;

  if (stat (self->path, &store) < 0 || store.st_size == 0)
    return FALSE;
  if (stat (self->backup_path, &copy) < 0 || copy.st_mtim.tv_sec <= store.st_mtim.tv_sec)
    return TRUE;
  return stat (log, &log_status) == 0 && log_status.st_size > 0;
}

FerryCore *
ferry_core_open (const char *directory, GError **error)
{
  g_autoptr (FerryCore) self = g_new0 (FerryCore, 1);
  g_autoptr (GError) local_error = NULL;
  gboolean wants_backup;

  self->path = g_build_filename (directory, STORE_NAME, NULL);
  self->backup_path = g_strconcat (self->path, ".backup", NULL);
  if (!ferry_salvage_finish (self->path, error) || !ferry_db_sync_found (self->path, error))
    return NULL;

  wants_backup = needs_backup (self);
  if (!open_handle (self, &local_error))
    {
      if (!ferry_db_error_is_damage (local_error))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
      if (!salvage (self, local_error, error))
        return NULL;
      return g_steal_pointer (&self);
    }

  if (wants_backup)
    {
      self->backup = ferry_backup_new (self->handle, self->backup_path, &local_error);
      if (self->backup == NULL)
        g_warning ("No second copy of the store: %s", local_error->message);
    }

  return g_steal_pointer (&self);
}

void
ferry_core_close (FerryCore *self)
{
  if (self == NULL)
    return;
  close_handle (self);
  g_clear_error (&self->damage);
  g_free (self->path);
  g_free (self->backup_path);
  g_free (self);
}

static gboolean
check_open (FerryCore *self, GError **error)
{
  if (self->handle != NULL)
    return TRUE;

  g_set_error (error, FERRY_DB_ERROR, SQLITE_CANTOPEN, "The store %s is not open", self->path);
  return FALSE;
}

gboolean
ferry_core_commit (FerryCore *self, GPtrArray *ops, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (!check_open (self, error))
    return FALSE;
  if (ferry_statements_commit (self->statements, ops, &local_error))
    return TRUE;

  if (ferry_db_error_is_damage (local_error))
    {
      g_clear_error (&self->damage);
      self->damage = g_error_copy (local_error);
    }
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* Adds the files that @files stands on as long as they are of @job or an older one. Returns the result of the last step. */
static int
load_files (FerryJob *job, sqlite3_stmt *files, int result)
{
  while (result == SQLITE_ROW)
    {
      guint64 sequence = (guint64) sqlite3_column_int64 (files, FERRY_FILE_COLUMN_JOB);

      if (sequence > job->sequence)
        break;
      if (sequence == job->sequence)
        ferry_rows_get_file (job, files);
      result = sqlite3_step (files);
    }

  return result;
}

static gboolean
load_jobs (FerryCore *self, GPtrArray *jobs, GError **error)
{
  sqlite3_stmt *rows = ferry_statements_get (self->statements, FERRY_STATEMENT_LIST_JOBS, error);
  sqlite3_stmt *files = NULL;
  int result;
  int files_result;

  if (rows != NULL)
    files = ferry_statements_get (self->statements, FERRY_STATEMENT_LIST_FILES, error);
  if (files == NULL)
    return FALSE;

  files_result = sqlite3_step (files);
  while ((result = sqlite3_step (rows)) == SQLITE_ROW)
    {
      g_autoptr (FerryJob) job = ferry_rows_get_job (rows);

      if (job == NULL)
        continue;
      files_result = load_files (job, files, files_result);
      g_ptr_array_add (jobs, g_steal_pointer (&job));
    }

  if (result != SQLITE_DONE || (files_result != SQLITE_DONE && files_result != SQLITE_ROW))
    ferry_db_set_error (error, self->handle, result, "Reading the store");
  sqlite3_reset (rows);
  sqlite3_reset (files);
  return result == SQLITE_DONE && (files_result == SQLITE_DONE || files_result == SQLITE_ROW);
}

static gboolean
load_duties (FerryCore *self, GPtrArray *duties, GError **error)
{
  sqlite3_stmt *rows = ferry_statements_get (self->statements, FERRY_STATEMENT_LIST_DUTIES, error);
  int result;

  if (rows == NULL)
    return FALSE;

  while ((result = sqlite3_step (rows)) == SQLITE_ROW)
    {
      FerryDuty *duty = ferry_rows_get_duty (rows);

      if (duty != NULL)
        g_ptr_array_add (duties, duty);
    }

  if (result != SQLITE_DONE)
    ferry_db_set_error (error, self->handle, result, "Reading the store");
  sqlite3_reset (rows);
  return result == SQLITE_DONE;
}

gboolean
ferry_core_load (FerryCore *self, GPtrArray *jobs, GPtrArray *duties, GError **error)
{
  g_autoptr (GError) damage = g_steal_pointer (&self->damage);

  if (damage == NULL)
    {
      if (!check_open (self, error))
        return FALSE;
      if (load_jobs (self, jobs, &damage) && load_duties (self, duties, &damage))
        return TRUE;
      g_ptr_array_set_size (jobs, 0);
      g_ptr_array_set_size (duties, 0);
    }

  if (!ferry_db_error_is_damage (damage))
    {
      g_propagate_error (error, g_steal_pointer (&damage));
      return FALSE;
    }

  return salvage (self, damage, error) && load_jobs (self, jobs, error) &&
         load_duties (self, duties, error);
}

gboolean
ferry_core_load_values (FerryCore *self, GHashTable *values, GError **error)
{
  sqlite3_stmt *rows = ferry_statements_get (self->statements, FERRY_STATEMENT_LIST_VALUES, error);
  int result;

  if (rows == NULL)
    return FALSE;

  while ((result = sqlite3_step (rows)) == SQLITE_ROW)
    {
      const char *name = (const char *) sqlite3_column_text (rows, 0);
      g_autoptr (GVariant) boxed = ferry_rows_get_variant (rows, 1, G_VARIANT_TYPE_VARIANT);

      if (name != NULL && boxed != NULL)
        g_hash_table_insert (values, g_strdup (name), g_variant_get_variant (boxed));
      else
        g_warning ("The store's value %s is unreadable; it is left out", name);
    }

  if (result != SQLITE_DONE)
    ferry_db_set_error (error, self->handle, result, "Reading the store");
  sqlite3_reset (rows);
  return result == SQLITE_DONE;
}

gint64
ferry_core_get_last_duty (FerryCore *self)
{
  gint64 last = 0;

  ferry_db_get_integer (self->handle, "SELECT ifnull (max (id), 0) FROM duties", &last, NULL);
  return last;
}

gboolean
ferry_core_tidy (FerryCore *self)
{
  g_autoptr (GError) error = NULL;
  gboolean done = FALSE;

  if (self->handle == NULL)
    return FALSE;

  if (self->log_pages >= self->merge_at)
    {
      /* When it fails (a full disk) the log grows on and is merged later. */
      if (sqlite3_wal_checkpoint_v2 (self->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) ==
          SQLITE_OK)
        self->merge_at = LOG_PAGES;
      else
        self->merge_at = self->log_pages + LOG_PAGES;
      self->log_pages = 0;
    }

  if (self->backup == NULL)
    return FALSE;

  if (!ferry_backup_step (self->backup, &done, &error))
    g_warning ("No second copy of the store: %s", error->message);
  if (done || error != NULL)
    g_clear_pointer (&self->backup, ferry_backup_free);
  return self->backup != NULL;
}
