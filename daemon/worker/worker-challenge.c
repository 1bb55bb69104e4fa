/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-challenge.h"

#include "ferry-text.h"
#include "ferry-uri.h"

#include <string.h>

/* Those last for which a name and a password may not be enough: the server must be known to Kerberos here. */
static const struct
{
  const char *word;
  gboolean at_proxies; /* SetCredentials takes it for them */
} known[] = {
  { "digest", TRUE }, { "basic", TRUE },     { "bearer", FALSE },
  { "ntlm", TRUE },   { "negotiate", TRUE },
};

/* A challenge begins with its scheme, and goes on with parameters that have commas between them, as it has from the next.
 * Returns: where the parameter behind a scheme begins, %NULL when @item is a parameter alone */
static const char *
find_scheme_end (const char *item)
{
  const char *end = item + strcspn (item, " \t=");

  return end[strspn (end, " \t")] == '=' ? NULL : end;
}

/* @item: "name=value", or text without any */
static void
take_realm (const char *item, char **realm)
{
  GHashTable *params = soup_header_parse_param_list (item);
  const char *value = g_hash_table_lookup (params, "realm");

  if (value != NULL && *realm == NULL)
    *realm = ferry_text_clean (value, FERRY_TEXT_MAX);
  soup_header_free_param_list (params);
}

char **
worker_challenge_parse (const char *value, gboolean proxy, char **realm)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GSList *items = soup_header_parse_list (value);
  guint found = 0;
  gboolean ours = FALSE;

  *realm = NULL;
  for (GSList *l = items; l != NULL; l = l->next)
    {
      const char *item = l->data;
      const char *rest = find_scheme_end (item);

      if (rest != NULL)
        {
          g_autofree char *scheme = g_ascii_strdown (item, rest - item);

          ours = FALSE;
          for (guint i = 0; i < G_N_ELEMENTS (known); i++)
            {
              if (g_str_equal (known[i].word, scheme) && (known[i].at_proxies || !proxy))
                {
                  found |= 1u << i;
                  ours = TRUE;
                }
            }
          item = rest + strspn (rest, " \t");
        }
      if (ours && *item != '\0')
        take_realm (item, realm);
    }
  soup_header_free_list (items);

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      if (found & 1u << i)
        g_strv_builder_add (builder, known[i].word);
    }
  if (*realm == NULL)
    *realm = g_strdup ("");
  return g_strv_builder_end (builder);
}

static void
add_address (GVariantDict *dict, GUri *uri)
{
  g_variant_dict_insert (dict, "Scheme", "s", g_uri_get_scheme (uri));
  g_variant_dict_insert (dict, "Host", "s", g_uri_get_host (uri));
  g_variant_dict_insert (dict, "Port", "u", (guint32) ferry_uri_get_port (uri));
}

/* Returns: (transfer full) (nullable): of the proxy that @message went through */
static GUri *
get_proxy (SoupMessage *message)
{
  GSocketAddress *address = soup_message_get_remote_address (message);
  const char *uri = G_IS_PROXY_ADDRESS (address)
                        ? g_proxy_address_get_uri (G_PROXY_ADDRESS (address))
                        : NULL;

  return uri != NULL ? g_uri_parse (uri, SOUP_HTTP_URI_FLAGS, NULL) : NULL;
}

GVariant *
worker_challenge_new (SoupMessage *message, GUri *home)
{
  gboolean proxy = soup_message_get_status (message) == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED;
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  GUri *uri = soup_message_get_uri (message);
  g_autoptr (GUri) proxy_uri = proxy ? get_proxy (message) : NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GStrv) schemes = NULL;
  g_autofree char *realm = NULL;
  const char *value;

  if (!proxy && (soup_message_get_status (message) != SOUP_STATUS_UNAUTHORIZED ||
                 !ferry_uri_same_origin (home, uri)))
    return NULL;
  if (proxy && (proxy_uri == NULL || g_uri_get_host (proxy_uri) == NULL))
    return NULL;
  value = soup_message_headers_get_list (headers,
                                         proxy ? "Proxy-Authenticate" : "WWW-Authenticate");
  if (value == NULL)
    return NULL;
  schemes = worker_challenge_parse (value, proxy, &realm);
  if (schemes[0] == NULL)
    return NULL;

  g_variant_dict_insert (&dict, "Target", "s", proxy ? "proxy" : "server");
  g_variant_dict_insert (&dict, "AuthSchemes", "^as", schemes);
  g_variant_dict_insert (&dict, "Realm", "s", realm);
  add_address (&dict, proxy ? proxy_uri : uri);
  g_variant_dict_insert (&dict, "Path", "s", proxy ? "" : g_uri_get_path (uri));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
worker_challenge_new_for_key (GUri *home, const char *place)
{
  static const char *const schemes[] = { "password", NULL };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "Target", "s", "certificate");
  g_variant_dict_insert (&dict, "AuthSchemes", "^as", schemes);
  g_variant_dict_insert (&dict, "Realm", "s", "");
  add_address (&dict, home);
  g_variant_dict_insert (&dict, "Path", "s", place);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
