/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the body of an answer, and says whether its end is a proven one. Blocks. */

#pragma once

#include "worker-chunks.h"
#include "worker-pulse.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  GInputStream *stream; /* (unowned) */
  GInputStream *raw;    /* (unowned) (nullable): of a chunked body with its chunks, read instead */
  WorkerPulse *pulse;   /* (unowned) */
  guint64 length;       /* FERRY_SIZE_UNKNOWN when chunked or ended by close */
  gboolean chunked;
  WorkerChunks chunks; /* of @raw */
  guint64 got;
  gboolean ended; /* the stream said that it is at its end */
  GError *error;  /* (owned) (nullable): came after bytes that were handed out first */
} WorkerBody;

/** Frees what @self owns. */
void worker_body_clear (WorkerBody *self);

/**
 * worker_body_read:
 * @size: room in @buffer, 256 KiB or more for speed
 *
 * Waits for bytes, and then takes along what has arrived already.
 *
 * A body that ends before its length is CONNECTION_CLOSED; one that passes it is
 * INVALID_SERVER_RESPONSE. What GIO says of a broken connection is handed on.
 *
 * Returns: bytes read, 0 at the end, -1 with @error
 */
gssize worker_body_read (WorkerBody *self, gpointer buffer, gsize size, GCancellable *cancellable,
                         GError **error);

/**
 * worker_body_is_proven:
 *
 * Whether the end that worker_body_read() came to is the one the server meant. A length proves it.
 * So does the clean end of a connection that ends the body (GIO reports the others as errors), but
 * not of an empty one: libsoup 3.2.3 takes headers that were cut between two lines for all of them,
 * and then the length may be missing. For chunks: whether we saw the last one ourselves; libsoup
 * reports a connection that ends between two chunks as a clean end.
 */
gboolean worker_body_is_proven (WorkerBody *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WorkerBody, worker_body_clear)

G_END_DECLS
