/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The second copy of the store, made page by page while nothing else is to be written. */

#pragma once

#include "ferry-db.h"

G_BEGIN_DECLS

typedef struct _FerryBackup FerryBackup;

/**
 * ferry_backup_new:
 * @handle: the store; must outlive it
 * @path: where the copy is to be
 *
 * The copy grows under another name and takes @path only when it is whole and synced.
 *
 * Returns: (transfer full) (nullable): %NULL with #FERRY_DB_ERROR
 */
FerryBackup *ferry_backup_new (sqlite3 *handle, const char *path, GError **error);

/** Throws an unfinished copy away; %NULL is fine. */
void ferry_backup_free (FerryBackup *self);

/**
 * ferry_backup_step:
 * @done: (out): whether the copy is in its place
 *
 * Copies a bit more. What @handle writes in between is in the copy too.
 */
gboolean ferry_backup_step (FerryBackup *self, gboolean *done, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryBackup, ferry_backup_free)

G_END_DECLS
