/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A main loop that ends by being done, by a signal to the process, or by a timeout. */

#pragma once

#include "ferry-exit.h"

G_BEGIN_DECLS

typedef struct _FerryLoop FerryLoop;

/**
 * ferry_loop_new:
 * @timeout: seconds, 0 = none
 *
 * From now on SIGINT, SIGTERM and SIGHUP end the loop instead of the process.
 *
 * Returns: (transfer full): a loop in the default main context
 */
FerryLoop *ferry_loop_new (guint timeout);

void ferry_loop_free (FerryLoop *self);

/**
 * ferry_loop_run:
 *
 * Runs until ferry_loop_quit(), a signal or the timeout; at once when one of these came before.
 *
 * Returns: what was given to ferry_loop_quit(), or %FERRY_EXIT_INTERRUPTED, or %FERRY_EXIT_TIMEOUT
 */
FerryExit ferry_loop_run (FerryLoop *self);

/** Ends the loop with @status. The first end counts. */
void ferry_loop_quit (FerryLoop *self, FerryExit status);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryLoop, ferry_loop_free)

G_END_DECLS
