/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker's end of the link: messages to attempts and chores, and their reports back. Main
 * thread. */

#pragma once

#include "ferry-link.h"
#include "worker-pulse.h"

G_BEGIN_DECLS

typedef struct _Worker Worker;

/**
 * worker_new:
 * @link: (unowned): to ferryd, lives longer
 * @patience: ms that a file call may take, WORKER_CHORE_PATIENCE but for tests; see also
 * worker_runs_new()
 * @times: (nullable): what servers may take; %NULL but for tests
 */
Worker *worker_new (FerryLink *link, guint patience, const WorkerTimes *times);

/** Writes a checkpoint of all that is under way and calls @func once that is told; soon, but for a file system that hangs. */
void worker_end (Worker *self, void (*func) (gpointer user_data), gpointer user_data);

/** A FerryLinkFunc: handles one message; @user_data is the Worker */
void worker_handle (FerryLink *link, guint32 id, const char *kind, GVariant *arguments,
                    gpointer user_data);

G_END_DECLS
