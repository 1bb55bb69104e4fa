/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-login-match.h"

#include "ferry-uri.h"
#include <string.h>

/* What GVfs has in `authtype` of a proxy's login, whatever the proxy asked for. */
#define AUTH_TYPE_PROXY "proxy"

/* What a match of each attribute is worth; the length of a path is below them all. */
#define WORTH_PORT  (1u << 20)
#define WORTH_REALM (1u << 19)
#define WORTH_TYPE  (1u << 18)
#define WORTH_PATH  ((1u << 18) - 1)

FerryLoginQuery *
ferry_login_query_parse (GVariant *dictionary, GError **error)
{
  g_autoptr (FerryLoginQuery) self = g_new0 (FerryLoginQuery, 1);
  const char *target = "server", *scheme = "", *host = "";
  guint port = 0;

  self->attempt = 1;
  g_variant_lookup (dictionary, "Target", "&s", &target);
  g_variant_lookup (dictionary, "Scheme", "&s", &scheme);
  g_variant_lookup (dictionary, "Host", "&s", &host);
  g_variant_lookup (dictionary, "Port", "u", &port);
  g_variant_lookup (dictionary, "Job", "s", &self->job);
  g_variant_lookup (dictionary, "Realm", "s", &self->realm);
  g_variant_lookup (dictionary, "Path", "s", &self->path);
  g_variant_lookup (dictionary, "AuthSchemes", "^as", &self->schemes);
  g_variant_lookup (dictionary, "Attempt", "u", &self->attempt);
  g_variant_lookup (dictionary, "Interactive", "b", &self->interactive);

  self->proxy = g_str_equal (target, "proxy");
  if (g_str_equal (target, "certificate"))
    self->certificate = g_steal_pointer (&self->path);
  self->server = ferry_login_server_new (scheme, host, port, error);
  if (self->server == NULL)
    return NULL;
  if (self->schemes == NULL || self->schemes[0] == NULL)
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "AuthSchemes is empty");
      return NULL;
    }

  if (self->job == NULL)
    self->job = g_strdup ("");
  if (self->realm == NULL)
    self->realm = g_strdup ("");
  if (self->path == NULL)
    self->path = g_strdup ("");
  return g_steal_pointer (&self);
}

void
ferry_login_query_free (FerryLoginQuery *self)
{
  g_free (self->job);
  g_clear_pointer (&self->server, ferry_login_server_free);
  g_free (self->realm);
  g_free (self->path);
  g_free (self->certificate);
  g_strfreev (self->schemes);
  g_free (self);
}

gboolean
ferry_login_query_takes (const FerryLoginQuery *self, const char *scheme)
{
  return g_strv_contains ((const char *const *) self->schemes, scheme);
}

gboolean
ferry_login_scheme_is_bare (const char *scheme)
{
  return g_str_equal (scheme, "bearer") || g_str_equal (scheme, "password");
}

const char *
ferry_login_query_get_password_scheme (const FerryLoginQuery *self)
{
  for (gsize i = 0; self->schemes[i] != NULL; i++)
    {
      if (!ferry_login_scheme_is_bare (self->schemes[i]))
        return self->schemes[i];
    }

  return NULL;
}

const char *
ferry_login_query_get_scheme (const FerryLoginQuery *self)
{
  const char *scheme = ferry_login_query_get_password_scheme (self);

  return scheme != NULL ? scheme : self->schemes[0];
}

gboolean
ferry_login_query_is_same_place (const FerryLoginQuery *self, gboolean proxy,
                                 const char *certificate, const FerryLoginServer *server)
{
  return self->proxy == proxy && g_strcmp0 (self->certificate, certificate) == 0 &&
         ferry_login_server_equal (self->server, server);
}

gboolean
ferry_login_query_is_readable (const FerryLoginQuery *self)
{
  return !self->proxy && g_str_equal (self->server->scheme, "http") &&
         !g_str_equal (ferry_login_query_get_scheme (self), "digest");
}

gboolean
ferry_login_is_user (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    {
      if (*c == ':' || g_ascii_iscntrl (*c))
        return FALSE;
    }

  return *text != '\0' && g_utf8_validate (text, -1, NULL);
}

