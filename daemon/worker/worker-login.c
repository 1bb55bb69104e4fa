/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-login.h"

#include "ferry-error.h"
#include "ferry-text.h"
#include "ferry-worker-protocol.h"
#include "worker-proxy.h"
#include "worker-trust.h"

#include <string.h>

/* Targets of SetCredentials. */
#define SERVER      "server"
#define PROXY       "proxy"
#define CERTIFICATE "certificate"

typedef struct
{
  char *target;   /* (owned): a word of SetCredentials */
  char *scheme;   /* (owned): a word of SetCredentials */
  char *user;     /* (owned): "" of bearer, and of negotiate for the user's own ticket */
  char *password; /* (owned): or a token; "" likewise */
  gboolean http;
} Credential;

static void
credential_free (gpointer data)
{
  Credential *credential = data;

  g_free (credential->target);
  g_free (credential->scheme);
  ferry_text_wipe (credential->user);
  ferry_text_wipe (credential->password);
  g_free (credential);
}

/* == whether ~/.netrc may be used == */

static gboolean
is_for (const Credential *self, const char *target)
{
  return g_str_equal (self->target, target);
}

static gboolean
has_server_credential (const WorkerLogin *self)
{
  for (guint i = 0; i < self->credentials->len; i++)
    if (is_for (g_ptr_array_index (self->credentials, i), SERVER))
      return TRUE;
  return FALSE;
}

