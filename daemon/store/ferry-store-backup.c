/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-store-backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* A commit that comes while a step runs waits for it: 1 MiB is some milliseconds. */
#define PAGES_PER_STEP 256

struct _FerryBackup
{
  char *path;             /* (owned) */
  char *growing_path;     /* (owned) */
  sqlite3 *copy;          /* (owned) (nullable): while it grows */
  sqlite3_backup *backup; /* (owned) (nullable) */
};

void
ferry_backup_free (FerryBackup *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->backup, sqlite3_backup_finish);
  if (self->copy != NULL)
    {
      g_clear_pointer (&self->copy, ferry_db_close);
      unlink (self->growing_path);
    }
  g_free (self->path);
  g_free (self->growing_path);
  g_free (self);
}

FerryBackup *
ferry_backup_new (sqlite3 *handle, const char *path, GError **error)
{
  g_autoptr (FerryBackup) self = g_new0 (FerryBackup, 1);
  int fd;
  int result;

  self->path = g_strdup (path);
  self->growing_path = g_strconcat (path, ".new", NULL);

  unlink (self->growing_path);
  fd = open (self->growing_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      g_set_error (error, FERRY_DB_ERROR, SQLITE_CANTOPEN, "Creating %s: %s", self->growing_path,
                   g_strerror (errno));
      return NULL;
    }
  close (fd);

  result = sqlite3_open_v2 (self->growing_path, &self->copy,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                            NULL);
  /* No journal: an unfinished copy is thrown away as a whole. */
  if (result == SQLITE_OK)
    result = sqlite3_exec (self->copy, "PRAGMA journal_mode = OFF; PRAGMA synchronous = FULL;",
                           NULL, NULL, NULL);
  if (result == SQLITE_OK)
    self->backup = sqlite3_backup_init (self->copy, "main", handle, "main");
  if (self->backup == NULL)
    {
      ferry_db_set_error (error, self->copy, sqlite3_extended_errcode (self->copy),
                          "Copying the store");
      return NULL;
    }

  return g_steal_pointer (&self);
}

static gboolean
put_in_place (FerryBackup *self, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (self->path);

  g_clear_pointer (&self->copy, ferry_db_close);
  if (rename (self->growing_path, self->path) < 0)
    {
      g_set_error (error, FERRY_DB_ERROR, SQLITE_IOERR, "Renaming %s: %s", self->growing_path,
                   g_strerror (errno));
      unlink (self->growing_path);
      return FALSE;
    }

  return ferry_db_sync_directory (directory, error);
}

gboolean
ferry_backup_step (FerryBackup *self, gboolean *done, GError **error)
{
  int result = sqlite3_backup_step (self->backup, PAGES_PER_STEP);

  *done = FALSE;
  if (result == SQLITE_OK)
    return TRUE;

  if (result == SQLITE_DONE)
    {
      result = sqlite3_backup_finish (g_steal_pointer (&self->backup));
      if (result == SQLITE_OK)
        {
          *done = TRUE;
          return put_in_place (self, error);
        }
    }

  ferry_db_set_error (error, NULL, result, "Copying the store");
  return FALSE;
}
