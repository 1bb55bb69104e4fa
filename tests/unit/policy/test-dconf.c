/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy from the real dconf, with a real `dconf update` and a real bus of type system. */

#include "dconf-fixture.h"

#include "ferry-names.h"
#include "ferry-policy-dconf.h"
#include "ferry-policy.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

typedef struct
{
  char *state; /* (owned): directory of the store */
  FerryStore *store;
  FerryPolicy *policy;
} Fixture;

static void
open_policy (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  self->store = ferry_store_new (self->state, &error);
  g_assert_no_error (error);
  self->policy = ferry_policy_new (self->store);
}

static void
close_policy (Fixture *self)
{
  g_assert_finalize_object (self->policy);
  ferry_store_close (self->store);
  g_assert_finalize_object (self->store);
}

/* As a new start of ferryd. */
static void
reopen_policy (Fixture *self)
{
  close_policy (self);
  open_policy (self);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  if (g_test_subprocess ())
    return;

  dconf_fixture_reset ();
  self->state = g_dir_make_tmp ("ferry-policy-XXXXXX", NULL);
  g_assert_nonnull (self->state);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (g_test_subprocess ())
    {
      g_free (self->state);
      return;
    }

  dir = g_dir_open (self->state, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->state, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (self->state), ==, 0);
  g_free (self->state);
}

static void
assert_state (Fixture *self, FerryPolicyKey key, guint32 value, const char *source)
{
  g_assert_cmpuint (ferry_policy_get (self->policy, key), ==, value);
  g_assert_cmpstr (ferry_policy_source_to_string (ferry_policy_get_source (self->policy, key)), ==,
                   source);
}

static void
assert_log (const char *const *parts)
{
  g_autofree char *log = dconf_fixture_take_log ();
  guint lines = 0;

  for (const char *at = log; (at = strchr (at, '\n')) != NULL; at++)
    lines++;
  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (strstr (log, parts[i]) == NULL)
        g_error ("\"%s\" is not in the log: %s", parts[i], log);
    }
  if (lines != g_strv_length ((char **) parts))
    g_error ("too many or too few messages: %s", log);
}

#define ASSERT_LOG(...) assert_log ((const char *const[]){ __VA_ARGS__ __VA_OPT__ (, ) NULL })

static gboolean
is_listed (GStrv keys, FerryPolicyKey key)
{
  return g_strv_contains ((const char *const *) keys, ferry_policy_key_to_string (key));
}

static void
changed_cb (FerryPolicy *policy, GStrv keys, GStrv *result)
{
  g_assert_null (*result);
  *result = g_strdupv (keys);
}

/* Returns the keys of the next "changed". */
static GStrv
wait_for_change (Fixture *self)
{
  GStrv keys = NULL;
  gulong handler = g_signal_connect (self->policy, "changed", G_CALLBACK (changed_cb), &keys);

  while (keys == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_signal_handler_disconnect (self->policy, handler);
  return keys;
}

static GVariant *
get_entry (Fixture *self, const char *key)
{
  g_autoptr (GVariant) all = g_variant_ref_sink (ferry_policy_get_effective (self->policy));

  return g_variant_lookup_value (all, key, G_VARIANT_TYPE_VARDICT);
}

/* --- cases --- */

static void
test_defaults (Fixture *self, gconstpointer data)
{
  g_autoptr (GVariant) entry = NULL;
  guint32 number;
  const char *text;
  gboolean can_set;

  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 60, "default");
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_MACHINE, 300, "default");
  assert_state (self, FERRY_POLICY_MAX_FILES_PER_JOB, 200, "default");
  assert_state (self, FERRY_POLICY_MAX_RANGES_PER_FILE, 500, "default");
  assert_state (self, FERRY_POLICY_JOB_INACTIVITY_TIMEOUT, 90, "default");
  assert_state (self, FERRY_POLICY_MAX_DOWNLOAD_TIME, 7776000, "default");
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 4, "default");
  assert_state (self, FERRY_POLICY_FINISHED_JOB_RETENTION, 86400, "default");

  entry = get_entry (self, "job-inactivity-timeout");
  g_assert_true (g_variant_lookup (entry, "Value", "u", &number));
  g_assert_cmpuint (number, ==, 90);
  g_assert_true (g_variant_lookup (entry, "Default", "u", &number));
  g_assert_cmpuint (number, ==, 90);
  g_assert_true (g_variant_lookup (entry, "Minimum", "u", &number));
  g_assert_cmpuint (number, ==, 1);
  g_assert_true (g_variant_lookup (entry, "Maximum", "u", &number));
  g_assert_cmpuint (number, ==, 999);
  g_assert_true (g_variant_lookup (entry, "Source", "&s", &text));
  g_assert_cmpstr (text, ==, "default");
  g_assert_true (g_variant_lookup (entry, "Unit", "&s", &text));
  g_assert_cmpstr (text, ==, "days");
  g_assert_true (g_variant_lookup (entry, "Summary", "&s", &text));
  g_assert_true (g_variant_lookup (entry, "Description", "&s", &text));
  g_assert_true (g_variant_lookup (entry, "CanSet", "b", &can_set));
  g_assert_true (can_set);
  ASSERT_LOG ();
  close_policy (self);
}

