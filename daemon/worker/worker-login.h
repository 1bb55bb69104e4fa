/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a job proves who its owner is, to its server and to its proxy. */

#pragma once

#include "worker-certificate.h"
#include "worker-netrc.h"
#include "worker-ticket.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/** What there is to prove it with, wiped when it goes. All zeros: nothing. */
typedef struct
{
  GPtrArray *credentials; /* (owned) (nullable) */
  WorkerNetrc
      *netrc; /* (owned) (nullable): asked for what the job does not have; %NULL = must not be */
  WorkerTicket *ticket;           /* (owned) (nullable): given, or where @netrc may be asked */
  WorkerTicket *proxy_ticket;     /* (owned) (nullable): given for the proxy */
  WorkerCertificate *certificate; /* (owned) (nullable): for the server */
} WorkerLogin;

/**
 * worker_login_load:
 *
 * Reads the keys Credentials and ClientCertificate of an order. The user's own ~/.netrc and Kerberos ticket are for jobs without credentials for their
 * server or an Authorization of their own, whose URL he chose himself.
 */
void worker_login_load (WorkerLogin *self, GVariantDict *dict);
void worker_login_clear (WorkerLogin *self);

/** Returns: (transfer full) (nullable): the same text for who may share connections, because he is the same to his proxy and to
 * servers that ask once for each connection; %NULL when no challenge is to be answered: what needs none is sent without being
 * asked */
char *worker_login_get_key (const WorkerLogin *self);

/** Makes @session, which those with the same worker_login_get_key() have, able to answer. In the main thread only. */
void worker_login_set_up (const WorkerLogin *self, SoupSession *session);

/**
 * worker_login_prepare:
 * @own: whether @message goes to the origin that the server's credentials are for
 *
 * Adds what is sent without being asked, and answers the challenges that come. @self outlives @message. May block, see
 * worker_negotiate_get_token().
 *
 * Returns: %FALSE with AUTHENTICATION_FAILED when a password or token would go over plain http, which the job does not allow; or
 *   with an error of worker_negotiate_get_token() or worker_certificate_prepare()
 */
gboolean worker_login_prepare (const WorkerLogin *self, SoupMessage *message, gboolean own,
                               GCancellable *cancellable, GError **error);

/**
 * worker_login_wants_again:
 * @message: that was answered
 * @own: as in worker_login_prepare()
 * @error: (out): that it is not known now, which can pass: CONNECT_FAILED, G_IO_ERROR_CANCELLED
 *
 * Returns: whether the same request will have a better answer: the server asked for a ticket, which goes with it
 */
gboolean worker_login_wants_again (const WorkerLogin *self, SoupMessage *message, gboolean own,
                                   GCancellable *cancellable, GError **error);

/** To be called, in the same thread, when the message that was prepared last was sent, or could not be prepared. */
void worker_login_end (const WorkerLogin *self);

/** @error: (inout) (nullable): of @message, a request that had no answer; it may be for want of a certificate, or of a PIN */
void worker_login_explain_error (const WorkerLogin *self, SoupMessage *message, GError **error);

/** @error: (inout) (nullable): what an answer with @status became; with a 401 it may tell why ~/.netrc or Kerberos
 * did not help. */
void worker_login_explain (const WorkerLogin *self, guint status, GError **error);

G_END_DECLS
