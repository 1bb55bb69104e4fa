/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-backoff.h"

#define S G_USEC_PER_SEC

static void
test_first_three (void)
{
  g_assert_cmpint (ferry_backoff_get_delay (1, 600, 0.99), ==, 1 * S);
  g_assert_cmpint (ferry_backoff_get_delay (2, 600, 0.99), ==, 5 * S);
  g_assert_cmpint (ferry_backoff_get_delay (3, 600, 0.99), ==, 30 * S);
}

static void
test_never_later_than_the_job_says (void)
{
  g_assert_cmpint (ferry_backoff_get_delay (3, 5, 0), ==, 5 * S);
}

static void
test_exponential (void)
{
  g_assert_cmpint (ferry_backoff_get_delay (4, 600, 0), ==, 600 * S);
  g_assert_cmpint (ferry_backoff_get_delay (5, 600, 0), ==, 1200 * S);
  g_assert_cmpint (ferry_backoff_get_delay (6, 600, 0), ==, 2400 * (gint64) S);
  g_assert_cmpint (ferry_backoff_get_delay (7, 600, 0), ==, 2400 * (gint64) S);
  g_assert_cmpint (ferry_backoff_get_delay (1000000, 600, 0), ==, 2400 * (gint64) S);
}

static void
test_jitter (void)
{
  g_assert_cmpint (ferry_backoff_get_delay (4, 600, 0.5), ==, 675 * S);
  /* Never above four times the minimum. */
  g_assert_cmpint (ferry_backoff_get_delay (9, 600, 0.999), ==, 2400 * (gint64) S);
}

static void
test_huge_minimum (void)
{
  g_assert_cmpint (ferry_backoff_get_delay (9, G_MAXUINT32, 0.999), ==,
                   (gint64) G_MAXUINT32 * 4 * S);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/backoff/first-three", test_first_three);
  g_test_add_func ("/backoff/minimum", test_never_later_than_the_job_says);
  g_test_add_func ("/backoff/exponential", test_exponential);
  g_test_add_func ("/backoff/jitter", test_jitter);
  g_test_add_func ("/backoff/huge", test_huge_minimum);
  return g_test_run ();
}
