/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked into a worker of the tests: FUSE calls itself ext4. lossy-fs keeps its inode numbers, unlike FUSE file systems
 * in general, so that the worker can be seen to rely on them as it does on a real disk. */

#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Comes before the C library's. */
int
fstatfs (int fd, struct statfs *sfs)
{
  int result = (int) syscall (SYS_fstatfs, fd, sfs);

  if (result == 0 && sfs->f_type == FUSE_SUPER_MAGIC)
    {
      sfs->f_type = EXT4_SUPER_MAGIC;
      sfs->f_fsid.__val[0] = 1;
    }
  return result;
}
