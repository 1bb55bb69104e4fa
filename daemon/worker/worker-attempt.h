/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One attempt at one file, from "start" to "done", "failed", "stopped" or "new-name". It runs in a
 * thread of its own, which blocks on the server and on the file system. */

#pragma once

#include "worker-buffers.h"
#include "worker-order.h"
#include "worker-session.h"

G_BEGIN_DECLS

typedef struct _WorkerAttempt WorkerAttempt;

/**
 * WorkerReportFunc:
 * @kind: kind of a message of ferry-worker-protocol.h
 * @arguments: (transfer full): its a{sv}
 *
 * Called in the attempt's thread, or in that of worker_attempt_checkpoint(), one at a time and in
 * order.
 */
typedef void (*WorkerReportFunc) (gpointer data, const char *kind, GVariant *arguments);

/**
 * worker_attempt_new:
 * @order: (transfer full): what to do
 * @sessions: (unowned): lives longer
 * @session: a reference is taken
 * @buffers: (unowned): lives longer
 * @last_url: (nullable): where an earlier attempt at the same URL ended after redirects
 */
WorkerAttempt *worker_attempt_new (WorkerOrder *order, WorkerSessions *sessions,
                                   SoupSession *session, WorkerBuffers *buffers,
                                   const char *last_url, WorkerReportFunc report, gpointer data);

WorkerAttempt *worker_attempt_ref (WorkerAttempt *self);
void worker_attempt_unref (WorkerAttempt *self);

/** Returns: (transfer none) */
const WorkerOrder *worker_attempt_get_order (WorkerAttempt *self);

/** Does it all; blocks. Once. */
void worker_attempt_run (WorkerAttempt *self);

/** Makes worker_attempt_run() end soon, with a checkpoint and "stopped". Any thread; does not
 * block. */
void worker_attempt_stop (WorkerAttempt *self);

/** "stored" of ferry-worker-protocol.h. Any thread. */
void worker_attempt_stored (WorkerAttempt *self);

/** Writes a checkpoint now and reports it; nothing to do before the first byte and after the end.
 * Any thread; blocks. */
void worker_attempt_checkpoint (WorkerAttempt *self);

/**
 * worker_attempt_tick:
 *
 * To be called now and then: a server that stalls must not leave untold, or in danger, what it sent
 * before. One that stalls too long, by worker_pulse_check(), is given up. One thread; does not
 * block.
 *
 * Returns: whether worker_attempt_checkpoint() is due
 */
gboolean worker_attempt_tick (WorkerAttempt *self);

/**
 * worker_attempt_get_busy_time:
 * @opening: (out): whether it is just opening its file, which does not wait for the disk
 *
 * Any thread; does not block.
 *
 * Returns: µs that the file call under way has taken so far, 0 when there is none
 */
gint64 worker_attempt_get_busy_time (WorkerAttempt *self, gboolean *opening);

/** After worker_attempt_run(). Returns: (transfer none) (nullable): the URL of the last answer,
 * after redirects */
const char *worker_attempt_get_final_url (WorkerAttempt *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerAttempt, worker_attempt_unref)

G_END_DECLS
