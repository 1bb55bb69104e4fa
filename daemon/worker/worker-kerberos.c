/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-kerberos.h"

#include "ferry-error.h"
#include "ferry-text.h"
#include "worker-tries.h"

#include <glib/gstdio.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Where the programs that log in put tickets, each login its own: pam_krb5 and sssd, /tmp/krb5cc_UID_XXXXXX. */
#define TICKETS_DIRECTORY "/tmp"

/* Seconds before their end in which tickets are fetched anew: clocks differ. */
#define EXPIRY_MARGIN 60

/* RFC 4178, and the one mechanism that we let it take (RFC 4121). */
static const gss_OID_desc spnego = { 6, (void *) "\x2b\x06\x01\x05\x05\x02" };
static const gss_OID_desc kerberos = { 9, (void *) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" };

struct _WorkerKerberos
{
  char *user;     /* (owned) (nullable) */
  char *password; /* (owned) (nullable) */

  krb5_context context;  /* (owned) (nullable): what follows belongs to it */
  krb5_ccache tickets;   /* (owned) (nullable): in memory, got with the password */
  krb5_timestamp expiry; /* of @tickets */
};

WorkerKerberos *
worker_kerberos_new (const char *user, const char *password)
{
  WorkerKerberos *self = g_new0 (WorkerKerberos, 1);

  self->user = g_strdup (user);
  self->password = g_strdup (password);
  return self;
}

static void
drop_tickets (WorkerKerberos *self)
{
  if (self->tickets != NULL)
    krb5_cc_destroy (self->context, self->tickets);
  self->tickets = NULL;
}

void
worker_kerberos_free (WorkerKerberos *self)
{
  drop_tickets (self);
  if (self->context != NULL)
    krb5_free_context (self->context);
  g_free (self->user);
  ferry_text_wipe (self->password);
  g_free (self);
}

/* == what went wrong == */

/* Whether @code says that Kerberos' servers are not found or not reached, which can pass: a network or a VPN that is down, a clock
 * that is not set yet. */
static gboolean
is_passing (krb5_error_code code)
{
  switch (code)
    {
    case KRB5_KDC_UNREACH:
    case KRB5_REALM_CANT_RESOLVE:
    case KRB5_REALM_UNKNOWN: /* also when its servers are looked for by DNS, and DNS is not there */
    case KRB5KDC_ERR_SVC_UNAVAILABLE:
    case KRB5KRB_AP_ERR_SKEW:
    case EAGAIN: /* a name does not resolve now */
    case ETIMEDOUT:
    case ECONNREFUSED:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EIO:
      return TRUE;
    default:
      return FALSE;
    }
}

/* @text: (transfer full): what Kerberos says of @code */
static void
set_error (GError **error, krb5_error_code code, char *text)
{
  g_autofree char *clean = ferry_text_clean (text, FERRY_TEXT_MAX);

  if (is_passing (code))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_CONNECT_FAILED, "Kerberos does not answer: %s",
                 clean);
  else
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_AUTHENTICATION_FAILED,
                 "Kerberos has no ticket for the server: %s", clean);
  g_free (text);
}

static void
set_krb5_error (GError **error, krb5_context context, krb5_error_code code)
{
  const char *text = krb5_get_error_message (context, code);

  set_error (error, code, g_strdup (text));
  krb5_free_error_message (context, text);
}

/* Only of the mechanism `kerberos`: of others the minor code is no code of Kerberos. */
static void
set_gss_error (GError **error, OM_uint32 major, OM_uint32 minor)
{
  OM_uint32 ignored;
  OM_uint32 more = 0;
  gss_buffer_desc text = GSS_C_EMPTY_BUFFER;

  gss_display_status (&ignored, minor != 0 ? minor : major,
                      minor != 0 ? GSS_C_MECH_CODE : GSS_C_GSS_CODE, (gss_OID) &kerberos, &more,
                      &text);
  set_error (error, (krb5_error_code) minor, g_strndup (text.value, text.length));
  gss_release_buffer (&ignored, &text);
}

/* == tickets by password == */

