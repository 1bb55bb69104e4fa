/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-text.h"

#include <string.h>

static void
check (const char *text, gsize max, const char *expected)
{
  g_autofree char *clean = ferry_text_clean (text, max);

  g_assert_cmpstr (clean, ==, expected);
}

static void
test_kept (void)
{
  check ("Grüße, 世界 ☃", FERRY_TEXT_MAX, "Grüße, 世界 ☃");
  check ("", FERRY_TEXT_MAX, "");
  check (NULL, FERRY_TEXT_MAX, "");
}

static void
test_replaced (void)
{
  check ("a\033[2Jb", FERRY_TEXT_MAX, "a\357\277\275[2Jb");
  check ("line\nbreak\r\t", FERRY_TEXT_MAX, "line\357\277\275break\357\277\275\357\277\275");
  check ("del\177 c1\302\205", FERRY_TEXT_MAX, "del\357\277\275 c1\357\277\275");
  check ("rtl\342\200\256txt", FERRY_TEXT_MAX, "rtl\357\277\275txt");
  check ("isolate\342\201\246", FERRY_TEXT_MAX, "isolate\357\277\275");
  check ("bad\377utf", FERRY_TEXT_MAX, "bad\357\277\275utf");
}

static void
test_cut_at_a_character (void)
{
  check ("abc", 2, "ab");
  check ("aé", 2, "a");
  check ("aé", 3, "aé");
  /* A replacement is longer than what it replaces and must still fit. */
  check ("ab\001", 4, "ab");
  check ("ab\001", 5, "ab\357\277\275");
}

static void
test_long (void)
{
  g_autofree char *text = g_strnfill (100000, 'x');
  g_autofree char *clean = ferry_text_clean (text, FERRY_TEXT_MAX);

  g_assert_cmpuint (strlen (clean), ==, FERRY_TEXT_MAX);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text/kept", test_kept);
  g_test_add_func ("/text/replaced", test_replaced);
  g_test_add_func ("/text/cut", test_cut_at_a_character);
  g_test_add_func ("/text/long", test_long);
  return g_test_run ();
}
