/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-body.h"

#include "ferry-error.h"
#include "ferry-worker-protocol.h"

/* A read that brings less is followed by another at once: TLS gives 16 KiB at a time, chunks and
 * small windows may give less, and each write to the file has its price. */
#define SMALL_READ (64 * 1024)

/* libsoup 3.2.3 reads a trailer into the caller's buffer, and fails where that has room for one byte. */
#define LEAST_ROOM 4096

void
worker_body_clear (WorkerBody *self)
{
  g_clear_error (&self->error);
}

static gboolean
has_all (WorkerBody *self)
{
  return self->length != FERRY_SIZE_UNKNOWN && !self->chunked && self->got == self->length;
}

/* Returns: bytes read, 0 at the end, -1 with @error */
static gssize
read_once (WorkerBody *self, gpointer buffer, gsize size, GCancellable *cancellable, GError **error)
{
  gssize n;

  if (self->ended || has_all (self))
    return 0;
  n = g_input_stream_read (self->stream, buffer, size, cancellable, error);
  if (n < 0)
    return -1;
  self->ended = n == 0;

  /* Also with a length: libsoup takes the end of a connection that would not be kept for the end of
   * the body. */
  if (self->ended && self->length != FERRY_SIZE_UNKNOWN && self->got < self->length)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_CONNECTION_CLOSED,
                   "The connection ended after %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                   " bytes",
                   self->got, self->length);
      return -1;
    }

  self->got += (guint64) n;
  if (self->length != FERRY_SIZE_UNKNOWN && self->got > self->length)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                   "The server sent more than the %" G_GUINT64_FORMAT " bytes it announced",
                   self->length);
      return -1;
    }
  return n;
}

static gboolean
has_more_now (WorkerBody *self)
{
  return !self->ended && !has_all (self) && G_IS_POLLABLE_INPUT_STREAM (self->stream) &&
         g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (self->stream));
}

gssize
worker_body_read (WorkerBody *self, gpointer buffer, gsize size, GCancellable *cancellable,
                  GError **error)
{
  gsize filled = 0;
  gssize n;

  if (self->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->error));
      return -1;
    }

  do
    {
      n = read_once (self, (guint8 *) buffer + filled, size - filled, cancellable, &self->error);
      filled += (gsize) MAX (n, 0);
    }
  while (n > 0 && n < SMALL_READ && size - filled >= LEAST_ROOM && has_more_now (self));

  if (filled == 0 && self->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->error));
      return -1;
    }
  return (gssize) filled;
}

gboolean
worker_body_is_proven (WorkerBody *self)
{
  g_autoptr (GCancellable) cancelled = NULL;
  GInputStream *decoder;
  guint8 room[LEAST_ROOM];

  if (self->length != FERRY_SIZE_UNKNOWN)
    return TRUE;
  if (!self->chunked)
    return self->got > 0;
  if (!G_IS_FILTER_INPUT_STREAM (self->stream))
    return FALSE;

  /* What takes the chunks apart is libsoup's inner stream. It remembers the last chunk and then
   * answers 0 without looking at the connection; when it has not seen it, it turns to the
   * connection, which a cancelled read does not reach. */
  decoder = g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (self->stream));
  cancelled = g_cancellable_new ();
  g_cancellable_cancel (cancelled);
  return g_input_stream_read (decoder, room, sizeof room, cancelled, NULL) == 0;
}
