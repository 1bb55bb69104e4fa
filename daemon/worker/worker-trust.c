/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-trust.h"

#include "ferry-error.h"
#include "ferry-text.h"

#include <gnutls/x509.h>

#define DIGEST_SIZE 32 /* SHA-256 */

static guint
read_flags (GVariantDict *dict, const char *key)
{
  g_auto (GStrv) words = NULL;
  guint bits = 0;

  g_variant_dict_lookup (dict, key, "^as", &words);
  for (guint i = 0; words != NULL && words[i] != NULL; i++)
    {
      FerryTlsFlag flag;

      if (ferry_tls_flag_from_string (words[i], &flag))
        bits |= 1u << flag;
    }
  return bits;
}

void
worker_trust_load (WorkerTrust *self, GVariantDict *dict)
{
  self->allowed = read_flags (dict, "TlsFlags");
  self->forbidden = read_flags (dict, "TlsFlagsForbidden");
  g_variant_dict_lookup (dict, "ServerPins", "^as", &self->pins);
}

void
worker_trust_clear (WorkerTrust *self)
{
  g_clear_pointer (&self->pins, g_strfreev);
}

char *
worker_trust_get_key (const WorkerTrust *self)
{
  g_autofree char *pins = self->pins != NULL ? g_strjoinv (",", self->pins) : g_strdup ("");

  return g_strdup_printf ("%x %s", self->allowed, pins);
}

/* == certificates == */

/* What of a certificate's errors the flags @bits overlook. */
static GTlsCertificateFlags
get_overlooked (guint bits)
{
  GTlsCertificateFlags flags = G_TLS_CERTIFICATE_NO_FLAGS;

  if (bits & 1u << FERRY_TLS_FLAG_IGNORE_UNKNOWN_CA)
    flags |= G_TLS_CERTIFICATE_UNKNOWN_CA;
  if (bits & 1u << FERRY_TLS_FLAG_IGNORE_HOSTNAME)
    flags |= G_TLS_CERTIFICATE_BAD_IDENTITY;
  if (bits & 1u << FERRY_TLS_FLAG_IGNORE_EXPIRY)
    flags |= G_TLS_CERTIFICATE_EXPIRED | G_TLS_CERTIFICATE_NOT_ACTIVATED;
  return flags;
}

static gboolean
accept_certificate_cb (SoupMessage *message, GTlsCertificate *certificate,
                       GTlsCertificateFlags errors, gpointer data)
{
  const WorkerTrustCheck *self = data;

  return (errors & ~get_overlooked (self->trust->allowed)) == 0;
}

/* Returns: (transfer full) (nullable): "sha256:..." of the certificate's public key (RFC 7469, 2.4) */
static char *
get_pin (GTlsCertificate *certificate)
{
  g_autoptr (GByteArray) der = NULL;
  gnutls_x509_crt_t crt;
  guint8 digest[DIGEST_SIZE];
  gsize size = sizeof digest;
  g_autofree char *hex = NULL;
  int result;

  g_object_get (certificate, "certificate", &der, NULL);
  if (der == NULL || gnutls_x509_crt_init (&crt) != 0)
    return NULL;

  const gnutls_datum_t datum = { der->data, der->len };
  result = gnutls_x509_crt_import (crt, &datum, GNUTLS_X509_FMT_DER);
  if (result == 0)
    result = gnutls_x509_crt_get_key_id (crt, GNUTLS_KEYID_USE_SHA256, digest, &size);
  gnutls_x509_crt_deinit (crt);
  if (result != 0 || size != sizeof digest)
    return NULL;

  hex = ferry_text_new_hex (digest, size);
  return g_strconcat ("sha256:", hex, NULL);
}

/* It has its connection, new or kept, through a proxy or not, and nothing of the request has gone out. */
static void
starting_cb (SoupMessage *message, gpointer data)
{
  WorkerTrustCheck *self = data;
  GTlsCertificate *certificate = soup_message_get_tls_peer_certificate (message);
  g_autofree char *pin = certificate != NULL ? get_pin (certificate) : NULL;

  if (pin != NULL && g_strv_contains ((const char *const *) self->trust->pins, pin))
    return;
  self->wrong_key = TRUE;
  g_cancellable_cancel (self->cancellable);
}

/* == a request == */

void
worker_trust_check_begin (WorkerTrustCheck *self, const WorkerTrust *trust,
                          GCancellable *cancellable, SoupMessage *message)
{
  *self = (WorkerTrustCheck){ .trust = trust, .cancellable = cancellable };
  g_signal_connect (message, "accept-certificate", G_CALLBACK (accept_certificate_cb), self);
  if (trust->pins == NULL || trust->pins[0] == NULL)
    return;

  worker_branch_begin (&self->branch, cancellable);
  self->cancellable = self->branch.cancellable;
  g_signal_connect (message, "starting", G_CALLBACK (starting_cb), self);
}

static gboolean
is_self_signed (GTlsCertificate *certificate)
{
  g_autofree char *subject = g_tls_certificate_get_subject_name (certificate);
  g_autofree char *issuer = g_tls_certificate_get_issuer_name (certificate);

  return subject != NULL && g_strcmp0 (subject, issuer) == 0;
}

static const char *
describe (GTlsCertificate *certificate, GTlsCertificateFlags errors)
{
  if (errors & G_TLS_CERTIFICATE_REVOKED)
    return "its certificate was revoked";
  if (errors & G_TLS_CERTIFICATE_UNKNOWN_CA)
    return certificate != NULL && is_self_signed (certificate)
               ? "its certificate is self-signed"
               : "its certificate is signed by nobody we know";
  if (errors & G_TLS_CERTIFICATE_BAD_IDENTITY)
    return "its certificate is for another host";
  if (errors & G_TLS_CERTIFICATE_EXPIRED)
    return "its certificate has expired";
  if (errors & G_TLS_CERTIFICATE_NOT_ACTIVATED)
    return "its certificate is not valid yet";
  return "its certificate is not acceptable";
}

static void
explain_certificate (WorkerTrustCheck *self, SoupMessage *message, GError **error)
{
  GTlsCertificateFlags errors = soup_message_get_tls_peer_certificate_errors (message);
  GTlsCertificateFlags left = errors & ~get_overlooked (self->trust->allowed);
  guint bits = self->trust->allowed | self->trust->forbidden;

  if ((*error)->domain != G_TLS_ERROR || left == 0)
    return;
  g_clear_error (error);
  g_set_error (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE, "The server is not trusted: %s%s",
               describe (soup_message_get_tls_peer_certificate (message), left),
               (errors & ~get_overlooked (bits)) == 0
                   ? "; the policy allow-insecure-tls does not let the job overlook that"
                   : "");
}

void
worker_trust_check_end (WorkerTrustCheck *self, SoupMessage *message, GError **error)
{
  if (self->branch.cancellable != NULL)
    worker_branch_end (&self->branch);
  g_signal_handlers_disconnect_by_data (message, self);
  if (error == NULL || *error == NULL)
    return;

  if (self->wrong_key && !g_cancellable_is_cancelled (self->branch.parent))
    {
      g_clear_error (error);
      g_set_error (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE, "The server is not trusted: %s",
                   soup_message_get_tls_peer_certificate (message) != NULL
                       ? "its public key is none of ServerPins"
                       : "without TLS it has no public key that could be one of ServerPins");
      return;
    }
  explain_certificate (self, message, error);
}

gboolean
worker_trust_is_private (SoupMessage *message)
{
  return soup_message_get_tls_peer_certificate (message) != NULL &&
         soup_message_get_tls_peer_certificate_errors (message) == 0;
}
