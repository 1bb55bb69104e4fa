/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-sink.h"

#include "ferry-worker-protocol.h"
#include "worker-directory.h"
#include "worker-mode.h"
#include "worker-sink-error.h"
#include "worker-space.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define CHECKPOINT_BYTES (64 * G_GUINT64_CONSTANT (1048576))
#define CHECKPOINT_USEC  (5 * G_USEC_PER_SEC)

/* Written bytes are handed to the disk in pieces of this size, so that a checkpoint finds little
 * left to wait for. */
#define WRITE_BACK_BYTES (8 * G_GUINT64_CONSTANT (1048576))

/* What is missing must be at least this before room is taken for it: small files are written in
 * one go anyway, and taking and cutting would cost them more than it gives. */
#define TAKE_MINIMUM G_GUINT64_CONSTANT (1048576)

struct _WorkerSink
{
  WorkerDirectory *directory; /* (owned) */
  int fd;                     /* (owned) */
  WorkerStat stat;            /* of the file when it was opened */

  guint64 position;
  guint64 durable;
  guint64 handed_over; /* start of what sync_file_range has not seen */
  guint64 taken;       /* end of the room taken ahead */
  guint64 total;       /* FERRY_SIZE_UNKNOWN when not known */

  gboolean can_take;       /* fallocate works here */
  gboolean is_cut;         /* nothing can be allocated behind the position */
  gboolean is_synced;      /* the file is on disk as it is */
  gboolean is_name_synced; /* the directory is, since the file was created */
  gint64 checkpoint_time;  /* boot time of the last one, microseconds */
  GError *failure;         /* (owned) (nullable) what made this sink useless */
};

static gint64
get_boot_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_BOOTTIME, &now);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* == failing == */

static gboolean
check_usable (WorkerSink *self, GError **error)
{
  if (self->failure != NULL && error != NULL)
    *error = g_error_copy (self->failure);
  return self->failure == NULL;
}

/* Takes @failure: from now on every call fails with it. Returns: FALSE */
static gboolean
fail (WorkerSink *self, GError *failure, GError **error)
{
  self->failure = failure;
  return check_usable (self, error);
}

static gboolean
fail_errno (WorkerSink *self, int errsv, const char *what, GError **error)
{
  GError *failure = NULL;

  /* A disk that was pulled out or unmounted by force says no more than this. */
  if (errsv == EIO && worker_directory_is_gone (self->directory))
    errsv = ENODEV;

  worker_sink_set_errno (&failure, errsv, what, self->directory->display);
  return fail (self, failure, error);
}

static GError *
new_not_ours (WorkerDirectory *directory, const char *problem)
{
  return g_error_new (WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS, "The temporary file of %s %s",
                      directory->display, problem);
}

/* == opening == */

/* Removes what a crash may have left of us under the temporary name. Returns: 0 or an errno, EEXIST
 * for what is not ours. */
static int
remove_leftover (WorkerDirectory *directory, const WorkerResume *resume)
{
  WorkerStat found;
  int errsv = worker_stat_at (directory->fd, directory->temporary, &found);

  if (errsv != 0)
    return errsv == ENOENT ? 0 : errsv;

  if (worker_resume_compare_file (resume, &found, &directory->system, 1) == WORKER_LIKENESS_ALIEN)
    return EEXIST;

  return worker_directory_unlink (directory, directory->temporary);
}

static gboolean
create_file (WorkerSink *self, const WorkerResume *resume, GError **error)
{
  int errsv = 0;

  self->fd = worker_directory_create (self->directory);
  if (self->fd < 0 && errno == EEXIST)
    {
      errsv = remove_leftover (self->directory, resume);
      if (errsv == 0)
        self->fd = worker_directory_create (self->directory);
    }
  if (self->fd < 0 && errsv == 0)
    errsv = errno;
  if (errsv == 0)
    errsv = worker_stat_at (self->fd, "", &self->stat);

  if (errsv == EEXIST)
    g_propagate_error (error, new_not_ours (self->directory, "is another's"));
  else if (errsv != 0)
    worker_sink_set_errno (error, errsv, "create the temporary file of", self->directory->display);

  self->is_cut = TRUE;
  return errsv == 0;
}

