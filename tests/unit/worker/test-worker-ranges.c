/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-error.h"
#include "ferry-worker-protocol.h"
#include "worker-ranges.h"

#define UNKNOWN FERRY_SIZE_UNKNOWN

/* Takes the ranges as GVariant text. */
static WorkerRanges *
ranges_new (const char *text, GError **error)
{
  g_autoptr (GVariant)
      ranges = text != NULL ? g_variant_parse (G_VARIANT_TYPE ("a(tt)"), text, NULL, NULL, NULL)
                            : NULL;

  g_assert_true (text == NULL || ranges != NULL);
  return worker_ranges_new (ranges, error);
}

#define TWO        "[(10, 5), (100, 20)]"
#define OPEN       "[(10, 5), (100, 18446744073709551615)]"
#define OPEN_FIRST "[(100, 18446744073709551615), (0, 5)]"

static const struct
{
  const char *ranges;
  guint64 position;
  guint64 remote_total;
  gboolean left;
  guint64 start;
  guint64 end;
} finds[] = {
  { NULL, 0, UNKNOWN, TRUE, 0, UNKNOWN },
  { NULL, 0, 100, TRUE, 0, 100 },
  { NULL, 99, 100, TRUE, 99, 100 },
  { NULL, 100, 100, FALSE, 0, 0 },
  { NULL, 0, 0, FALSE, 0, 0 },
  { NULL, 70, UNKNOWN, TRUE, 70, UNKNOWN },
  { "[]", 70, UNKNOWN, TRUE, 70, UNKNOWN },
  { TWO, 0, UNKNOWN, TRUE, 10, 15 },
  { TWO, 4, UNKNOWN, TRUE, 14, 15 },
  { TWO, 5, UNKNOWN, TRUE, 100, 120 },
  { TWO, 24, 1000, TRUE, 119, 120 },
  { TWO, 25, 1000, FALSE, 0, 0 },
  { OPEN, 5, UNKNOWN, TRUE, 100, UNKNOWN },
  { OPEN, 7, 130, TRUE, 102, 130 },
  { OPEN, 35, 130, FALSE, 0, 0 },
  { OPEN_FIRST, 3, UNKNOWN, TRUE, 103, UNKNOWN },
  { OPEN_FIRST, 30, 130, TRUE, 0, 5 },
  { OPEN_FIRST, 35, 130, FALSE, 0, 0 },
  { "[(7, 0), (3, 1)]", 0, UNKNOWN, TRUE, 3, 4 },
  { "[(7, 0)]", 0, UNKNOWN, FALSE, 0, 0 },
};

static void
test_find (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (finds); i++)
    {
      g_autoptr (WorkerRanges) ranges = ranges_new (finds[i].ranges, NULL);
      WorkerPart part = { 0, 0 };

      g_test_message ("%s at %" G_GUINT64_FORMAT, finds[i].ranges, finds[i].position);
      g_assert_cmpint (worker_ranges_find (ranges, finds[i].position, finds[i].remote_total, &part),
                       ==, finds[i].left);
      g_assert_cmpuint (part.start, ==, finds[i].start);
      g_assert_cmpuint (part.end, ==, finds[i].end);
    }
}

static const struct
{
  const char *ranges;
  guint64 remote_total;
  guint64 total;
  gboolean fits; /* only looked at with a known remote total */
} totals[] = {
  { NULL, UNKNOWN, UNKNOWN, TRUE },
  { NULL, 100, 100, TRUE },
  { NULL, 0, 0, TRUE },
  { TWO, UNKNOWN, 25, TRUE },
  { TWO, 120, 25, TRUE },
  { TWO, 119, 25, FALSE },
  { TWO, 50, 25, FALSE },
  { OPEN, UNKNOWN, UNKNOWN, TRUE },
  { OPEN, 130, 35, TRUE },
  { OPEN, 101, 6, TRUE },
  { OPEN, 100, 5, FALSE },
  { OPEN, 14, 5, FALSE },
  { "[(0, 18446744073709551614), (0, 18446744073709551614)]", UNKNOWN, UNKNOWN, TRUE },
};

static void
test_total (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (totals); i++)
    {
      g_autoptr (WorkerRanges) ranges = ranges_new (totals[i].ranges, NULL);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s of %" G_GUINT64_FORMAT, totals[i].ranges, totals[i].remote_total);
      g_assert_cmpuint (worker_ranges_get_total (ranges, totals[i].remote_total), ==,
                        totals[i].total);
      if (totals[i].remote_total == UNKNOWN)
        continue;
      g_assert_cmpint (worker_ranges_check (ranges, totals[i].remote_total, &error), ==,
                       totals[i].fits);
      if (!totals[i].fits)
        g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_RANGE);
    }
}

static void
test_whole (void)
{
  g_autoptr (WorkerRanges) none = ranges_new (NULL, NULL);
  g_autoptr (WorkerRanges) empty = ranges_new ("[]", NULL);
  g_autoptr (WorkerRanges) all = ranges_new ("[(0, 18446744073709551615)]", NULL);
  g_autoptr (WorkerRanges) two = ranges_new (TWO, NULL);
  g_autoptr (WorkerRanges) tail = ranges_new ("[(1, 18446744073709551615)]", NULL);

  g_assert_true (worker_ranges_is_whole (none));
  g_assert_true (worker_ranges_is_whole (empty));
  g_assert_true (worker_ranges_is_whole (all));
  g_assert_false (worker_ranges_is_whole (two));
  g_assert_false (worker_ranges_is_whole (tail));
}

static void
test_overflow (void)
{
  g_autoptr (GError) error = NULL;
  WorkerRanges *ranges = ranges_new ("[(18446744073709551614, 5)]", &error);

  g_assert_null (ranges);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_RANGE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-ranges/find", test_find);
  g_test_add_func ("/worker-ranges/total", test_total);
  g_test_add_func ("/worker-ranges/whole", test_whole);
  g_test_add_func ("/worker-ranges/overflow", test_overflow);
  return g_test_run ();
}
