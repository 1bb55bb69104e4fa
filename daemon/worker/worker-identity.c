/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-identity.h"

#include "ferry-worker-protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

int
worker_stat_at (int dirfd, const char *name, WorkerStat *stat)
{
  struct statx stx;
  int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name == '\0' ? AT_EMPTY_PATH : 0);

  if (statx (dirfd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &stx) != 0)
    return errno;

  *stat = (WorkerStat){
    .inode = stx.stx_ino,
    .device = makedev (stx.stx_dev_major, stx.stx_dev_minor),
    .size = stx.stx_size,
    .modification_time = stx.stx_mtime.tv_sec * G_GINT64_CONSTANT (1000000000) +
                         stx.stx_mtime.tv_nsec,
    .mode = stx.stx_mode,
    .uid = stx.stx_uid,
    .links = stx.stx_nlink,
  };
  if (stx.stx_mask & STATX_BTIME)
    stat->birth_time = stx.stx_btime.tv_sec * G_GINT64_CONSTANT (1000000000) +
                       stx.stx_btime.tv_nsec;
  return 0;
}

int
worker_file_system_get (int fd, WorkerFileSystem *file_system)
{
  struct statfs sfs;

  if (fstatfs (fd, &sfs) != 0)
    return errno;

  /* f_type is a signed long on some machines: no sign bits in front of a magic number. */
  file_system->type = (guint32) sfs.f_type;
  file_system->invents_inodes = file_system->type == FUSE_SUPER_MAGIC ||
                                file_system->type == MSDOS_SUPER_MAGIC ||
                                file_system->type == EXFAT_SUPER_MAGIC;
  G_STATIC_ASSERT (sizeof sfs.f_fsid == sizeof file_system->fsid);
  memcpy (&file_system->fsid, &sfs.f_fsid, sizeof file_system->fsid);
  return 0;
}

/* == the Resume dictionary == */

void
worker_resume_parse (GVariant *from, WorkerResume *resume)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (from);
  const char *boot = NULL;
  guint32 uid;

  memset (resume, 0, sizeof *resume);
  resume->uid = -1;

  g_variant_dict_lookup (&dict, "Offset", "t", &resume->offset);
  g_variant_dict_lookup (&dict, "Inode", "t", &resume->inode);
  g_variant_dict_lookup (&dict, "BirthTime", "x", &resume->birth_time);
  if (g_variant_dict_lookup (&dict, "Uid", "u", &uid))
    resume->uid = uid;

  g_variant_dict_lookup (&dict, FERRY_RESUME_NO_SYMLINKS, "b", &resume->no_symlinks);
  g_variant_dict_lookup (&dict, "DirectorySeen", "b", &resume->directory_seen);
  g_variant_dict_lookup (&dict, "DirectoryInode", "t", &resume->directory_inode);
  g_variant_dict_lookup (&dict, "DirectoryDevice", "t", &resume->directory_device);
  g_variant_dict_lookup (&dict, "DirectoryBirthTime", "x", &resume->directory_birth_time);
  g_variant_dict_lookup (&dict, "DirectoryFsid", "t", &resume->directory_system.fsid);
  g_variant_dict_lookup (&dict, "DirectoryType", "t", &resume->directory_system.type);
  if (g_variant_dict_lookup (&dict, "DirectoryBoot", "&s", &boot))
    g_strlcpy (resume->boot, boot, sizeof resume->boot);
}

/* The id of this boot, "" where /proc does not tell it. */
static const char *
get_boot_id (void)
{
  static char id[WORKER_BOOT_ID_SIZE];
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      g_autofree char *text = NULL;

      if (g_file_get_contents (BOOT_ID_PATH, &text, NULL, NULL))
        g_strlcpy (id, g_strchomp (text), sizeof id);
      g_once_init_leave (&once, 1);
    }

  return id;
}

void
worker_resume_add_directory (GVariantDict *dict, const WorkerStat *directory,
                             const WorkerFileSystem *system, gboolean no_symlinks)
{
  if (no_symlinks)
    g_variant_dict_insert (dict, FERRY_RESUME_NO_SYMLINKS, "b", TRUE);
  g_variant_dict_insert (dict, "DirectorySeen", "b", TRUE);
  g_variant_dict_insert (dict, "DirectoryInode", "t", directory->inode);
  g_variant_dict_insert (dict, "DirectoryDevice", "t", directory->device);
  g_variant_dict_insert (dict, "DirectoryBirthTime", "x", directory->birth_time);
  g_variant_dict_insert (dict, "DirectoryFsid", "t", system->fsid);
  g_variant_dict_insert (dict, "DirectoryType", "t", system->type);
  g_variant_dict_insert (dict, "DirectoryBoot", "s", get_boot_id ());
}

void
worker_resume_add_file (GVariantDict *dict, const WorkerStat *file, guint64 offset)
{
  g_variant_dict_insert (dict, "Offset", "t", offset);
  g_variant_dict_insert (dict, "Inode", "t", file->inode);
  g_variant_dict_insert (dict, "BirthTime", "x", file->birth_time);
  g_variant_dict_insert (dict, "Uid", "u", file->uid);
}

/* == comparing == */

/* File systems whose f_fsid (made up, or the block device's number) may be another after a boot. */
static gboolean
is_renewed_by_boot (guint64 type)
{
  return type == TMPFS_MAGIC || type == RAMFS_MAGIC || type == MSDOS_SUPER_MAGIC ||
         type == EXFAT_SUPER_MAGIC;
}

gboolean
worker_resume_is_same_place (const WorkerResume *resume, const WorkerStat *directory,
                             const WorkerFileSystem *system)
{
  const WorkerFileSystem *seen = &resume->directory_system;

  if (resume->directory_birth_time != 0 && resume->directory_birth_time == directory->birth_time &&
      resume->directory_inode == directory->inode)
    return TRUE;

  if (seen->fsid != 0 && seen->fsid == system->fsid)
    return TRUE;
  if (seen->fsid == 0 && system->fsid == 0)
    {
      if (resume->directory_device == directory->device)
        return TRUE;

      /* Without a device (NFS, FUSE) st_dev is a number drawn at each mount. */
      if (major (resume->directory_device) == 0 && major (directory->device) == 0)
        return seen->type == system->type;
    }

  return seen->type == system->type && is_renewed_by_boot (system->type) &&
         resume->boot[0] != '\0' && !g_str_equal (resume->boot, get_boot_id ());
}

WorkerLikeness
worker_resume_compare_file (const WorkerResume *resume, const WorkerStat *file,
                            const WorkerFileSystem *system, guint links)
{
  guint32 uid = resume->uid >= 0 ? (guint32) resume->uid : geteuid ();

  if (!S_ISREG (file->mode) || file->uid != uid || file->links != links)
    return WORKER_LIKENESS_ALIEN;

  if (!system->invents_inodes)
    {
      if (file->inode != resume->inode)
        return WORKER_LIKENESS_OTHER;
      if (file->birth_time != resume->birth_time && file->birth_time != 0 &&
          resume->birth_time != 0)
        return WORKER_LIKENESS_OTHER;
    }

  return file->size < resume->offset ? WORKER_LIKENESS_SHORT : WORKER_LIKENESS_SAME;
}
