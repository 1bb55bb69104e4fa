/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Digest of a file while it is written, in a thread of its own that never holds the transfer up:
 * what it cannot take in time from the transfer's buffers it reads back from the file. */

#pragma once

#include "worker-buffers.h"

G_BEGIN_DECLS

typedef struct _WorkerDigest WorkerDigest;

/** Reads back what was written. Called in the digest's thread. Returns: bytes read, 0 at the end,
 * -1 with @error */
typedef gssize (*WorkerDigestRead) (gpointer data, guint64 offset, gpointer buffer, gsize size,
                                    GError **error);

/**
 * worker_digest_new:
 * @text: "sha256:HEX" or "sha512:HEX"
 * @position: bytes of the file that are there already, and are read back
 *
 * Returns: (transfer full): the digest, %NULL with WORKER_FAILED when @text is none of these
 */
WorkerDigest *worker_digest_new (const char *text, guint64 position, WorkerDigestRead read,
                                 gpointer data, GError **error);

/** Stops at once. @self may be %NULL. */
void worker_digest_free (WorkerDigest *self);

/** Adds the first @size bytes of @buffer, which were written at the end of the file so far. Does
 * not block. */
void worker_digest_feed (WorkerDigest *self, WorkerBuffer *buffer, gsize size);

/**
 * worker_digest_finish:
 * @matches: (out): whether it is the digest that was given
 *
 * Waits until all has been read.
 *
 * Returns: %FALSE with G_IO_ERROR_CANCELLED or what reading back gave
 */
gboolean worker_digest_finish (WorkerDigest *self, GCancellable *cancellable, gboolean *matches,
                               GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerDigest, worker_digest_free)

G_END_DECLS
