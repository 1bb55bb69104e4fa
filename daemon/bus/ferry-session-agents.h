/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agents that registered on the bus, as FerryAgents. */

#pragma once

#include "ferry-agents.h"
#include "ferry-peers.h"

G_BEGIN_DECLS

/* Agents of one user. */
#define FERRY_AGENTS_MAX 8

#define FERRY_TYPE_SESSION_AGENTS (ferry_session_agents_get_type ())
G_DECLARE_FINAL_TYPE (FerrySessionAgents, ferry_session_agents, FERRY, SESSION_AGENTS, GObject)

/** References are taken to both. */
FerrySessionAgents *ferry_session_agents_new (GDBusConnection *connection, FerryPeers *peers);

/**
 * ferry_session_agents_add:
 * @sender: a unique name, of @uid, that @self's peers know
 * @path: of its object
 * @interactive: whether it can ask a person
 *
 * It is asked first from now on. Errors: G_DBUS_ERROR_LIMITS_EXCEEDED.
 */
gboolean ferry_session_agents_add (FerrySessionAgents *self, uid_t uid, const char *sender,
                                   const char *path, gboolean interactive, GError **error);

/** Returns: whether there was one */
gboolean ferry_session_agents_remove (FerrySessionAgents *self, const char *sender,
                                      const char *path);

G_END_DECLS
