/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher beside a systemd that does what the test says. */

#include "fake-systemd.h"
#include "ferry-systemd-launcher.h"
#include "link-wait.h"

#include <signal.h>
#include <string.h>

#define ALICE   1000
#define BOB     1001
#define UNIT    "ferry-worker@1000.service"
#define BOBS    "ferry-worker@1001.service"
#define RESTART "RestartUnit " UNIT " replace;"
#define STOP    "StopUnit " UNIT " replace;"
#define RESET   "ResetFailedUnit " UNIT ";"

typedef struct
{
  BusFixture *bus;             /* (owned) (nullable): %NULL when the test is skipped */
  FakeSystemd *systemd;        /* (owned) */
  GDBusConnection *connection; /* (owned) */
  FerryLauncher *launcher;     /* (owned) */
  GString *exits;              /* (owned): "UID REASON;" */
  gboolean again;              /* whether a worker that is gone is started again at once */
} Fixture;

static void
on_exited (FerryLauncher *launcher, guint uid, const char *reason, gpointer data)
{
  Fixture *fixture = data;

  g_string_append_printf (fixture->exits, "%u %s;", uid, reason);
  if (fixture->again)
    ferry_launcher_start (launcher, uid);
  fixture->again = FALSE;
}

/* @data: not %NULL = without systemd */
static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->bus = bus_fixture_start ();
  if (fixture->bus == NULL)
    return;

  fixture->systemd = fake_systemd_new (fixture->bus);
  if (data == NULL)
    fake_systemd_enter (fixture->systemd);
  fixture->connection = bus_fixture_connect (fixture->bus);
  fixture->launcher = ferry_systemd_launcher_new (fixture->connection);
  fixture->exits = g_string_new (NULL);
  g_signal_connect (fixture->launcher, "exited", G_CALLBACK (on_exited), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  g_assert_finalize_object (fixture->launcher);
  link_wait_settle ();
  if (fixture->connection != NULL)
    bus_fixture_disconnect (fixture->connection);
  fake_systemd_free (fixture->systemd);
  bus_fixture_stop (fixture->bus);
  g_string_free (fixture->exits, TRUE);
}

/* All that was sent has arrived, and what was said to it too. */
static void
settle (Fixture *fixture)
{
  guint looks;

  do
    {
      looks = fake_systemd_get_looks (fixture->systemd);
      for (int i = 0; i < 3; i++)
        {
          bus_fixture_sync (fixture->connection);
          fake_systemd_sync (fixture->systemd);
          link_wait_settle ();
        }
    }
  while (fake_systemd_get_looks (fixture->systemd) != looks);
}

static void
assert_exits (Fixture *fixture, const char *expected)
{
  settle (fixture);
  g_assert_cmpstr (fixture->exits->str, ==, expected);
}

static void
wait_exit (Fixture *fixture, const char *expected)
{
  wait_until (fixture->exits->len > 0);
  assert_exits (fixture, expected);
  g_string_set_size (fixture->exits, 0);
}

static void
wait_calls (Fixture *fixture, const char *expected)
{
  wait_until (strlen (fake_systemd_get_calls (fixture->systemd)) >= strlen (expected));
  settle (fixture);
  g_assert_cmpstr (fake_systemd_get_calls (fixture->systemd), ==, expected);
  fake_systemd_forget_calls (fixture->systemd);
}

/* Starts the worker of ALICE. */
static void
start (Fixture *fixture)
{
  ferry_launcher_start (fixture->launcher, ALICE);
  wait_calls (fixture, RESTART);
  fake_systemd_set (fixture->systemd, UNIT, "activating", 1);
  fake_systemd_set (fixture->systemd, UNIT, "active", 0);
  assert_exits (fixture, "");
}

static void
test_life (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  start (fixture);
  /* It is there. */
  ferry_launcher_start (fixture->launcher, ALICE);
  settle (fixture);
  g_assert_cmpstr (fake_systemd_get_calls (fixture->systemd), ==, "");

  ferry_launcher_stop (fixture->launcher, ALICE);
  ferry_launcher_stop (fixture->launcher, ALICE);
  wait_calls (fixture, STOP);
  fake_systemd_set (fixture->systemd, UNIT, "deactivating", 2);
  assert_exits (fixture, "");
  fake_systemd_set_result (fixture->systemd, UNIT, "success", CLD_KILLED, SIGTERM);
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 0);
  wait_exit (fixture, "1000 The worker was killed by signal 15 (Terminated);");

  /* It is gone: nothing more is said or done, whatever its unit does. */
  ferry_launcher_stop (fixture->launcher, ALICE);
  fake_systemd_set (fixture->systemd, UNIT, "active", 0);
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 0);
  assert_exits (fixture, "");
  g_assert_cmpstr (fake_systemd_get_calls (fixture->systemd), ==, "");
}