static void
test_values (Fixture *self, gconstpointer data)
{
  dconf_fixture_set ("ferry",
                     "max-jobs-per-user=8\nmax-active-jobs=uint32 9\nmax-files-per-job=int64 10\n"
                     "job-inactivity-timeout=byte 0x0b",
                     NULL);
  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "administrator");
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 9, "administrator");
  assert_state (self, FERRY_POLICY_MAX_FILES_PER_JOB, 10, "administrator");
  assert_state (self, FERRY_POLICY_JOB_INACTIVITY_TIMEOUT, 11, "administrator");
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_MACHINE, 300, "default");
  ASSERT_LOG ();
  close_policy (self);
}

static void
test_order (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) entry = NULL;
  g_auto (GStrv) keys = NULL;
  gboolean can_set = TRUE;

  dconf_fixture_set ("ferry", "max-jobs-per-user=8", NULL);
  open_policy (self);
  g_assert_true (
      ferry_policy_set (self->policy, "max-jobs-per-user", g_variant_new_int64 (9), &error));
  g_assert_no_error (error);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 9, "bus");

  reopen_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 9, "bus");

  /* Locked while it runs. */
  dconf_fixture_set ("ferry", "max-jobs-per-user=8", "max-jobs-per-user");
  keys = wait_for_change (self);
  g_assert_cmpuint (g_strv_length (keys), ==, 1);
  g_assert_true (is_listed (keys, FERRY_POLICY_MAX_JOBS_PER_USER));
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "locked");
  entry = get_entry (self, "max-jobs-per-user");
  g_assert_true (g_variant_lookup (entry, "CanSet", "b", &can_set));
  g_assert_false (can_set);
  g_assert_false (
      ferry_policy_set (self->policy, "max-jobs-per-user", g_variant_new_int32 (7), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_POLICY_LOCKED);
  g_clear_error (&error);
  g_assert_false (ferry_policy_reset (self->policy, "max-jobs-per-user", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_POLICY_LOCKED);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "locked");
  g_clear_pointer (&keys, g_strfreev);

  /* What was set before comes back with the lock gone. */
  dconf_fixture_set ("ferry", "max-jobs-per-user=8", NULL);
  keys = wait_for_change (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 9, "bus");
  g_assert_true (ferry_policy_reset (self->policy, "max-jobs-per-user", NULL));
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "administrator");
  ASSERT_LOG ();
  close_policy (self);
}

static void
test_locked_default (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  dconf_fixture_set ("ferry", "", "max-active-jobs");
  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 4, "locked");
  g_assert_false (
      ferry_policy_set (self->policy, "max-active-jobs", g_variant_new_int32 (7), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_POLICY_LOCKED);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 60, "default");
  close_policy (self);
}

