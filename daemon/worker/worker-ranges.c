/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-ranges.h"

#include "ferry-error.h"
#include "ferry-worker-protocol.h"

struct _WorkerRanges
{
  GArray *parts; /* (owned) (element-type WorkerPart) (nullable): %NULL = the whole file */
};

WorkerRanges *
worker_ranges_new (GVariant *ranges, GError **error)
{
  g_autoptr (WorkerRanges) self = g_new0 (WorkerRanges, 1);
  GVariantIter iter;
  guint64 offset;
  guint64 length;

  if (ranges == NULL || g_variant_n_children (ranges) == 0)
    return g_steal_pointer (&self);

  self->parts = g_array_new (FALSE, FALSE, sizeof (WorkerPart));
  g_variant_iter_init (&iter, ranges);
  while (g_variant_iter_next (&iter, "(tt)", &offset, &length))
    {
      WorkerPart part = { offset, FERRY_SIZE_UNKNOWN };

      if (length != FERRY_SIZE_UNKNOWN &&
          (!g_uint64_checked_add (&part.end, offset, length) || part.end == FERRY_SIZE_UNKNOWN))
        {
          g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_RANGE,
                       "The range of %" G_GUINT64_FORMAT " bytes from %" G_GUINT64_FORMAT
                       " ends beyond what a file can hold",
                       length, offset);
          return NULL;
        }
      if (length > 0)
        g_array_append_val (self->parts, part);
    }

  /* Everything from 0 needs no Range request, and an empty file has it too. */
  if (self->parts->len == 1 && g_array_index (self->parts, WorkerPart, 0).start == 0 &&
      g_array_index (self->parts, WorkerPart, 0).end == FERRY_SIZE_UNKNOWN)
    g_clear_pointer (&self->parts, g_array_unref);
  return g_steal_pointer (&self);
}

void
worker_ranges_free (WorkerRanges *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->parts, g_array_unref);
  g_free (self);
}

gboolean
worker_ranges_is_whole (WorkerRanges *self)
{
  return self->parts == NULL;
}

/* The end of @part when the remote file's size is @remote_total. */
static guint64
get_end (const WorkerPart *part, guint64 remote_total)
{
  if (part->end != FERRY_SIZE_UNKNOWN || remote_total == FERRY_SIZE_UNKNOWN)
    return part->end;
  return MAX (part->start, remote_total);
}

gboolean
worker_ranges_find (WorkerRanges *self, guint64 position, guint64 remote_total, WorkerPart *part)
{
  static const WorkerPart everything = { 0, FERRY_SIZE_UNKNOWN };
  guint n_parts = self->parts != NULL ? self->parts->len : 1;
  guint64 done = 0;

  for (guint i = 0; i < n_parts; i++)
    {
      const WorkerPart *candidate = self->parts != NULL
                                        ? &g_array_index (self->parts, WorkerPart, i)
                                        : &everything;
      guint64 end = get_end (candidate, remote_total);

      if (end == FERRY_SIZE_UNKNOWN || position - done < end - candidate->start)
        {
          part->start = candidate->start + (position - done);
          part->end = end;
          return TRUE;
        }
      done += end - candidate->start;
    }

  return FALSE;
}

guint64
worker_ranges_get_total (WorkerRanges *self, guint64 remote_total)
{
  guint64 total = 0;

  if (self->parts == NULL)
    return remote_total;

  for (guint i = 0; i < self->parts->len; i++)
    {
      const WorkerPart *part = &g_array_index (self->parts, WorkerPart, i);
      guint64 end = get_end (part, remote_total);

      if (end == FERRY_SIZE_UNKNOWN || !g_uint64_checked_add (&total, total, end - part->start))
        return FERRY_SIZE_UNKNOWN;
    }
  return total;
}

gboolean
worker_ranges_check (WorkerRanges *self, guint64 remote_total, GError **error)
{
  for (guint i = 0; self->parts != NULL && i < self->parts->len; i++)
    {
      const WorkerPart *part = &g_array_index (self->parts, WorkerPart, i);

      if (part->start >= remote_total ||
          (part->end != FERRY_SIZE_UNKNOWN && part->end > remote_total))
        {
          g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_RANGE,
                       "Range %u, from %" G_GUINT64_FORMAT
                       ", reaches beyond the end of the remote file of %" G_GUINT64_FORMAT " bytes",
                       i, part->start, remote_total);
          return FALSE;
        }
    }
  return TRUE;
}
