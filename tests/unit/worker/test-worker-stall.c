/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Servers that take their time: silent ones, and those that say a little for ever. */

#include "attempt-fixture.h"

#include <glib/gstdio.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CUT 300000

/* Between two words of a server that dribbles, µs. */
#define PAUSE (20 * 1000)

#define TICK (20 * 1000)

typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean done;
  WorkerAttempt *attempt;
} Ticker;

/* As the worker's main thread does. */
static gpointer
run_ticker (gpointer data)
{
  Ticker *ticker = data;

  g_mutex_lock (&ticker->lock);
  while (!ticker->done)
    {
      worker_attempt_tick (ticker->attempt);
      g_cond_wait_until (&ticker->changed, &ticker->lock, g_get_monotonic_time () + TICK);
    }
  g_mutex_unlock (&ticker->lock);
  return NULL;
}

static const char *
run_watched (Fixture *fixture)
{
  Ticker ticker = { .attempt = fixture_prepare (fixture) };
  GThread *thread;
  const char *end;

  g_mutex_init (&ticker.lock);
  g_cond_init (&ticker.changed);
  worker_attempt_ref (ticker.attempt);
  thread = g_thread_new ("ticker", run_ticker, &ticker);
  end = fixture_finish (fixture, ticker.attempt);

  g_mutex_lock (&ticker.lock);
  ticker.done = TRUE;
  g_cond_signal (&ticker.changed);
  g_mutex_unlock (&ticker.lock);
  g_thread_join (thread);
  worker_attempt_unref (ticker.attempt);
  g_mutex_clear (&ticker.lock);
  g_cond_clear (&ticker.changed);
  return end;
}

/* Says @word again and again, at most @times times. Returns: whether the other side listened to the end */
static gboolean
dribble (RawPeer *peer, const char *word, guint times)
{
  for (guint i = 0; i < times; i++)
    {
      raw_send (peer, word, strlen (word));
      if (g_socket_condition_timed_wait (peer->socket, G_IO_IN, PAUSE, NULL, NULL))
        return FALSE;
    }
  return TRUE;
}

static gboolean
serve_nothing_cb (RawPeer *peer, const char *request, gpointer data)
{
  raw_wait_for_close (peer);
  return FALSE;
}

static gboolean
serve_headers_cb (RawPeer *peer, const char *request, gpointer data)
{
  raw_printf (peer, "HTTP/1.1 200 OK\r\n");
  dribble (peer, "X-A: b\r\n", G_MAXUINT);
  return FALSE;
}

static gboolean
serve_continues_cb (RawPeer *peer, const char *request, gpointer data)
{
  dribble (peer, "HTTP/1.1 100 Continue\r\n\r\n", G_MAXUINT);
  return FALSE;
}

static gboolean
serve_bytes_cb (RawPeer *peer, const char *request, gpointer data)
{
  raw_printf (peer, "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 1000000\r\n\r\n");
  dribble (peer, "x", G_MAXUINT);
  return FALSE;
}

static gboolean
serve_chunks_cb (RawPeer *peer, const char *request, gpointer data)
{
  raw_printf (peer, "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nTransfer-Encoding: chunked\r\n\r\n");
  dribble (peer, "1\r\nx\r\n", G_MAXUINT);
  return FALSE;
}

/* Three times as long as a stall, and slow, but it comes. */
static gboolean
serve_slowly_cb (RawPeer *peer, const char *request, gpointer data)
{
  g_autofree char *word = g_strnfill (400, 'x');

  raw_printf (peer, "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 60000\r\n\r\n");
  dribble (peer, word, 150);
  return TRUE;
}

static void
set_handler (Fixture *fixture, RawHandler handler)
{
  raw_server_free (fixture->server);
  fixture->server = raw_server_new (handler, fixture);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  static const WorkerTimes times = { .connect = 1, .stall = 1, .answer = 2 };

  fixture_set_up (fixture, NULL);
  fixture_set_times (fixture, &times);
}

/* == silence == */

static void
test_silent_answer (Fixture *fixture, gconstpointer data)
{
  set_handler (fixture, serve_nothing_cb);
  fixture_assert_failed (fixture, run_watched (fixture), "TimedOut", TRUE);
}

