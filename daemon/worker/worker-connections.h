/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connections of a session: libsoup tells what one is when it is made, and later says its number only. Any thread. */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/** @session is new. Its connections are remembered as long as it lives. */
void worker_connections_attach (SoupSession *session);

/** @message is sent by @session over the new @connection. */
void worker_connections_note (SoupSession *session, SoupMessage *message, GIOStream *connection);

/** Returns: (transfer full) (nullable): what @message was sent over last; %NULL when that is not known, or gone */
GIOStream *worker_connections_get (SoupSession *session, SoupMessage *message);

G_END_DECLS
