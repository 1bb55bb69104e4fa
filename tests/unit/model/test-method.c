/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-method.h"

#include <string.h>

static void
test_token (void)
{
  static const char *const good[] = { "GET", "m", "M-SEARCH", "!#$%&'*+-.^_`|~9" };
  static const char *const bad[] = { "", " ", "GET ", "A/B", "A:B", "A\tB", "A\"", "é", "A\r\nB" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (ferry_method_is_token (good[i], strlen (good[i])));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (ferry_method_is_token (bad[i], strlen (bad[i])));
  /* No more than was asked about, and no end of a string within it. */
  g_assert_true (ferry_method_is_token ("GET /", 3));
  g_assert_false (ferry_method_is_token ("A\0B", 3));
}

static void
test_idempotent (void)
{
  static const char *const twice[] = { "",    "GET",    "HEAD",     "OPTIONS", "TRACE",
                                       "PUT", "DELETE", "PROPFIND", "REPORT",  "SEARCH" };
  static const char *const once[] = { "POST", "PATCH", "get", "LOCK", "MKCOL", "X" };

  g_assert_true (ferry_method_is_idempotent (NULL));
  for (guint i = 0; i < G_N_ELEMENTS (twice); i++)
    g_assert_true (ferry_method_is_idempotent (twice[i]));
  for (guint i = 0; i < G_N_ELEMENTS (once); i++)
    g_assert_false (ferry_method_is_idempotent (once[i]));
}

static void
test_length (void)
{
  g_assert_true (ferry_method_wants_length ("POST"));
  g_assert_true (ferry_method_wants_length ("PROPFIND"));
  g_assert_false (ferry_method_wants_length ("GET"));
  g_assert_false (ferry_method_wants_length ("DELETE"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/method/token", test_token);
  g_test_add_func ("/method/idempotent", test_idempotent);
  g_test_add_func ("/method/length", test_length);
  return g_test_run ();
}
