/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One run of ferry-proxy-lookup. It gets a line, an address, on its standard input; it answers with lines, `proxy ADDRESS` each
 * or `error SENTENCE`, and then `end`. What it says is checked as if it were a stranger: a script wrote it. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Most bytes of an answer, and most proxies in it. */
#define WORKER_PROXY_ANSWER_MAX (16 * 1024)
#define WORKER_PROXIES_MAX      16

/* What GIO knows how to go through; no other scheme is in an answer. */
#define WORKER_PROXY_SCHEMES "direct", "http", "https", "socks", "socks4a", "socks4", "socks5"

/** Returns: (transfer full) (nullable): @program, started; %NULL with WORKER_FAILED */
GSubprocess *worker_proxy_child_start (const char *program, GError **error);

/**
 * worker_proxy_child_ask:
 * @url: an address, less than 4 KiB
 * @deadline: monotonic, µs
 * @error: CONNECT_FAILED with what it said, TIMED_OUT at @deadline, WORKER_FAILED when it says nothing sensible, or
 *   G_IO_ERROR_CANCELLED
 *
 * Kills it in any case, but does not wait for its end: it may be held up by a file system.
 *
 * Returns: (transfer full) (nullable): the proxies, one at least
 */
char **worker_proxy_child_ask (GSubprocess *self, const char *url, gint64 deadline,
                               GCancellable *cancellable, GError **error);

G_END_DECLS
