/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of a job was fetched in what time, waiting for its turn left out. Pure. */

#pragma once

#include <glib.h>

#include "ferry-enums.h"

G_BEGIN_DECLS

/**
 * FerryMeter: all zero at first, but for @start when somebody waits already for the job to be made
 * @start: monotonic: when the job was first seen to move, the last time before it had something; until then, when it was
 *   last seen to wait; 0 = not known
 * @start_bytes: that were there already when it was first seen
 * @seen: whether it was seen at all
 * @moved: whether it was seen to move, and has not waited since without having anything
 */
typedef struct
{
  gint64 start;
  guint64 start_bytes;
  gboolean seen;
  gboolean moved;
} FerryMeter;

/**
 * ferry_meter_update:
 * @state: of the job
 * @bytes: that it has
 * @older: whether it had been under way before anybody looked: then what it has at first does not count
 * @now: monotonic
 */
void ferry_meter_update (FerryMeter *self, FerryJobState state, guint64 bytes, gboolean older,
                         gint64 now);

/** Returns: the microseconds until @now that count, -1 when the job had ended before anybody looked */
gint64 ferry_meter_get_elapsed (const FerryMeter *self, gint64 now);

/** Returns: how many of the job's @bytes were fetched since it was first seen */
guint64 ferry_meter_get_fetched (const FerryMeter *self, guint64 bytes);

G_END_DECLS
