/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-body.h"

#include "ferry-error.h"
#include "ferry-worker-protocol.h"

gssize
worker_body_read (WorkerBody *self, gpointer buffer, gsize size, GCancellable *cancellable,
                  GError **error)
{
  gssize n;

  if (self->length != FERRY_SIZE_UNKNOWN && !self->chunked && self->got == self->length)
    return 0;

  n = g_input_stream_read (self->stream, buffer, size, cancellable, error);
  if (n < 0)
    return -1;

  /* Also with a length: libsoup takes the end of a connection that would not be kept for the end of the body. */
  if (n == 0 && self->length != FERRY_SIZE_UNKNOWN && self->got < self->length)
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

gboolean
worker_body_is_proven (WorkerBody *self)
{
  g_autoptr (GCancellable) cancelled = NULL;
  GInputStream *decoder;
  guint8 byte;

  if (self->length != FERRY_SIZE_UNKNOWN)
    return TRUE;
  if (!self->chunked)
    return self->got > 0;
  if (!G_IS_FILTER_INPUT_STREAM (self->stream))
    return FALSE;

  /* What takes the chunks apart is libsoup's inner stream. It remembers the last chunk and then answers 0 without looking at
   * the connection; when it has not seen it, it turns to the connection, which a cancelled read does not reach. */
  decoder = g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (self->stream));
  cancelled = g_cancellable_new ();
  g_cancellable_cancel (cancelled);
  return g_input_stream_read (decoder, &byte, 1, cancelled, NULL) == 0;
}
