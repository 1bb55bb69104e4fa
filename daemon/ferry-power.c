/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A delay inhibitor is a file descriptor; logind waits with sleep or shutdown until all of them are closed, 5 s at most.
 *
 * A transfer does not wait for its inhibitor: one that begins in the milliseconds before a sleep is paused all the same,
 * and loses at worst what lies behind its last checkpoint. */

#include "ferry-power.h"

#include "ferry-text.h"

#include <gio/gunixfdlist.h>
#include <unistd.h>

#define LOGIN_NAME      "org.freedesktop.login1"
#define LOGIN_PATH      "/org/freedesktop/login1"
#define LOGIN_INTERFACE "org.freedesktop.login1.Manager"

/* logind's InhibitDelayMaxSec is 5 s unless somebody changed it. */
#define PATIENCE (3 * G_USEC_PER_SEC)

/* From the last running job to the release: jobs come one after the other. */
#define LINGER (10 * G_USEC_PER_SEC)

/* Two inhibitors: one for both is refused to a user who is not root. */
typedef enum
{
  EVENT_SLEEP,
  EVENT_SHUTDOWN,
  N_EVENTS,
} Event;

static const struct
{
  const char *what;
  const char *signal;
} events[N_EVENTS] = {
  [EVENT_SLEEP] = { "sleep", "PrepareForSleep" },
  [EVENT_SHUTDOWN] = { "shutdown", "PrepareForShutdown" },
};

typedef struct
{
  FerryPower *power; /* (unowned): holds us */
  Event event;
  int fd;              /* (owned): -1 = not held */
  gboolean asked;      /* and not answered */
  gboolean complained; /* a refusal was logged */
  gboolean preparing;  /* logind said that it is about to happen */
} Inhibitor;

struct _FerryPower
{
  GObject parent_instance;

  FerryClock *clock;           /* (owned) */
  GDBusConnection *connection; /* (owned) */
  FerryEngine *engine;         /* (owned) */
  char *login;                 /* (owned) (nullable): logind's unique name */
  Inhibitor inhibitors[N_EVENTS];
  guint subscriptions[N_EVENTS];
  guint watch;
  GCancellable *asking;  /* (owned) (nullable): for inhibitors; lives as long as @login */
  GCancellable *pausing; /* (owned) (nullable): in a pause of the engine */
  gboolean let_go;       /* in this pause */
  guint patience_timer;
  guint linger_timer;
};

G_DEFINE_TYPE (FerryPower, ferry_power, G_TYPE_OBJECT)

/* == inhibitors == */

static void
release (Inhibitor *inhibitor)
{
  if (inhibitor->fd >= 0)
    close (inhibitor->fd);
  inhibitor->fd = -1;
}

static void
release_all (FerryPower *self)
{
  for (guint i = 0; i < N_EVENTS; i++)
    release (&self->inhibitors[i]);
}

/* Whether what is held, or comes, is kept. */
static gboolean
is_wanted (FerryPower *self)
{
  return self->login != NULL && !self->let_go &&
         (self->linger_timer != 0 || ferry_engine_is_running (self->engine));
}

static void
complain (Inhibitor *inhibitor, const char *message)
{
  g_autofree char *reason = ferry_text_clean (message, FERRY_TEXT_MAX);

  if (inhibitor->complained)
    return;
  inhibitor->complained = TRUE;
  g_message (
      "logind does not delay %s for us, so that transfers may lose what lies behind their last "
      "checkpoint then: %s",
      events[inhibitor->event].what, reason);
}

/* Returns: an fd, -1 with @error */
static int
take_answer (GObject *source, GAsyncResult *result, GError **error)
{
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = NULL;
  gint32 handle;

  reply = g_dbus_connection_call_with_unix_fd_list_finish (G_DBUS_CONNECTION (source), &fds, result,
                                                           error);
  if (reply == NULL)
    return -1;

  g_variant_get (reply, "(h)", &handle);
  if (fds == NULL || handle < 0 || handle >= g_unix_fd_list_get_length (fds))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                           "The answer has no inhibitor");
      return -1;
    }
  return g_unix_fd_list_get (fds, handle, error);
}

