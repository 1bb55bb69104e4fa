/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-scheduler.h"

#define NOW   (1000 * (gint64) G_USEC_PER_SEC)
#define SLICE FERRY_TIME_SLICE

static GArray *
new_jobs (void)
{
  return g_array_new (FALSE, TRUE, sizeof (FerryCandidate));
}

static void
add (GArray *jobs, guint32 owner, FerryPriority priority)
{
  FerryCandidate candidate = { .owner = owner, .priority = priority, .order = jobs->len };

  g_array_append_val (jobs, candidate);
}

static void
add_running (GArray *jobs, guint32 owner, FerryPriority priority, gint64 since)
{
  FerryCandidate candidate = { .owner = owner,
                               .priority = priority,
                               .order = jobs->len,
                               .running = TRUE,
                               .turn_start = NOW - since };

  g_array_append_val (jobs, candidate);
}

/* "10" = the first runs, the second does not */
static void
check (GArray *jobs, guint slots, const char *expected)
{
  g_autoptr (GString) got = g_string_new (NULL);

  ferry_scheduler_plan (jobs, slots, NOW);
  for (guint i = 0; i < jobs->len; i++)
    g_string_append_c (got, g_array_index (jobs, FerryCandidate, i).chosen ? '1' : '0');
  g_assert_cmpstr (got->str, ==, expected);
}

static void
test_oldest_first (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  for (guint i = 0; i < 4; i++)
    add (jobs, 1, FERRY_PRIORITY_NORMAL);
  check (jobs, 2, "1100");
}

static void
test_priority (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add (jobs, 1, FERRY_PRIORITY_LOW);
  add (jobs, 1, FERRY_PRIORITY_NORMAL);
  add (jobs, 1, FERRY_PRIORITY_HIGH);
  check (jobs, 1, "001");
  check (jobs, 2, "011");
}

static void
test_users_share (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  for (guint i = 0; i < 6; i++)
    add (jobs, 1, FERRY_PRIORITY_HIGH);
  add (jobs, 2, FERRY_PRIORITY_LOW);
  /* However urgent one user says his jobs are, the other has his share. */
  check (jobs, 4, "1110001");
  check (jobs, 2, "1000001");
}

static void
test_newcomer_displaces (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  for (guint i = 0; i < 4; i++)
    add_running (jobs, 1, FERRY_PRIORITY_NORMAL, 5 * G_USEC_PER_SEC + i);
  add (jobs, 2, FERRY_PRIORITY_NORMAL);
  check (jobs, 4, "11101");
}

static void
test_foreground (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  for (guint i = 0; i < 6; i++)
    add (jobs, 1, FERRY_PRIORITY_FOREGROUND);
  add (jobs, 2, FERRY_PRIORITY_FOREGROUND);
  add (jobs, 1, FERRY_PRIORITY_LOW);
  /* Four of a user at a time, beside the slots of the background. */
  check (jobs, 1, "11110011");
  check (jobs, 0, "11110010");
}

static void
test_higher_priority_preempts (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_running (jobs, 1, FERRY_PRIORITY_LOW, G_USEC_PER_SEC);
  add (jobs, 1, FERRY_PRIORITY_HIGH);
  check (jobs, 1, "01");
}

static void
test_slice (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_running (jobs, 1, FERRY_PRIORITY_NORMAL, SLICE - 1);
  add (jobs, 1, FERRY_PRIORITY_NORMAL);
  check (jobs, 1, "10");
  g_array_index (jobs, FerryCandidate, 0).turn_start--;
  check (jobs, 1, "01");
}

static void
test_slice_between_users (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_running (jobs, 1, FERRY_PRIORITY_NORMAL, SLICE - 1);
  add (jobs, 2, FERRY_PRIORITY_HIGH);
  check (jobs, 1, "10");
  g_array_index (jobs, FerryCandidate, 0).turn_start--;
  g_array_index (jobs, FerryCandidate, 0).served = SLICE;
  check (jobs, 1, "01");
}

static void
test_nobody_waits (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_running (jobs, 1, FERRY_PRIORITY_NORMAL, 10 * SLICE);
  check (jobs, 1, "1");
  g_assert_cmpint (ferry_scheduler_plan (jobs, 1, NOW), ==, 0);
}

static void
test_when_to_plan_again (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_running (jobs, 1, FERRY_PRIORITY_NORMAL, SLICE / 2);
  add (jobs, 1, FERRY_PRIORITY_NORMAL);
  g_assert_cmpint (ferry_scheduler_plan (jobs, 1, NOW), ==, NOW + SLICE / 2);
}

