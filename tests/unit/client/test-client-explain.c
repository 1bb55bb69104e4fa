/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a job waits for, what has come of it, what can be done. */

#include "ferry-explain.h"

#define NOW     G_GUINT64_CONSTANT (1800000000000000)
#define EXPIRES "'ExpirationTime': <uint64 1803081600000000>"
#define FAILURE                                                                                    \
  "'Error': <{'Name': <'org.ferry.Transfer1.Error.ConnectFailed'>, 'Message': <'no route'>}>"

#define ERROR(name)                                                                                \
  "'Error': <{'Name': <'org.ferry.Transfer1.Error." name "'>, 'Message': <'so it is'>}>"
#define SENT_BY(protocol, resumable)                                                               \
  "'Type': <'upload-reply'>, 'ResolvedUploadProtocol': <'" protocol "'>, 'Resumable': <" resumable \
  ">"

static FerryRemoteJob *
make_job (const char *properties)
{
  g_autoptr (GVariant)
      dictionary = g_variant_parse (G_VARIANT_TYPE_VARDICT, properties, NULL, NULL, NULL);
  FerryRemoteJob *job = ferry_remote_job_new ("/jobs/3f2a");

  g_assert_nonnull (dictionary);
  ferry_remote_job_update (job, dictionary);
  return job;
}

