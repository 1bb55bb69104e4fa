/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-proxy.h"

#include <string.h>

#define HTTP_PORT 80

/* Returns: (transfer full) (nullable): "HOST:PORT"; %NULL when @session asks for @uri without a proxy */
static char *
find (SoupSession *session, GUri *uri)
{
  GProxyResolver *resolver = soup_session_get_proxy_resolver (session);
  g_autofree char *text = g_uri_to_string_partial (uri, G_URI_HIDE_PASSWORD | G_URI_HIDE_QUERY);
  g_auto (GStrv) proxies = NULL;
  g_autoptr (GUri) proxy = NULL;

  if (resolver != NULL)
    proxies = g_proxy_resolver_lookup (resolver, text, NULL, NULL);
  if (proxies == NULL || proxies[0] == NULL || g_str_equal (proxies[0], "direct://"))
    return NULL;
  proxy = g_uri_parse (proxies[0], SOUP_HTTP_URI_FLAGS, NULL);
  if (proxy == NULL || g_uri_get_host (proxy) == NULL)
    return NULL;
  return g_strdup_printf (strchr (g_uri_get_host (proxy), ':') != NULL ? "[%s]:%d" : "%s:%d",
                          g_uri_get_host (proxy),
                          g_uri_get_port (proxy) > 0 ? g_uri_get_port (proxy) : HTTP_PORT);
}

gboolean
worker_proxy_reads (SoupSession *session, GUri *uri)
{
  g_autofree char *proxy = NULL;

  if (!g_str_equal (g_uri_get_scheme (uri), "http") ||
      !G_IS_SIMPLE_PROXY_RESOLVER (soup_session_get_proxy_resolver (session)))
    return FALSE;
  proxy = find (session, uri);
  return proxy != NULL;
}

static gboolean
is_unreached (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE);
}

void
worker_proxy_explain (SoupSession *session, GUri *uri, GError **error)
{
  gboolean unresolved;
  g_autofree char *proxy = NULL;
  const char *cause;
  char *message;

  if (error == NULL || *error == NULL)
    return;
  unresolved = (*error)->domain == G_RESOLVER_ERROR;
  if (!unresolved && !is_unreached (*error))
    return;
  /* It is the proxy who looks for the server and connects to it. */
  proxy = find (session, uri);
  if (proxy == NULL)
    return;

  cause = strrchr ((*error)->message, ':');
  if (unresolved)
    message = g_strdup_printf ("The proxy %s is not found: its name does not resolve", proxy);
  else
    message = g_strdup_printf ("The proxy %s is not reached%s", proxy, cause != NULL ? cause : "");
  g_free ((*error)->message);
  (*error)->message = message;
}

char *
worker_proxy_get_answerer (SoupSession *session, SoupMessage *message)
{
  GUri *uri = soup_message_get_uri (message);
  gboolean https = g_str_equal (g_uri_get_scheme (uri), "https");
  g_autofree char *proxy = NULL;

  /* Without TLS it was the answer to CONNECT. */
  if (soup_message_get_status (message) == SOUP_STATUS_PROXY_UNAUTHORIZED ||
      (https && soup_message_get_tls_peer_certificate (message) == NULL))
    proxy = find (session, uri);
  return proxy != NULL ? g_strconcat ("The proxy ", proxy, NULL) : g_strdup ("The server");
}