static void
test_live (Fixture *self, gconstpointer data)
{
  g_auto (GStrv) keys = NULL;

  open_policy (self);
  dconf_fixture_set ("local", "max-active-jobs=2\nfinished-job-retention=0", NULL);
  keys = wait_for_change (self);
  g_assert_cmpuint (g_strv_length (keys), ==, 2);
  g_assert_true (is_listed (keys, FERRY_POLICY_MAX_ACTIVE_JOBS));
  g_assert_true (is_listed (keys, FERRY_POLICY_FINISHED_JOB_RETENTION));
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 2, "administrator");
  assert_state (self, FERRY_POLICY_FINISHED_JOB_RETENTION, 0, "administrator");

  g_clear_pointer (&keys, g_strfreev);
  dconf_fixture_set ("local", "finished-job-retention=0", NULL);
  keys = wait_for_change (self);
  g_assert_cmpuint (g_strv_length (keys), ==, 1);
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 4, "default");
  ASSERT_LOG ();
  close_policy (self);
}

static void
test_nonsense (Fixture *self, gconstpointer data)
{
  g_autoptr (GVariant) entry = NULL;
  g_auto (GStrv) keys = NULL;
  const char *text;

  dconf_fixture_set ("ferry", "max-jobs-per-user=8\nmax-active-jobs=9", NULL);
  open_policy (self);

  dconf_fixture_set ("ferry",
                     "max-jobs-per-user='many'\nmax-active-jobs=1001\nmax-job-per-user=7\n"
                     "max-files-per-job=-1",
                     NULL);
  keys = wait_for_change (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "invalid");
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 9, "invalid");
  assert_state (self, FERRY_POLICY_MAX_FILES_PER_JOB, 200, "invalid");
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_MACHINE, 300, "default");
  ASSERT_LOG ("max-jobs-per-user was given as 'many'", "max-active-jobs was given as 1001",
              "max-files-per-job was given as -1",
              "/org/ferry/transfer1/policy/max-job-per-user is no policy");
  entry = get_entry (self, "max-job-per-user");
  g_assert_true (g_variant_lookup (entry, "Source", "&s", &text));
  g_assert_cmpstr (text, ==, "invalid");

  /* The last good values survive, and the mistakes are told at each start. */
  reopen_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "invalid");
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 9, "invalid");
  ASSERT_LOG ("max-jobs-per-user", "max-active-jobs", "max-files-per-job", "max-job-per-user");

  /* It stays quiet about what it has told. */
  g_clear_pointer (&keys, g_strfreev);
  dconf_fixture_set ("ferry", "max-jobs-per-user='many'\nmax-active-jobs=5", NULL);
  keys = wait_for_change (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "invalid");
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 5, "administrator");
  assert_state (self, FERRY_POLICY_MAX_FILES_PER_JOB, 200, "default");
  ASSERT_LOG ();
  close_policy (self);
}

static void
test_nonsense_beside_bus (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  dconf_fixture_set ("ferry", "max-jobs-per-user='many'\nmax-active-jobs='few'", "max-active-jobs");
  open_policy (self);
  g_assert_true (
      ferry_policy_set (self->policy, "max-jobs-per-user", g_variant_new_byte (5), &error));
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 5, "bus");
  g_assert_false (
      ferry_policy_set (self->policy, "max-active-jobs", g_variant_new_byte (5), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_POLICY_LOCKED);
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 4, "invalid");
  close_policy (self);
}

