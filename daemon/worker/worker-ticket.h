/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a server gets a Kerberos ticket: unasked when the owner gave it for the job; else the user's own, once the server has
 * asked, over https and to a server with a good certificate. */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _WorkerTicket WorkerTicket;

/** @given: by the owner for this job. @user, @password: (nullable): as in worker_negotiate_new() */
WorkerTicket *worker_ticket_new (gboolean given, const char *user, const char *password);
/** @self may be %NULL. */
void worker_ticket_free (WorkerTicket *self);

/**
 * worker_ticket_prepare:
 * @message: to the server; @self outlives it
 *
 * Adds a ticket if it is time. May block, see worker_negotiate_get_token().
 *
 * Returns: %FALSE with an error of worker_negotiate_get_token()
 */
gboolean worker_ticket_prepare (WorkerTicket *self, SoupMessage *message, GCancellable *cancellable,
                                GError **error);

/**
 * worker_ticket_helps:
 * @error: (out): that nobody knows now, as what is to be asked is not reached: CONNECT_FAILED, G_IO_ERROR_CANCELLED
 *
 * Returns: whether @message, which was answered, will have a better answer when it is sent again, prepared by
 *   worker_ticket_prepare()
 */
gboolean worker_ticket_helps (WorkerTicket *self, SoupMessage *message, GCancellable *cancellable,
                              GError **error);

/**
 * worker_ticket_greet_proxy:
 * @self: (nullable): given by the owner for his proxy; %NULL: there is none
 * @message: that this thread sends next; @self and @cancellable outlive it
 *
 * Adds a ticket for the proxy to @message when that is what reads it, and to the CONNECT before it, for a session of
 * worker_ticket_set_up().
 */
void worker_ticket_greet_proxy (WorkerTicket *self, SoupMessage *message,
                                GCancellable *cancellable);

/** Has @session greet proxies also when it asks them for tunnels. */
void worker_ticket_set_up (SoupSession *session);

/** Returns: (transfer none) (nullable): why worker_ticket_helps() has said no, or a proxy was not greeted: CONNECT_FAILED when Kerberos'
 * servers were not reached, which can pass */
const GError *worker_ticket_get_failure (const WorkerTicket *self);

G_END_DECLS
