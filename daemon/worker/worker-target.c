/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be known of a target before its first byte. */

#include "worker-sink.h"

#include "ferry-error.h"
#include "worker-directory.h"
#include "worker-sink-error.h"
#include "worker-view.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* == the names == */

/* A sticky directory lets only their owners replace files. Root's worker has no capabilities. */
static gboolean
is_kept_by_sticky (WorkerDirectory *directory, const WorkerStat *target)
{
  uid_t uid = geteuid ();

  return (directory->stat.mode & S_ISVTX) && directory->stat.uid != uid && target->uid != uid;
}

static gboolean
check_target_name (WorkerDirectory *directory, gboolean may_exist, GError **error)
{
  WorkerStat target;
  int errsv = worker_stat_at (directory->fd, directory->name, &target);

  if (errsv == ENOENT)
    return TRUE;

  if (errsv == ENAMETOOLONG)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                 "The name of %s is too long for its directory: %" G_GSIZE_FORMAT " bytes",
                 directory->display, strlen (directory->name));
  else if (errsv != 0)
    worker_sink_set_errno (error, errsv, "look at", directory->display);
  else if (!S_ISREG (target.mode))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS, "%s is %s", directory->display,
                 worker_kind_to_string (target.mode));
  else if (!may_exist)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS, "%s exists", directory->display);
  else if (is_kept_by_sticky (directory, &target))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                 "%s belongs to another user and its directory is sticky", directory->display);
  else
    return TRUE;
  return FALSE;
}

/* == directories that were written to just now ==
 *
 * Two hundred files for one directory need not make two hundred inodes to see that it can be written. What the kernel's
 * own check of permissions says (mounts, ACLs and flags included) is asked every time. */

#define RECENT      8
#define RECENT_TIME (5 * G_USEC_PER_SEC)

typedef struct
{
  guint64 device;
  guint64 inode;
  gint64 time; /* monotonic µs of the probe */
} RecentProbe;

G_LOCK_DEFINE_STATIC (recent);
static RecentProbe recent[RECENT];
static guint next_recent;

static gboolean
was_probed_just_now (WorkerDirectory *directory)
{
  gint64 oldest = g_get_monotonic_time () - RECENT_TIME;
  gboolean found = FALSE;

  if (faccessat (directory->fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
    return FALSE;

  G_LOCK (recent);
  for (guint i = 0; i < RECENT && !found; i++)
    found = recent[i].time > oldest && recent[i].device == directory->stat.device &&
            recent[i].inode == directory->stat.inode;
  G_UNLOCK (recent);
  return found;
}

static void
note_probe (WorkerDirectory *directory)
{
  G_LOCK (recent);
  recent[next_recent] = (RecentProbe){
    .device = directory->stat.device,
    .inode = directory->stat.inode,
    .time = g_get_monotonic_time (),
  };
  next_recent = (next_recent + 1) % RECENT;
  G_UNLOCK (recent);
}

static gboolean
check_can_create (WorkerDirectory *directory, GError **error)
{
  g_auto (WorkerProbe) probe = WORKER_PROBE_INIT;
  WorkerStat temporary;
  int errsv = worker_stat_at (directory->fd, directory->temporary, &temporary);

  if ((errsv == 0 || errsv == ENOENT) && was_probed_just_now (directory))
    return TRUE;
  if (errsv == 0 || errsv == ENOENT)
    errsv = worker_probe_open (&probe, directory, 0600);
  if (errsv == 0)
    note_probe (directory);

  /* A full disk is nothing to refuse a job for: it waits until there is room. EEXIST: another
   * check is just trying the same. */
  if (errsv == 0 || errsv == ENOSPC || errsv == EDQUOT || errsv == EEXIST)
    return TRUE;

  worker_sink_set_errno (error, errsv, "create a file in the directory of", directory->display);
  return FALSE;
}

static GVariant *
check_target (const char *path, const char *temporary_name, GPid pid, gboolean may_exist,
              gboolean no_symlinks, GError **error)
{
  const WorkerResume known = { .uid = -1, .no_symlinks = no_symlinks };
  g_autoptr (WorkerDirectory)
      directory = worker_directory_open (path, temporary_name, &known, error);
  g_auto (GVariantDict) resume = G_VARIANT_DICT_INIT (NULL);

  if (directory == NULL || (pid != 0 && !worker_view_check (directory, path, pid, error)) ||
      !check_target_name (directory, may_exist, error) || !check_can_create (directory, error))
    return NULL;

  worker_resume_add_directory (&resume, &directory->stat, &directory->system, no_symlinks);
  return g_variant_ref_sink (g_variant_dict_end (&resume));
}

GVariant *
worker_target_check (const char *path, const char *temporary_name, GPid pid, gboolean may_exist,
                     gboolean no_symlinks, GError **error)
{
  GVariant *resume = check_target (path, temporary_name, pid, may_exist, no_symlinks, error);

  if (resume == NULL)
    worker_sink_deny_destination (error);
  return resume;
}
