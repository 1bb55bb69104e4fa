/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dconf-fixture.h"

#include "ferry-policy.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_VARIABLE "FERRY_TEST_DCONF_DIRECTORY"

static const char bus_configuration[] =
    "<busconfig><type>system</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>"
    "<policy context='default'><allow user='*'/><allow own='*'/><allow send_destination='*'/>"
    "<allow send_type='signal'/><allow receive_type='signal'/><allow receive_sender='*'/></policy>"
    "</busconfig>";

static char *directory;
static GSubprocess *bus;
static GDBusConnection *connection;
static GString *messages;

static const char *
find_field (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    {
      if (g_str_equal (fields[i].key, key))
        return fields[i].value;
    }

  return NULL;
}

/* Events are kept with the other messages. libdconf, which logs this way too, remarks on each database that is absent. */
static GLogWriterOutput
writer_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (g_strcmp0 (find_field (fields, n_fields, "GLIB_DOMAIN"), "dconf") == 0)
    return G_LOG_WRITER_HANDLED;
  if (find_field (fields, n_fields, "MESSAGE_ID") == NULL)
    return g_log_writer_default (level, fields, n_fields, data);

  g_string_append_printf (messages, "%s\n", find_field (fields, n_fields, "MESSAGE"));
  return G_LOG_WRITER_HANDLED;
}

static void
log_cb (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if ((level & G_LOG_LEVEL_DEBUG) != 0)
    return;
  g_string_append_printf (messages, "%s\n", message);
}

static void
run (const char *const *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_NONE, &error);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
  g_assert_no_error (error);
}

static void
start_bus (void)
{
  g_autofree char *path = g_build_filename (directory, "bus.conf", NULL);
  g_autofree char *text = g_strdup_printf (bus_configuration, directory);
  g_autofree char *argument = g_strconcat ("--config-file=", path, NULL);
  g_autofree char *address = g_strdup_printf ("unix:path=%s/bus", directory);
  const char *arguments[] = { "dbus-daemon", "--nofork", "--print-address", argument, NULL };
  g_autoptr (GError) error = NULL;
  char byte;

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  bus = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  g_assert_no_error (error);
  /* It prints its address when it listens. */
  g_assert_cmpint (g_input_stream_read (g_subprocess_get_stdout_pipe (bus), &byte, 1, NULL, NULL),
                   ==, 1);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);

  /* The one that libdconf will use; the end of the bus shall not be ours. */
  connection = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);
  g_assert_no_error (error);
  g_dbus_connection_set_exit_on_close (connection, FALSE);
}

static const char *
enter_namespace (void)
{
  g_autofree char *etc = g_build_filename (directory, "etc", NULL);

  if (geteuid () != 0)
    return "needs root, for an /etc/dconf of its own";
  if (!g_file_test ("/etc/dconf", G_FILE_TEST_IS_DIR))
    return "there is no /etc/dconf to mount on";
  if (unshare (CLONE_NEWNS) < 0 || mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
      g_mkdir (etc, 0755) < 0 || mount (etc, "/etc/dconf", NULL, MS_BIND, NULL) < 0)
    return "may not make a mount namespace here";
  return NULL;
}

const char *
dconf_fixture_enter (void)
{
  const char *problem;
  g_autofree char *runtime = NULL;

  messages = g_string_new (NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  g_log_set_default_handler (log_cb, NULL);
  g_log_set_writer_func (writer_cb, NULL, NULL);

  directory = g_strdup (g_getenv (DIRECTORY_VARIABLE));
  if (directory != NULL)
    return NULL;

  umask (022);
  directory = g_dir_make_tmp ("ferry-dconf-XXXXXX", NULL);
  g_assert_nonnull (directory);
  g_assert_cmpint (g_chmod (directory, 0777), ==, 0);
  problem = enter_namespace ();
  if (problem != NULL)
    return problem;

  runtime = g_build_filename (directory, "run", NULL);
  g_assert_cmpint (g_mkdir (runtime, 0700), ==, 0);
  ferry_policy_prepare_environment (runtime);
  start_bus ();
  g_setenv (DIRECTORY_VARIABLE, directory, TRUE);
  return NULL;
}

void
dconf_fixture_leave (void)
{
  const char *const arguments[] = { "rm", "-rf", directory, NULL };

  if (bus != NULL)
    {
      g_clear_object (&connection);
      g_subprocess_force_exit (bus);
      g_subprocess_wait (bus, NULL, NULL);
      g_clear_object (&bus);
      umount2 ("/etc/dconf", MNT_DETACH);
    }
  run (arguments);
  g_clear_pointer (&directory, g_free);
}

void
dconf_fixture_write (const char *name, const char *text)
{
  g_autofree char *path = g_build_filename ("/etc/dconf", name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  if (text == NULL)
    {
      g_assert_true (g_unlink (path) == 0 || errno == ENOENT);
      return;
    }

  g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
}

void
dconf_fixture_update (int mask)
{
  static const char *const arguments[] = { "dconf", "update", NULL };
  mode_t before = umask ((mode_t) mask);

  run (arguments);
  umask (before);
}

void
dconf_fixture_reset (void)
{
  static const char *const arguments[] = { "sh", "-c", "rm -rf /etc/dconf/*", NULL };
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "..", "..", "data", "dconf",
                                                 "profile", "ferry", NULL);
  g_autofree char *profile = NULL;

  run (arguments);
  g_assert_true (g_file_get_contents (path, &profile, NULL, NULL));
  dconf_fixture_write ("profile/ferry", profile);
  g_assert_cmpint (g_mkdir ("/etc/dconf/db", 0755), ==, 0);
  g_string_truncate (messages, 0);
}

void
dconf_fixture_set (const char *database, const char *keys, const char *locks)
{
  g_autofree char *name = g_strdup_printf ("db/%s.d/00-test", database);
  g_autofree char *locks_name = g_strdup_printf ("db/%s.d/locks/00-test", database);
  g_autofree char *text = g_strdup_printf ("[org/ferry/transfer1/policy]\n%s\n", keys);
  g_autoptr (GString) lines = g_string_new (NULL);
  g_auto (GStrv) locked = g_strsplit (locks != NULL ? locks : "", " ", -1);

  dconf_fixture_write (name, text);
  for (guint i = 0; locked[i] != NULL; i++)
    g_string_append_printf (lines, "/org/ferry/transfer1/policy/%s\n", locked[i]);
  dconf_fixture_write (locks_name, locks != NULL ? lines->str : NULL);
  dconf_fixture_update (022);
}

char *
dconf_fixture_take_log (void)
{
  GString *taken = messages;

  messages = g_string_new (NULL);
  return g_string_free (taken, FALSE);
}

const char *
dconf_fixture_get_directory (void)
{
  return directory;
}
