/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-proxy.h"

#include "worker-proxy-resolver.h"

#include <string.h>

#define HTTP_PORT 80

/* Returns: (transfer full) (nullable): "HOST:PORT" of @address; %NULL when that is of no proxy */
static char *
name (const char *address)
{
  g_autoptr (GUri) uri = g_uri_parse (address, SOUP_HTTP_URI_FLAGS, NULL);

  if (uri == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    return NULL;
  return g_strdup_printf (strchr (g_uri_get_host (uri), ':') != NULL ? "[%s]:%d" : "%s:%d",
                          g_uri_get_host (uri),
                          g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : HTTP_PORT);
}

/* Returns: (transfer full) (nullable): those that @session asked, or would without looking anywhere */
static char **
get_proxies (SoupSession *session, GUri *uri)
{
  GProxyResolver *resolver = soup_session_get_proxy_resolver (session);
  g_autofree char *text = g_uri_to_string_partial (uri, G_URI_HIDE_PASSWORD | G_URI_HIDE_QUERY);

  if (WORKER_IS_PROXY_RESOLVER (resolver))
    return worker_proxy_resolver_get_last (WORKER_PROXY_RESOLVER (resolver), text);
  return g_proxy_resolver_lookup (resolver, text, NULL, NULL);
}

/* Returns: (transfer full) (nullable): the first proxy, as name() has it; %NULL when @session asks for @uri without one */
static char *
find (SoupSession *session, GUri *uri)
{
  g_auto (GStrv) proxies = get_proxies (session, uri);

  return proxies != NULL && proxies[0] != NULL ? name (proxies[0]) : NULL;
}

GUri *
worker_proxy_get_reader (SoupMessage *message)
{
  GSocketAddress *address = soup_message_get_remote_address (message);
  gboolean tunnel = g_str_equal (soup_message_get_method (message), SOUP_METHOD_CONNECT);
  g_autoptr (GUri) proxy = NULL;

  if (!G_IS_PROXY_ADDRESS (address) ||
      (!tunnel && !g_str_equal (g_uri_get_scheme (soup_message_get_uri (message)), "http")))
    return NULL;
  proxy = g_uri_parse (g_proxy_address_get_uri (G_PROXY_ADDRESS (address)), SOUP_HTTP_URI_FLAGS,
                       NULL);
  return proxy != NULL && g_str_equal (g_uri_get_scheme (proxy), "http") &&
                 g_uri_get_host (proxy) != NULL
             ? g_steal_pointer (&proxy)
             : NULL;
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
  /* When there are several, not always the first. */
  GSocketAddress *address = soup_message_get_remote_address (message);
  g_autofree char *proxy = NULL;

  /* Without TLS it was the answer to CONNECT. */
  if (soup_message_get_status (message) == SOUP_STATUS_PROXY_UNAUTHORIZED ||
      (https && soup_message_get_tls_peer_certificate (message) == NULL))
    proxy = G_IS_PROXY_ADDRESS (address)
                ? name (g_proxy_address_get_uri (G_PROXY_ADDRESS (address)))
                : find (session, uri);
  return proxy != NULL ? g_strconcat ("The proxy ", proxy, NULL) : g_strdup ("The server");
}
