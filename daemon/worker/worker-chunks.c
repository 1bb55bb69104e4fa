/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-chunks.h"

#include "ferry-error.h"

#include <string.h>

/* Of a size: more would not fit what files can hold. */
#define MAX_DIGITS 15

/* Of a chunk's extension, and of all trailers. */
#define MAX_LINE ((gsize) 16 * 1024)

static gboolean
begin_line (WorkerChunks *self, WorkerChunksState state)
{
  self->state = state;
  self->line = 0;
  self->has_cr = FALSE;
  self->is_full = FALSE;
  return TRUE;
}

static gboolean
end_size (WorkerChunks *self)
{
  if (self->left > 0)
    return begin_line (self, WORKER_CHUNKS_DATA);
  return begin_line (self, WORKER_CHUNKS_TRAILER);
}

static gboolean
take_size (WorkerChunks *self, guint8 byte)
{
  int digit = g_ascii_xdigit_value ((char) byte);

  if (digit >= 0 && self->digits < MAX_DIGITS)
    {
      self->left = self->left * 16 + (guint64) digit;
      self->digits++;
      return TRUE;
    }
  if (self->digits == 0 || digit >= 0)
    return FALSE;
  if (byte == '\n')
    return end_size (self);

  begin_line (self, WORKER_CHUNKS_EXTENSION);
  self->has_cr = byte == '\r';
  return self->has_cr || byte == ';' || byte == ' ' || byte == '\t';
}

static gboolean
take_extension (WorkerChunks *self, guint8 byte)
{
  if (byte == '\n')
    return end_size (self);
  if (self->has_cr || ++self->line > MAX_LINE)
    return FALSE;
  self->has_cr = byte == '\r';
  return TRUE;
}

static gboolean
take_data_end (WorkerChunks *self, guint8 byte)
{
  if (byte == '\n')
    {
      self->left = 0;
      self->digits = 0;
      return begin_line (self, WORKER_CHUNKS_SIZE);
    }
  if (byte != '\r' || self->has_cr)
    return FALSE;
  self->has_cr = TRUE;
  return TRUE;
}

static gboolean
take_trailer (WorkerChunks *self, guint8 byte)
{
  if (byte == '\n')
    {
      if (!self->is_full)
        self->state = WORKER_CHUNKS_ENDED;
      self->has_cr = FALSE;
      self->is_full = FALSE;
      return TRUE;
    }
  if (self->has_cr || ++self->line > MAX_LINE)
    return FALSE;
  self->has_cr = byte == '\r';
  self->is_full |= !self->has_cr;
  return TRUE;
}

static gboolean
take_byte (WorkerChunks *self, guint8 byte)
{
  switch (self->state)
    {
    case WORKER_CHUNKS_SIZE:
      return take_size (self, byte);
    case WORKER_CHUNKS_EXTENSION:
      return take_extension (self, byte);
    case WORKER_CHUNKS_DATA_END:
      return take_data_end (self, byte);
    case WORKER_CHUNKS_TRAILER:
      return take_trailer (self, byte);
    case WORKER_CHUNKS_DATA:
    case WORKER_CHUNKS_ENDED:
      break;
    }
  g_assert_not_reached ();
}

gboolean
worker_chunks_take (WorkerChunks *self, guint8 *data, gsize size, gsize *taken, GError **error)
{
  gsize at = 0;

  *taken = 0;
  while (at < size && self->state != WORKER_CHUNKS_ENDED)
    {
      if (self->state == WORKER_CHUNKS_DATA)
        {
          gsize n = (gsize) MIN (self->left, size - at);

          memmove (data + *taken, data + at, n);
          *taken += n;
          at += n;
          self->left -= n;
          if (self->left == 0)
            begin_line (self, WORKER_CHUNKS_DATA_END);
        }
      else if (!take_byte (self, data[at++]))
        {
          g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                               "The server sent a body whose chunks do not fit together");
          return FALSE;
        }
    }
  return TRUE;
}
