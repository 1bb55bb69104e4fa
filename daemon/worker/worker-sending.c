/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-sending.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

/* Shorter bodies are in one segment or two anyway. */
#define CORK_LEAST (64 * 1024)

static void
set_body (WorkerSending *self, SoupMessage *message)
{
  g_autoptr (GInputStream) stream = NULL;

  self->sent = 0;
  if (self->position != NULL)
    *self->position = self->start;
  if (self->length > 0)
    {
      stream = worker_source_new_stream (self->source, self->start, self->length, self->buffers);
      soup_message_set_request_body (message, self->type, stream, (gssize) self->length);
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

  g_object_set_data (G_OBJECT (message), WORKER_SENDING_SOCKET, NULL);
  worker_pulse_end_write (self->pulse);
  worker_pulse_begin_answer (self->pulse);
  set_body (self, message);
}

/* libsoup writes 8 KiB at a time, and has the kernel send each at once. Held back until a segment is full they take a third
 * less of the time of both sides. */
static void
set_cork (WorkerSending *self, gboolean on)
{
  if (self->socket != NULL && self->length >= CORK_LEAST)
    g_socket_set_option (self->socket, IPPROTO_TCP, TCP_CORK, on, NULL);
}

static void
starting_cb (SoupMessage *message, gpointer data)
{
  WorkerSending *self = data;
  GSocket *socket = g_object_get_data (G_OBJECT (message), WORKER_SENDING_SOCKET);
  guint64 id = soup_message_get_connection_id (message);

  if (socket != NULL)
    worker_sessions_note_socket (self->sessions, id, socket);
  g_clear_object (&self->socket);
  self->socket = worker_sessions_get_socket (self->sessions, id);
}

static void
wrote_headers_cb (SoupMessage *message, gpointer data)
{
  WorkerSending *self = data;

  worker_pulse_end_answer (self->pulse);
  worker_pulse_begin_write (self->pulse);
  set_cork (self, TRUE);
}

static void
wrote_body_data_cb (SoupMessage *message, guint size, gpointer data)
{
  WorkerSending *self = data;

  self->sent += size;
  if (self->position != NULL)
    *self->position = self->start + self->sent;
  worker_pulse_note_write (self->pulse, size);
}

static void
wrote_body_cb (SoupMessage *message, gpointer data)
{
  WorkerSending *self = data;

  set_cork (self, FALSE);
  worker_pulse_end_write (self->pulse);
  worker_pulse_begin_answer (self->pulse);
}

void
worker_sending_clear (WorkerSending *self)
{
  g_clear_object (&self->socket);
}

void
worker_sending_attach (WorkerSending *self, SoupMessage *message)
{
  /* Without the flag libsoup opens a connection for each message with a method that it does not know. In 3.2 it does not
   * send such a message again by itself, flag or not. */
  soup_message_add_flags (message, SOUP_MESSAGE_IDEMPOTENT);
  set_body (self, message);
  g_signal_connect (message, "starting", G_CALLBACK (starting_cb), self);
  g_signal_connect (message, "restarted", G_CALLBACK (restarted_cb), self);
  g_signal_connect (message, "wrote-headers", G_CALLBACK (wrote_headers_cb), self);
  g_signal_connect (message, "wrote-body-data", G_CALLBACK (wrote_body_data_cb), self);
  g_signal_connect (message, "wrote-body", G_CALLBACK (wrote_body_cb), self);
}
