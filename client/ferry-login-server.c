/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-login-server.h"

#include "ferry-text.h"
#include "ferry-uri.h"

static char *
normalize_host (const char *host)
{
  char *lower = g_ascii_strdown (host, -1);
  gsize length = strlen (lower);

  if (length > 2 && lower[0] == '[' && lower[length - 1] == ']')
    {
      memmove (lower, lower + 1, length - 2);
      lower[length - 2] = '\0';
    }
  return lower;
}

FerryLoginServer *
ferry_login_server_new (const char *scheme, const char *host, guint port, GError **error)
{
  FerryLoginServer *self;

  if (!g_str_equal (scheme, "http") && !g_str_equal (scheme, "https"))
    {
      g_autofree char *clean = ferry_text_clean (scheme, 64);

      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                   "the scheme \"%s\" is not supported: it must be http or https", clean);
      return NULL;
    }
  if (*host == '\0' || !g_utf8_validate (host, -1, NULL))
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "there is no host");
      return NULL;
    }
  if (port == 0 || port > G_MAXUINT16)
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                   "%u is not a port: it must be from 1 to %u", port, G_MAXUINT16);
      return NULL;
    }

  self = g_new0 (FerryLoginServer, 1);
  self->scheme = g_strdup (scheme);
  self->host = normalize_host (host);
  self->port = port;
  return self;
}

FerryLoginServer *
ferry_login_server_parse (const char *url, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_PARSE_RELAXED, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  int port;

  if (host == NULL || *host == '\0')
    {
      /* What looks like a password is not repeated. */
      g_autofree char *clean = ferry_text_clean (strchr (url, '@') == NULL ? url : "(hidden)", 256);

      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                   "\"%s\" is not a URL: it must look like https://HOST/PATH", clean);
      return NULL;
    }
  if (g_uri_get_userinfo (uri) != NULL)
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                   "a URL with a user is not taken, as everybody can read a command line; give the "
                   "user by --user, and type the password or give it by --password-file");
      return NULL;
    }

  port = g_uri_get_port (uri);
  if (port < 0)
    port = (int) ferry_uri_get_default_port (g_uri_get_scheme (uri));
  return ferry_login_server_new (g_uri_get_scheme (uri), host, (guint) port, error);
}

char *
ferry_login_server_describe (const FerryLoginServer *self)
{
  g_autofree char *clean = ferry_text_clean (self->host, 256);
  gboolean address = strchr (clean, ':') != NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, address ? "%s://[%s]" : "%s://%s", self->scheme, clean);
  if (self->port != ferry_uri_get_default_port (self->scheme))
    g_string_append_printf (text, ":%u", self->port);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

FerryLoginServer *
ferry_login_server_copy (const FerryLoginServer *self)
{
  FerryLoginServer *copy = g_new0 (FerryLoginServer, 1);

  copy->scheme = g_strdup (self->scheme);
  copy->host = g_strdup (self->host);
  copy->port = self->port;
  return copy;
}

gboolean
ferry_login_server_equal (const FerryLoginServer *self, const FerryLoginServer *other)
{
  return g_str_equal (self->scheme, other->scheme) && g_str_equal (self->host, other->host) &&
         self->port == other->port;
}

void
ferry_login_server_free (FerryLoginServer *self)
{
  g_free (self->scheme);
  g_free (self->host);
  g_free (self);
}
