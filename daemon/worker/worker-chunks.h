/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes the chunks of a body apart. libsoup 3.2.3 does it too, but takes a size that is no number
 * for the last chunk, and whatever follows a chunk for its end: a body that was damaged on its way
 * would count as whole. Pure. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  WORKER_CHUNKS_SIZE,      /* in the digits of a size */
  WORKER_CHUNKS_EXTENSION, /* behind them */
  WORKER_CHUNKS_DATA,
  WORKER_CHUNKS_DATA_END, /* in the line end behind the data */
  WORKER_CHUNKS_TRAILER,  /* in a line behind the last chunk */
  WORKER_CHUNKS_ENDED,    /* the last chunk and its trailer were seen */
} WorkerChunksState;

/** Begins as all zeros. */
typedef struct
{
  WorkerChunksState state;
  guint64 left;     /* of the chunk's data; the size while it is read */
  guint digits;     /* of the size */
  gsize line;       /* bytes of this line, or of all trailers */
  gboolean has_cr;  /* the last byte was one */
  gboolean is_full; /* there is something in this line of the trailer */
} WorkerChunks;

/**
 * worker_chunks_take:
 * @data: what came; the bytes of the body are moved to its front
 * @size: its length
 * @taken: (out): how many bytes of the body there are
 *
 * What follows the end of the body is left out.
 *
 * Returns: %FALSE with INVALID_SERVER_RESPONSE for what are no chunks; @taken bytes came before
 */
gboolean worker_chunks_take (WorkerChunks *self, guint8 *data, gsize size, gsize *taken,
                             GError **error);

G_END_DECLS
