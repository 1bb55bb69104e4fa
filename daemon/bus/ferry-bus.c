/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-bus-private.h"

G_DEFINE_FINAL_TYPE (FerryBus, ferry_bus, G_TYPE_OBJECT)

gboolean
ferry_bus_is_idle (FerryBus *self)
{
  return ferry_call_count_get (self->calls) == 0 && !ferry_bus_notify_is_busy (self->notify);
}

gint64
ferry_bus_get_last_call (FerryBus *self)
{
  return self->last_call;
}

void
ferry_bus_close (FerryBus *self)
{
  ferry_bus_tree_unregister (self);
  ferry_engine_set_agents (self->engine, NULL);
  ferry_bus_notify_close (self->notify);
  ferry_authority_close (self->authority);
  ferry_peers_close (self->peers);
}

static void
ferry_bus_dispose (GObject *object)
{
  FerryBus *self = FERRY_BUS (object);

  if (self->connection != NULL)
    {
      ferry_bus_close (self);
      if (self->filter != 0)
        g_dbus_connection_remove_filter (self->connection, self->filter);
      self->filter = 0;
    }

  G_OBJECT_CLASS (ferry_bus_parent_class)->dispose (object);
}

static void
ferry_bus_finalize (GObject *object)
{
  FerryBus *self = FERRY_BUS (object);

  g_clear_object (&self->notify);
  g_clear_object (&self->agents);
  g_clear_object (&self->authority);
  g_clear_object (&self->peers);
  g_clear_object (&self->engine);
  g_clear_object (&self->connection);
  ferry_admission_unref (self->admission);
  ferry_call_count_unref (self->calls);
  g_array_unref (self->registrations);

  G_OBJECT_CLASS (ferry_bus_parent_class)->finalize (object);
}

static void
ferry_bus_class_init (FerryBusClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_bus_dispose;
  object_class->finalize = ferry_bus_finalize;
}

static void
ferry_bus_init (FerryBus *self)
{
  self->admission = ferry_admission_new ();
  self->calls = ferry_call_count_new ();
  self->registrations = g_array_new (FALSE, FALSE, sizeof (guint));
}

FerryBus *
ferry_bus_new (GDBusConnection *connection, FerryEngine *engine, GError **error)
{
  g_autoptr (FerryBus) self = g_object_new (FERRY_TYPE_BUS, NULL);

  self->connection = g_object_ref (connection);
  self->engine = g_object_ref (engine);
  self->queue = ferry_engine_get_queue (engine);
  self->store = ferry_engine_get_store (engine);
  self->clock = ferry_engine_get_clock (engine);
  self->peers = ferry_peers_new (connection);
  self->agents = ferry_session_agents_new (connection, self->peers);
  ferry_engine_set_agents (engine, FERRY_AGENTS (self->agents));
  self->authority = ferry_authority_new (connection, self->clock);
  self->notify = ferry_bus_notify_new (connection, engine, self->peers);
  self->last_call = ferry_clock_get_boot (self->clock);

  self->filter = ferry_admission_attach (self->admission, connection);
  if (!ferry_bus_tree_register (self, error))
    return NULL;

  return g_steal_pointer (&self);
}