static void
test_bus_arguments (Fixture *self, gconstpointer data)
{
  static const char *const bad[] = { "0", "'5'", "1000001", "-5" };
  g_autoptr (GError) error = NULL;

  open_policy (self);
  g_assert_false (ferry_policy_set (self->policy, "max-jobs", g_variant_new_byte (5), &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  g_assert_nonnull (strstr (error->message, "\"max-jobs\""));
  g_clear_error (&error);
  g_assert_false (ferry_policy_reset (self->policy, "max-jobs", &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  g_clear_error (&error);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_false (ferry_policy_set (self->policy, "max-jobs-per-user",
                                        g_variant_new_parsed (bad[i]), &error));
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
      g_clear_error (&error);
    }
  g_assert_true (ferry_policy_set (self->policy, "max-jobs-per-user",
                                   g_variant_new_variant (g_variant_new_int32 (5)), &error));
  g_assert_no_error (error);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 5, "bus");
  ASSERT_LOG ();
  close_policy (self);
}

/* What could not be stored does not hold either. */
static void
test_store_failed (Fixture *self, gconstpointer data)
{
  g_autofree char *log_path = g_build_filename (self->state, "ferry.db-wal", NULL);
  g_auto (GStrv) keys = NULL;
  struct rlimit limit = { 0, RLIM_INFINITY };
  struct stat status;

  open_policy (self);
  g_assert_cmpint (stat (log_path, &status), ==, 0);
  limit.rlim_cur = (rlim_t) status.st_size;
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_true (
      ferry_policy_set (self->policy, "max-jobs-per-user", g_variant_new_byte (5), NULL));
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 5, "bus");
  keys = wait_for_change (self);
  limit.rlim_cur = RLIM_INFINITY;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_true (is_listed (keys, FERRY_POLICY_MAX_JOBS_PER_USER));
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 60, "default");
  ASSERT_LOG ("The change could not be stored");
  close_policy (self);
}

/* A value that an earlier release took, and this one would not. */
static void
test_stale_bus_value (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->store = ferry_store_new (self->state, &error);
  g_assert_no_error (error);
  ferry_store_set_value (self->store, "policy.max-active-jobs", g_variant_new_uint32 (5000));
  self->policy = ferry_policy_new (self->store);
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 4, "default");
  ASSERT_LOG ("max-active-jobs was given as 5000");
  close_policy (self);
}

/* A profile given by its path stays; a name is overruled. */
static void
test_own_profile (Fixture *self, gconstpointer data)
{
  g_autofree char *run = g_strdup (g_getenv ("XDG_RUNTIME_DIR"));

  dconf_fixture_set ("ferry", "max-jobs-per-user=8", NULL);
  dconf_fixture_write ("own", "user-db:x\nfile-db:/etc/dconf/db/ferry");
  g_setenv ("DCONF_PROFILE", "/etc/dconf/own", TRUE);
  ferry_policy_prepare_environment (run);
  dconf_fixture_write ("profile/ferry", "user-db:ferry\n");
  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "administrator");
  close_policy (self);

  g_setenv ("DCONF_PROFILE", "user", TRUE);
  ferry_policy_prepare_environment (run);
  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 60, "default");
  ASSERT_LOG ();
  close_policy (self);
}

/* ADSys writes the computer's policy into machine.d, locks included. */
static void
test_adsys (Fixture *self, gconstpointer data)
{
  dconf_fixture_set ("local", "max-jobs-per-user=10\nmax-active-jobs=11\nmax-files-per-job=12",
                     NULL);
  dconf_fixture_set ("ferry", "max-active-jobs=15\njob-inactivity-timeout=16", NULL);
  dconf_fixture_write ("db/machine.d/adsys", "[org/ferry/transfer1/policy]\nmax-jobs-per-user=20\n"
                                             "max-active-jobs=21\njob-inactivity-timeout=22\n");
  dconf_fixture_write ("db/machine.d/locks/adsys",
                       "/org/ferry/transfer1/policy/job-inactivity-timeout\n");
  dconf_fixture_update (022);
  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_FILES_PER_JOB, 12, "administrator");
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 20, "administrator");
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 15, "administrator");
  /* Its lock holds against the database that comes before. */
  assert_state (self, FERRY_POLICY_JOB_INACTIVITY_TIMEOUT, 22, "locked");
  ASSERT_LOG ();
  close_policy (self);
}

