/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The composition root: builds every object of ferryd, owns the bus name, ends in order. */

#pragma once

#include "ferry-clock.h"
#include "ferry-launcher.h"
#include "ferry-network.h"

G_BEGIN_DECLS

#define FERRY_TYPE_SERVICE (ferry_service_get_type ())
G_DECLARE_FINAL_TYPE (FerryService, ferry_service, FERRY, SERVICE, GObject)

/** Connects to the system bus (DBUS_SYSTEM_BUS_ADDRESS when set). Returns: (transfer full) (nullable): %NULL with @error */
GDBusConnection *ferry_service_connect (GError **error);

/**
 * ferry_service_new:
 * @clock, @network, @launcher: what tests put fakes for; references are taken
 * @connection: to the system bus, from ferry_service_connect(); a reference is taken
 * @state_directory, @runtime_directory: must exist and be ours
 *
 * Opens the store and puts everything in its place, but does not own the name yet. Errors: of the store, the bus, the
 * sockets.
 */
FerryService *ferry_service_new (FerryClock *clock, FerryNetwork *network, FerryLauncher *launcher,
                                 GDBusConnection *connection, const char *state_directory,
                                 const char *runtime_directory, GError **error);

/**
 * ferry_service_run:
 *
 * Owns the name and serves until ferry_service_quit(), the loss of the bus or the name, or idleness (60 s without a call and
 * nothing to do: the bus starts us again).
 *
 * Returns: the exit status: 0, or 1 with the reason logged
 */
int ferry_service_run (FerryService *self);

/** Ends ferry_service_run() in order: running files write a checkpoint first. */
void ferry_service_quit (FerryService *self);

G_END_DECLS
