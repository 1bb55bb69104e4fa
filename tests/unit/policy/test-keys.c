/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table in C and the GSettings schema say the same; values are parsed strictly and generously. */

#include "ferry-names.h"
#include "ferry-policy-keys.h"

#include <gio/gio.h>

#include <string.h>

static GSettingsSchema *
load_schema (void)
{
  g_autofree char *directory = g_test_build_filename (G_TEST_BUILT, "policy", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSettingsSchemaSource)
      source = g_settings_schema_source_new_from_directory (directory, NULL, FALSE, &error);
  GSettingsSchema *schema;

  g_assert_no_error (error);
  schema = g_settings_schema_source_lookup (source, FERRY_POLICY_SCHEMA, FALSE);
  g_assert_nonnull (schema);
  return schema;
}

static void
assert_same_words (const char *kind, GVariant *words, FerryPolicyKey key)
{
  g_autoptr (GVariant) choices = g_variant_ref_sink (ferry_policy_key_get_choices (key));

  g_assert_cmpstr (kind, ==, "flags");
  g_assert_cmpuint (g_variant_n_children (words), ==, g_variant_n_children (choices));
  for (gsize i = 0; i < g_variant_n_children (words); i++)
    {
      g_autoptr (GVariant) word = g_variant_get_child_value (words, i);
      g_autoptr (GVariant) boxed = g_variant_get_child_value (choices, i);
      g_autoptr (GVariant) choice = g_variant_get_variant (boxed);

      g_assert_cmpvariant (word, choice);
    }
}

static void
test_schema (void)
{
  g_autoptr (GSettingsSchema) schema = load_schema ();
  g_auto (GStrv) names = g_settings_schema_list_keys (schema);

  g_assert_cmpstr (g_settings_schema_get_path (schema), ==, FERRY_POLICY_PATH);
  g_assert_cmpuint (g_strv_length (names), ==, FERRY_N_POLICY_KEYS);
  for (guint i = 0; i < FERRY_N_POLICY_KEYS; i++)
    {
      const FerryPolicyKeyInfo *info = ferry_policy_key_get_info (i);
      g_autoptr (GSettingsSchemaKey) key = NULL;
      g_autoptr (GVariant) fallback = NULL;
      g_autoptr (GVariant) range = NULL;
      g_autoptr (GVariant) bounds = NULL;
      g_autoptr (GVariant)
          wanted_fallback = g_variant_ref_sink (ferry_policy_key_new_value (i, info->fallback));
      g_autoptr (GVariant) wanted_bounds = g_variant_ref_sink (
          g_variant_new ("(@*@*)", ferry_policy_key_new_value (i, info->minimum),
                         ferry_policy_key_new_value (i, info->maximum)));
      const char *kind;

      g_assert_true (g_settings_schema_has_key (schema, info->name));
      key = g_settings_schema_get_key (schema, info->name);
      g_assert_cmpstr (g_settings_schema_key_get_summary (key), ==, info->summary);
      g_assert_cmpstr (g_settings_schema_key_get_description (key), ==, info->description);
      g_assert_true (g_variant_type_equal (g_settings_schema_key_get_value_type (key),
                                           ferry_policy_key_get_value_type (i)));
      fallback = g_settings_schema_key_get_default_value (key);
      g_assert_cmpvariant (fallback, wanted_fallback);
      range = g_settings_schema_key_get_range (key);
      g_variant_get (range, "(&sv)", &kind, &bounds);
      if (info->word != NULL)
        {
          assert_same_words (kind, bounds, i);
          continue;
        }
      g_assert_cmpstr (kind, ==, "range");
      g_assert_cmpvariant (bounds, wanted_bounds);
      g_assert_cmpuint (info->minimum, <=, info->fallback);
      g_assert_cmpuint (info->fallback, <=, info->maximum);
    }
}

static void
test_names (void)
{
  FerryPolicyKey key;

  for (guint i = 0; i < FERRY_N_POLICY_KEYS; i++)
    {
      g_assert_true (ferry_policy_key_from_string (ferry_policy_key_to_string (i), &key));
      g_assert_cmpint (key, ==, i);
    }
  key = FERRY_POLICY_MAX_ACTIVE_JOBS;
  g_assert_false (ferry_policy_key_from_string ("max-job-per-user", &key));
  g_assert_false (ferry_policy_key_from_string ("", &key));
  g_assert_false (ferry_policy_key_from_string (NULL, &key));
  g_assert_cmpint (key, ==, FERRY_POLICY_MAX_ACTIVE_JOBS);
}

