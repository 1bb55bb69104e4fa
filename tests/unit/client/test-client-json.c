/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-json.h"

static char *
to_json (const char *dictionary)
{
  g_autoptr (GVariant)
      value = g_variant_parse (G_VARIANT_TYPE_VARDICT, dictionary, NULL, NULL, NULL);
  JsonNode *node;
  char *text;

  g_assert_nonnull (value);
  node = ferry_json_from_dictionary (value);
  text = ferry_json_to_string (node, FALSE);
  json_node_unref (node);
  return text;
}

static void
test_values (void)
{
  static const char *const rows[][2] = {
    { "{'A': <'x'>, 'B': <uint32 5>, 'C': <true>, 'D': <['a', 'b']>}",
      "{\"A\":\"x\",\"B\":5,\"C\":true,\"D\":[\"a\",\"b\"]}" },
    /* Keys in the order of the alphabet, whatever order they came in. */
    { "{'B': <1>, 'A': <2>}", "{\"A\":2,\"B\":1}" },
    { "{'BytesTotal': <uint64 18446744073709551615>}", "{\"BytesTotal\":null}" },
    { "{'BytesTotal': <uint64 0>}", "{\"BytesTotal\":0}" },
    { "{'CreationTime': <uint64 0>}", "{\"CreationTime\":null}" },
    { "{'CreationTime': <uint64 1803081600000000>}", "{\"CreationTime\":1803081600000000}" },
    /* A limit, not a point in time. */
    { "{'MaximumDownloadTime': <uint32 0>}", "{\"MaximumDownloadTime\":0}" },
    { "{'Error': <{'Name': <'n'>, 'File': <uint32 0>}>}",
      "{\"Error\":{\"File\":0,\"Name\":\"n\"}}" },
    { "{'Error': <@a{sv} {}>}", "{\"Error\":{}}" },
    { "{'Ranges': <[(uint64 5, uint64 18446744073709551615)]>}", "{\"Ranges\":[[5,null]]}" },
    { "{'Ranges': <@a(tt) []>, 'L': <@as []>}", "{\"L\":[],\"Ranges\":[]}" },
    { "{'Choices': <[<'a'>, <uint32 3>]>}", "{\"Choices\":[\"a\",3]}" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = to_json (rows[i][0]);

      g_assert_cmpstr (text, ==, rows[i][1]);
    }
}

static void
test_job (void)
{
  g_autoptr (FerryRemoteJob) job = ferry_remote_job_new ("/jobs/3f2a");
  g_autoptr (GVariant) properties = g_variant_parse (G_VARIANT_TYPE_VARDICT,
                                                     "{'State': <'queued'>}", NULL, NULL, NULL);
  g_autoptr (GVariant) files = g_variant_parse (
      G_VARIANT_TYPE ("aa{sv}"),
      "[{'Index': <uint32 0>, 'BytesTotal': <uint64 18446744073709551615>}]", NULL, NULL, NULL);
  JsonNode *node;
  g_autofree char *text = NULL;

  ferry_remote_job_update (job, properties);
  node = ferry_json_from_job (job, files);
  text = ferry_json_to_string (node, FALSE);
  json_node_unref (node);
  g_assert_cmpstr (text, ==,
                   "{\"State\":\"queued\",\"Files\":[{\"BytesTotal\":null,\"Index\":0}]}");
}

/* The terminal gets no control character, a program gets the same string back. */
static void
test_controls (void)
{
  const char *nasty = "a\033[31m\x7f\xc2\x9b\xe2\x80\xae\n\"\\é";
  JsonNode *node = json_node_init_string (json_node_alloc (), nasty);
  g_autofree char *text = ferry_json_to_string (node, FALSE);
  JsonNode *back = json_from_string (text, NULL);

  g_assert_null (strchr (text, '\033'));
  g_assert_null (strchr (text, '\x7f'));
  g_assert_null (strstr (text, "\xc2\x9b"));
  g_assert_null (strstr (text, "\xe2\x80\xae"));
  g_assert_nonnull (back);
  g_assert_cmpstr (json_node_get_string (back), ==, nasty);
  json_node_unref (back);
  json_node_unref (node);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/json/values", test_values);
  g_test_add_func ("/client/json/job", test_job);
  g_test_add_func ("/client/json/controls", test_controls);
  return g_test_run ();
}
