/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the doctor makes of what it was told; a line each: "ok version 0.1.0", and the advice behind a bar. */

#include "ferry-judge.h"

#include "ferry-config.h"

static char *
tell (GPtrArray *checks)
{
  static const char *const words[] = { "ok", "note", "problem" };
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < checks->len; i++)
    {
      const FerryCheck *check = g_ptr_array_index (checks, i);

      g_string_append_printf (text, "%s%s %s %s", i > 0 ? "\n" : "", words[check->status],
                              check->name, check->detail);
      /* Where something is wrong, and only there, it says what to do. */
      g_assert_cmpint (check->status == FERRY_CHECK_PROBLEM, ==, *check->advice != '\0');
      if (*check->advice != '\0')
        g_assert_true (g_str_has_suffix (check->advice, "."));
    }
  return g_string_free (text, FALSE);
}

static GVariant *
parse (const char *type, const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = g_variant_parse (G_VARIANT_TYPE (type), text, NULL, NULL, &error);

  g_assert_no_error (error);
  return value;
}

static void
test_version (void)
{
  static const char *const rows[][2] = {
    { FERRY_VERSION, "ok version " FERRY_VERSION },
    { "0.0.9", "problem version the service is 0.0.9, this program " FERRY_VERSION },
    { "\033[m", "problem version the service is \357\277\275[m, this program " FERRY_VERSION },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GPtrArray) checks = ferry_checks_new ();
      g_autofree char *text = NULL;

      ferry_judge_version (checks, rows[i][0]);
      text = tell (checks);
      g_assert_cmpstr (text, ==, rows[i][1]);
    }
}

static void
test_status (void)
{
  static const char *const rows[][2] = {
    { "{'Launcher': <'systemd'>, 'WorkerError': <''>, 'NetworkAvailable': <true>, 'StoreError': "
      "<''>, "
      "'StateDirectory': <'/var/lib/ferry'>, 'StateSpace': <uint64 12300000000>}",
      "ok workers started by systemd\nok network available\nok store 12.3 GB free in "
      "/var/lib/ferry" },
    { "{'Launcher': <'direct'>, 'WorkerError': <'it ended'>, 'NetworkAvailable': <false>, "
      "'StateDirectory': <'/s'>, 'StateSpace': <uint64 63999999>}",
      "problem workers yours failed: it ended\nproblem network no route leads out of this machine\n"
      "problem store only 64.0 MB free in /s" },
    { "{'Launcher': <'direct'>, 'StoreError': <'disk I/O error'>, 'StateDirectory': <'/s'>, "
      "'StateSpace': <uint64 18446744073709551615>}",
      "ok workers started by ferryd itself\nok network available\nproblem store disk I/O error" },
    { "{'Launcher': <'direct'>, 'StateDirectory': <'/s'>, "
      "'StateSpace': <uint64 18446744073709551615>}",
      "ok workers started by ferryd itself\nok network available\nok store /s" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GPtrArray) checks = ferry_checks_new ();
      g_autoptr (GVariant) status = parse ("a{sv}", rows[i][0]);
      g_autofree char *text = NULL;

      ferry_judge_status (checks, status);
      text = tell (checks);
      g_assert_cmpstr (text, ==, rows[i][1]);
    }
}

static void
test_policy (void)
{
  static const char *const rows[][2] = {
    { "{'a': {'Source': <'default'>}, 'b': {'Source': <'default'>}}",
      "ok policy 2 settings, all at their defaults" },
    { "{'a': {'Source': <'locked'>}, 'b': {'Source': <'bus'>}, 'c': {'Source': <'default'>}}",
      "ok policy 3 settings, 2 of them set" },
    { "{'d': {'Source': <'invalid'>}, 'c': {'Source': <'invalid'>}, 'a': {'Source': <'invalid'>}, "
      "'b': {'Source': <'invalid'>}, 'e': {'Source': <'invalid'>}}",
      "problem policy not in force, because dconf has something wrong: a, b, c and 2 more" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GPtrArray) checks = ferry_checks_new ();
      g_autoptr (GVariant) policy = parse ("a{sa{sv}}", rows[i][0]);
      g_autofree char *text = NULL;

      ferry_judge_policy (checks, policy);
      text = tell (checks);
      g_assert_cmpstr (text, ==, rows[i][1]);
    }
}

static void
test_polkit (void)
{
  static const char *const ids[] = { "create-job",     "upload",        "foreground",
                                     "exceed-limits",  "list-all-jobs", "control-all-jobs",
                                     "take-ownership", "set-policy" };

  for (gsize n = 0; n <= G_N_ELEMENTS (ids); n++)
    {
      g_autoptr (GPtrArray) checks = ferry_checks_new ();
      g_autoptr (GVariant) actions = NULL;
      g_autofree char *text = NULL;
      GVariantBuilder builder;

      g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ssssssuuua{ss})"));
      g_variant_builder_add (&builder, "(ssssssuuua{ss})", "org.example.other", "", "", "", "", "",
                             0, 0, 0, NULL);
      for (gsize i = 0; i < n; i++)
        {
          g_autofree char *id = g_strconcat ("org.ferry.transfer1.", ids[i], NULL);

          g_variant_builder_add (&builder, "(ssssssuuua{ss})", id, "", "", "", "", "", 0, 0, 0,
                                 NULL);
        }
      actions = g_variant_ref_sink (g_variant_builder_end (&builder));
      ferry_judge_polkit (checks, actions);
      text = tell (checks);
      g_assert_true (g_str_has_prefix (text, n < G_N_ELEMENTS (ids)
                                                 ? "problem polkit it does not know org.ferry."
                                                 : "ok polkit it knows all 8 actions"));
    }
}

