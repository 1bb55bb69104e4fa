/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-certificate.h"

#include "ferry-error.h"
#include "ferry-text.h"
#include "worker-key.h"
#include "worker-pin.h"
#include "worker-tries.h"

#include <string.h>

#define PKCS11 "pkcs11:"

struct _WorkerCertificate
{
  char *place;             /* (owned) */
  char *password;          /* (owned) (nullable) */
  _Atomic gint64 *busy;    /* (unowned) (nullable) */
  GTlsCertificate *loaded; /* (owned) (nullable) */
  WorkerPin *pin;          /* (owned) (nullable): of a token's */
  gboolean wants_password;
  gboolean trying; /* its turn to try the PIN; see worker-tries.h */
};

WorkerCertificate *
worker_certificate_new (const char *place, const char *password)
{
  WorkerCertificate *self = g_new0 (WorkerCertificate, 1);

  self->place = g_strdup (place);
  self->password = g_strdup (password);
  return self;
}

void
worker_certificate_free (WorkerCertificate *self)
{
  if (self == NULL)
    return;
  g_free (self->place);
  ferry_text_wipe (self->password);
  g_clear_object (&self->loaded);
  g_clear_object (&self->pin);
  g_free (self);
}

void
worker_certificate_watch (WorkerCertificate *self, _Atomic gint64 *busy)
{
  self->busy = busy;
}

const char *
worker_certificate_get_place (const WorkerCertificate *self)
{
  return self->place;
}

gboolean
worker_certificate_wants_password (const WorkerCertificate *self)
{
  return self->wants_password;
}

/* == loading == */

static GTlsCertificate *
load_from_token (WorkerCertificate *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  GTlsCertificate *certificate = g_tls_certificate_new_from_pkcs11_uris (self->place, NULL,
                                                                         &local_error);
  g_autofree char *clean = NULL;

  if (certificate != NULL)
    {
      self->pin = worker_pin_new (self->password);
      return certificate;
    }
  clean = ferry_text_clean (local_error->message, FERRY_TEXT_MAX);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
               "The token has no such client certificate: %s", clean);
  return NULL;
}

static gboolean
load (WorkerCertificate *self, GError **error)
{
  if (self->loaded != NULL)
    return TRUE;
  if (self->busy != NULL)
    *self->busy = g_get_monotonic_time ();
  if (g_str_has_prefix (self->place, PKCS11))
    self->loaded = load_from_token (self, error);
  else
    self->loaded = worker_key_load (self->place, self->password, &self->wants_password, error);
  if (self->busy != NULL)
    *self->busy = 0;
  return self->loaded != NULL;
}

/* == requests == */

static void
network_event_cb (SoupMessage *message, GSocketClientEvent event, GIOStream *connection,
                  gpointer data)
{
  WorkerCertificate *self = data;

  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING || !G_IS_TLS_CONNECTION (connection))
    return;
  g_tls_connection_set_certificate (G_TLS_CONNECTION (connection), self->loaded);
  if (self->pin != NULL)
    g_tls_connection_set_interaction (G_TLS_CONNECTION (connection), G_TLS_INTERACTION (self->pin));
}

void
worker_certificate_end (WorkerCertificate *self)
{
  if (!self->trying)
    return;
  self->trying = FALSE;
  worker_tries_leave (WORKER_TRIES_TOKEN, self->place, self->password,
                      worker_pin_was_refused (self->pin));
}

/* It has its connection. */
static void
starting_cb (SoupMessage *message, gpointer data)
{
  worker_certificate_end (data);
}

static gboolean
begin (WorkerCertificate *self, GError **error)
{
  if (self->pin == NULL || self->password == NULL)
    return TRUE;
  self->trying = worker_tries_enter (WORKER_TRIES_TOKEN, self->place, self->password);
  if (self->trying)
    return TRUE;
  self->wants_password = TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_AUTHENTICATION_FAILED,
                       "The PIN of the client certificate's token was wrong a moment ago");
  return FALSE;
}

gboolean
worker_certificate_prepare (WorkerCertificate *self, SoupMessage *message, GError **error)
{
  self->wants_password = FALSE;
  if (!load (self, error) || !begin (self, error))
    return FALSE;
  g_signal_connect (message, "network-event", G_CALLBACK (network_event_cb), self);
  g_signal_connect (message, "starting", G_CALLBACK (starting_cb), self);
  return TRUE;
}

gboolean
worker_certificate_is_for (WorkerCertificate *self, SoupMessage *message)
{
  return g_signal_handler_find (message, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL, self) != 0;
}

gboolean
worker_certificate_explain (WorkerCertificate *self, GError **error)
{
  if (self->pin == NULL || !worker_pin_was_refused (self->pin))
    return FALSE;
  self->wants_password = TRUE;
  g_clear_error (error);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_AUTHENTICATION_FAILED,
               self->password != NULL ? "The PIN of the client certificate's token is wrong"
                                      : "The client certificate's token wants a PIN");
  return TRUE;
}
