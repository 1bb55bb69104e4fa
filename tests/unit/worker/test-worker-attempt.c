/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An attempt's way: redirects, headers, connections, stopping, and what it finds on disk. */

#include "attempt-fixture.h"

#include "worker-redirect.h"

#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

#define CUT 300000

/* A second site with the same file. */
typedef struct
{
  Site site;
  RawServer *server;
  char *url;
} Mirror;

static void
mirror_init (Mirror *mirror, Fixture *fixture)
{
  mirror->site = fixture->site;
  mirror->server = raw_server_new (site_serve_cb, &mirror->site);
  mirror->url = raw_server_dup_url (mirror->server, "/mirror");
}

/* Idle connections hold the servers' threads. */
static void
close_connections (Fixture *fixture)
{
  g_object_unref (fixture->session);
  worker_sessions_trim (fixture->sessions);
  fixture->session = worker_sessions_get (fixture->sessions, "none", NULL, NULL,
                                          &(WorkerTrust){ 0 }, NULL, FALSE, NULL);
}

static void
mirror_clear (Mirror *mirror, Fixture *fixture)
{
  close_connections (fixture);
  raw_server_free (mirror->server);
  g_free (mirror->url);
}

static void
assert_header_of (RawServer *server, guint number, const char *name, const char *value)
{
  g_autofree char *request = raw_server_dup_request (server, number);
  g_autofree char *found = raw_get_header (request, name);

  g_assert_cmpstr (found, ==, value);
}

/* == redirects == */

static void
test_redirect (Fixture *fixture, gconstpointer data)
{
  Mirror mirror;

  mirror_init (&mirror, fixture);
  fixture->site.redirect = mirror.url;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 1);
  g_assert_cmpuint (raw_server_get_n_requests (mirror.server), ==, 1);
  g_assert_cmpstr (fixture->last_url, ==, mirror.url);
  mirror_clear (&mirror, fixture);
}

static void
test_redirect_for_ever (Fixture *fixture, gconstpointer data)
{
  fixture->site.redirect = "/again";
  fixture_assert_failed (fixture, fixture_run (fixture), "TooManyRedirects", FALSE);
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, WORKER_MAX_REDIRECTS + 1);
  /* All over one connection. */
  g_assert_cmpuint (raw_server_get_n_connections (fixture->server), ==, 1);
}

typedef struct
{
  const char *name;
  const char *location;
  const char *error;
} BadRedirect;

static const BadRedirect bad_redirects[] = {
  { "userinfo", "http://user:password@127.0.0.1/", "InvalidServerResponse" },
  { "scheme", "ftp://127.0.0.1/", "UnsupportedScheme" },
  { "file", "file:///etc/passwd", "UnsupportedScheme" },
  { "malformed", "http://[1:2", "InvalidServerResponse" },
};

static void
test_bad_redirect (Fixture *fixture, gconstpointer data)
{
  const BadRedirect *row = data;

  fixture->site.redirect = row->location;
  fixture_assert_failed (fixture, fixture_run (fixture), row->error, FALSE);
}

static void
test_redirect_policy (Fixture *fixture, gconstpointer data)
{
  const char *final_url = NULL;
  Mirror mirror;

  mirror_init (&mirror, fixture);
  fixture->site.redirect = mirror.url;
  fixture->redirect_policy = "refuse";
  fixture_assert_failed (fixture, fixture_run (fixture), "TooManyRedirects", FALSE);
  g_assert_cmpuint (raw_server_get_n_requests (mirror.server), ==, 0);
  fixture->redirect_policy = "report";
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "FinalUrl", "&s", &final_url));
  g_assert_cmpstr (final_url, ==, mirror.url);
  mirror_clear (&mirror, fixture);
}

static void
test_redirect_without_location (Fixture *fixture, gconstpointer data)
{
  fixture->site.say = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n";
  fixture_assert_failed (fixture, fixture_run (fixture), "InvalidServerResponse", FALSE);
}

/* Every resume starts at the URL of the file. */
static void
test_redirect_resumed (Fixture *fixture, gconstpointer data)
{
  Mirror mirror;

  mirror_init (&mirror, fixture);
  mirror.site.cut = CUT;
  fixture->site.redirect = mirror.url;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  mirror.site.cut = 0;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 2);
  assert_header_of (mirror.server, 1, "Range", "bytes=300000-");
  g_assert_null (fixture_get_restart (fixture));
  mirror_clear (&mirror, fixture);
}

