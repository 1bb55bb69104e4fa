/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-time-sync.h"

#define INTERVAL (600 * G_USEC_PER_SEC)

struct _FerryTimeSync
{
  GObject parent_instance;

  FerryClock *clock;              /* (owned) */
  GDBusConnection *connection;    /* (owned) */
  FerryServiceTime *service_time; /* (owned) */
  GCancellable *cancellable;      /* (owned) */
  guint timer;
};

G_DEFINE_TYPE (FerryTimeSync, ferry_time_sync, G_TYPE_OBJECT)

static void ask (gpointer data);

static void
ferry_time_sync_dispose (GObject *object)
{
  FerryTimeSync *self = FERRY_TIME_SYNC (object);

  g_cancellable_cancel (self->cancellable);
  if (self->clock != NULL)
    ferry_clock_clear (self->clock, &self->timer);
  g_clear_object (&self->clock);
  g_clear_object (&self->connection);
  g_clear_object (&self->service_time);
  g_clear_object (&self->cancellable);
  G_OBJECT_CLASS (ferry_time_sync_parent_class)->dispose (object);
}

static void
ferry_time_sync_class_init (FerryTimeSyncClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_time_sync_dispose;
}

static void
ferry_time_sync_init (FerryTimeSync *self)
{
  self->cancellable = g_cancellable_new ();
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FerryTimeSync *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) value = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  if (reply != NULL)
    g_variant_get (reply, "(v)", &value);
  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN) &&
      g_variant_get_boolean (value))
    ferry_service_time_set_synchronized (self->service_time);
  else
    self->timer = ferry_clock_add (self->clock, ferry_clock_get_boot (self->clock) + INTERVAL, ask,
                                   self);
}

static void
ask (gpointer data)
{
  FerryTimeSync *self = data;

  self->timer = 0;
  if (!ferry_service_time_is_doubtful (self->service_time))
    return;

  g_dbus_connection_call (self->connection, "org.freedesktop.timedate1",
                          "/org/freedesktop/timedate1", "org.freedesktop.DBus.Properties", "Get",
                          g_variant_new ("(ss)", "org.freedesktop.timedate1", "NTPSynchronized"),
                          G_VARIANT_TYPE ("(v)"), G_DBUS_CALL_FLAGS_NONE, -1, self->cancellable,
                          answered_cb, self);
}

FerryTimeSync *
ferry_time_sync_new (FerryClock *clock, GDBusConnection *connection, FerryServiceTime *service_time)
{
  FerryTimeSync *self = g_object_new (FERRY_TYPE_TIME_SYNC, NULL);

  self->clock = g_object_ref (clock);
  self->connection = g_object_ref (connection);
  self->service_time = g_object_ref (service_time);
  ask (self);
  return self;
}
