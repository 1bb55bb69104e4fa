/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-space.h"

#include "ferry-error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

gboolean
worker_space_check (int fd, guint64 missing, const char *display, GError **error)
{
  struct statvfs sfs;
  guint64 available, needed;

  /* What cannot be known here is seen at the first write that finds no room. */
  if (missing == 0 || fstatvfs (fd, &sfs) != 0 || sfs.f_blocks == 0)
    return TRUE;

  if (!g_uint64_checked_mul (&available, sfs.f_bavail, sfs.f_frsize))
    available = G_MAXUINT64;
  if (!g_uint64_checked_add (&needed, missing, missing / 100))
    needed = G_MAXUINT64;
  if (available >= needed)
    return TRUE;

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_DISK_FULL,
               "The disk of %s has %" G_GUINT64_FORMAT " bytes free and needs %" G_GUINT64_FORMAT,
               display, available, needed);
  return FALSE;
}

int
worker_space_take (int fd, guint64 from, guint64 to)
{
  /* fallocate(2), not posix_fallocate(3): that one writes zeros where the file system cannot. */
  if (TEMP_FAILURE_RETRY (fallocate (fd, FALLOC_FL_KEEP_SIZE, from, to - from)) == 0)
    return 0;

  return errno == ENOSYS || errno == EINVAL ? EOPNOTSUPP : errno;
}
