/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-config.h"
#include "ferry-names.h"
#include "link-wait.h"
#include "workers-fixture.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void
test_on_demand (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;
  GStatBuf info;

  g_assert_no_errno (g_stat (fixture->socket, &info));
  g_assert_cmpuint (info.st_mode & 07777, ==, 0666);
  workers_fixture_assert_starts (fixture, 0);
  g_assert_false (ferry_workers_send (fixture->workers, fixture->uid, "start", NULL));

  ferry_workers_hold (fixture->workers, fixture->uid);
  ferry_workers_hold (fixture->workers, fixture->uid);
  workers_fixture_assert_starts (fixture, 1);
  peer = peer_up (fixture);
  workers_fixture_assert_log (fixture, "up;");

  g_assert_true (ferry_workers_send (fixture->workers, fixture->uid, "start", NULL));
  wait_until (peer->kinds->len == 1);
  g_assert_cmpstr (peer->kinds->pdata[0], ==, "start");
  g_assert_cmpuint (g_array_index (peer->ids, guint32, 0), ==, 0);
  ferry_link_send (peer->link, 0, "progress", NULL);
  ferry_link_send (peer->link, 0, "done", NULL);
  wait_until (g_str_equal (fixture->log->str, "progress;done;"));
}

static void
test_idle (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;

  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_up (fixture);
  ferry_fake_clock_advance (fixture->clock, 1000 * SECOND);
  workers_fixture_assert_stops (fixture, 0);
  ferry_workers_release (fixture->workers, fixture->uid);
  ferry_fake_clock_advance (fixture->clock, 9 * SECOND);
  ferry_workers_hold (fixture->workers, fixture->uid);
  ferry_workers_release (fixture->workers, fixture->uid);
  ferry_fake_clock_advance (fixture->clock, 9 * SECOND);
  workers_fixture_assert_stops (fixture, 0);
  ferry_fake_clock_advance (fixture->clock, 2 * SECOND);
  workers_fixture_assert_stops (fixture, 1);
  g_assert_false (ferry_workers_is_up (fixture->workers, fixture->uid));

  /* Wanted again before it is gone: the next one waits for that, and for no backoff. */
  ferry_workers_hold (fixture->workers, fixture->uid);
  workers_fixture_assert_starts (fixture, 1);
  workers_fixture_die (fixture, "The worker exited with status 0");
  workers_fixture_assert_starts (fixture, 2);
  workers_fixture_assert_log (fixture, "up;down:The worker was idle;");
}

static void
test_backoff (WorkersFixture *fixture, gconstpointer data)
{
  static const gint64 delays[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };

  ferry_workers_hold (fixture->workers, fixture->uid);
  for (guint i = 0; i < G_N_ELEMENTS (delays); i++)
    {
      workers_fixture_assert_starts (fixture, i + 1);
      workers_fixture_die (fixture, "The worker was killed by signal 11");
      workers_fixture_assert_log (fixture, "down:The worker was killed by signal 11;");
      g_assert_cmpint (workers_fixture_get_backoff (fixture), ==, delays[i]);
      ferry_fake_clock_advance (fixture->clock, delays[i] * SECOND - 1);
      workers_fixture_assert_starts (fixture, i + 1);
      ferry_fake_clock_advance (fixture->clock, 1);
    }
  g_assert_cmpint (workers_fixture_get_backoff (fixture), ==, 0);

  /* A short life goes on with the row, one of a minute ends it. */
  {
    g_autoptr (Peer) peer = peer_up (fixture);

    ferry_fake_clock_advance (fixture->clock, 59 * SECOND);
    workers_fixture_die (fixture, "again");
    g_assert_cmpint (workers_fixture_get_backoff (fixture), ==, 60);
  }
  ferry_fake_clock_advance (fixture->clock, 60 * SECOND);
  {
    g_autoptr (Peer) peer = peer_up (fixture);

    ferry_fake_clock_advance (fixture->clock, 60 * SECOND);
    workers_fixture_die (fixture, "again");
    g_assert_cmpint (workers_fixture_get_backoff (fixture), ==, 1);
  }
}

static void
test_backoff_not_wanted (WorkersFixture *fixture, gconstpointer data)
{
  ferry_workers_hold (fixture->workers, fixture->uid);
  workers_fixture_die (fixture, "gone");
  ferry_workers_release (fixture->workers, fixture->uid);
  ferry_fake_clock_advance (fixture->clock, 100 * SECOND);
  workers_fixture_assert_starts (fixture, 1);
  ferry_workers_hold (fixture->workers, fixture->uid);
  workers_fixture_assert_starts (fixture, 2);
}

