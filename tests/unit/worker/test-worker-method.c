/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests of a method that the owner chose: what goes out, how often, and what becomes of it. */

#include "attempt-fixture.h"
#include "attempt-report.h"
#include "upload-server.h"
#include "worker-request.h"

#include "ferry-worker-protocol.h"

#include <glib/gstdio.h>

#include <string.h>

#define CUT 300000

static gboolean
was_asked (Fixture *fixture)
{
  gboolean asked = FALSE;

  return fixture->resume != NULL &&
         g_variant_lookup (fixture->resume, FERRY_RESUME_ASKED, "b", &asked) && asked;
}

/* As ferryd does at the owner's Resume. */
static void
forgive (Fixture *fixture)
{
  GVariantDict dict;

  g_assert_true (was_asked (fixture));
  g_variant_dict_init (&dict, fixture->resume);
  g_variant_dict_remove (&dict, FERRY_RESUME_ASKED);
  g_variant_unref (fixture->resume);
  fixture->resume = g_variant_ref_sink (g_variant_dict_end (&dict));
}

static void
assert_request (RawServer *server, guint number, const char *line, const char *length)
{
  g_autofree char *request = raw_server_dup_request (server, number);
  g_autofree char *told = raw_get_header (request, "Content-Length");
  g_autofree char *range = raw_get_header (request, "Range");

  g_assert_true (g_str_has_prefix (request, line));
  g_assert_cmpstr (told, ==, length);
  g_assert_cmpstr (range, ==, NULL);
}

/* == downloads == */

static void
test_post (Fixture *fixture, gconstpointer data)
{
  fixture->method = "POST";
  fixture_assert_done (fixture, fixture_run (fixture));
  assert_request (fixture->server, 0, "POST /file ", "0");
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 1);
  g_assert_cmpuint (fixture->confirmed, ==, 1);
}

/* One that does nothing needs no permission, and a length where nobody expects one is none. */
static void
test_delete (Fixture *fixture, gconstpointer data)
{
  fixture->method = "DELETE";
  fixture_assert_done (fixture, fixture_run (fixture));
  assert_request (fixture->server, 0, "DELETE /file ", NULL);
  g_assert_cmpuint (fixture->confirmed, ==, 0);
}

/* Two attempts over one connection would be one that nobody knows to be alive. */
static void
test_fresh_connection (Fixture *fixture, gconstpointer data)
{
  fixture_assert_done (fixture, fixture_run (fixture));
  g_clear_pointer (&fixture->resume, g_variant_unref);
  g_assert_cmpint (g_remove (fixture->part), ==, 0);
  fixture->method = "POST";
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (raw_server_get_n_connections (fixture->server), ==, 2);
}

static void
assert_final (Fixture *fixture, const char *end, const char *name)
{
  g_autoptr (GVariant) error = NULL;
  const char *message;

  fixture_assert_failed (fixture, end, name, FALSE);
  error = g_variant_lookup_value (fixture_get_end (fixture), "Error", G_VARIANT_TYPE_VARDICT);
  g_assert_true (g_variant_lookup (error, "Message", "&s", &message));
  g_assert_nonnull (strstr (message, "may have carried out the POST request"));
  g_assert_true (was_asked (fixture));
}

static void
test_break (Fixture *fixture, gconstpointer data)
{
  fixture->method = "POST";
  fixture->site.cut = CUT;
  assert_final (fixture, fixture_run (fixture), "ConnectionClosed");
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 1);

  forgive (fixture);
  fixture->site.cut = 0;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "not-resumable");
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 2);
  assert_request (fixture->server, 1, "POST /file ", "0");
}

static void
test_no_answer (Fixture *fixture, gconstpointer data)
{
  fixture->method = "X-DO";
  fixture->site.say = "";
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", FALSE);
  g_assert_true (was_asked (fixture));
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 1);
}

/* What only reads may be asked as often as it takes, and always from 0. */
static void
test_propfind_break (Fixture *fixture, gconstpointer data)
{
  fixture->method = "PROPFIND";
  fixture->site.cut = CUT;
  for (guint i = 0; i < 7; i++)
    {
      fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
      g_assert_false (was_asked (fixture));
      g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, i + 1);
    }
  fixture->site.cut = 0;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "not-resumable");
  assert_request (fixture->server, 7, "PROPFIND /file ", "0");
  g_assert_cmpuint (fixture->confirmed, ==, 0);
}

