/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sleep and shutdown, with a logind that does what the test says. */

#include "bus-fixture.h"
#include "engine-world.h"
#include "ferry-power.h"

#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <poll.h>
#include <unistd.h>

#define LOGIN_NAME      "org.freedesktop.login1"
#define LOGIN_PATH      "/org/freedesktop/login1"
#define LOGIN_INTERFACE "org.freedesktop.login1.Manager"

#define LOGIN_XML                                                                                  \
  "<node><interface name='" LOGIN_INTERFACE "'><method name='Inhibit'>"                            \
  "<arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='s' direction='in'/>"     \
  "<arg type='s' direction='in'/><arg type='h' direction='out'/></method></interface></node>"

typedef struct
{
  BusFixture *bus;             /* (owned) */
  World *world;                /* (owned) */
  GDBusConnection *connection; /* (owned): ferryd's */
  GDBusConnection *login;      /* (owned): logind's */
  FerryPower *power;           /* (owned) */
  GString *asked;              /* (owned): what was inhibited, a word each */
  GArray *fds;                 /* (owned) (element-type int): our ends of what was given */
  GPtrArray *unanswered;       /* (owned) (element-type GDBusMethodInvocation) */
  gboolean refuse;
  gboolean silent;
  guint registration;
} Fixture;

static void
give (Fixture *fixture, GDBusMethodInvocation *invocation)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  g_autoptr (GError) error = NULL;
  int ends[2];

  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, &error));
  g_unix_fd_list_append (list, ends[1], &error);
  g_assert_no_error (error);
  close (ends[1]);
  g_array_append_val (fixture->fds, ends[0]);
  g_dbus_method_invocation_return_value_with_unix_fd_list (invocation, g_variant_new ("(h)", 0),
                                                           list);
}

static void
on_method_call (GDBusConnection *connection, const char *sender, const char *path,
                const char *interface, const char *method, GVariant *parameters,
                GDBusMethodInvocation *invocation, gpointer user_data)
{
  Fixture *fixture = user_data;
  const char *what, *who, *why, *mode;

  g_variant_get (parameters, "(&s&s&s&s)", &what, &who, &why, &mode);
  g_assert_cmpstr (mode, ==, "delay");
  g_string_append_printf (fixture->asked, "%s ", what);
  if (fixture->silent)
    g_ptr_array_add (fixture->unanswered, invocation);
  else if (fixture->refuse)
    g_dbus_method_invocation_return_dbus_error (invocation,
                                                "org.freedesktop.DBus.Error.AccessDenied",
                                                "Permission denied");
  else
    give (fixture, invocation);
}

static void
start_login (Fixture *fixture)
{
  static const GDBusInterfaceVTable vtable = { on_method_call, NULL, NULL, { 0 } };
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (LOGIN_XML, NULL);
  g_autoptr (GError) error = NULL;

  fixture->login = bus_fixture_connect (fixture->bus);
  fixture->registration = g_dbus_connection_register_object (fixture->login, LOGIN_PATH,
                                                             info->interfaces[0], &vtable, fixture,
                                                             NULL, &error);
  g_assert_no_error (error);
  bus_fixture_own_name (fixture->login, LOGIN_NAME);
}

static void
stop_login (Fixture *fixture)
{
  g_ptr_array_set_size (fixture->unanswered, 0);
  g_dbus_connection_unregister_object (fixture->login, fixture->registration);
  bus_fixture_disconnect (g_steal_pointer (&fixture->login));
}

/* What was sent has arrived, and what follows from it was done. */
static void
settle (Fixture *fixture)
{
  for (guint i = 0; i < 2; i++)
    {
      if (fixture->login != NULL)
        bus_fixture_sync (fixture->login);
      bus_fixture_sync (fixture->connection);
      world_settle (fixture->world);
    }
}

