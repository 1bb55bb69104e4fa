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

static gssize
wait_and_read (WorkerBody *self, GInputStream *stream, gpointer buffer, gsize size,
               GCancellable *cancellable, GError **error)
{
  gssize n;

  worker_pulse_begin_read (self->pulse);
  n = g_input_stream_read (stream, buffer, size, cancellable, error);
  worker_pulse_end_read (self->pulse, n);
  return n;
}

/* One read of what came with its chunks. Returns: bytes of the body in it, which may be 0 before the
 * end, -1 with @error */
static gssize
read_chunks_once (WorkerBody *self, gpointer buffer, gsize size, GCancellable *cancellable,
                  GError **error)
{
  gssize n = wait_and_read (self, self->raw, buffer, size, cancellable, error);
  gsize taken = 0;

  if (n < 0)
    return -1;
  if (n == 0 && self->chunks.state == WORKER_CHUNKS_DATA)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CONNECTION_CLOSED,
                           "The connection ended within a chunk");
      return -1;
    }
  if (n > 0 && !worker_chunks_take (&self->chunks, buffer, (gsize) n, &taken, error) && taken == 0)
    return -1;
  self->ended = n == 0 || self->chunks.state == WORKER_CHUNKS_ENDED;
  return (gssize) taken;
}

/* Returns: bytes read, 0 at the end, -1 with @error */
static gssize
read_stream (WorkerBody *self, gpointer buffer, gsize size, gboolean wait,
             GCancellable *cancellable, GError **error)
{
  gssize n;

  if (self->raw == NULL)
    {
      n = wait_and_read (self, self->stream, buffer, size, cancellable, error);
      self->ended = n == 0;
      return n;
    }

  do
    n = read_chunks_once (self, buffer, size, cancellable, error);
  while (n == 0 && !self->ended && wait);
  return n;
}

/* With @wait until there are bytes, without it 0 can also mean that none came. @error may be set
 * beside bytes. Returns: bytes read, 0 at the end, -1 with @error */
static gssize
read_once (WorkerBody *self, gpointer buffer, gsize size, gboolean wait, GCancellable *cancellable,
           GError **error)
{
  gssize n = 0;

  if (has_all (self))
    return 0;
  if (!self->ended)
    n = read_stream (self, buffer, size, wait, cancellable, error);
  if (n < 0)
    return -1;

  /* Also with a length: libsoup takes the end of a connection that would not be kept for the end of
   * the body. */
  if (n == 0 && self->ended && self->length != FERRY_SIZE_UNKNOWN && self->got < self->length)
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
  GInputStream *stream = self->raw != NULL ? self->raw : self->stream;

  return !self->ended && !has_all (self) && self->error == NULL &&
         G_IS_POLLABLE_INPUT_STREAM (stream) &&
         g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (stream));
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
      n = read_once (self, (guint8 *) buffer + filled, size - filled, filled == 0, cancellable,
                     &self->error);
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
  if (self->length != FERRY_SIZE_UNKNOWN)
    return TRUE;
  if (self->chunked)
    return self->raw != NULL && self->chunks.state == WORKER_CHUNKS_ENDED;
  return self->got > 0;
}
