/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-resolve.h"

#include "ferry-names.h"

#define ID_A "3f2a0000000000000000000000000001"
#define ID_B "3f2a1000000000000000000000000002"
#define ID_C "beef0000000000000000000000000003"

static void
add (GPtrArray *jobs, const char *id, const char *name)
{
  g_autofree char *path = g_strconcat (FERRY_JOBS_PATH "/", id, NULL);
  FerryRemoteJob *job = ferry_remote_job_new (path);
  GVariantBuilder properties;
  g_autoptr (GVariant) dictionary = NULL;

  g_variant_builder_init (&properties, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&properties, "{sv}", "DisplayName", g_variant_new_string (name));
  dictionary = g_variant_ref_sink (g_variant_builder_end (&properties));
  ferry_remote_job_update (job, dictionary);
  g_ptr_array_add (jobs, job);
}

static GPtrArray *
make_jobs (void)
{
  GPtrArray *jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_remote_job_free);

  add (jobs, ID_A, "photos");
  add (jobs, ID_B, "same");
  add (jobs, ID_C, "same");
  return jobs;
}

static void
check_found (const char *word, const char *id)
{
  g_autoptr (GPtrArray) jobs = make_jobs ();
  g_autoptr (GError) error = NULL;
  FerryRemoteJob *job = ferry_resolve_pick (jobs, word, &error);

  g_assert_no_error (error);
  g_assert_nonnull (job);
  g_assert_cmpstr (job->id, ==, id);
}

static void
check_not_found (const char *word, int code)
{
  g_autoptr (GPtrArray) jobs = make_jobs ();
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_resolve_pick (jobs, word, &error));
  g_assert_error (error, G_DBUS_ERROR, code);
}

static void
test_found (void)
{
  check_found (ID_A, ID_A);
  check_found ("3f2a0", ID_A);
  check_found ("b", ID_C);
  check_found ("photos", ID_A);
}

static void
test_not_found (void)
{
  check_not_found ("", G_DBUS_ERROR_UNKNOWN_OBJECT);
  check_not_found ("4", G_DBUS_ERROR_UNKNOWN_OBJECT);
  check_not_found ("photo", G_DBUS_ERROR_UNKNOWN_OBJECT);
  check_not_found ("Photos", G_DBUS_ERROR_UNKNOWN_OBJECT);
  check_not_found ("3f2a0000000000000000000000000009", G_DBUS_ERROR_UNKNOWN_OBJECT);
  check_not_found (ID_A "0", G_DBUS_ERROR_UNKNOWN_OBJECT);
  check_not_found ("\xff\xfe", G_DBUS_ERROR_UNKNOWN_OBJECT);
}

static void
test_ambiguous (void)
{
  g_autoptr (GPtrArray) jobs = make_jobs ();
  g_autoptr (GError) error = NULL;

  check_not_found ("3f2a", G_DBUS_ERROR_INVALID_ARGS);
  check_not_found ("same", G_DBUS_ERROR_INVALID_ARGS);

  g_assert_null (ferry_resolve_pick (jobs, "3f", &error));
  g_assert_nonnull (strstr (error->message, "3f2a0"));
  g_assert_nonnull (strstr (error->message, "3f2a1"));
}

static void
add_ended (GPtrArray *jobs, const char *id, const char *name, guint64 created)
{
  FerryRemoteJob *job;

  add (jobs, id, name);
  job = g_ptr_array_index (jobs, jobs->len - 1);
  g_hash_table_insert (job->properties, g_strdup ("State"),
                       g_variant_ref_sink (g_variant_new_string ("acknowledged")));
  g_hash_table_insert (job->properties, g_strdup ("CreationTime"),
                       g_variant_ref_sink (g_variant_new_uint64 (created)));
}

/* Of those that have ended a name means the newest; a beginning of ids still means none. */
static void
test_ended (void)
{
  g_autoptr (GPtrArray)
      jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_remote_job_free);
  g_autoptr (GError) error = NULL;
  FerryRemoteJob *job;

  add_ended (jobs, ID_A, "a.zip", 5);
  add_ended (jobs, ID_B, "a.zip", 9);
  add_ended (jobs, ID_C, "a.zip", 7);
  job = ferry_resolve_pick (jobs, "a.zip", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (job->id, ==, ID_B);
  g_assert_null (ferry_resolve_pick (jobs, "3f2a", &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  g_clear_error (&error);

  /* Beside one that goes on it is not sure any more. */
  add (jobs, "00000000000000000000000000000004", "a.zip");
  g_assert_null (ferry_resolve_pick (jobs, "a.zip", &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
}

/* A name that is the beginning of another job's id means neither for sure. */
static void
test_name_like_id (void)
{
  g_autoptr (GPtrArray) jobs = make_jobs ();
  g_autoptr (GError) error = NULL;

  add (jobs, "00000000000000000000000000000004", "beef");
  g_assert_null (ferry_resolve_pick (jobs, "beef", &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
}

static void
test_short_length (void)
{
  g_autoptr (GPtrArray)
      none = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_remote_job_free);
  g_autoptr (GPtrArray) jobs = make_jobs ();

  g_assert_cmpuint (ferry_resolve_short_length (none), ==, FERRY_SHORT_ID_MIN);
  g_assert_cmpuint (ferry_resolve_short_length (jobs), ==, 5);
  add (jobs, "3f2a0000000000000000000000000002", "twin");
  g_assert_cmpuint (ferry_resolve_short_length (jobs), ==, 32);
}

static void
test_is_id (void)
{
  g_assert_true (ferry_resolve_is_id (ID_A));
  g_assert_false (ferry_resolve_is_id ("3F2A0000000000000000000000000001"));
  g_assert_false (ferry_resolve_is_id ("3f2a000000000000000000000000000"));
  g_assert_false (ferry_resolve_is_id ("../../000000000000000000000000001"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/resolve/found", test_found);
  g_test_add_func ("/client/resolve/not-found", test_not_found);
  g_test_add_func ("/client/resolve/ambiguous", test_ambiguous);
  g_test_add_func ("/client/resolve/ended", test_ended);
  g_test_add_func ("/client/resolve/name-like-id", test_name_like_id);
  g_test_add_func ("/client/resolve/short-length", test_short_length);
  g_test_add_func ("/client/resolve/is-id", test_is_id);
  return g_test_run ();
}
