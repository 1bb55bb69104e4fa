/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filters of ListJobs and ListAllJobs. */

#include "ferry-filter.h"

#include <gio/gio.h>

static FerryFilter *
parse (const char *text, gboolean owner_too, GError **error)
{
  g_autoptr (GVariant) dict = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);

  return ferry_filter_new (dict, owner_too, error);
}

static void
assert_matches (FerryJob *job, const char *text, gboolean wanted)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryFilter) filter = parse (text, TRUE, &error);

  g_test_message ("%s", text);
  g_assert_no_error (error);
  g_assert_cmpint (ferry_filter_matches (filter, job), ==, wanted);
}

static void
test_matches (void)
{
  g_autoptr (FerryJob) job = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1000, "x");

  g_free (job->display_name);
  job->display_name = g_strdup ("film");
  g_free (job->application_id);
  job->application_id = g_strdup ("org.x.Y");

  assert_matches (job, "{}", TRUE);
  assert_matches (job, "{'States': <['suspended']>}", TRUE);
  assert_matches (job, "{'States': <['queued', 'suspended']>}", TRUE);
  assert_matches (job, "{'States': <['queued']>}", FALSE);
  assert_matches (job, "{'States': <@as []>}", FALSE);
  assert_matches (job, "{'DisplayName': <'film'>}", TRUE);
  assert_matches (job, "{'DisplayName': <'fil'>}", FALSE);
  assert_matches (job, "{'ApplicationId': <'org.x.Y'>}", TRUE);
  assert_matches (job, "{'ApplicationId': <''>}", FALSE);
  assert_matches (job, "{'Owner': <1000>}", TRUE);
  assert_matches (job, "{'Owner': <0>}", FALSE);
  assert_matches (job, "{'DisplayName': <'film'>, 'States': <['queued']>}", FALSE);
}

static void
test_final_jobs (void)
{
  g_autoptr (FerryJob) job = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1000, "x");
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_job_apply (job, FERRY_JOB_EVENT_CANCEL, &error));
  g_assert_no_error (error);
  assert_matches (job, "{}", FALSE);
  assert_matches (job, "{'States': <['cancelled']>}", TRUE);
  assert_matches (job, "{'States': <['acknowledged']>}", FALSE);
}

static void
test_refusals (void)
{
  static const struct
  {
    const char *text;
    gboolean owner_too;
    const char *named;
  } rows[] = {
    { "{'States': <['sleeping']>}", TRUE, "sleeping" },
    { "{'States': <'queued'>}", TRUE, "States" },
    { "{'Owner': <1000>}", FALSE, "Owner" },
    { "{'Owner': <'root'>}", TRUE, "Owner" },
    { "{'Owner': <-1>}", TRUE, "Owner" },
    { "{'Priority': <'high'>}", TRUE, "Priority" },
    { "{'DisplayName': <1>}", TRUE, "DisplayName" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (parse (rows[i].text, rows[i].owner_too, &error));
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
      g_assert_nonnull (strstr (error->message, rows[i].named));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/filter/matches", test_matches);
  g_test_add_func ("/filter/final-jobs", test_final_jobs);
  g_test_add_func ("/filter/refusals", test_refusals);
  return g_test_run ();
}