static gboolean
set_up (Fixture *fixture, gboolean login)
{
  fixture->bus = bus_fixture_start ();
  if (fixture->bus == NULL)
    return FALSE;

  fixture->world = world_new ();
  fixture->connection = bus_fixture_connect (fixture->bus);
  fixture->asked = g_string_new (NULL);
  fixture->fds = g_array_new (FALSE, FALSE, sizeof (int));
  fixture->unanswered = g_ptr_array_new_with_free_func (g_object_unref);
  if (login)
    start_login (fixture);
  fixture->power = ferry_power_new (FERRY_CLOCK (fixture->world->clock), fixture->connection,
                                    fixture->world->engine);
  settle (fixture);
  return TRUE;
}

static void
tear_down (Fixture *fixture)
{
  g_assert_finalize_object (fixture->power);
  settle (fixture);
  if (fixture->login != NULL)
    stop_login (fixture);
  bus_fixture_disconnect (fixture->connection);
  world_free (fixture->world);
  bus_fixture_stop (fixture->bus);
  for (guint i = 0; i < fixture->fds->len; i++)
    close (g_array_index (fixture->fds, int, i));
  g_array_unref (fixture->fds);
  g_ptr_array_unref (fixture->unanswered);
  g_string_free (fixture->asked, TRUE);
}

/* Of those that were given. */
static guint
count_held (Fixture *fixture)
{
  guint held = 0;

  for (guint i = 0; i < fixture->fds->len; i++)
    {
      struct pollfd end = { .fd = g_array_index (fixture->fds, int, i), .events = POLLIN };

      held += poll (&end, 1, 0) == 0;
    }
  return held;
}

static void
announce_from (GDBusConnection *connection, Fixture *fixture, const char *signal, gboolean begins)
{
  g_autoptr (GError) error = NULL;

  g_dbus_connection_emit_signal (connection,
                                 g_dbus_connection_get_unique_name (fixture->connection),
                                 LOGIN_PATH, LOGIN_INTERFACE, signal, g_variant_new ("(b)", begins),
                                 &error);
  g_assert_no_error (error);
  bus_fixture_sync (connection);
  settle (fixture);
}

static void
announce (Fixture *fixture, const char *signal, gboolean begins)
{
  announce_from (fixture->login, fixture, signal, begins);
}

static void
test_held_while_something_runs (void)
{
  Fixture fixture = { 0 };
  FerryJob *job;

  if (!set_up (&fixture, TRUE))
    return;

  g_assert_cmpstr (fixture.asked->str, ==, "");
  job = world_submit (fixture.world, 1, TRUE, FALSE);
  world_wait (count_held (&fixture) == 2);
  g_assert_cmpstr (fixture.asked->str, ==, "sleep shutdown ");

  world_finish_file (fixture.world, 10);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  settle (&fixture);
  ferry_fake_clock_advance (fixture.world->clock, 10 * SECOND - 1);
  settle (&fixture);
  g_assert_cmpuint (count_held (&fixture), ==, 2);
  ferry_fake_clock_advance (fixture.world->clock, 1);
  g_assert_cmpuint (count_held (&fixture), ==, 0);
  tear_down (&fixture);
}

static void
test_jobs_in_a_row_ask_once (void)
{
  Fixture fixture = { 0 };

  if (!set_up (&fixture, TRUE))
    return;

  for (guint i = 0; i < 3; i++)
    {
      FerryJob *job = world_submit (fixture.world, 1, TRUE, FALSE);

      world_finish_file (fixture.world, 10);
      world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
      settle (&fixture);
    }
  g_assert_cmpstr (fixture.asked->str, ==, "sleep shutdown ");
  g_assert_cmpuint (count_held (&fixture), ==, 2);
  tear_down (&fixture);
}