/* Goes on at the committed offset. Returns: 0 or an errno */
static int
reopen_file (WorkerSink *self, const WorkerResume *resume, const WorkerStat *found)
{
  self->fd = worker_directory_open_temporary (self->directory, found);
  if (self->fd < 0)
    return errno;

  /* Cut even at the right size: it gives back room that was taken ahead of a crash. */
  if (TEMP_FAILURE_RETRY (ftruncate (self->fd, resume->offset)) != 0)
    return errno;

  self->stat = *found;
  self->position = self->durable = self->handed_over = resume->offset;
  self->is_cut = self->is_synced = self->is_name_synced = TRUE;
  return 0;
}

/* Reopens the file that @resume tells of; @lost when it is not there as it was. */
static gboolean
reopen_or_lose (WorkerSink *self, const WorkerResume *resume, gboolean *lost, GError **error)
{
  WorkerDirectory *directory = self->directory;
  WorkerStat found;
  WorkerLikeness likeness = WORKER_LIKENESS_SHORT;
  int errsv = worker_stat_at (directory->fd, directory->temporary, &found);

  if (errsv == 0)
    likeness = worker_resume_compare_file (resume, &found, &directory->system, 1);
  else if (errsv != ENOENT)
    {
      worker_sink_set_errno (error, errsv, "look at the temporary file of", directory->display);
      return FALSE;
    }

  switch (likeness)
    {
    case WORKER_LIKENESS_SAME:
      errsv = reopen_file (self, resume, &found);
      if (errsv != 0)
        worker_sink_set_errno (error, errsv, "reopen the temporary file of", directory->display);
      return errsv == 0;

    case WORKER_LIKENESS_SHORT:
      /* Where a new file cannot be told from the lost one, a crash could join bytes of both: the
       * store may name the old offset for a while. */
      *lost = TRUE;
      if (!directory->system.invents_inodes)
        return TRUE;
      if (errsv == 0)
        worker_directory_unlink (directory, directory->temporary);
      g_propagate_error (error, new_not_ours (directory, "was lost"));
      return FALSE;

    case WORKER_LIKENESS_ALIEN:
    case WORKER_LIKENESS_OTHER:
      g_propagate_error (error, new_not_ours (directory, "is another file than it was"));
      return FALSE;
    }

  g_assert_not_reached ();
}

WorkerSink *
worker_sink_open (const char *path, const char *temporary_name, GVariant *dict, gboolean *restarted,
                  GError **error)
{
  g_autoptr (WorkerSink) self = g_new0 (WorkerSink, 1);
  WorkerResume resume;
  gboolean lost = FALSE;

  *restarted = FALSE;
  worker_resume_parse (dict, &resume);
  self->fd = -1;
  self->total = FERRY_SIZE_UNKNOWN;
  self->can_take = TRUE;
  self->checkpoint_time = get_boot_time ();

  self->directory = worker_directory_open (path, temporary_name, &resume, error);
  if (self->directory == NULL)
    return NULL;

  if (resume.offset > 0 && !reopen_or_lose (self, &resume, &lost, error))
    return NULL;

  /* A lost file that is too short keeps its inode until the new one has its own: the number is
   * what tells them apart. */
  int old = lost ? openat (self->directory->fd, temporary_name, O_PATH | O_NOFOLLOW | O_CLOEXEC)
                 : -1;
  gboolean opened = self->fd >= 0 || create_file (self, &resume, error);
  if (old >= 0)
    close (old);
  if (!opened)
    return NULL;

  *restarted = lost;
  return g_steal_pointer (&self);
}

void
worker_sink_free (WorkerSink *self)
{
  if (self == NULL)
    return;

  /* What close(2) could report is behind the durable offset, and that is not trusted anyway. */
  if (self->fd >= 0)
    close (self->fd);
  g_clear_pointer (&self->directory, worker_directory_free);
  g_clear_error (&self->failure);
  g_free (self);
}

guint64
worker_sink_get_position (WorkerSink *self)
{
  return self->position;
}

guint64
worker_sink_get_durable (WorkerSink *self)
{
  return self->durable;
}

/* == writing == */

