/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which bytes of the remote file make the local one: all of it, or ranges written one after the
 * other. Pure. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _WorkerRanges WorkerRanges;

/**
 * WorkerPart:
 *
 * What to ask for next: remote bytes from @start to before @end (FERRY_SIZE_UNKNOWN = to the end).
 */
typedef struct
{
  guint64 start;
  guint64 end;
} WorkerPart;

/**
 * worker_ranges_new:
 * @ranges: (nullable): a(tt) of offset and length, length FERRY_SIZE_UNKNOWN = to the end; empty =
 * the whole file
 *
 * Returns: (transfer full): the ranges, or %NULL with INVALID_RANGE when one passes 2^64-1
 */
WorkerRanges *worker_ranges_new (GVariant *ranges, GError **error);
void worker_ranges_free (WorkerRanges *self);

/** Returns: whether the local file is the remote one, byte for byte */
gboolean worker_ranges_is_whole (WorkerRanges *self);

/**
 * worker_ranges_find:
 * @position: bytes of the local file that are there
 * @remote_total: size of the remote file, FERRY_SIZE_UNKNOWN when not known
 * @part: (out): what belongs at @position; set only when there is something left
 *
 * Returns: %FALSE when the local file is whole
 */
gboolean worker_ranges_find (WorkerRanges *self, guint64 position, guint64 remote_total,
                             WorkerPart *part);

/** Returns: the size of the local file, FERRY_SIZE_UNKNOWN when that depends on a @remote_total not
 * known */
guint64 worker_ranges_get_total (WorkerRanges *self, guint64 remote_total);

/** Returns: %FALSE with INVALID_RANGE when a range begins or ends beyond @remote_total, which is
 * known */
gboolean worker_ranges_check (WorkerRanges *self, guint64 remote_total, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerRanges, worker_ranges_free)

G_END_DECLS
