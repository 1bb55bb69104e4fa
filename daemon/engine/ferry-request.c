/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How servers are asked for a job: headers, proxy, whom it trusts, where it follows them. */

#include "ferry-engine-private.h"

#include "ferry-policy-keys.h"
#include "ferry-uri.h"

#include <string.h>

#define URL_FLAGS (G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE)

/* Bytes of a URL that a worker names. */
#define CLAIMED_URL_MAX 4096

void
ferry_engine_add_request (FerryEngine *self, GVariantDict *dict, FerryJob *job)
{
  const FerryPolicyKey key = FERRY_POLICY_ALLOW_INSECURE_TLS;
  guint64 allowed = ferry_policy_get (self->policy, key);

  g_variant_dict_insert (dict, "Headers", "^as", job->request_headers);
  g_variant_dict_insert (dict, "ProxyUsage", "s", ferry_proxy_usage_to_string (job->proxy_usage));
  g_variant_dict_insert (dict, "ProxyUri", "s", job->proxy_uri);
  g_variant_dict_insert (dict, "ProxyBypass", "^as", job->proxy_bypass);
  g_variant_dict_insert_value (dict, "TlsFlags",
                               ferry_policy_key_new_value (key, job->tls_flags & allowed));
  g_variant_dict_insert_value (dict, "TlsFlagsForbidden",
                               ferry_policy_key_new_value (key, job->tls_flags & ~allowed));
  g_variant_dict_insert (dict, "ServerPins", "^as", job->server_pins);
  g_variant_dict_insert (dict, "RedirectPolicy", "s",
                         ferry_redirect_policy_to_string (job->redirect_policy));
  g_variant_dict_insert (dict, "ClientCertificate", "s", job->client_certificate);
}

void
ferry_engine_add_start (FerryEngine *self, GVariantDict *dict, FerryJob *job, FerryFile *file,
                        guint64 attempt)
{
  g_variant_dict_insert (dict, "Attempt", "t", attempt);
  g_variant_dict_insert (dict, "Job", "s", job->id);
  g_variant_dict_insert (dict, "File", "u", file->index);
  g_variant_dict_insert (dict, "Url", "s", file->remote_url);
  g_variant_dict_insert (dict, "Path", "s", file->local_path);
  if (file->resume != NULL)
    g_variant_dict_insert_value (dict, "Resume", file->resume);
  if (ferry_job_get_method (job) != NULL)
    g_variant_dict_insert (dict, "Method", "s", ferry_job_get_method (job));
  ferry_engine_add_request (self, dict, job);
  ferry_secrets_add (job->secrets, dict);
}

/* == where servers send us == */

/* Whether a worker can be sent to @url, of whatever bytes. */
static gboolean
is_good_url (const char *url)
{
  g_autoptr (GUri) uri = NULL;
  const char *scheme;

  if (strlen (url) > CLAIMED_URL_MAX)
    return FALSE;
  uri = g_uri_parse (url, URL_FLAGS, NULL);
  if (uri == NULL || g_uri_get_userinfo (uri) != NULL || g_uri_get_host (uri) == NULL ||
      *g_uri_get_host (uri) == '\0')
    return FALSE;

  scheme = g_uri_get_scheme (uri);
  return g_str_equal (scheme, "http") || g_str_equal (scheme, "https");
}

gboolean
ferry_engine_take_claimed_url (FerryFile *file, GVariant *arguments, const char *key)
{
  const char *url;

  if (!g_variant_lookup (arguments, key, "&s", &url) || !is_good_url (url))
    return FALSE;
  g_free (file->remote_url);
  file->remote_url = g_strndup (url, strcspn (url, "#"));
  return TRUE;
}

gboolean
ferry_engine_is_same_origin (const char *a, const char *b)
{
  g_autoptr (GUri) first = g_uri_parse (a, URL_FLAGS, NULL);
  g_autoptr (GUri) second = g_uri_parse (b, URL_FLAGS, NULL);

  return first != NULL && second != NULL && g_uri_get_host (first) != NULL &&
         g_uri_get_host (second) != NULL && ferry_uri_same_origin (first, second);
}

void
ferry_engine_take_final_url (FerryJob *job, FerryFile *file, GVariant *arguments)
{
  const char *url;

  if (job->redirect_policy != FERRY_REDIRECT_POLICY_REPORT || file->is_source ||
      ferry_file_is_reply (file) || !g_variant_lookup (arguments, "FinalUrl", "&s", &url))
    return;
  /* Secrets go to the origin of the file's URL, which is the owner's choice and no server's. */
  if ((job->secrets != NULL || *job->client_certificate != '\0') &&
      !ferry_engine_is_same_origin (file->remote_url, url))
    return;
  if (ferry_engine_take_claimed_url (file, arguments, "FinalUrl"))
    ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
}