static void
test_silent_body (Fixture *fixture, gconstpointer data)
{
  fixture->site.cut = CUT;
  fixture->site.hang = TRUE;
  fixture_assert_failed (fixture, run_watched (fixture), "TimedOut", TRUE);
  g_assert_cmpuint (fixture_get_size (fixture->resume, "Offset"), ==, CUT);
  g_assert_cmpuint (fixture_count (fixture, "progress"), >, 0);

  fixture->site.cut = 0;
  fixture->site.hang = FALSE;
  fixture->site.body_sent = 0;
  fixture_assert_done (fixture, run_watched (fixture));
  g_assert_cmpuint (fixture->site.body_sent, ==, fixture->site.size - CUT);
}

/* What the server does not understand it waits for more of. */
static void
test_silent_handshake (Fixture *fixture, gconstpointer data)
{
  g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u/",
                                          raw_server_get_port (fixture->server));

  fixture->url = url;
  fixture_assert_failed (fixture, run_watched (fixture), "TimedOut", TRUE);
}

/* A port whose queue of connections is full answers nothing at all. */
static void
test_silent_port (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GSocket) listener = NULL;
  g_autoptr (GPtrArray) waiting = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *url = NULL;

  listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_assert_true (g_socket_bind (listener, any, FALSE, NULL));
  g_socket_set_listen_backlog (listener, 0);
  g_assert_true (g_socket_listen (listener, NULL));
  address = g_socket_get_local_address (listener, NULL);
  for (guint i = 0; i < 4; i++)
    {
      GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                      G_SOCKET_PROTOCOL_TCP, NULL);

      g_socket_set_blocking (socket, FALSE);
      g_socket_connect (socket, address, NULL, NULL);
      g_ptr_array_add (waiting, socket);
    }

  url = g_strdup_printf ("http://127.0.0.1:%u/",
                         g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));
  fixture->url = url;
  fixture_assert_failed (fixture, run_watched (fixture), "TimedOut", TRUE);
}

/* == a little, for ever == */

static void
test_endless_headers (Fixture *fixture, gconstpointer data)
{
  set_handler (fixture, serve_headers_cb);
  fixture_assert_failed (fixture, run_watched (fixture), "TimedOut", TRUE);
}

static void
test_endless_continues (Fixture *fixture, gconstpointer data)
{
  set_handler (fixture, serve_continues_cb);
  fixture_assert_failed (fixture, run_watched (fixture), "TimedOut", TRUE);
}

/* What must not be sent twice is over when its server is given up: its owner may choose another method. */
static void
test_endless_upload (Fixture *fixture, gconstpointer data)
{
  const char *protocol;

  g_assert_true (g_file_set_contents (fixture->path, "", 0, NULL));
  fixture->upload = TRUE;
  fixture->method = "POST";
  set_handler (fixture, serve_continues_cb);
  fixture_assert_failed (fixture, run_watched (fixture), "TimedOut", FALSE);
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "UploadProtocol", "&s", &protocol));
  g_assert_cmpstr (protocol, ==, "");
  g_assert_cmpint (g_remove (fixture->path), ==, 0);
}

/* What came is kept, and told. */
static void
test_endless_body (Fixture *fixture, gconstpointer data)
{
  set_handler (fixture, serve_bytes_cb);
  fixture_assert_failed (fixture, run_watched (fixture), "TimedOut", TRUE);
  g_assert_cmpuint (fixture_get_size (fixture->resume, "Offset"), >, 0);
  g_assert_cmpuint (fixture_get_size (fixture->resume, "Offset"), <, WORKER_PULSE_LEAST);
}

static void
test_endless_chunks (Fixture *fixture, gconstpointer data)
{
  set_handler (fixture, serve_chunks_cb);
  fixture_assert_failed (fixture, run_watched (fixture), "TimedOut", TRUE);
  g_assert_cmpuint (fixture_get_size (fixture->resume, "Offset"), >, 0);
}

static void
test_slow_body (Fixture *fixture, gconstpointer data)
{
  set_handler (fixture, serve_slowly_cb);
  g_assert_cmpstr (run_watched (fixture), ==, "done");
}

#define ADD(name, function)                                                                        \
  g_test_add ("/worker-stall/" name, Fixture, NULL, set_up, function, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("silent-answer", test_silent_answer);
  ADD ("silent-body", test_silent_body);
  ADD ("silent-handshake", test_silent_handshake);
  ADD ("silent-port", test_silent_port);
  ADD ("endless-headers", test_endless_headers);
  ADD ("endless-continues", test_endless_continues);
  ADD ("endless-upload", test_endless_upload);
  ADD ("endless-body", test_endless_body);
  ADD ("endless-chunks", test_endless_chunks);
  ADD ("slow-body", test_slow_body);
  return g_test_run ();
}
