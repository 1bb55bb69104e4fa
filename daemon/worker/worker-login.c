/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-login.h"

#include "ferry-error.h"

#include <string.h>

typedef struct
{
  gboolean proxy;
  char *scheme;   /* (owned): basic, digest, bearer */
  char *user;     /* (owned): "" of bearer */
  char *password; /* (owned): or a token */
  gboolean http;
} Credential;

static void
wipe (char *text)
{
  if (text == NULL)
    return;
  explicit_bzero (text, strlen (text));
  g_free (text);
}

static void
credential_free (gpointer data)
{
  Credential *credential = data;

  g_free (credential->scheme);
  wipe (credential->user);
  wipe (credential->password);
  g_free (credential);
}

void
worker_login_load (WorkerLogin *self, GVariantDict *dict)
{
  g_autoptr (GVariant)
      list = g_variant_dict_lookup_value (dict, "Credentials", G_VARIANT_TYPE ("a(ssa{sv})"));

  self->credentials = g_ptr_array_new_with_free_func (credential_free);
  for (gsize i = 0; list != NULL && i < g_variant_n_children (list); i++)
    {
      g_autoptr (GVariant) values = NULL;
      Credential *credential = g_new0 (Credential, 1);
      const char *target;

      g_variant_get_child (list, i, "(&ss@a{sv})", &target, &credential->scheme, &values);
      credential->proxy = g_str_equal (target, "proxy");
      if (!g_variant_lookup (values, "UserName", "s", &credential->user))
        credential->user = g_strdup ("");
      if (!g_variant_lookup (values, "Password", "s", &credential->password))
        credential->password = g_strdup ("");
      g_variant_lookup (values, "AllowHttp", "b", &credential->http);
      g_ptr_array_add (self->credentials, credential);
    }
}

void
worker_login_clear (WorkerLogin *self)
{
  g_clear_pointer (&self->credentials, g_ptr_array_unref);
}

/* Returns: (transfer none) (nullable) */
static const Credential *
find (const WorkerLogin *self, gboolean proxy, const char *scheme)
{
  for (guint i = 0; self->credentials != NULL && i < self->credentials->len; i++)
    {
      const Credential *credential = g_ptr_array_index (self->credentials, i);

      if (credential->proxy == proxy && g_ascii_strcasecmp (credential->scheme, scheme) == 0)
        return credential;
    }

  return NULL;
}

gboolean
worker_login_answers (const WorkerLogin *self)
{
  return find (self, FALSE, "digest") != NULL || find (self, TRUE, "basic") != NULL ||
         find (self, TRUE, "digest") != NULL;
}

/* A second challenge says that the answer was wrong. */
static gboolean
authenticate_cb (SoupMessage *message, SoupAuth *auth, gboolean retrying, gpointer data)
{
  const WorkerLogin *self = data;
  gboolean proxy = soup_auth_is_for_proxy (auth);
  const Credential *credential = find (self, proxy, soup_auth_get_scheme_name (auth));

  /* Of the server's only the digest waits for a challenge; elsewhere than at home nothing is answered. */
  if (retrying || credential == NULL ||
      (!proxy && (g_object_get_data (G_OBJECT (message), "ferry-own") == NULL ||
                  g_ascii_strcasecmp (credential->scheme, "digest") != 0)))
    return FALSE;
  soup_auth_authenticate (auth, credential->user, credential->password);
  return TRUE;
}

static void
set_authorization (SoupMessage *message, const Credential *credential)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  char *both;
  char *encoded;
  char *value;

  if (g_str_equal (credential->scheme, "bearer"))
    {
      value = g_strconcat ("Bearer ", credential->password, NULL);
    }
  else
    {
      both = g_strconcat (credential->user, ":", credential->password, NULL);
      encoded = g_base64_encode ((const guchar *) both, strlen (both));
      value = g_strconcat ("Basic ", encoded, NULL);
      wipe (both);
      wipe (encoded);
    }
  soup_message_headers_replace (headers, "Authorization", value);
  wipe (value);
}

gboolean
worker_login_prepare (const WorkerLogin *self, SoupMessage *message, gboolean own, GError **error)
{
  const Credential *credential = find (self, FALSE, "bearer");

  /* One job's login is none of another's: libsoup is to remember nothing. */
  soup_message_add_flags (message, SOUP_MESSAGE_DO_NOT_USE_AUTH_CACHE);
  if (own)
    g_object_set_data (G_OBJECT (message), "ferry-own", GINT_TO_POINTER (TRUE));
  if (worker_login_answers (self))
    g_signal_connect (message, "authenticate", G_CALLBACK (authenticate_cb), (gpointer) self);

  if (credential == NULL)
    credential = find (self, FALSE, "basic");
  if (credential == NULL || !own)
    return TRUE;
  if (!credential->http && g_str_equal (g_uri_get_scheme (soup_message_get_uri (message)), "http"))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_AUTHENTICATION_FAILED,
                   "Credentials of scheme %s are not sent over plain http, where everybody on the "
                   "way could read them; use https, or allow it with AllowHttp",
                   credential->scheme);
      return FALSE;
    }
  set_authorization (message, credential);
  return TRUE;
}