/* The bytes of another method's answer are no beginning of what GET brings, whatever their ETag. */
static void
test_get_after_post (Fixture *fixture, gconstpointer data)
{
  fixture->method = "POST";
  fixture->site.cut = CUT;
  assert_final (fixture, fixture_run (fixture), "ConnectionClosed");
  forgive (fixture);
  fixture->method = NULL;
  fixture->site.cut = 0;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "not-resumable");
  assert_request (fixture->server, 1, "GET /file ", NULL);
}

/* ... and the other way round; then GET goes on again. */
static void
test_post_after_get (Fixture *fixture, gconstpointer data)
{
  fixture->site.cut = CUT;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  fixture->method = "POST";
  fixture->site.cut = 0;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "not-resumable");
  assert_request (fixture->server, 1, "POST /file ", "0");
}

/* An attempt by a method that may be repeated does not undo what another one may have done. */
static void
test_propfind_after_post (Fixture *fixture, gconstpointer data)
{
  fixture->method = "POST";
  fixture->site.cut = CUT;
  assert_final (fixture, fixture_run (fixture), "ConnectionClosed");
  fixture->method = "PROPFIND";
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  g_assert_true (was_asked (fixture));
  fixture->site.cut = 0;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_true (was_asked (fixture));
}

/* No request for what comes behind it proves its end. */
static void
test_chunks_without_end (Fixture *fixture, gconstpointer data)
{
  fixture->method = "PROPFIND";
  fixture->site.body = BODY_CHUNKED_UNENDED;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 1);
  fixture->site.body = BODY_CHUNKED_CLOSE;
  fixture_assert_done (fixture, fixture_run (fixture));
}

static void
test_ranges (Fixture *fixture, gconstpointer data)
{
  fixture->method = "PROPFIND";
  fixture->ranges = "[(10, 20)]";
  fixture_assert_failed (fixture, fixture_run (fixture), "InsufficientRangeSupport", FALSE);
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 0);
}

static void
test_other_successes (Fixture *fixture, gconstpointer data)
{
  fixture_fill (fixture, 4, 0);
  memcpy (fixture->site.content, "over", 4);
  fixture->site.say = "HTTP/1.1 207 Multi-Status\r\nContent-Length: 4\r\n\r\nover";
  fixture_assert_failed (fixture, fixture_run (fixture), "InvalidServerResponse", FALSE);
  fixture->method = "PROPFIND";
  fixture_assert_done (fixture, fixture_run (fixture));

  g_assert_cmpint (g_remove (fixture->part), ==, 0);
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture_fill (fixture, 0, 0);
  fixture->method = "POST";
  fixture->site.say = "HTTP/1.1 204 No Content\r\n\r\n";
  fixture_assert_done (fixture, fixture_run (fixture));

  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture->site.say = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/9\r\n"
                      "Content-Length: 4\r\n\r\nover";
  fixture_assert_failed (fixture, fixture_run (fixture), "InvalidServerResponse", FALSE);
}

/* == what the server says of a request that must not be sent twice == */

static const struct
{
  const char *status;
  const char *error;
  gboolean transient;
  gboolean asked;
} answers[] = {
  { "401 Unauthorized", "AuthenticationFailed", FALSE, FALSE },
  { "404 Not Found", "NotFound", FALSE, FALSE },
  { "429 Too Many Requests", "HttpError", TRUE, FALSE },
  { "503 Service Unavailable", "HttpError", TRUE, FALSE },
  { "511 Network Authentication Required", "HttpError", TRUE, FALSE },
  { "500 Internal Server Error", "HttpError", FALSE, TRUE },
  { "502 Bad Gateway", "HttpError", FALSE, TRUE },
  { "504 Gateway Timeout", "HttpError", FALSE, TRUE },
};

static void
test_answers (Fixture *fixture, gconstpointer data)
{
  fixture->method = "POST";
  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *said = g_strdup_printf (
          "HTTP/1.1 %s\r\nContent-Length: 0\r\nX-Answer: %s\r\n\r\n", answers[i].status,
          answers[i].status);
      g_autofree char *header = g_strdup_printf ("X-Answer: %s", answers[i].status);
      g_auto (GStrv) headers = NULL;

      g_test_message ("%s", answers[i].status);
      fixture->site.say = said;
      g_clear_pointer (&fixture->resume, g_variant_unref);
      fixture_assert_failed (fixture, fixture_run (fixture), answers[i].error,
                             answers[i].transient);
      g_assert_cmpint (was_asked (fixture), ==, answers[i].asked);
      g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, i + 1);
      g_assert_true (
          g_variant_lookup (fixture_get_end (fixture), "ResponseHeaders", "^as", &headers));
      g_assert_true (g_strv_contains ((const char *const *) headers, header));
    }
}

