/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The final permissions of a file: what open(2) would have given it. */

#pragma once

#include "worker-directory.h"

G_BEGIN_DECLS

/**
 * worker_mode_apply:
 * @fd: a file that was made in @directory
 * @mode: the nine permission bits; others are left out
 * @changed: (out): whether anything had to be changed, so that it must be synced
 *
 * Gives @fd the mode and the ACL that open(2) with @mode and umask 0 would give a new file there.
 * Errors: DISK_FULL, NO_FILE_ACCESS, FILE_SYSTEM_ERROR.
 */
gboolean worker_mode_apply (WorkerDirectory *directory, int fd, guint32 mode, gboolean *changed,
                            GError **error);

G_END_DECLS
