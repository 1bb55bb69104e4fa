/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One user's worker: its process, its link, and when to have it. Nothing that comes over the link
 * is believed to be more than a claim by that user. */

#pragma once

#include "ferry-clock.h"
#include "ferry-launcher.h"

G_BEGIN_DECLS

#define FERRY_TYPE_WORKER_LINK (ferry_worker_link_get_type ())
G_DECLARE_FINAL_TYPE (FerryWorkerLink, ferry_worker_link, FERRY, WORKER_LINK, GObject)

/** As the signals of #FerryWorkers; none is called after ferry_worker_link_close(). */
typedef struct
{
  void (*up) (uid_t uid, gpointer user_data);
  void (*down) (uid_t uid, const char *reason, gpointer user_data);
  void (*message) (uid_t uid, const char *kind, GVariant *arguments, gpointer user_data);
} FerryWorkerLinkFuncs;

FerryWorkerLink *ferry_worker_link_new (uid_t uid, FerryLauncher *launcher, FerryClock *clock,
                                        const FerryWorkerLinkFuncs *funcs, gpointer user_data);

/** As the functions of #FerryWorkers. */
void ferry_worker_link_hold (FerryWorkerLink *self);
void ferry_worker_link_release (FerryWorkerLink *self);
gboolean ferry_worker_link_is_up (FerryWorkerLink *self);
gint64 ferry_worker_link_get_next_start (FerryWorkerLink *self);
const char *ferry_worker_link_get_failure (FerryWorkerLink *self);
gboolean ferry_worker_link_send (FerryWorkerLink *self, const char *kind, GVariant *arguments);
void ferry_worker_link_kill (FerryWorkerLink *self);

/** @task: (transfer full): as that of ferry_worker_requests_add() */
void ferry_worker_link_request (FerryWorkerLink *self, const char *kind, GVariant *arguments,
                                guint timeout, GTask *task);

/** Whether a worker was started, has not said hello, and not too many others claim to be it. */
gboolean ferry_worker_link_expects_connection (FerryWorkerLink *self);

/** Takes a connection of its uid, which may turn out not to be the worker. */
void ferry_worker_link_take (FerryWorkerLink *self, GSocketConnection *connection);

/** The launcher says that the process is gone. */
void ferry_worker_link_exited (FerryWorkerLink *self, const char *reason);

/** Fails all requests and stops the worker, for good. */
void ferry_worker_link_close (FerryWorkerLink *self);

G_END_DECLS
