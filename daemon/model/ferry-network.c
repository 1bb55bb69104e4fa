/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-network.h"

G_DEFINE_INTERFACE (FerryNetwork, ferry_network, G_TYPE_OBJECT)

static void
ferry_network_default_init (FerryNetworkInterface *iface)
{
  g_signal_new ("changed", FERRY_TYPE_NETWORK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                0);
}

gboolean
ferry_network_is_available (FerryNetwork *self)
{
  return FERRY_NETWORK_GET_IFACE (self)->is_available (self);
}

gboolean
ferry_network_can_reach (FerryNetwork *self, const char *host)
{
  g_autoptr (GInetAddress) address = NULL;

  if (ferry_network_is_available (self))
    return TRUE;
  if (host == NULL)
    return FALSE;
  if (g_ascii_strcasecmp (host, "localhost") == 0 || g_str_has_suffix (host, ".localhost"))
    return TRUE;

  address = g_inet_address_new_from_string (host);
  return address != NULL && (g_inet_address_get_is_loopback (address) ||
                             FERRY_NETWORK_GET_IFACE (self)->can_reach (self, address));
}

void
ferry_network_emit_changed (FerryNetwork *self)
{
  g_signal_emit_by_name (self, "changed");
}

#define FERRY_TYPE_SYSTEM_NETWORK (ferry_system_network_get_type ())
G_DECLARE_FINAL_TYPE (FerrySystemNetwork, ferry_system_network, FERRY, SYSTEM_NETWORK, GObject)

struct _FerrySystemNetwork
{
  GObject parent_instance;

  GNetworkMonitor *monitor; /* (unowned): the process's default */
};

static void ferry_system_network_iface_init (FerryNetworkInterface *iface);

G_DEFINE_TYPE_WITH_CODE (FerrySystemNetwork, ferry_system_network, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (FERRY_TYPE_NETWORK,
                                                ferry_system_network_iface_init))

static gboolean
ferry_system_network_is_available (FerryNetwork *network)
{
  FerrySystemNetwork *self = FERRY_SYSTEM_NETWORK (network);

  return g_network_monitor_get_network_available (self->monitor);
}

static gboolean
ferry_system_network_can_reach (FerryNetwork *network, GInetAddress *address)
{
  FerrySystemNetwork *self = FERRY_SYSTEM_NETWORK (network);
  g_autoptr (GSocketAddress) socket_address = g_inet_socket_address_new (address, 80);

  /* With an address it looks into its table of routes and asks nobody. */
  return g_network_monitor_can_reach (self->monitor, G_SOCKET_CONNECTABLE (socket_address), NULL,
                                      NULL);
}

static void
ferry_system_network_class_init (FerrySystemNetworkClass *class)
{
}

static void
ferry_system_network_iface_init (FerryNetworkInterface *iface)
{
  iface->is_available = ferry_system_network_is_available;
  iface->can_reach = ferry_system_network_can_reach;
}

static void
ferry_system_network_init (FerrySystemNetwork *self)
{
  self->monitor = g_network_monitor_get_default ();
  g_signal_connect_object (self->monitor, "network-changed",
                           G_CALLBACK (ferry_network_emit_changed), self, G_CONNECT_SWAPPED);
}

FerryNetwork *
ferry_system_network_new (void)
{
  return g_object_new (FERRY_TYPE_SYSTEM_NETWORK, NULL);
}