/* Nothing has gone out. */
static void
test_refused_connection (Fixture *fixture, gconstpointer data)
{
  RawServer *closed = raw_server_new (site_serve_cb, &fixture->site);
  g_autofree char *url = raw_server_dup_url (closed, "/file");

  raw_server_free (closed);
  fixture->method = "POST";
  fixture->url = url;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectFailed", TRUE);
  g_assert_false (was_asked (fixture));
  g_assert_cmpuint (fixture->confirmed, ==, 0);
}

/* Stopped while ferryd writes it down: then it does not go out. */
static void
test_stop_before (Fixture *fixture, gconstpointer data)
{
  fixture->method = "POST";
  fixture->stop_at_confirm = TRUE;
  g_assert_cmpstr (fixture_run (fixture), ==, "stopped");
  g_assert_cmpuint (fixture->confirmed, ==, 1);
  g_assert_false (was_asked (fixture));
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 0);
}

static gboolean
refuse_start_cb (gpointer data)
{
  *(guint *) data += 1;
  return FALSE;
}

/* What has no permission does not go out, whoever else has heard by then that we were stopped. */
static void
test_start_refused (Fixture *fixture, gconstpointer data)
{
  WorkerAttempt *attempt = fixture_prepare (fixture);
  const WorkerOrder *order = worker_attempt_get_order (attempt);
  g_autoptr (GUri) uri = g_uri_parse (order->url, SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  WorkerPulse pulse = { 0 };
  guint asked = 0;
  WorkerRequester requester = worker_order_get_requester (order, fixture->sessions,
                                                          fixture->session, &pulse, uri,
                                                          cancellable);
  const WorkerRequest request = {
    .uri = uri, .method = "POST", .own = TRUE, .starting = refuse_start_cb, .data = &asked
  };

  g_assert_null (worker_request_send (&requester, &request, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (asked, ==, 1);
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 0);
  worker_attempt_unref (attempt);
}

static gboolean
serve_and_stop_cb (RawPeer *peer, const char *request, gpointer data)
{
  Fixture *fixture = data;
  WorkerAttempt *attempt = worker_attempt_ref (fixture->attempt);

  /* It may be over before this returns. */
  worker_attempt_stop (attempt);
  worker_attempt_unref (attempt);
  raw_wait_for_close (peer);
  return FALSE;
}

static void
test_stop_after (Fixture *fixture, gconstpointer data)
{
  RawServer *server = raw_server_new (serve_and_stop_cb, fixture);
  g_autofree char *url = raw_server_dup_url (server, "/file");

  fixture->method = "POST";
  fixture->url = url;
  g_assert_cmpstr (fixture_run (fixture), ==, "stopped");
  g_assert_true (was_asked (fixture));
  raw_server_free (server);
}

/* == redirects == */

typedef struct
{
  const char *method;
  guint status;
  const char *next; /* the method of the second request */
} Turn;

static const Turn turns[] = {
  { "POST", 301, "GET" },          { "POST", 302, "GET" },     { "POST", 303, "GET" },
  { "POST", 307, "POST" },         { "POST", 308, "POST" },    { "PROPFIND", 301, "PROPFIND" },
  { "PROPFIND", 302, "PROPFIND" }, { "PROPFIND", 303, "GET" }, { "PROPFIND", 307, "PROPFIND" },
};

typedef struct
{
  guint status;
  const char *then; /* status line and headers of the second answer */
} TurnSite;

static gboolean
serve_turn_cb (RawPeer *peer, const char *request, gpointer data)
{
  const TurnSite *site = data;

  if (strstr (request, " /file ") != NULL)
    raw_printf (peer, "HTTP/1.1 %u Over\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
                site->status);
  else
    raw_printf (peer, "HTTP/1.1 %s\r\nContent-Length: 4\r\n\r\nover", site->then);
  return TRUE;
}

static void
test_redirects (Fixture *fixture, gconstpointer data)
{
  fixture_fill (fixture, 4, 0);
  memcpy (fixture->site.content, "over", 4);
  for (gsize i = 0; i < G_N_ELEMENTS (turns); i++)
    {
      TurnSite site = { turns[i].status, "200 OK" };
      RawServer *server = raw_server_new (serve_turn_cb, &site);
      g_autofree char *url = raw_server_dup_url (server, "/file");
      g_autofree char *line = g_strdup_printf ("%s /there ", turns[i].next);
      gboolean get = g_str_equal (turns[i].next, "GET");

      fixture->url = url;
      fixture->method = turns[i].method;
      fixture_assert_done (fixture, fixture_run (fixture));
      g_assert_cmpuint (raw_server_get_n_requests (server), ==, 2);
      assert_request (server, 1, line, get ? NULL : "0");
      g_assert_cmpint (g_remove (fixture->part), ==, 0);
      g_clear_pointer (&fixture->resume, g_variant_unref);
      raw_server_free (server);
    }
}

/* That the result cannot be had now does not undo what was done for it. */
static void
test_refusal_behind_303 (Fixture *fixture, gconstpointer data)
{
  TurnSite site = { 303, "503 Service Unavailable" };
  RawServer *server = raw_server_new (serve_turn_cb, &site);
  g_autofree char *url = raw_server_dup_url (server, "/file");

  fixture->url = url;
  fixture->method = "POST";
  assert_final (fixture, fixture_run (fixture), "HttpError");
  raw_server_free (server);
}

/* Nobody is asked for a login with which it could not go on. */
static void
test_login_behind_303 (Fixture *fixture, gconstpointer data)
{
  TurnSite site = { 303, "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"in here\"" };
  RawServer *server = raw_server_new (serve_turn_cb, &site);
  g_autofree char *url = raw_server_dup_url (server, "/file");

  fixture->url = url;
  fixture->method = "PROPFIND";
  fixture_assert_failed (fixture, fixture_run (fixture), "AuthenticationFailed", FALSE);
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "Challenge", "a{sv}", NULL));
  fixture->method = "POST";
  assert_final (fixture, fixture_run (fixture), "AuthenticationFailed");
  g_assert_false (g_variant_lookup (fixture_get_end (fixture), "Challenge", "a{sv}", NULL));
  raw_server_free (server);
}

