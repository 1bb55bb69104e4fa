/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether there is a network, as an interface with a fake. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_TYPE_NETWORK (ferry_network_get_type ())
G_DECLARE_INTERFACE (FerryNetwork, ferry_network, FERRY, NETWORK, GObject)

/** Signal "changed" (no arguments): availability or cost changed. */
struct _FerryNetworkInterface
{
  GTypeInterface parent_interface;

  gboolean (*is_available) (FerryNetwork *self);
};

/** Returns: whether any route leads out of this machine or jobs may at least try */
gboolean ferry_network_is_available (FerryNetwork *self);

/**
 * ferry_network_is_local:
 * @host: (nullable): a name or an address literal
 *
 * Returns: whether @host is this very machine, which needs no network: loopback addresses, "localhost" and names
 *   below it (RFC 6761). No name is resolved
 */
gboolean ferry_network_is_local (const char *host);

/** For implementations: emits "changed". */
void ferry_network_emit_changed (FerryNetwork *self);

/** Returns: (transfer full): GNetworkMonitor's view */
FerryNetwork *ferry_system_network_new (void);

G_END_DECLS