static void
test_never_connects (WorkersFixture *fixture, gconstpointer data)
{
  ferry_workers_hold (fixture->workers, fixture->uid);
  ferry_fake_clock_advance (fixture->clock, 29 * SECOND);
  workers_fixture_assert_stops (fixture, 0);
  ferry_fake_clock_advance (fixture->clock, 1 * SECOND);
  workers_fixture_assert_stops (fixture, 1);
  workers_fixture_die (fixture, "The worker was killed by signal 15");
  workers_fixture_assert_log (fixture, "down:The worker was started but did not connect;");
  g_assert_cmpint (workers_fixture_get_backoff (fixture), ==, 1);
}

static void
test_unknown_reply (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;

  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_up (fixture);
  ferry_link_send (peer->link, 4711, "reply", NULL);
  wait_until (peer->closed);
  workers_fixture_assert_stops (fixture, 1);
  workers_fixture_die (fixture, "The worker exited with status 0");
  workers_fixture_assert_log (fixture,
                              "up;down:The worker answered a question that it was not asked;");
  g_assert_cmpint (workers_fixture_get_backoff (fixture), ==, 1);
}

static void
test_hello_twice (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;

  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_up (fixture);
  peer_hello (peer, FERRY_VERSION);
  wait_until (peer->closed);
  workers_fixture_assert_stops (fixture, 1);
  workers_fixture_die (fixture, "x");
}

static void
test_wrong_version (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;

  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_connect (fixture);
  peer_hello (peer, "0.0.0\n");
  wait_until (peer->closed);
  workers_fixture_assert_stops (fixture, 1);
  workers_fixture_die (fixture, "x");
  workers_fixture_assert_log (
      fixture, "down:The worker is of version '0.0.0\uFFFD', ferryd of " FERRY_VERSION ";");
}

static void
test_not_due (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) early = peer_connect (fixture);
  g_autoptr (Peer) worker = NULL;
  g_autoptr (Peer) second = NULL;

  wait_until (early->closed);
  ferry_workers_hold (fixture->workers, fixture->uid);
  worker = peer_up (fixture);
  second = peer_connect (fixture);
  peer_hello (second, FERRY_VERSION);
  wait_until (second->closed);
  g_assert_false (worker->closed);
  workers_fixture_assert_log (fixture, "up;");
}

static void
test_silent (WorkersFixture *fixture, gconstpointer data)
{
  Peer *silent[4];
  g_autoptr (Peer) fifth = NULL;
  g_autoptr (Peer) wrong = NULL;
  g_autoptr (Peer) worker = NULL;
  guint timers;

  ferry_workers_hold (fixture->workers, fixture->uid);
  timers = ferry_fake_clock_get_n_timers (fixture->clock);
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    silent[i] = peer_connect (fixture);
  wait_until (ferry_fake_clock_get_n_timers (fixture->clock) == timers + 4);
  fifth = peer_connect (fixture);
  wait_until (fifth->closed);
  ferry_fake_clock_advance (fixture->clock, 5 * SECOND);
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    {
      wait_until (silent[i]->closed);
      peer_free (silent[i]);
    }

  /* Who begins with something else is not the worker; the real one may still come. */
  wrong = peer_connect (fixture);
  ferry_link_send (wrong->link, 0, "progress", NULL);
  wait_until (wrong->closed);
  worker = peer_up (fixture);
  workers_fixture_assert_log (fixture, "up;");
}

static void
test_kill_in_message (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;

  fixture->kill_on_message = TRUE;
  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_up (fixture);
  for (guint i = 0; i < 3; i++)
    ferry_link_send (peer->link, 0, "lie", NULL);
  wait_until (peer->closed);
  link_wait_settle ();
  workers_fixture_assert_stops (fixture, 1);
  workers_fixture_die (fixture, "x");
  workers_fixture_assert_log (
      fixture, "up;lie;down:The worker was stopped because it did not keep to what was "
               "agreed;");
}

static void
test_garbage (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (fixture->socket);
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (Peer) worker = NULL;
  char byte;

  ferry_workers_hold (fixture->workers, fixture->uid);
  connection = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
  g_assert_cmpint (g_socket_send (g_socket_connection_get_socket (connection), "GET / HTTP/1.1\r\n",
                                  16, NULL, NULL),
                   ==, 16);
  worker = peer_up (fixture);
  /* All that had not said hello was closed then, if not before. */
  g_assert_cmpint (
      g_socket_receive (g_socket_connection_get_socket (connection), &byte, 1, NULL, NULL), <=, 0);
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) directory = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (directory) != NULL)
    n++;
  return n;
}

static void
test_many_strangers (WorkersFixture *fixture, gconstpointer data)
{
  guint before;

  link_wait_settle ();
  before = count_descriptors ();
  for (guint i = 0; i < 1000; i++)
    {
      g_autoptr (Peer) peer = peer_connect (fixture);

      wait_until (peer->closed);
    }
  link_wait_settle ();
  g_assert_cmpuint (count_descriptors (), ==, before);
  g_assert_cmpuint (ferry_fake_clock_get_n_timers (fixture->clock), ==, 0);
}

