/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-redirect.h"

#include "ferry-error.h"
#include "ferry-uri.h"

#include <libsoup/soup.h>

/* What every URL must be that we ask: ours, and those that servers name. Takes @uri. */
static GUri *
check (GUri *uri, GError **error)
{
  g_autoptr (GUri) owned = uri;
  const char *scheme = g_uri_get_scheme (uri);
  const char *host = g_uri_get_host (uri);

  if (!g_str_equal (scheme, "http") && !g_str_equal (scheme, "https"))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED_SCHEME,
                   "Only http and https are supported, not '%.16s'", scheme);
      return NULL;
    }
  if (host == NULL || *host == '\0')
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                           "An address without a host name cannot be asked");
      return NULL;
    }
  if (g_uri_get_userinfo (uri) != NULL)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                           "An address holds a user name or password; use SetCredentials");
      return NULL;
    }
  return soup_uri_copy (uri, SOUP_URI_FRAGMENT, NULL, SOUP_URI_NONE);
}

GUri *
worker_uri_parse (const char *text, GError **error)
{
  GUri *uri = g_uri_parse (text, SOUP_HTTP_URI_FLAGS, NULL);

  if (uri == NULL)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                           "The address of the file is malformed");
      return NULL;
    }
  return check (uri, error);
}

gboolean
worker_redirect_is (guint status)
{
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

gboolean
worker_redirect_follows (guint status, const char *method, gboolean own, gboolean body,
                         gboolean *as_get)
{
  gboolean turned_post = own && g_strcmp0 (method, "POST") == 0 && (status == 301 || status == 302);

  *as_get = method != NULL && (status == 303 || turned_post);
  if (!*as_get)
    return TRUE;
  return own && (status == 303 || !body);
}

GUri *
worker_redirect_resolve (GUri *from, const char *location, guint count, gboolean may_fall,
                         GError **error)
{
  g_autoptr (GUri) to = NULL;
  GUri *uri;

  if (count >= WORKER_MAX_REDIRECTS)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_REDIRECTS,
                   "The server redirected more than %d times", WORKER_MAX_REDIRECTS);
      return NULL;
    }

  uri = location != NULL ? g_uri_parse_relative (from, location, SOUP_HTTP_URI_FLAGS, NULL) : NULL;
  if (uri == NULL)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                   "The server redirected %s",
                   location == NULL ? "without saying where to" : "to a malformed address");
      return NULL;
    }

  to = check (uri, error);
  if (to == NULL)
    return NULL;
  if (!may_fall && g_str_equal (g_uri_get_scheme (from), "https") &&
      !g_str_equal (g_uri_get_scheme (to), "https"))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                           "The server redirected from https to http, which is not followed");
      return NULL;
    }
  return g_steal_pointer (&to);
}

char *
worker_uri_get_origin (GUri *uri)
{
  g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);

  return g_strdup_printf ("%s://%s:%u", g_uri_get_scheme (uri), host, ferry_uri_get_port (uri));
}
