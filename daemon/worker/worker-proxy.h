/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The proxy between us and a server, so that an error tells which of the two it is about. */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/** Returns: (transfer full) (nullable): the proxy that reads @message, which has its connection; %NULL when the server does, by a
 * tunnel or SOCKS too */
GUri *worker_proxy_get_reader (SoupMessage *message);

/**
 * worker_proxy_explain:
 * @uri: what was asked for
 * @error: (inout) (nullable): why there was no answer
 *
 * When @session asks for @uri by a proxy, and it is the proxy that was not found or not reached, the sentence names it; domain
 * and code stay. Does not block.
 */
void worker_proxy_explain (SoupSession *session, GUri *uri, GError **error);

/** Returns: (transfer full): whose answer to @message it is: "The server", or "The proxy HOST:PORT". What a proxy says in the
 * server's place without telling counts as the server's. */
char *worker_proxy_get_answerer (SoupSession *session, SoupMessage *message);

G_END_DECLS