static void
test_sleep (void)
{
  Fixture fixture = { 0 };
  FerryJob *job;
  guint64 attempt;

  if (!set_up (&fixture, TRUE))
    return;

  job = world_submit (fixture.world, 1, TRUE, FALSE);
  attempt = world_take_start (fixture.world);
  world_wait (count_held (&fixture) == 2);
  fixture.world->stubborn = TRUE;
  announce (&fixture, "PrepareForSleep", TRUE);
  g_variant_unref (world_take_order (fixture.world, "stop"));
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_QUEUED);
  g_assert_cmpuint (count_held (&fixture), ==, 2);

  /* Let go when the checkpoint is durable, and not before. */
  world_report (fixture.world, attempt, "stopped",
                "{'Bytes': <uint64 70>, 'Resume': <{'Offset': <uint64 70>}>}");
  world_wait (count_held (&fixture) == 0);
  g_assert_cmpuint (ferry_job_get_bytes_transferred (job), ==, 70);

  ferry_fake_clock_sleep (fixture.world->clock, DAY);
  settle (&fixture);
  g_assert_false (world_has_order (fixture.world, "start"));
  g_assert_cmpstr (fixture.asked->str, ==, "sleep shutdown ");
  announce (&fixture, "PrepareForSleep", FALSE);
  world_take_start (fixture.world);
  world_wait (count_held (&fixture) == 2);
  tear_down (&fixture);
}

static void
test_sleep_waits_three_seconds (void)
{
  Fixture fixture = { 0 };

  if (!set_up (&fixture, TRUE))
    return;

  world_submit (fixture.world, 1, TRUE, FALSE);
  world_take_start (fixture.world);
  world_wait (count_held (&fixture) == 2);
  fixture.world->stubborn = TRUE;
  announce (&fixture, "PrepareForSleep", TRUE);
  ferry_fake_clock_advance (fixture.world->clock, 3 * SECOND - 1);
  g_assert_cmpuint (count_held (&fixture), ==, 2);
  ferry_fake_clock_advance (fixture.world->clock, 1);
  g_assert_cmpuint (count_held (&fixture), ==, 0);

  /* What hung then ends, and nothing is held because of it. */
  fixture.world->stubborn = FALSE;
  ferry_fake_clock_sleep (fixture.world->clock, DAY);
  settle (&fixture);
  g_assert_cmpuint (count_held (&fixture), ==, 0);
  tear_down (&fixture);
}

/* A shutdown that is called off while the machine is about to sleep changes nothing for the sleep. */
static void
test_both_at_once (void)
{
  Fixture fixture = { 0 };
  FerryJob *job;

  if (!set_up (&fixture, TRUE))
    return;

  job = world_submit (fixture.world, 1, TRUE, FALSE);
  world_take_start (fixture.world);
  world_wait (count_held (&fixture) == 2);
  announce (&fixture, "PrepareForShutdown", TRUE);
  world_wait (count_held (&fixture) == 0);
  announce (&fixture, "PrepareForSleep", TRUE);
  announce (&fixture, "PrepareForShutdown", FALSE);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_QUEUED);
  g_assert_false (world_has_order (fixture.world, "start"));
  announce (&fixture, "PrepareForSleep", FALSE);
  world_take_start (fixture.world);
  tear_down (&fixture);
}

static void
test_again_before_the_first_is_done (void)
{
  Fixture fixture = { 0 };
  guint64 attempt;

  if (!set_up (&fixture, TRUE))
    return;

  world_submit (fixture.world, 1, TRUE, FALSE);
  attempt = world_take_start (fixture.world);
  world_wait (count_held (&fixture) == 2);
  fixture.world->stubborn = TRUE;
  announce (&fixture, "PrepareForSleep", TRUE);
  announce (&fixture, "PrepareForSleep", FALSE);
  announce (&fixture, "PrepareForSleep", TRUE);
  g_assert_cmpuint (count_held (&fixture), ==, 2);
  world_report (fixture.world, attempt, "stopped", "{}");
  world_wait (count_held (&fixture) == 0);
  tear_down (&fixture);
}

/* The answer comes when the machine is about to sleep already. */
static void
test_late_inhibitor (void)
{
  Fixture fixture = { 0 };

  if (!set_up (&fixture, TRUE))
    return;

  fixture.silent = TRUE;
  world_submit (fixture.world, 1, TRUE, FALSE);
  world_take_start (fixture.world);
  world_wait (fixture.unanswered->len == 2);
  announce (&fixture, "PrepareForSleep", TRUE);
  settle (&fixture);
  while (fixture.unanswered->len > 0)
    give (&fixture, g_ptr_array_steal_index (fixture.unanswered, 0));
  g_assert_cmpuint (count_held (&fixture), ==, 2);
  world_wait (count_held (&fixture) == 0);

  fixture.silent = FALSE;
  announce (&fixture, "PrepareForSleep", FALSE);
  world_wait (count_held (&fixture) == 2);
  tear_down (&fixture);
}

