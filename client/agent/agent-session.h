/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the session has for the agent: a program that shows dialogs, and a keyring. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _AgentSession AgentSession;

/**
 * agent_session_new:
 * @bus: the session's
 * @changed: called when what can be answered changes: whether a person can be asked, or what the keyring has
 * @user_data: for @changed
 *
 * Watches the bus, and starts nothing on it.
 */
AgentSession *agent_session_new (GDBusConnection *bus, void (*changed) (gpointer user_data),
                                 gpointer user_data);

void agent_session_free (AgentSession *self);

/** Returns: whether there is a program that shows dialogs */
gboolean agent_session_is_interactive (AgentSession *self);

G_END_DECLS
