/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-view.h"

#include "ferry-error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
open_in_root (int root, const char *path)
{
  struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

  return TEMP_FAILURE_RETRY ((int) syscall (SYS_openat2, root, path, &how, sizeof how));
}

/* Whether the directory under @root, the caller's root directory, is @ours. */
static gboolean
is_same_view (int root, const char *path, const WorkerStat *ours)
{
  g_autofree char *parent = g_path_get_dirname (path);
  WorkerStat theirs;
  int fd = open_in_root (root, parent);

  /* Only a clear answer counts: where we may not look, the path is the host's. */
  if (fd < 0)
    return errno != ENOENT && errno != ENOTDIR && errno != ELOOP;

  gboolean same = worker_stat_at (fd, "", &theirs) != 0 ||
                  (theirs.inode == ours->inode && theirs.device == ours->device);
  close (fd);
  return same;
}

gboolean
worker_view_check (WorkerDirectory *directory, const char *path, GPid pid, GError **error)
{
  char proc[64];

  g_snprintf (proc, sizeof proc, "/proc/%d/root", (int) pid);
  int root = TEMP_FAILURE_RETRY (open (proc, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root < 0)
    return TRUE;

  gboolean is_flatpak = faccessat (root, ".flatpak-info", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  gboolean is_same = is_flatpak || is_same_view (root, path, &directory->stat);
  close (root);

  if (is_flatpak)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                 "%s is a path inside of a Flatpak sandbox; paths here are paths of the host",
                 directory->display);
  else if (!is_same)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                 "The directory of %s is another one for the caller, who runs in a container or "
                 "has a private /tmp; paths here are paths of the host",
                 directory->display);
  return !is_flatpak && is_same;
}
