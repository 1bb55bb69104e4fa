/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kerberos tickets (RFC 4120): those that the user has, or that a name and a password get; by GSSAPI (RFC 2743). */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _WorkerKerberos WorkerKerberos;

/** @user, @password: (nullable): both %NULL: the user's own tickets. They are kept in memory, and wiped when it goes. */
WorkerKerberos *worker_kerberos_new (const char *user, const char *password);
void worker_kerberos_free (WorkerKerberos *self);

/**
 * worker_kerberos_new_token:
 * @host: lowercase
 *
 * Who we are, for one request to the service HTTP/@host. Blocks while Kerberos' servers are asked, which nothing can interrupt; of
 * one thread at a time.
 *
 * Returns: (transfer full) (nullable): "Negotiate ..." (RFC 4559), %NULL with AUTHENTICATION_FAILED, or CONNECT_FAILED when Kerberos'
 *   servers are not reached
 */
char *worker_kerberos_new_token (WorkerKerberos *self, const char *host, GError **error);

G_END_DECLS