/* == uploads == */

typedef struct
{
  UploadSite site;
  UploadServer *server;
  char *url;
} Uploading;

static void
begin_upload (Uploading *self, Fixture *fixture, const char *method)
{
  *self = (Uploading){ .site = { .speaks = FERRY_UPLOAD_PROTOCOL_PUT, .method = method } };
  self->server = upload_server_new (&self->site);
  self->url = upload_server_dup_url (self->server, "/up");
  g_assert_true (g_file_set_contents (fixture->path, (char *) fixture->site.content,
                                      (gssize) fixture->site.size, NULL));
  fixture->url = self->url;
  fixture->method = method;
  fixture->upload = TRUE;
}

static void
end_upload (Uploading *self, Fixture *fixture)
{
  upload_server_free (self->server);
  g_free (self->url);
  g_assert_cmpint (g_remove (fixture->path), ==, 0);
}

static void
assert_log (Uploading *self, const char *log)
{
  g_autofree char *found = NULL;

  g_ptr_array_add (self->site.log, NULL);
  found = g_strjoinv (" ", (char **) self->site.log->pdata);
  g_ptr_array_set_size (self->site.log, (int) self->site.log->len - 1);
  g_assert_cmpstr (found, ==, log);
}

static void
assert_sent (Uploading *self, Fixture *fixture, const char *end)
{
  g_autofree char *error = attempt_report_dup_error (fixture_get_end (fixture));

  g_assert_cmpstr (error, ==, NULL);
  g_assert_cmpstr (end, ==, "done");
  g_assert_cmpuint (self->site.kept->len, ==, fixture->site.size);
  g_assert_true (memcmp (self->site.kept->data, fixture->site.content, fixture->site.size) == 0);
}