/* The next mirror has another version; the one that we began with is tried before bytes are dropped. */
static void
test_last_place (Fixture *fixture, gconstpointer data)
{
  Mirror first;
  Mirror second;

  mirror_init (&first, fixture);
  mirror_init (&second, fixture);
  second.site.etag = "\"other\"";
  first.site.cut = CUT;
  fixture->site.redirect = first.url;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);

  first.site.cut = 0;
  fixture->site.redirect = second.url;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_null (fixture_get_restart (fixture));
  g_assert_cmpuint (raw_server_get_n_requests (second.server), ==, 1);
  g_assert_cmpuint (raw_server_get_n_requests (first.server), ==, 2);
  mirror_clear (&first, fixture);
  mirror_clear (&second, fixture);
}

/* ... and when that one has changed too, they go. */
static void
test_last_place_changed (Fixture *fixture, gconstpointer data)
{
  Mirror first;
  Mirror second;

  mirror_init (&first, fixture);
  mirror_init (&second, fixture);
  second.site.etag = "\"other\"";
  first.site.cut = CUT;
  fixture->site.redirect = first.url;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);

  first.site.say = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
  fixture->site.redirect = second.url;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "remote-file-changed");
  mirror_clear (&first, fixture);
  mirror_clear (&second, fixture);
}

/* == headers == */

static void
test_headers (Fixture *fixture, gconstpointer data)
{
  static const char *const headers[] = { "User-Agent: special/1", "Accept: text/x", "X-A: b",
                                         NULL };
  static const char *const secrets[] = { "Authorization: Bearer t0ken", "Cookie: a=b", NULL };

  fixture->headers = headers;
  fixture->secret_headers = secrets;
  fixture_assert_done (fixture, fixture_run (fixture));
  assert_header_of (fixture->server, 0, "User-Agent", "special/1");
  assert_header_of (fixture->server, 0, "Accept", "text/x");
  assert_header_of (fixture->server, 0, "X-A", "b");
  assert_header_of (fixture->server, 0, "Authorization", "Bearer t0ken");
  assert_header_of (fixture->server, 0, "Cookie", "a=b");
}

/* Another port is another origin; coming back to the first one they go along again. */
static void
test_secrets_stay (Fixture *fixture, gconstpointer data)
{
  static const char *const headers[] = { "X-A: b", NULL };
  static const char *const secrets[] = { "Authorization: Bearer t0ken", NULL };
  Mirror mirror;

  mirror_init (&mirror, fixture);
  fixture->site.redirect = mirror.url;
  fixture->headers = headers;
  fixture->secret_headers = secrets;
  fixture_assert_done (fixture, fixture_run (fixture));
  assert_header_of (fixture->server, 0, "Authorization", "Bearer t0ken");
  assert_header_of (mirror.server, 0, "Authorization", NULL);
  assert_header_of (mirror.server, 0, "X-A", "b");
  mirror_clear (&mirror, fixture);
}

static gboolean
has_line (char **lines, const char *line)
{
  return g_strv_contains ((const char *const *) lines, line);
}

static void
test_response_headers (Fixture *fixture, gconstpointer data)
{
  g_auto (GStrv) lines = NULL;

  fixture->site.more_headers = "X-Fine: yes\r\nX-Bell: a\x07z\r\nX-Latin: \xe4\r\n"
                               "Set-Cookie: session=secret\r\nContent-Location: /elsewhere\r\n";
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "ResponseHeaders", "^as", &lines));
  g_assert_true (has_line (lines, "X-Fine: yes"));
  g_assert_true (has_line (lines, "X-Bell: a\xef\xbf\xbdz"));
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_assert_true (g_utf8_validate (lines[i], -1, NULL));
      g_assert_null (strstr (lines[i], "secret"));
      g_assert_null (strstr (lines[i], "elsewhere"));
    }
}

static void
test_response_headers_bound (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GString) more = g_string_new (NULL);
  g_auto (GStrv) lines = NULL;
  gsize size = 0;

  for (guint i = 0; i < 60; i++)
    {
      g_autofree char *value = g_strnfill (900, 'x');

      g_string_append_printf (more, "X-%u: %s\r\n", i, value);
    }
  fixture->site.more_headers = more->str;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "ResponseHeaders", "^as", &lines));
  for (guint i = 0; lines[i] != NULL; i++)
    size += strlen (lines[i]) + 1;
  g_assert_cmpuint (size, <=, 16 * 1024);
  g_assert_cmpuint (size, >, 14 * 1024);
}

