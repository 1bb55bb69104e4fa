/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-file.h"

static void
test_temporary_name (void)
{
  g_autoptr (FerryFile) file = ferry_file_new ("http://h/x", "/dir/target");
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  file->index = 7;
  first = ferry_file_get_temporary_path (file, "0123");
  g_assert_cmpstr (first, ==, "/dir/.ferry-0123-7.part");
  file->generation = 2;
  second = ferry_file_get_temporary_path (file, "0123");
  g_assert_cmpstr (second, ==, "/dir/.ferry-0123-7.2.part");
}

static void
test_target_in_root (void)
{
  g_autoptr (FerryFile) file = ferry_file_new ("http://h/x", "/target");
  g_autofree char *path = ferry_file_get_temporary_path (file, "0123");

  g_assert_cmpstr (path, ==, "/.ferry-0123-0.part");
}

static void
test_reset (void)
{
  g_autoptr (FerryFile) file = ferry_file_new ("http://h/x", "/dir/target");

  file->expected_size = 10;
  file->bytes_total = 20;
  file->bytes_transferred = 5;
  file->state = FERRY_FILE_STATE_TRANSFERRED;
  file->validator = g_strdup ("\"a\"");
  file->resume = g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0));
  ferry_file_reset (file);

  g_assert_cmpint (file->state, ==, FERRY_FILE_STATE_PENDING);
  g_assert_cmpuint (file->bytes_total, ==, 10);
  g_assert_cmpuint (file->bytes_transferred, ==, 0);
  g_assert_null (file->validator);
  g_assert_null (file->resume);
}

/* What ferryd knows of the path outlives what the worker says of the bytes. */
static void
test_resume (void)
{
  g_autoptr (FerryFile) file = ferry_file_new ("http://h/x", "/dir/target");
  g_autoptr (GVariant) foreign = g_variant_ref_sink (
      g_variant_new_parsed ("{'NoSymlinks': <true>, 'Offset': <uint64 5>}"));
  g_autoptr (GVariant) session = g_variant_ref_sink (g_variant_new_parsed ("{'Session': <true>}"));
  gboolean no_symlinks = FALSE;

  g_assert_false (ferry_file_has_session (file));
  ferry_file_set_resume (file, session);
  g_assert_true (ferry_file_has_session (file));
  g_assert_cmpvariant (file->resume, session);
  ferry_file_set_resume (file, foreign);
  g_assert_false (ferry_file_has_session (file));
  ferry_file_set_resume (file, session);
  g_assert_true (ferry_file_has_session (file));
  g_assert_true (g_variant_lookup (file->resume, "NoSymlinks", "b", &no_symlinks) && no_symlinks);
  g_assert_cmpuint (g_variant_n_children (file->resume), ==, 2);
  ferry_file_reset (file);
  g_assert_cmpuint (g_variant_n_children (file->resume), ==, 1);
}

/* What the server was asked is true whatever becomes of the bytes; only its owner has it forgotten. */
static void
test_asked (void)
{
  g_autoptr (FerryFile) file = ferry_file_new ("http://h/x", "/dir/target");
  g_autoptr (GVariant)
      asked = g_variant_ref_sink (g_variant_new_parsed ("{'Offset': <@t 5>, 'Asked': <true>}"));
  g_autoptr (GVariant) refused = g_variant_ref_sink (g_variant_new_parsed ("{'Offset': <@t 5>}"));

  g_assert_false (ferry_file_was_asked (file));
  g_assert_false (ferry_file_forget_asked (file));
  ferry_file_set_resume (file, asked);
  ferry_file_reset (file);
  g_assert_true (ferry_file_was_asked (file));
  g_assert_cmpuint (g_variant_n_children (file->resume), ==, 1);

  /* The worker knows better. */
  ferry_file_set_resume (file, asked);
  ferry_file_set_resume (file, refused);
  g_assert_false (ferry_file_was_asked (file));

  ferry_file_set_resume (file, asked);
  g_assert_true (ferry_file_forget_asked (file));
  g_assert_false (ferry_file_was_asked (file));
  g_assert_cmpvariant (file->resume, refused);
  ferry_file_reset (file);
  g_assert_null (file->resume);
}

static void
test_source (void)
{
  g_autoptr (FerryFile) file = ferry_file_new ("http://h/x", "/dir/source");
  g_autoptr (GVariant) dict = NULL;
  const char *temporary;

  file->is_source = TRUE;
  file->bytes_total = 20;
  file->bytes_transferred = 5;
  ferry_file_reset (file);
  g_assert_cmpuint (file->bytes_total, ==, 20);
  g_assert_cmpuint (file->bytes_transferred, ==, 0);
  dict = g_variant_ref_sink (ferry_file_to_variant (file, "0123"));
  g_assert_true (g_variant_lookup (dict, "TemporaryPath", "&s", &temporary));
  g_assert_cmpstr (temporary, ==, "");
}

static void
test_dictionary (void)
{
  /* The keys of GetFiles in API.md, all of them. */
  static const struct
  {
    const char *key;
    const char *type;
  } keys[] = {
    { "Index", "u" },
    { "RemoteUrl", "s" },
    { "LocalPath", "s" },
    { "TemporaryPath", "s" },
    { "State", "s" },
    { "BytesTotal", "t" },
    { "BytesTransferred", "t" },
    { "Ranges", "a(tt)" },
    { "Digest", "s" },
    { "Validator", "s" },
    { "HttpStatus", "u" },
    { "ResponseHeaders", "as" },
    { "Restarts", "u" },
    { "Error", "a{sv}" },
  };
  g_autoptr (FerryFile) file = ferry_file_new ("http://h/x", "/dir/target");
  g_autoptr (GVariant) dict = g_variant_ref_sink (ferry_file_to_variant (file, "0123"));

  g_assert_cmpuint (g_variant_n_children (dict), ==, G_N_ELEMENTS (keys));
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (GVariant)
          value = g_variant_lookup_value (dict, keys[i].key, G_VARIANT_TYPE (keys[i].type));

      if (value == NULL)
        g_error ("%s is missing or not of type %s", keys[i].key, keys[i].type);
    }
}

static void
test_published_has_no_temporary (void)
{
  g_autoptr (FerryFile) file = ferry_file_new ("http://h/x", "/dir/target");
  g_autoptr (GVariant) dict = NULL;
  const char *path;

  file->state = FERRY_FILE_STATE_PUBLISHED;
  dict = g_variant_ref_sink (ferry_file_to_variant (file, "0123"));
  g_assert_true (g_variant_lookup (dict, "TemporaryPath", "&s", &path));
  g_assert_cmpstr (path, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/file/temporary-name", test_temporary_name);
  g_test_add_func ("/file/target-in-root", test_target_in_root);
  g_test_add_func ("/file/reset", test_reset);
  g_test_add_func ("/file/dictionary", test_dictionary);
  g_test_add_func ("/file/published", test_published_has_no_temporary);
  g_test_add_func ("/file/resume", test_resume);
  g_test_add_func ("/file/asked", test_asked);
  g_test_add_func ("/file/source", test_source);
  return g_test_run ();
}