static gboolean
has_authorization (GVariantDict *dict)
{
  static const char name[] = "Authorization:";
  g_autoptr (GVariant)
      headers = g_variant_dict_lookup_value (dict, "SecretHeaders", G_VARIANT_TYPE_STRING_ARRAY);

  for (gsize i = 0; headers != NULL && i < g_variant_n_children (headers); i++)
    {
      const char *header;

      g_variant_get_child (headers, i, "&s", &header);
      if (g_ascii_strncasecmp (header, name, strlen (name)) == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_foreign (GVariant *resume)
{
  gboolean foreign = FALSE;

  return resume != NULL && g_variant_lookup (resume, FERRY_RESUME_NO_SYMLINKS, "b", &foreign) &&
         foreign;
}

/* A former owner of the job, or with "report" a server, who has the user fetch what they like with his password. */
static gboolean
is_others_url (GVariantDict *dict)
{
  g_autoptr (GVariant)
      resume = g_variant_dict_lookup_value (dict, "Resume", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant)
      upload = g_variant_dict_lookup_value (dict, "Upload", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) of_upload = NULL;
  g_autofree char *policy = NULL;

  if (upload != NULL)
    of_upload = g_variant_lookup_value (upload, "Resume", G_VARIANT_TYPE_VARDICT);
  g_variant_dict_lookup (dict, "RedirectPolicy", "s", &policy);
  return is_foreign (resume) || is_foreign (of_upload) || g_strcmp0 (policy, "report") == 0;
}

/* == loading == */

/* Returns: (transfer none) (nullable) */
static const Credential *
find (const WorkerLogin *self, const char *target, const char *scheme)
{
  for (guint i = 0; self->credentials != NULL && i < self->credentials->len; i++)
    {
      const Credential *credential = g_ptr_array_index (self->credentials, i);

      if (is_for (credential, target) && g_ascii_strcasecmp (credential->scheme, scheme) == 0)
        return credential;
    }

  return NULL;
}

static gboolean
has_ntlm (const WorkerLogin *self)
{
  return find (self, SERVER, "ntlm") != NULL || find (self, PROXY, "ntlm") != NULL;
}

static void
load_certificate (WorkerLogin *self, GVariantDict *dict)
{
  const Credential *key = find (self, CERTIFICATE, "password");
  g_autofree char *place = NULL;

  g_variant_dict_lookup (dict, "ClientCertificate", "s", &place);
  if (place != NULL && *place != '\0')
    self->certificate = worker_certificate_new (place, key != NULL ? key->password : NULL);
}

/* @given: (nullable): by the owner for the job */
static WorkerTicket *
make_ticket (const Credential *given)
{
  gboolean password = given != NULL && *given->user != '\0';

  return worker_ticket_new (given != NULL, password ? given->user : NULL,
                            password ? given->password : NULL);
}

static void
load_tickets (WorkerLogin *self)
{
  const Credential *server = find (self, SERVER, "negotiate");
  const Credential *proxy = find (self, PROXY, "negotiate");

  if (self->netrc != NULL || server != NULL)
    self->ticket = make_ticket (server);
  if (proxy != NULL)
    self->proxy_ticket = make_ticket (proxy);
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

      g_variant_get_child (list, i, "(ss@a{sv})", &credential->target, &credential->scheme,
                           &values);
      if (!g_variant_lookup (values, "UserName", "s", &credential->user))
        credential->user = g_strdup ("");
      if (!g_variant_lookup (values, "Password", "s", &credential->password))
        credential->password = g_strdup ("");
      g_variant_lookup (values, "AllowHttp", "b", &credential->http);
      g_ptr_array_add (self->credentials, credential);
    }

  if (!has_server_credential (self) && !has_authorization (dict) && !is_others_url (dict))
    self->netrc = worker_netrc_new ();
  load_tickets (self);
  load_certificate (self, dict);
}

void
worker_login_clear (WorkerLogin *self)
{
  g_clear_pointer (&self->credentials, g_ptr_array_unref);
  g_clear_pointer (&self->netrc, worker_netrc_free);
  g_clear_pointer (&self->ticket, worker_ticket_free);
  g_clear_pointer (&self->proxy_ticket, worker_ticket_free);
  g_clear_pointer (&self->certificate, worker_certificate_free);
}

static gboolean
answers (const WorkerLogin *self)
{
  return find (self, SERVER, "digest") != NULL || find (self, PROXY, "basic") != NULL ||
         find (self, PROXY, "digest") != NULL || has_ntlm (self) || self->netrc != NULL;
}

/* Servers may take a ticket or an answer by NTLM for all that follows on its connection. */
static gboolean
is_for_connection (const Credential *credential)
{
  return !is_for (credential, SERVER) || g_str_equal (credential->scheme, "negotiate") ||
         g_str_equal (credential->scheme, "ntlm") || g_str_equal (credential->scheme, "digest");
}

/* A digest of it: the text stays longer than the secret should. */
char *
worker_login_get_key (const WorkerLogin *self)
{
  g_autoptr (GChecksum) sum = NULL;
  const guchar own = self->netrc != NULL;

  if (!answers (self) && self->ticket == NULL && self->proxy_ticket == NULL &&
      self->certificate == NULL)
    return NULL;
  sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_checksum_update (sum, &own, 1);
  if (self->certificate != NULL)
    g_checksum_update (sum, (const guchar *) worker_certificate_get_place (self->certificate), -1);
  for (guint i = 0; i < self->credentials->len; i++)
    {
      const Credential *credential = g_ptr_array_index (self->credentials, i);

      if (!is_for_connection (credential))
        continue;
      /* With their ends, so that no two are the same text. */
      g_checksum_update (sum, (const guchar *) credential->target,
                         (gssize) strlen (credential->target) + 1);
      g_checksum_update (sum, (const guchar *) credential->scheme,
                         (gssize) strlen (credential->scheme) + 1);
      g_checksum_update (sum, (const guchar *) credential->user,
                         (gssize) strlen (credential->user) + 1);
      g_checksum_update (sum, (const guchar *) credential->password,
                         (gssize) strlen (credential->password) + 1);
    }
  return g_strdup (g_checksum_get_string (sum));
}

/* libsoup takes digest before NTLM, and NTLM before basic, whatever there is to answer with: a session has those alone that it can
 * answer. */
void
worker_login_set_up (const WorkerLogin *self, SoupSession *session)
{
  gboolean digest = find (self, SERVER, "digest") != NULL || find (self, PROXY, "digest") != NULL;

  if (has_ntlm (self) && !soup_session_has_feature (session, SOUP_TYPE_AUTH_NTLM))
    soup_session_add_feature_by_type (session, SOUP_TYPE_AUTH_NTLM);
  if (has_ntlm (self) && !digest && self->netrc == NULL &&
      soup_session_has_feature (session, SOUP_TYPE_AUTH_DIGEST))
    soup_session_remove_feature_by_type (session, SOUP_TYPE_AUTH_DIGEST);
  if (self->proxy_ticket != NULL)
    worker_ticket_set_up (session);
}

/* == ~/.netrc == */

static gboolean
answer_from_netrc (WorkerNetrc *netrc, SoupMessage *message, SoupAuth *auth)
{
  gboolean basic = g_ascii_strcasecmp (soup_auth_get_scheme_name (auth), "basic") == 0;
  gboolean digest = g_ascii_strcasecmp (soup_auth_get_scheme_name (auth), "digest") == 0;
  const WorkerNetrcEntry *entry;

  entry = worker_netrc_find (netrc, g_uri_get_host (soup_message_get_uri (message)));
  if (entry == NULL || (!basic && !digest))
    return FALSE;
  if (basic && !worker_trust_is_private (message))
    {
      netrc->complaint =
          "the password that ~/.netrc has for it is only sent over https, to a server "
          "with a good certificate";
      return FALSE;
    }
  netrc->asked = basic;
  soup_auth_authenticate (auth, entry->user, entry->password);
  return TRUE;
}

/* == requests == */

static gboolean
is_ntlm (SoupAuth *auth)
{
  return G_TYPE_CHECK_INSTANCE_TYPE (auth, SOUP_TYPE_AUTH_NTLM);
}

/* Without it libsoup would go on by NTLM as whoever is logged in here, and fail. */
static gboolean
refuse_challenge (SoupAuth *auth)
{
  if (is_ntlm (auth))
    soup_auth_cancel (auth);
  return FALSE;
}

/* A second challenge says that the answer was wrong; by NTLM libsoup may take it for a first one.
 * Returns: whether this is the first of the server, or of the proxy, to @message */
static gboolean
note_challenge (SoupMessage *message, gboolean proxy)
{
  const char *key = proxy ? "ferry-proxy-challenged" : "ferry-challenged";

  if (g_object_get_data (G_OBJECT (message), key) != NULL)
    return FALSE;
  g_object_set_data (G_OBJECT (message), key, GINT_TO_POINTER (TRUE));
  return TRUE;
}

static gboolean
authenticate_cb (SoupMessage *message, SoupAuth *auth, gboolean retrying, gpointer data)
{
  const WorkerLogin *self = data;
  gboolean proxy = soup_auth_is_for_proxy (auth);
  gboolean own = g_object_get_data (G_OBJECT (message), "ferry-own") != NULL;
  const char *scheme = soup_auth_get_scheme_name (auth);
  const Credential *credential = find (self, proxy ? PROXY : SERVER, scheme);

  if (retrying || (is_ntlm (auth) && !note_challenge (message, proxy)))
    return refuse_challenge (auth);
  if (!proxy && self->netrc != NULL && own)
    return answer_from_netrc (self->netrc, message, auth) || refuse_challenge (auth);
  /* Of the server's only digest and NTLM wait for a challenge; elsewhere than at home nothing is answered. */
  if (credential == NULL || (!proxy && (!own || (g_ascii_strcasecmp (scheme, "digest") != 0 &&
                                                 g_ascii_strcasecmp (scheme, "ntlm") != 0))))
    return refuse_challenge (auth);
  soup_auth_authenticate (auth, credential->user, credential->password);
  return TRUE;
}

/* @user: (nullable): without, @password is a token */
static void
set_authorization (SoupMessage *message, const char *name, const char *user, const char *password)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  char *both;
  char *encoded;
  char *value;

  if (user == NULL)
    {
      value = g_strconcat ("Bearer ", password, NULL);
    }
  else
    {
      both = g_strconcat (user, ":", password, NULL);
      encoded = g_base64_encode ((const guchar *) both, strlen (both));
      value = g_strconcat ("Basic ", encoded, NULL);
      ferry_text_wipe (both);
      ferry_text_wipe (encoded);
    }
  soup_message_headers_replace (headers, name, value);
  ferry_text_wipe (value);
}

/* It has its connection, and nothing of the request has gone out. */
static void
starting_cb (SoupMessage *message, gpointer data)
{
  const WorkerLogin *self = data;

  if (worker_trust_is_private (message))
    set_authorization (message, "Authorization", self->netrc->entry.user,
                       self->netrc->entry.password);
}

/* One that refuses a long body may close before its question is heard. Not before there is a connection: a kept one may go to
 * the server, whatever the setting is now. */
static void
greet_proxy_cb (SoupMessage *message, gpointer data)
{
  const Credential *credential = data;
  g_autoptr (GUri) proxy = worker_proxy_get_reader (message);

  if (proxy != NULL)
    set_authorization (message, "Proxy-Authorization", credential->user, credential->password);
  else
    soup_message_headers_remove (soup_message_get_request_headers (message), "Proxy-Authorization");
}

/* In the main thread, for which a handshake waits. There is none: what was set before is not asked for. */
static gboolean
request_certificate_cb (SoupMessage *message, GTlsClientConnection *connection, gpointer data)
{
  g_object_set_data (G_OBJECT (message), "ferry-certificate-asked", GINT_TO_POINTER (TRUE));
  return FALSE;
}

static gboolean
is_https (SoupMessage *message)
{
  return g_str_equal (g_uri_get_scheme (soup_message_get_uri (message)), "https");
}

/* libsoup would send another password, and the server count it as a wrong one. */
static gboolean
check_ntlm (const Credential *credential, GError **error)
{
  if (g_str_is_ascii (credential->password))
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_AUTHENTICATION_FAILED,
                       "A password with letters beyond ASCII cannot be sent by scheme ntlm");
  return FALSE;
}

