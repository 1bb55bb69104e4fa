/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the person at the desktop, by the desktop's own dialog for passwords (org.gnome.keyring.SystemPrompter). */

#pragma once

#include "ferry-keyring.h"
#include "ferry-login-match.h"

G_BEGIN_DECLS

#define AGENT_PROMPTER_NAME "org.gnome.keyring.SystemPrompter"

/**
 * agent_prompt_async:
 * @query: what is asked for; must stay until @callback was called
 * @user: (nullable): whose password it is, when that is known; else the person is asked for it first
 *
 * Waits for the dialogs of others to end first.
 */
void agent_prompt_async (const FerryLoginQuery *query, const char *user, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data);

/**
 * agent_prompt_finish:
 * @remember: (out): whether the person wants it saved
 *
 * Returns: (transfer full) (nullable): what was typed; AuthorizationDismissed when the person does not want to
 */
FerryKeyringLogin *agent_prompt_finish (GAsyncResult *result, gboolean *remember, GError **error);

G_END_DECLS
