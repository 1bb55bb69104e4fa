/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the temporary name to the final one, and what a crash leaves between the two. */

#include "worker-sink.h"

#include "ferry-error.h"
#include "worker-directory.h"
#include "worker-mode.h"
#include "worker-sink-error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Stage:
 * @STAGE_WHOLE: the temporary file is ours and whole, the target is not it
 * @STAGE_LINKED: both names are our file: linkat(2) was done, unlinkat(2) not
 * @STAGE_PUBLISHED: the target is our file, the temporary name is gone
 * @STAGE_LOST: our file is under neither name
 */
typedef enum
{
  STAGE_WHOLE,
  STAGE_LINKED,
  STAGE_PUBLISHED,
  STAGE_LOST,
} Stage;

typedef struct
{
  WorkerDirectory *directory; /* (owned) */
  WorkerResume resume;
  Stage stage;
  gboolean has_target;
  WorkerStat target;    /* valid when has_target */
  WorkerStat temporary; /* valid in STAGE_WHOLE and STAGE_LINKED */
} Publication;

static void
publication_clear (Publication *self)
{
  worker_directory_free (self->directory);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Publication, publication_clear)

/* == looking == */

/* Whether @file is the one of the store, and as long as it is there. */
static gboolean
is_whole (Publication *self, const WorkerStat *file, guint links)
{
  return worker_resume_compare_file (&self->resume, file, &self->directory->system, links) ==
             WORKER_LIKENESS_SAME &&
         file->size == self->resume.offset;
}

/* Whether the target has become our file, whatever else was done with it since. */
static gboolean
is_published (Publication *self)
{
  const WorkerStat *target = &self->target;

  if (!self->has_target)
    return FALSE;
  if (self->directory->system.invents_inodes)
    return is_whole (self, target, 1);
  return worker_resume_compare_file (&self->resume, target, &self->directory->system,
                                     target->links) >= WORKER_LIKENESS_SHORT;
}

/* Whether both names are one file, as between linkat(2) and unlinkat(2). */
static gboolean
is_linked (Publication *self)
{
  const WorkerStat *temporary = &self->temporary, *target = &self->target;

  if (!self->has_target)
    return FALSE;
  if (self->directory->system.invents_inodes)
    return is_whole (self, temporary, 2) && is_whole (self, target, 2);
  return target->inode == temporary->inode && target->device == temporary->device &&
         is_whole (self, temporary, temporary->links);
}

static Stage
find_stage (Publication *self, gboolean has_temporary)
{
  if (has_temporary && is_linked (self))
    return STAGE_LINKED;
  if (has_temporary && is_whole (self, &self->temporary, 1))
    return STAGE_WHOLE;
  return is_published (self) ? STAGE_PUBLISHED : STAGE_LOST;
}

static gboolean
publication_init (Publication *self, const char *path, const char *temporary_name, GVariant *dict,
                  GError **error)
{
  worker_resume_parse (dict, &self->resume);
  self->directory = worker_directory_open (path, temporary_name, &self->resume, error);
  return self->directory != NULL;
}

static gboolean
publication_look (Publication *self, GError **error)
{
  WorkerDirectory *directory = self->directory;
  g_auto (WorkerProbe) probe = WORKER_PROBE_INIT;
  int temporary = worker_stat_at (directory->fd, directory->temporary, &self->temporary);
  int target = worker_stat_at (directory->fd, directory->name, &self->target);
  int errsv = temporary != 0 && temporary != ENOENT ? temporary : target;

  if (errsv != 0 && errsv != ENOENT)
    {
      worker_sink_set_errno (error, errsv, "look at", directory->display);
      return FALSE;
    }

  self->has_target = target == 0;
  self->stage = find_stage (self, temporary == 0);
  if (self->stage != STAGE_LOST)
    return TRUE;

  /* In a locked encrypted directory no name is found. */
  if (temporary != 0 && worker_probe_open (&probe, directory, 0600) == ENOKEY)
    {
      worker_sink_set_errno (error, ENOKEY, "look at", directory->display);
      return FALSE;
    }

  g_set_error (
      error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_LOST,
      "The fetched bytes of %s are gone: its temporary file is not there, or not as it was",
      directory->display);
  return FALSE;
}

static void
set_target_exists (GError **error, WorkerDirectory *directory)
{
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS, "%s exists", directory->display);
}

/* Whether the target's name is free, or holds what may be replaced. */
static gboolean
check_target (Publication *self, gboolean replace, GError **error)
{
  if (!self->has_target)
    return TRUE;

  if (!replace)
    {
      set_target_exists (error, self->directory);
      return FALSE;
    }

  if (S_ISREG (self->target.mode))
    return TRUE;

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS, "%s is %s and is not replaced",
               self->directory->display, worker_kind_to_string (self->target.mode));
  return FALSE;
}

