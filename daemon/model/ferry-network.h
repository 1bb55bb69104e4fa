/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether there is a network, as an interface with a fake. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_TYPE_NETWORK (ferry_network_get_type ())
G_DECLARE_INTERFACE (FerryNetwork, ferry_network, FERRY, NETWORK, GObject)

/**
 * FerryNetworkInterface:
 * @is_available: whether any route leads out of this machine
 * @can_reach: whether a route leads to @address, which is none of this machine's own; asked only while no route leads out
 *
 * Signal "changed" (no arguments): availability or cost changed.
 */
struct _FerryNetworkInterface
{
  GTypeInterface parent_interface;

  gboolean (*is_available) (FerryNetwork *self);
  gboolean (*can_reach) (FerryNetwork *self, GInetAddress *address);
};

/** Returns: whether any route leads out of this machine or jobs may at least try */
gboolean ferry_network_is_available (FerryNetwork *self);

/**
 * ferry_network_can_reach:
 * @host: (nullable): a name or an address literal
 *
 * Returns: whether @host may be tried now: when there is a network; when it is this very machine, which needs none (loopback
 *   addresses, "localhost" and names below it, RFC 6761); when it is an address on a network that we are on though nothing
 *   leads out of that. No name is resolved: without a way out the others are taken to be beyond it
 */
gboolean ferry_network_can_reach (FerryNetwork *self, const char *host);

/** For implementations: emits "changed". */
void ferry_network_emit_changed (FerryNetwork *self);

/** Returns: (transfer full): GNetworkMonitor's view */
FerryNetwork *ferry_system_network_new (void);

G_END_DECLS
