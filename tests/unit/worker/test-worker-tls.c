/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Over TLS: whom we trust, and bodies whose end only the end of the connection tells. */

#include "attempt-fixture.h"

#include <string.h>

/* How the server ends a connection. */
typedef enum
{
  END_NOTIFIED, /* with close_notify, as it should */
  END_CUT,      /* without */
  END_PLAIN,    /* it does not speak TLS at all */
} End;

typedef struct
{
  GSocketListener *listener;
  GThread *thread;
  guint16 port;
  GTlsCertificate *certificate;
  GCancellable *cancellable;
  End end;
  const char *answer;
} TlsServer;

static void
answer_one (TlsServer *server, GSocketConnection *connection)
{
  g_autoptr (GIOStream) tls = NULL;
  char buffer[4096];

  if (server->end == END_PLAIN)
    {
      g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
                                 server->answer, strlen (server->answer), NULL, server->cancellable,
                                 NULL);
      return;
    }

  tls = g_tls_server_connection_new (G_IO_STREAM (connection), server->certificate, NULL);
  if (g_input_stream_read (g_io_stream_get_input_stream (tls), buffer, sizeof buffer,
                           server->cancellable, NULL) <= 0)
    return;
  g_output_stream_write_all (g_io_stream_get_output_stream (tls), server->answer,
                             strlen (server->answer), NULL, server->cancellable, NULL);
  if (server->end == END_NOTIFIED)
    g_io_stream_close (tls, NULL, NULL);
  else
    g_socket_close (g_socket_connection_get_socket (connection), NULL);
}

static gpointer
serve (gpointer data)
{
  TlsServer *server = data;

  while (TRUE)
    {
      g_autoptr (GSocketConnection)
          connection = g_socket_listener_accept (server->listener, NULL, server->cancellable, NULL);

      if (connection == NULL)
        return NULL;
      answer_one (server, connection);
    }
}

static void
tls_server_init (TlsServer *server, const char *answer, End end)
{
  g_autofree char *cert = g_test_build_filename (G_TEST_DIST, "worker", "tls", "cert.pem", NULL);
  g_autofree char *key = g_test_build_filename (G_TEST_DIST, "worker", "tls", "key.pem", NULL);
  g_autoptr (GError) error = NULL;

  server->certificate = g_tls_certificate_new_from_files (cert, key, &error);
  g_assert_no_error (error);
  server->answer = answer;
  server->end = end;
  server->cancellable = g_cancellable_new ();
  server->listener = g_socket_listener_new ();
  server->port = g_socket_listener_add_any_inet_port (server->listener, NULL, &error);
  g_assert_no_error (error);
  server->thread = g_thread_new ("tls", serve, server);
}

static void
tls_server_clear (TlsServer *server)
{
  g_cancellable_cancel (server->cancellable);
  g_thread_join (server->thread);
  g_object_unref (server->listener);
  g_object_unref (server->certificate);
  g_object_unref (server->cancellable);
}

static void
trust (Fixture *fixture)
{
  g_autofree char *cert = g_test_build_filename (G_TEST_DIST, "worker", "tls", "cert.pem", NULL);
  g_autoptr (GTlsDatabase) database = g_tls_file_database_new (cert, NULL);

  g_object_set (fixture->session, "tls-database", database, NULL);
}

/* Runs one attempt; the site's content is what is expected of it. */
static const char *
run (Fixture *fixture, const char *answer, End end)
{
  TlsServer server = { 0 };
  g_autofree char *url = NULL;
  const char *kind;

  tls_server_init (&server, answer, end);
  url = g_strdup_printf ("https://127.0.0.1:%u/", server.port);
  fixture->url = url;
  g_free (fixture->site.content);
  fixture->site.content = (guint8 *) g_strdup ("0123456789");
  fixture->site.size = 10;
  kind = fixture_run (fixture);
  fixture->url = NULL;
  tls_server_clear (&server);
  return kind;
}

/* Of the public key in tls/cert.pem, as openssl has it. */
#define CERT_PIN  "sha256:b7e58a7fff4ce7d925c7d0c99f2af3ea1ba118d08457d073164cd4588a9880bc"
#define OTHER_PIN "sha256:0000000000000000000000000000000000000000000000000000000000000000"

#define LENGTH  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
#define CLOSE   "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n"

static void
test_length (Fixture *fixture, gconstpointer data)
{
  trust (fixture);
  fixture_assert_done (fixture, run (fixture, LENGTH, END_NOTIFIED));
}

/* Many servers leave the notification out; with a length it does not matter. */
static void
test_length_cut (Fixture *fixture, gconstpointer data)
{
  trust (fixture);
  fixture_assert_done (fixture, run (fixture, LENGTH, END_CUT));
}

static void
test_close (Fixture *fixture, gconstpointer data)
{
  trust (fixture);
  fixture_assert_done (fixture, run (fixture, CLOSE, END_NOTIFIED));
}

