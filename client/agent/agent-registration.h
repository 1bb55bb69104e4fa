/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells every ferryd that comes that this agent is there, and whether it can ask a person. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The object that implements org.ferry.Transfer1.SecretAgent. */
#define AGENT_PATH "/org/ferry/Transfer1/SecretAgent"

typedef struct _AgentRegistration AgentRegistration;

/**
 * agent_registration_new:
 * @system: the bus of ferryd
 * @session: the bus of the program that shows dialogs
 * @gone: called when ferryd, or the one before, is gone
 * @user_data: for @gone
 *
 * Watches both buses, and starts nothing on them.
 *
 * Returns: (transfer full): what registers at each ferryd, and again when what this agent can do or what the keyring has
 *   changes
 */
AgentRegistration *agent_registration_new (GDBusConnection *system, GDBusConnection *session,
                                           void (*gone) (gpointer user_data), gpointer user_data);

void agent_registration_free (AgentRegistration *self);

/** Returns: whether @sender is the owner of org.ferry.Transfer1 */
gboolean agent_registration_is_service (AgentRegistration *self, const char *sender);

/** Returns: whether there is a program that shows dialogs */
gboolean agent_registration_is_interactive (AgentRegistration *self);

G_END_DECLS
