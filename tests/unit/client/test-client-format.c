/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-format.h"

static void
test_size (void)
{
  static const struct
  {
    guint64 bytes;
    const char *text;
  } rows[] = {
    { 0, "0 B" },
    { 999, "999 B" },
    { 1000, "1.0 kB" },
    { 12345678, "12.3 MB" },
    { 999949, "999.9 kB" },
    /* Never "1000.0 kB". */
    { 999950, "1.0 MB" },
    { 999999, "1.0 MB" },
    { 300000000, "300.0 MB" },
    { G_GUINT64_CONSTANT (1) << 40, "1.1 TB" },
    { G_MAXUINT64 - 1, "18.4 EB" },
    { G_MAXUINT64, "?" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = ferry_format_size (rows[i].bytes);

      g_assert_cmpstr (text, ==, rows[i].text);
    }
}

static void
test_rate (void)
{
  g_autofree char *text = ferry_format_rate (3100000);

  g_assert_cmpstr (text, ==, "3.1 MB/s");
}

static void
test_wrap (void)
{
  g_autoptr (GString) lines = g_string_new (NULL);

  ferry_format_wrap (lines, "one two three-four-five six", 2, 10);
  g_assert_cmpstr (lines->str, ==, "  one two\n  three-four-five\n  six");
}

static void
test_count (void)
{
  g_autofree char *none = ferry_format_count (0, "job");
  g_autofree char *one = ferry_format_count (1, "job");
  g_autofree char *two = ferry_format_count (2, "job");

  g_assert_cmpstr (none, ==, "0 jobs");
  g_assert_cmpstr (one, ==, "1 job");
  g_assert_cmpstr (two, ==, "2 jobs");
}

static void
test_duration (void)
{
  static const struct
  {
    guint64 seconds;
    const char *text;
  } rows[] = {
    { 0, "0:00" },          { 5, "0:05" },         { 65, "1:05" },
    { 3599, "59:59" },      { 3600, "1:00:00" },   { 3723, "1:02:03" },
    { 172799, "47:59:59" }, { 172800, "2 d 0 h" }, { 273600, "3 d 4 h" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = ferry_format_duration (rows[i].seconds);

      g_assert_cmpstr (text, ==, rows[i].text);
    }
}

static void
test_time (void)
{
  g_autofree char *never = ferry_format_date (0);
  g_autofree char *date = ferry_format_date (G_GUINT64_CONSTANT (1803081600000000));
  g_autofree char *time = ferry_format_time (G_GUINT64_CONSTANT (1803081601000000));
  /* No year that a calendar has: no crash, no NULL. */
  g_autofree char *absurd = ferry_format_time (G_MAXUINT64);

  g_assert_cmpstr (never, ==, "never");
  g_assert_cmpstr (date, ==, "2027-02-20");
  g_assert_cmpstr (time, ==, "2027-02-20 00:00:01");
  g_assert_cmpstr (absurd, ==, "never");
}

static void
test_percent (void)
{
  g_assert_cmpint (ferry_format_percent (0, 100), ==, 0);
  g_assert_cmpint (ferry_format_percent (1, 3), ==, 33);
  /* All but one byte is not all. */
  g_assert_cmpint (ferry_format_percent (999999, 1000000), ==, 99);
  g_assert_cmpint (ferry_format_percent (100, 100), ==, 100);
  /* A server may send more than it said. */
  g_assert_cmpint (ferry_format_percent (200, 100), ==, 100);
  g_assert_cmpint (ferry_format_percent (0, 0), ==, 100);
  g_assert_cmpint (ferry_format_percent (5, G_MAXUINT64), ==, -1);
}

static void
test_width (void)
{
  g_assert_cmpuint (ferry_format_width (""), ==, 0);
  g_assert_cmpuint (ferry_format_width ("abc"), ==, 3);
  g_assert_cmpuint (ferry_format_width ("é"), ==, 1);
  /* e and a combining accent. */
  g_assert_cmpuint (ferry_format_width ("e\xcc\x81"), ==, 1);
  g_assert_cmpuint (ferry_format_width ("漢字"), ==, 4);
}

static void
check_fit (char *text, const char *wanted)
{
  g_assert_cmpstr (text, ==, wanted);
  g_free (text);
}

static void
test_ellipsize (void)
{
  check_fit (ferry_format_ellipsize ("short", 5, TRUE), "short");
  check_fit (ferry_format_ellipsize ("abcdefghij", 5, TRUE), "ab…ij");
  check_fit (ferry_format_ellipsize ("abcdefghij", 6, TRUE), "abc…ij");
  check_fit (ferry_format_ellipsize ("abcdefghij", 7, FALSE), "ab...ij");
  check_fit (ferry_format_ellipsize ("abcdefghij", 3, FALSE), "abc");
  check_fit (ferry_format_ellipsize ("abcdefghij", 1, TRUE), "a");
  check_fit (ferry_format_ellipsize ("abcdefghij", 0, TRUE), "");
  /* A wide character is not cut in two. */
  check_fit (ferry_format_ellipsize ("漢字漢字", 5, TRUE), "漢…字");
  check_fit (ferry_format_ellipsize ("漢字漢字", 4, TRUE), "漢…");
  check_fit (ferry_format_cut ("abcdefghij", 5, TRUE), "abcd…");
  check_fit (ferry_format_cut ("abcdefghij", 5, FALSE), "ab...");
  check_fit (ferry_format_cut ("abc", 5, FALSE), "abc");

  for (guint width = 0; width < 20; width++)
    {
      g_autofree char *text = ferry_format_ellipsize ("名前-with-漢字-and-more.tar.gz", width,
                                                      TRUE);
      g_autofree char *ascii = ferry_format_cut ("名前-with-漢字-and-more.tar.gz", width, FALSE);

      g_assert_cmpuint (ferry_format_width (text), <=, width);
      g_assert_cmpuint (ferry_format_width (ascii), <=, width);
    }
}

static void
test_pad (void)
{
  g_autoptr (GString) line = g_string_new (NULL);

  ferry_format_pad (line, "ab", 4, FALSE);
  ferry_format_pad (line, "字", 4, TRUE);
  ferry_format_pad (line, "too long", 2, FALSE);
  g_assert_cmpstr (line->str, ==, "ab    字too long");
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/format/size", test_size);
  g_test_add_func ("/client/format/rate", test_rate);
  g_test_add_func ("/client/format/count", test_count);
  g_test_add_func ("/client/format/wrap", test_wrap);
  g_test_add_func ("/client/format/duration", test_duration);
  g_test_add_func ("/client/format/time", test_time);
  g_test_add_func ("/client/format/percent", test_percent);
  g_test_add_func ("/client/format/width", test_width);
  g_test_add_func ("/client/format/ellipsize", test_ellipsize);
  g_test_add_func ("/client/format/pad", test_pad);
  return g_test_run ();
}
