/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pure table (state, event) -> state of a download job. DESIGN section 5; BITS 3.2. */

#pragma once

#include "ferry-enums.h"

G_BEGIN_DECLS

/**
 * FerryJobEvent:
 * @FERRY_JOB_EVENT_RESUME: the owner resumes (the caller has checked for files)
 * @FERRY_JOB_EVENT_SUSPEND: the owner suspends
 * @FERRY_JOB_EVENT_START: its turn has come
 * @FERRY_JOB_EVENT_CONNECTED: the first answer or byte
 * @FERRY_JOB_EVENT_YIELD: turn over, pre-empted, ferryd stops
 * @FERRY_JOB_EVENT_FAIL_TRANSIENT: an error that may pass; network lost
 * @FERRY_JOB_EVENT_RETRY: time or network for another try
 * @FERRY_JOB_EVENT_FAIL: a final error and nothing more can run, or a timer ran out; a file was judged invalid
 * @FERRY_JOB_EVENT_FINISH: all files are transferred
 * @FERRY_JOB_EVENT_COMPLETE: the owner's Complete is done
 * @FERRY_JOB_EVENT_CANCEL: cancelled by anybody or by a timer
 */
typedef enum
{
  FERRY_JOB_EVENT_RESUME,
  FERRY_JOB_EVENT_SUSPEND,
  FERRY_JOB_EVENT_START,
  FERRY_JOB_EVENT_CONNECTED,
  FERRY_JOB_EVENT_YIELD,
  FERRY_JOB_EVENT_FAIL_TRANSIENT,
  FERRY_JOB_EVENT_RETRY,
  FERRY_JOB_EVENT_FAIL,
  FERRY_JOB_EVENT_FINISH,
  FERRY_JOB_EVENT_COMPLETE,
  FERRY_JOB_EVENT_CANCEL,
} FerryJobEvent;

#define FERRY_N_JOB_EVENTS (FERRY_JOB_EVENT_CANCEL + 1)

/**
 * ferry_job_state_next:
 * @next: (out): the state after @event; may be @state itself
 *
 * Returns: %FALSE when @event cannot happen in @state (the caller answers InvalidState or ignores it)
 */
gboolean ferry_job_state_next (FerryJobState state, FerryJobEvent event, FerryJobState *next);

/** Returns: whether the state is acknowledged or cancelled */
gboolean ferry_job_state_is_final (FerryJobState state);

/** Returns: whether the job is connecting or transferring */
gboolean ferry_job_state_is_active (FerryJobState state);

G_END_DECLS
