/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The temporary files of all jobs, for whoever takes Ferry off a machine: afterwards nobody knows of them. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * ferry_temporary_files_list:
 * @state_directory: (type filename)
 *
 * Names what may lie beside the targets of unfinished jobs, and what is still to be removed of others. Blocks; no ferryd
 * may have the store open.
 *
 * Each file is five fields, each ended by a NUL: uid of its owner, his user name ("" = any), inode of the directory,
 * inode of the file (0 = not known, or of no use there), path.
 *
 * Returns: (transfer full) (nullable): %NULL with FERRY_ERROR_STORE_FAILED
 */
GBytes *ferry_temporary_files_list (const char *state_directory, GError **error);

G_END_DECLS
