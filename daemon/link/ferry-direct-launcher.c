/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-direct-launcher.h"
#include "ferry-launch-helper.h"
#include "ferry-launch-protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOCK_SUFFIX ".lock"

struct _FerryDirectLauncher
{
  GObject parent_instance;

  int helper;        /* (owned): socket to the helper, -1 = it is gone */
  GSource *readable; /* (owned) (nullable): %NULL once the helper is gone */
  GSource *writable; /* (owned) (nullable): only while @outgoing waits for room */
  GSource *lost; /* (owned) (nullable): will tell that what was started without a helper is gone */
  GQueue outgoing; /* (owned) (element-type FerryLaunchRequest) */
  GHashTable
      *running; /* (owned) (element-type guint): uids that were started and have not exited */
};

#define FERRY_TYPE_DIRECT_LAUNCHER (ferry_direct_launcher_get_type ())
G_DECLARE_FINAL_TYPE (FerryDirectLauncher, ferry_direct_launcher, FERRY, DIRECT_LAUNCHER, GObject)

static void ferry_direct_launcher_iface_init (FerryLauncherInterface *iface);

G_DEFINE_TYPE_WITH_CODE (FerryDirectLauncher, ferry_direct_launcher, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (FERRY_TYPE_LAUNCHER,
                                                ferry_direct_launcher_iface_init))

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;

  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static GSource *
