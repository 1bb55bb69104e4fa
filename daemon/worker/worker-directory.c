/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-directory.h"

#include "ferry-error.h"
#include "worker-sink-error.h"
#include "worker-sink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *
worker_kind_to_string (guint32 mode)
{
  switch (mode & S_IFMT)
    {
    case S_IFDIR:
      return "a directory";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    case S_IFCHR:
    case S_IFBLK:
      return "a device";
    default:
      return "a file";
    }
}

/* == opening == */

static gboolean
check_names (const char *path, const char *temporary_name, const char *display, GError **error)
{
  const char *problem = NULL;
  const char *name = strrchr (path, '/');

  if (*path != '/')
    problem = "is not an absolute path";
  else if (name[1] == '\0' || g_str_equal (name, "/.") || g_str_equal (name, "/.."))
    problem = "names a directory, not a file";
  else if (*temporary_name == '\0' || strchr (temporary_name, '/') != NULL)
    problem = "has no usable temporary name";

  if (problem != NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS, "%s %s", display, problem);
  return problem == NULL;
}

/* Returns: a descriptor, or -1 with errno set */
static int
open_path (WorkerDirectory *self, const char *path, int access)
{
  struct open_how how = {
    .flags = (guint64) access | O_DIRECTORY | O_CLOEXEC,
    .resolve = self->no_symlinks ? RESOLVE_NO_SYMLINKS : 0,
  };

  return TEMP_FAILURE_RETRY ((int) syscall (SYS_openat2, AT_FDCWD, path, &how, sizeof how));
}

/* Returns: 0 or an errno */
static int
open_directory (WorkerDirectory *self, const char *path)
{
  self->fd = open_path (self, path, O_RDONLY);
  self->can_sync = self->fd >= 0;
  if (self->fd < 0 && errno == EACCES)
    self->fd = open_path (self, path, O_PATH);
  if (self->fd < 0)
    return errno;

  int errsv = worker_stat_at (self->fd, "", &self->stat);
  return errsv != 0 ? errsv : worker_file_system_get (self->fd, &self->system);
}

static void
set_open_error (GError **error, int errsv, const WorkerResume *resume, const char *display)
{
  gboolean ours = errsv == EMFILE || errsv == ENFILE || errsv == ENOMEM;

  /* Whatever keeps a directory from being opened that was there (unmounted, locked, dead network
   * file system, a mount point closed to us) may end, save that we ran out of something. */
  if (errsv == ELOOP && resume != NULL && resume->no_symlinks)
    g_set_error (error, resume->directory_seen ? WORKER_SINK_ERROR : FERRY_ERROR,
                 resume->directory_seen ? (int) WORKER_SINK_ERROR_DESTINATION
                                        : (int) FERRY_ERROR_NO_FILE_ACCESS,
                 "The way to the directory of %s passes a symbolic link, which is not followed for "
                 "a job that another user made",
                 display);
  else if (resume != NULL && resume->directory_seen && !ours)
    g_set_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION,
                 "The directory of %s is not there now: %s", display, g_strerror (errsv));
  else
    worker_sink_set_errno (error, errsv, "open the directory of", display);
}

/* Whether what was seen is seen again. The temporary file itself is as good a proof as any. */
static gboolean
is_same_place (WorkerDirectory *self, const WorkerResume *resume)
{
  WorkerStat temporary;

  return worker_resume_is_same_place (resume, &self->stat, &self->system) ||
         (resume->offset > 0 && worker_stat_at (self->fd, self->temporary, &temporary) == 0 &&
          worker_resume_compare_file (resume, &temporary, &self->system, 1) ==
              WORKER_LIKENESS_SAME);
}

WorkerDirectory *
worker_directory_open (const char *path, const char *temporary_name, const WorkerResume *resume,
                       GError **error)
{
  g_autoptr (WorkerDirectory) self = g_new0 (WorkerDirectory, 1);
  self->fd = -1;
  self->display = worker_sink_display (path);

  if (!check_names (path, temporary_name, self->display, error))
    return NULL;

  const char *slash = strrchr (path, '/');
  g_autofree char *parent = g_strndup (path, MAX (slash - path, 1));
  self->path = g_strdup (path);
  self->name = g_strdup (slash + 1);
  self->temporary = g_strdup (temporary_name);
  self->no_symlinks = resume != NULL && resume->no_symlinks;

  int errsv = open_directory (self, parent);
  if (errsv != 0)
    {
      set_open_error (error, errsv, resume, self->display);
      return NULL;
    }

  if (resume != NULL && resume->directory_seen && !is_same_place (self, resume))
    {
      g_set_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION,
                   "The directory of %s is on another file system than before", self->display);
      return NULL;
    }

  return g_steal_pointer (&self);
}

void
worker_directory_free (WorkerDirectory *self)
{
  if (self == NULL)
    return;

  if (self->fd >= 0)
    close (self->fd);
  g_free (self->path);
  g_free (self->name);
  g_free (self->temporary);
  g_free (self->display);
  g_free (self);
}

/* == what is done in it == */

