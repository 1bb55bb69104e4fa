/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-pulse.h"

static const WorkerTimes times = { .connect = 3, .stall = 10, .answer = 20 };

#define SECONDS(n) ((n) *G_USEC_PER_SEC)

static void
test_answer (void)
{
  WorkerPulse pulse = { 0 };
  gint64 now = g_get_monotonic_time ();

  g_assert_null (worker_pulse_check (&pulse, &times, now + SECONDS (1000)));
  worker_pulse_begin_answer (&pulse);
  now = pulse.answer_since;
  g_assert_null (worker_pulse_check (&pulse, &times, now + SECONDS (20) - 1));
  g_assert_nonnull (worker_pulse_check (&pulse, &times, now + SECONDS (20)));
  worker_pulse_end_answer (&pulse);
  g_assert_null (worker_pulse_check (&pulse, &times, now + SECONDS (1000)));
}

static void
test_body (void)
{
  WorkerPulse pulse = { 0 };
  gint64 now = SECONDS (100);

  worker_pulse_begin_read (&pulse);
  g_assert_null (worker_pulse_check (&pulse, &times, now));
  g_assert_null (worker_pulse_check (&pulse, &times, now + SECONDS (10) - 1));
  g_assert_nonnull (worker_pulse_check (&pulse, &times, now + SECONDS (10)));

  /* A byte now and then does not help; enough of them do. */
  for (guint i = 1; i < WORKER_PULSE_LEAST; i++)
    {
      worker_pulse_end_read (&pulse, 1);
      worker_pulse_begin_read (&pulse);
    }
  g_assert_nonnull (worker_pulse_check (&pulse, &times, now + SECONDS (10)));
  worker_pulse_end_read (&pulse, 1);
  worker_pulse_begin_read (&pulse);
  g_assert_null (worker_pulse_check (&pulse, &times, now + SECONDS (10)));
  g_assert_null (worker_pulse_check (&pulse, &times, now + SECONDS (20) - 1));
  g_assert_nonnull (worker_pulse_check (&pulse, &times, now + SECONDS (20)));
}

static void
test_sending (void)
{
  WorkerPulse pulse = { 0 };
  gint64 now = SECONDS (100);

  worker_pulse_begin_write (&pulse);
  g_assert_null (worker_pulse_check (&pulse, &times, now));
  worker_pulse_note_write (&pulse, WORKER_PULSE_LEAST - 1);
  g_assert_cmpstr (worker_pulse_check (&pulse, &times, now + SECONDS (10)), ==,
                   "The server takes next to nothing");
  worker_pulse_note_write (&pulse, 1);
  g_assert_null (worker_pulse_check (&pulse, &times, now + SECONDS (10)));
  worker_pulse_end_write (&pulse);
  g_assert_null (worker_pulse_check (&pulse, &times, now + SECONDS (1000)));
}

/* While we are busy with our disk the server waits for us. */
static void
test_own_time (void)
{
  WorkerPulse pulse = { 0 };
  gint64 now = SECONDS (100);

  worker_pulse_begin_read (&pulse);
  g_assert_null (worker_pulse_check (&pulse, &times, now));
  worker_pulse_end_read (&pulse, 10);
  g_assert_null (worker_pulse_check (&pulse, &times, now + SECONDS (1000)));
  worker_pulse_begin_read (&pulse);
  g_assert_null (worker_pulse_check (&pulse, &times, now + SECONDS (1001)));
  g_assert_null (worker_pulse_check (&pulse, &times, now + SECONDS (1011) - 1));
  g_assert_nonnull (worker_pulse_check (&pulse, &times, now + SECONDS (1011)));
  worker_pulse_end_read (&pulse, -1);
  g_assert_cmpuint (pulse.moved, ==, 10);
}

static void
test_default (void)
{
  WorkerTimes found = worker_times_default ();

  g_assert_cmpuint (found.connect, ==, 30);
  g_assert_cmpuint (found.stall, ==, 60);
  g_assert_cmpuint (found.answer, >, found.connect + found.stall);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-pulse/answer", test_answer);
  g_test_add_func ("/worker-pulse/body", test_body);
  g_test_add_func ("/worker-pulse/sending", test_sending);
  g_test_add_func ("/worker-pulse/own-time", test_own_time);
  g_test_add_func ("/worker-pulse/default", test_default);
  return g_test_run ();
}
