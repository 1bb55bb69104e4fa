/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent: an org.ferry.Transfer1.SecretAgent on the system bus. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _Agent Agent;

/**
 * agent_new:
 * @system: the bus of ferryd
 * @session: the bus of the person's dialogs
 *
 * Registers whenever ferryd is there, and does not start it.
 *
 * Returns: (transfer full) (nullable): an agent that answers from now on
 */
Agent *agent_new (GDBusConnection *system, GDBusConnection *session, GError **error);

/** Ends all that goes on; waits for that, but not for a person. */
void agent_free (Agent *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Agent, agent_free)

G_END_DECLS
