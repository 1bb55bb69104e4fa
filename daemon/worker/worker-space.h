/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Room on a disk: asked for, and taken ahead of the bytes. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* How far ahead of the bytes room is taken. */
#define WORKER_SPACE_STEP (256 * G_GUINT64_CONSTANT (1048576))

/**
 * worker_space_check:
 * @fd: a file on the disk
 * @missing: bytes that are to be written
 *
 * Fails with DISK_FULL unless there is room for @missing and 1 % more. A file system that does not
 * tell its room passes.
 */
gboolean worker_space_check (int fd, guint64 missing, const char *display, GError **error);

/**
 * worker_space_take:
 *
 * Takes room for the bytes from @from to @to, the file's size stays as it is.
 *
 * Returns: 0, or an errno (EOPNOTSUPP where this cannot be done, whatever the file system calls it)
 */
int worker_space_take (int fd, guint64 from, guint64 to);

G_END_DECLS
