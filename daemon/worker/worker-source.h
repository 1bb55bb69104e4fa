/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file that an upload sends: opened as its owner, pinned, never written to. Its calls may block on the file system and
 * belong in the transfer's own thread, never in the main loop. One thread at a time. */

#pragma once

#include "worker-buffers.h"

G_BEGIN_DECLS

typedef struct _WorkerSource WorkerSource;

/**
 * worker_source_check:
 * @path: (type filename): absolute
 * @pid: process id of the caller, whose view of the directory is compared with ours; 0 = do not
 * @no_symlinks: somebody else chose the path: no symbolic link on it, and no other name of the file, is accepted; `Resume`
 *   says so for later; and what is not for everybody to read is not his to choose
 * @size: (out): of the file, bytes
 *
 * Can it be sent? NO_FILE_ACCESS says why not.
 *
 * Returns: (transfer full): the first `Resume` a{sv}, or %NULL
 */
GVariant *worker_source_check (const char *path, GPid pid, gboolean no_symlinks, guint64 *size,
                               GError **error);

/**
 * worker_source_open:
 * @path: (type filename): absolute
 * @resume: what is known of it: its directory, and the file once bytes of it were sent
 * @busy_since: (nullable): monotonic µs is put there while a call of the file system is under way, 0 after it; lives longer
 *
 * Errors: NO_FILE_ACCESS; LOCAL_FILE_CHANGED when it is not the file of @resume any more, or is gone from its directory;
 * WORKER_SINK_ERROR_SOURCE when that directory is not there now.
 */
WorkerSource *worker_source_open (const char *path, GVariant *resume, _Atomic gint64 *busy_since,
                                  GError **error);

/** @self may be %NULL. */
void worker_source_free (WorkerSource *self);

/** Bytes. */
guint64 worker_source_get_size (const WorkerSource *self);

/** Returns: (transfer none): the last component of its path */
const char *worker_source_get_name (const WorkerSource *self);

/** Whether what was opened has its size and time still, and is what its path names. LOCAL_FILE_CHANGED otherwise; or why it
 * cannot be looked at, WORKER_SINK_ERROR_SOURCE when its file system is gone. */
gboolean worker_source_verify (WorkerSource *self, GError **error);

/** Adds what worker_source_open() needs to know it again. */
void worker_source_add_resume (const WorkerSource *self, GVariantDict *dict);

/**
 * worker_source_new_stream:
 * @self: lives longer
 * @buffers: lives longer
 *
 * Returns: (transfer full): a stream of the @length bytes from @start; a file that ends before is LOCAL_FILE_CHANGED
 */
GInputStream *worker_source_new_stream (WorkerSource *self, guint64 start, guint64 length,
                                        WorkerBuffers *buffers);

/** @size more bytes were written. */
typedef void (*WorkerSourceWrote) (gsize size, gpointer data);

/**
 * worker_source_stream_write_to:
 * @stream: of worker_source_new_stream()
 * @out: where who reads from @stream would write all of it
 * @wrote: called in the thread that reads
 *
 * From the next read on, all but the last buffer of the rest goes to @out in large pieces, before that read returns; only
 * what is left can be read.
 */
void worker_source_stream_write_to (GInputStream *stream, GOutputStream *out,
                                    WorkerSourceWrote wrote, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerSource, worker_source_free)

G_END_DECLS