gboolean
worker_sink_expect (WorkerSink *self, guint64 total, GError **error)
{
  guint64 held = MAX (self->position, self->taken);

  if (!check_usable (self, error))
    return FALSE;

  if (total != FERRY_SIZE_UNKNOWN && total > held &&
      !worker_space_check (self->fd, total - held, self->directory->display, error))
    return FALSE;

  self->total = total;
  return TRUE;
}

/* Takes room for the next @size bytes and some more. When there is none nothing is damaged, so
 * that the caller can still write a checkpoint. */
static gboolean
take_room (WorkerSink *self, gsize size, GError **error)
{
  guint64 from = MAX (self->position, self->taken);

  if (!self->can_take || self->total == FERRY_SIZE_UNKNOWN ||
      self->position + size <= self->taken || self->total <= from ||
      (self->taken == 0 && self->total - from < TAKE_MINIMUM))
    return TRUE;

  guint64 to = from + MIN (self->total - from, WORKER_SPACE_STEP);
  int errsv = worker_space_take (self->fd, from, to);

  switch (errsv)
    {
    case 0:
      self->taken = to;
      self->is_cut = FALSE;
      return TRUE;

    case ENOSPC:
    case EDQUOT:
      worker_sink_set_errno (error, errsv, "take room for", self->directory->display);
      return FALSE;

    default:
      self->can_take = FALSE;
      return TRUE;
    }
}

static void
start_write_back (WorkerSink *self)
{
  guint64 size = self->position - self->handed_over;

  if (size < WRITE_BACK_BYTES)
    return;

  /* A hint: what fails here is told by fdatasync(2). */
  sync_file_range (self->fd, self->handed_over, size, SYNC_FILE_RANGE_WRITE);
  self->handed_over = self->position;
}

gboolean
worker_sink_write (WorkerSink *self, gconstpointer data, gsize size, GError **error)
{
  const char *next = data;

  if (!check_usable (self, error) || !take_room (self, size, error))
    return FALSE;

  while (size > 0)
    {
      ssize_t written = TEMP_FAILURE_RETRY (pwrite (self->fd, next, size, self->position));

      if (written <= 0)
        return fail_errno (self, written < 0 ? errno : EIO, "write", error);

      self->is_synced = FALSE;
      self->position += written;
      next += written;
      size -= written;
    }

  start_write_back (self);
  return TRUE;
}

/* == checkpoints == */

/* Someone may remove the file under our hands: its bytes would go on to an inode without name. */
static gboolean
check_has_name (WorkerSink *self, GError **error)
{
  WorkerStat now;
  int errsv = worker_stat_at (self->fd, "", &now);

  /* Network and FUSE file systems know nothing of files without names. */
  if (errsv != 0 && errsv != ENOENT && errsv != ESTALE)
    return fail_errno (self, errsv, "look at the temporary file of", error);
  if (errsv != 0 || now.links == 0)
    return fail (self, new_not_ours (self->directory, "was removed"), error);
  return TRUE;
}

static gboolean
sync_bytes (WorkerSink *self, GError **error)
{
  if (!self->is_synced && TEMP_FAILURE_RETRY (fdatasync (self->fd)) != 0)
    return fail_errno (self, errno, "sync", error);
  self->is_synced = TRUE;
  return TRUE;
}

static gboolean
sync_name (WorkerSink *self, GError **error)
{
  GError *failure = NULL;

  if (!self->is_name_synced && !worker_directory_sync (self->directory, self->fd, &failure))
    return fail (self, failure, error);
  self->is_name_synced = TRUE;
  return TRUE;
}

/* Returns: TRUE */
static gboolean
note_durable (WorkerSink *self)
{
  self->durable = self->handed_over = self->position;
  self->checkpoint_time = get_boot_time ();
  return TRUE;
}

gboolean
worker_sink_checkpoint (WorkerSink *self, GError **error)
{
  if (!check_usable (self, error))
    return FALSE;

  if (self->position == self->durable)
    {
      self->checkpoint_time = get_boot_time ();
      return TRUE;
    }

  return check_has_name (self, error) && sync_bytes (self, error) && sync_name (self, error) &&
         note_durable (self);
}

