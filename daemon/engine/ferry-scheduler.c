/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-scheduler.h"

/* What one user has got while a plan is made. */
typedef struct
{
  guint32 owner;
  guint foreground;
  guint background;
  gint64 served;  /* µs; who was served least goes first */
  gboolean keeps; /* has a job within its slice that is not chosen yet */
} Share;

static gint64
get_slice (const FerryCandidate *candidate)
{
  return MAX (candidate->slice, FERRY_TIME_SLICE);
}

static gboolean
in_slice (const FerryCandidate *candidate, gint64 now)
{
  return candidate->running && now < candidate->turn_start + get_slice (candidate);
}

/* Jobs of one user: which one first? */
static gboolean
goes_before (const FerryCandidate *a, const FerryCandidate *b, gint64 now)
{
  gboolean a_keeps = in_slice (a, now);
  gboolean b_keeps = in_slice (b, now);
  gboolean a_holds = a_keeps && a->fragile;
  gboolean b_holds = b_keeps && b->fragile;

  if (a_holds != b_holds)
    return a_holds;
  if (a->priority != b->priority)
    return a->priority < b->priority;
  if (a_keeps != b_keeps)
    return a_keeps;
  /* A slice that is over counts as a turn that ended just now. */
  if (a->running != b->running)
    return b->running;
  if (a->last_turn != b->last_turn)
    return a->last_turn < b->last_turn;
  return a->order < b->order;
}

static Share *
get_share (GHashTable *shares, guint32 owner)
{
  Share *share = g_hash_table_lookup (shares, GUINT_TO_POINTER (owner));

  if (share == NULL)
    {
      share = g_new0 (Share, 1);
      share->owner = owner;
      g_hash_table_insert (shares, GUINT_TO_POINTER (owner), share);
    }
  return share;
}

/* The best job of @owner that is not chosen yet, foreground ones or the others. */
static FerryCandidate *
find_best (GArray *candidates, guint32 owner, gboolean foreground, gint64 now)
{
  FerryCandidate *best = NULL;

  for (guint i = 0; i < candidates->len; i++)
    {
      FerryCandidate *candidate = &g_array_index (candidates, FerryCandidate, i);

      if (candidate->chosen || candidate->owner != owner ||
          (candidate->priority == FERRY_PRIORITY_FOREGROUND) != foreground)
        continue;
      if (best == NULL || goes_before (candidate, best, now))
        best = candidate;
    }

  return best;
}

static gboolean
share_goes_before (const Share *a, const Share *b)
{
  if (a->background != b->background)
    return a->background < b->background;
  /* Among equals who runs within his slice stays, so that nobody is stopped for a tie; a user without
   * any slot wins over a second slot by the rule above. */
  if (a->keeps != b->keeps)
    return a->keeps;
  if (a->served != b->served)
    return a->served < b->served;
  return a->owner < b->owner;
}

static void
choose_foreground (GArray *candidates, GHashTable *shares, gint64 now)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, shares);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Share *share = value;
      FerryCandidate *best;

      while (share->foreground < FERRY_MAX_FOREGROUND_JOBS &&
             (best = find_best (candidates, share->owner, TRUE, now)) != NULL)
        {
          best->chosen = TRUE;
          share->foreground++;
        }
    }
}

/* @newcomers: only for users who have none */
static gboolean
choose_background (GArray *candidates, GHashTable *shares, gboolean newcomers, gint64 now)
{
  FerryCandidate *chosen = NULL;
  Share *chosen_share = NULL;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, shares);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Share *share = value;
      FerryCandidate *best = find_best (candidates, share->owner, FALSE, now);

      if (best == NULL || (newcomers && share->background > 0))
        continue;
      share->keeps = in_slice (best, now);
      if (chosen == NULL || share_goes_before (share, chosen_share))
        {
          chosen = best;
          chosen_share = share;
        }
    }

  if (chosen == NULL)
    return FALSE;

  chosen->chosen = TRUE;
  chosen_share->background++;
  return TRUE;
}

/* Those that run on in any case come first. Returns: how many slots they take */
static guint
keep_overdue (GArray *candidates, GHashTable *shares)
{
  guint taken = 0;

  for (guint i = 0; i < candidates->len; i++)
    {
      FerryCandidate *candidate = &g_array_index (candidates, FerryCandidate, i);
      Share *share = get_share (shares, candidate->owner);

      candidate->chosen = candidate->overdue;
      share->served = candidate->served;
      if (!candidate->overdue)
        continue;
      if (candidate->priority == FERRY_PRIORITY_FOREGROUND)
        {
          share->foreground++;
        }
      else
        {
          share->background++;
          taken++;
        }
    }

  return taken;
}

static void
choose (GArray *candidates, guint slots, gint64 now)
{
  g_autoptr (GHashTable) shares = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  guint overdue = keep_overdue (candidates, shares);
  guint extra = overdue <= slots ? overdue : 2 * slots - MIN (overdue, 2 * slots);

  choose_foreground (candidates, shares, now);
  for (guint i = overdue; i < slots; i++)
    {
      if (!choose_background (candidates, shares, FALSE, now))
        break;
    }
  /* Who came in this way may be bound himself by now. */
  for (guint i = 0; i < extra; i++)
    {
      if (!choose_background (candidates, shares, TRUE, now))
        break;
    }
}

/* Returns: whether there are more now that would have to stop, were they not bound */
static gboolean
find_overdue (GArray *candidates)
{
  gboolean any = FALSE;

  for (guint i = 0; i < candidates->len; i++)
    {
      FerryCandidate *candidate = &g_array_index (candidates, FerryCandidate, i);

      if (candidate->running && candidate->bound && !candidate->chosen)
        candidate->overdue = any = TRUE;
    }

  return any;
}

gint64
ferry_scheduler_plan (GArray *candidates, guint slots, gint64 now)
{
  gboolean somebody_waits = FALSE;
  gint64 next = 0;

  for (guint i = 0; i < candidates->len; i++)
    g_array_index (candidates, FerryCandidate, i).overdue = FALSE;
  /* Each round keeps some that were not chosen, for which others may have to go. */
  do
    choose (candidates, slots, now);
  while (find_overdue (candidates));

  for (guint i = 0; i < candidates->len; i++)
    {
      const FerryCandidate *candidate = &g_array_index (candidates, FerryCandidate, i);

      somebody_waits |= !candidate->chosen;
    }
  for (guint i = 0; somebody_waits && i < candidates->len; i++)
    {
      const FerryCandidate *candidate = &g_array_index (candidates, FerryCandidate, i);
      gint64 start = candidate->running ? candidate->turn_start : now;
      gint64 end = start + get_slice (candidate);

      /* A slice that is over but was given again is planned anew a slice later. */
      if (end <= now)
        end = now + FERRY_TIME_SLICE;
      if (candidate->chosen && (next == 0 || end < next))
        next = end;
    }

  return next;
}