/* == connections == */

static void
test_reuse (Fixture *fixture, gconstpointer data)
{
  fixture_fill (fixture, 65536, 1);
  for (guint i = 0; i < 20; i++)
    {
      g_clear_pointer (&fixture->resume, g_variant_unref);
      fixture_assert_done (fixture, fixture_run (fixture));
    }
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 20);
  g_assert_cmpuint (raw_server_get_n_connections (fixture->server), ==, 1);
}

static void
test_reuse_after_error (Fixture *fixture, gconstpointer data)
{
  fixture->site.redirect = "ftp://nowhere/";
  fixture_assert_failed (fixture, fixture_run (fixture), "UnsupportedScheme", FALSE);
  fixture->site.redirect = NULL;
  fixture->maximum_size = 10;
  fixture_assert_failed (fixture, fixture_run (fixture), "MaximumSizeExceeded", FALSE);
  fixture->maximum_size = G_MAXUINT64;
  fixture_assert_done (fixture, fixture_run (fixture));
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  RawServer *gone = raw_server_new (site_serve_cb, &fixture->site);
  g_autofree char *url = raw_server_dup_url (gone, "/");

  raw_server_free (gone);
  fixture->url = url;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectFailed", TRUE);
}

static void
test_bad_url (Fixture *fixture, gconstpointer data)
{
  fixture->url = "ftp://127.0.0.1/x";
  fixture_assert_failed (fixture, fixture_run (fixture), "UnsupportedScheme", FALSE);
}

/* Requests that nobody answers, until they are cancelled. */
static gboolean
swallow_cb (RawPeer *peer, const char *request, gpointer data)
{
  return TRUE;
}

static gpointer
run_thread (gpointer data)
{
  worker_attempt_run (data);
  return NULL;
}

static void
ignore_report_cb (gpointer data, const char *kind, GVariant *arguments)
{
  g_variant_unref (arguments);
}

static WorkerAttempt *
prepare_other (Fixture *fixture, const char *url, guint number)
{
  g_autofree char *name = g_strdup_printf (".ferry-test-other-%u.part", number);
  g_autoptr (GVariant) arguments = NULL;
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Attempt", "t", (guint64) number + 1);
  g_variant_dict_insert (&dict, "Job", "s", "other");
  g_variant_dict_insert (&dict, "Url", "s", url);
  g_variant_dict_insert (&dict, "Path", "s", fixture->path);
  g_variant_dict_insert (&dict, "TemporaryName", "s", name);
  arguments = g_variant_ref_sink (g_variant_dict_end (&dict));
  return worker_attempt_new (worker_order_new (arguments, FALSE), fixture->sessions,
                             fixture->session, fixture->buffers, NULL, ignore_report_cb, NULL);
}

/* At most six connections to a host; those that wait for one can be stopped, and so can those that have one. */
static void
test_connections_per_host (Fixture *fixture, gconstpointer data)
{
  RawServer *silent = raw_server_new (swallow_cb, NULL);
  g_autofree char *url = raw_server_dup_url (silent, "/");
  WorkerAttempt *attempts[10];
  GThread *threads[10];

  for (guint i = 0; i < G_N_ELEMENTS (attempts); i++)
    {
      attempts[i] = prepare_other (fixture, url, i);
      threads[i] = g_thread_new ("attempt", run_thread, attempts[i]);
    }
  while (raw_server_get_n_requests (silent) < WORKER_MAX_CONNECTIONS_PER_HOST)
    g_thread_yield ();

  /* Another host is not held up meanwhile. */
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (raw_server_get_n_requests (silent), ==, WORKER_MAX_CONNECTIONS_PER_HOST);
  g_assert_cmpuint (raw_server_get_n_connections (silent), ==, WORKER_MAX_CONNECTIONS_PER_HOST);

  for (guint i = 0; i < G_N_ELEMENTS (attempts); i++)
    worker_attempt_stop (attempts[i]);
  for (guint i = 0; i < G_N_ELEMENTS (attempts); i++)
    {
      g_autofree char *name = g_strdup_printf (".ferry-test-other-%u.part", i);
      g_autofree char *part = g_build_filename (fixture->directory, name, NULL);

      g_thread_join (threads[i]);
      worker_attempt_unref (attempts[i]);
      g_unlink (part);
    }
  raw_server_free (silent);
}