static gboolean
fetch_tickets (WorkerKerberos *self, krb5_principal principal, GError **error)
{
  krb5_creds creds = { 0 };
  krb5_error_code code;

  if (!worker_tries_enter (WORKER_TRIES_KERBEROS, self->user, self->password))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_AUTHENTICATION_FAILED,
                   "Kerberos has no ticket for the server: it refused this password a moment ago");
      return FALSE;
    }
  code = krb5_get_init_creds_password (self->context, &creds, principal, self->password, NULL, NULL,
                                       0, NULL, NULL);
  worker_tries_leave (WORKER_TRIES_KERBEROS, self->user, self->password,
                      code != 0 && !is_passing (code));
  if (code == 0)
    {
      self->expiry = creds.times.endtime;
      code = krb5_cc_new_unique (self->context, "MEMORY", NULL, &self->tickets);
      if (code == 0)
        code = krb5_cc_initialize (self->context, self->tickets, principal);
      if (code == 0)
        code = krb5_cc_store_cred (self->context, self->tickets, &creds);
      krb5_free_cred_contents (self->context, &creds);
    }
  if (code == 0)
    return TRUE;
  drop_tickets (self);
  set_krb5_error (error, self->context, code);
  return FALSE;
}

/* By Kerberos' own interface: that of GSSAPI may try a wrong password twice, which locks accounts. */
static gboolean
ensure_tickets (WorkerKerberos *self, GError **error)
{
  krb5_principal principal;
  krb5_error_code code;
  gboolean fetched;

  if (self->tickets != NULL && time (NULL) < (time_t) self->expiry - EXPIRY_MARGIN)
    return TRUE;
  drop_tickets (self);
  code = krb5_parse_name (self->context, self->user, &principal);
  if (code != 0)
    {
      set_krb5_error (error, self->context, code);
      return FALSE;
    }
  fetched = fetch_tickets (self, principal, error);
  krb5_free_principal (self->context, principal);
  return fetched;
}

/* == tickets of the user == */

/* Returns: (transfer full) (nullable): the newest of our own ticket files */
static char *
find_tickets (void)
{
  g_autofree char *prefix = g_strdup_printf ("krb5cc_%u_", getuid ());
  g_autoptr (GDir) dir = g_dir_open (TICKETS_DIRECTORY, 0, NULL);
  char *newest = NULL;
  struct timespec when = { 0 };
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (TICKETS_DIRECTORY, name, NULL);
      struct stat info;

      /* Anybody can make files there: they must not choose whose name we go by. */
      if (!g_str_has_prefix (name, prefix) || lstat (path, &info) != 0 || !S_ISREG (info.st_mode) ||
          info.st_uid != getuid () || (info.st_mode & 077) != 0 ||
          (newest != NULL &&
           (info.st_mtim.tv_sec < when.tv_sec ||
            (info.st_mtim.tv_sec == when.tv_sec && info.st_mtim.tv_nsec <= when.tv_nsec))))
        continue;
      g_free (newest);
      newest = g_steal_pointer (&path);
      when = info.st_mtim;
    }
  return newest;
}

/* == credentials == */

/* @place: (nullable): of the tickets; %NULL is where the machine has them (krb5.conf)
 * Returns: %FALSE with @major and @minor */
static gboolean
acquire_from (const char *place, const gss_OID_desc *mechanism, gss_cred_id_t *credential,
              OM_uint32 *major, OM_uint32 *minor)
{
  gss_OID_set_desc mechanisms = { 1, (gss_OID) mechanism };
  gss_key_value_element_desc element = { "ccache", place };
  gss_key_value_set_desc store = { 1, &element };

  *major = gss_acquire_cred_from (minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms,
                                  GSS_C_INITIATE, place != NULL ? &store : NULL, credential, NULL,
                                  NULL);
  return *major == GSS_S_COMPLETE;
}

/* Returns: (transfer full) (nullable): where the tickets are that the password got */
static char *
get_own_place (WorkerKerberos *self)
{
  char *name;
  char *place;

  if (self->tickets == NULL || krb5_cc_get_full_name (self->context, self->tickets, &name) != 0)
    return NULL;
  place = g_strdup (name);
  krb5_free_string (self->context, name);
  return place;
}

/* == tokens == */

/* The service HTTP/@host itself: by GSSAPI's own kind of name Kerberos would ask DNS what the host is called, and whoever owns a
 * name, with a good certificate for it, could have DNS say another's, and be given a ticket to that one. */