/* A call to start the worker is answered with an error. */
static void
test_refused (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  fake_systemd_refuse (fixture->systemd, "RestartUnit", "org.freedesktop.DBus.Error.AccessDenied");
  ferry_launcher_start (fixture->launcher, ALICE);
  wait_exit (fixture, "1000 The worker could not be started: ferryd may not start " UNIT
                      "; is polkit there, with Ferry's rule?;");
  fake_systemd_forget_calls (fixture->systemd);

  fake_systemd_refuse (fixture->systemd, NULL, NULL);
  start (fixture);
}

/* The job fails: systemd cannot become the user. */
static void
test_cannot_start (Fixture *fixture, gconstpointer data)
{
  const char *reason = "1000 The worker could not be started: the user database has no usable "
                       "entry for user 1000;";

  if (fixture->bus == NULL)
    return;

  ferry_launcher_start (fixture->launcher, ALICE);
  wait_calls (fixture, RESTART);
  fake_systemd_set (fixture->systemd, UNIT, "activating", 1);
  fake_systemd_set_result (fixture->systemd, UNIT, "exit-code", CLD_EXITED, 217);
  fake_systemd_set (fixture->systemd, UNIT, "failed", 0);
  wait_exit (fixture, reason);
  wait_calls (fixture, RESET);

  /* That the unit cannot be reset keeps nobody. */
  fake_systemd_refuse (fixture->systemd, "ResetFailedUnit",
                       "org.freedesktop.DBus.Error.AccessDenied");
  ferry_launcher_start (fixture->launcher, ALICE);
  wait_calls (fixture, RESTART);
  fake_systemd_set (fixture->systemd, UNIT, "failed", 0);
  wait_exit (fixture, reason);
}

/* It is reset before anybody hears of it, and may start it again. */
static void
test_fails_later (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  start (fixture);
  fixture->again = TRUE;
  fake_systemd_hold (fixture->systemd, "ResetFailedUnit");
  fake_systemd_set_result (fixture->systemd, UNIT, "oom-kill", CLD_KILLED, SIGKILL);
  fake_systemd_set (fixture->systemd, UNIT, "failed", 0);
  wait_until (fake_systemd_is_holding (fixture->systemd));
  assert_exits (fixture, "");
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 0);
  fake_systemd_set_result (fixture->systemd, UNIT, "success", 0, 0);
  /* The next one. */
  fake_systemd_hold (fixture->systemd, "RestartUnit");
  fake_systemd_answer (fixture->systemd);
  wait_exit (fixture, "1000 The worker was killed because it needed more memory than it may have, "
                      "or than there is;");
  wait_calls (fixture, RESET RESTART);
  fake_systemd_set (fixture->systemd, UNIT, "active", 0);
  fake_systemd_answer (fixture->systemd);
  assert_exits (fixture, "");
}

static void
test_without_systemd (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  ferry_launcher_start (fixture->launcher, ALICE);
  ferry_launcher_stop (fixture->launcher, ALICE);
  wait_exit (fixture, "1000 The worker could not be started: there is no systemd on the bus; "
                      "ferryd --launcher=direct does without it;");

  /* It comes late. */
  fake_systemd_enter (fixture->systemd);
  start (fixture);
}

/* The worker of a former ferryd is still there: its end is not that of the new one. */
static void
test_stale_unit (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  fake_systemd_set (fixture->systemd, UNIT, "active", 0);
  fake_systemd_hold (fixture->systemd, "RestartUnit");
  ferry_launcher_start (fixture->launcher, ALICE);
  wait_calls (fixture, RESTART);
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 0);
  assert_exits (fixture, "");

  fake_systemd_set (fixture->systemd, UNIT, "active", 7);
  fake_systemd_answer (fixture->systemd);
  fake_systemd_set (fixture->systemd, UNIT, "deactivating", 7);
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 7);
  assert_exits (fixture, "");
  fake_systemd_set (fixture->systemd, UNIT, "activating", 7);
  fake_systemd_set (fixture->systemd, UNIT, "active", 0);
  assert_exits (fixture, "");
}

