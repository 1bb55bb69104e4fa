/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who knows the credentials of a user: his agents, as an interface with a fake. */

#pragma once

#include "ferry-secrets.h"

#include <gio/gio.h>
#include <sys/types.h>

G_BEGIN_DECLS

#define FERRY_TYPE_AGENTS (ferry_agents_get_type ())
G_DECLARE_INTERFACE (FerryAgents, ferry_agents, FERRY, AGENTS, GObject)

/**
 * FerryAgentsInterface: see the functions.
 *
 * Signal "registered" (guint uid): that user has an agent that was not there before.
 */
struct _FerryAgentsInterface
{
  GTypeInterface parent_interface;

  gboolean (*has_any) (FerryAgents *self, uid_t uid);
  void (*ask_async) (FerryAgents *self, uid_t uid, GVariant *query, GCancellable *cancellable,
                     GAsyncReadyCallback callback, gpointer user_data);
  FerryCredential *(*ask_finish) (FerryAgents *self, GAsyncResult *result, char **request,
                                  GError **error);
  void (*tell) (FerryAgents *self, const char *request, gboolean accepted);
};

/** Whether there is anybody to ask for @uid. */
gboolean ferry_agents_has_any (FerryAgents *self, uid_t uid);

/**
 * ferry_agents_ask_async:
 * @query: (transfer floating): of GetCredentials, but for `Interactive`
 * @cancellable: nobody wants to know any more
 *
 * Asks the agents of @uid in turn, nobody else's.
 */
void ferry_agents_ask_async (FerryAgents *self, uid_t uid, GVariant *query,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);

/**
 * ferry_agents_ask_finish:
 * @request: (out) (transfer full): for ferry_agents_tell()
 *
 * Returns: (transfer full) (nullable): %NULL with FERRY_ERROR_NOT_FOUND when nobody has any,
 *   FERRY_ERROR_AUTHORIZATION_DISMISSED when a person does not want to, G_IO_ERROR_CANCELLED
 */
FerryCredential *ferry_agents_ask_finish (FerryAgents *self, GAsyncResult *result, char **request,
                                          GError **error);

/** What the answer to @request was worth. */
void ferry_agents_tell (FerryAgents *self, const char *request, gboolean accepted);

/** For implementations: emits "registered". */
void ferry_agents_emit_registered (FerryAgents *self, uid_t uid);

G_END_DECLS