static void
test_good_values (void)
{
  static const char *const texts[] = { "8",        "uint32 8", "byte 0x08",
                                       "int16 8",  "uint16 8", "int64 8",
                                       "uint64 8", "<8>",      "<<uint64 8>>" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GVariant) given = g_variant_new_parsed (texts[i]);
      g_autoptr (GError) error = NULL;
      guint64 value = 0;

      g_variant_ref_sink (given);
      g_assert_true (ferry_policy_key_parse (FERRY_POLICY_MAX_ACTIVE_JOBS, given, &value, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (value, ==, 8);
    }
}

/* One key counts bytes: all others are u on the bus. */
static void
test_wide (void)
{
  FerryPolicyKey key = FERRY_POLICY_REQUIRE_RESUMABLE_UPLOADS_ABOVE;
  g_autoptr (GVariant) off = g_variant_ref_sink (g_variant_new_uint64 (G_MAXUINT64));
  g_autoptr (GVariant) negative = g_variant_ref_sink (g_variant_new_int64 (-1));
  g_autoptr (GError) error = NULL;
  guint64 value = 0;

  for (guint i = 0; i < FERRY_N_POLICY_KEYS; i++)
    {
      if (ferry_policy_key_get_info (i)->word == NULL)
        g_assert_true (
            g_variant_type_equal (ferry_policy_key_get_value_type (i),
                                  i == key ? G_VARIANT_TYPE_UINT64 : G_VARIANT_TYPE_UINT32));
    }
  g_assert_cmpuint (ferry_policy_key_get_info (key)->fallback, ==, G_MAXUINT64);
  g_assert_true (ferry_policy_key_parse (key, off, &value, NULL));
  g_assert_cmpuint (value, ==, G_MAXUINT64);
  g_assert_false (ferry_policy_key_parse (key, negative, &value, &error));
  g_assert_nonnull (strstr (error->message, "0 to 18446744073709551615 (bytes)"));
}

static void
test_words (void)
{
  static const struct
  {
    const char *text;
    int value; /* -1: refused */
  } cases[] = {
    { "@as []", 0 },
    { "@ai []", 0 },
    { "['ignore-expiry']", 4 },
    { "<['allow-https-to-http', 'ignore-unknown-ca', 'ignore-unknown-ca']>", 9 },
    { "['ignore-everything']", -1 },
    { "'ignore-expiry'", -1 },
    { "5", -1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) given = g_variant_ref_sink (g_variant_new_parsed (cases[i].text));
      g_autoptr (GError) error = NULL;
      guint64 value = 77;

      if (ferry_policy_key_parse (FERRY_POLICY_ALLOW_INSECURE_TLS, given, &value, &error))
        g_assert_cmpint (value, ==, cases[i].value);
      else
        {
          g_assert_cmpint (cases[i].value, ==, -1);
          g_assert_nonnull (strstr (error->message, "a list of words: ignore-unknown-ca, "));
        }
    }
}

static void
test_bad_values (void)
{
  static const struct
  {
    const char *text;
    const char *shown;
  } cases[] = {
    { "0", "given as 0;" },
    { "1001", "given as 1001;" },
    { "-1", "given as -1;" },
    { "int64 -9223372036854775808", "given as -9223372036854775808;" },
    { "uint64 18446744073709551615", "given as 18446744073709551615;" },
    /* These are 4 and 0 when cut to 32 bits. */
    { "int64 4294967300", "given as 4294967300;" },
    { "uint64 4294967296", "given as 4294967296;" },
    { "'8'", "given as '8';" },
    { "8.0", "given as 8.0;" },
    { "true", "given as true;" },
    { "[8]", "given as [8];" },
    { "<<<<<<<<<<8>>>>>>>>>>", "given as <" },
    { "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
      "a long value of type s" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) given = g_variant_ref_sink (g_variant_new_parsed (cases[i].text));
      g_autoptr (GError) error = NULL;
      guint64 value = 77;

      g_assert_false (ferry_policy_key_parse (FERRY_POLICY_MAX_ACTIVE_JOBS, given, &value, &error));
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
      g_assert_nonnull (strstr (error->message, "max-active-jobs"));
      g_assert_nonnull (strstr (error->message, cases[i].shown));
      g_assert_nonnull (strstr (error->message, "1 to 1000 (jobs)"));
      g_assert_cmpuint (value, ==, 77);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/policy/keys/schema", test_schema);
  g_test_add_func ("/policy/keys/names", test_names);
  g_test_add_func ("/policy/keys/good-values", test_good_values);
  g_test_add_func ("/policy/keys/bad-values", test_bad_values);
  g_test_add_func ("/policy/keys/wide", test_wide);
  g_test_add_func ("/policy/keys/words", test_words);
  return g_test_run ();
}
