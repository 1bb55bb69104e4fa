/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scripts that say which proxy is for which address (proxy auto-configuration, PAC). */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Most bytes of a script. */
#define PROXY_SCRIPT_MAX (1024 * 1024)

/* How long who has a script may say nothing, seconds. */
#define PROXY_SCRIPT_SILENCE 8

/**
 * proxy_script_load:
 * @address: `http`, `https` or `file`; "" = where the network's own is (WPAD by DNS)
 * @place: (out): what to call it in an error: "The proxy auto-configuration at HOST"
 * @error: CONNECT_FAILED or RESOLVE_FAILED
 *
 * Blocks. No proxy is asked for it.
 *
 * Returns: (transfer full) (nullable): the script, valid UTF-8, and without @error "" when the network has none
 */
char *proxy_script_load (const char *address, char **place, GError **error);

/**
 * proxy_script_ask:
 * @script: of proxy_script_load(); "" is always direct
 * @place: what to call it
 * @url: `scheme://host/`, of which nothing is escaped: no quotes, no backslash
 * @error: CONNECT_FAILED: no engine is installed, or the script is wrong
 *
 * Returns: (transfer full) (nullable): the proxies, as GProxyResolver gives them
 */
char **proxy_script_ask (const char *script, const char *place, const char *url, GError **error);

/**
 * proxy_script_parse:
 * @answer: of a script: `PROXY host:port; SOCKS host:port; DIRECT`
 *
 * Returns: (transfer full): the proxies that GIO can use among them, in their order; empty when there is none. "" is direct
 */
char **proxy_script_parse (const char *answer);

G_END_DECLS
