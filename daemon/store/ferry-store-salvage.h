/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done with a damaged store: it is set aside, and what can be read of it, or of the second copy, goes into a new one. */

#pragma once

#include "ferry-db.h"

G_BEGIN_DECLS

/**
 * ferry_salvage:
 * @path: the damaged store; nobody has it open
 * @backup_path: the second copy, which may be absent or damaged too
 * @reason: what was found
 *
 * Reads row by row. A job that the store has lost comes from the copy, in error unless it was transferred or final; one that the
 * store does not have any more stays gone. The journal is told. May be interrupted at any moment: either the damaged
 * store is still in its place, or ferry_salvage_finish() puts the new one there at the next start.
 */
gboolean ferry_salvage (const char *path, const char *backup_path, const char *reason,
                        GError **error);

/** Ends a ferry_salvage() that was interrupted after its work was done; does nothing otherwise. */
gboolean ferry_salvage_finish (const char *path, GError **error);

G_END_DECLS
