/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-ticket.h"

#include "ferry-error.h"
#include "ferry-text.h"
#include "worker-challenge.h"
#include "worker-negotiate.h"
#include "worker-proxy.h"
#include "worker-trust.h"

struct _WorkerTicket
{
  WorkerNegotiate *negotiate; /* (owned) */
  gboolean given;
  gboolean
      asked;  /* the server has, and gets one unasked from now on: a body need not go out twice */
  char *next; /* (owned) (nullable): for the next request */
  GError *failure;           /* (owned) (nullable): why there is none */
  GCancellable *cancellable; /* (unowned): of the request, of one for a proxy */
};

/* (element-type WorkerTicket) (unowned) (nullable): for the proxy, of the request that the thread sends: libsoup makes the
 * CONNECT before it, in the same thread, and says not for whom. */
static GPrivate greeting = G_PRIVATE_INIT (NULL);

WorkerTicket *
worker_ticket_new (gboolean given, const char *user, const char *password)
{
  WorkerTicket *self = g_new0 (WorkerTicket, 1);

  self->given = given;
  self->negotiate = worker_negotiate_new (user, password);
  return self;
}

void
worker_ticket_free (WorkerTicket *self)
{
  if (self == NULL)
    return;
  worker_negotiate_unref (self->negotiate);
  ferry_text_wipe (self->next);
  g_clear_error (&self->failure);
  g_free (self);
}

const GError *
worker_ticket_get_failure (const WorkerTicket *self)
{
  return self->failure;
}

static gboolean
make_next (WorkerTicket *self, SoupMessage *message, GCancellable *cancellable, GError **error)
{
  const char *host = g_uri_get_host (soup_message_get_uri (message));

  if (self->next == NULL)
    self->next = worker_negotiate_get_token (self->negotiate, host, cancellable, error);
  return self->next != NULL;
}

/* It has its connection, and nothing of the request has gone out. */
static void
starting_cb (SoupMessage *message, gpointer data)
{
  WorkerTicket *self = data;

  if (self->next != NULL && (self->given || worker_trust_is_private (message)))
    soup_message_headers_replace (soup_message_get_request_headers (message), "Authorization",
                                  self->next);
  g_clear_pointer (&self->next, ferry_text_wipe);
}

gboolean
worker_ticket_prepare (WorkerTicket *self, SoupMessage *message, GCancellable *cancellable,
                       GError **error)
{
  if (!self->given && !self->asked)
    return TRUE;
  if (!make_next (self, message, cancellable, error))
    return FALSE;
  g_signal_connect (message, "starting", G_CALLBACK (starting_cb), self);
  return TRUE;
}

/* == proxies == */

/* It has its connection, and nothing of the request has gone out. */
static void
proxy_starting_cb (SoupMessage *message, gpointer data)
{
  WorkerTicket *self = data;
  g_autoptr (GUri) proxy = worker_proxy_get_reader (message);
  char *token;

  /* Of another try, which went elsewhere. */
  soup_message_headers_remove (soup_message_get_request_headers (message), "Proxy-Authorization");
  if (proxy == NULL)
    return;
  g_clear_error (&self->failure);
  token = worker_negotiate_get_token (self->negotiate, g_uri_get_host (proxy), self->cancellable,
                                      &self->failure);
  if (token != NULL)
    soup_message_headers_replace (soup_message_get_request_headers (message), "Proxy-Authorization",
                                  token);
  ferry_text_wipe (token);
}

static void
request_queued_cb (SoupSession *session, SoupMessage *message, gpointer data)
{
  WorkerTicket *self = g_private_get (&greeting);

  if (self != NULL && g_str_equal (soup_message_get_method (message), SOUP_METHOD_CONNECT))
    g_signal_connect (message, "starting", G_CALLBACK (proxy_starting_cb), self);
}

void
worker_ticket_greet_proxy (WorkerTicket *self, SoupMessage *message, GCancellable *cancellable)
{
  g_private_set (&greeting, self);
  if (self == NULL)
    return;
  self->cancellable = cancellable;
  g_signal_connect (message, "starting", G_CALLBACK (proxy_starting_cb), self);
}

void
worker_ticket_set_up (SoupSession *session)
{
  if (g_signal_handler_find (session, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, request_queued_cb, NULL) ==
      0)
    g_signal_connect (session, "request-queued", G_CALLBACK (request_queued_cb), NULL);
}

/* == what the server asks for == */

static gboolean
is_asked_for (SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  const char *value = soup_message_headers_get_list (headers, "WWW-Authenticate");
  g_auto (GStrv) schemes = NULL;
  g_autofree char *realm = NULL;

  if (soup_message_get_status (message) != SOUP_STATUS_UNAUTHORIZED || value == NULL)
    return FALSE;
  schemes = worker_challenge_parse (value, FALSE, &realm);
  return g_strv_contains ((const char *const *) schemes, "negotiate");
}

gboolean
worker_ticket_helps (WorkerTicket *self, SoupMessage *message, GCancellable *cancellable,
                     GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (self->given || self->asked || self->failure != NULL || !is_asked_for (message))
    return FALSE;
  if (!worker_trust_is_private (message))
    {
      g_set_error_literal (&self->failure, FERRY_ERROR, FERRY_ERROR_AUTHENTICATION_FAILED,
                           "a Kerberos ticket of the user's is only sent over https, to a server "
                           "with a good certificate");
      return FALSE;
    }
  self->asked = make_next (self, message, cancellable, &local_error);
  if (g_error_matches (local_error, FERRY_ERROR, FERRY_ERROR_AUTHENTICATION_FAILED))
    self->failure = g_steal_pointer (&local_error);
  else if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return self->asked;
}
