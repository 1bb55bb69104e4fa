/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HTTP sessions of this worker, one for each proxy configuration, and the bound on connections
 * to one host. */

#pragma once

#include "worker-pulse.h"
#include "worker-trust.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Connections to one scheme, host and port at a time. */
#define WORKER_MAX_CONNECTIONS_PER_HOST 6

typedef struct _WorkerSessions WorkerSessions;

/** To be called once, before the first thread: libsoup 3.2 has no other switch for HTTP/1.1
 * alone, nor GIO for no resolver of proxies of its own. */
void worker_sessions_init_process (void);

/** @times: (nullable): copied; %NULL = worker_times_default() */
WorkerSessions *worker_sessions_new (const WorkerTimes *times);
void worker_sessions_free (WorkerSessions *self);

/** Returns: (transfer none): how long servers may take. Any thread. */
const WorkerTimes *worker_sessions_get_times (WorkerSessions *self);

/**
 * worker_sessions_get:
 * @usage: (nullable): a FerryProxyUsage word, "default" when %NULL: what worker-proxy-resolver.h finds, in the user's desktop or
 *   in our environment. "none" goes without, whatever that is
 * @proxy_uri: (nullable): with "override"
 * @bypass: (nullable): hosts that go without the proxy
 * @trust: connections are shared among those alone that trust the same
 * @login: (nullable): worker_login_get_key(); %NULL = challenges are not answered. A tunnel belongs to whom the proxy made it for
 * @sending: whether for uploads, whose connections have a patience of their own
 *
 * In the main thread only. Messages may be sent with it from any thread.
 *
 * Returns: (transfer full): the session, or %NULL with CONNECT_FAILED when @proxy_uri is malformed
 */
SoupSession *worker_sessions_get (WorkerSessions *self, const char *usage, const char *proxy_uri,
                                  const char *const *bypass, const WorkerTrust *trust,
                                  const char *login, gboolean sending, GError **error);

/** Closes what is idle. In the main thread, and only while no message is under way. */
void worker_sessions_trim (WorkerSessions *self);

/**
 * worker_sessions_enter:
 * @origin: worker_uri_get_origin()
 *
 * Waits for one of the connections to @origin; worker_sessions_leave() gives it back. Here and not
 * in libsoup, whose own wait cannot be cancelled. Any thread.
 *
 * Returns: %FALSE with G_IO_ERROR_CANCELLED
 */
gboolean worker_sessions_enter (WorkerSessions *self, const char *origin, GCancellable *cancellable,
                                GError **error);
void worker_sessions_leave (WorkerSessions *self, const char *origin);

G_END_DECLS