static void
add_fragile (GArray *jobs, guint32 owner, FerryPriority priority, gint64 since, gint64 slice)
{
  FerryCandidate *candidate;

  add_running (jobs, owner, priority, since);
  candidate = &g_array_index (jobs, FerryCandidate, jobs->len - 1);
  candidate->fragile = TRUE;
  candidate->slice = slice;
}

static void
test_long_slice (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_fragile (jobs, 1, FERRY_PRIORITY_NORMAL, 3 * SLICE, 4 * SLICE);
  add (jobs, 1, FERRY_PRIORITY_NORMAL);
  check (jobs, 1, "10");
  g_assert_cmpint (ferry_scheduler_plan (jobs, 1, NOW), ==, NOW + SLICE);
  g_array_index (jobs, FerryCandidate, 0).turn_start = NOW - 4 * SLICE;
  check (jobs, 1, "01");
  /* None is shorter than usual. */
  g_array_index (jobs, FerryCandidate, 0).turn_start = NOW - SLICE + 1;
  g_array_index (jobs, FerryCandidate, 0).slice = 1;
  check (jobs, 1, "10");
}

static void
test_fragile (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_fragile (jobs, 1, FERRY_PRIORITY_LOW, SLICE - 1, 0);
  add (jobs, 1, FERRY_PRIORITY_HIGH);
  check (jobs, 1, "10");
  g_array_index (jobs, FerryCandidate, 0).turn_start--;
  check (jobs, 1, "01");
}

/* Its owner's other jobs make room for another user, not it; but two of them are a share too many. */
static void
test_fragile_between_users (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_running (jobs, 1, FERRY_PRIORITY_HIGH, 1);
  add_fragile (jobs, 1, FERRY_PRIORITY_LOW, 1, 0);
  add (jobs, 2, FERRY_PRIORITY_NORMAL);
  check (jobs, 2, "011");
  g_array_index (jobs, FerryCandidate, 0).fragile = TRUE;
  check (jobs, 2, "101");
}

static void
add_bound (GArray *jobs, guint32 owner, FerryPriority priority, gint64 since)
{
  add_running (jobs, owner, priority, since);
  g_array_index (jobs, FerryCandidate, jobs->len - 1).bound = TRUE;
}

/* "10" = the first runs only because it must */
static void
check_overdue (GArray *jobs, const char *expected)
{
  g_autoptr (GString) got = g_string_new (NULL);

  for (guint i = 0; i < jobs->len; i++)
    g_string_append_c (got, g_array_index (jobs, FerryCandidate, i).overdue ? '1' : '0');
  g_assert_cmpstr (got->str, ==, expected);
}

/* Neither a higher priority nor the end of its slice takes its slot, nor is that one more. */
static void
test_bound (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_bound (jobs, 1, FERRY_PRIORITY_LOW, 5 * SLICE);
  add (jobs, 1, FERRY_PRIORITY_HIGH);
  check (jobs, 1, "10");
  check_overdue (jobs, "10");
  g_assert_cmpint (ferry_scheduler_plan (jobs, 1, NOW), ==, NOW + SLICE);
  check (jobs, 2, "11");
  check_overdue (jobs, "00");
  g_array_index (jobs, FerryCandidate, 0).running = FALSE;
  check (jobs, 1, "01");
}

/* One that was chosen does not fall out because another one stays. */
static void
test_bound_together (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_bound (jobs, 1, FERRY_PRIORITY_LOW, 5 * SLICE);
  add_bound (jobs, 1, FERRY_PRIORITY_NORMAL, 5 * SLICE);
  add (jobs, 1, FERRY_PRIORITY_HIGH);
  check (jobs, 2, "110");
  check_overdue (jobs, "110");
}

/* A user is not without a slot because another one's cannot stop; but he has no second one for it. */
static void
test_bound_between_users (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_bound (jobs, 1, FERRY_PRIORITY_HIGH, SLICE);
  add_bound (jobs, 1, FERRY_PRIORITY_HIGH, SLICE);
  add (jobs, 1, FERRY_PRIORITY_HIGH);
  add (jobs, 2, FERRY_PRIORITY_LOW);
  add (jobs, 2, FERRY_PRIORITY_LOW);
  check (jobs, 2, "11010");
}

/* Who came in beside what cannot stop may not be able to stop either: it ends at twice the slots. */
static void
test_bound_newcomers (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  for (guint i = 0; i < 4; i++)
    add_bound (jobs, 1, FERRY_PRIORITY_NORMAL, 5 * SLICE);
  for (guint user = 2; user < 12; user++)
    {
      guint running = 0;

      add (jobs, user, FERRY_PRIORITY_NORMAL);
      ferry_scheduler_plan (jobs, 4, NOW);
      for (guint i = 0; i < jobs->len; i++)
        {
          FerryCandidate *job = &g_array_index (jobs, FerryCandidate, i);

          g_assert_true (job->chosen || !job->running);
          if (job->chosen && !job->running)
            job->turn_start = NOW - 5 * SLICE;
          job->running = job->bound = job->chosen;
          job->served = job->running ? SLICE : 0;
          running += job->running;
        }
      g_assert_cmpuint (running, ==, MIN (4 + user - 1, 8));
    }

  /* Who waited has his turn when the first is done, and with fewer slots nobody has. */
  g_array_remove_index (jobs, 0);
  check (jobs, 3, "1111111000000");
  check (jobs, 4, "1111111100000");
}

