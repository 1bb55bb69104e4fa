/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-wash.h"

#include "ferry-names.h"

#include <string.h>

/* More than a header of ours is longer than this message's. */
#define MARGIN 1024

static gboolean
has (GVariant *dict, const char *key)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (dict, key, NULL);

  return value != NULL;
}

gboolean
ferry_wash_needs (const char *member, GVariant *parameters)
{
  g_autoptr (GVariant) properties = NULL;

  if (g_str_equal (member, "SetCredentials") || g_str_equal (member, "SetCustomHeaders"))
    return TRUE;
  if (!g_str_equal (member, "CreateJob") && !g_str_equal (member, "SubmitJob"))
    return FALSE;

  properties = g_variant_get_child_value (parameters, g_variant_n_children (parameters) - 1);
  return has (properties, "Credentials") || has (properties, "CustomHeaders");
}

void
ferry_wash (GDBusConnection *connection, GVariant *secret)
{
  const char *name = g_dbus_connection_get_unique_name (connection);
  gsize size = g_variant_get_size (secret) + MARGIN;
  g_autofree char *nothing = g_malloc0 (size);
  g_autoptr (GDBusMessage)
      message = g_dbus_message_new_signal (FERRY_ROOT_PATH, FERRY_BUS_NAME ".Nothing", "Nothing");

  /* Peer to peer, in tests. */
  if (name == NULL)
    return;
  g_dbus_message_set_destination (message, name);
  g_dbus_message_set_body (message,
                           g_variant_new ("(@ay)", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE,
                                                                              nothing, size, 1)));
  g_dbus_connection_send_message (connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
}
