/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The address of a proxy as GIO takes it, made of what people, variables and scripts say. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Returns: (transfer full) (nullable): @text, an address, with a scheme that GIO goes through, in ASCII; %NULL when there is no
 * way to go through it */
char *proxy_address_normalize (const char *text);

/**
 * proxy_address_new:
 * @server: a host and maybe a port, `host:1`, with a login before it or without, `user:password@host`
 * @port: for a @server without one
 *
 * Returns: (transfer full) (nullable): as proxy_address_normalize(); %NULL also when @server is anything else
 */
char *proxy_address_new (const char *scheme, const char *server, int port);

G_END_DECLS
