/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ferry on the bus: objects, callers, signals. The name is the business of who makes it. */

#pragma once

#include "ferry-engine.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_TYPE_BUS (ferry_bus_get_type ())
G_DECLARE_FINAL_TYPE (FerryBus, ferry_bus, FERRY, BUS, GObject)

/**
 * ferry_bus_new:
 * @connection: to the system bus, before the name is owned: no call comes before there is something to
 *   answer it
 * @engine: what the calls act on
 *
 * Registers all objects and the filter that admits calls. References are taken to both.
 *
 * Returns: (transfer full) (nullable): %NULL with @error when an object could not be registered
 */
FerryBus *ferry_bus_new (GDBusConnection *connection, FerryEngine *engine, GError **error);

/** Whether no call is in handling and nothing is waiting to be told. */
gboolean ferry_bus_is_idle (FerryBus *self);

/** Boot µs of the last call, of the start when there was none. */
gint64 ferry_bus_get_last_call (FerryBus *self);

/** Takes the objects off the connection. Calls in handling still answer. */
void ferry_bus_close (FerryBus *self);

G_END_DECLS
