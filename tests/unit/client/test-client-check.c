/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How what the doctor found is shown. */

#include "ferry-check.h"

#include "ferry-format.h"
#include "ferry-json.h"

static GPtrArray *
make_checks (void)
{
  GPtrArray *checks = ferry_checks_new ();

  ferry_checks_add (checks, "service", FERRY_CHECK_OK, g_strdup ("running"), NULL);
  ferry_checks_add (checks, "units", FERRY_CHECK_NOTE, g_strdup ("there is no systemd"), NULL);
  ferry_checks_add (checks, "network", FERRY_CHECK_PROBLEM,
                    g_strdup ("no route leads out of this machine"), "Connect it; jobs wait.");
  return checks;
}

static void
test_wide (void)
{
  g_autoptr (GPtrArray) checks = make_checks ();
  g_autofree char *text = ferry_checks_render (checks, G_MAXINT, TRUE, FALSE);

  g_assert_cmpuint (ferry_checks_count_problems (checks), ==, 1);
  g_assert_cmpstr (text, ==,
                   "✓ service   running\n"
                   "– units     there is no systemd\n"
                   "✗ network   no route leads out of this machine\n"
                   "            Connect it; jobs wait.\n"
                   "1 problem.\n");
}

static void
test_wrapped (void)
{
  g_autoptr (GPtrArray) checks = make_checks ();
  g_autofree char *text = ferry_checks_render (checks, 40, FALSE, FALSE);

  g_assert_cmpstr (text, ==,
                   "ok service   running\n"
                   "-- units     there is no systemd\n"
                   "!! network   no route leads out of this\n"
                   "             machine\n"
                   "             Connect it; jobs wait.\n"
                   "1 problem.\n");
}

static void
test_narrow (void)
{
  for (guint width = 12; width < 60; width++)
    {
      g_autoptr (GPtrArray) checks = make_checks ();
      g_autofree char *text = ferry_checks_render (checks, width, TRUE, FALSE);
      g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

      for (gsize i = 0; lines[i] != NULL; i++)
        g_assert_cmpuint (ferry_format_width (lines[i]), <=, width);
    }
}

static void
test_colours (void)
{
  g_autoptr (GPtrArray) checks = make_checks ();
  g_autofree char *text = ferry_checks_render (checks, 80, TRUE, TRUE);

  g_assert_true (g_str_has_prefix (text, "\033[32m✓\033[m service   running\n"
                                         "\033[33m–\033[m units "));
}

static void
test_nothing_wrong (void)
{
  g_autoptr (GPtrArray) checks = ferry_checks_new ();
  g_autofree char *text = NULL;

  ferry_checks_add (checks, "jobs", FERRY_CHECK_OK, g_strdup ("none"), NULL);
  text = ferry_checks_render (checks, 80, TRUE, FALSE);
  g_assert_cmpstr (text, ==, "✓ jobs      none\nAll is well.\n");
}

static void
test_json (void)
{
  g_autoptr (GPtrArray) checks = make_checks ();
  JsonNode *node = ferry_checks_to_json (checks);
  g_autofree char *text = ferry_json_to_string (node, FALSE);

  g_assert_cmpstr (
      text, ==,
      "{\"Ok\":false,\"Checks\":["
      "{\"Check\":\"service\",\"Status\":\"ok\",\"Detail\":\"running\",\"Advice\":\"\"},"
      "{\"Check\":\"units\",\"Status\":\"note\",\"Detail\":\"there is no systemd\","
      "\"Advice\":\"\"},"
      "{\"Check\":\"network\",\"Status\":\"problem\",\"Detail\":\"no route leads out of "
      "this machine\",\"Advice\":\"Connect it; jobs wait.\"}]}");
  json_node_unref (node);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/check/wide", test_wide);
  g_test_add_func ("/client/check/wrapped", test_wrapped);
  g_test_add_func ("/client/check/narrow", test_narrow);
  g_test_add_func ("/client/check/colours", test_colours);
  g_test_add_func ("/client/check/nothing-wrong", test_nothing_wrong);
  g_test_add_func ("/client/check/json", test_json);
  return g_test_run ();
}