/* Returns: (nullable): the attribute, %NULL when it is absent or says nothing */
static const char *
get (GHashTable *attributes, const char *name)
{
  const char *value = g_hash_table_lookup (attributes, name);

  return value != NULL && *value != '\0' ? value : NULL;
}

static gboolean
is_server (const FerryLoginQuery *query, GHashTable *attributes)
{
  const char *protocol = get (attributes, FERRY_LOGIN_PROTOCOL);
  const char *server = get (attributes, FERRY_LOGIN_SERVER);
  const char *port = get (attributes, FERRY_LOGIN_PORT);
  guint64 number = ferry_uri_get_default_port (query->server->scheme);

  /* Programs have written 0 for none. */
  if (port != NULL && !g_str_equal (port, "0") &&
      !g_ascii_string_to_unsigned (port, 10, 1, G_MAXUINT16, &number, NULL))
    return FALSE;

  return protocol != NULL && g_ascii_strcasecmp (protocol, query->server->scheme) == 0 &&
         server != NULL && g_ascii_strcasecmp (server, query->server->host) == 0 &&
         number == query->server->port;
}

static gboolean
is_realm (const FerryLoginQuery *query, GHashTable *attributes)
{
  const char *domain = get (attributes, FERRY_LOGIN_DOMAIN);
  const char *object = get (attributes, FERRY_LOGIN_OBJECT);

  if (domain != NULL && !g_str_equal (domain, query->realm))
    return FALSE;
  /* GVfs has the realm where others have a path. */
  if (object != NULL && *object != '/')
    return g_str_equal (object, query->realm);
  return object == NULL || g_str_has_prefix (query->path, object);
}

/* The password of a certificate's key is no login, and no login is one. */
static const char *
match_key (const FerryLoginQuery *query, GHashTable *attributes)
{
  const char *type = get (attributes, FERRY_LOGIN_AUTH_TYPE);

  return is_server (query, attributes) && g_strcmp0 (type, FERRY_LOGIN_TYPE_KEY) == 0 &&
                 g_strcmp0 (get (attributes, FERRY_LOGIN_OBJECT), query->certificate) == 0
             ? query->schemes[0]
             : NULL;
}

const char *
ferry_login_match_scheme (const FerryLoginQuery *query, GHashTable *attributes)
{
  const char *type = get (attributes, FERRY_LOGIN_AUTH_TYPE);
  g_autofree char *lower = NULL;

  if (query->certificate != NULL)
    return match_key (query, attributes);
  if (!is_server (query, attributes) || !is_realm (query, attributes))
    return NULL;

  /* WebKit writes "Basic". */
  lower = type != NULL ? g_ascii_strdown (type, -1) : NULL;
  if (g_strcmp0 (lower, "bearer") == 0)
    return ferry_login_query_takes (query, lower) ? "bearer" : NULL;
  if (get (attributes, FERRY_LOGIN_USER) == NULL)
    return NULL;
  if (lower == NULL || (query->proxy && g_str_equal (lower, AUTH_TYPE_PROXY)))
    return ferry_login_query_get_password_scheme (query);

  for (gsize i = 0; query->schemes[i] != NULL; i++)
    {
      if (g_str_equal (query->schemes[i], lower))
        return query->schemes[i];
    }
  return NULL;
}

guint
ferry_login_match_rate (const FerryLoginQuery *query, GHashTable *attributes)
{
  const char *port = get (attributes, FERRY_LOGIN_PORT);
  const char *object = get (attributes, FERRY_LOGIN_OBJECT);
  guint rate = 0;

  if (port != NULL && !g_str_equal (port, "0"))
    rate += WORTH_PORT;
  if (get (attributes, FERRY_LOGIN_DOMAIN) != NULL || (object != NULL && *object != '/'))
    rate += WORTH_REALM;
  if (get (attributes, FERRY_LOGIN_AUTH_TYPE) != NULL)
    rate += WORTH_TYPE;
  if (object != NULL && *object == '/')
    rate += MIN (strlen (object), WORTH_PATH);

  return rate;
}
