/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AgentManager. */

#include "ferry-bus-private.h"

#include "ferry-options.h"

static void
handle_register (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  g_autoptr (GVariant) dict = g_variant_get_child_value (call->parameters, 1);
  g_autoptr (FerryOptions) options = NULL;
  g_autoptr (GVariant) interactive = NULL;
  GError *error = NULL;
  const char *path;

  g_variant_get_child (call->parameters, 0, "&o", &path);
  options = ferry_options_new (dict, &error);
  if (options == NULL ||
      !ferry_options_take_converted (options, "Interactive", "b", &interactive, &error) ||
      !ferry_options_finish (options, &error) ||
      !ferry_session_agents_add (self->agents, call->uid, call->sender, path,
                                 interactive != NULL && g_variant_get_boolean (interactive),
                                 &error))
    {
      ferry_call_return_error (call, error);
      return;
    }
  ferry_call_return (call, NULL);
}

static void
handle_unregister (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  const char *path;

  g_variant_get (call->parameters, "(&o)", &path);
  if (ferry_session_agents_remove (self->agents, call->sender, path))
    ferry_call_return (call, NULL);
  else
    ferry_call_return_error (call, g_error_new_literal (G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT,
                                                        "You have registered no agent there."));
}

const FerryBusMethod ferry_bus_agents_methods[] = {
  { FERRY_AGENT_MANAGER_INTERFACE, "RegisterAgent", handle_register },
  { FERRY_AGENT_MANAGER_INTERFACE, "UnregisterAgent", handle_unregister },
  { NULL, NULL, NULL },
};
