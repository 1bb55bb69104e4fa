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
ferry_network_is_local (const char *host)
{
  g_autoptr (GInetAddress) address = NULL;

  if (host == NULL)
    return FALSE;
  if (g_ascii_strcasecmp (host, "localhost") == 0 || g_str_has_suffix (host, ".localhost"))
    return TRUE;

  address = g_inet_address_new_from_string (host);
  return address != NULL && g_inet_address_get_is_loopback (address);
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

static void
ferry_system_network_class_init (FerrySystemNetworkClass *class)
{
}

static void
ferry_system_network_iface_init (FerryNetworkInterface *iface)
{
  iface->is_available = ferry_system_network_is_available;
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