/* One request and no other, before it or after. */
static void
test_upload (Fixture *fixture, gconstpointer data)
{
  Uploading self;
  const char *protocol;

  begin_upload (&self, fixture, "POST");
  assert_sent (&self, fixture, fixture_run (fixture));
  assert_log (&self, "POST");
  g_assert_cmpuint (fixture->confirmed, ==, 1);
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "UploadProtocol", "&s", &protocol));
  g_assert_cmpstr (protocol, ==, "put");
  end_upload (&self, fixture);
}

/* The default, but that nobody is asked what he speaks. */
static void
test_upload_put (Fixture *fixture, gconstpointer data)
{
  Uploading self;

  begin_upload (&self, fixture, "PUT");
  assert_sent (&self, fixture, fixture_run (fixture));
  assert_log (&self, "PUT HEAD");
  g_assert_cmpuint (fixture->confirmed, ==, 0);
  end_upload (&self, fixture);
}

/* What may be sent again goes over the connection there is; what may not has its own. */
static void
test_upload_fresh_connection (Fixture *fixture, gconstpointer data)
{
  Uploading self;

  begin_upload (&self, fixture, "PUT");
  assert_sent (&self, fixture, fixture_run (fixture));
  g_assert_cmpuint (self.site.connections, ==, 1);
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture->method = self.site.method = "POST";
  assert_sent (&self, fixture, fixture_run (fixture));
  g_assert_cmpuint (self.site.connections, ==, 2);
  end_upload (&self, fixture);
}

static void
test_upload_break (Fixture *fixture, gconstpointer data)
{
  Uploading self;
  const char *protocol;

  begin_upload (&self, fixture, "POST");
  self.site.drop_after = 1;
  assert_final (fixture, fixture_run (fixture), "ConnectionClosed");
  /* The owner may want another method for the next Resume. */
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "UploadProtocol", "&s", &protocol));
  g_assert_cmpstr (protocol, ==, "");
  assert_log (&self, "POST");
  /* Another method in between does not undo it. */
  fixture->method = self.site.method = "PUT";
  self.site.refuse = 503;
  fixture_assert_failed (fixture, fixture_run (fixture), "HttpError", TRUE);
  g_assert_true (was_asked (fixture));
  self.site.refuse = 0;
  fixture->method = self.site.method = "POST";
  forgive (fixture);
  assert_sent (&self, fixture, fixture_run (fixture));
  assert_log (&self, "POST PUT POST");
  end_upload (&self, fixture);
}

static void
test_upload_refused (Fixture *fixture, gconstpointer data)
{
  Uploading self;
  g_auto (GStrv) headers = NULL;

  begin_upload (&self, fixture, "PATCH");
  self.site.refuse = 503;
  fixture_assert_failed (fixture, fixture_run (fixture), "HttpError", TRUE);
  g_assert_false (was_asked (fixture));
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "ResponseHeaders", "^as", &headers));
  g_assert_cmpuint (g_strv_length (headers), >, 0);
  self.site.refuse = 500;
  fixture_assert_failed (fixture, fixture_run (fixture), "HttpError", FALSE);
  g_assert_true (was_asked (fixture));
  assert_log (&self, "PATCH PATCH");
  end_upload (&self, fixture);
}

#define ADD(name, func)                                                                            \
  g_test_add ("/worker-method/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("post", test_post);
  ADD ("delete", test_delete);
  ADD ("fresh-connection", test_fresh_connection);
  ADD ("break", test_break);
  ADD ("no-answer", test_no_answer);
  ADD ("propfind-break", test_propfind_break);
  ADD ("get-after-post", test_get_after_post);
  ADD ("post-after-get", test_post_after_get);
  ADD ("propfind-after-post", test_propfind_after_post);
  ADD ("chunks-without-end", test_chunks_without_end);
  ADD ("ranges", test_ranges);
  ADD ("other-successes", test_other_successes);
  ADD ("answers", test_answers);
  ADD ("refused-connection", test_refused_connection);
  ADD ("stop-before", test_stop_before);
  ADD ("start-refused", test_start_refused);
  ADD ("stop-after", test_stop_after);
  ADD ("redirects", test_redirects);
  ADD ("refusal-behind-303", test_refusal_behind_303);
  ADD ("login-behind-303", test_login_behind_303);
  ADD ("upload", test_upload);
  ADD ("upload-put", test_upload_put);
  ADD ("upload-fresh-connection", test_upload_fresh_connection);
  ADD ("upload-break", test_upload_break);
  ADD ("upload-refused", test_upload_refused);
  return g_test_run ();
}
