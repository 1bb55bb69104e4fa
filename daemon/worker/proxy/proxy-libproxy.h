/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libproxy: it knows how `no_proxy` is read, and has engines for scripts among its plugins. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * proxy_libproxy_ask:
 * @setting: (nullable): what is to be the proxy of all addresses, in place of those of the environment; `pac+file:///...` for a
 *   script. %NULL = what its plugins find
 * @url: an address
 *
 * Changes the environment.
 *
 * Returns: (transfer full) (nullable): the proxies for @url, as GProxyResolver gives them; empty when GIO can use none of them.
 *   Not told apart are direct and most of what can go wrong; %NULL for the rest of it
 */
char **proxy_libproxy_ask (const char *setting, const char *url);

G_END_DECLS