static void
test_bound_foreground (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  for (guint i = 0; i < FERRY_MAX_FOREGROUND_JOBS; i++)
    add_bound (jobs, 1, FERRY_PRIORITY_FOREGROUND, 5 * SLICE);
  add (jobs, 1, FERRY_PRIORITY_FOREGROUND);
  add (jobs, 1, FERRY_PRIORITY_LOW);
  check (jobs, 1, "111101");
}

/* The largest slice there can be is a time still. */
static void
test_largest_slice (void)
{
  g_autoptr (GArray) jobs = new_jobs ();

  add_fragile (jobs, 1, FERRY_PRIORITY_NORMAL, 20 * SLICE, G_MAXINT64 / 4);
  add (jobs, 1, FERRY_PRIORITY_NORMAL);
  check (jobs, 1, "10");
  g_assert_cmpint (ferry_scheduler_plan (jobs, 1, NOW), >, NOW);
}

/* A simulated hour: three users with very different queues; each gets his share, each job its turns. */
static void
test_nobody_starves (void)
{
  g_autoptr (GArray) jobs = new_jobs ();
  gint64 served[4] = { 0 };
  gint64 job_served[43] = { 0 };

  for (guint i = 0; i < 40; i++)
    add (jobs, 1, FERRY_PRIORITY_HIGH);
  add (jobs, 2, FERRY_PRIORITY_LOW);
  add (jobs, 3, FERRY_PRIORITY_NORMAL);
  add (jobs, 3, FERRY_PRIORITY_NORMAL);

  for (gint64 now = NOW; now < NOW + 3600 * (gint64) G_USEC_PER_SEC; now += G_USEC_PER_SEC)
    {
      for (guint i = 0; i < jobs->len; i++)
        {
          FerryCandidate *job = &g_array_index (jobs, FerryCandidate, i);

          job->served = served[job->owner] * G_USEC_PER_SEC;
        }
      ferry_scheduler_plan (jobs, 2, now);
      for (guint i = 0; i < jobs->len; i++)
        {
          FerryCandidate *job = &g_array_index (jobs, FerryCandidate, i);

          if (job->running && !job->chosen)
            job->last_turn = now;
          if (!job->running && job->chosen)
            job->turn_start = now;
          job->running = job->chosen;
          served[job->owner] += job->running;
          job_served[i] += job->running;
        }
    }

  /* Two slots for an hour among three: 2400 s each, give or take a slice. */
  for (guint user = 1; user <= 3; user++)
    g_assert_cmpint (ABS (served[user] - 2400), <=, 60);
  for (guint i = 0; i < jobs->len; i++)
    g_assert_cmpint (job_served[i], >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scheduler/oldest-first", test_oldest_first);
  g_test_add_func ("/scheduler/priority", test_priority);
  g_test_add_func ("/scheduler/users-share", test_users_share);
  g_test_add_func ("/scheduler/newcomer", test_newcomer_displaces);
  g_test_add_func ("/scheduler/foreground", test_foreground);
  g_test_add_func ("/scheduler/pre-emption", test_higher_priority_preempts);
  g_test_add_func ("/scheduler/slice", test_slice);
  g_test_add_func ("/scheduler/slice-users", test_slice_between_users);
  g_test_add_func ("/scheduler/nobody-waits", test_nobody_waits);
  g_test_add_func ("/scheduler/again", test_when_to_plan_again);
  g_test_add_func ("/scheduler/long-slice", test_long_slice);
  g_test_add_func ("/scheduler/fragile", test_fragile);
  g_test_add_func ("/scheduler/fragile-users", test_fragile_between_users);
  g_test_add_func ("/scheduler/bound", test_bound);
  g_test_add_func ("/scheduler/bound-together", test_bound_together);
  g_test_add_func ("/scheduler/bound-users", test_bound_between_users);
  g_test_add_func ("/scheduler/bound-newcomers", test_bound_newcomers);
  g_test_add_func ("/scheduler/bound-foreground", test_bound_foreground);
  g_test_add_func ("/scheduler/largest-slice", test_largest_slice);
  g_test_add_func ("/scheduler/starvation", test_nobody_starves);
  return g_test_run ();
}
