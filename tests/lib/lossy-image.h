/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a disk holds, and what it would hold after a power cut.
 *
 * Everything is there twice: as programs see it now, and as it was synced. The data and size of a file are synced by
 * fsync(2) and fdatasync(2) of it, its mode and owner by fsync(2) only, the names in a directory by fsync(2) of the
 * directory only. lossy_image_cut () decides, by the numbers of a seed, what else has reached the disk:
 *
 * - of a file's unsynced bytes any pages, each also torn at a sector, and any of the sizes it had;
 * - of a directory's unsynced changes none, all, the first few, or any of them in any order. A rename is one change.
 *
 * That is what POSIX allows and file systems in use do, and no more: what was synced stays as it was. */

#pragma once

#include <glib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

typedef struct _LossyImage LossyImage;
typedef struct _LossyInode LossyInode;

/**
 * LossyRights: what chmod(2) and chown(2) change.
 */
typedef struct
{
  mode_t mode; /* with the type of the file */
  uid_t uid;
  gid_t gid;
} LossyRights;

/* There is no end of it before that of the program. */
LossyImage *lossy_image_new (void);

/* The root directory has the number 1. Returns: (transfer none) (nullable) */
LossyInode *lossy_image_get (LossyImage *self, guint64 number);

/* These return 0 or an errno. */
int lossy_image_create (LossyImage *self, LossyInode *directory, const char *name,
                        const LossyRights *rights, LossyInode **inode);
int lossy_image_link (LossyImage *self, LossyInode *directory, const char *name, LossyInode *inode);
int lossy_image_unlink (LossyImage *self, LossyInode *directory, const char *name);
int lossy_image_rename (LossyImage *self, LossyInode *directory, const char *from, const char *to);

void lossy_image_sync (LossyImage *self);
/* 0, as at first: nothing that was not synced reaches the disk. */
void lossy_image_set_seed (LossyImage *self, guint32 seed);

/* Instead of chance: the last unsynced change of each directory, and nothing else, reaches the disk. */
void lossy_image_keep_last (LossyImage *self);

/* What was not synced is lost, save what chance has kept; the kernel's references are gone with the mount. */
void lossy_image_cut (LossyImage *self);

/* Returns: (transfer none) (nullable) */
LossyInode *lossy_inode_lookup (LossyInode *directory, const char *name);
/* Returns: (transfer container): sorted */
GList *lossy_inode_list (LossyInode *directory);

void lossy_inode_ref (LossyInode *self);
void lossy_inode_unref (LossyInode *self, guint64 references);

void lossy_inode_get_stat (LossyInode *self, struct stat *st);
void lossy_inode_set_rights (LossyInode *self, const LossyRights *rights);
void lossy_inode_set_times (LossyInode *self, const struct timespec *modified);
void lossy_inode_write (LossyInode *self, const char *data, gsize size, guint64 offset);
void lossy_inode_resize (LossyInode *self, guint64 size);
/* Returns: (transfer none): @size bytes, or what is there of them */
const char *lossy_inode_read (LossyInode *self, gsize *size, guint64 offset);
void lossy_inode_sync (LossyInode *self, gboolean data_only);
