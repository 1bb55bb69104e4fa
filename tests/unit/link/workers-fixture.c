/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "workers-fixture.h"
#include "ferry-config.h"
#include "ferry-error.h"
#include "ferry-names.h"
#include "link-wait.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <unistd.h>

static void
on_up (FerryWorkers *workers, guint uid, gpointer data)
{
  WorkersFixture *fixture = data;

  g_assert_cmpuint (uid, ==, fixture->uid);
  g_assert_true (ferry_workers_is_up (workers, uid));
  g_string_append (fixture->log, "up;");
}

static void
on_down (FerryWorkers *workers, guint uid, const char *reason, gpointer data)
{
  WorkersFixture *fixture = data;

  g_assert_false (ferry_workers_is_up (workers, uid));
  g_string_append_printf (fixture->log, "down:%s;", reason);
}

static void
on_worker_message (FerryWorkers *workers, guint uid, const char *kind, GVariant *arguments,
                   gpointer data)
{
  WorkersFixture *fixture = data;

  g_assert_cmpuint (uid, ==, fixture->uid);
  g_string_append_printf (fixture->log, "%s;", kind);
  if (fixture->kill_on_message)
    ferry_workers_kill (workers, uid);
}

void
workers_fixture_set_up (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->uid = getuid ();
  fixture->directory = g_dir_make_tmp ("ferry-workers-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->socket = g_build_filename (fixture->directory, FERRY_WORKER_SOCKET_NAME, NULL);
  fixture->clock = ferry_fake_clock_new ();
  fixture->launcher = ferry_fake_launcher_new ();
  fixture->log = g_string_new (NULL);
  fixture->workers = ferry_workers_new (FERRY_LAUNCHER (fixture->launcher),
                                        FERRY_CLOCK (fixture->clock), fixture->directory, &error);
  g_assert_no_error (error);
  g_signal_connect (fixture->workers, "up", G_CALLBACK (on_up), fixture);
  g_signal_connect (fixture->workers, "down", G_CALLBACK (on_down), fixture);
  g_signal_connect (fixture->workers, "message", G_CALLBACK (on_worker_message), fixture);
}

void
workers_fixture_tear_down (WorkersFixture *fixture, gconstpointer data)
{
  ferry_workers_close (fixture->workers);
  link_wait_settle ();
  g_assert_finalize_object (fixture->workers);
  g_assert_finalize_object (fixture->launcher);
  g_assert_cmpuint (ferry_fake_clock_get_n_timers (fixture->clock), ==, 0);
  g_assert_finalize_object (fixture->clock);
  g_assert_false (g_file_test (fixture->socket, G_FILE_TEST_EXISTS));
  g_assert_no_errno (g_rmdir (fixture->directory));
  g_free (fixture->directory);
  g_free (fixture->socket);
  g_string_free (fixture->log, TRUE);
}

static void
on_peer_message (FerryLink *link, guint32 id, const char *kind, GVariant *arguments, gpointer data)
{
  Peer *peer = data;

  g_array_append_val (peer->ids, id);
  g_ptr_array_add (peer->kinds, g_strdup (kind));
}

static void
on_peer_closed (FerryLink *link, const GError *error, gpointer data)
{
  Peer *peer = data;

  peer->closed = TRUE;
}

Peer *
peer_connect (WorkersFixture *fixture)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (fixture->socket);
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  Peer *peer = g_new0 (Peer, 1);

  connection = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, &error);
  g_assert_no_error (error);
  peer->ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  peer->kinds = g_ptr_array_new_with_free_func (g_free);
  peer->link = ferry_link_new (connection, 0);
  ferry_link_run (peer->link, on_peer_message, on_peer_closed, peer);
  return peer;
}

void
peer_free (Peer *peer)
{
  ferry_link_close (peer->link);
  g_object_unref (peer->link);
  g_array_unref (peer->ids);
  g_ptr_array_unref (peer->kinds);
  g_free (peer);
}

void
peer_hello (Peer *peer, const char *version)
{
  ferry_link_send (peer->link, 0, "hello", g_variant_new_parsed ("{'Version': <%s>}", version));
}

Peer *
peer_up (WorkersFixture *fixture)
{
  Peer *peer = peer_connect (fixture);

  peer_hello (peer, FERRY_VERSION);
  wait_until (ferry_workers_is_up (fixture->workers, fixture->uid));
  return peer;
}

void
workers_fixture_assert_log (WorkersFixture *fixture, const char *expected)
{
  g_assert_cmpstr (fixture->log->str, ==, expected);
  g_string_truncate (fixture->log, 0);
}

void
workers_fixture_assert_starts (WorkersFixture *fixture, guint starts)
{
  g_assert_cmpuint (ferry_fake_launcher_get_n_starts (fixture->launcher, fixture->uid), ==, starts);
}

void
workers_fixture_assert_stops (WorkersFixture *fixture, guint stops)
{
  g_assert_cmpuint (ferry_fake_launcher_get_n_stops (fixture->launcher, fixture->uid), ==, stops);
}

void
workers_fixture_die (WorkersFixture *fixture, const char *reason)
{
  ferry_fake_launcher_exit (fixture->launcher, fixture->uid, reason);
}

gint64
workers_fixture_get_backoff (WorkersFixture *fixture)
{
  gint64 next = ferry_workers_get_next_start (fixture->workers, fixture->uid);

  return next == 0 ? 0 : (next - ferry_clock_get_boot (FERRY_CLOCK (fixture->clock))) / SECOND;
}

void
workers_fixture_on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  GAsyncResult **place = data;

  g_assert_null (*place);
  *place = g_object_ref (result);
}

void
workers_fixture_ask (WorkersFixture *fixture, const char *kind, guint timeout,
                     GAsyncResult **result)
{
  ferry_workers_request (fixture->workers, fixture->uid, kind, NULL, timeout, NULL,
                         workers_fixture_on_reply, result);
}

void
workers_fixture_assert_failed (WorkersFixture *fixture, GAsyncResult *result, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_workers_request_finish (fixture->workers, result, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED);
  g_assert_cmpstr (error->message, ==, message);
}