add_source (GSource *source, GSourceFunc func, gpointer data)
{
  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

static void
disconnect (FerryDirectLauncher *self)
{
  clear_source (&self->readable);
  clear_source (&self->writable);
  g_queue_clear_full (&self->outgoing, g_free);
  if (self->helper >= 0)
    close (self->helper);
  self->helper = -1;
}

static void
ferry_direct_launcher_finalize (GObject *object)
{
  FerryDirectLauncher *self = FERRY_DIRECT_LAUNCHER (object);

  disconnect (self);
  clear_source (&self->lost);
  g_hash_table_unref (self->running);
  G_OBJECT_CLASS (ferry_direct_launcher_parent_class)->finalize (object);
}

static void
ferry_direct_launcher_class_init (FerryDirectLauncherClass *class)
{
  G_OBJECT_CLASS (class)->finalize = ferry_direct_launcher_finalize;
}

static void
ferry_direct_launcher_init (FerryDirectLauncher *self)
{
  self->helper = -1;
  g_queue_init (&self->outgoing);
  self->running = g_hash_table_new (NULL, NULL);
}

/* Without the helper no worker lives: the kernel killed them when it died. */
static gboolean
lost_cb (gpointer data)
{
  g_autoptr (FerryDirectLauncher) self = g_object_ref (FERRY_DIRECT_LAUNCHER (data));
  g_autoptr (GHashTable) running = g_steal_pointer (&self->running);
  GHashTableIter iter;
  gpointer uid;

  self->running = g_hash_table_new (NULL, NULL);
  clear_source (&self->lost);
  g_hash_table_iter_init (&iter, running);
  while (g_hash_table_iter_next (&iter, &uid, NULL))
    ferry_launcher_emit_exited (FERRY_LAUNCHER (self), GPOINTER_TO_UINT (uid),
                                "The process that starts workers is gone; ferryd must be "
                                "restarted");
  return G_SOURCE_REMOVE;
}

static void
lose_helper (FerryDirectLauncher *self)
{
  disconnect (self);
  if (self->lost == NULL && g_hash_table_size (self->running) > 0)
    self->lost = add_source (g_idle_source_new (), lost_cb, self);
}

static gboolean
readable_cb (int fd, GIOCondition condition, gpointer data)
{
  g_autoptr (FerryDirectLauncher) self = g_object_ref (FERRY_DIRECT_LAUNCHER (data));
  FerryLaunchExit message;
  ssize_t got = recv (fd, &message, sizeof message, MSG_DONTWAIT);

  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (got != (ssize_t) sizeof message)
    {
      lose_helper (self);
      return G_SOURCE_REMOVE;
    }

  message.reason[sizeof message.reason - 1] = '\0';
  if (g_hash_table_remove (self->running, GUINT_TO_POINTER (message.uid)))
    ferry_launcher_emit_exited (FERRY_LAUNCHER (self), message.uid, message.reason);
  return G_SOURCE_CONTINUE;
}

static gboolean writable_cb (int fd, GIOCondition condition, gpointer data);

/* Sends what waits, as far as there is room: the helper may be busy with a slow user database. */
static void
send_waiting (FerryDirectLauncher *self)
{
  FerryLaunchRequest *request;

  while ((request = g_queue_peek_head (&self->outgoing)) != NULL)
    {
      if (send (self->helper, request, sizeof *request, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        {
          if (errno == EINTR)
            continue;
          if (errno != EAGAIN)
            {
              lose_helper (self);
              return;
            }
          if (self->writable == NULL)
            self->writable = add_source (g_unix_fd_source_new (self->helper, G_IO_OUT),
                                         (GSourceFunc) writable_cb, self);
          return;
        }
      g_free (g_queue_pop_head (&self->outgoing));
    }

  clear_source (&self->writable);
}

static gboolean
writable_cb (int fd, GIOCondition condition, gpointer data)
{
  send_waiting (FERRY_DIRECT_LAUNCHER (data));
  return G_SOURCE_CONTINUE;
}

static void
send_request (FerryDirectLauncher *self, FerryLaunchCommand command, uid_t uid)
{
  FerryLaunchRequest *request;

  if (self->helper < 0)
    {
      lose_helper (self);
      return;
    }

  request = g_new0 (FerryLaunchRequest, 1);
  request->command = command;
  request->uid = uid;
  g_queue_push_tail (&self->outgoing, request);
  send_waiting (self);
}

static void
ferry_direct_launcher_start (FerryLauncher *launcher, uid_t uid)
{
  FerryDirectLauncher *self = FERRY_DIRECT_LAUNCHER (launcher);

  if (g_hash_table_add (self->running, GUINT_TO_POINTER (uid)))
    send_request (self, FERRY_LAUNCH_START, uid);
}

static void
ferry_direct_launcher_stop (FerryLauncher *launcher, uid_t uid)
{
  FerryDirectLauncher *self = FERRY_DIRECT_LAUNCHER (launcher);

  if (g_hash_table_contains (self->running, GUINT_TO_POINTER (uid)))
    send_request (self, FERRY_LAUNCH_STOP, uid);
}

static void
ferry_direct_launcher_iface_init (FerryLauncherInterface *iface)
{
  iface->name = "direct";
  iface->start = ferry_direct_launcher_start;
  iface->stop = ferry_direct_launcher_stop;
}

FerryLauncher *
ferry_direct_launcher_new (int helper)
{
  FerryDirectLauncher *self = g_object_new (FERRY_TYPE_DIRECT_LAUNCHER, NULL);

  self->helper = helper;
  self->readable = add_source (g_unix_fd_source_new (helper, G_IO_IN), (GSourceFunc) readable_cb,
                               self);
  return FERRY_LAUNCHER (self);
}

static int
open_file (const char *path, int flags, GError **error)
{
  int fd = open (path, flags | O_CLOEXEC, 0600);

  if (fd < 0)
    {
      int number = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number), "Cannot open '%s': %s", path,
                   g_strerror (number));
    }
  return fd;
}

static void
close_open (int fd)
{
  if (fd >= 0)
    close (fd);
}

int
ferry_launch_helper_fork (const char *worker, const char *socket, GError **error)
{
  g_autofree char *path = g_canonicalize_filename (worker, NULL);
  g_autofree char *worker_socket = g_canonicalize_filename (socket, NULL);
  g_autofree char *lock_path = g_strconcat (worker_socket, LOCK_SUFFIX, NULL);
  FerryLaunchHelperSetup setup = { .lock = -1, .path = path, .worker_socket = worker_socket };
  int pair[2] = { -1, -1 };

  setup.program = open_file (path, O_PATH, error);
  if (setup.program >= 0)
    setup.lock = open_file (lock_path, O_RDWR | O_CREAT | O_NOFOLLOW, error);
  if (setup.lock >= 0)
    {
      pid_t pid = -1;

      if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0)
        pid = fork ();
      if (pid == 0)
        {
          setup.socket = pair[1];
          ferry_launch_helper_run (&setup);
        }
      if (pid < 0)
        {
          int number = errno;

          g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number),
                       "Cannot start the launching helper: %s", g_strerror (number));
          close_open (pair[0]);
          pair[0] = -1;
        }
    }

  close_open (pair[1]);
  close_open (setup.lock);
  close_open (setup.program);
  return pair[0];
}
