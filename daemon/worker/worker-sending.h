/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The body of a request: a piece of a file, of known length, counted as it goes out. */

#pragma once

#include "worker-pulse.h"
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
  SoupSession *session;      /* which sends it */
  WorkerPulse *pulse;        /* whether the server takes it, and then answers */
  _Atomic guint64 *position; /* (nullable): offset in the file of what went out last */
  guint64 sent;              /* bytes that went out, of the last try */
  GInputStream *stream;      /* (owned) (nullable): the body of the last try */
} WorkerSending;

/** The message is gone. */
void worker_sending_clear (WorkerSending *self);

/** Gives @message the body. It is sent again from its start when libsoup sends the message again. */
void worker_sending_attach (WorkerSending *self, SoupMessage *message);

G_END_DECLS