gboolean
worker_login_prepare (const WorkerLogin *self, SoupMessage *message, gboolean own,
                      GCancellable *cancellable, GError **error)
{
  const Credential *credential = find (self, SERVER, "bearer");

  g_signal_connect (message, "request-certificate", G_CALLBACK (request_certificate_cb), NULL);
  /* One job's login is none of another's: libsoup is to remember nothing. */
  soup_message_add_flags (message, SOUP_MESSAGE_DO_NOT_USE_AUTH_CACHE);
  if (own)
    g_object_set_data (G_OBJECT (message), "ferry-own", GINT_TO_POINTER (TRUE));
  if (answers (self))
    g_signal_connect (message, "authenticate", G_CALLBACK (authenticate_cb), (gpointer) self);

  if (find (self, PROXY, "basic") != NULL)
    g_signal_connect (message, "starting", G_CALLBACK (greet_proxy_cb),
                      (gpointer) find (self, PROXY, "basic"));
  worker_ticket_greet_proxy (self->proxy_ticket, message, cancellable);
  if (own && self->certificate != NULL && is_https (message) &&
      !worker_certificate_prepare (self->certificate, message, error))
    return FALSE;

  /* A body need not go out twice each time. */
  if (own && self->netrc != NULL && self->netrc->asked)
    g_signal_connect (message, "starting", G_CALLBACK (starting_cb), (gpointer) self);
  else if (own && self->ticket != NULL &&
           !worker_ticket_prepare (self->ticket, message, cancellable, error))
    return FALSE;

  if (credential == NULL)
    credential = find (self, SERVER, "basic");
  if (credential == NULL)
    credential = find (self, SERVER, "ntlm");
  if (credential == NULL || !own)
    return TRUE;
  /* What NTLM says of a password lets it be found. */
  if (!credential->http && !is_https (message))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_AUTHENTICATION_FAILED,
                   "Credentials of scheme %s are not sent over plain http, where everybody on the "
                   "way could read them; use https, or allow it with AllowHttp",
                   credential->scheme);
      return FALSE;
    }
  if (g_str_equal (credential->scheme, "ntlm"))
    return check_ntlm (credential, error);
  set_authorization (message, "Authorization",
                     g_str_equal (credential->scheme, "bearer") ? NULL : credential->user,
                     credential->password);
  return TRUE;
}

