/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-secrets.h"

#include "ferry-text.h"

/* == credentials == */

FerryCredential *
ferry_credential_new (FerryCredentialTarget target, FerryCredentialScheme scheme, char *user,
                      char *password, gboolean http)
{
  FerryCredential *self = g_new0 (FerryCredential, 1);

  self->target = target;
  self->scheme = scheme;
  self->user = user;
  self->password = password;
  self->http = http;
  return self;
}

void
ferry_credential_free (FerryCredential *self)
{
  ferry_text_wipe (self->user);
  ferry_text_wipe (self->password);
  g_free (self);
}

static gboolean
find (const FerrySecrets *self, FerryCredentialTarget target, FerryCredentialScheme scheme,
      guint *index)
{
  for (guint i = 0; i < self->credentials->len; i++)
    {
      const FerryCredential *credential = g_ptr_array_index (self->credentials, i);

      if (credential->target == target && credential->scheme == scheme)
        {
          *index = i;
          return TRUE;
        }
    }

  return FALSE;
}

/* == all of them == */

FerrySecrets *
ferry_secrets_new (void)
{
  FerrySecrets *self = g_new0 (FerrySecrets, 1);

  self->credentials = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_credential_free);
  return self;
}

FerrySecrets *
ferry_secrets_copy (const FerrySecrets *self)
{
  FerrySecrets *copy;

  if (self == NULL)
    return NULL;
  copy = ferry_secrets_new ();
  copy->headers = g_strdupv (self->headers);
  for (guint i = 0; i < self->credentials->len; i++)
    {
      const FerryCredential *from = g_ptr_array_index (self->credentials, i);

      FerryCredential *to = ferry_credential_new (from->target, from->scheme, g_strdup (from->user),
                                                  g_strdup (from->password), from->http);

      to->asked = from->asked;
      g_ptr_array_add (copy->credentials, to);
    }
  return copy;
}

void
ferry_secrets_free (FerrySecrets *self)
{
  if (self == NULL)
    return;
  ferry_text_wipe_all (self->headers);
  g_ptr_array_unref (self->credentials);
  g_free (self);
}

gboolean
ferry_secrets_is_empty (const FerrySecrets *self)
{
  return self == NULL || (self->headers == NULL && self->credentials->len == 0);
}

gboolean
ferry_secrets_has_given (const FerrySecrets *self, FerryCredentialTarget target)
{
  if (self == NULL)
    return FALSE;
  for (guint i = 0; i < self->credentials->len; i++)
    {
      const FerryCredential *credential = g_ptr_array_index (self->credentials, i);

      if (credential->target == target && !credential->asked)
        return TRUE;
    }
  return target == FERRY_CREDENTIAL_FOR_SERVER && self->headers != NULL;
}

gboolean
ferry_secrets_has_any_given (const FerrySecrets *self)
{
  for (guint i = 0; i < FERRY_N_CREDENTIAL_TARGETS; i++)
    {
      if (ferry_secrets_has_given (self, i))
        return TRUE;
    }

  return FALSE;
}

void
ferry_secrets_drop_asked (FerrySecrets *self, FerryCredentialTarget target)
{
  for (guint i = self->credentials->len; i > 0; i--)
    {
      const FerryCredential *credential = g_ptr_array_index (self->credentials, i - 1);

      if (credential->target == target && credential->asked)
        g_ptr_array_remove_index (self->credentials, i - 1);
    }
}

void
ferry_secrets_set_headers (FerrySecrets *self, const char *const *headers)
{
  ferry_text_wipe_all (self->headers);
  self->headers = headers != NULL && headers[0] != NULL ? g_strdupv ((char **) headers) : NULL;
}

void
ferry_secrets_set_credential (FerrySecrets *self, FerryCredential *credential)
{
  ferry_secrets_remove_credential (self, credential->target, credential->scheme);
  g_ptr_array_add (self->credentials, credential);
}

gboolean
ferry_secrets_remove_credential (FerrySecrets *self, FerryCredentialTarget target,
                                 FerryCredentialScheme scheme)
{
  guint index;

  if (!find (self, target, scheme, &index))
    return FALSE;
  g_ptr_array_remove_index (self->credentials, index);
  return TRUE;
}

static GVariant *
get_credentials (const FerrySecrets *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ssa{sv})"));
  for (guint i = 0; self != NULL && i < self->credentials->len; i++)
    {
      const FerryCredential *credential = g_ptr_array_index (self->credentials, i);
      GVariantDict dict;

      g_variant_dict_init (&dict, NULL);
      if (credential->user != NULL)
        g_variant_dict_insert (&dict, "UserName", "s", credential->user);
      if (credential->password != NULL)
        g_variant_dict_insert (&dict, "Password", "s", credential->password);
      g_variant_dict_insert (&dict, "AllowHttp", "b", credential->http);
      g_variant_builder_add (&builder, "(ss@a{sv})",
                             ferry_credential_target_to_string (credential->target),
                             ferry_credential_scheme_to_string (credential->scheme),
                             g_variant_dict_end (&dict));
    }
  return g_variant_builder_end (&builder);
}

void
ferry_secrets_add (const FerrySecrets *self, GVariantDict *dict)
{
  static char *none[] = { NULL };

  g_variant_dict_insert (dict, "SecretHeaders", "^as",
                         self != NULL && self->headers != NULL ? self->headers : none);
  g_variant_dict_insert_value (dict, "Credentials", get_credentials (self));
}
