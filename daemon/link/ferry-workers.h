/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The workers: at most one live link per uid, started on demand, stopped when idle, backed off when
 * they crash. What comes over a link is a claim by that uid and is handed on with it. */

#pragma once

#include "ferry-clock.h"
#include "ferry-launcher.h"

G_BEGIN_DECLS

#define FERRY_TYPE_WORKERS (ferry_workers_get_type ())
G_DECLARE_FINAL_TYPE (FerryWorkers, ferry_workers, FERRY, WORKERS, GObject)

/**
 * Signals:
 * "up" (guint uid): a link is live ("hello" was right)
 * "down" (guint uid, char *reason): the process is gone, or could not be started; all it was told is void, and
 *     nothing of it touches files any more (ferry_workers_is_up() is %FALSE from the moment that its link closed).
 *     Requests that it was sent were answered with WorkerFailed before. @reason is a sentence for an error text
 * "message" (guint uid, char *kind, GVariant *arguments): all but hello and reply
 */

/**
 * ferry_workers_new:
 * @runtime_directory: where the listening socket is made (0666: SO_PEERCRED decides)
 */
FerryWorkers *ferry_workers_new (FerryLauncher *launcher, FerryClock *clock,
                                 const char *runtime_directory, GError **error);

/**
 * ferry_workers_hold / ferry_workers_release:
 *
 * A held worker is started when it is not up (after its backoff when it crashed: see
 * ferry_workers_get_next_start()) and not stopped for idleness. Counted.
 */
void ferry_workers_hold (FerryWorkers *self, uid_t uid);
void ferry_workers_release (FerryWorkers *self, uid_t uid);

gboolean ferry_workers_is_up (FerryWorkers *self, uid_t uid);

/** Boot time of the next start of a worker that crashed or could not be started, 0 when there is no
 * backoff. */
gint64 ferry_workers_get_next_start (FerryWorkers *self, uid_t uid);

/** Returns: (transfer none) (nullable): a sentence, why @uid's worker ended or did not start the last time; %NULL when it has
 * come up since, or never failed */
const char *ferry_workers_get_failure (FerryWorkers *self, uid_t uid);

/** Returns: (transfer none) */
FerryLauncher *ferry_workers_get_launcher (FerryWorkers *self);

/** Sends without an answer. Returns: %FALSE when there is no live link or the message is too long */
gboolean ferry_workers_send (FerryWorkers *self, uid_t uid, const char *kind, GVariant *arguments);

/**
 * ferry_workers_request:
 * @timeout: seconds for the answer once the worker is up; a worker that lets it pass is stopped
 *
 * Starts the worker when needed (holding it meanwhile), sends, and gives the reply's a{sv}. At most
 * 32 are with a worker at a time, the rest wait here in order; what ferry_workers_send() sends does
 * not wait behind them. Errors: WorkerFailed (also at once, when the worker crashed again and again
 * and is backed off for more than 5 s; its process is gone then, or hangs in the kernel),
 * G_IO_ERROR_CANCELLED (the worker may still do it), and what the reply's `Error` says
 * (#FERRY_ERROR; names that are not ours become WorkerFailed).
 */
void ferry_workers_request (FerryWorkers *self, uid_t uid, const char *kind, GVariant *arguments,
                            guint timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data);

/**
 * ferry_workers_request_finish:
 * @reply: (out) (optional) (nullable): the reply's arguments, also when they hold an `Error` (then the return is
 *   %FALSE with that error)
 */
gboolean ferry_workers_request_finish (FerryWorkers *self, GAsyncResult *result, GVariant **reply,
                                       GError **error);

/** Ends @uid's worker now (it lied, or hangs). Its link closes at once; the next one is backed off
 * as after a crash. */
void ferry_workers_kill (FerryWorkers *self, uid_t uid);

/** Closes all links and the socket, stops all workers, fails all requests. No "down" follows. */
void ferry_workers_close (FerryWorkers *self);

G_END_DECLS
