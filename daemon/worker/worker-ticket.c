/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-ticket.h"

#include "ferry-text.h"
#include "worker-challenge.h"
#include "worker-negotiate.h"
#include "worker-trust.h"

struct _WorkerTicket
{
  WorkerNegotiate *negotiate; /* (owned) */
  gboolean given;
  gboolean
      asked;  /* the server has, and gets one unasked from now on: a body need not go out twice */
  char *next; /* (owned) (nullable): for the next request */
  char *complaint; /* (owned) (nullable) */
};

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
  g_free (self->complaint);
  g_free (self);
}

const char *
worker_ticket_get_complaint (const WorkerTicket *self)
{
  return self->complaint;
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
worker_ticket_helps (WorkerTicket *self, SoupMessage *message, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;

  if (self->given || self->asked || self->complaint != NULL || !is_asked_for (message))
    return FALSE;
  if (!worker_trust_is_private (message))
    {
      self->complaint = g_strdup ("a Kerberos ticket of the user's is only sent over https, to a "
                                  "server with a good certificate");
      return FALSE;
    }
  self->asked = make_next (self, message, cancellable, &error);
  if (!self->asked)
    self->complaint = g_strdup (error->message);
  return self->asked;
}
