/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.ferry.Transfer1.Policy of the root object. Set and Reset were authorized before they come here. */

#include "ferry-bus-private.h"

static void
handle_get_effective (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  FerryPolicy *policy = ferry_engine_get_policy (self->engine);

  ferry_call_return_after_commit (
      call, self->store, g_variant_new ("(@a{sa{sv}})", ferry_policy_get_effective (policy)));
}

static void
handle_set (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  g_autoptr (GVariant) value = NULL;
  GError *error = NULL;
  const char *key;

  g_variant_get (call->parameters, "(&sv)", &key, &value);
  if (!ferry_policy_set (ferry_engine_get_policy (self->engine), key, value, &error))
    ferry_call_return_error (call, error);
  else
    ferry_call_return_after_commit (call, self->store, NULL);
}

static void
handle_reset (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  GError *error = NULL;
  const char *key;

  g_variant_get (call->parameters, "(&s)", &key);
  if (!ferry_policy_reset (ferry_engine_get_policy (self->engine), key, &error))
    ferry_call_return_error (call, error);
  else
    ferry_call_return_after_commit (call, self->store, NULL);
}

const FerryBusMethod ferry_bus_policy_methods[] = {
  { FERRY_POLICY_INTERFACE, "GetEffective", handle_get_effective },
  { FERRY_POLICY_INTERFACE, "Set", handle_set },
  { FERRY_POLICY_INTERFACE, "Reset", handle_reset },
  { NULL, NULL, NULL },
};
