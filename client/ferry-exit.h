/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exit statuses of `ferry`, and how an error becomes one and a line on stderr. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * FerryExit:
 * @FERRY_EXIT_DONE: done; with --detach: accepted
 * @FERRY_EXIT_FAILED: failed
 * @FERRY_EXIT_USAGE: the command line is wrong
 * @FERRY_EXIT_REFUSED: policy, a limit or authorization says no
 * @FERRY_EXIT_NO_SERVICE: ferryd cannot be reached
 * @FERRY_EXIT_NO_JOB: no such job
 * @FERRY_EXIT_TIMEOUT: --timeout passed; the job goes on
 * @FERRY_EXIT_INTERRUPTED: interrupted; the job goes on
 */
typedef enum
{
  FERRY_EXIT_DONE = 0,
  FERRY_EXIT_FAILED = 1,
  FERRY_EXIT_USAGE = 2,
  FERRY_EXIT_REFUSED = 3,
  FERRY_EXIT_NO_SERVICE = 4,
  FERRY_EXIT_NO_JOB = 5,
  FERRY_EXIT_TIMEOUT = 6,
  FERRY_EXIT_INTERRUPTED = 130,
} FerryExit;

/** Returns: the exit status for the full D-Bus error name @name, that of "failed" when unknown. */
FerryExit ferry_exit_from_name (const char *name);

/** Returns: the exit status for an error of a call or of the command line. */
FerryExit ferry_exit_from_error (const GError *error);

/** Returns: (transfer full): the full D-Bus name of @error; every error has one. */
char *ferry_exit_get_name (const GError *error);

/** Returns: whether @error says that ferryd or the bus is not there (any more). */
gboolean ferry_exit_is_no_service (const GError *error);

/**
 * ferry_exit_describe:
 * @error: an error of a call, of a job or of the command line
 *
 * Returns: (transfer full): "ErrorName: sentence", one clean line without the name's prefix
 */
char *ferry_exit_describe (const GError *error);

/**
 * ferry_exit_report:
 * @error: an error
 *
 * Prints "ferry: ErrorName: sentence" on stderr.
 *
 * Returns: the exit status that goes with it
 */
FerryExit ferry_exit_report (const GError *error);

/** Sets @error to InvalidArgs (exit status 2) with a sentence. */
void ferry_exit_set_usage (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
