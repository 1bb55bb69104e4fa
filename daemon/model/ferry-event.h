/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the journal is told: one event for each thing in the life of a job or of the daemon that an administrator may ask
 * for. Each has a MESSAGE_ID that stays the same for ever, is documented in ferryd(8), and carries ids, names of errors and
 * words of ours, never a URL, a path, a name, a header or a parameter. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * FerryEvent:
 * @FERRY_EVENT_JOB_CREATED: a user made a job
 * @FERRY_EVENT_JOB_RESUMED: its owner, or an administrator, let it go on
 * @FERRY_EVENT_JOB_SUSPENDED: its owner, or an administrator, stopped it
 * @FERRY_EVENT_JOB_INTERRUPTED: an error that passes, or no network; it is tried again
 * @FERRY_EVENT_JOB_FAILED: an error that does not pass
 * @FERRY_EVENT_JOB_TRANSFERRED: all its bytes are there
 * @FERRY_EVENT_JOB_COMPLETED: its files have their names
 * @FERRY_EVENT_JOB_CANCELLED: it was given up; FERRY_BY says who did
 * @FERRY_EVENT_JOB_TAKEN: an administrator took it over
 * @FERRY_EVENT_FILE_RESTARTED: a file's bytes were dropped
 * @FERRY_EVENT_JOBS_NOT_LOGGED: one user's jobs make too many events
 * @FERRY_EVENT_WORKER_FAILED: a worker ended, or could not be started, and was not told to end
 * @FERRY_EVENT_STORE_SALVAGED: the store was damaged, and replaced
 * @FERRY_EVENT_POLICY_PROBLEM: something in dconf is not in force
 */
typedef enum
{
  FERRY_EVENT_JOB_CREATED,
  FERRY_EVENT_JOB_RESUMED,
  FERRY_EVENT_JOB_SUSPENDED,
  FERRY_EVENT_JOB_INTERRUPTED,
  FERRY_EVENT_JOB_FAILED,
  FERRY_EVENT_JOB_TRANSFERRED,
  FERRY_EVENT_JOB_COMPLETED,
  FERRY_EVENT_JOB_CANCELLED,
  FERRY_EVENT_JOB_TAKEN,
  FERRY_EVENT_FILE_RESTARTED,
  FERRY_EVENT_JOBS_NOT_LOGGED,
  FERRY_EVENT_WORKER_FAILED,
  FERRY_EVENT_STORE_SALVAGED,
  FERRY_EVENT_POLICY_PROBLEM,
} FerryEvent;

#define FERRY_N_EVENTS (FERRY_EVENT_POLICY_PROBLEM + 1)

/** Returns: (transfer none): its word, the value of FERRY_EVENT= */
const char *ferry_event_get_name (FerryEvent event);

/** Returns: (transfer none): 32 lowercase hex digits, the value of MESSAGE_ID= */
const char *ferry_event_get_message_id (FerryEvent event);

/** Returns: as in syslog.h, the value of PRIORITY= */
int ferry_event_get_priority (FerryEvent event);

/**
 * ferry_event_log:
 * @fields: (nullable) (array zero-terminated=1): keys and values in turn, such as "FERRY_JOB" and an id; a pair whose
 *   value is "" is left out
 * @format: the MESSAGE, one sentence
 *
 * To the journal when standard error is connected to it, else one line on standard error.
 */
void ferry_event_log (FerryEvent event, const char *const *fields, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

G_END_DECLS