gboolean
worker_login_wants_again (const WorkerLogin *self, SoupMessage *message, gboolean own,
                          GCancellable *cancellable, GError **error)
{
  const GError *failure = self->proxy_ticket != NULL
                              ? worker_ticket_get_failure (self->proxy_ticket)
                              : NULL;

  if (soup_message_get_status (message) == SOUP_STATUS_PROXY_UNAUTHORIZED &&
      g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_CONNECT_FAILED))
    {
      g_propagate_error (error, g_error_copy (failure));
      return FALSE;
    }
  return own && self->ticket != NULL &&
         worker_ticket_helps (self->ticket, message, cancellable, error);
}

void
worker_login_end (const WorkerLogin *self)
{
  if (self->certificate != NULL)
    worker_certificate_end (self->certificate);
}

/* What servers say of certificates depends on the version of TLS, on when it arrives, and on their taste. */
static gboolean
is_refusal (const GError *error)
{
  /* Names of alerts (RFC 8446, 6.2), as GnuTLS has them; GIO has no codes for them. */
  static const char *const alerts[] = {
    "Bad certificate",         "Certificate is not supported",
    "Certificate was revoked", "Certificate is expired",
    "Unknown certificate",     "Certificate is required",
    "CA is unknown",           "Access was denied",
    "Handshake failed",
  };

  if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_CERTIFICATE_REQUIRED) ||
      g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE) ||
      g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_NOT_TLS))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (alerts); i++)
    {
      if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_MISC) &&
          strstr (error->message, alerts[i]) != NULL)
        return TRUE;
    }

  return FALSE;
}

