/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who we are by Kerberos (HTTP scheme Negotiate, RFC 4559): the user's own ticket, or a name and a password that get one.
 *
 * libsoup has the scheme, but answers whoever asks for it, other origins too, says nothing of what went wrong, and lets a body
 * go out twice. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _WorkerNegotiate WorkerNegotiate;

/** @user, @password: (nullable): both %NULL: the user's own ticket. They are kept in memory, and wiped when it goes. */
WorkerNegotiate *worker_negotiate_new (const char *user, const char *password);
/** @self may be %NULL. */
void worker_negotiate_unref (WorkerNegotiate *self);

/**
 * worker_negotiate_get_token:
 * @host: of the server, which proves to be HTTP/@host of its realm
 *
 * Each token is for one request. Of one thread at a time; blocks while Kerberos' servers are asked, not longer than @cancellable
 * lets it.
 *
 * Returns: (transfer full) (nullable): "Negotiate ..." for a header, %NULL with AUTHENTICATION_FAILED and a sentence that says
 *   why; CONNECT_FAILED when Kerberos' servers are not reached, which can pass; WORKER_FAILED when there is no thread for it;
 *   G_IO_ERROR_CANCELLED
 */
char *worker_negotiate_get_token (WorkerNegotiate *self, const char *host,
                                  GCancellable *cancellable, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerNegotiate, worker_negotiate_unref)

G_END_DECLS
