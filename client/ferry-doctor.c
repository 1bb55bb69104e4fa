/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `ferry doctor`: asks the service, the bus and the machine how they are. What follows from the answers is in
 * ferry-judge.c. */

#include "ferry-client.h"
#include "ferry-commands.h"
#include "ferry-command-line.h"
#include "ferry-json.h"
#include "ferry-judge.h"
#include "ferry-names.h"
#include "ferry-print.h"
#include "ferry-screen.h"

#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Nobody waits a minute for a doctor. */
#define TIMEOUT_MS 10000

#define BUS_NAME     "org.freedesktop.DBus"
#define BUS_PATH     "/org/freedesktop/DBus"
#define POLKIT_NAME  "org.freedesktop.PolicyKit1"
#define SYSTEMD_NAME "org.freedesktop.systemd1"

#define UNITS_TYPE   "(a(ssssssouso))"
#define ACTIONS_TYPE "(a(ssssssuuua{ss}))"

/* == the bus == */

static GVariant *
call_other (FerryClient *client, const char *name, const char *path, const char *interface,
            const char *method, GVariant *arguments, const char *reply_type, GError **error)
{
  return g_dbus_connection_call_sync (client->bus, name, path, interface, method, arguments,
                                      G_VARIANT_TYPE (reply_type), G_DBUS_CALL_FLAGS_NONE,
                                      TIMEOUT_MS, NULL, error);
}

static gboolean
is_running (FerryClient *client, const char *name)
{
  g_autoptr (GVariant) reply = call_other (client, BUS_NAME, BUS_PATH, BUS_NAME, "NameHasOwner",
                                           g_variant_new ("(s)", name), "(b)", NULL);
  gboolean running = FALSE;

  if (reply != NULL)
    g_variant_get (reply, "(b)", &running);
  return running;
}

/* Whether a call reaches @name: it runs, or the bus starts it. */
static gboolean
is_there (FerryClient *client, const char *name)
{
  g_autoptr (GVariant) reply = NULL;
  g_autofree const char **names = NULL;

  if (is_running (client, name))
    return TRUE;

  reply = call_other (client, BUS_NAME, BUS_PATH, BUS_NAME, "ListActivatableNames", NULL, "(as)",
                      NULL);
  if (reply != NULL)
    g_variant_get (reply, "(^a&s)", &names);
  return names != NULL && g_strv_contains (names, name);
}

/* == the service == */

/* Returns: (transfer full) (nullable): the version of a service that does not know GetStatus */
static char *
get_version (FerryClient *client)
{
  g_autoptr (GVariant)
      reply = ferry_client_call (client, FERRY_ROOT_PATH, FERRY_PROPERTIES_INTERFACE, "Get",
                                 g_variant_new ("(ss)", FERRY_MANAGER_INTERFACE, "Version"), "(v)",
                                 NULL);
  g_autoptr (GVariant) value = NULL;

  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(v)", &value);
  return g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) ? g_variant_dup_string (value, NULL)
                                                             : NULL;
}

static void
add_silence (GPtrArray *checks, const GError *error)
{
  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN))
    ferry_checks_add (checks, "service", FERRY_CHECK_PROBLEM,
                      g_strdup ("it is not running, and the bus cannot start it"),
                      "Install Ferry, or start ferryd; `man ferryd` says how.");
  else
    ferry_checks_add (checks, "service", FERRY_CHECK_PROBLEM, ferry_exit_describe (error),
                      "`systemctl status ferryd` and `journalctl -u ferryd` say why.");
}

/* Returns: (transfer full) (nullable): its version, %NULL when it does not answer */
static char *
examine_service (FerryClient *client, GVariant **status, GPtrArray *checks)
{
  gboolean ran = is_running (client, FERRY_BUS_NAME);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = ferry_client_call_manager (client, "GetStatus", NULL, "(a{sv})", &error);
  char *version = NULL;

  if (reply != NULL)
    {
      *status = g_variant_get_child_value (reply, 0);
      g_variant_lookup (*status, "Version", "s", &version);
    }
  else if (!ferry_exit_is_no_service (error))
    version = get_version (client);

  if (version == NULL)
    add_silence (checks, error);
  else
    ferry_checks_add (checks, "service", FERRY_CHECK_OK,
                      g_strdup (ran ? "running" : "the bus started it just now"), NULL);
  return version;
}

static void
examine_policy (FerryClient *client, GPtrArray *checks)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = ferry_client_call (client, FERRY_ROOT_PATH, FERRY_POLICY_INTERFACE,
                                                  "GetEffective", NULL, "(a{sa{sv}})", &error);
  g_autoptr (GVariant) policy = NULL;

  if (reply == NULL)
    {
      ferry_checks_add (checks, "policy", FERRY_CHECK_PROBLEM, ferry_exit_describe (error), NULL);
      return;
    }
  policy = g_variant_get_child_value (reply, 0);
  ferry_judge_policy (checks, policy);
}