gboolean
worker_publish_check (const char *path, const char *temporary_name, GVariant *resume,
                      gboolean replace, GError **error)
{
  g_auto (Publication) self = { 0 };

  if (!publication_init (&self, path, temporary_name, resume, error) ||
      !publication_look (&self, error))
    return FALSE;

  if (self.stage == STAGE_PUBLISHED)
    return TRUE;

  if (faccessat (self.directory->fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
    {
      worker_sink_set_errno (error, errno, "write in the directory of", self.directory->display);
      return FALSE;
    }

  return self.stage == STAGE_LINKED || check_target (&self, replace, error);
}

/* == publishing == */

/* One of two names goes. In which order names reach the disk nobody says: first both must be there. Returns: 0 or an
 * errno */
static int
unlink_temporary (WorkerDirectory *directory, int fd)
{
  if (!worker_directory_sync (directory, fd, NULL))
    return EIO;
  return worker_directory_unlink (directory, directory->temporary);
}

/* Gives the file its name where rename(2) takes no flags. Returns: 0 or an errno */
static int
link_to_target (WorkerDirectory *directory, int fd)
{
  if (linkat (directory->fd, directory->temporary, directory->fd, directory->name, 0) == 0)
    return unlink_temporary (directory, fd);
  if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP && errno != EMLINK)
    return errno;

  /* No second links either (some FUSE file systems): nothing is left that cannot replace. The
   * target was absent a moment ago; look again as late as can be. */
  if (faccessat (directory->fd, directory->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return EEXIST;
  return renameat (directory->fd, directory->temporary, directory->fd, directory->name) == 0
             ? 0
             : errno;
}

/* Returns: 0 or an errno */
static int
give_name (WorkerDirectory *directory, int fd, gboolean replace)
{
  unsigned int flags = replace ? 0 : RENAME_NOREPLACE;

  if (renameat2 (directory->fd, directory->temporary, directory->fd, directory->name, flags) == 0)
    return 0;

  return !replace && (errno == EINVAL || errno == ENOSYS) ? link_to_target (directory, fd) : errno;
}

/* Final mode first, on disk before the name is: nobody sees the file with another. */
static gboolean
set_mode (Publication *self, int fd, guint32 mode, GError **error)
{
  gboolean changed;

  if (!worker_mode_apply (self->directory, fd, mode, &changed, error))
    return FALSE;

  if (!changed || TEMP_FAILURE_RETRY (fsync (fd)) == 0)
    return TRUE;

  worker_sink_set_errno (error, errno, "sync", self->directory->display);
  return FALSE;
}

static gboolean
move_to_target (Publication *self, int fd, gboolean replace, GError **error)
{
  WorkerDirectory *directory = self->directory;
  int errsv = 0;

  switch (self->stage)
    {
    case STAGE_WHOLE:
      errsv = give_name (directory, fd, replace);
      break;
    case STAGE_LINKED:
      errsv = unlink_temporary (directory, fd);
      break;
    case STAGE_PUBLISHED:
    case STAGE_LOST:
      break;
    }

  if (errsv == EEXIST)
    set_target_exists (error, directory);
  else if (errsv != 0)
    worker_sink_set_errno (error, errsv, "publish", directory->display);
  return errsv == 0;
}

/* The rest of a publication that a crash cut short. The file had its mode before its name, and its
 * owner may have changed it since. */
static gboolean
confirm_published (WorkerDirectory *directory, GError **error)
{
  int fd = -1;

  worker_directory_remove_probes (directory);
  if (!directory->can_sync)
    fd = openat (directory->fd, directory->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

  gboolean synced = worker_directory_sync (directory, fd, error);
  if (fd >= 0)
    close (fd);
  return synced;
}

gboolean
worker_publish (const char *path, const char *temporary_name, GVariant *resume, gboolean replace,
                guint32 mode, GError **error)
{
  g_auto (Publication) self = { 0 };

  if (!publication_init (&self, path, temporary_name, resume, error) ||
      !publication_look (&self, error) ||
      (self.stage == STAGE_WHOLE && !check_target (&self, replace, error)))
    return FALSE;

  if (self.stage == STAGE_PUBLISHED)
    return confirm_published (self.directory, error);

  int fd = worker_directory_open_temporary (self.directory, &self.temporary);
  if (fd < 0)
    {
      worker_sink_set_errno (error, errno, "open the temporary file of", self.directory->display);
      return FALSE;
    }

  worker_directory_remove_probes (self.directory);
  gboolean published = set_mode (&self, fd, mode, error) &&
                       move_to_target (&self, fd, replace, error) &&
                       worker_directory_sync (self.directory, fd, error);
  close (fd);
  return published;
}

/* == removing == */

gboolean
worker_remove (const char *path, const char *temporary_name, GVariant *dict, GError **error)
{
  g_auto (Publication) self = { 0 };

  /* Absent, unmounted or closed to us: there is nothing that could be removed now. */
  if (!publication_init (&self, path, temporary_name, dict, NULL))
    return TRUE;

  WorkerDirectory *directory = self.directory;
  worker_directory_remove_probes (directory);
  int errsv = worker_stat_at (directory->fd, directory->temporary, &self.temporary);
  if (errsv != 0)
    return errsv != ENOENT || worker_directory_sync_absence (directory, error);

  /* Under a name like this any regular file of our uid was made by us, whatever is known of its
   * inode; two links are fine when the other one is the target. */
  gboolean has_target = worker_stat_at (directory->fd, directory->name, &self.target) == 0 &&
                        self.target.inode == self.temporary.inode &&
                        self.target.device == self.temporary.device;
  if (worker_resume_compare_file (&self.resume, &self.temporary, &directory->system,
                                  has_target ? 2 : 1) == WORKER_LIKENESS_ALIEN)
    return TRUE;

  errsv = worker_directory_unlink (directory, directory->temporary);
  if (errsv == 0 || errsv == ENOENT)
    return worker_directory_sync (directory, -1, error);

  worker_sink_set_errno (error, errsv, "remove the temporary file of", directory->display);
  return FALSE;
}
