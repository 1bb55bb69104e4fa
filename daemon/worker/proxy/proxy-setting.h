/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody set about proxies: the user in his desktop, or the administrator in the machine's environment. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Begins as all zeros; one of the two is set by who found something, none when it cannot be understood. */
typedef struct
{
  char **proxies; /* (owned) (nullable): for the address asked for, as GProxyResolver gives them */
  char *
      script; /* (owned) (nullable): address of the script that knows (PAC); "" = what the network has (WPAD) */
} ProxySetting;

void proxy_setting_clear (ProxySetting *self);

/**
 * proxy_setting_read_desktop:
 * @url: `scheme://host/`
 * @self: (out): what the user chose in his desktop (GSettings, org.gnome.system.proxy)
 *
 * Reads files alone, and writes none, once proxy_setting_init_process() was called.
 *
 * Returns: %FALSE when he chose nothing, or this machine has no such settings
 */
gboolean proxy_setting_read_desktop (const char *url, ProxySetting *self);

/**
 * proxy_setting_read_machine:
 * @url: `scheme://host/`
 * @self: (out): what `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy` say, or what plugins of libproxy find
 *
 * Changes those variables.
 */
void proxy_setting_read_machine (const char *url, ProxySetting *self);

/** To be called once, before the first thread: keeps libraries from buses, from the desktop's helpers, and from making
 * directories where the user would see them. */
void proxy_setting_init_process (void);

G_END_DECLS
