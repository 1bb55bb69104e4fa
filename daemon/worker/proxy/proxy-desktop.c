/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GNOME's settings, which other desktops keep too; with them as glib-networking's proxy resolver of GNOME does. */

#include "proxy-setting.h"

#include "proxy-address.h"

#include <gio/gio.h>
#include <string.h>

#define SCHEMA "org.gnome.system.proxy"

/* Stands for the script while hosts are looked for that need no proxy. */
#define ASK_SCRIPT "use-script://"

/* Stands likewise for a proxy that was set, but is none. */
#define WRONG "wrong-setting://"

static char *
get_login (GSettings *http)
{
  g_autofree char *user = g_settings_get_string (http, "authentication-user");
  g_autofree char *password = g_settings_get_string (http, "authentication-password");
  g_autofree char *escaped_user = g_uri_escape_string (user, NULL, TRUE);
  g_autofree char *escaped_password = g_uri_escape_string (password, NULL, TRUE);

  if (!g_settings_get_boolean (http, "use-authentication"))
    return g_strdup ("");
  return g_strdup_printf ("%s:%s@", escaped_user, escaped_password);
}

/* Returns: (transfer full) (nullable): the proxy that child @name of @settings has, an address of @scheme; WRONG when it makes no
 * sense, %NULL when it has none */
static char *
get_proxy (GSettings *settings, const char *name, const char *scheme)
{
  g_autoptr (GSettings) child = g_settings_get_child (settings, name);
  g_autofree char *host = g_settings_get_string (child, "host");
  g_autofree char *login = g_str_equal (name, "http") ? get_login (child) : g_strdup ("");
  const gboolean bare = strchr (host, ':') != NULL && g_hostname_is_ip_address (host);
  g_autofree char *server = g_strconcat (login, bare ? "[" : "", host, bare ? "]" : "", NULL);
  char *proxy;

  if (*host == '\0')
    return NULL;
  proxy = proxy_address_new (scheme, server, g_settings_get_int (child, "port"));
  return proxy != NULL ? proxy : g_strdup (WRONG);
}

static void
set_proxies (GSimpleProxyResolver *resolver, GSettings *settings)
{
  g_autofree char *http = get_proxy (settings, "http", "http");
  g_autofree char *https = get_proxy (settings, "https", "http");
  g_autofree char *socks = get_proxy (settings, "socks", "socks");

  if (http != NULL)
    g_simple_proxy_resolver_set_uri_proxy (resolver, "http", http);
  if (https != NULL || http != NULL)
    g_simple_proxy_resolver_set_uri_proxy (resolver, "https", https != NULL ? https : http);
  if (socks != NULL)
    g_simple_proxy_resolver_set_default_proxy (resolver, socks);
}

gboolean
proxy_setting_read_desktop (const char *url, ProxySetting *self)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema)
      schema = source != NULL ? g_settings_schema_source_lookup (source, SCHEMA, TRUE) : NULL;
  g_autoptr (GSettings) settings = NULL;
  g_autoptr (GProxyResolver) resolver = NULL;
  g_auto (GStrv) ignored = NULL;
  g_autofree char *mode = NULL;

  if (schema == NULL)
    return FALSE;
  settings = g_settings_new (SCHEMA);
  mode = g_settings_get_string (settings, "mode");
  if (g_str_equal (mode, "none"))
    return FALSE;

  ignored = g_settings_get_strv (settings, "ignore-hosts");
  resolver = g_simple_proxy_resolver_new (NULL, ignored);
  if (g_str_equal (mode, "auto"))
    g_simple_proxy_resolver_set_default_proxy (G_SIMPLE_PROXY_RESOLVER (resolver), ASK_SCRIPT);
  else
    set_proxies (G_SIMPLE_PROXY_RESOLVER (resolver), settings);

  self->proxies = g_proxy_resolver_lookup (resolver, url, NULL, NULL);
  if (self->proxies == NULL)
    return TRUE;
  if (g_strv_contains ((const char *const *) self->proxies, ASK_SCRIPT))
    self->script = g_settings_get_string (settings, "autoconfig-url");
  if (self->script != NULL || g_strv_contains ((const char *const *) self->proxies, WRONG))
    g_clear_pointer (&self->proxies, g_strfreev);
  return TRUE;
}
