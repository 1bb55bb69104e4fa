/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One pool of 8 MiB for the bodies of all attempts, so that memory does not grow with speed or
 * number. Any thread. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define WORKER_BUFFER_SIZE ((gsize) 256 * 1024)
#define WORKER_BUFFERS_MAX 32

typedef struct _WorkerBuffers WorkerBuffers;

/** A buffer; (shared): back in the pool when the last reference goes. */
typedef struct
{
  WorkerBuffers *pool; /* (unowned) */
  int ref_count;       /* atomic */
  guint8 *data;        /* (owned): WORKER_BUFFER_SIZE bytes */
} WorkerBuffer;

WorkerBuffers *worker_buffers_new (void);
/** No buffer may be in use. */
void worker_buffers_free (WorkerBuffers *self);

/**
 * worker_buffers_take:
 *
 * Waits for a buffer that is free.
 *
 * Returns: (transfer full): a buffer, %NULL with G_IO_ERROR_CANCELLED
 */
WorkerBuffer *worker_buffers_take (WorkerBuffers *self, GCancellable *cancellable, GError **error);

WorkerBuffer *worker_buffer_ref (WorkerBuffer *buffer);
void worker_buffer_unref (WorkerBuffer *buffer);

/** Gives the memory of free buffers back to the system. */
void worker_buffers_trim (WorkerBuffers *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerBuffer, worker_buffer_unref)

G_END_DECLS