/* systemd is restarted, and what happened to the unit is only seen afterwards. */
static void
test_reexec (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  start (fixture);
  fake_systemd_leave (fixture->systemd);
  settle (fixture);
  fake_systemd_enter (fixture->systemd);
  assert_exits (fixture, "");

  /* It tells us of changes again. */
  fake_systemd_set_result (fixture->systemd, UNIT, "exit-code", CLD_EXITED, 3);
  fake_systemd_set (fixture->systemd, UNIT, "failed", 0);
  wait_exit (fixture, "1000 The worker exited with status 3;");
  wait_calls (fixture, RESET);

  start (fixture);
  fake_systemd_leave (fixture->systemd);
  fake_systemd_set_result (fixture->systemd, UNIT, "signal", CLD_KILLED, SIGKILL);
  fake_systemd_set (fixture->systemd, UNIT, "failed", 0);
  assert_exits (fixture, "");
  fake_systemd_enter (fixture->systemd);
  wait_exit (fixture, "1000 The worker was killed by signal 9 (Killed);");
}

/* systemd is restarted before it answered: it may have started the worker, or not. */
static void
test_reexec_at_start (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  fake_systemd_hold (fixture->systemd, "RestartUnit");
  ferry_launcher_start (fixture->launcher, ALICE);
  wait_calls (fixture, RESTART);
  fake_systemd_leave (fixture->systemd);
  fake_systemd_set (fixture->systemd, UNIT, "active", 0);
  settle (fixture);
  fake_systemd_enter (fixture->systemd);
  assert_exits (fixture, "");
  fake_systemd_set_result (fixture->systemd, UNIT, "success", CLD_EXITED, 0);
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 0);
  wait_exit (fixture, "1000 The worker exited with status 0;");

  ferry_launcher_start (fixture->launcher, ALICE);
  wait_calls (fixture, RESTART);
  fake_systemd_leave (fixture->systemd);
  settle (fixture);
  fake_systemd_enter (fixture->systemd);
  wait_until (fixture->exits->len > 0);
  g_assert_true (g_str_has_prefix (fixture->exits->str, "1000 The worker could not be started: "));
}

/* Its answer is still under way when nobody wants the worker any more. */
static void
test_stop_while_starting (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  fake_systemd_hold (fixture->systemd, "RestartUnit");
  ferry_launcher_start (fixture->launcher, ALICE);
  wait_calls (fixture, RESTART);
  ferry_launcher_stop (fixture->launcher, ALICE);
  settle (fixture);
  g_assert_cmpstr (fake_systemd_get_calls (fixture->systemd), ==, "");

  fake_systemd_set (fixture->systemd, UNIT, "activating", 4);
  fake_systemd_answer (fixture->systemd);
  wait_calls (fixture, STOP);
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 0);
  wait_exit (fixture, "1000 The worker ended;");

  /* The same, but it could not be started anyway. */
  ferry_launcher_start (fixture->launcher, ALICE);
  wait_calls (fixture, RESTART);
  ferry_launcher_stop (fixture->launcher, ALICE);
  fake_systemd_refuse (fixture->systemd, "RestartUnit", "org.freedesktop.systemd1.NoSuchUnit");
  fake_systemd_answer (fixture->systemd);
  wait_exit (fixture, "1000 The worker could not be started: the unit ferry-worker@.service is "
                      "not installed;");
  g_assert_cmpstr (fake_systemd_get_calls (fixture->systemd), ==, "");
}

/* As long as the process is there it is not told gone. */
static void
test_stop_refused (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  start (fixture);
  fake_systemd_refuse (fixture->systemd, "StopUnit", "org.freedesktop.DBus.Error.AccessDenied");
  ferry_launcher_stop (fixture->launcher, ALICE);
  wait_calls (fixture, STOP);
  assert_exits (fixture, "");
  fake_systemd_set_result (fixture->systemd, UNIT, "success", CLD_EXITED, 0);
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 0);
  wait_exit (fixture, "1000 The worker exited with status 0;");
}

/* A worker ended before systemd heard that it should. */
static void
test_stop_when_gone (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  start (fixture);
  fake_systemd_hold (fixture->systemd, "StopUnit");
  ferry_launcher_stop (fixture->launcher, ALICE);
  wait_calls (fixture, STOP);
  fixture->again = TRUE;
  fake_systemd_set_result (fixture->systemd, UNIT, "success", CLD_EXITED, 0);
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 0);
  wait_exit (fixture, "1000 The worker exited with status 0;");

  /* The next one is not touched by the answer. */
  fake_systemd_set (fixture->systemd, UNIT, "active", 0);
  fake_systemd_answer (fixture->systemd);
  wait_calls (fixture, RESTART);
  assert_exits (fixture, "");
}

