/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A FUSE file system for tests: one flat directory shown at another place, without rename flags,
 * files without names and preallocation, as many network file systems are. It misbehaves while
 * files of these names are in the directory of rules: no-link, fail-write, fail-fsync,
 * fail-fsyncdir, fail-unlink, hide-target, locked (as an encrypted directory without its key).
 *
 *   odd-fs BACKING RULES MOUNT-POINT
 *
 * Says "ready" when it can be used; ends when it is unmounted. */

#define FUSE_USE_VERSION 31

#include <fuse.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int backing = -1;
static int rules = -1;

static int
is_ruled (const char *rule)
{
  return faccessat (rules, rule, F_OK, 0) == 0;
}

static const char *
below (const char *path)
{
  return path[1] == '\0' ? "." : path + 1;
}

static int
answer (long result)
{
  return result < 0 ? -errno : (int) result;
}

static void *
odd_init (struct fuse_conn_info *connection, struct fuse_config *config)
{
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  /* A removed file is gone at once, not hidden until it is closed. */
  config->hard_remove = config->nullpath_ok = 1;
  puts ("ready");
  fflush (stdout);
  return NULL;
}

static int
odd_getattr (const char *path, struct stat *st, struct fuse_file_info *file)
{
  if (file != NULL)
    return answer (fstat (file->fh, st));
  if ((strcmp (path, "/target") == 0 && is_ruled ("hide-target")) ||
      (path[1] != '\0' && is_ruled ("locked")))
    return -ENOENT;
  return answer (fstatat (backing, below (path), st, AT_SYMLINK_NOFOLLOW));
}

static int
odd_readdir (const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
             struct fuse_file_info *file, enum fuse_readdir_flags flags)
{
  int fd = openat (backing, ".", O_RDONLY | O_DIRECTORY);
  DIR *directory = fd >= 0 ? fdopendir (fd) : NULL;
  struct dirent *entry;

  if (directory == NULL)
    return -errno;
  while ((entry = readdir (directory)) != NULL)
    fill (buffer, entry->d_name, NULL, 0, 0);
  closedir (directory);
  return 0;
}

static int
odd_open (const char *path, struct fuse_file_info *file)
{
  int fd = openat (backing, below (path), file->flags & ~O_CREAT);

  if (fd < 0)
    return -errno;
  file->fh = fd;
  return 0;
}

static int
odd_create (const char *path, mode_t mode, struct fuse_file_info *file)
{
  int fd = -1;

  if (is_ruled ("locked"))
    errno = ENOKEY;
  else
    fd = openat (backing, below (path), file->flags | O_CREAT, mode);

  if (fd < 0)
    return -errno;
  file->fh = fd;
  return 0;
}

static int
odd_release (const char *path, struct fuse_file_info *file)
{
  return answer (close (file->fh));
}

static int
odd_read (const char *path, char *data, size_t size, off_t offset, struct fuse_file_info *file)
{
  return answer (pread (file->fh, data, size, offset));
}

static int
odd_write (const char *path, const char *data, size_t size, off_t offset,
           struct fuse_file_info *file)
{
  return is_ruled ("fail-write") ? -ENOSPC : answer (pwrite (file->fh, data, size, offset));
}

static int
odd_fsync (const char *path, int data_only, struct fuse_file_info *file)
{
  return is_ruled ("fail-fsync") ? -EIO : 0;
}

static int
odd_fsyncdir (const char *path, int data_only, struct fuse_file_info *file)
{
  return is_ruled ("fail-fsyncdir") ? -EIO : 0;
}

static int
odd_unlink (const char *path)
{
  return is_ruled ("fail-unlink") ? -EIO : answer (unlinkat (backing, below (path), 0));
}

static int
odd_link (const char *from, const char *to)
{
  return is_ruled ("no-link") ? -EPERM
                              : answer (linkat (backing, below (from), backing, below (to), 0));
}

static int
odd_rename (const char *from, const char *to, unsigned int flags)
{
  return flags != 0 ? -EINVAL : answer (renameat (backing, below (from), backing, below (to)));
}

static int
odd_truncate (const char *path, off_t size, struct fuse_file_info *file)
{
  int fd = file != NULL ? (int) file->fh : openat (backing, below (path), O_WRONLY);
  int result = fd < 0 ? -errno : answer (ftruncate (fd, size));

  if (file == NULL && fd >= 0)
    close (fd);
  return result;
}

static int
odd_chmod (const char *path, mode_t mode, struct fuse_file_info *file)
{
  return answer (file != NULL ? fchmod (file->fh, mode)
                              : fchmodat (backing, below (path), mode, 0));
}

static int
odd_statfs (const char *path, struct statvfs *sfs)
{
  return answer (fstatvfs (backing, sfs));
}

static const struct fuse_operations operations = {
  .init = odd_init,
  .getattr = odd_getattr,
  .readdir = odd_readdir,
  .open = odd_open,
  .create = odd_create,
  .release = odd_release,
  .read = odd_read,
  .write = odd_write,
  .fsync = odd_fsync,
  .fsyncdir = odd_fsyncdir,
  .unlink = odd_unlink,
  .link = odd_link,
  .rename = odd_rename,
  .truncate = odd_truncate,
  .chmod = odd_chmod,
  .statfs = odd_statfs,
};

int
main (int argc, char *argv[])
{
  char foreground[] = "-f", alone[] = "-s";
  char *arguments[] = { argv[0], foreground, alone, argc == 4 ? argv[3] : NULL, NULL };

  if (argc != 4)
    {
      fprintf (stderr, "usage: %s BACKING RULES MOUNT-POINT\n", argv[0]);
      return 2;
    }

  /* A test that is aborted unmounts nothing. */
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  umask (0);
  backing = open (argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
  rules = open (argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
  return backing < 0 || rules < 0 ? 1 : fuse_main (4, arguments, &operations, NULL);
}
