/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-value.h"

static void
test_parse (void)
{
  static const struct
  {
    const char *type;
    const char *text;
    const char *printed; /* GVariant's text form; NULL: refused */
  } rows[] = {
    { "u", "0", "uint32 0" },
    { "u", "4294967295", "uint32 4294967295" },
    { "u", "4294967296", NULL },
    { "u", "-1", NULL },
    { "u", "5s", NULL },
    { "u", "", NULL },
    { "u", " 5", NULL },
    { "t", "18446744073709551615", "uint64 18446744073709551615" },
    { "t", "0x10", NULL },
    { "b", "true", "true" },
    { "b", "off", "false" },
    { "b", "maybe", NULL },
    { "s", "any text, also with = and \"", "'any text, also with = and \"'" },
    { "s", "", "''" },
    { "s", "\xff", NULL },
    { "as", "", "@as []" },
    { "as", "one", "['one']" },
    { "as", "one, two ,,three", "['one', 'two', 'three']" },
    { "as", "[\"a, b\", \"c\"]", "['a, b', 'c']" },
    { "as", "[]", "@as []" },
    { "as", "[1]", NULL },
    { "as", "[\"a\"", NULL },
    { "d", "1.5", "1.5" },
    { "d", "x", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      GVariant *value = ferry_value_parse ("the key", rows[i].type, NULL, rows[i].text, &error);
      g_autofree char *printed = NULL;

      if (rows[i].printed == NULL)
        {
          g_assert_null (value);
          g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
          g_assert_true (g_str_has_prefix (error->message, "the key cannot be "));
          g_assert_nonnull (strstr (error->message, "wanted is "));
          continue;
        }
      g_assert_no_error (error);
      g_variant_ref_sink (value);
      printed = g_variant_print (value, TRUE);
      g_assert_cmpstr (printed, ==, rows[i].printed);
      g_variant_unref (value);
    }
}

static void
test_choices (void)
{
  const FerrySettable *priority = ferry_value_find_property ("priority", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (
      ferry_value_parse (priority->name, priority->type, priority->choices, "urgent", &error));
  g_assert_nonnull (strstr (error->message, "urgent"));
  g_assert_nonnull (strstr (error->message, "foreground, high, normal, low"));
  g_assert_true (ferry_value_check_priority ("low", NULL));
  g_assert_false (ferry_value_check_priority ("Low", NULL));
  g_assert_true (ferry_value_check_protocol ("put-range", NULL));
  g_assert_false (ferry_value_check_protocol ("gopher", NULL));
}

static void
test_properties (void)
{
  static const char *const spellings[] = { "MinimumRetryDelay", "minimum-retry-delay",
                                           "minimumretrydelay", "minimum_retry_delay" };
  static const char *const wrong[] = { "", "-", "Minimum", "MinimumRetryDelayX", "State", "Id" };

  for (gsize i = 0; i < G_N_ELEMENTS (spellings); i++)
    {
      const FerrySettable *property = ferry_value_find_property (spellings[i], NULL);

      g_assert_nonnull (property);
      g_assert_cmpstr (property->name, ==, "MinimumRetryDelay");
      g_assert_cmpstr (property->type, ==, "u");
    }
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ferry_value_find_property (wrong[i], &error));
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
      g_assert_nonnull (strstr (error->message, "NoProgressTimeout"));
    }
}

static void
test_print (void)
{
  static const char *const rows[][2] = {
    { "'text'", "text" },
    { "['a', 'b']", "a, b" },
    { "uint32 5", "5" },
    { "true", "true" },
  };
  g_autoptr (GVariant) nasty = g_variant_ref_sink (g_variant_new_string ("\033[31m"));
  g_autofree char *clean = ferry_value_print (nasty);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GVariant) value = g_variant_parse (NULL, rows[i][0], NULL, NULL, NULL);
      g_autofree char *text = ferry_value_print (value);

      g_assert_cmpstr (text, ==, rows[i][1]);
    }
  g_assert_null (strchr (clean, '\033'));
}

static void
test_uint32 (void)
{
  g_autoptr (GError) error = NULL;
  guint32 value = 7;

  g_assert_true (ferry_value_parse_uint32 ("the index", "12", &value, NULL));
  g_assert_cmpuint (value, ==, 12);
  g_assert_false (ferry_value_parse_uint32 ("the index", "-1", &value, &error));
  g_assert_cmpuint (value, ==, 12);
  g_assert_true (g_str_has_prefix (error->message, "the index cannot be \"-1\""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/value/parse", test_parse);
  g_test_add_func ("/client/value/choices", test_choices);
  g_test_add_func ("/client/value/properties", test_properties);
  g_test_add_func ("/client/value/print", test_print);
  g_test_add_func ("/client/value/uint32", test_uint32);
  return g_test_run ();
}
