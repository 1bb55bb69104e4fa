/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "raw-server.h"

#include <string.h>
#include <sys/socket.h>

struct _RawServer
{
  RawHandler handler;
  gpointer data;
  GSocket *listener;
  guint16 port;
  GThread *thread;
  GCancellable *cancellable;

  GMutex handler_lock;
  GMutex lock;
  GPtrArray *threads;  /* (element-type GThread) */
  GPtrArray *requests; /* (element-type utf8) (owned) */
  guint n_connections;
};

typedef struct
{
  RawServer *server;
  GSocket *socket; /* (owned) */
} Connection;

/* Returns: (transfer full) (nullable): the next request's head */
static char *
read_request (Connection *connection, GString *pending)
{
  while (TRUE)
    {
      char *end = strstr (pending->str, "\r\n\r\n");
      char buffer[4096];
      gssize n;

      if (end != NULL)
        {
          char *request = g_strndup (pending->str, end - pending->str);

          g_string_erase (pending, 0, end + 4 - pending->str);
          return request;
        }
      n = g_socket_receive (connection->socket, buffer, sizeof buffer,
                            connection->server->cancellable, NULL);
      if (n <= 0)
        return NULL;
      g_string_append_len (pending, buffer, n);
    }
}

static gpointer
serve (gpointer data)
{
  Connection *connection = data;
  RawServer *self = connection->server;
  g_autoptr (GString) pending = g_string_new (NULL);
  gboolean keep = TRUE;

  while (keep)
    {
      char *request = read_request (connection, pending);
      RawPeer peer = { self, connection->socket, 0 };

      if (request == NULL)
        break;
      g_mutex_lock (&self->lock);
      peer.number = self->requests->len;
      g_ptr_array_add (self->requests, request);
      g_mutex_unlock (&self->lock);

      g_mutex_lock (&self->handler_lock);
      keep = self->handler (&peer, request, self->data);
      g_mutex_unlock (&self->handler_lock);
    }

  g_socket_close (connection->socket, NULL);
  g_object_unref (connection->socket);
  g_free (connection);
  return NULL;
}

static gpointer
listen_for (gpointer data)
{
  RawServer *self = data;

  while (TRUE)
    {
      GSocket *socket = g_socket_accept (self->listener, self->cancellable, NULL);
      Connection *connection;

      if (socket == NULL)
        return NULL;
      connection = g_new0 (Connection, 1);
      connection->server = self;
      connection->socket = socket;
      g_mutex_lock (&self->lock);
      self->n_connections++;
      g_ptr_array_add (self->threads, g_thread_new ("connection", serve, connection));
      g_mutex_unlock (&self->lock);
    }
}

RawServer *
raw_server_new (RawHandler handler, gpointer data)
{
  RawServer *self = g_new0 (RawServer, 1);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;

  self->handler = handler;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->handler_lock);
  g_mutex_init (&self->lock);
  self->threads = g_ptr_array_new ();
  self->requests = g_ptr_array_new_with_free_func (g_free);
  self->listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                 &error);
  g_assert_no_error (error);
  g_socket_bind (self->listener, address, TRUE, &error);
  g_assert_no_error (error);
  g_socket_listen (self->listener, &error);
  g_assert_no_error (error);
  bound = g_socket_get_local_address (self->listener, &error);
  g_assert_no_error (error);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  self->thread = g_thread_new ("listener", listen_for, self);
  return self;
}

void
raw_server_free (RawServer *self)
{
  g_cancellable_cancel (self->cancellable);
  g_thread_join (self->thread);
  for (guint i = 0; i < self->threads->len; i++)
    g_thread_join (g_ptr_array_index (self->threads, i));
  g_ptr_array_unref (self->threads);
  g_ptr_array_unref (self->requests);
  g_object_unref (self->listener);
  g_object_unref (self->cancellable);
  g_mutex_clear (&self->handler_lock);
  g_mutex_clear (&self->lock);
  g_free (self);
}

guint16
raw_server_get_port (RawServer *self)
{
  return self->port;
}

char *
raw_server_dup_url (RawServer *self, const char *path)
{
  return g_strdup_printf ("http://127.0.0.1:%u%s", self->port, path);
}

guint
raw_server_get_n_requests (RawServer *self)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = self->requests->len;
  g_mutex_unlock (&self->lock);
  return n;
}

guint
raw_server_get_n_connections (RawServer *self)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = self->n_connections;
  g_mutex_unlock (&self->lock);
  return n;
}

char *
raw_server_dup_request (RawServer *self, guint number)
{
  char *request;

  g_mutex_lock (&self->lock);
  g_assert_cmpuint (number, <, self->requests->len);
  request = g_strdup (g_ptr_array_index (self->requests, number));
  g_mutex_unlock (&self->lock);
  return request;
}

void
raw_send (RawPeer *peer, const void *data, gsize size)
{
  const char *at = data;

  while (size > 0)
    {
      gssize n = g_socket_send (peer->socket, at, size, peer->server->cancellable, NULL);

      /* The other side may close when it has seen enough. */
      if (n <= 0)
        return;
      at += n;
      size -= (gsize) n;
    }
}

void
raw_printf (RawPeer *peer, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  raw_send (peer, text, strlen (text));
}

void
raw_reset (RawPeer *peer)
{
  const struct linger now = { .l_onoff = 1, .l_linger = 0 };

  g_assert_cmpint (
      setsockopt (g_socket_get_fd (peer->socket), SOL_SOCKET, SO_LINGER, &now, sizeof now), ==, 0);
}

void
raw_wait_for_close (RawPeer *peer)
{
  char buffer[256];

  while (g_socket_receive (peer->socket, buffer, sizeof buffer, peer->server->cancellable, NULL) >
         0)
    ;
}

char *
raw_get_header (const char *request, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (request, "\r\n", -1);

  for (guint i = 1; lines[i] != NULL; i++)
    {
      gsize length = strlen (name);

      if (g_ascii_strncasecmp (lines[i], name, length) == 0 && lines[i][length] == ':')
        return g_strstrip (g_strdup (lines[i] + length + 1));
    }
  return NULL;
}

gboolean
raw_get_range (const char *request, guint64 *start)
{
  g_autofree char *range = raw_get_header (request, "Range");

  if (range == NULL || !g_str_has_prefix (range, "bytes="))
    return FALSE;
  *start = g_ascii_strtoull (range + 6, NULL, 10);
  return TRUE;
}
