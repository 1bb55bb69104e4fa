/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An HTTP server that says byte for byte what a test wants, in threads of the test's process. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _RawServer RawServer;

/** One connection that a request came over. */
typedef struct
{
  RawServer *server;
  GSocket *socket;
  guint number; /* of the request, over all connections, from 0 */
} RawPeer;

/**
 * RawHandler:
 * @request: request line and headers, without the empty line
 *
 * Called in the connection's thread for each request, one at a time over all connections.
 *
 * Returns: whether to wait for another request on the same connection; it is closed otherwise
 */
typedef gboolean (*RawHandler) (RawPeer *peer, const char *request, gpointer data);

RawServer *raw_server_new (RawHandler handler, gpointer data);
/** Stops listening and waits for all connections' threads. */
void raw_server_free (RawServer *self);

guint16 raw_server_get_port (RawServer *self);
/** Returns: (transfer full): http://127.0.0.1:PORT + @path */
char *raw_server_dup_url (RawServer *self, const char *path);

/** Returns: how many requests and connections there were */
guint raw_server_get_n_requests (RawServer *self);
guint raw_server_get_n_connections (RawServer *self);
/** Returns: (transfer full): the text of request @number */
char *raw_server_dup_request (RawServer *self, guint number);

void raw_send (RawPeer *peer, const void *data, gsize size);
void raw_printf (RawPeer *peer, const char *format, ...) G_GNUC_PRINTF (2, 3);

/** Makes the close of the connection a reset. */
void raw_reset (RawPeer *peer);

/** Blocks until the other side has closed. */
void raw_wait_for_close (RawPeer *peer);

/** Returns: (transfer full) (nullable): the value of header @name in @request */
char *raw_get_header (const char *request, const char *name);

/** Returns: whether @request has a Range of bytes from @start on, which it sets */
gboolean raw_get_range (const char *request, guint64 *start);

G_END_DECLS
