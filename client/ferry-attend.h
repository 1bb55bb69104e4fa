/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for jobs and showing how they get on: `ferry wait` and `ferry watch`. */

#pragma once

#include "ferry-exit.h"
#include "ferry-remote-job.h"

G_BEGIN_DECLS

/**
 * FerryAttendMode:
 * @FERRY_ATTEND_QUIET: nothing on stdout
 * @FERRY_ATTEND_LINES: on stdout, when that is no terminal, a line for each change of state
 * @FERRY_ATTEND_JSON: on stdout an object for each change, one a line
 */
typedef enum
{
  FERRY_ATTEND_QUIET,
  FERRY_ATTEND_LINES,
  FERRY_ATTEND_JSON,
} FerryAttendMode;

/**
 * ferry_attend_jobs:
 * @words: (array zero-terminated=1): which jobs; none = all of the caller, without end
 * @timeout: seconds, 0 = none
 *
 * Follows until each is transferred (handed over, when it does that itself), failed or cancelled. Reports errors.
 *
 * Returns: the exit status of the command
 */
FerryExit ferry_attend_jobs (FerryClient *client, char **words, FerryAttendMode mode,
                             guint timeout);

G_END_DECLS