gboolean
worker_sink_wants_checkpoint (WorkerSink *self)
{
  guint64 pending = self->position - self->durable;

  return pending >= CHECKPOINT_BYTES ||
         (pending > 0 && get_boot_time () - self->checkpoint_time >= CHECKPOINT_USEC);
}

/* Nothing is to be written any more. */
static gboolean
cut (WorkerSink *self, GError **error)
{
  if (!check_usable (self, error))
    return FALSE;

  if (!self->is_cut)
    {
      if (TEMP_FAILURE_RETRY (ftruncate (self->fd, self->position)) != 0)
        return fail_errno (self, errno, "cut", error);
      self->is_cut = TRUE;
      self->is_synced = FALSE;
      self->taken = 0;
    }

  return check_has_name (self, error);
}

gboolean
worker_sink_finish (WorkerSink *self, GError **error)
{
  return cut (self, error) && sync_bytes (self, error) && sync_name (self, error) &&
         note_durable (self);
}

gboolean
worker_sink_finish_for_publication (WorkerSink *self, guint32 mode, GError **error)
{
  gboolean changed = FALSE;

  if (!cut (self, error))
    return FALSE;

  /* What is wrong with the mode the publication will say. */
  worker_mode_apply (self->directory, self->fd, mode, &changed, NULL);
  if (changed && TEMP_FAILURE_RETRY (fsync (self->fd)) != 0)
    return fail_errno (self, errno, "sync", error);
  self->is_synced |= changed;
  return sync_bytes (self, error) && note_durable (self);
}

/* == starting over == */

/* Puts a new file in the place of ours. The store may go on to name the old one's offset for a
 * while; after a crash the new inode number tells that its bytes are others. */
static gboolean
replace_file (WorkerSink *self, GError **error)
{
  WorkerDirectory *directory = self->directory;
  WorkerResume current = { .inode = self->stat.inode,
                           .birth_time = self->stat.birth_time,
                           .uid = self->stat.uid };
  WorkerStat found;
  int errsv = worker_stat_at (directory->fd, directory->temporary, &found);

  if (errsv == 0 &&
      worker_resume_compare_file (&current, &found, &directory->system, 1) < WORKER_LIKENESS_SHORT)
    return fail (self, new_not_ours (directory, "is another file than it was"), error);
  if (errsv == 0)
    errsv = worker_directory_unlink (directory, directory->temporary);
  if (errsv != 0 && errsv != ENOENT)
    return fail_errno (self, errsv, "remove the temporary file of", error);
  if (directory->system.invents_inodes)
    return fail (self, new_not_ours (directory, "needs another name to start over"), error);

  /* The old descriptor stays open until the new file has its inode number. */
  int old = self->fd;
  GError *failure = NULL;
  gboolean created = create_file (self, &current, &failure);
  close (old);
  self->is_name_synced = FALSE;
  return created || fail (self, failure, error);
}

gboolean
worker_sink_restart (WorkerSink *self, GError **error)
{
  if (!check_usable (self, error))
    return FALSE;

  gboolean is_replaced = self->durable > 0;
  self->position = self->durable = self->handed_over = self->taken = 0;
  self->total = FERRY_SIZE_UNKNOWN;
  self->is_synced = FALSE;

  if (is_replaced)
    return replace_file (self, error);

  /* No offset of this file was ever committed. */
  if (TEMP_FAILURE_RETRY (ftruncate (self->fd, 0)) != 0)
    return fail_errno (self, errno, "cut", error);
  self->is_cut = TRUE;
  return TRUE;
}

/* == the rest == */

gssize
worker_sink_read (WorkerSink *self, guint64 offset, gpointer buffer, gsize size, GError **error)
{
  if (!check_usable (self, error))
    return -1;

  gssize got = TEMP_FAILURE_RETRY (pread (self->fd, buffer, size, offset));
  if (got < 0)
    worker_sink_set_errno (error, errno, "read back", self->directory->display);
  return got;
}

void
worker_sink_add_resume (WorkerSink *self, GVariantDict *dict)
{
  worker_resume_add_directory (dict, &self->directory->stat, &self->directory->system,
                               self->directory->no_symlinks);
  worker_resume_add_file (dict, &self->stat, self->durable);
}
