/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-service.h"

#include "ferry-bus.h"
#include "ferry-config.h"
#include "ferry-engine.h"
#include "ferry-names.h"
#include "ferry-power.h"
#include "ferry-time-sync.h"
#include "ferry-watchdog.h"

#if HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define IDLE_TIME (60 * G_USEC_PER_SEC)

/* For running files to write their checkpoints when we end, s. */
#define SHUTDOWN_PATIENCE 5

struct _FerryService
{
  GObject parent_instance;

  FerryClock *clock;           /* (owned) */
  FerryStore *store;           /* (owned) */
  FerryPolicy *policy;         /* (owned) */
  FerryWorkers *workers;       /* (owned) */
  FerryEngine *engine;         /* (owned) */
  FerryBus *bus;               /* (owned) */
  FerryTimeSync *time_sync;    /* (owned) */
  FerryPower *power;           /* (owned) */
  GDBusConnection *connection; /* (owned) */
  FerryWatchdog *watchdog; /* (owned) (nullable): while running, when the service manager has one */

  GMainLoop *loop; /* (owned) */
  guint name_id;
  guint idle_timer;
  int status;
};

G_DEFINE_TYPE (FerryService, ferry_service, G_TYPE_OBJECT)

static void
ferry_service_dispose (GObject *object)
{
  FerryService *self = FERRY_SERVICE (object);

  if (self->clock != NULL)
    ferry_clock_clear (self->clock, &self->idle_timer);
  if (self->connection != NULL)
    g_signal_handlers_disconnect_by_data (self->connection, self);
  g_clear_pointer (&self->watchdog, ferry_watchdog_free);
  g_clear_object (&self->power);
  g_clear_object (&self->time_sync);
  g_clear_object (&self->bus);
  g_clear_object (&self->engine);
  g_clear_object (&self->workers);
  g_clear_object (&self->policy);
  g_clear_object (&self->store);
  g_clear_object (&self->connection);
  g_clear_object (&self->clock);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  G_OBJECT_CLASS (ferry_service_parent_class)->dispose (object);
}

static void
ferry_service_class_init (FerryServiceClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_service_dispose;
}

static void
ferry_service_init (FerryService *self)
{
  self->loop = g_main_loop_new (NULL, FALSE);
}

/* == the service manager == */

static void
notify_manager (const char *state, gpointer data)
{
#if HAVE_LIBSYSTEMD
  sd_notify (FALSE, state);
#endif
}

/* Returns: µs, 0 = none */
static guint64
get_watchdog_period (void)
{
  guint64 period = 0;

#if HAVE_LIBSYSTEMD
  if (sd_watchdog_enabled (FALSE, &period) <= 0)
    return 0;
#endif
  return period;
}

/* == ending == */

static void
end (FerryService *self, int status)
{
  self->status = MAX (self->status, status);
  g_main_loop_quit (self->loop);
}

void
ferry_service_quit (FerryService *self)
{
  end (self, 0);
}

/* Started again, ferryd salvages what there is; going on with an empty queue would tell every owner that he has no jobs. */
static void
engine_lost_cb (FerryEngine *engine, GError *error, gpointer data)
{
  g_critical ("The store cannot be read back: %s", error->message);
  end (data, 1);
}

/* == the bus == */

static void
connection_closed_cb (GDBusConnection *connection, gboolean remote, GError *error, gpointer data)
{
  g_critical ("The system bus is gone%s%s", error != NULL ? ": " : "",
              error != NULL ? error->message : "");
  end (data, 1);
}

/* Every object is in place before the name is owned, so no early call meets half a service. (GDBus cannot
 * hold messages back on a bus: it needs the reply to its own Hello.) */
GDBusConnection *
ferry_service_connect (GError **error)
{
  g_autofree char *address = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, error);
  GDBusConnection *connection;

  if (address == NULL)
    return NULL;

  connection = g_dbus_connection_new_for_address_sync (
      address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
          G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, error);
  if (connection != NULL)
    g_dbus_connection_set_exit_on_close (connection, FALSE);
  return connection;
}

static void
name_acquired_cb (GDBusConnection *connection, const char *name, gpointer data)
{
  notify_manager ("READY=1", NULL);
  g_debug ("Serving %s", name);
}

static void
name_lost_cb (GDBusConnection *connection, const char *name, gpointer data)
{
  g_critical ("The name %s cannot be owned: another process has it, or the bus's policy forbids it",
              name);
  end (data, 1);
}

/* == idle exit == */

static void idle_timer_cb (gpointer data);

static void
arm_idle_timer (FerryService *self, gint64 deadline)
{
  ferry_clock_clear (self->clock, &self->idle_timer);
  self->idle_timer = ferry_clock_add (self->clock, deadline, idle_timer_cb, self);
}

