/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-worker-listener.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/un.h>

#define BACKLOG 128

/* GSocketService would try again at once, and for ever, when there is no descriptor left. */
#define PAUSE (1 * G_TIME_SPAN_SECOND)

struct _FerryWorkerListener
{
  GSocket *socket;   /* (owned) */
  char *path;        /* (owned) */
  FerryClock *clock; /* (owned) */
  FerryWorkerListenerFunc func;
  gpointer user_data; /* (unowned) */

  GSource *source; /* (owned) (nullable): %NULL in a pause */
  guint pause;     /* timer of the clock, 0 = none */
  gboolean failed; /* the last accept did */
};

static void listen_on (FerryWorkerListener *self);

static void
pause_over_cb (gpointer data)
{
  FerryWorkerListener *self = data;

  self->pause = 0;
  listen_on (self);
}

static gboolean
connection_cb (GSocket *listening, GIOCondition condition, gpointer data)
{
  FerryWorkerListener *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_accept (listening, NULL, &error);
  g_autoptr (GCredentials) credentials = NULL;
  uid_t uid;

  if (socket == NULL)
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return G_SOURCE_CONTINUE;
      if (!self->failed)
        g_message ("No worker can connect for now: %s", error->message);
      self->failed = TRUE;
      self->pause = ferry_clock_add (self->clock, ferry_clock_get_boot (self->clock) + PAUSE,
                                     pause_over_cb, self);
      g_clear_pointer (&self->source, g_source_unref);
      return G_SOURCE_REMOVE;
    }

  self->failed = FALSE;
  credentials = g_socket_get_credentials (socket, NULL);
  if (credentials == NULL)
    return G_SOURCE_CONTINUE;
  uid = g_credentials_get_unix_user (credentials, NULL);
  if (uid != (uid_t) -1)
    self->func (uid, socket, self->user_data);
  return G_SOURCE_CONTINUE;
}

/* Below the bus calls: who connects all day slows down nobody. */
static void
listen_on (FerryWorkerListener *self)
{
  self->source = g_socket_create_source (self->socket, G_IO_IN, NULL);
  g_source_set_priority (self->source, G_PRIORITY_DEFAULT_IDLE);
  g_source_set_callback (self->source, (GSourceFunc) connection_cb, self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
}

static GSocket *
make_socket (const char *path, GError **error)
{
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocketAddress) address = NULL;

  if (strlen (path) >= sizeof (((struct sockaddr_un *) NULL)->sun_path))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
                   "The socket path '%s' is longer than %d bytes", path,
                   (int) sizeof (((struct sockaddr_un *) NULL)->sun_path) - 1);
      return NULL;
    }

  socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
                         error);
  if (socket == NULL)
    return NULL;

  g_socket_set_blocking (socket, FALSE);
  g_socket_set_listen_backlog (socket, BACKLOG);
  g_unlink (path);
  address = g_unix_socket_address_new (path);
  if (!g_socket_bind (socket, address, FALSE, error))
    {
      g_prefix_error (error, "Cannot make the socket '%s': ", path);
      return NULL;
    }
  if (g_chmod (path, 0666) < 0)
    {
      int number = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number),
                   "Cannot set the mode of '%s': %s", path, g_strerror (number));
      return NULL;
    }
  if (!g_socket_listen (socket, error))
    return NULL;
  return g_steal_pointer (&socket);
}

FerryWorkerListener *
ferry_worker_listener_new (const char *path, FerryClock *clock, FerryWorkerListenerFunc func,
                           gpointer user_data, GError **error)
{
  g_autoptr (GSocket) socket = make_socket (path, error);
  FerryWorkerListener *self;

  if (socket == NULL)
    return NULL;

  self = g_new0 (FerryWorkerListener, 1);
  self->socket = g_steal_pointer (&socket);
  self->path = g_strdup (path);
  self->clock = g_object_ref (clock);
  self->func = func;
  self->user_data = user_data;
  listen_on (self);
  return self;
}

void
ferry_worker_listener_free (FerryWorkerListener *self)
{
  if (self->source != NULL)
    {
      g_source_destroy (self->source);
      g_source_unref (self->source);
    }
  ferry_clock_clear (self->clock, &self->pause);
  g_unlink (self->path);
  g_socket_close (self->socket, NULL);
  g_object_unref (self->socket);
  g_object_unref (self->clock);
  g_free (self->path);
  g_free (self);
}
