/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proxy-libproxy.h"

#include "proxy-address.h"

#include <proxy.h>
#include <string.h>

static const char *const variables[] = { "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY",
                                         "_PX_DEBUG_PACURL" };

/* libproxy lets any scheme through. */
static void
add (GPtrArray *proxies, const char *proxy)
{
  g_autofree char *address = proxy_address_normalize (proxy);

  if (address == NULL)
    return;
  if (!g_str_has_prefix (address, "socks://"))
    {
      g_ptr_array_add (proxies, g_steal_pointer (&address));
      return;
    }
  /* GIO has no proxies of whatever version of SOCKS. */
  g_ptr_array_add (proxies, g_strconcat ("socks5", strchr (address, ':'), NULL));
  g_ptr_array_add (proxies, g_strconcat ("socks4a", strchr (address, ':'), NULL));
  g_ptr_array_add (proxies, g_strconcat ("socks4", strchr (address, ':'), NULL));
}

char **
proxy_libproxy_ask (const char *setting, const char *url)
{
  g_autoptr (GPtrArray) result = g_ptr_array_new_with_free_func (g_free);
  pxProxyFactory *factory;
  char **found;

  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);
  if (setting != NULL)
    g_setenv ("http_proxy", setting, TRUE);

  factory = px_proxy_factory_new ();
  if (factory == NULL)
    return NULL;
  found = px_proxy_factory_get_proxies (factory, url);
  /* It is not freed: an engine that is unloaded while its threads run takes the process with it. */
  if (found == NULL)
    return NULL;

  for (gsize i = 0; found[i] != NULL; i++)
    add (result, found[i]);
  px_proxy_factory_free_proxies (found);
  g_ptr_array_add (result, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&result), FALSE);
}
