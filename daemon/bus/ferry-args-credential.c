/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments of SetCredentials. */

#include "ferry-args.h"

#include "ferry-options.h"
#include "ferry-text.h"

#include <string.h>

/* Bytes of each string. */
#define SECRET_MAX 4096

#define PKCS11 "pkcs11:"

/* Characters of a URI of PKCS #11. */
#define CERTIFICATE_URI_MAX 1024

static gboolean
refuse (GError **error, const char *text)
{
  g_set_error_literal (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, text);
  return FALSE;
}

gboolean
ferry_args_check_target (const char *word, FerryCredentialTarget *target, GError **error)
{
  return ferry_credential_target_from_string (word, target) ||
         refuse (error, "\"target\" must be server, proxy or certificate.");
}

gboolean
ferry_args_check_scheme (const char *word, FerryCredentialScheme *scheme, GError **error)
{
  return ferry_credential_scheme_from_string (word, scheme) ||
         refuse (error,
                 "\"scheme\" must be one of basic, digest, bearer, negotiate, ntlm, password.");
}

/* Returns: (transfer full) (nullable): the string under @key, which must be there; its value is in no error */
static char *
take_string (FerryOptions *options, const char *key, GError **error)
{
  g_autoptr (GVariant) value = ferry_options_take (options, key);
  const char *text;

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                   "The credentials need \"%s\", a string.", key);
      return NULL;
    }
  text = g_variant_get_string (value, NULL);
  /* No header can carry the one, none should have to carry the other. */
  for (const char *c = text; *c != '\0'; c++)
    {
      if (g_ascii_iscntrl (*c))
        {
          g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                       "\"%s\" holds a control character.", key);
          return NULL;
        }
    }
  if (strlen (text) > SECRET_MAX)
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                   "\"%s\" is longer than %d bytes.", key, SECRET_MAX);
      return NULL;
    }
  return g_strdup (text);
}

/* Sets what @scheme needs. */
static gboolean
take_secret (FerryOptions *options, FerryCredentialScheme scheme, char **user, char **password,
             GError **error)
{
  if (scheme == FERRY_CREDENTIAL_BEARER)
    {
      *password = take_string (options, "Token", error);
      return *password != NULL &&
             (strchr (*password, ' ') == NULL || refuse (error, "\"Token\" holds a blank."));
    }

  if (scheme == FERRY_CREDENTIAL_PASSWORD)
    {
      *password = take_string (options, "Password", error);
      return *password != NULL;
    }
  /* The owner's own ticket. */
  if (scheme == FERRY_CREDENTIAL_NEGOTIATE && !ferry_options_has (options, "UserName") &&
      !ferry_options_has (options, "Password"))
    return TRUE;
  *user = take_string (options, "UserName", error);
  if (*user == NULL)
    return FALSE;
  /* RFC 7617, 2: it would end there. */
  if (scheme == FERRY_CREDENTIAL_BASIC && strchr (*user, ':') != NULL)
    return refuse (error, "\"UserName\" holds a colon, which scheme basic cannot send.");
  *password = take_string (options, "Password", error);
  return *password != NULL;
}

/* Wherever it stands: p11-kit takes it from the path, too. */
static gboolean
has_pin (const char *uri)
{
  g_auto (GStrv) attributes = g_strsplit_set (uri + strlen (PKCS11), ";?&", -1);

  for (guint i = 0; attributes[i] != NULL; i++)
    {
      if (g_str_has_prefix (attributes[i], "pin-value"))
        return TRUE;
    }

  return FALSE;
}

/* p11-kit skips blanks, which RFC 7512 does not have. */
static gboolean
is_uri_text (const char *uri)
{
  for (const char *c = uri; *c != '\0'; c++)
    {
      if (!g_ascii_isgraph (*c))
        return FALSE;
    }

  return TRUE;
}

gboolean
ferry_args_check_certificate (const char *place, GError **error)
{
  if (*place == '\0')
    return TRUE;
  if (!g_str_has_prefix (place, PKCS11))
    {
      if (ferry_args_check_path (place, error))
        return TRUE;
      g_prefix_error (error, "\"ClientCertificate\": ");
      return FALSE;
    }
  if (!ferry_args_check_length ("ClientCertificate", place, CERTIFICATE_URI_MAX, error))
    return FALSE;
  if (!is_uri_text (place))
    return refuse (error,
                   "\"ClientCertificate\" is a pkcs11: URI with characters that no URI has.");
  return !has_pin (place) ||
         refuse (error, "\"ClientCertificate\" holds a pin-value, which would be stored; give it "
                        "with SetCredentials, target certificate, scheme password.");
}

static gboolean
check_both (FerryCredentialTarget target, FerryCredentialScheme scheme, GError **error)
{
  if (target == FERRY_CREDENTIAL_FOR_PROXY && scheme == FERRY_CREDENTIAL_BEARER)
    return refuse (error, "Scheme bearer is for servers, not for proxies.");
  if ((target == FERRY_CREDENTIAL_FOR_CERTIFICATE) != (scheme == FERRY_CREDENTIAL_PASSWORD))
    return refuse (error, "Scheme password is for target certificate, and no other is.");
  return TRUE;
}

FerryCredential *
ferry_args_parse_credential (const char *target_word, const char *scheme_word, GVariant *dict,
                             GError **error)
{
  g_autoptr (FerryOptions) options = NULL;
  g_autoptr (FerryCredential) credential = NULL;
  g_autoptr (GVariant) http = NULL;
  FerryCredentialScheme scheme;
  FerryCredentialTarget target;

  if (!ferry_args_check_target (target_word, &target, error) ||
      !ferry_args_check_scheme (scheme_word, &scheme, error) || !check_both (target, scheme, error))
    return NULL;

  options = ferry_options_new (dict, error);
  if (options == NULL)
    return NULL;
  credential = ferry_credential_new (target, scheme, NULL, NULL, FALSE);
  if (!take_secret (options, scheme, &credential->user, &credential->password, error) ||
      !ferry_options_take_converted (options, "AllowHttp", "b", &http, error) ||
      !ferry_options_finish (options, error))
    return NULL;
  credential->http = http != NULL && g_variant_get_boolean (http);
  return g_steal_pointer (&credential);
}