/* Fires 60 s after the last call that was known when it was set. While something is being done it asks again a minute
 * later; a service that only holds on to something (a job that waits, a secret) is not woken to be asked, it hears when
 * its jobs change. */
static void
idle_timer_cb (gpointer data)
{
  FerryService *self = data;
  gint64 now = ferry_clock_get_boot (self->clock);
  gint64 quiet_since = ferry_bus_get_last_call (self->bus);

  self->idle_timer = 0;
  if (quiet_since + IDLE_TIME > now)
    arm_idle_timer (self, quiet_since + IDLE_TIME);
  else if (!ferry_bus_is_idle (self->bus) || ferry_engine_is_busy (self->engine))
    arm_idle_timer (self, now + IDLE_TIME);
  else if (ferry_engine_is_idle (self->engine))
    {
      g_debug ("Nothing to do");
      end (self, 0);
    }
}

static void
note_change (FerryService *self)
{
  if (self->idle_timer == 0)
    arm_idle_timer (self, ferry_clock_get_boot (self->clock) + IDLE_TIME);
}

/* == life == */

FerryService *
ferry_service_new (FerryClock *clock, FerryNetwork *network, FerryLauncher *launcher,
                   GDBusConnection *connection, const char *state_directory,
                   const char *runtime_directory, GError **error)
{
  g_autoptr (FerryService) self = g_object_new (FERRY_TYPE_SERVICE, NULL);

  self->clock = g_object_ref (clock);
  self->store = ferry_store_new (state_directory, error);
  if (self->store == NULL)
    return NULL;

  self->policy = ferry_policy_new (self->store);
  self->workers = ferry_workers_new (launcher, clock, runtime_directory, error);
  if (self->workers == NULL)
    return NULL;
  self->engine = ferry_engine_new (clock, network, self->store, self->policy, self->workers, error);
  if (self->engine == NULL)
    return NULL;

  g_signal_connect_object (self->engine, "lost", G_CALLBACK (engine_lost_cb), self, 0);

  self->connection = g_object_ref (connection);
  g_signal_connect (self->connection, "closed", G_CALLBACK (connection_closed_cb), self);
  g_signal_connect_object (ferry_engine_get_queue (self->engine), "job-changed",
                           G_CALLBACK (note_change), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (ferry_engine_get_queue (self->engine), "job-removed",
                           G_CALLBACK (note_change), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (ferry_engine_get_service_time (self->engine), "changed",
                           G_CALLBACK (note_change), self, G_CONNECT_SWAPPED);
  self->bus = ferry_bus_new (self->connection, self->engine, error);
  if (self->bus == NULL)
    return NULL;
  self->time_sync = ferry_time_sync_new (clock, self->connection,
                                         ferry_engine_get_service_time (self->engine));
  self->power = ferry_power_new (clock, self->connection, self->engine);

  return g_steal_pointer (&self);
}

static void
patience_cb (gpointer data)
{
  *(gboolean *) data = TRUE;
}

/* The name goes first, so that new calls go to our successor; what has arrived is answered, for which the bus, the disk
 * or a worker may have to be waited for. */
static void
release_name (FerryService *self)
{
  gboolean over = FALSE;
  guint timer = ferry_clock_add (self->clock,
                                 ferry_clock_get_boot (self->clock) +
                                     SHUTDOWN_PATIENCE * G_USEC_PER_SEC,
                                 patience_cb, &over);

  g_clear_handle_id (&self->name_id, g_bus_unown_name);
  while (!over && g_main_context_iteration (NULL, FALSE))
    ;
  while (!over && !ferry_bus_is_idle (self->bus) && !g_dbus_connection_is_closed (self->connection))
    g_main_context_iteration (NULL, TRUE);
  if (!over)
    ferry_clock_remove (self->clock, timer);
}

int
ferry_service_run (FerryService *self)
{
  guint64 period = get_watchdog_period ();

  self->name_id = g_bus_own_name_on_connection (self->connection, FERRY_BUS_NAME,
                                                G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
                                                name_acquired_cb, name_lost_cb, self, NULL);
  arm_idle_timer (self, ferry_clock_get_boot (self->clock) + IDLE_TIME);
  if (period > 0)
    self->watchdog = ferry_watchdog_new (period, notify_manager, NULL);

  g_main_loop_run (self->loop);

  /* Before the name goes: a call that comes then makes the manager start another ferryd, for which it must know that this
   * one is ending. */
  notify_manager ("STOPPING=1", NULL);
  release_name (self);
  ferry_engine_shutdown (self->engine, SHUTDOWN_PATIENCE);
  ferry_bus_close (self->bus);
  ferry_workers_close (self->workers);
  ferry_store_close (self->store);
  g_dbus_connection_flush_sync (self->connection, NULL, NULL);
  return self->status;
}
