/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Passwords of which only so many wrong ones are taken before the account, or the card, is locked. All attempts of this process try
 * one after the other, and what was refused is not tried again for a while: a job may have many files. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** For what. Each has a queue of its own. */
typedef enum
{
  WORKER_TRIES_TOKEN,
  WORKER_TRIES_KERBEROS,
  WORKER_N_TRIES, /* no value, their number */
} WorkerTries;

/**
 * worker_tries_enter:
 * @place: what the secret is for
 *
 * Waits until nobody else tries.
 *
 * Returns: whether to try, and then to call worker_tries_leave() in the same thread; %FALSE when it was refused a moment ago
 */
gboolean worker_tries_enter (WorkerTries self, const char *place, const char *secret);
void worker_tries_leave (WorkerTries self, const char *place, const char *secret, gboolean refused);

G_END_DECLS
