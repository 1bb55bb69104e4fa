/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-unit-reason.h"

#include <signal.h>

static void
assert_reason (const char *result, int code, int status, const char *expected)
{
  g_autoptr (GVariant) properties = g_variant_ref_sink (g_variant_new_parsed (
      "{'Result': <%s>, 'ExecMainCode': <%i>, 'ExecMainStatus': <%i>}", result, code, status));
  g_autofree char *reason = ferry_unit_reason_from_properties (1000, properties);

  g_assert_cmpstr (reason, ==, expected);
}

static void
test_properties (void)
{
  g_autoptr (GVariant) odd = g_variant_ref_sink (
      g_variant_new_parsed ("@a{sv} {'Result': <3>, 'ExecMainCode': <'x'>}"));
  g_autofree char *from_odd = ferry_unit_reason_from_properties (1000, odd);
  g_autofree char *from_nothing = ferry_unit_reason_from_properties (1000, NULL);

  assert_reason ("success", CLD_EXITED, 0, "The worker exited with status 0");
  assert_reason ("success", CLD_KILLED, SIGTERM, "The worker was killed by signal 15 (Terminated)");
  assert_reason ("success", 0, 0, "The worker ended");
  assert_reason ("exit-code", CLD_EXITED, 42, "The worker exited with status 42");
  assert_reason ("exit-code", CLD_EXITED, 203,
                 "The worker could not be started: its program cannot be executed");
  assert_reason ("exit-code", CLD_EXITED, 217,
                 "The worker could not be started: the user database has no usable entry for user "
                 "1000");
  assert_reason ("exit-code", CLD_EXITED, 226,
                 "The worker could not be started: systemd gave up with status 226; the journal of "
                 "ferry-worker@1000.service says why");
  assert_reason ("signal", CLD_KILLED, SIGKILL, "The worker was killed by signal 9 (Killed)");
  assert_reason ("core-dump", CLD_DUMPED, SIGSEGV,
                 "The worker was killed by signal 11 (Segmentation fault)");
  assert_reason ("oom-kill", CLD_KILLED, SIGKILL,
                 "The worker was killed because it needed more memory than it may have, or than "
                 "there is");
  assert_reason ("timeout", CLD_KILLED, SIGKILL,
                 "The worker did not start or end in time and was killed");
  assert_reason ("start-limit-hit", 0, 0,
                 "The worker could not be started: its unit has a limit of starts, which was "
                 "reached");
  assert_reason ("resources", 0, 0, "The worker could not be started: systemd lacked resources");
  assert_reason ("new\nthing", 0, 0, "The worker's unit failed: new\xef\xbf\xbdthing");

  g_assert_cmpstr (from_odd, ==, "The worker ended");
  g_assert_cmpstr (from_nothing, ==, "The worker ended");
}

static void
assert_error_reason (const char *name, const char *expected)
{
  g_autoptr (GError) error = g_dbus_error_new_for_dbus_error (name, "Words\nof systemd");
  g_autofree char *reason = ferry_unit_reason_from_error (1000, error);

  g_assert_cmpstr (reason, ==, expected);
}

static void
test_errors (void)
{
  const char *absent = "The worker could not be started: there is no systemd on the bus; ferryd "
                       "--launcher=direct does without it";
  const char *refused = "The worker could not be started: ferryd may not start "
                        "ferry-worker@1000.service; is polkit there, with Ferry's rule?";

  assert_error_reason ("org.freedesktop.DBus.Error.NameHasNoOwner", absent);
  assert_error_reason ("org.freedesktop.DBus.Error.ServiceUnknown", absent);
  assert_error_reason ("org.freedesktop.DBus.Error.AccessDenied", refused);
  assert_error_reason ("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", refused);
  assert_error_reason ("org.freedesktop.systemd1.NoSuchUnit",
                       "The worker could not be started: the unit ferry-worker@.service is not "
                       "installed");
  assert_error_reason ("org.freedesktop.systemd1.UnitMasked",
                       "The worker could not be started: the administrator has masked "
                       "ferry-worker@1000.service");
  assert_error_reason ("org.freedesktop.systemd1.Other",
                       "The worker could not be started: Words\xef\xbf\xbdof systemd");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/link/unit-reason/properties", test_properties);
  g_test_add_func ("/link/unit-reason/errors", test_errors);
  return g_test_run ();
}
