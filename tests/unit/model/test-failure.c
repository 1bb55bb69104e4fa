/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-failure.h"

static void
test_round_trip (void)
{
  g_autoptr (FerryFailure)
      failure = ferry_failure_new (FERRY_ERROR_HTTP_ERROR, FERRY_ERROR_CONTEXT_REMOTE_FILE, 3, 503,
                                   "Busy\n");
  g_autoptr (GVariant) dict = g_variant_ref_sink (ferry_failure_to_variant (failure, TRUE));
  g_autoptr (FerryFailure) back = ferry_failure_from_variant (dict, -1);

  g_assert_cmpint (back->code, ==, FERRY_ERROR_HTTP_ERROR);
  g_assert_cmpint (back->context, ==, FERRY_ERROR_CONTEXT_REMOTE_FILE);
  g_assert_cmpint (back->file, ==, 3);
  g_assert_cmpuint (back->http_status, ==, 503);
  g_assert_cmpstr (back->message, ==, "Busy\357\277\275");
}

static void
test_nothing (void)
{
  g_autoptr (GVariant) none = g_variant_ref_sink (ferry_failure_to_variant (NULL, TRUE));

  g_assert_cmpuint (g_variant_n_children (none), ==, 0);
  g_assert_null (ferry_failure_from_variant (none, 0));
}

static void
test_message_left_out (void)
{
  g_autoptr (FerryFailure)
      failure = ferry_failure_new (FERRY_ERROR_NOT_FOUND, FERRY_ERROR_CONTEXT_REMOTE_FILE, -1, 0,
                                   "/home/alice/secret");
  g_autoptr (GVariant) dict = g_variant_ref_sink (ferry_failure_to_variant (failure, FALSE));
  g_autofree char *printed = g_variant_print (dict, FALSE);

  g_assert_null (g_strstr_len (printed, -1, "alice"));
  g_assert_false (g_variant_lookup (dict, "File", "u", NULL));
}

static void
test_hostile (void)
{
  const char *texts[] = {
    "{'Name': <'org.freedesktop.DBus.Error.Failed'>}",
    "{'Name': <uint32 4>}",
    "{'Message': <'no name'>}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GVariant)
          dict = g_variant_parse (G_VARIANT_TYPE_VARDICT, texts[i], NULL, NULL, NULL);

      g_assert_nonnull (dict);
      g_assert_null (ferry_failure_from_variant (dict, 0));
    }
}

static void
test_file_of_the_caller_wins (void)
{
  g_autoptr (GVariant) dict = g_variant_parse (
      G_VARIANT_TYPE_VARDICT,
      "{'Name': <'org.ferry.Transfer1.Error.TimedOut'>, 'File': <uint32 9>, 'Context': <'odd'>}",
      NULL, NULL, NULL);
  g_autoptr (FerryFailure) failure = ferry_failure_from_variant (dict, 2);

  g_assert_cmpint (failure->file, ==, 2);
  g_assert_cmpint (failure->context, ==, FERRY_ERROR_CONTEXT_GENERAL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/failure/round-trip", test_round_trip);
  g_test_add_func ("/failure/nothing", test_nothing);
  g_test_add_func ("/failure/message", test_message_left_out);
  g_test_add_func ("/failure/hostile", test_hostile);
  g_test_add_func ("/failure/file", test_file_of_the_caller_wins);
  return g_test_run ();
}
