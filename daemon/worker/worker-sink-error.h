/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From errno of a file call to an error that says what was wrong with which file. */

#pragma once

#include "worker-sink.h"

G_BEGIN_DECLS

/**
 * worker_sink_set_errno:
 * @display: path of the target, for the sentence
 * @what: what was tried, as in "Cannot <what> <display>"
 *
 * Sets @error from @errsv: NO_FILE_ACCESS for what its owner may not do there, DISK_FULL, or
 * FILE_SYSTEM_ERROR for all else. A key that is missing (a locked encrypted directory) and a file
 * system that is gone are #WORKER_SINK_ERROR_DESTINATION: they may come back.
 */
void worker_sink_set_errno (GError **error, int errsv, const char *what, const char *display);

/**
 * worker_sink_deny_destination:
 * @error: (nullable): where an error was set
 *
 * For those who do not wait: turns #WORKER_SINK_ERROR_DESTINATION into NO_FILE_ACCESS.
 *
 * Returns: %FALSE, so that it can end a chain
 */
gboolean worker_sink_deny_destination (GError **error);

/**
 * worker_sink_display:
 * @path: (type filename): a path
 *
 * Returns: (transfer full): @path as it may stand in an error sentence
 */
char *worker_sink_display (const char *path);

G_END_DECLS