static gss_name_t
import_service (WorkerKerberos *self, const char *host, krb5_error_code *code)
{
  gss_name_t name = GSS_C_NO_NAME;
  krb5_principal principal;
  gss_buffer_desc text;
  OM_uint32 minor;
  char *words;

  *code = krb5_sname_to_principal (self->context, host, "HTTP", KRB5_NT_UNKNOWN, &principal);
  if (*code != 0)
    return GSS_C_NO_NAME;
  *code = krb5_unparse_name (self->context, principal, &words);
  krb5_free_principal (self->context, principal);
  if (*code != 0)
    return GSS_C_NO_NAME;

  text = (gss_buffer_desc){ strlen (words), words };
  if (gss_import_name (&minor, &text, (gss_OID) GSS_KRB5_NT_PRINCIPAL_NAME, &name) !=
      GSS_S_COMPLETE)
    *code = (krb5_error_code) minor;
  krb5_free_unparsed_name (self->context, words);
  return name;
}

/* Returns: (transfer full) (nullable): "Negotiate ...", %NULL with @major and @minor */
static char *
init_context (gss_cred_id_t credential, gss_name_t name, const gss_OID_desc *mechanism,
              OM_uint32 *major, OM_uint32 *minor)
{
  g_autofree char *encoded = NULL;
  gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
  gss_ctx_id_t context = GSS_C_NO_CONTEXT;
  OM_uint32 ignored;

  *major = gss_init_sec_context (minor, credential, &context, name, (gss_OID) mechanism, 0,
                                 GSS_C_INDEFINITE, GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL,
                                 &token, NULL, NULL);
  if (!GSS_ERROR (*major))
    encoded = g_base64_encode (token.value, token.length);
  gss_release_buffer (&ignored, &token);
  gss_delete_sec_context (&ignored, &context, GSS_C_NO_BUFFER);
  return encoded != NULL ? g_strconcat ("Negotiate ", encoded, NULL) : NULL;
}

/* @place: (nullable): as in acquire_from()
 * Returns: (transfer full) (nullable): as init_context() */
static char *
try_mechanism (const char *place, gss_name_t name, const gss_OID_desc *mechanism, OM_uint32 *major,
               OM_uint32 *minor)
{
  gss_OID_set_desc only = { 1, (gss_OID) &kerberos };
  gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
  OM_uint32 ignored;
  char *token = NULL;

  if (acquire_from (place, mechanism, &credential, major, minor))
    {
      /* Not what else is installed: NTLM would need an answer to answer. */
      if (mechanism == &spnego)
        gss_set_neg_mechs (&ignored, credential, &only);
      token = init_context (credential, name, mechanism, major, minor);
    }
  gss_release_cred (&ignored, &credential);
  return token;
}

/* Returns: (transfer full) (nullable): as worker_kerberos_new_token() */
static char *
try_place (const char *place, gss_name_t name, GError **error)
{
  OM_uint32 major;
  OM_uint32 minor;
  char *token = try_mechanism (place, name, &spnego, &major, &minor);

  if (token != NULL)
    return token;
  /* Once more without the wrapping, which hides what is wrong. */
  token = try_mechanism (place, name, &kerberos, &major, &minor);
  if (token == NULL)
    set_gss_error (error, major, minor);
  return token;
}

/* Of tickets of a login only the session knows the place, and it does not know us. Those at the usual one may have expired. */
static char *
try_places (WorkerKerberos *self, gss_name_t name, GError **error)
{
  g_autofree char *own = get_own_place (self);
  g_autofree char *other = NULL;
  g_autoptr (GError) local_error = NULL;
  char *token = try_place (own, name, &local_error);

  if (token == NULL && own == NULL &&
      g_error_matches (local_error, FERRY_ERROR, FERRY_ERROR_AUTHENTICATION_FAILED))
    other = find_tickets ();
  if (other != NULL)
    token = try_place (other, name, NULL);
  if (token == NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return token;
}

char *
worker_kerberos_new_token (WorkerKerberos *self, const char *host, GError **error)
{
  krb5_error_code code;
  gss_name_t name;
  OM_uint32 ignored;
  char *token;

  if (self->context == NULL && (code = krb5_init_context (&self->context)) != 0)
    {
      set_krb5_error (error, NULL, code);
      return NULL;
    }
  if (self->user != NULL && !ensure_tickets (self, error))
    return NULL;
  name = import_service (self, host, &code);
  if (name == GSS_C_NO_NAME)
    {
      set_krb5_error (error, self->context, code);
      return NULL;
    }
  token = try_places (self, name, error);
  gss_release_name (&ignored, &name);
  return token;
}
