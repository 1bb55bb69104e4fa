/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keyring for the agent: the calls of ferry-keyring.h in threads, as a keyring may wait for a person. */

#pragma once

#include "ferry-keyring.h"
#include "ferry-login-match.h"

G_BEGIN_DECLS

/**
 * AgentCandidate:
 * @item: an item of the keyring
 * @path: its object path
 * @secret: what it holds
 * @scheme: (nullable): how to send it; %NULL when no question was asked
 * @rate: how well it fits the question
 */
typedef struct
{
  FerryKeyringItem *item; /* (owned) */
  const char *path;       /* of @item */
  SecretValue *secret;    /* (owned) */
  char *scheme;           /* (owned) (nullable) */
  guint rate;
} AgentCandidate;

/**
 * agent_keyring_find_async:
 * @query: must stay until @callback was called
 *
 * Finds what fits. Only when nothing that is unlocked does, and a person may be asked, the person is asked to unlock.
 */
void agent_keyring_find_async (const FerryLoginQuery *query, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);

/**
 * agent_keyring_load_async:
 * @server: where the login is good
 * @path: object path of an item
 *
 * Finds that very item, if it is there and not locked.
 */
void agent_keyring_load_async (const FerryLoginServer *server, const char *path,
                               GAsyncReadyCallback callback, gpointer user_data);

/** Returns: (transfer full) (element-type AgentCandidate) (nullable): what was found, the best first */
GPtrArray *agent_keyring_find_finish (GAsyncResult *result, GError **error);

G_END_DECLS
