/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-meter.h"

void
ferry_meter_update (FerryMeter *self, FerryJobState state, guint64 bytes, gboolean older,
                    gint64 now)
{
  if (!self->seen)
    {
      self->start_bytes = older ? bytes : 0;
      self->seen = TRUE;
    }
  if (self->moved && bytes > self->start_bytes)
    return;

  switch (state)
    {
    case FERRY_JOB_STATE_CONNECTING:
    case FERRY_JOB_STATE_TRANSFERRING:
      if (!self->moved)
        self->start = now;
      self->moved = TRUE;
      return;
    case FERRY_JOB_STATE_QUEUED:
    case FERRY_JOB_STATE_SUSPENDED:
    case FERRY_JOB_STATE_ERROR:
    case FERRY_JOB_STATE_TRANSIENT_ERROR:
      /* A question of the server before the first byte is none of its time, nor is the answer. */
      self->moved = FALSE;
      self->start = now;
      return;
    case FERRY_JOB_STATE_TRANSFERRED:
    case FERRY_JOB_STATE_ACKNOWLEDGED:
    case FERRY_JOB_STATE_CANCELLED:
      /* So fast that nobody saw it move: all since it last waited counts. */
      return;
    }
}

gint64
ferry_meter_get_elapsed (const FerryMeter *self, gint64 now)
{
  return self->start != 0 ? now - self->start : -1;
}

guint64
ferry_meter_get_fetched (const FerryMeter *self, guint64 bytes)
{
  return bytes - MIN (self->start_bytes, bytes);
}