static void
test_refused (void)
{
  Fixture fixture = { 0 };
  FerryJob *job;

  if (!set_up (&fixture, TRUE))
    return;

  fixture.refuse = TRUE;
  for (guint i = 0; i < 2; i++)
    {
      /* Told once, whatever is asked again. */
      if (i == 0)
        {
          g_test_expect_message (NULL, G_LOG_LEVEL_MESSAGE, "*sleep*Permission denied*");
          g_test_expect_message (NULL, G_LOG_LEVEL_MESSAGE, "*shutdown*Permission denied*");
        }
      job = world_submit (fixture.world, 1, TRUE, FALSE);
      world_take_start (fixture.world);
      settle (&fixture);
      g_test_assert_expected_messages ();
      world_cancel (fixture.world, job);
      ferry_fake_clock_advance (fixture.world->clock, 10 * SECOND);
      settle (&fixture);
    }
  g_assert_cmpstr (fixture.asked->str, ==, "sleep shutdown sleep shutdown ");

  /* Without an inhibitor there is the signal all the same. */
  job = world_submit (fixture.world, 1, TRUE, FALSE);
  world_take_start (fixture.world);
  announce (&fixture, "PrepareForSleep", TRUE);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_QUEUED);
  tear_down (&fixture);
}

static void
test_without_logind (void)
{
  Fixture fixture = { 0 };

  if (!set_up (&fixture, FALSE))
    return;

  world_submit (fixture.world, 1, TRUE, FALSE);
  world_take_start (fixture.world);
  settle (&fixture);
  start_login (&fixture);
  world_wait (count_held (&fixture) == 2);
  tear_down (&fixture);
}

/* Who would tell that the machine woke? */
static void
test_logind_goes_in_a_pause (void)
{
  Fixture fixture = { 0 };

  if (!set_up (&fixture, TRUE))
    return;

  world_submit (fixture.world, 1, TRUE, FALSE);
  world_take_start (fixture.world);
  world_wait (count_held (&fixture) == 2);
  announce (&fixture, "PrepareForShutdown", TRUE);
  world_wait (count_held (&fixture) == 0);
  stop_login (&fixture);
  world_take_start (fixture.world);
  settle (&fixture);
  g_assert_cmpuint (count_held (&fixture), ==, 0);
  start_login (&fixture);
  world_wait (count_held (&fixture) == 2);
  tear_down (&fixture);
}

static void
test_forged (void)
{
  Fixture fixture = { 0 };
  GDBusConnection *forger;
  FerryJob *job;

  if (!set_up (&fixture, TRUE))
    return;

  forger = bus_fixture_connect (fixture.bus);
  job = world_submit (fixture.world, 1, TRUE, FALSE);
  world_take_start (fixture.world);
  announce_from (forger, &fixture, "PrepareForSleep", TRUE);
  g_assert_true (ferry_job_state_is_active (job->state));
  bus_fixture_disconnect (forger);
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/power/held", test_held_while_something_runs);
  g_test_add_func ("/power/in-a-row", test_jobs_in_a_row_ask_once);
  g_test_add_func ("/power/sleep", test_sleep);
  g_test_add_func ("/power/patience", test_sleep_waits_three_seconds);
  g_test_add_func ("/power/both", test_both_at_once);
  g_test_add_func ("/power/again", test_again_before_the_first_is_done);
  g_test_add_func ("/power/late", test_late_inhibitor);
  g_test_add_func ("/power/refused", test_refused);
  g_test_add_func ("/power/without", test_without_logind);
  g_test_add_func ("/power/goes", test_logind_goes_in_a_pause);
  g_test_add_func ("/power/forged", test_forged);
  return g_test_run ();
}
