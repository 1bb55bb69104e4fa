/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a job waits for, and what can be done about it, in words. */

#pragma once

#include "ferry-remote-job.h"

G_BEGIN_DECLS

/**
 * ferry_explain_wait:
 * @job: a job
 * @now: microseconds since the epoch
 *
 * Returns: (transfer full) (nullable): what @job waits for, short, e.g. "retry in 0:05 (ConnectFailed)";
 *   %NULL while it moves
 */
char *ferry_explain_wait (FerryRemoteJob *job, guint64 now);

/**
 * ferry_explain_job:
 * @job: a job of the caller
 * @id: how the id is to be shown in commands
 * @now: microseconds since the epoch
 *
 * Returns: (transfer full): one clean line: what @job waits for and the command that helps, "" while it moves
 */
char *ferry_explain_job (FerryRemoteJob *job, const char *id, guint64 now);

G_END_DECLS
