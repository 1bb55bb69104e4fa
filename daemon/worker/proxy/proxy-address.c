/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proxy-address.h"

#include "worker-proxy-child.h"

#include <string.h>

static const char *const schemes[] = { WORKER_PROXY_SCHEMES, NULL };

static gboolean
is_graphic (const char *text)
{
  while (g_ascii_isgraph (*text))
    text++;
  return *text == '\0';
}

/* Returns: (transfer full) (nullable): what is before and in the path of @uri, with a host in ASCII and the rest escaped */
static char *
write_in_ascii (GUri *uri, const char *scheme)
{
  const char *login = g_uri_get_userinfo (uri);
  g_autofree char *host = g_hostname_to_ascii (g_uri_get_host (uri));
  g_autofree char *escaped = login != NULL
                                 ? g_uri_escape_string (
                                       login, "%" G_URI_RESERVED_CHARS_ALLOWED_IN_USERINFO, FALSE)
                                 : NULL;

  if (host == NULL)
    return NULL;
  return g_uri_join (G_URI_FLAGS_ENCODED, scheme, escaped, host, g_uri_get_port (uri), "", NULL,
                     NULL);
}

char *
proxy_address_normalize (const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_ENCODED, NULL);
  g_autofree char *address = NULL;
  const char *scheme;

  if (uri == NULL)
    return NULL;
  /* Others tell apart who resolves the name; with GIO it is always the proxy. */
  scheme = g_str_equal (g_uri_get_scheme (uri), "socks5h") ? "socks5" : g_uri_get_scheme (uri);
  if (!g_strv_contains (schemes, scheme))
    return NULL;
  if (g_str_equal (scheme, "direct"))
    return g_strdup ("direct://");
  if (g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    return NULL;
  address = is_graphic (text) ? g_strconcat (scheme, strchr (text, ':'), NULL)
                              : write_in_ascii (uri, scheme);
  return address != NULL && is_graphic (address) ? g_steal_pointer (&address) : NULL;
}

char *
proxy_address_new (const char *scheme, const char *server, int port)
{
  g_autofree char *text = g_strconcat (scheme, "://", server, NULL);
  g_autofree char *whole = NULL;
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_ENCODED, NULL);

  if (uri == NULL || *g_uri_get_path (uri) != '\0' || g_uri_get_query (uri) != NULL ||
      g_uri_get_fragment (uri) != NULL)
    return NULL;
  if (g_uri_get_port (uri) > 0)
    return proxy_address_normalize (text);
  whole = g_strdup_printf ("%s:%d", text, port);
  return proxy_address_normalize (whole);
}
