/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ProxyUsage `default` comes to. A short-lived child looks (worker-proxy-child.h), so that no setting, script or file
 * system holds up an attempt that is to stop; one for all who ask for the same origin, and its answer is kept for a while. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Children at a time; who comes later waits. */
#define WORKER_PROXY_CHILDREN_MAX 4

/** All times are of tests only other than worker_proxy_times_default(), in ms. */
typedef struct
{
  guint patience;     /* for an answer, with the wait for one's turn */
  guint keep;         /* an answer */
  guint keep_failure; /* none: as long as one attempt asks several times */
} WorkerProxyTimes;

WorkerProxyTimes worker_proxy_times_default (void);

#define WORKER_TYPE_PROXY_RESOLVER (worker_proxy_resolver_get_type ())
G_DECLARE_FINAL_TYPE (WorkerProxyResolver, worker_proxy_resolver, WORKER, PROXY_RESOLVER, GObject)

/**
 * worker_proxy_resolver_new:
 * @program: (nullable): what to start; %NULL = ferry-proxy-lookup beside this program
 * @times: (nullable): copied; %NULL = worker_proxy_times_default()
 *
 * A GProxyResolver for any thread. Its lookups can be cancelled and take no longer than the patience; their errors are those of
 * worker_proxy_child_ask(). Of an address nothing but scheme, host and port is told or makes a difference.
 *
 * Returns: (transfer full)
 */
GProxyResolver *worker_proxy_resolver_new (const char *program, const WorkerProxyTimes *times);

/** Returns: (transfer full) (nullable): what the last lookup for @uri came to, however long ago; %NULL when it failed, or there
 * was none. Does not block. Any thread. */
char **worker_proxy_resolver_get_last (WorkerProxyResolver *self, const char *uri);

G_END_DECLS