static void
test_close_cut (Fixture *fixture, gconstpointer data)
{
  trust (fixture);
  fixture_assert_failed (fixture, run (fixture, CLOSE, END_CUT), "ConnectionClosed", TRUE);
}

static void
test_chunks_cut (Fixture *fixture, gconstpointer data)
{
  trust (fixture);
  fixture_assert_failed (fixture, run (fixture, CHUNKED, END_CUT), "ConnectionClosed", TRUE);
  fixture_assert_failed (fixture, run (fixture, CHUNKED, END_NOTIFIED), "ConnectionClosed", TRUE);
}

static void
test_chunks_whole (Fixture *fixture, gconstpointer data)
{
  trust (fixture);
  fixture_assert_done (fixture, run (fixture, CHUNKED "0\r\n\r\n", END_CUT));
}

static void
test_not_trusted (Fixture *fixture, gconstpointer data)
{
  fixture_assert_failed (fixture, run (fixture, LENGTH, END_NOTIFIED), "TlsError", FALSE);
}

static const char *
get_message (Fixture *fixture)
{
  g_autoptr (GVariant)
      error = g_variant_lookup_value (fixture_get_end (fixture), "Error", G_VARIANT_TYPE_VARDICT);
  const char *message = "";

  g_variant_lookup (error, "Message", "&s", &message);
  return message;
}

/* Only what is overlooked by flag, and by the flag that is for it. */
static void
test_flags (Fixture *fixture, gconstpointer data)
{
  const char *const unknown_ca[] = { "ignore-unknown-ca", NULL };
  const char *const others[] = { "ignore-hostname", "ignore-expiry", "allow-https-to-http", NULL };

  fixture->tls_flags = others;
  fixture_assert_failed (fixture, run (fixture, LENGTH, END_NOTIFIED), "TlsError", FALSE);
  g_assert_nonnull (strstr (get_message (fixture), "its certificate is self-signed"));
  g_assert_null (strstr (get_message (fixture), "policy"));
  fixture->tls_flags_forbidden = unknown_ca;
  fixture_assert_failed (fixture, run (fixture, LENGTH, END_NOTIFIED), "TlsError", FALSE);
  g_assert_nonnull (strstr (get_message (fixture), "policy allow-insecure-tls"));
  fixture->tls_flags = unknown_ca;
  fixture_assert_done (fixture, run (fixture, LENGTH, END_NOTIFIED));
}

static void
test_pins (Fixture *fixture, gconstpointer data)
{
  const char *const right[] = { OTHER_PIN, CERT_PIN, NULL };
  const char *const wrong[] = { OTHER_PIN, NULL };

  trust (fixture);
  fixture->server_pins = wrong;
  fixture_assert_failed (fixture, run (fixture, LENGTH, END_NOTIFIED), "TlsError", FALSE);
  g_assert_nonnull (strstr (get_message (fixture), "none of ServerPins"));
  /* Nothing went out, and nothing was said of it. */
  fixture->method = "POST";
  fixture_assert_failed (fixture, run (fixture, LENGTH, END_NOTIFIED), "TlsError", FALSE);
  g_assert_cmpuint (fixture->confirmed, ==, 0);
  fixture->method = NULL;
  fixture->server_pins = right;
  fixture_assert_done (fixture, run (fixture, LENGTH, END_NOTIFIED));
  /* A key that is right makes no certificate good. */
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture_set_times (fixture, NULL);
  fixture_assert_failed (fixture, run (fixture, LENGTH, END_NOTIFIED), "TlsError", FALSE);
}

/* What has no key cannot have the right one; nothing is asked. */
static void
test_pins_without_tls (Fixture *fixture, gconstpointer data)
{
  const char *const pins[] = { CERT_PIN, NULL };

  fixture->server_pins = pins;
  fixture_assert_failed (fixture, fixture_run (fixture), "TlsError", FALSE);
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 0);
}

static void
test_not_tls (Fixture *fixture, gconstpointer data)
{
  /* A portal that answers for every host comes to an end. */
  fixture_assert_failed (fixture, run (fixture, LENGTH, END_PLAIN), "TlsError", TRUE);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/worker-tls/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    {
      g_test_message ("no TLS in GIO (glib-networking is not installed)");
      return 77;
    }
  ADD ("length", test_length);
  ADD ("length-cut", test_length_cut);
  ADD ("close", test_close);
  ADD ("close-cut", test_close_cut);
  ADD ("chunks-cut", test_chunks_cut);
  ADD ("chunks-whole", test_chunks_whole);
  ADD ("not-trusted", test_not_trusted);
  ADD ("flags", test_flags);
  ADD ("pins", test_pins);
  ADD ("pins-without-tls", test_pins_without_tls);
  ADD ("not-tls", test_not_tls);
  return g_test_run ();
}
