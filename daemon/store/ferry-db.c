/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-db.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A service that is being restarted may find its predecessor still closing. */
#define BUSY_TIMEOUT_MS 5000

/* Versions beyond this in a file's header are damage, not a later release. */
#define VERSION_MAX 9999

#define HEADER_SIZE           100
#define HEADER_MAGIC          "SQLite format 3"
#define HEADER_VERSION_OFFSET 60

/* locking_mode comes before journal_mode: then the log's index lives in memory and no -shm file is made.
 * The log is merged by the store's thread when no reply waits for it, hence no automatic checkpoint. */
static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE;"
                              "PRAGMA synchronous = FULL;"
                              "PRAGMA secure_delete = ON;"
                              "PRAGMA cell_size_check = ON;"
                              "PRAGMA trusted_schema = OFF;"
                              "PRAGMA journal_size_limit = 8388608;"
                              "PRAGMA wal_autocheckpoint = 0;"
                              "PRAGMA journal_mode = WAL;";

G_DEFINE_QUARK (ferry_db_error, ferry_db_error)

gboolean
ferry_db_error_is_damage (const GError *error)
{
  if (error == NULL || error->domain != FERRY_DB_ERROR)
    return FALSE;

  switch (error->code & 0xff)
    {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return TRUE;
    default:
      break;
    }

  switch (error->code)
    {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_CORRUPTFS:
    case SQLITE_IOERR_DATA:
      return TRUE;
    default:
      return FALSE;
    }
}

void
ferry_db_set_error (GError **error, sqlite3 *handle, int code, const char *what)
{
  const char *reason = handle != NULL ? sqlite3_errmsg (handle) : sqlite3_errstr (code);
  int number = handle != NULL ? sqlite3_system_errno (handle) : 0;

  if (number != 0 && (code & 0xff) != SQLITE_CORRUPT && (code & 0xff) != SQLITE_NOTADB)
    g_set_error (error, FERRY_DB_ERROR, code, "%s: %s (%s)", what, reason, g_strerror (number));
  else
    g_set_error (error, FERRY_DB_ERROR, code, "%s: %s", what, reason);
}

/* SQLite would create the file with the process's umask, and the log with the file's mode. */
static gboolean
create_private (const char *path, GError **error)
{
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  int result;
  int number;

  if (fd < 0)
    {
      g_set_error (error, FERRY_DB_ERROR, SQLITE_CANTOPEN, "Opening %s: %s", path,
                   g_strerror (errno));
      return FALSE;
    }

  result = fchmod (fd, 0600);
  number = errno;
  /* Nobody holds a lock on it through this process yet, which close() would drop. */
  close (fd);
  if (result < 0)
    {
      g_set_error (error, FERRY_DB_ERROR, SQLITE_CANTOPEN, "Making %s private: %s", path,
                   g_strerror (number));
      return FALSE;
    }

  return TRUE;
}

sqlite3 *
ferry_db_open (const char *path, GError **error)
{
  g_autoptr (sqlite3) handle = NULL;
  int result;

  if (!create_private (path, error))
    return NULL;

  result = sqlite3_open_v2 (path, &handle,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                            NULL);
  if (result != SQLITE_OK)
    {
      ferry_db_set_error (error, handle, result, "Opening the store");
      return NULL;
    }

  sqlite3_db_config (handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_db_config (handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_busy_timeout (handle, BUSY_TIMEOUT_MS);

  if (!ferry_db_exec (handle, pragmas, error))
    return NULL;

  return g_steal_pointer (&handle);
}

void
ferry_db_keep (sqlite3 *handle)
{
  sqlite3_db_config (handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

void
ferry_db_close (sqlite3 *handle)
{
  if (handle != NULL && sqlite3_close (handle) != SQLITE_OK)
    g_critical ("The store was closed while a statement was still open");
}

gboolean
ferry_db_exec (sqlite3 *handle, const char *sql, GError **error)
{
  int result = sqlite3_exec (handle, sql, NULL, NULL, NULL);

  if (result != SQLITE_OK)
    {
      ferry_db_set_error (error, handle, result, "The store");
      return FALSE;
    }

  return TRUE;
}

gboolean
ferry_db_get_integer (sqlite3 *handle, const char *sql, gint64 *value, GError **error)
{
  g_autoptr (sqlite3_stmt) statement = NULL;
  int result = sqlite3_prepare_v2 (handle, sql, -1, &statement, NULL);

  if (result == SQLITE_OK)
    result = sqlite3_step (statement);
  if (result != SQLITE_ROW)
    {
      ferry_db_set_error (error, handle, result, "Reading the store");
      return FALSE;
    }

  *value = sqlite3_column_int64 (statement, 0);
  return TRUE;
}

gboolean
ferry_db_check (sqlite3 *handle, GError **error)
{
  g_autoptr (sqlite3_stmt) statement = NULL;
  int result = sqlite3_prepare_v2 (handle, "PRAGMA quick_check (1)", -1, &statement, NULL);
  const char *text = NULL;

  if (result == SQLITE_OK)
    result = sqlite3_step (statement);
  if (result != SQLITE_ROW)
    {
      ferry_db_set_error (error, handle, result, "Checking the store");
      return FALSE;
    }

  text = (const char *) sqlite3_column_text (statement, 0);
  if (g_strcmp0 (text, "ok") != 0)
    {
      g_set_error (error, FERRY_DB_ERROR, SQLITE_CORRUPT, "Checking the store: %s",
                   text != NULL ? text : "no answer");
      return FALSE;
    }

  return TRUE;
}

void
ferry_db_rollback (sqlite3 *handle)
{
  if (!sqlite3_get_autocommit (handle))
    sqlite3_exec (handle, "ROLLBACK", NULL, NULL, NULL);
}

gint64
ferry_db_read_version (const char *path)
{
  guint8 header[HEADER_SIZE];
  guint32 version;
  gssize length;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

  if (fd < 0)
    return 0;

  length = pread (fd, header, sizeof header, 0);
  close (fd);
  if (length == 0)
    return 0;
  if (length != sizeof header || memcmp (header, HEADER_MAGIC, sizeof HEADER_MAGIC) != 0)
    return -1;

  memcpy (&version, header + HEADER_VERSION_OFFSET, sizeof version);
  version = GUINT32_FROM_BE (version);
  return version <= VERSION_MAX ? (gint64) version : -1;
}

static gboolean
sync_path (const char *path, int flags, int code, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | flags);
  int result;
  int number;

  if (fd < 0)
    {
      g_set_error (error, FERRY_DB_ERROR, SQLITE_CANTOPEN, "Opening %s: %s", path,
                   g_strerror (errno));
      return FALSE;
    }

  result = fsync (fd);
  number = errno;
  close (fd);
  if (result < 0)
    {
      g_set_error (error, FERRY_DB_ERROR, code, "Syncing %s: %s", path, g_strerror (number));
      return FALSE;
    }

  return TRUE;
}

gboolean
ferry_db_sync_directory (const char *directory, GError **error)
{
  return sync_path (directory, O_DIRECTORY, SQLITE_IOERR_DIR_FSYNC, error);
}

gboolean
ferry_db_sync_found (const char *path, GError **error)
{
  static const char *const suffixes[] = { "", "-wal", "-journal" };
  g_autofree char *directory = g_path_get_dirname (path);

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *file = g_strconcat (path, suffixes[i], NULL);

      if (access (file, F_OK) == 0 && !sync_path (file, O_NOFOLLOW, SQLITE_IOERR_FSYNC, error))
        return FALSE;
    }

  return ferry_db_sync_directory (directory, error);
}
