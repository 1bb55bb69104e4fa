/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dictionaries of strangers: conversion of types, and nothing left over. */

#include "ferry-options.h"

typedef struct
{
  const char *given;  /* GVariant text */
  const char *type;   /* wanted */
  const char *result; /* GVariant text; NULL: refused */
} Conversion;

static const Conversion conversions[] = {
  { "uint32 8", "u", "uint32 8" },
  { "8", "u", "uint32 8" },
  { "byte 8", "u", "uint32 8" },
  { "int16 8", "u", "uint32 8" },
  { "uint16 8", "u", "uint32 8" },
  { "int64 8", "u", "uint32 8" },
  { "uint64 8", "u", "uint32 8" },
  { "uint64 4294967295", "u", "uint32 4294967295" },
  { "uint64 4294967296", "u", NULL },
  { "-1", "u", NULL },
  { "int64 -9223372036854775808", "t", NULL },
  { "0", "t", "uint64 0" },
  { "uint64 18446744073709551615", "t", "uint64 18446744073709551615" },
  { "8.0", "u", NULL },
  { "'8'", "u", NULL },
  { "true", "u", NULL },
  { "<8>", "u", NULL },
  { "@mu 8", "u", NULL },
  { "handle 8", "u", NULL },
  { "'x'", "s", "'x'" },
  { "objectpath '/x'", "s", NULL },
  { "8", "s", NULL },
  { "true", "b", "true" },
  { "1", "b", NULL },
  { "['x']", "as", "['x']" },
  { "@as []", "as", "@as []" },
  { "@av []", "as", "@as []" },
  { "[1]", "as", NULL },
  { "'x'", "as", NULL },
  { "[(uint64 1, uint64 2)]", "a(tt)", "[(uint64 1, uint64 2)]" },
  { "[(1, 2)]", "a(tt)", "[(uint64 1, uint64 2)]" },
  { "[(byte 1, int64 2), (byte 3, int64 4)]", "a(tt)",
    "[(uint64 1, uint64 2), (uint64 3, uint64 4)]" },
  { "[(1, -2)]", "a(tt)", NULL },
  { "[(1, 'x')]", "a(tt)", NULL },
  { "[(1, 2, 3)]", "a(tt)", NULL },
  { "@av []", "a(tt)", "@a(tt) []" },
  { "[1, 2]", "a(tt)", NULL },
  { "(1, 2)", "a(tt)", NULL },
};

static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = g_variant_parse (NULL, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return value;
}

static void
test_convert (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (conversions); i++)
    {
      const Conversion *row = &conversions[i];
      g_autoptr (GVariant) given = parse (row->given);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) result = ferry_options_convert ("Key", given, row->type, &error);

      g_test_message ("%s as %s", row->given, row->type);
      if (row->result != NULL)
        {
          g_autoptr (GVariant) wanted = parse (row->result);

          g_assert_no_error (error);
          g_assert_true (g_variant_equal (result, wanted));
        }
      else
        {
          g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
          g_assert_null (result);
          g_assert_nonnull (strstr (error->message, "\"Key\""));
          if (!g_str_has_prefix (row->type, "a("))
            g_assert_nonnull (strstr (error->message, g_variant_get_type_string (given)));
        }
    }
}

static void
test_take (void)
{
  g_autoptr (GVariant) dict = parse ("{'A': <8>, 'B': <'x'>, 'C': <true>}");
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryOptions) options = ferry_options_new (dict, &error);
  g_autoptr (GVariant) a = NULL;
  g_autoptr (GVariant) absent = NULL;
  g_autoptr (GVariant) b = NULL;

  g_assert_no_error (error);
  g_assert_true (ferry_options_take_converted (options, "A", "t", &a, &error));
  g_assert_cmpuint (g_variant_get_uint64 (a), ==, 8);
  g_assert_true (ferry_options_take_converted (options, "D", "t", &absent, &error));
  g_assert_null (absent);

  g_assert_false (ferry_options_take_converted (options, "B", "u", &b, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  g_assert_null (b);
  g_clear_error (&error);

  g_assert_false (ferry_options_finish (options, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  g_assert_nonnull (strstr (error->message, "\"C\""));
}

static void
test_all_taken (void)
{
  g_autoptr (GVariant) dict = parse ("{'A': <8>}");
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryOptions) options = ferry_options_new (dict, &error);
  g_autoptr (GVariant) value = ferry_options_take (options, "A");

  g_assert_nonnull (value);
  g_assert_null (ferry_options_take (options, "A"));
  g_assert_true (ferry_options_finish (options, &error));
  g_assert_no_error (error);
}

/* D-Bus does not forbid that a key comes twice, and a name may be anything. */
static void
test_strange_keys (void)
{
  g_autoptr (GVariant) twice = parse ("[{'A', <8>}, {'A', <9>}]");
  g_autofree char *name = g_strnfill (100000, 'x');
  GVariantBuilder builder;
  g_autoptr (GVariant) dict = NULL;
  g_autoptr (FerryOptions) options = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_options_new (twice, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  g_assert_nonnull (strstr (error->message, "\"A\""));
  g_clear_error (&error);

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", name, g_variant_new_boolean (TRUE));
  g_variant_builder_add (&builder, "{sv}", "\n\x1b[1m", g_variant_new_boolean (TRUE));
  dict = g_variant_ref_sink (g_variant_builder_end (&builder));
  options = ferry_options_new (dict, &error);
  g_assert_no_error (error);
  g_assert_false (ferry_options_finish (options, &error));
  g_assert_cmpuint (strlen (error->message), <, 200);
  g_assert_null (strchr (error->message, '\n'));
  g_assert_null (strchr (error->message, 0x1b));
  g_clear_error (&error);

  g_variant_unref (ferry_options_take (options, "\n\x1b[1m"));
  g_assert_false (ferry_options_finish (options, &error));
  g_assert_cmpuint (strlen (error->message), <, 200);
}

/* What was given is told, unless it may be a secret. */
static void
test_told (void)
{
  g_autoptr (GVariant) text = parse ("'yes'");
  g_autoptr (GVariant) secret = parse ("'Authorization: geheim'");
  g_autofree char *filling = g_strnfill (100000, 'x');
  g_autoptr (GVariant) large = g_variant_ref_sink (g_variant_new_string (filling));
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_options_convert ("Key", text, "b", &error));
  g_assert_cmpstr (error->message, ==,
                   "\"Key\" was given as 'yes' (type \"s\"), and a boolean (\"b\") is wanted.");
  g_clear_error (&error);
  g_assert_null (ferry_options_convert ("Key", secret, "as", &error));
  g_assert_cmpstr (error->message, ==,
                   "\"Key\" was given as type \"s\", and a list of strings (\"as\") is wanted.");
  g_clear_error (&error);
  g_assert_null (ferry_options_convert ("Key", large, "u", &error));
  g_assert_cmpuint (strlen (error->message), <, 200);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/options/convert", test_convert);
  g_test_add_func ("/options/told", test_told);
  g_test_add_func ("/options/take", test_take);
  g_test_add_func ("/options/all-taken", test_all_taken);
  g_test_add_func ("/options/strange-keys", test_strange_keys);
  return g_test_run ();
}