static void
test_absent (void)
{
  g_autoptr (GPtrArray) checks = ferry_checks_new ();
  g_autofree char *text = NULL;

  ferry_judge_polkit (checks, NULL);
  ferry_judge_units (checks, NULL);
  ferry_judge_dconf (checks, NULL);
  ferry_judge_dconf (checks, "/etc/dconf/profile/ferry");
  ferry_judge_home (checks, "/home/a", G_MAXUINT64);
  ferry_judge_home (checks, "/home/a", 99000000);
  ferry_judge_home (checks, "/home/a", 100000000);
  text = tell (checks);
  g_assert_cmpstr (text, ==,
                   "problem polkit it is not on the bus\n"
                   "note units there is no systemd on the bus\n"
                   "problem dconf there is no profile 'ferry'\n"
                   "ok dconf profile /etc/dconf/profile/ferry\n"
                   "note home there is no /home/a\n"
                   "problem home only 99.0 MB free in /home/a\n"
                   "ok home 100.0 MB free in /home/a");
}

#define UNIT(name, state)                                                                          \
  "('" name "', '', 'loaded', '" state "', '', '', '/', uint32 0, '', objectpath '/')"

static void
test_units (void)
{
  static const char *const rows[][2] = {
    { "[" UNIT ("ferryd.service", "active") "]",
      "ok units ferryd.service is active, none has failed" },
    { "[]", "note units systemd has not loaded ferryd.service" },
    { "[" UNIT ("ferry-worker@1000.service", "failed") ", " UNIT ("ferryd.service", "inactive") "]",
      "problem units failed: ferry-worker@1000.service" },
    { "[" UNIT ("ferryd.service", "failed") "]", "problem units failed: ferryd.service" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GPtrArray) checks = ferry_checks_new ();
      g_autoptr (GVariant) units = parse ("a(ssssssouso)", rows[i][0]);
      g_autofree char *text = NULL;

      ferry_judge_units (checks, units);
      text = tell (checks);
      g_assert_cmpstr (text, ==, rows[i][1]);
    }
}

#define NOT_FOUND  "'Error': <{'Name': <'org.ferry.Transfer1.Error.NotFound'>}>"
#define NO_CONTACT "'Error': <{'Name': <'org.ferry.Transfer1.Error.ConnectFailed'>}>"

static void
test_jobs (void)
{
  static const struct
  {
    const char *jobs[6];
    const char *expected;
  } rows[] = {
    { { NULL }, "ok jobs none" },
    { { "{'State': <'queued'>}", "{'State': <'suspended'>, " NO_CONTACT "}", NULL },
      "ok jobs 2, none failed" },
    { { "{'State': <'transient-error'>, " NO_CONTACT "}", "{'State': <'queued'>}", NULL },
      "note jobs 1 of 2 failed for now, to be tried again: 0000 (ConnectFailed)" },
    { { "{'State': <'transient-error'>, " NO_CONTACT "}", "{'State': <'error'>, " NOT_FOUND "}",
        "{'State': <'transferred'>, " NOT_FOUND "}", NULL },
      "problem jobs 2 of 3 failed: 1111 (NotFound), 2222 (NotFound)" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GPtrArray) checks = ferry_checks_new ();
      g_autoptr (GPtrArray)
          jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_remote_job_free);
      g_autofree char *text = NULL;

      for (guint j = 0; rows[i].jobs[j] != NULL; j++)
        {
          g_autofree char *id = g_strnfill (32, '0' + j);
          g_autofree char *path = g_strconcat ("/jobs/", id, NULL);
          FerryRemoteJob *job = ferry_remote_job_new (path);
          g_autoptr (GVariant) properties = parse ("a{sv}", rows[i].jobs[j]);

          ferry_remote_job_update (job, properties);
          g_ptr_array_add (jobs, job);
        }
      ferry_judge_jobs (checks, jobs, i % 2 == 0);
      text = tell (checks);
      g_assert_cmpstr (text, ==, rows[i].expected);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/judge/version", test_version);
  g_test_add_func ("/client/judge/status", test_status);
  g_test_add_func ("/client/judge/policy", test_policy);
  g_test_add_func ("/client/judge/polkit", test_polkit);
  g_test_add_func ("/client/judge/absent", test_absent);
  g_test_add_func ("/client/judge/units", test_units);
  g_test_add_func ("/client/judge/jobs", test_jobs);
  return g_test_run ();
}
