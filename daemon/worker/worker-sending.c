/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-sending.h"

#include "worker-connections.h"

/* A server that reads the head of a request together with the start of its body may write all of the body at odd offsets of
 * its file, which takes it a third longer (nginx does). So a body of at least LONG bytes waits PAUSE µs, for the head to be
 * read alone. */
#define LONG  (64 * 1024 * 1024)
#define PAUSE 3000

static void
set_body (WorkerSending *self, SoupMessage *message)
{
  self->sent = 0;
  if (self->position != NULL)
    *self->position = self->start;
  if (self->length > 0)
    {
      g_clear_object (&self->stream);
      self->stream = worker_source_new_stream (self->source, self->start, self->length,
                                               self->buffers);
      soup_message_set_request_body (message, self->type, self->stream, (gssize) self->length);
    }
  /* Always, also 0: MC-BUP and S3 want it, and nothing is ever sent in chunks. */
  soup_message_headers_set_content_length (soup_message_get_request_headers (message),
                                           (goffset) self->length);
}

/* libsoup drops the body before it sends a message again (a kept connection was dead, say), and would then wait for an
 * answer to headers that promise one. */
static void
restarted_cb (SoupMessage *message, gpointer data)
{
  WorkerSending *self = data;

  worker_pulse_end_write (self->pulse);
  worker_pulse_begin_answer (self->pulse);
  set_body (self, message);
}

static void
wrote (gsize size, gpointer data)
{
  WorkerSending *self = data;

  self->sent += size;
  if (self->position != NULL)
    *self->position = self->start + self->sent;
  worker_pulse_note_write (self->pulse, size);
}

/* Returns: (transfer full) (nullable): what the body of @message is written to, when that is known to be it: with https it
 * must be what encrypts */
static GOutputStream *
get_output (WorkerSending *self, SoupMessage *message)
{
  g_autoptr (GIOStream) connection = worker_connections_get (self->session, message);
  gboolean https = g_str_equal (g_uri_get_scheme (soup_message_get_uri (message)), "https");

  if (connection == NULL ||
      !(https ? G_IS_TLS_CONNECTION (connection) : G_IS_SOCKET_CONNECTION (connection)))
    return NULL;
  return g_object_ref (g_io_stream_get_output_stream (connection));
}

static void
wrote_headers_cb (SoupMessage *message, gpointer data)
{
  WorkerSending *self = data;
  g_autoptr (GOutputStream) output = NULL;

  worker_pulse_end_answer (self->pulse);
  worker_pulse_begin_write (self->pulse);
  if (self->length >= LONG)
    g_usleep (PAUSE);
  output = get_output (self, message);
  if (output != NULL && self->stream != NULL)
    worker_source_stream_write_to (self->stream, output, wrote, self);
}

static void
wrote_body_data_cb (SoupMessage *message, guint size, gpointer data)
{
  wrote (size, data);
}

static void
wrote_body_cb (SoupMessage *message, gpointer data)
{
  WorkerSending *self = data;

  worker_pulse_end_write (self->pulse);
  worker_pulse_begin_answer (self->pulse);
}

void
worker_sending_clear (WorkerSending *self)
{
  g_clear_object (&self->stream);
}

void
worker_sending_attach (WorkerSending *self, SoupMessage *message)
{
  /* Without the flag libsoup opens a connection for each message with a method that it does not know. In 3.2 it does not
   * send such a message again by itself, flag or not. */
  soup_message_add_flags (message, SOUP_MESSAGE_IDEMPOTENT);
  set_body (self, message);
  g_signal_connect (message, "restarted", G_CALLBACK (restarted_cb), self);
  g_signal_connect (message, "wrote-headers", G_CALLBACK (wrote_headers_cb), self);
  g_signal_connect (message, "wrote-body-data", G_CALLBACK (wrote_body_data_cb), self);
  g_signal_connect (message, "wrote-body", G_CALLBACK (wrote_body_cb), self);
}
