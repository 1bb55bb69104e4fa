/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-meter.h"

static void
test_waiting_does_not_count (void)
{
  FerryMeter meter = { 0 };

  ferry_meter_update (&meter, FERRY_JOB_STATE_SUSPENDED, 0, FALSE, 100);
  ferry_meter_update (&meter, FERRY_JOB_STATE_QUEUED, 0, FALSE, 101);
  /* Nothing is heard of a job that waits; then it has its turn. */
  ferry_meter_update (&meter, FERRY_JOB_STATE_CONNECTING, 0, FALSE, 600);
  g_assert_cmpint (meter.start, ==, 600);
  ferry_meter_update (&meter, FERRY_JOB_STATE_TRANSFERRING, 10, FALSE, 700);
  ferry_meter_update (&meter, FERRY_JOB_STATE_TRANSIENT_ERROR, 20, FALSE, 800);
  ferry_meter_update (&meter, FERRY_JOB_STATE_QUEUED, 20, FALSE, 801);
  ferry_meter_update (&meter, FERRY_JOB_STATE_TRANSFERRING, 20, FALSE, 900);
  g_assert_cmpint (meter.start, ==, 600);
  g_assert_cmpuint (ferry_meter_get_fetched (&meter, 30), ==, 30);
}

/* Somebody is asked for a password meanwhile. */
static void
test_waiting_before_the_first_byte (void)
{
  FerryMeter meter = { 0 };

  ferry_meter_update (&meter, FERRY_JOB_STATE_CONNECTING, 0, FALSE, 100);
  ferry_meter_update (&meter, FERRY_JOB_STATE_TRANSIENT_ERROR, 0, FALSE, 200);
  ferry_meter_update (&meter, FERRY_JOB_STATE_CONNECTING, 0, FALSE, 900);
  ferry_meter_update (&meter, FERRY_JOB_STATE_TRANSFERRING, 0, FALSE, 950);
  ferry_meter_update (&meter, FERRY_JOB_STATE_TRANSFERRING, 5, FALSE, 990);
  g_assert_cmpint (ferry_meter_get_elapsed (&meter, 1000), ==, 100);
}

static void
test_never_seen_to_move (void)
{
  FerryMeter meter = { 0 };

  ferry_meter_update (&meter, FERRY_JOB_STATE_QUEUED, 0, FALSE, 100);
  ferry_meter_update (&meter, FERRY_JOB_STATE_TRANSFERRED, 5, FALSE, 300);
  ferry_meter_update (&meter, FERRY_JOB_STATE_ACKNOWLEDGED, 5, FALSE, 301);
  g_assert_cmpint (meter.start, ==, 100);
  g_assert_cmpuint (ferry_meter_get_fetched (&meter, 5), ==, 5);
}

/* What had ended when it was first looked at took a time that nobody knows. */
static void
test_ended (void)
{
  FerryMeter meter = { 0 };
  FerryMeter awaited = { .start = 50 };

  ferry_meter_update (&meter, FERRY_JOB_STATE_ACKNOWLEDGED, 5, TRUE, 100);
  g_assert_cmpint (ferry_meter_get_elapsed (&meter, 200), ==, -1);
  ferry_meter_update (&awaited, FERRY_JOB_STATE_ACKNOWLEDGED, 5, FALSE, 100);
  g_assert_cmpint (ferry_meter_get_elapsed (&awaited, 200), ==, 150);
}

static void
test_joined (void)
{
  FerryMeter meter = { 0 };

  ferry_meter_update (&meter, FERRY_JOB_STATE_TRANSFERRING, 40, TRUE, 100);
  ferry_meter_update (&meter, FERRY_JOB_STATE_TRANSFERRING, 60, TRUE, 200);
  g_assert_cmpint (meter.start, ==, 100);
  g_assert_cmpuint (ferry_meter_get_fetched (&meter, 60), ==, 20);
  /* It started over, and has less than before. */
  g_assert_cmpuint (ferry_meter_get_fetched (&meter, 30), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/meter/waiting-does-not-count", test_waiting_does_not_count);
  g_test_add_func ("/client/meter/waiting-before-the-first-byte",
                   test_waiting_before_the_first_byte);
  g_test_add_func ("/client/meter/never-seen-to-move", test_never_seen_to_move);
  g_test_add_func ("/client/meter/ended", test_ended);
  g_test_add_func ("/client/meter/joined", test_joined);
  return g_test_run ();
}
