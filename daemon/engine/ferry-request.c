/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How servers are asked for a job: headers, proxy, whom it trusts, where it follows them. */

#include "ferry-engine-private.h"

#include <string.h>

/* Bytes of a URL that a worker names. */
#define CLAIMED_URL_MAX 4096

GVariant *
ferry_engine_new_tls_flags (guint flags)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint flag = 0; flag < FERRY_N_TLS_FLAGS; flag++)
    {
      if (flags & 1u << flag)
        g_variant_builder_add (&builder, "s", ferry_tls_flag_to_string (flag));
    }
  return g_variant_builder_end (&builder);
}

void
ferry_engine_add_request (FerryEngine *self, GVariantDict *dict, FerryJob *job)
{
  guint allowed = (guint) ferry_policy_get (self->policy, FERRY_POLICY_ALLOW_INSECURE_TLS);

  g_variant_dict_insert (dict, "Headers", "^as", job->request_headers);
  g_variant_dict_insert (dict, "ProxyUsage", "s", ferry_proxy_usage_to_string (job->proxy_usage));
  g_variant_dict_insert (dict, "ProxyUri", "s", job->proxy_uri);
  g_variant_dict_insert (dict, "ProxyBypass", "^as", job->proxy_bypass);
  g_variant_dict_insert_value (dict, "TlsFlags",
                               ferry_engine_new_tls_flags (job->tls_flags & allowed));
  g_variant_dict_insert_value (dict, "TlsFlagsForbidden",
                               ferry_engine_new_tls_flags (job->tls_flags & ~allowed));
  g_variant_dict_insert (dict, "ServerPins", "^as", job->server_pins);
  g_variant_dict_insert (dict, "RedirectPolicy", "s",
                         ferry_redirect_policy_to_string (job->redirect_policy));
}

void
ferry_engine_add_secrets (GVariantDict *dict, char **secret_headers)
{
  static char *none[] = { NULL };

  g_variant_dict_insert (dict, "SecretHeaders", "^as",
                         secret_headers != NULL ? secret_headers : none);
}

/* == where servers send us == */

gboolean
ferry_engine_is_claimed_url (const char *url)
{
  g_autoptr (GUri) uri = NULL;
  const char *scheme;

  if (strlen (url) > CLAIMED_URL_MAX)
    return FALSE;
  uri = g_uri_parse (url, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
  if (uri == NULL || g_uri_get_userinfo (uri) != NULL || g_uri_get_host (uri) == NULL ||
      *g_uri_get_host (uri) == '\0')
    return FALSE;

  scheme = g_uri_get_scheme (uri);
  return g_str_equal (scheme, "http") || g_str_equal (scheme, "https");
}

void
ferry_engine_take_final_url (FerryJob *job, FerryFile *file, GVariant *arguments)
{
  const char *url;

  if (job->redirect_policy != FERRY_REDIRECT_POLICY_REPORT || file->is_source ||
      ferry_file_is_reply (file) || !g_variant_lookup (arguments, "FinalUrl", "&s", &url) ||
      !ferry_engine_is_claimed_url (url))
    return;

  g_free (file->remote_url);
  file->remote_url = g_strndup (url, strcspn (url, "#"));
  ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
}
