/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-uri.h"

guint
ferry_uri_get_default_port (const char *scheme)
{
  return g_str_equal (scheme, "https") ? 443 : 80;
}

guint
ferry_uri_get_port (GUri *uri)
{
  int port = g_uri_get_port (uri);

  return port > 0 ? (guint) port : ferry_uri_get_default_port (g_uri_get_scheme (uri));
}

gboolean
ferry_uri_same_origin (GUri *a, GUri *b)
{
  return g_str_equal (g_uri_get_scheme (a), g_uri_get_scheme (b)) &&
         ferry_uri_get_port (a) == ferry_uri_get_port (b) &&
         g_ascii_strcasecmp (g_uri_get_host (a), g_uri_get_host (b)) == 0;
}