static void
test_garbage (Fixture *self, gconstpointer data)
{
  dconf_fixture_set ("ferry", "max-jobs-per-user=8", "max-jobs-per-user");
  dconf_fixture_set ("local", "max-active-jobs=9", NULL);
  open_policy (self);
  close_policy (self);

  dconf_fixture_write ("db/local", "this is no database at all");
  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "invalid");
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 9, "invalid");
  assert_state (self, FERRY_POLICY_MAX_FILES_PER_JOB, 200, "invalid");
  ASSERT_LOG ("/etc/dconf/db/local is no dconf database");
  g_assert_false (
      ferry_policy_set (self->policy, "max-jobs-per-user", g_variant_new_byte (5), NULL));
  close_policy (self);
}

static void
test_no_profile (Fixture *self, gconstpointer data)
{
  dconf_fixture_set ("ferry", "max-jobs-per-user=8", NULL);
  dconf_fixture_write ("profile/ferry", NULL);
  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 60, "default");
  ASSERT_LOG ();
  close_policy (self);
}

static void
test_bad_profile (Fixture *self, gconstpointer data)
{
  dconf_fixture_set ("ferry", "max-jobs-per-user=8", NULL);
  open_policy (self);
  close_policy (self);

  dconf_fixture_write ("profile/ferry", "# a comment\n\nsystem-db:ferry # first\nuser-db:ferry\n");
  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "invalid");
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 4, "invalid");
  ASSERT_LOG ("The first line of the dconf profile /etc/dconf/profile/ferry is "
              "\"system-db:ferry\"; it must be a user database");
  close_policy (self);

  dconf_fixture_write ("profile/ferry", "# nothing\n");
  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "invalid");
  ASSERT_LOG ("names no database");
  close_policy (self);

  dconf_fixture_write ("profile/ferry", "user-db:own\nsystem-db:ferry\n");
  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "administrator");
  ASSERT_LOG ();
  close_policy (self);
}

/* Made good while ferryd runs. */
static void
test_profile_mended (Fixture *self, gconstpointer data)
{
  g_auto (GStrv) keys = NULL;

  dconf_fixture_write ("profile/ferry", "system-db:ferry\n");
  open_policy (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 60, "invalid");
  dconf_fixture_write ("profile/ferry", "user-db:ferry\nsystem-db:ferry\n");
  dconf_fixture_set ("ferry", "max-jobs-per-user=8", NULL);
  keys = wait_for_change (self);
  assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "administrator");
  assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 4, "default");
  close_policy (self);
}

/* The databases as root makes them with a strict umask, read as ferryd's user would. */
static void
test_umask_child (Fixture *self, gconstpointer data)
{
  g_autofree char *run = g_build_filename (dconf_fixture_get_directory (), "run-nobody", NULL);

  g_assert_cmpint (setresgid (NOBODY, NOBODY, NOBODY), ==, 0);
  g_assert_cmpint (setresuid (NOBODY, NOBODY, NOBODY), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (run, 0700), ==, 0);
  ferry_policy_prepare_environment (run);

  /* Kept from one run to the next. */
  self->state = g_build_filename (dconf_fixture_get_directory (), "state-nobody", NULL);
  g_assert_cmpint (g_mkdir_with_parents (self->state, 0700), ==, 0);
  open_policy (self);
  if (g_getenv ("FERRY_TEST_UNREADABLE") == NULL)
    {
      assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "locked");
      ASSERT_LOG ();
    }
  else
    {
      assert_state (self, FERRY_POLICY_MAX_JOBS_PER_USER, 8, "invalid");
      assert_state (self, FERRY_POLICY_MAX_ACTIVE_JOBS, 4, "invalid");
      ASSERT_LOG (g_getenv ("FERRY_TEST_UNREADABLE"));
    }
  close_policy (self);
}

static void
run_as_nobody (const char *unreadable)
{
  if (unreadable != NULL)
    g_setenv ("FERRY_TEST_UNREADABLE", unreadable, TRUE);
  g_test_trap_subprocess ("/policy/dconf/umask/subprocess/nobody", 0, 0);
  g_test_trap_assert_passed ();
  g_unsetenv ("FERRY_TEST_UNREADABLE");
}

