/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The attempts under way: starts them in threads, stops them, hands their reports to ferryd, and
 * gives up on those whose file system does not answer. Main thread. */

#pragma once

#include "ferry-link.h"
#include "worker-attempt.h"
#include "worker-chores.h"

G_BEGIN_DECLS

typedef struct _WorkerRuns WorkerRuns;

/**
 * worker_runs_new:
 * @link: (unowned): to ferryd, lives longer
 * @chores: (unowned): lives longer
 * @patience: ms that opening a file may take; other file calls, which wait for the disk, may take
 *   %WORKER_RUNS_SLOW times as long
 * @times: (nullable): what servers may take, see worker_sessions_new()
 */
WorkerRuns *worker_runs_new (FerryLink *link, WorkerChores *chores, guint patience,
                             const WorkerTimes *times);

#define WORKER_RUNS_SLOW 6

/** "start", "start-upload" (@upload), "stop" and "stored" of ferry-worker-protocol.h */
void worker_runs_start (WorkerRuns *self, GVariant *arguments, gboolean upload);
void worker_runs_stop (WorkerRuns *self, GVariant *arguments);
void worker_runs_stored (WorkerRuns *self, GVariant *arguments);

/** Returns: (transfer none) */
WorkerSessions *worker_runs_get_sessions (WorkerRuns *self);

/** Returns: (transfer full) (element-type WorkerAttempt): those that have not reported their end */
GPtrArray *worker_runs_list (WorkerRuns *self);

G_END_DECLS
