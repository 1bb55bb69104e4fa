/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-job-state.h"

#define NO           (-1)
#define QUEUED       FERRY_JOB_STATE_QUEUED
#define CONNECTING   FERRY_JOB_STATE_CONNECTING
#define TRANSFERRING FERRY_JOB_STATE_TRANSFERRING
#define SUSPENDED    FERRY_JOB_STATE_SUSPENDED
#define ERROR        FERRY_JOB_STATE_ERROR
#define TRANSIENT    FERRY_JOB_STATE_TRANSIENT_ERROR
#define TRANSFERRED  FERRY_JOB_STATE_TRANSFERRED
#define ACKNOWLEDGED FERRY_JOB_STATE_ACKNOWLEDGED
#define CANCELLED    FERRY_JOB_STATE_CANCELLED

/* A row for each event, a column for each state, in the order of the enumerations. The columns:
 * queued, connecting, transferring, suspended, error, transient-error, transferred, acknowledged,
 * cancelled.
 *
 * What is not obvious:
 * - Resume of a running job is no change. Resume of a transferred one is for files that were added since
 *   (BITS 3.2); the caller does not send it when there are none.
 * - YIELD of a job in transient-error can happen when ferryd stops: it is no change.
 * - FAIL_TRANSIENT of a transferred job: its publication, which nobody asked for but AutoComplete.
 * - FINISH can find a job suspended or in error: the last byte may come in while the order to stop is
 *   on its way, and SetFileValid (true) or RemoveFile of the one bad file leave only good ones.
 */
static const gint8 table[FERRY_N_JOB_EVENTS][FERRY_N_JOB_STATES] = {
  /* clang-format off */
  [FERRY_JOB_EVENT_RESUME] = {
    QUEUED, CONNECTING, TRANSFERRING, QUEUED, QUEUED, QUEUED, QUEUED, NO, NO },
  [FERRY_JOB_EVENT_SUSPEND] = {
    SUSPENDED, SUSPENDED, SUSPENDED, SUSPENDED, SUSPENDED, SUSPENDED, SUSPENDED, NO, NO },
  [FERRY_JOB_EVENT_START] = {
    CONNECTING, NO, NO, NO, NO, NO, NO, NO, NO },
  [FERRY_JOB_EVENT_CONNECTED] = {
    NO, TRANSFERRING, TRANSFERRING, NO, NO, NO, NO, NO, NO },
  [FERRY_JOB_EVENT_YIELD] = {
    QUEUED, QUEUED, QUEUED, SUSPENDED, ERROR, TRANSIENT, TRANSFERRED, NO, NO },
  [FERRY_JOB_EVENT_FAIL_TRANSIENT] = {
    TRANSIENT, TRANSIENT, TRANSIENT, NO, NO, TRANSIENT, TRANSIENT, NO, NO },
  [FERRY_JOB_EVENT_RETRY] = {
    QUEUED, NO, NO, NO, NO, QUEUED, NO, NO, NO },
  [FERRY_JOB_EVENT_FAIL] = {
    ERROR, ERROR, ERROR, ERROR, ERROR, ERROR, ERROR, NO, NO },
  [FERRY_JOB_EVENT_FINISH] = {
    TRANSFERRED, TRANSFERRED, TRANSFERRED, TRANSFERRED, TRANSFERRED, TRANSFERRED, TRANSFERRED,
    NO, NO },
  [FERRY_JOB_EVENT_COMPLETE] = {
    ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED,
    ACKNOWLEDGED, NO, NO },
  [FERRY_JOB_EVENT_CANCEL] = {
    CANCELLED, CANCELLED, CANCELLED, CANCELLED, CANCELLED, CANCELLED, CANCELLED, NO, NO },
  /* clang-format on */
};

gboolean
ferry_job_state_next (FerryJobState state, FerryJobEvent event, FerryJobState *next)
{
  gint8 cell;

  g_return_val_if_fail ((guint) state < FERRY_N_JOB_STATES, FALSE);
  g_return_val_if_fail ((guint) event < FERRY_N_JOB_EVENTS, FALSE);

  cell = table[event][state];
  if (cell == NO)
    return FALSE;

  *next = cell;
  return TRUE;
}

gboolean
ferry_job_state_is_final (FerryJobState state)
{
  return state == ACKNOWLEDGED || state == CANCELLED;
}

gboolean
ferry_job_state_is_active (FerryJobState state)
{
  return state == CONNECTING || state == TRANSFERRING;
}