static void
test_umask (Fixture *self, gconstpointer data)
{
  dconf_fixture_set ("ferry", "max-jobs-per-user=8", "max-jobs-per-user");
  run_as_nobody (NULL);

  dconf_fixture_write ("db/ferry.d/01-more", "[org/ferry/transfer1/policy]\nmax-active-jobs=7\n");
  dconf_fixture_update (027);
  run_as_nobody ("The dconf database /etc/dconf/db/ferry cannot be read: Permission denied");

  dconf_fixture_write ("db/ferry.d/01-more", NULL);
  dconf_fixture_write ("db/ferry.d/02-more", "");
  dconf_fixture_update (022);
  run_as_nobody (NULL);

  g_assert_cmpint (g_chmod ("/etc/dconf/profile/ferry", 0600), ==, 0);
  run_as_nobody ("The dconf profile cannot be read");
}

typedef struct
{
  FerryPolicyDconf *dconf;
  guint calls;
  gint64 last;
} Counter;

static void
count_cb (gpointer data)
{
  Counter *counter = data;

  counter->calls++;
  counter->last = g_get_monotonic_time ();
  ferry_policy_snapshot_free (ferry_policy_dconf_read (counter->dconf));
}

static void
forge (GDBusConnection *connection)
{
  for (guint i = 0; i < 200; i++)
    g_dbus_connection_emit_signal (connection, NULL, "/ca/desrt/dconf/Writer/ferry",
                                   "ca.desrt.dconf.Writer", "WritabilityNotify",
                                   g_variant_new ("(s)", "/"), NULL);
  g_dbus_connection_flush_sync (connection, NULL, NULL);
}

/* Anybody may send dconf's signal; a second passes between two reads all the same. */
static void
test_forged (Fixture *self, gconstpointer data)
{
  Counter counter = { NULL, 0, 0 };
  g_autoptr (GDBusConnection) connection = g_dbus_connection_new_for_address_sync (
      g_getenv ("DBUS_SYSTEM_BUS_ADDRESS"),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
          G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, NULL);
  gint64 before;

  g_assert_nonnull (connection);
  counter.dconf = ferry_policy_dconf_new (count_cb, &counter);
  before = g_get_monotonic_time ();
  ferry_policy_snapshot_free (ferry_policy_dconf_read (counter.dconf));

  for (guint i = 1; i <= 2; i++)
    {
      forge (connection);
      while (counter.calls < i)
        g_main_context_iteration (NULL, TRUE);
      g_assert_cmpuint (counter.calls, ==, i);
      /* GLib's timeouts are exact to a millisecond. */
      g_assert_cmpint (counter.last - before, >=, 998 * 1000);
      before = counter.last;
    }

  ferry_policy_dconf_free (counter.dconf);
  g_dbus_connection_close_sync (connection, NULL, NULL);
}

int
main (int argc, char **argv)
{
  const char *problem;
  int result = 0;

  g_test_init (&argc, &argv, NULL);
  problem = dconf_fixture_enter ();
  if (problem != NULL)
    {
      g_print ("1..0 # SKIP %s\n", problem);
      dconf_fixture_leave ();
      return 0;
    }

#define ADD(name, func) g_test_add ("/policy/dconf/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("defaults", test_defaults);
  ADD ("values", test_values);
  ADD ("order", test_order);
  ADD ("locked-default", test_locked_default);
  ADD ("live", test_live);
  ADD ("nonsense", test_nonsense);
  ADD ("nonsense-beside-bus", test_nonsense_beside_bus);
  ADD ("bus-arguments", test_bus_arguments);
  ADD ("store-failed", test_store_failed);
  ADD ("stale-bus-value", test_stale_bus_value);
  ADD ("own-profile", test_own_profile);
  ADD ("adsys", test_adsys);
  ADD ("garbage", test_garbage);
  ADD ("no-profile", test_no_profile);
  ADD ("bad-profile", test_bad_profile);
  ADD ("profile-mended", test_profile_mended);
  ADD ("umask", test_umask);
  ADD ("umask/subprocess/nobody", test_umask_child);
  ADD ("forged", test_forged);
  result = g_test_run ();
  if (!g_test_subprocess ())
    dconf_fixture_leave ();
  return result;
}
