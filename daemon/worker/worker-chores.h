/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short blocking work on files, outside the main loop, in a bounded number of threads. What hangs
 * (a dead network file system) stops counting after a while, so that the rest goes on. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Chores at a time that do not hang. */
#define WORKER_MAX_CHORES 4

/* Chores that hang; with that many, a new one with a deadline is answered at once as if its
 * deadline had passed. */
#define WORKER_MAX_HUNG_CHORES 60

/* What hangs for longer is taken as hanging, ms. */
#define WORKER_CHORE_PATIENCE 10000

typedef struct _WorkerChores WorkerChores;

/** The work. In a thread of the pool. Returns: (transfer full): the arguments of the reply, not
 * floating */
typedef GVariant *(*WorkerChoreFunc) (gpointer data);

/**
 * WorkerChoreDone:
 * @reply: (nullable) (transfer none): what the work gave; %NULL when it hung past its deadline:
 * what it gives later is dropped
 */
typedef void (*WorkerChoreDone) (GVariant *reply, gpointer done_data);

/** @patience: in ms, %WORKER_CHORE_PATIENCE but for tests */
WorkerChores *worker_chores_new (guint patience);

/** Without waiting for what hangs; no WorkerChoreDone is called any more. */
void worker_chores_free (WorkerChores *self);

/**
 * worker_chores_push:
 * @deadline: whether @done is called with %NULL when the work takes longer than the patience
 * @data: (transfer full): for @func, freed with @free_data in either thread
 *
 * Queues work; @done is called once, in the main context of worker_chores_new()'s thread.
 */
void worker_chores_push (WorkerChores *self, gboolean deadline, WorkerChoreFunc func, gpointer data,
                         GDestroyNotify free_data, WorkerChoreDone done, gpointer done_data);

G_END_DECLS
