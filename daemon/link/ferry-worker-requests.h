/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to one worker: which wait, which were sent, and what becomes of them. */

#pragma once

#include "ferry-clock.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _FerryWorkerRequests FerryWorkerRequests;

/**
 * FerryWorkerRequestsFuncs:
 * @send: puts a message on the link. Returns: whether that was possible
 * @changed: requests went by themselves (cancelled); their number may be 0 now
 * @late: an answer did not come in time. The request stays: the worker must be ended, and all be
 * failed then
 */
typedef struct
{
  gboolean (*send) (guint32 id, const char *kind, GVariant *arguments, gpointer user_data);
  void (*changed) (gpointer user_data);
  void (*late) (const char *reason, gpointer user_data);
} FerryWorkerRequestsFuncs;

FerryWorkerRequests *ferry_worker_requests_new (FerryClock *clock,
                                                const FerryWorkerRequestsFuncs *funcs,
                                                gpointer user_data);

/** All requests must have been failed or answered before. */
void ferry_worker_requests_free (FerryWorkerRequests *self);

/**
 * ferry_worker_requests_add:
 * @arguments: (nullable): an a{sv}; consumed when floating
 * @timeout: seconds for the answer once it is sent
 * @task: (transfer full): returns a boolean; its task data will be the reply (#GVariant), also
 * beside an error
 *
 * The request waits until ferry_worker_requests_pump(). It fails at once when it is too long for a
 * frame or was cancelled.
 */
void ferry_worker_requests_add (FerryWorkerRequests *self, const char *kind, GVariant *arguments,
                                guint timeout, GTask *task);

/** Sends what waits, as far as the worker has not too many unanswered. To be called while the link
 * is up. */
void ferry_worker_requests_pump (FerryWorkerRequests *self);

/** Returns: %FALSE when no request with that @id was sent and not answered: the worker lies */
gboolean ferry_worker_requests_answer (FerryWorkerRequests *self, guint32 id, GVariant *reply);

/** Those that were sent fail with WorkerFailed. */
void ferry_worker_requests_fail_sent (FerryWorkerRequests *self, const char *reason);

/** All fail with WorkerFailed. */
void ferry_worker_requests_fail_all (FerryWorkerRequests *self, const char *reason);

/** Whether none waits and none is unanswered. */
gboolean ferry_worker_requests_is_empty (FerryWorkerRequests *self);

G_END_DECLS