gboolean
worker_directory_is_gone (WorkerDirectory *self)
{
  g_autoptr (WorkerDirectory) now = NULL;
  g_autoptr (GError) error = NULL;
  WorkerResume seen = { .uid = -1,
                        .no_symlinks = self->no_symlinks,
                        .directory_seen = TRUE,
                        .directory_inode = self->stat.inode,
                        .directory_device = self->stat.device,
                        .directory_birth_time = self->stat.birth_time,
                        .directory_system = self->system };

  now = worker_directory_open (self->path, self->temporary, &seen, &error);
  return g_error_matches (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);
}

/* Directories that this process has synced since it removed the last name from them. */
#define SYNCED 8

G_LOCK_DEFINE_STATIC (synced);
static struct
{
  guint64 device;
  guint64 inode; /* 0 = none */
} synced[SYNCED];
static guint next_synced;

static gboolean
is_synced (WorkerDirectory *self)
{
  gboolean found = FALSE;

  G_LOCK (synced);
  for (guint i = 0; i < SYNCED && !found; i++)
    found = synced[i].inode == self->stat.inode && synced[i].device == self->stat.device;
  G_UNLOCK (synced);
  return found;
}

static void
set_synced (WorkerDirectory *self, gboolean is)
{
  G_LOCK (synced);
  for (guint i = 0; i < SYNCED; i++)
    {
      if (synced[i].inode == self->stat.inode && synced[i].device == self->stat.device)
        synced[i].inode = 0;
    }
  if (is)
    {
      synced[next_synced].device = self->stat.device;
      synced[next_synced].inode = self->stat.inode;
      next_synced = (next_synced + 1) % SYNCED;
    }
  G_UNLOCK (synced);
}

gboolean
worker_directory_sync (WorkerDirectory *self, int file, GError **error)
{
  int result = 0;

  if (self->can_sync)
    result = TEMP_FAILURE_RETRY (fsync (self->fd));
  else if (file >= 0)
    result = TEMP_FAILURE_RETRY (syncfs (file));

  /* Some file systems have nothing to sync in a directory, and say so this way. */
  if (result == 0 || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)
    {
      set_synced (self, TRUE);
      return TRUE;
    }

  worker_sink_set_errno (error, errno, "sync the directory of", self->display);
  set_synced (self, FALSE);
  return FALSE;
}

gboolean
worker_directory_sync_absence (WorkerDirectory *self, GError **error)
{
  return is_synced (self) || worker_directory_sync (self, -1, error);
}

int
worker_directory_unlink (WorkerDirectory *self, const char *name)
{
  if (unlinkat (self->fd, name, 0) != 0)
    return errno;
  set_synced (self, FALSE);
  return 0;
}

static int
create_exclusively (WorkerDirectory *self, const char *name, guint32 mode)
{
  return TEMP_FAILURE_RETRY (
      openat (self->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
}

int
worker_directory_create (WorkerDirectory *self)
{
  return create_exclusively (self, self->temporary, 0600);
}

int
worker_directory_open_temporary (WorkerDirectory *self, const WorkerStat *found)
{
  /* O_NONBLOCK: should a FIFO come under the name just now, this must not hang. */
  const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  WorkerStat opened;
  int fd = TEMP_FAILURE_RETRY (openat (self->fd, self->temporary, flags));

  /* It may have its final mode already, which need not let even its owner in. */
  if (fd < 0 && errno == EACCES &&
      fchmodat (self->fd, self->temporary, 0600, AT_SYMLINK_NOFOLLOW) == 0)
    fd = TEMP_FAILURE_RETRY (openat (self->fd, self->temporary, flags));
  if (fd < 0)
    return -1;

  int errsv = worker_stat_at (fd, "", &opened);
  if (errsv == 0 && (opened.inode != found->inode || opened.device != found->device))
    errsv = EBUSY;
  if (errsv == 0)
    return fd;

  close (fd);
  errno = errsv;
  return -1;
}

/* == probes == */

static char *
get_probe_name (const char *temporary_name)
{
  return g_strconcat (temporary_name, "~", NULL);
}

int
worker_probe_open (WorkerProbe *self, WorkerDirectory *directory, guint32 mode)
{
  self->directory = directory;
  self->fd = TEMP_FAILURE_RETRY (openat (directory->fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, mode));
  if (self->fd >= 0)
    return 0;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL &&
      errno != ENOSYS)
    return errno;

  /* No files without names here: one with a name, for a moment. A crash may have left one. It
   * keeps the name while it is looked at; FUSE file systems may know nothing of it afterwards. */
  g_autofree char *name = get_probe_name (directory->temporary);
  self->fd = create_exclusively (directory, name, mode);
  if (self->fd < 0 && errno == EEXIST)
    {
      int errsv = worker_directory_unlink (directory, name);

      errno = EEXIST;
      if (errsv == 0 || errsv == ENOENT)
        self->fd = create_exclusively (directory, name, mode);
    }
  if (self->fd < 0)
    return errno;

  self->name = g_steal_pointer (&name);
  return 0;
}

void
worker_probe_clear (WorkerProbe *self)
{
  if (self->name != NULL)
    worker_directory_unlink (self->directory, self->name);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->name);
}

void
worker_directory_remove_probes (WorkerDirectory *self)
{
  const char *const temporary_names[] = { self->temporary, WORKER_LONGEST_TEMPORARY_NAME };

  for (guint i = 0; i < G_N_ELEMENTS (temporary_names); i++)
    {
      g_autofree char *name = get_probe_name (temporary_names[i]);

      worker_directory_unlink (self, name);
    }
}
