/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-error.h"
#include "ferry-exit.h"
#include "ferry-names.h"

#define DBUS "org.freedesktop.DBus.Error."

static void
test_names (void)
{
  static const struct
  {
    const char *name;
    FerryExit status;
  } rows[] = {
    { DBUS "InvalidArgs", FERRY_EXIT_USAGE },
    { DBUS "UnknownObject", FERRY_EXIT_NO_JOB },
    { DBUS "ServiceUnknown", FERRY_EXIT_NO_SERVICE },
    { DBUS "NameHasNoOwner", FERRY_EXIT_NO_SERVICE },
    { DBUS "NoReply", FERRY_EXIT_NO_SERVICE },
    { DBUS "Spawn.ExecFailed", FERRY_EXIT_NO_SERVICE },
    { "org.freedesktop.systemd1.UnitMasked", FERRY_EXIT_NO_SERVICE },
    { DBUS "InteractiveAuthorizationRequired", FERRY_EXIT_REFUSED },
    { DBUS "LimitsExceeded", FERRY_EXIT_REFUSED },
    { DBUS "NotSupported", FERRY_EXIT_FAILED },
    { FERRY_ERROR_PREFIX "NotAuthorized", FERRY_EXIT_REFUSED },
    { FERRY_ERROR_PREFIX "AuthorizationDismissed", FERRY_EXIT_REFUSED },
    { FERRY_ERROR_PREFIX "PolicyLocked", FERRY_EXIT_REFUSED },
    { FERRY_ERROR_PREFIX "TooManyJobsPerUser", FERRY_EXIT_REFUSED },
    { FERRY_ERROR_PREFIX "TooManyFilesInJob", FERRY_EXIT_REFUSED },
    /* It begins alike, but is the server's doing. */
    { FERRY_ERROR_PREFIX "TooManyRedirects", FERRY_EXIT_FAILED },
    { FERRY_ERROR_PREFIX "NotFound", FERRY_EXIT_FAILED },
    { FERRY_ERROR_PREFIX "TargetExists", FERRY_EXIT_FAILED },
    { "com.example.Whatever", FERRY_EXIT_FAILED },
    { "", FERRY_EXIT_FAILED },
    { NULL, FERRY_EXIT_FAILED },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (ferry_exit_from_name (rows[i].name), ==, rows[i].status);
}

/* As an error comes from the bus, with our domain registered and without. */
static void
test_remote (void)
{
  g_autoptr (GError) locked = NULL;
  g_autoptr (GError) foreign = NULL;
  g_autofree char *locked_text = NULL;
  g_autofree char *foreign_text = NULL;

  (void) FERRY_ERROR;
  locked = g_dbus_error_new_for_dbus_error (FERRY_ERROR_PREFIX "PolicyLocked", "it is locked");
  foreign = g_dbus_error_new_for_dbus_error ("com.example.Odd", "so it is");
  locked_text = ferry_exit_describe (locked);
  foreign_text = ferry_exit_describe (foreign);

  g_assert_cmpint (ferry_exit_from_error (locked), ==, FERRY_EXIT_REFUSED);
  g_assert_cmpstr (locked_text, ==, "PolicyLocked: it is locked");
  g_assert_cmpint (ferry_exit_from_error (foreign), ==, FERRY_EXIT_FAILED);
  g_assert_cmpstr (foreign_text, ==, "Odd: so it is");
}

static void
test_local (void)
{
  g_autoptr (GError) usage = NULL;
  g_autoptr (GError)
      own = g_error_new (FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS, "no such directory");
  g_autoptr (GError)
      option = g_error_new (G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, "Unknown option --x");
  g_autoptr (GError) late = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "Timeout was reached");
  g_autofree char *usage_text = NULL;
  g_autofree char *own_text = ferry_exit_describe (own);
  g_autofree char *option_text = ferry_exit_describe (option);

  ferry_exit_set_usage (&usage, "%d is not %s", 1, "two");
  usage_text = ferry_exit_describe (usage);
  g_assert_cmpstr (usage_text, ==, "InvalidArgs: 1 is not two");
  g_assert_cmpint (ferry_exit_from_error (usage), ==, FERRY_EXIT_USAGE);
  g_assert_cmpstr (own_text, ==, "NoFileAccess: no such directory");
  g_assert_cmpint (ferry_exit_from_error (own), ==, FERRY_EXIT_FAILED);
  g_assert_cmpstr (option_text, ==, "InvalidArgs: Unknown option --x");
  g_assert_cmpint (ferry_exit_from_error (option), ==, FERRY_EXIT_USAGE);
  g_assert_true (ferry_exit_is_no_service (late));
}

/* A message cannot reach the terminal with what a terminal acts on. */
static void
test_clean (void)
{
  g_autoptr (GError) error = g_dbus_error_new_for_dbus_error (FERRY_ERROR_PREFIX "HttpError",
                                                              "red \033[31m\nferry: Done: really");
  g_autofree char *text = ferry_exit_describe (error);

  g_assert_true (g_str_has_prefix (text, "HttpError: red "));
  g_assert_null (strchr (text, '\033'));
  g_assert_null (strchr (text, '\n'));
}

/* The bus's words for an absent service help nobody. */
static void
test_advice (void)
{
  g_autoptr (GError) error = g_dbus_error_new_for_dbus_error (
      DBUS "ServiceUnknown", "The name org.ferry.Transfer1 was not provided by any .service files");
  g_autofree char *text = ferry_exit_describe (error);

  g_assert_true (g_str_has_prefix (text, "ServiceUnknown: "));
  g_assert_nonnull (strstr (text, "systemctl status ferryd"));
}

/* The service's words stay, and what to do is said behind them. */
static void
test_hint (void)
{
  g_autoptr (GError)
      error = g_dbus_error_new_for_dbus_error (DBUS "InteractiveAuthorizationRequired",
                                               "A person must be asked.");
  g_autoptr (GError)
      many = g_dbus_error_new_for_dbus_error ("org.ferry.Transfer1.Error.TooManyFiles",
                                              "An upload has one file.");
  g_autofree char *text = ferry_exit_describe (error);
  g_autofree char *many_text = ferry_exit_describe (many);

  g_assert_cmpstr (many_text, ==,
                   "TooManyFiles: An upload has one file; `ferry put` makes a job of its own for "
                   "each file");
  g_assert_cmpstr (
      text, ==,
      "InteractiveAuthorizationRequired: A person must be asked; run this as root, or on "
      "a terminal of a session with a polkit agent");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/exit/names", test_names);
  g_test_add_func ("/client/exit/remote", test_remote);
  g_test_add_func ("/client/exit/local", test_local);
  g_test_add_func ("/client/exit/clean", test_clean);
  g_test_add_func ("/client/exit/advice", test_advice);
  g_test_add_func ("/client/exit/hint", test_hint);
  return g_test_run ();
}