/* Many at once over shared connections and one session: each gets its own bytes. */
static void
test_many_threads (Fixture *fixture, gconstpointer data)
{
  WorkerAttempt *attempts[16];
  GThread *threads[16];
  g_autofree char *url = raw_server_dup_url (fixture->server, "/");

  for (guint round = 0; round < 4; round++)
    {
      fixture_fill (fixture, 400000, round);
      for (guint i = 0; i < G_N_ELEMENTS (attempts); i++)
        {
          attempts[i] = prepare_other (fixture, url, i);
          threads[i] = g_thread_new ("attempt", run_thread, attempts[i]);
        }
      for (guint i = 0; i < G_N_ELEMENTS (attempts); i++)
        {
          g_autofree char *name = g_strdup_printf (".ferry-test-other-%u.part", i);
          g_autofree char *part = g_build_filename (fixture->directory, name, NULL);
          g_autofree char *found = NULL;
          gsize length;

          g_thread_join (threads[i]);
          worker_attempt_unref (attempts[i]);
          g_assert_true (g_file_get_contents (part, &found, &length, NULL));
          g_assert_cmpmem (found, length, fixture->site.content, fixture->site.size);
          g_unlink (part);
        }
    }
  g_assert_cmpuint (raw_server_get_n_connections (fixture->server), <=,
                    WORKER_MAX_CONNECTIONS_PER_HOST);
}

/* == stopping == */

static void
test_stop_in_body (Fixture *fixture, gconstpointer data)
{
  WorkerAttempt *attempt;
  GThread *thread;

  fixture->site.cut = CUT;
  fixture->site.hang = TRUE;
  attempt = fixture_prepare (fixture);
  thread = g_thread_new ("attempt", run_thread, worker_attempt_ref (attempt));

  /* A checkpoint from outside tells when the bytes are there, though the reader is blocked. */
  while (TRUE)
    {
      gboolean there = FALSE;

      worker_attempt_checkpoint (attempt);
      g_mutex_lock (&fixture->lock);
      for (guint i = 0; i < fixture->reports->len; i++)
        {
          const FixtureReport *report = g_ptr_array_index (fixture->reports, i);

          there |= g_str_equal (report->kind, "checkpoint") &&
                   fixture_get_size (report->arguments, "Bytes") == CUT;
        }
      g_mutex_unlock (&fixture->lock);
      if (there)
        break;
      g_thread_yield ();
    }

  worker_attempt_stop (attempt);
  g_thread_join (thread);
  worker_attempt_unref (attempt);
  worker_attempt_unref (attempt);
  g_assert_cmpuint (fixture_count (fixture, "stopped"), ==, 1);
  g_assert_cmpuint (fixture_get_size (fixture_get_end (fixture), "Bytes"), ==, CUT);

  fixture->resume = g_variant_lookup_value (fixture_get_end (fixture), "Resume",
                                            G_VARIANT_TYPE_VARDICT);
  fixture->site.cut = 0;
  fixture->site.hang = FALSE;
  fixture->site.body_sent = 0;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (fixture->site.body_sent, ==, fixture->site.size - CUT);
}

static void
test_stop_before (Fixture *fixture, gconstpointer data)
{
  WorkerAttempt *attempt = fixture_prepare (fixture);

  worker_attempt_stop (attempt);
  g_assert_cmpstr (fixture_finish (fixture, attempt), ==, "stopped");
  fixture_assert_done (fixture, fixture_run (fixture));
}

/* == the disk == */

static void
test_not_ours (Fixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_build_filename (fixture->directory, "other", NULL);
  g_autofree char *found = NULL;

  g_assert_true (g_file_set_contents (other, "precious", -1, NULL));
  g_assert_cmpint (symlink (other, fixture->part), ==, 0);
  g_assert_cmpstr (fixture_run (fixture), ==, "new-name");
  g_assert_cmpuint (fixture->reports->len, ==, 1);
  g_assert_true (g_file_get_contents (other, &found, NULL, NULL));
  g_assert_cmpstr (found, ==, "precious");
  g_unlink (other);
}

