/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a job proves who its owner is, to its server and to its proxy. */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/** What there is to prove it with, wiped when it goes. All zeros: nothing. */
typedef struct
{
  GPtrArray *credentials; /* (owned) (nullable) */
} WorkerLogin;

/** Reads the key Credentials of an order. */
void worker_login_load (WorkerLogin *self, GVariantDict *dict);
void worker_login_clear (WorkerLogin *self);

/** Whether challenges are to be answered: what needs none is sent without being asked. */
gboolean worker_login_answers (const WorkerLogin *self);

/**
 * worker_login_prepare:
 * @own: whether @message goes to the origin that the server's credentials are for
 *
 * Adds what is sent without being asked, and answers the challenges that come. @self outlives @message.
 *
 * Returns: %FALSE with AUTHENTICATION_FAILED when a password or token would go over plain http, which the job does not allow
 */
gboolean worker_login_prepare (const WorkerLogin *self, SoupMessage *message, gboolean own,
                               GError **error);

G_END_DECLS