static gboolean
count_turn (gpointer data)
{
  (*(guint *) data)++;
  return G_SOURCE_REMOVE;
}

static void
test_no_descriptors (WorkersFixture *fixture, gconstpointer data)
{
  struct rlimit saved;
  struct rlimit low;
  g_autoptr (Peer) peer = NULL;
  guint turns = 0;
  int free_fd;

  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_connect (fixture);
  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &saved));
  /* Up to the first free one: poll () wants no more descriptors than there may be. */
  free_fd = dup (STDIN_FILENO);
  g_assert_no_errno (close (free_fd));
  low = saved;
  low.rlim_cur = (rlim_t) free_fd;
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &low));
  g_test_expect_message (NULL, G_LOG_LEVEL_MESSAGE, "No worker can connect for now: *");
  wait_until (ferry_fake_clock_get_n_timers (fixture->clock) == 2);
  g_test_assert_expected_messages ();

  /* It does not try again and again meanwhile: the loop has nothing to do. */
  g_idle_add (count_turn, &turns);
  while (g_main_context_iteration (NULL, FALSE))
    g_assert_cmpuint (++turns, <, 100);
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &saved));
  ferry_fake_clock_advance (fixture->clock, 1 * SECOND);
  peer_hello (peer, FERRY_VERSION);
  wait_until (ferry_workers_is_up (fixture->workers, fixture->uid));
}

static void
test_close (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;
  g_autoptr (GAsyncResult) pending = NULL;
  g_autoptr (GAsyncResult) after = NULL;

  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_up (fixture);
  workers_fixture_ask (fixture, "publish", 30, &pending);
  wait_until (peer->ids->len == 1);
  ferry_workers_close (fixture->workers);
  wait_until (pending != NULL);
  workers_fixture_assert_failed (fixture, pending, "Ferry is stopping");
  workers_fixture_assert_stops (fixture, 1);
  wait_until (peer->closed);
  workers_fixture_ask (fixture, "publish", 30, &after);
  wait_until (after != NULL);
  workers_fixture_die (fixture, "x");
  workers_fixture_assert_log (fixture, "up;");
  workers_fixture_assert_starts (fixture, 1);
}

static void
test_stale_socket (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("ferry-workers-XXXXXX", &error);
  g_autofree char *socket = g_build_filename (directory, FERRY_WORKER_SOCKET_NAME, NULL);
  g_autofree char *missing = g_build_filename (directory, "missing", NULL);
  g_autofree char *deep = g_strnfill (120, 'x');
  g_autoptr (FerryFakeClock) clock = ferry_fake_clock_new ();
  g_autoptr (FerryFakeLauncher) launcher = ferry_fake_launcher_new ();
  g_autoptr (FerryWorkers) workers = NULL;

  g_assert_true (g_file_set_contents (socket, "left over", -1, NULL));
  workers = ferry_workers_new (FERRY_LAUNCHER (launcher), FERRY_CLOCK (clock), directory, &error);
  g_assert_no_error (error);
  ferry_workers_close (workers);
  g_assert_no_errno (g_rmdir (directory));

  g_assert_null (
      ferry_workers_new (FERRY_LAUNCHER (launcher), FERRY_CLOCK (clock), missing, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (ferry_workers_new (FERRY_LAUNCHER (launcher), FERRY_CLOCK (clock), deep, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, function)                                                                        \
  g_test_add (path, WorkersFixture, NULL, workers_fixture_set_up, function,                        \
              workers_fixture_tear_down)
  ADD ("/workers/on-demand", test_on_demand);
  ADD ("/workers/idle", test_idle);
  ADD ("/workers/backoff", test_backoff);
  ADD ("/workers/backoff-not-wanted", test_backoff_not_wanted);
  ADD ("/workers/never-connects", test_never_connects);
  ADD ("/workers/unknown-reply", test_unknown_reply);
  ADD ("/workers/hello-twice", test_hello_twice);
  ADD ("/workers/wrong-version", test_wrong_version);
  ADD ("/workers/not-due", test_not_due);
  ADD ("/workers/silent", test_silent);
  ADD ("/workers/kill-in-message", test_kill_in_message);
  ADD ("/workers/garbage", test_garbage);
  ADD ("/workers/many-strangers", test_many_strangers);
  ADD ("/workers/no-descriptors", test_no_descriptors);
  ADD ("/workers/close", test_close);
#undef ADD
  g_test_add_func ("/workers/stale-socket", test_stale_socket);
  return g_test_run ();
}