static void
inhibited_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Inhibitor *inhibitor = data;
  g_autoptr (GError) error = NULL;
  int fd = take_answer (source, result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  inhibitor->asked = FALSE;
  if (fd >= 0)
    {
      inhibitor->fd = fd;
      inhibitor->complained = FALSE;
      if (!is_wanted (inhibitor->power))
        release (inhibitor);
    }
  /* Refused because it is happening already, which its signal tells as well: that is no complaint. */
  else if (!inhibitor->preparing)
    complain (inhibitor, error->message);
}

static void
ask (Inhibitor *inhibitor)
{
  FerryPower *self = inhibitor->power;

  if (inhibitor->fd >= 0 || inhibitor->asked)
    return;

  inhibitor->asked = TRUE;
  g_dbus_connection_call_with_unix_fd_list (self->connection, self->login, LOGIN_PATH,
                                            LOGIN_INTERFACE, "Inhibit",
                                            g_variant_new ("(ssss)", events[inhibitor->event].what,
                                                           "Ferry", "Transfers write a checkpoint",
                                                           "delay"),
                                            G_VARIANT_TYPE ("(h)"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                                            -1, NULL, self->asking, inhibited_cb, inhibitor);
}

/* Takes or releases, as things stand. */
static void
update (FerryPower *self)
{
  if (!is_wanted (self))
    {
      release_all (self);
      return;
    }
  /* In a pause what is held stays until all is durable, and more would be refused. */
  if (self->pausing != NULL || !ferry_engine_is_running (self->engine))
    return;
  for (guint i = 0; i < N_EVENTS; i++)
    ask (&self->inhibitors[i]);
}

static void
linger_cb (gpointer data)
{
  FerryPower *self = data;

  self->linger_timer = 0;
  update (self);
}

static void
running_cb (FerryEngine *engine, gboolean running, gpointer data)
{
  FerryPower *self = data;

  ferry_clock_clear (self->clock, &self->linger_timer);
  if (!running)
    self->linger_timer = ferry_clock_add (self->clock, ferry_clock_get_boot (self->clock) + LINGER,
                                          linger_cb, self);
  update (self);
}

/* == the pause == */

static void
let_go (FerryPower *self)
{
  ferry_clock_clear (self->clock, &self->patience_timer);
  self->let_go = TRUE;
  update (self);
}

static void
patience_cb (gpointer data)
{
  FerryPower *self = data;

  self->patience_timer = 0;
  g_message ("Not all transfers wrote their checkpoint before the machine sleeps or goes down");
  let_go (self);
}

static void
paused_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FerryPower *self = data;
  g_autoptr (GError) error = NULL;

  ferry_engine_pause_finish (FERRY_ENGINE (source), result, &error);
  /* It goes on already, or we have gone. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (!self->let_go)
    let_go (self);
}

static void
begin_pause (FerryPower *self)
{
  if (self->pausing != NULL)
    return;

  self->pausing = g_cancellable_new ();
  self->patience_timer = ferry_clock_add (self->clock,
                                          ferry_clock_get_boot (self->clock) + PATIENCE,
                                          patience_cb, self);
  ferry_engine_pause_async (self->engine, self->pausing, paused_cb, self);
}

static void
end_pause (FerryPower *self)
{
  if (self->pausing == NULL)
    return;

  g_cancellable_cancel (self->pausing);
  g_clear_object (&self->pausing);
  ferry_clock_clear (self->clock, &self->patience_timer);
  self->let_go = FALSE;
  ferry_engine_go_on (self->engine);
  update (self);
}

static void
prepare_cb (GDBusConnection *connection, const char *sender, const char *path,
            const char *interface, const char *signal, GVariant *parameters, gpointer data)
{
  FerryPower *self = data;
  gboolean preparing = FALSE;

  /* Anybody may send a signal straight to us. */
  if (g_strcmp0 (sender, self->login) != 0 ||
      !g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(b)")))
    return;

  g_variant_get (parameters, "(b)", &preparing);
  for (guint i = 0; i < N_EVENTS; i++)
    {
      if (g_str_equal (signal, events[i].signal))
        self->inhibitors[i].preparing = preparing;
    }
  if (self->inhibitors[EVENT_SLEEP].preparing || self->inhibitors[EVENT_SHUTDOWN].preparing)
    begin_pause (self);
  else
    end_pause (self);
}

/* == logind == */

static void
vanished_cb (GDBusConnection *connection, const char *name, gpointer data)
{
  FerryPower *self = data;

  if (self->login == NULL)
    return;

  g_clear_pointer (&self->login, g_free);
  g_cancellable_cancel (self->asking);
  g_clear_object (&self->asking);
  for (guint i = 0; i < N_EVENTS; i++)
    {
      self->inhibitors[i].asked = FALSE;
      self->inhibitors[i].preparing = FALSE;
    }
  release_all (self);
  /* Nobody is left to tell us that the machine has woken. */
  end_pause (self);
}

static void
appeared_cb (GDBusConnection *connection, const char *name, const char *owner, gpointer data)
{
  FerryPower *self = data;

  /* Another owner in the place of the one before. */
  vanished_cb (connection, name, self);
  self->login = g_strdup (owner);
  self->asking = g_cancellable_new ();
  update (self);
}

static void
ferry_power_dispose (GObject *object)
{
  FerryPower *self = FERRY_POWER (object);

  g_clear_handle_id (&self->watch, g_bus_unwatch_name);
  for (guint i = 0; i < N_EVENTS; i++)
    {
      if (self->subscriptions[i] != 0)
        g_dbus_connection_signal_unsubscribe (self->connection, self->subscriptions[i]);
      self->subscriptions[i] = 0;
    }
  g_cancellable_cancel (self->asking);
  g_clear_object (&self->asking);
  g_cancellable_cancel (self->pausing);
  g_clear_object (&self->pausing);
  if (self->engine != NULL)
    g_signal_handlers_disconnect_by_data (self->engine, self);
  if (self->clock != NULL)
    {
      ferry_clock_clear (self->clock, &self->patience_timer);
      ferry_clock_clear (self->clock, &self->linger_timer);
    }
  release_all (self);
  g_clear_pointer (&self->login, g_free);
  g_clear_object (&self->engine);
  g_clear_object (&self->connection);
  g_clear_object (&self->clock);
  G_OBJECT_CLASS (ferry_power_parent_class)->dispose (object);
}

static void
ferry_power_class_init (FerryPowerClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_power_dispose;
}

static void
ferry_power_init (FerryPower *self)
{
  for (guint i = 0; i < N_EVENTS; i++)
    {
      self->inhibitors[i].power = self;
      self->inhibitors[i].event = i;
      self->inhibitors[i].fd = -1;
    }
}

FerryPower *
ferry_power_new (FerryClock *clock, GDBusConnection *connection, FerryEngine *engine)
{
  FerryPower *self = g_object_new (FERRY_TYPE_POWER, NULL);

  self->clock = g_object_ref (clock);
  self->connection = g_object_ref (connection);
  self->engine = g_object_ref (engine);
  g_signal_connect (engine, "running", G_CALLBACK (running_cb), self);
  for (guint i = 0; i < N_EVENTS; i++)
    self->subscriptions[i] = g_dbus_connection_signal_subscribe (
        connection, LOGIN_NAME, LOGIN_INTERFACE, events[i].signal, LOGIN_PATH, NULL,
        G_DBUS_SIGNAL_FLAGS_NONE, prepare_cb, self, NULL);
  self->watch = g_bus_watch_name_on_connection (connection, LOGIN_NAME,
                                                G_BUS_NAME_WATCHER_FLAGS_NONE, appeared_cb,
                                                vanished_cb, self, NULL);
  return self;
}
