/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-agents.h"

G_DEFINE_INTERFACE (FerryAgents, ferry_agents, G_TYPE_OBJECT)

static void
ferry_agents_default_init (FerryAgentsInterface *iface)
{
  g_signal_new ("registered", FERRY_TYPE_AGENTS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 1, G_TYPE_UINT);
}

gboolean
ferry_agents_has_any (FerryAgents *self, uid_t uid)
{
  return FERRY_AGENTS_GET_IFACE (self)->has_any (self, uid);
}

void
ferry_agents_ask_async (FerryAgents *self, uid_t uid, GVariant *query, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  FERRY_AGENTS_GET_IFACE (self)->ask_async (self, uid, query, cancellable, callback, user_data);
}

FerryCredential *
ferry_agents_ask_finish (FerryAgents *self, GAsyncResult *result, char **request, GError **error)
{
  return FERRY_AGENTS_GET_IFACE (self)->ask_finish (self, result, request, error);
}

void
ferry_agents_tell (FerryAgents *self, const char *request, gboolean accepted)
{
  FERRY_AGENTS_GET_IFACE (self)->tell (self, request, accepted);
}

void
ferry_agents_emit_registered (FerryAgents *self, uid_t uid)
{
  g_signal_emit_by_name (self, "registered", (guint) uid);
}
