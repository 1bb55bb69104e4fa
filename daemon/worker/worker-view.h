/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the one who asks sees under a path: in a container or with a /tmp of his own it may be another file. */

#pragma once

#include "worker-directory.h"

G_BEGIN_DECLS

/**
 * worker_view_check:
 * @directory: of @path, as we see it
 * @path: (type filename): absolute
 * @pid: the caller's process
 *
 * Paths are paths of the host: a caller who lives elsewhere would look for his file in vain, or have another one sent than
 * he means.
 *
 * Returns: %FALSE with NO_FILE_ACCESS when the caller clearly sees another directory there
 */
gboolean worker_view_check (WorkerDirectory *directory, const char *path, GPid pid, GError **error);

G_END_DECLS