/* systemd does not hear that it should stop the worker, until it is back. */
static void
test_stop_while_away (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  start (fixture);
  fake_systemd_leave (fixture->systemd);
  settle (fixture);
  ferry_launcher_stop (fixture->launcher, ALICE);
  assert_exits (fixture, "");
  fake_systemd_enter (fixture->systemd);
  wait_calls (fixture, STOP);
  fake_systemd_set_result (fixture->systemd, UNIT, "success", CLD_KILLED, SIGTERM);
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 0);
  wait_exit (fixture, "1000 The worker was killed by signal 15 (Terminated);");
}

/* What was seen is old when it arrives. */
static void
test_change_while_looking (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  ferry_launcher_start (fixture->launcher, ALICE);
  wait_calls (fixture, RESTART);
  fake_systemd_hold (fixture->systemd, "ListUnitsByNames");
  fake_systemd_set (fixture->systemd, UNIT, "active", 0);
  wait_until (fake_systemd_is_holding (fixture->systemd));
  fake_systemd_hold (fixture->systemd, NULL);
  fake_systemd_set_result (fixture->systemd, UNIT, "success", CLD_EXITED, 0);
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 0);
  assert_exits (fixture, "");
  fake_systemd_answer (fixture->systemd);
  wait_exit (fixture, "1000 The worker exited with status 0;");
}

static void
test_two_users (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  start (fixture);
  ferry_launcher_start (fixture->launcher, BOB);
  wait_calls (fixture, "RestartUnit " BOBS " replace;");
  fake_systemd_set (fixture->systemd, BOBS, "active", 0);
  fake_systemd_set_result (fixture->systemd, UNIT, "success", CLD_EXITED, 0);
  fake_systemd_set (fixture->systemd, UNIT, "inactive", 0);
  wait_exit (fixture, "1000 The worker exited with status 0;");

  ferry_launcher_stop (fixture->launcher, BOB);
  wait_calls (fixture, "StopUnit " BOBS " replace;");
  fake_systemd_set_result (fixture->systemd, BOBS, "success", CLD_EXITED, 0);
  fake_systemd_set (fixture->systemd, BOBS, "inactive", 0);
  wait_exit (fixture, "1001 The worker exited with status 0;");
}

/* A ferryd that loses the bus still has its worker write a checkpoint. */
static void
test_bus_lost (Fixture *fixture, gconstpointer data)
{
  if (fixture->bus == NULL)
    return;

  start (fixture);
  fake_systemd_hold (fixture->systemd, "ListUnitsByNames");
  fake_systemd_set (fixture->systemd, UNIT, "active", 5);
  wait_until (fake_systemd_is_holding (fixture->systemd));
  bus_fixture_disconnect (g_steal_pointer (&fixture->connection));
  fake_systemd_sync (fixture->systemd);
  link_wait_settle ();
  g_assert_cmpstr (fixture->exits->str, ==, "");
}

/* Nobody hears of what is answered when the launcher is gone. */
static void
test_freed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FerryLauncher) other = NULL;

  if (fixture->bus == NULL)
    return;

  start (fixture);
  other = ferry_systemd_launcher_new (fixture->connection);
  g_signal_connect (other, "exited", G_CALLBACK (on_exited), fixture);
  ferry_launcher_start (other, BOB);
  wait_calls (fixture, "RestartUnit " BOBS " replace;");
  fake_systemd_set (fixture->systemd, BOBS, "active", 0);
  settle (fixture);
  fake_systemd_hold (fixture->systemd, "StopUnit");
  ferry_launcher_stop (other, BOB);
  fake_systemd_set (fixture->systemd, BOBS, "inactive", 0);
  wait_until (fake_systemd_is_holding (fixture->systemd));
  g_assert_finalize_object (g_steal_pointer (&other));
  fake_systemd_answer (fixture->systemd);
  assert_exits (fixture, "");
}

#define add(name, without, func)                                                                   \
  g_test_add ("/link/systemd-launcher/" name, Fixture, without, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add ("life", NULL, test_life);
  add ("refused", NULL, test_refused);
  add ("cannot-start", NULL, test_cannot_start);
  add ("fails-later", NULL, test_fails_later);
  add ("without-systemd", "", test_without_systemd);
  add ("stale-unit", NULL, test_stale_unit);
  add ("reexec", NULL, test_reexec);
  add ("reexec-at-start", NULL, test_reexec_at_start);
  add ("stop-while-starting", NULL, test_stop_while_starting);
  add ("stop-refused", NULL, test_stop_refused);
  add ("stop-when-gone", NULL, test_stop_when_gone);
  add ("stop-while-away", NULL, test_stop_while_away);
  add ("change-while-looking", NULL, test_change_while_looking);
  add ("two-users", NULL, test_two_users);
  add ("bus-lost", NULL, test_bus_lost);
  add ("freed", NULL, test_freed);
  return g_test_run ();
}