void
worker_login_explain_error (const WorkerLogin *self, SoupMessage *message, GError **error)
{
  gboolean lacks = g_object_get_data (G_OBJECT (message), "ferry-certificate-asked") != NULL;
  gboolean shows = self->certificate != NULL &&
                   worker_certificate_is_for (self->certificate, message);
  char *text;

  if (error == NULL || *error == NULL)
    return;
  if (shows && worker_certificate_explain (self->certificate, error))
    return;
  if ((!lacks && !shows) || !is_refusal (*error))
    return;
  text = lacks ? g_strdup ("The server wants a client certificate")
               : g_strdup_printf ("The server does not take the client certificate: %s",
                                  (*error)->message);
  g_clear_error (error);
  g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_CERTIFICATE_REQUIRED, text);
  g_free (text);
}

/* Returns: (transfer none) (nullable): why @self (nullable) was of no use */
static const char *
get_ticket_complaint (const WorkerTicket *self)
{
  const GError *failure = self != NULL ? worker_ticket_get_failure (self) : NULL;

  return failure != NULL ? failure->message : NULL;
}

/* Returns: (transfer none) (nullable): why what we have for who answered with @status was of no use */
static const char *
get_complaint (const WorkerLogin *self, guint status)
{
  if (status == SOUP_STATUS_PROXY_UNAUTHORIZED)
    return get_ticket_complaint (self->proxy_ticket);
  if (status != SOUP_STATUS_UNAUTHORIZED)
    return NULL;
  if (self->netrc != NULL && self->netrc->complaint != NULL)
    return self->netrc->complaint;
  return get_ticket_complaint (self->ticket);
}

void
worker_login_explain (const WorkerLogin *self, guint status, GError **error)
{
  const char *complaint = get_complaint (self, status);
  char *message;

  if (complaint == NULL || error == NULL || *error == NULL)
    return;
  message = g_strdup_printf ("%s; %s", (*error)->message, complaint);
  g_free ((*error)->message);
  (*error)->message = message;
}
