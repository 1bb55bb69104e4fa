/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The body of a request: a piece of a file, of known length, counted as it goes out. */

#pragma once

#include "worker-session.h"
#include "worker-source.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/** Lives longer than the message that sends it. All pointers are (unowned). */
typedef struct
{
  WorkerSource *source;   /* (nullable): %NULL with @length 0 */
  WorkerBuffers *buffers; /* (nullable): as @source */
  guint64 start;
  guint64 length;
  const char *type;          /* (nullable): Content-Type */
  WorkerSessions *sessions;  /* who knows the socket */
  WorkerPulse *pulse;        /* whether the server takes it, and then answers */
  _Atomic guint64 *position; /* (nullable): offset in the file of what went out last */
  guint64 sent;              /* bytes that went out, of the last try */
  GSocket *socket;           /* (owned) (nullable): of the last try */
} WorkerSending;

/* Key of a message's data: the socket of its connection, when that is a new one. */
#define WORKER_SENDING_SOCKET "ferry-socket"

/** The message is gone. */
void worker_sending_clear (WorkerSending *self);

/** Gives @message the body. It is sent again from its start when libsoup sends the message again. */
void worker_sending_attach (WorkerSending *self, SoupMessage *message);

G_END_DECLS
