/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tells one file or directory from another, now and after a restart of the machine. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WorkerStat:
 * @birth_time: nanoseconds since the epoch, 0 where the file system does not tell it
 * @modification_time: nanoseconds since the epoch
 * @mode: type and permissions, as st_mode
 */
typedef struct
{
  guint64 inode;
  guint64 device;
  guint64 size;
  gint64 birth_time;
  gint64 modification_time;
  guint32 mode;
  guint32 uid;
  guint32 links;
} WorkerStat;

/**
 * worker_stat_at:
 * @dirfd: a directory, or any file when @name is ""
 * @name: (type filename): a name in @dirfd; a symbolic link is not followed
 *
 * Returns: 0, or an errno
 */
int worker_stat_at (int dirfd, const char *name, WorkerStat *stat);

/**
 * WorkerFileSystem:
 * @type: f_type of statfs(2)
 * @fsid: its f_fsid, 0 where there is none
 * @invents_inodes: inode numbers are made up at each mount and name nothing that lasts (FUSE, FAT)
 */
typedef struct
{
  guint64 type;
  guint64 fsid;
  gboolean invents_inodes;
} WorkerFileSystem;

/** Returns: 0, or an errno */
int worker_file_system_get (int fd, WorkerFileSystem *file_system);

/* Bytes of WorkerResume.boot, NUL included. */
#define WORKER_BOOT_ID_SIZE 37

/**
 * WorkerResume:
 *
 * The part of a `Resume` dictionary (ferry-worker-protocol.h) that is about files. Numbers that
 * are not known are 0.
 */
typedef struct
{
  guint64 offset;
  guint64 inode;
  gint64 birth_time;
  gint64 uid; /* as the file system shows it, -1 = ours (some show another: NFS, FAT) */

  gboolean
      no_symlinks; /* none is followed on the way to the directory: somebody else chose the path */
  gboolean directory_seen;
  guint64 directory_inode;
  guint64 directory_device;
  gint64 directory_birth_time;
  WorkerFileSystem directory_system;
  char boot[WORKER_BOOT_ID_SIZE]; /* boot in which the directory was seen, "" = not known */
} WorkerResume;

/**
 * worker_resume_parse:
 * @dict: (nullable): a{sv}; keys of another type count as absent
 */
void worker_resume_parse (GVariant *dict, WorkerResume *resume);

/** Adds the keys that are about the directory. */
void worker_resume_add_directory (GVariantDict *dict, const WorkerStat *directory,
                                  const WorkerFileSystem *system, gboolean no_symlinks);

/** Adds the keys that are about the temporary file, @offset being its durable bytes. */
void worker_resume_add_file (GVariantDict *dict, const WorkerStat *file, guint64 offset);

/**
 * worker_resume_is_same_place:
 *
 * Whether a directory is on the file system where the one of @resume was seen: the very same
 * directory, or the same f_fsid (st_dev where there is none; it was made anew then, and that is
 * fine). What a restart of the machine renews by itself is not compared across one.
 */
gboolean worker_resume_is_same_place (const WorkerResume *resume, const WorkerStat *directory,
                                      const WorkerFileSystem *system);

/**
 * WorkerLikeness:
 * @WORKER_LIKENESS_ALIEN: not a regular file of our uid with as many links as it should have
 * @WORKER_LIKENESS_OTHER: another file than the one that is named: its bytes prove nothing
 * @WORKER_LIKENESS_SHORT: that file, but committed bytes are missing
 * @WORKER_LIKENESS_SAME: that file
 */
typedef enum
{
  WORKER_LIKENESS_ALIEN,
  WORKER_LIKENESS_OTHER,
  WORKER_LIKENESS_SHORT,
  WORKER_LIKENESS_SAME,
} WorkerLikeness;

/**
 * worker_resume_compare_file:
 * @links: how many links it should have
 *
 * Compares @file with the temporary file that @resume tells of. Where inode numbers are invented
 * only type, uid, links and size are compared.
 */
WorkerLikeness worker_resume_compare_file (const WorkerResume *resume, const WorkerStat *file,
                                           const WorkerFileSystem *system, guint links);

G_END_DECLS