static void
test_lines (void)
{
  static const char *const rows[][2] = {
    { "{'State': <'transferring'>, 'WaitReasons': <@as []>}", "" },
    { "{'State': <'transferred'>, 'WaitReasons': <['complete']>, " EXPIRES "}",
      "waits for: ferry complete 3f2a; deleted on 2027-02-20" },
    { "{'State': <'transferred'>, " FAILURE "}",
      "ConnectFailed: no route; waits for: ferry complete 3f2a" },
    { "{'State': <'suspended'>, 'WaitReasons': <['suspended']>, " EXPIRES "}",
      "waits for: ferry resume 3f2a; deleted on 2027-02-20" },
    { "{'State': <'error'>, " FAILURE "}",
      "failed: ConnectFailed: no route; ferry resume 3f2a tries again" },
    { "{'State': <'cancelled'>, " FAILURE "}", "ConnectFailed: no route" },
    { "{'State': <'acknowledged'>}", "" },
    { "{'State': <'queued'>, 'WaitReasons': <['turn']>}", "waits for: its turn" },
    { "{'State': <'queued'>, 'WaitReasons': <['credentials']>}",
      "waits for: credentials; ferry header 3f2a 'NAME: VALUE' sets headers again" },
    { "{'State': <'transient-error'>, 'WaitReasons': <['retry']>, " FAILURE ", 'NextAttemptTime': "
      "<uint64 1800000004100000>}",
      "waits for: retry in 0:05 (ConnectFailed)" },
    { "{'State': <'transient-error'>, 'WaitReasons': <['retry', 'network']>, " FAILURE "}",
      "waits for: retry, the network (ConnectFailed)" },
    { "{'State': <'error'>, 'WaitReasons': <['credentials']>, " ERROR ("AuthenticationFailed") "}",
      "failed: AuthenticationFailed: so it is; ferry watch 3f2a on a terminal, ferry login URL or "
      "ferry "
      "header 3f2a 'NAME: VALUE' lets it go on" },
    { "{'Type': <'upload'>, 'State': <'transferred'>}", "waits for: ferry complete 3f2a" },
    { "{'Type': <'upload'>, 'State': <'transient-error'>, 'WaitReasons': <['upload-source']>}",
      "waits for: the file to send" },
    { "{" SENT_BY ("put", "false") ", 'State': <'suspended'>}",
      "waits for: ferry resume 3f2a, which starts again from the beginning" },
    { "{" SENT_BY ("tus", "true") ", 'State': <'suspended'>}", "waits for: ferry resume 3f2a" },
    /* Before a protocol is settled nothing is said of it. */
    { "{" SENT_BY ("", "false") ", 'State': <'suspended'>}", "waits for: ferry resume 3f2a" },
    { "{" SENT_BY ("put", "false") ", 'State': <'error'>, " FAILURE "}",
      "failed: ConnectFailed: no route; ferry resume 3f2a starts again from the beginning" },
    { "{" SENT_BY ("bits", "true") ", 'State': <'error'>, " FAILURE "}",
      "failed: ConnectFailed: no route; ferry resume 3f2a tries again" },
    /* A service that is newer than we are. */
    { "{'State': <'dreaming'>, 'WaitReasons': <['moon\033']>}", "waits for: moon\357\277\275" },
    { "{}", "" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (FerryRemoteJob) job = make_job (rows[i][0]);
      g_autofree char *text = ferry_explain_job (job, "3f2a", NOW);

      g_assert_cmpstr (text, ==, rows[i][1]);
    }
}

/* What helps a failed upload. */
static void
test_remedies (void)
{
  static const char *const rows[][2] = {
    { ERROR ("UploadNotSupported"),
      "`ferry set 3f2a UploadProtocol=PROTOCOL` takes another protocol, `ferry resume 3f2a` tries "
      "it" },
    { ERROR ("LocalFileChanged"), "`ferry resume 3f2a` sends the file as it is now" },
    { ERROR ("SessionNotFound"), "`ferry resume 3f2a` starts again from the beginning" },
    { ERROR ("TargetExists"), "move that file away, then `ferry resume 3f2a` stores the reply" },
    { ERROR ("ConnectFailed"), NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *upload = g_strdup_printf ("{'Type': <'upload'>, %s}", rows[i][0]);
      g_autofree char *download = g_strdup_printf ("{'Type': <'download'>, %s}", rows[i][0]);
      g_autoptr (FerryRemoteJob) sent = make_job (upload);
      g_autoptr (FerryRemoteJob) fetched = make_job (download);
      g_autofree char *remedy = ferry_explain_remedy (sent, "3f2a", "`");

      g_assert_cmpstr (remedy, ==, rows[i][1]);
      g_assert_null (ferry_explain_remedy (fetched, "3f2a", "`"));
    }
}

static void
test_direction (void)
{
  g_autoptr (FerryRemoteJob) download = make_job ("{'Type': <'download'>}");
  g_autoptr (FerryRemoteJob) upload = make_job ("{'Type': <'upload'>}");
  g_autoptr (FerryRemoteJob) odd = make_job ("{'Type': <'sideload'>}");

  g_assert_cmpstr (ferry_explain_direction (download, TRUE), ==, "");
  g_assert_cmpstr (ferry_explain_direction (odd, TRUE), ==, "");
  g_assert_cmpstr (ferry_explain_direction (upload, TRUE), ==, "↑ ");
  g_assert_cmpstr (ferry_explain_direction (upload, FALSE), ==, "up ");
}

/* Each reason has words, and no two have the same. */
static void
test_reasons (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < FERRY_N_WAIT_REASONS; i++)
    {
      g_autofree char *properties = g_strdup_printf ("{'WaitReasons': <['%s']>}",
                                                     ferry_wait_reason_to_string (i));
      g_autoptr (FerryRemoteJob) job = make_job (properties);
      char *text = ferry_explain_wait (job, NOW);

      g_assert_nonnull (text);
      g_assert_true (g_hash_table_add (seen, text));
    }
}

static void
test_outcome (void)
{
  static const struct
  {
    const char *properties;
    FerryOutcome outcome;
  } rows[] = {
    { "{'State': <'queued'>}", FERRY_OUTCOME_PENDING },
    { "{'State': <'transient-error'>, " FAILURE "}", FERRY_OUTCOME_PENDING },
    { "{'State': <'suspended'>}", FERRY_OUTCOME_PENDING },
    { "{'State': <'transferred'>}", FERRY_OUTCOME_DONE },
    /* Its files do not have their names yet. */
    { "{'State': <'transferred'>, 'AutoComplete': <true>}", FERRY_OUTCOME_PENDING },
    { "{'State': <'acknowledged'>, 'AutoComplete': <true>}", FERRY_OUTCOME_DONE },
    { "{'State': <'error'>, " FAILURE "}", FERRY_OUTCOME_FAILED },
    { "{'State': <'cancelled'>}", FERRY_OUTCOME_FAILED },
    { "{}", FERRY_OUTCOME_PENDING },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (FerryRemoteJob) job = make_job (rows[i].properties);
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (ferry_remote_job_get_outcome (job, &error), ==, rows[i].outcome);
      g_assert_true ((error != NULL) == (rows[i].outcome == FERRY_OUTCOME_FAILED));
    }
}

/* Properties of a wrong type are as good as none. */
static void
test_wrong_types (void)
{
  g_autoptr (FerryRemoteJob)
      job = make_job ("{'State': <uint32 5>, 'BytesTotal': <'many'>, "
                      "'WaitReasons': <'x'>, 'Error': <'x'>, 'AutoComplete': <1>}");
  g_autofree char *text = ferry_explain_job (job, "3f2a", NOW);
  g_autofree char *label = ferry_remote_job_get_label (job);

  g_assert_cmpstr (text, ==, "");
  g_assert_cmpstr (label, ==, "3f2a");
  g_assert_cmpuint (ferry_remote_job_get_number (job, "BytesTotal", 9), ==, 9);
  g_assert_null (ferry_remote_job_get_error (job));
  g_assert_false (ferry_remote_job_get_boolean (job, "AutoComplete"));
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/explain/lines", test_lines);
  g_test_add_func ("/client/explain/remedies", test_remedies);
  g_test_add_func ("/client/explain/direction", test_direction);
  g_test_add_func ("/client/explain/reasons", test_reasons);
  g_test_add_func ("/client/explain/outcome", test_outcome);
  g_test_add_func ("/client/explain/wrong-types", test_wrong_types);
  return g_test_run ();
}