static void
test_destination_gone (Fixture *fixture, gconstpointer data)
{
  g_autofree char *away = g_strconcat (fixture->directory, "-away", NULL);
  const char *wait_reason;

  fixture->site.cut = CUT;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  g_assert_cmpint (g_rename (fixture->directory, away), ==, 0);
  fixture_assert_failed (fixture, fixture_run (fixture), "NoFileAccess", TRUE);
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "WaitReason", "&s", &wait_reason));
  g_assert_cmpstr (wait_reason, ==, "destination");
  g_assert_cmpuint (fixture_get_size (fixture->resume, "Offset"), ==, CUT);

  g_assert_cmpint (g_rename (away, fixture->directory), ==, 0);
  fixture->site.cut = 0;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_null (fixture_get_restart (fixture));
}

static void
test_proxy_refused (Fixture *fixture, gconstpointer data)
{
  static const char *const bad[] = { "http://user:secret@proxy/", "nonsense", "" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      SoupSession *session = worker_sessions_get (fixture->sessions, "override", bad[i], NULL,
                                                  &(WorkerTrust){ 0 }, NULL, FALSE, &error);

      g_assert_null (session);
      g_assert_nonnull (error);
      g_assert_null (strstr (error->message, "secret"));
    }
}

/* The proxy gets the whole URL; a host that goes without it does not. */
static void
test_proxy (Fixture *fixture, gconstpointer data)
{
  static const char *const bypass[] = { "127.0.0.1", NULL };
  g_autofree char *proxy = raw_server_dup_url (fixture->server, "");
  g_autofree char *request = NULL;

  g_object_unref (fixture->session);
  fixture->session = worker_sessions_get (fixture->sessions, "override", proxy, NULL,
                                          &(WorkerTrust){ 0 }, NULL, FALSE, NULL);
  fixture->url = "http://nowhere.invalid/file";
  fixture_assert_done (fixture, fixture_run (fixture));
  request = raw_server_dup_request (fixture->server, 0);
  g_assert_true (g_str_has_prefix (request, "GET http://nowhere.invalid/file HTTP/1.1\r\n"));

  g_object_unref (fixture->session);
  fixture->session = worker_sessions_get (fixture->sessions, "override", proxy, bypass,
                                          &(WorkerTrust){ 0 }, NULL, FALSE, NULL);
  fixture->url = NULL;
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture_assert_done (fixture, fixture_run (fixture));
  g_free (request);
  request = raw_server_dup_request (fixture->server, 1);
  g_assert_true (g_str_has_prefix (request, "GET /file HTTP/1.1\r\n"));
}

#define ADD(name, function)                                                                        \
  g_test_add ("/worker-attempt/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("redirect", test_redirect);
  ADD ("redirect-policy", test_redirect_policy);
  ADD ("redirect-for-ever", test_redirect_for_ever);
  ADD ("redirect-without-location", test_redirect_without_location);
  ADD ("redirect-resumed", test_redirect_resumed);
  ADD ("last-place", test_last_place);
  ADD ("last-place-changed", test_last_place_changed);
  ADD ("headers", test_headers);
  ADD ("secrets-stay", test_secrets_stay);
  ADD ("response-headers", test_response_headers);
  ADD ("response-headers-bound", test_response_headers_bound);
  ADD ("reuse", test_reuse);
  ADD ("reuse-after-error", test_reuse_after_error);
  ADD ("refused", test_refused);
  ADD ("bad-url", test_bad_url);
  ADD ("connections-per-host", test_connections_per_host);
  ADD ("many-threads", test_many_threads);
  ADD ("stop-in-body", test_stop_in_body);
  ADD ("stop-before", test_stop_before);
  ADD ("not-ours", test_not_ours);
  ADD ("destination-gone", test_destination_gone);
  ADD ("proxy-refused", test_proxy_refused);
  ADD ("proxy", test_proxy);
  for (guint i = 0; i < G_N_ELEMENTS (bad_redirects); i++)
    {
      g_autofree char *name = g_strconcat ("/worker-attempt/bad-redirect/", bad_redirects[i].name,
                                           NULL);

      g_test_add (name, Fixture, &bad_redirects[i], fixture_set_up, test_bad_redirect,
                  fixture_tear_down);
    }
  return g_test_run ();
}
