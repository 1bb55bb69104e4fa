/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state table against BITS 3.2, written out a second time: every cell. */

#include "ferry-job-state.h"

#include <string.h>

/* One letter a state, in the order of the enumeration; "-" = cannot happen. */
static const char letters[] = "QCTSEXDAK";

static const struct
{
  FerryJobEvent event;
  const char *row;
} expected[] = {
  { FERRY_JOB_EVENT_RESUME, "QCTQQQQ--" }, { FERRY_JOB_EVENT_SUSPEND, "SSSSSSS--" },
  { FERRY_JOB_EVENT_START, "C--------" },  { FERRY_JOB_EVENT_CONNECTED, "-TT------" },
  { FERRY_JOB_EVENT_YIELD, "QQQSEXD--" },  { FERRY_JOB_EVENT_FAIL_TRANSIENT, "XXX--XX--" },
  { FERRY_JOB_EVENT_RETRY, "Q----Q---" },  { FERRY_JOB_EVENT_FAIL, "EEEEEEE--" },
  { FERRY_JOB_EVENT_FINISH, "DDDDDDD--" }, { FERRY_JOB_EVENT_COMPLETE, "AAAAAAA--" },
  { FERRY_JOB_EVENT_CANCEL, "KKKKKKK--" },
};

G_STATIC_ASSERT (G_N_ELEMENTS (expected) == FERRY_N_JOB_EVENTS);

static void
test_table (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_assert_cmpint (strlen (expected[i].row), ==, FERRY_N_JOB_STATES);
      for (guint state = 0; state < FERRY_N_JOB_STATES; state++)
        {
          FerryJobState next = 99;
          gboolean possible = ferry_job_state_next (state, expected[i].event, &next);
          char got = possible ? letters[next] : '-';

          if (!possible)
            g_assert_cmpint (next, ==, 99);
          if (got != expected[i].row[state])
            g_error ("Event %u in state %s gives %c, expected %c", expected[i].event,
                     ferry_job_state_to_string (state), got, expected[i].row[state]);
        }
    }
}

static void
test_final_states_are_never_left (void)
{
  for (guint event = 0; event < FERRY_N_JOB_EVENTS; event++)
    {
      FerryJobState next;

      g_assert_false (ferry_job_state_next (FERRY_JOB_STATE_ACKNOWLEDGED, event, &next));
      g_assert_false (ferry_job_state_next (FERRY_JOB_STATE_CANCELLED, event, &next));
    }
}

static void
test_owner_may_always (void)
{
  const FerryJobEvent orders[] = { FERRY_JOB_EVENT_SUSPEND, FERRY_JOB_EVENT_RESUME,
                                   FERRY_JOB_EVENT_CANCEL, FERRY_JOB_EVENT_COMPLETE };

  for (guint state = 0; state < FERRY_N_JOB_STATES; state++)
    for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
      {
        FerryJobState next;

        g_assert_cmpint (ferry_job_state_next (state, orders[i], &next), ==,
                         !ferry_job_state_is_final (state));
      }
}

static void
test_classes (void)
{
  for (guint state = 0; state < FERRY_N_JOB_STATES; state++)
    {
      g_assert_cmpint (ferry_job_state_is_final (state), ==, strchr ("AK", letters[state]) != NULL);
      g_assert_cmpint (ferry_job_state_is_active (state), ==,
                       strchr ("CT", letters[state]) != NULL);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/job-state/table", test_table);
  g_test_add_func ("/job-state/final", test_final_states_are_never_left);
  g_test_add_func ("/job-state/owner", test_owner_may_always);
  g_test_add_func ("/job-state/classes", test_classes);
  return g_test_run ();
}
