/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of the user's that are read whole, and once. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * worker_small_file_open:
 *
 * By a link too: many keep such files elsewhere. What is no plain file does not hold us up; whoever calls looks whether it is one.
 *
 * Returns: a descriptor for reading, -1 with errno
 */
int worker_small_file_open (const char *path);

/** Blocks. Returns: bytes, fewer than @size of a file that is shorter; -1 with errno */
gssize worker_small_file_read (int fd, char *buffer, gsize size);

G_END_DECLS