static void
examine_jobs (FerryClient *client, GPtrArray *checks)
{
  gboolean everybody = geteuid () == 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) jobs = everybody ? ferry_remote_jobs_load_foreign (client, NULL, &error)
                                         : ferry_remote_jobs_load (client, &error);

  if (jobs == NULL)
    ferry_checks_add (checks, "jobs", FERRY_CHECK_PROBLEM, ferry_exit_describe (error), NULL);
  else
    ferry_judge_jobs (checks, jobs, everybody);
}

/* == its surroundings == */

static void
examine_polkit (FerryClient *client, GPtrArray *checks)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) actions = NULL;

  if (!is_there (client, POLKIT_NAME))
    {
      ferry_judge_polkit (checks, NULL);
      return;
    }

  reply = call_other (client, POLKIT_NAME, "/org/freedesktop/PolicyKit1/Authority",
                      "org.freedesktop.PolicyKit1.Authority", "EnumerateActions",
                      g_variant_new ("(s)", ""), ACTIONS_TYPE, &error);
  if (reply == NULL)
    {
      ferry_checks_add (checks, "polkit", FERRY_CHECK_PROBLEM, ferry_exit_describe (error),
                        "`systemctl status polkit` says more.");
      return;
    }
  actions = g_variant_get_child_value (reply, 0);
  ferry_judge_polkit (checks, actions);
}

static void
examine_units (FerryClient *client, GPtrArray *checks)
{
  static const char *const states[] = { NULL };
  static const char *const patterns[] = { "ferryd.service", "ferry-worker@*.service", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) units = NULL;

  if (!is_running (client, SYSTEMD_NAME))
    {
      ferry_judge_units (checks, NULL);
      return;
    }

  reply = call_other (client, SYSTEMD_NAME, "/org/freedesktop/systemd1",
                      "org.freedesktop.systemd1.Manager", "ListUnitsByPatterns",
                      g_variant_new ("(^as^as)", states, patterns), UNITS_TYPE, &error);
  if (reply == NULL)
    {
      ferry_checks_add (checks, "units", FERRY_CHECK_PROBLEM, ferry_exit_describe (error), NULL);
      return;
    }
  units = g_variant_get_child_value (reply, 0);
  ferry_judge_units (checks, units);
}

/* Where libdconf looks, in its order. */
static void
examine_dconf (GPtrArray *checks)
{
  const char *const *directories = g_get_system_data_dirs ();
  g_autofree char *path = g_build_filename ("/etc/dconf/profile", FERRY_DCONF_PROFILE, NULL);

  for (guint i = 0; access (path, F_OK) != 0; i++)
    {
      g_clear_pointer (&path, g_free);
      if (directories[i] == NULL)
        break;
      path = g_build_filename (directories[i], "dconf", "profile", FERRY_DCONF_PROFILE, NULL);
    }
  ferry_judge_dconf (checks, path);
}

static void
examine_home (GPtrArray *checks)
{
  const char *home = g_get_home_dir ();
  guint64 bytes = G_MAXUINT64;
  struct statvfs info;

  if (statvfs (home, &info) == 0)
    bytes = (guint64) info.f_bavail * info.f_frsize;
  ferry_judge_home (checks, home, bytes);
}

/* Returns: whether the service answered */
static gboolean
examine (FerryClient *client, GPtrArray *checks)
{
  g_autoptr (GVariant) status = NULL;
  g_autofree char *version = examine_service (client, &status, checks);

  if (version != NULL)
    {
      ferry_judge_version (checks, version);
      if (status != NULL)
        ferry_judge_status (checks, status);
      examine_policy (client, checks);
      examine_jobs (client, checks);
    }
  examine_dconf (checks);
  examine_polkit (client, checks);
  examine_units (client, checks);
  examine_home (checks);
  return version != NULL;
}

/* == the command == */

static void
print (GPtrArray *checks)
{
  g_autoptr (FerryScreen) screen = ferry_screen_new (STDOUT_FILENO);
  g_autofree char *text = ferry_checks_render (checks, ferry_print_get_width (),
                                               ferry_screen_is_utf8 (screen),
                                               ferry_screen_has_colour (screen));

  fputs (text, stdout);
}

FerryExit
ferry_command_doctor (int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "as JSON: one object", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;
  g_autoptr (GPtrArray) checks = ferry_checks_new ();
  gboolean answered;

  if (!ferry_command_line_parse ("doctor", entries, 0, 0, &argc, &argv, &error))
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);

  client->flags = G_DBUS_CALL_FLAGS_NONE;
  client->timeout = TIMEOUT_MS;
  answered = examine (client, checks);
  if (json)
    ferry_json_print (ferry_checks_to_json (checks), TRUE);
  else
    print (checks);

  if (!answered)
    return FERRY_EXIT_NO_SERVICE;
  return ferry_checks_count_problems (checks) == 0 ? FERRY_EXIT_DONE : FERRY_EXIT_FAILED;
}
