/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A private bus of type system: on one of type session others may listen in, which hides leaks. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _BusFixture BusFixture;

/** Starts a bus; skips the test and gives %NULL where there is no dbus-daemon. */
BusFixture *bus_fixture_start (void);
void bus_fixture_stop (BusFixture *self);

/** Returns: (transfer full): a new connection */
GDBusConnection *bus_fixture_connect (BusFixture *self);

/** Owns @name, which nobody has. */
void bus_fixture_own_name (GDBusConnection *connection, const char *name);

/** All that @connection sent has been handled by the bus, and what the bus sent it before has arrived. */
void bus_fixture_sync (GDBusConnection *connection);

/** Closes and frees; the bus knows when this returns. */
void bus_fixture_disconnect (GDBusConnection *connection);

G_END_DECLS
