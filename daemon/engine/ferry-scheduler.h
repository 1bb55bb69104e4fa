/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose turn it is: a pure function. DESIGN section 6. */

#pragma once

#include "ferry-enums.h"

G_BEGIN_DECLS

#define FERRY_TIME_SLICE          (30 * G_USEC_PER_SEC)
#define FERRY_MAX_FOREGROUND_JOBS 4 /* of a user at a time */

/**
 * FerryCandidate:
 * @owner: whose job
 * @priority: its priority
 * @running: whether it has a turn now
 * @turn_start: boot µs of the start of the turn, when @running
 * @slice: µs that its turn lasts, at least FERRY_TIME_SLICE
 * @fragile: what it has got is lost when its turn ends, when @running
 * @bound: what it does must not be stopped, when @running
 * @last_turn: boot µs of the end of its last turn, 0 = never had one
 * @served: µs that background jobs of its owner have run lately, this one's turn included
 * @order: order of creation
 * @job: (unowned): for the caller
 * @chosen: (out): whether it shall run
 * @overdue: (out): it runs on only because it is @bound: its turn is over when that is done
 */
typedef struct
{
  guint32 owner;
  FerryPriority priority;
  gboolean running;
  gint64 turn_start;
  gint64 slice;
  gboolean fragile;
  gboolean bound;
  gint64 last_turn;
  gint64 served;
  guint64 order;
  gpointer job;
  gboolean chosen;
  gboolean overdue;
} FerryCandidate;

/**
 * ferry_scheduler_plan:
 * @candidates: (element-type FerryCandidate): all jobs that could run; their order is changed
 * @slots: how many background jobs may run
 * @now: boot µs
 *
 * Foreground jobs: the first FERRY_MAX_FOREGROUND_JOBS of each user. Background: slots go to users in turn, to the one
 * with the fewest first, then to the one served least; within a user by priority, then to who runs within his time slice, then to who waited longest.
 * A running job within its slice keeps its slot, unless a higher priority of the same user or a user
 * without any slot needs it. A fragile one keeps it against the higher priority too: the turn of that one comes when the
 * slice ends. A bound one keeps it against everybody; users who would have had a turn without it get one beside it, as long
 * as no more than twice @slots run: who comes after that waits until one of them is done.
 *
 * Returns: boot µs when to plan again because a time slice ends that somebody waits for, 0 = not needed
 */
gint64 ferry_scheduler_plan (GArray *candidates, guint slots, gint64 now);

G_END_DECLS
