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

/** Returns: (transfer none): what is put before an upload's name or state to tell it from a download, else "" */
const char *ferry_explain_direction (FerryRemoteJob *job, gboolean utf8);

/** Returns: (transfer full): @failure with "; " and @more (clean) behind what it says */
GError *ferry_explain_failure (const GError *failure, const char *more);

/* Said of a job that is not kept, where nobody could be asked. */
#define FERRY_EXPLAIN_LOGIN                                                                        \
  "`ferry login URL` saves a login for it, and on a terminal ferry asks for one"

/* Said once to whoever watches an upload that cannot go on after a break. */
#define FERRY_EXPLAIN_STARTS_OVER                                                                  \
  "This server cannot continue an interrupted upload. If the connection breaks, it starts again "  \
  "from the beginning."

/**
 * ferry_explain_remedy:
 * @job: a job that failed
 * @id: what to call it in commands
 * @quote: what stands around a command
 *
 * Returns: (transfer full) (nullable): what its owner can do, other than just let it go on
 */
char *ferry_explain_remedy (FerryRemoteJob *job, const char *id, const char *quote);

G_END_DECLS
