/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The trouble table: what goes wrong between a server and a resumed download, and that the right bytes come out. */

#include "attempt-fixture.h"

#include <glib/gstdio.h>

#define OLD_DATE     "Thu, 01 Jan 2026 12:00:00 GMT"
#define OLD_MODIFIED "Wed, 31 Dec 2025 12:00:00 GMT"
#define CUT          300000

/* An attempt that breaks after CUT bytes, which are kept. */
static void
break_first (Fixture *fixture)
{
  gboolean new_bytes;

  fixture->site.cut = CUT;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "NewBytes", "b", &new_bytes));
  g_assert_true (new_bytes);
  g_assert_cmpuint (fixture_get_size (fixture_get_end (fixture), "Bytes"), ==, CUT);
  fixture->site.cut = 0;
  fixture->site.body_sent = 0;
}

static void
assert_header (Fixture *fixture, guint number, const char *name, const char *value)
{
  g_autofree char *found = fixture_dup_request_header (fixture, number, name);

  g_assert_cmpstr (found, ==, value);
}

/* == whole files == */

static void
test_whole (Fixture *fixture, gconstpointer data)
{
  const char *validator;
  guint32 status;

  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 1);
  g_assert_cmpuint (fixture_count (fixture, "response"), ==, 1);
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "Validator", "&s", &validator));
  g_assert_cmpstr (validator, ==, "\"v1\"");
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "HttpStatus", "u", &status));
  g_assert_cmpuint (status, ==, 200);
  assert_header (fixture, 0, "Range", NULL);
  assert_header (fixture, 0, "Accept-Encoding", "identity");
  assert_header (fixture, 0, "User-Agent", "ferry/0.1.0");
}

static void
test_small (Fixture *fixture, gconstpointer data)
{
  fixture_fill (fixture, 65536, 1);
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (fixture->reports->len, ==, 1);
}

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  static const BodyKind kinds[] = { BODY_LENGTH, BODY_LENGTH_CLOSE, BODY_CHUNKED,
                                    BODY_CHUNKED_CLOSE };

  fixture_fill (fixture, 0, 0);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      fixture->site.body = kinds[i];
      g_clear_pointer (&fixture->resume, g_variant_unref);
      fixture_assert_done (fixture, fixture_run (fixture));
    }

  /* Ended by close alone it could as well be headers that were cut; unless it is what was expected. */
  fixture->site.body = BODY_CLOSE;
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  fixture->size = 0;
  fixture_assert_done (fixture, fixture_run (fixture));
}

static void
test_kinds_of_bodies (Fixture *fixture, gconstpointer data)
{
  static const BodyKind kinds[] = { BODY_LENGTH, BODY_LENGTH_CLOSE, BODY_CHUNKED,
                                    BODY_CHUNKED_CLOSE, BODY_CLOSE };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_test_message ("kind %d", kinds[i]);
      fixture->site.body = kinds[i];
      g_clear_pointer (&fixture->resume, g_variant_unref);
      fixture_assert_done (fixture, fixture_run (fixture));
      g_assert_null (fixture_get_restart (fixture));
    }
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, G_N_ELEMENTS (kinds));
}

static void
test_encoded (Fixture *fixture, gconstpointer data)
{
  /* Stored as sent, whatever it is. */
  fixture->site.more_headers = "Content-Encoding: gzip\r\nContent-Type: text/plain\r\n";
  fixture_assert_done (fixture, fixture_run (fixture));
}

/* == broken connections == */

static void
test_dropped (Fixture *fixture, gconstpointer data)
{
  static const BodyKind kinds[] = { BODY_LENGTH, BODY_LENGTH_CLOSE, BODY_CHUNKED };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      guint n = raw_server_get_n_requests (fixture->server);

      g_test_message ("kind %d", kinds[i]);
      g_clear_pointer (&fixture->resume, g_variant_unref);
      fixture->site.body = kinds[i];
      fixture->site.reset = i % 2 == 1;
      fixture->site.body_sent = 0;
      fixture->site.cut = CUT;
      if (kinds[i] == BODY_CHUNKED)
        {
          /* The rest is fetched at once, since asking for proof brings it. */
          fixture->site.cut = 600000;
          fixture_assert_done (fixture, fixture_run (fixture));
        }
      else if (fixture->site.reset)
        {
          /* A reset may overtake what was sent before it. */
          fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
          fixture->site.cut = 0;
          fixture_assert_done (fixture, fixture_run (fixture));
        }
      else
        {
          break_first (fixture);
          fixture_assert_done (fixture, fixture_run (fixture));
          g_assert_cmpuint (fixture->site.body_sent, ==, fixture->site.size - CUT);
          assert_header (fixture, n + 1, "Range", "bytes=300000-");
          assert_header (fixture, n + 1, "If-Range", "\"v1\"");
        }
      g_assert_null (fixture_get_restart (fixture));
    }
}

static void
test_last_modified (Fixture *fixture, gconstpointer data)
{
  fixture->site.etag = NULL;
  fixture->site.last_modified = OLD_MODIFIED;
  fixture->site.date = OLD_DATE;
  break_first (fixture);
  fixture_assert_done (fixture, fixture_run (fixture));
  assert_header (fixture, 1, "If-Range", OLD_MODIFIED);
  g_assert_null (fixture_get_restart (fixture));
  g_assert_cmpuint (fixture->site.body_sent, ==, fixture->site.size - CUT);
}

/* The file is replaced by one of equal length between two attempts. */
typedef struct
{
  const char *name;
  const char *etag;
  const char *last_modified;
  const char *date;
  const char *new_etag;
  gboolean ignore_if_range;
  const char *reason;
} Replaced;

static const Replaced replaced[] = {
  { "strong", "\"v1\"", NULL, NULL, "\"v2\"", FALSE, "remote-file-changed" },
  { "strong-lying", "\"v1\"", NULL, NULL, "\"v2\"", TRUE, "remote-file-changed" },
  { "strong-then-none", "\"v1\"", NULL, NULL, NULL, FALSE, "no-range-support" },
  { "strong-then-none-lying", "\"v1\"", NULL, NULL, NULL, TRUE, "no-validator" },
  { "weak", "W/\"v1\"", NULL, NULL, "W/\"v1\"", TRUE, "no-validator" },
  { "one-second", "\"v1\"", OLD_DATE, OLD_DATE, "\"v1\"", TRUE, "no-validator" },
  { "none", NULL, NULL, NULL, NULL, TRUE, "no-validator" },
  { "young-date", NULL, OLD_DATE, OLD_DATE, NULL, TRUE, "no-validator" },
  { "unprintable", "\"v\xc3\xa4\"", NULL, NULL, "\"v\xc3\xa4\"", TRUE, "no-validator" },
};

static void
test_replaced (Fixture *fixture, gconstpointer data)
{
  const Replaced *row = data;

  fixture->site.etag = row->etag;
  fixture->site.last_modified = row->last_modified;
  fixture->site.date = row->date;
  break_first (fixture);

  fixture_fill (fixture, fixture->site.size, 99);
  fixture->site.etag = row->new_etag;
  fixture->site.ignore_if_range = row->ignore_if_range;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, row->reason);
}

static void
test_replaced_shorter (Fixture *fixture, gconstpointer data)
{
  break_first (fixture);
  /* Even with the same validator; and shorter than what we hold. */
  fixture_fill (fixture, CUT / 2, 99);
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "range-refused");
}

static void
test_no_ranges (Fixture *fixture, gconstpointer data)
{
  break_first (fixture);
  fixture->site.no_ranges = TRUE;
  fixture_assert_done (fixture, fixture_run (fixture));
  /* The same strong validator: what is held is read over. */
  g_assert_null (fixture_get_restart (fixture));
  g_assert_cmpuint (fixture->site.body_sent, ==, fixture->site.size);
}

static void
test_no_ranges_replaced (Fixture *fixture, gconstpointer data)
{
  break_first (fixture);
  fixture_fill (fixture, fixture->site.size, 5);
  fixture->site.no_ranges = TRUE;
  fixture->site.etag = "\"v2\"";
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "remote-file-changed");
  /* The answer was used: one request only. */
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 2);
}

static void
test_short_parts (Fixture *fixture, gconstpointer data)
{
  break_first (fixture);
  fixture->site.at_most = 200000;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_null (fixture_get_restart (fixture));
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 1 + 4);
}

static void
test_mixed (Fixture *fixture, gconstpointer data)
{
  break_first (fixture);
  fixture->site.say = "HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Length: 10\r\n"
                      "Content-Range: bytes 5-14/1000000\r\n\r\n0123456789";
  fixture->site.say_times = 1;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "mixed-response");
}

static void
test_lost_file (Fixture *fixture, gconstpointer data)
{
  break_first (fixture);
  g_assert_cmpint (g_unlink (fixture->part), ==, 0);
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "temporary-file-lost");
}

static void
test_restarts_end (Fixture *fixture, gconstpointer data)
{
  static const char *const etags[] = {
    "\"1\"", "\"2\"", "\"3\"", "\"4\"", "\"5\"", "\"6\"", "\"7\""
  };
  guint restarts = 0;

  /* Another version each time, and never further than the first. */
  fixture->site.cut = CUT;
  for (guint i = 0; i < 6; i++)
    {
      fixture->site.etag = etags[i];
      fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
      restarts += fixture_count (fixture, "restarted");
    }
  g_assert_cmpuint (restarts, ==, 5);
  fixture->site.etag = etags[6];
  fixture_assert_failed (fixture, fixture_run (fixture), "RemoteFileChanged", FALSE);
}

static void
test_restarts_forgiven (Fixture *fixture, gconstpointer data)
{
  static const char *const etags[] = { "\"1\"", "\"2\"", "\"3\"", "\"4\"", "\"5\"",
                                       "\"6\"", "\"7\"", "\"8\"", "\"9\"" };

  /* Another version each time, but always further. */
  for (guint i = 0; i < G_N_ELEMENTS (etags); i++)
    {
      fixture->site.etag = etags[i];
      fixture->site.cut = CUT + i * 1000;
      fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
    }
  fixture->site.cut = 0;
  fixture_assert_done (fixture, fixture_run (fixture));
}

/* == bodies without a length == */

static void
test_chunks_inside (Fixture *fixture, gconstpointer data)
{
  fixture->site.say = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "a\r\n0123456789\r\na\r\n01234";
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  g_assert_cmpuint (fixture_get_size (fixture_get_end (fixture), "Bytes"), ==, 15);
}

/* The last chunk is there, but not the line after it; and chunks that nearly fill a buffer of ours. */
static void
test_chunks_odd_ends (Fixture *fixture, gconstpointer data)
{
  fixture->site.say = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "a\r\n0123456789\r\n0\r\n";
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);

  fixture->site.say = NULL;
  fixture->site.body = BODY_CHUNKED;
  for (gsize size = WORKER_BUFFER_SIZE - 2; size <= WORKER_BUFFER_SIZE + 2; size++)
    {
      fixture_fill (fixture, size, 1);
      g_clear_pointer (&fixture->resume, g_variant_unref);
      fixture_assert_done (fixture, fixture_run (fixture));
    }
}

static void
test_chunks_trailers (Fixture *fixture, gconstpointer data)
{
  fixture->site.say = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n"
                      "a;ext=1\r\n0123456789\r\n0\r\nX-A: b\r\n\r\n";
  g_assert_cmpstr (fixture_run (fixture), ==, "done");
  fixture_assert_file (fixture, "0123456789", 10);
}

/* libsoup has not seen the end of chunks that we took apart: were their connection used again, the
 * rest of them would be taken for the next answer. */
static void
test_chunks_connection (Fixture *fixture, gconstpointer data)
{
  fixture->site.body = BODY_CHUNKED;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture_fill (fixture, 500000, 7);
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (raw_server_get_n_connections (fixture->server), ==, 2);
}

/* libsoup takes a connection that ends between two chunks for the end of the body. */
static void
test_chunks_between (Fixture *fixture, gconstpointer data)
{
  fixture->site.body = BODY_CHUNKED_UNENDED;
  fixture->site.etag = NULL;
  fixture->site.cut = CUT;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  g_assert_cmpuint (fixture_get_size (fixture_get_end (fixture), "Bytes"), ==, CUT);

  /* Also when it was all: nothing says so. */
  fixture->site.cut = 0;
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
}

static void
test_chunks_proven_by_416 (Fixture *fixture, gconstpointer data)
{
  guint32 status;

  fixture->site.body = BODY_CHUNKED_UNENDED;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 2);
  assert_header (fixture, 1, "Range", "bytes=1000000-");
  assert_header (fixture, 1, "If-Range", "\"v1\"");
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "HttpStatus", "u", &status));
  g_assert_cmpuint (status, ==, 200);
}

static void
test_chunks_more_by_206 (Fixture *fixture, gconstpointer data)
{
  fixture->site.body = BODY_CHUNKED_UNENDED;
  fixture->site.cut = 600000;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_null (fixture_get_restart (fixture));
  assert_header (fixture, 1, "Range", "bytes=600000-");
}

static void
test_chunks_unproven_by_200 (Fixture *fixture, gconstpointer data)
{
  fixture->site.body = BODY_CHUNKED_UNENDED;
  fixture->site.no_ranges = TRUE;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  g_assert_cmpuint (fixture_get_size (fixture_get_end (fixture), "Bytes"), ==, fixture->site.size);
}

static void
test_chunks_proven_by_size (Fixture *fixture, gconstpointer data)
{
  fixture->site.body = BODY_CHUNKED_UNENDED;
  fixture->site.etag = NULL;
  fixture->size = fixture->site.size;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 1);
}

static void
test_chunks_proven_by_digest (Fixture *fixture, gconstpointer data)
{
  fixture->site.body = BODY_CHUNKED_UNENDED;
  fixture->site.etag = NULL;
  fixture->digest = fixture_dup_digest (fixture);
  fixture_assert_done (fixture, fixture_run (fixture));

  /* And one that was cut is no mismatch. */
  fixture->site.cut = CUT;
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
}

static void
test_close_with_reset (Fixture *fixture, gconstpointer data)
{
  fixture->site.body = BODY_CLOSE;
  fixture->site.cut = CUT;
  fixture->site.reset = TRUE;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
}

/* == 416 == */

static void
test_416_without_proof (Fixture *fixture, gconstpointer data)
{
  break_first (fixture);
  fixture->site.say = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n";
  fixture->site.say_times = 1;
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "range-refused");
}

static gboolean
serve_416_once_cb (RawPeer *peer, const char *request, gpointer data)
{
  if (peer->number == 0)
    raw_printf (peer, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
  return FALSE;
}

/* The error of a later request is not blamed on the status of an earlier one. */
static void
test_416_then_silence (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) error = NULL;

  break_first (fixture);
  raw_server_free (fixture->server);
  fixture->server = raw_server_new (serve_416_once_cb, NULL);
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "range-refused");
  error = g_variant_lookup_value (fixture_get_end (fixture), "Error", G_VARIANT_TYPE_VARDICT);
  g_assert_false (g_variant_lookup (error, "HttpStatus", "u", NULL));
  g_assert_false (g_variant_lookup (fixture_get_end (fixture), "HttpStatus", "u", NULL));
}

static void
test_416_of_other_version (Fixture *fixture, gconstpointer data)
{
  fixture->site.body = BODY_CLOSE;
  fixture->site.reset = TRUE;
  fixture->site.cut = CUT;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  g_assert_cmpuint (fixture_get_size (fixture_get_end (fixture), "Bytes"), <=, CUT);

  /* It now ends just where we are, but it is another one. */
  fixture->site.cut = 0;
  fixture->site.reset = FALSE;
  fixture->site.ignore_if_range = TRUE;
  fixture->site.etag = "\"v2\"";
  fixture_fill (fixture, (gsize) fixture_get_size (fixture_get_end (fixture), "Bytes"), 17);
  fixture_assert_done (fixture, fixture_run (fixture));
  if (fixture->site.size > 0)
    g_assert_cmpstr (fixture_get_restart (fixture), ==, "range-refused");
}

/* == statuses == */

static void
test_retry_after (Fixture *fixture, gconstpointer data)
{
  guint32 seconds;
  guint32 status;
  gboolean new_bytes;

  fixture->site.say = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\n"
                      "Content-Length: 4\r\n\r\nbusy";
  fixture_assert_failed (fixture, fixture_run (fixture), "HttpError", TRUE);
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "RetryAfter", "u", &seconds));
  g_assert_cmpuint (seconds, ==, 120);
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "HttpStatus", "u", &status));
  g_assert_cmpuint (status, ==, 503);
  g_assert_true (g_variant_lookup (fixture_get_end (fixture), "NewBytes", "b", &new_bytes));
  g_assert_false (new_bytes);
}

static void
test_error_keeps_bytes (Fixture *fixture, gconstpointer data)
{
  break_first (fixture);
  fixture->site.say = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone";
  fixture->site.say_times = 1;
  fixture_assert_failed (fixture, fixture_run (fixture), "NotFound", FALSE);
  g_assert_cmpuint (fixture_get_size (fixture->resume, "Offset"), ==, CUT);
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_null (fixture_get_restart (fixture));
}

typedef struct
{
  const char *name;
  const char *answer;
  const char *error;
  gboolean transient;
} Odd;

static const Odd odd[] = {
  { "unasked-206",
    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/4\r\nContent-Length: 4\r\n\r\nabcd",
    "InvalidServerResponse", FALSE },
  { "204", "HTTP/1.1 204 No Content\r\n\r\n", "InvalidServerResponse", FALSE },
  { "203", "HTTP/1.1 203 Changed\r\nContent-Length: 4\r\n\r\nabcd", "InvalidServerResponse",
    FALSE },
  { "304", "HTTP/1.1 304 Not Modified\r\n\r\n", "InvalidServerResponse", FALSE },
  { "garbage", "this is no HTTP\r\n\r\n", "InvalidServerResponse", TRUE },
  { "encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nabcd", "InvalidServerResponse",
    FALSE },
  { "two-lengths", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Length: 4\r\n\r\nabcdefgh",
    "InvalidServerResponse", FALSE },
  { "no-number-for-length", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nabcdefgh",
    "InvalidServerResponse", FALSE },
  { "signed-length", "HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\nabcdefgh",
    "InvalidServerResponse", FALSE },
  { "negative-length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabcdefgh",
    "InvalidServerResponse", FALSE },
  { "damaged-chunk-size",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nabcde\r\nzz\r\nabcde\r\n0\r\n\r\n",
    "InvalidServerResponse", FALSE },
  { "huge-chunk-size",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "ffffffffffffffff\r\nabcde\r\n0\r\n\r\n",
    "InvalidServerResponse", FALSE },
  { "damaged-chunk-end",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n",
    "InvalidServerResponse", FALSE },
  { "silence", "", "ConnectionClosed", TRUE },
  { "cut-header-line", "HTTP/1.1 200 OK\r\nContent-Le", "InvalidServerResponse", TRUE },
  { "cut-headers", "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\n", "ConnectionClosed", TRUE },
  { "cut-headers-chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", "ConnectionClosed",
    TRUE },
  { "401",
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\n"
    "Content-Length: 0\r\n\r\n",
    "AuthenticationFailed", FALSE },
  { "403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "Forbidden", FALSE },
  { "500", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "HttpError", TRUE },
};

static void
test_odd (Fixture *fixture, gconstpointer data)
{
  const Odd *row = data;

  fixture->site.say = row->answer;
  fixture_assert_failed (fixture, fixture_run (fixture), row->error, row->transient);
}

/* == sizes == */

static void
test_size_mismatch (Fixture *fixture, gconstpointer data)
{
  fixture->size = fixture->site.size + 1;
  fixture_assert_failed (fixture, fixture_run (fixture), "SizeMismatch", FALSE);

  fixture->size = fixture->site.size - 1;
  fixture->site.body = BODY_CHUNKED;
  fixture_assert_failed (fixture, fixture_run (fixture), "SizeMismatch", FALSE);
}

static void
test_maximum_size (Fixture *fixture, gconstpointer data)
{
  fixture->maximum_size = fixture->site.size - 1;
  fixture_assert_failed (fixture, fixture_run (fixture), "MaximumSizeExceeded", FALSE);
  g_assert_cmpuint (fixture_get_size (fixture_get_end (fixture), "Bytes"), ==, 0);

  fixture->site.body = BODY_CHUNKED;
  fixture_assert_failed (fixture, fixture_run (fixture), "MaximumSizeExceeded", FALSE);
  g_assert_cmpuint (fixture_get_size (fixture_get_end (fixture), "Bytes"), <=,
                    fixture->maximum_size);

  fixture->maximum_size = fixture->site.size;
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture_assert_done (fixture, fixture_run (fixture));
}

#define ADD(name, function)                                                                        \
  g_test_add ("/worker-trouble/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

static void
add_rows (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (replaced); i++)
    {
      g_autofree char *name = g_strconcat ("/worker-trouble/replaced/", replaced[i].name, NULL);

      g_test_add (name, Fixture, &replaced[i], fixture_set_up, test_replaced, fixture_tear_down);
    }
  for (guint i = 0; i < G_N_ELEMENTS (odd); i++)
    {
      g_autofree char *name = g_strconcat ("/worker-trouble/odd/", odd[i].name, NULL);

      g_test_add (name, Fixture, &odd[i], fixture_set_up, test_odd, fixture_tear_down);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("whole", test_whole);
  ADD ("small", test_small);
  ADD ("empty", test_empty);
  ADD ("kinds-of-bodies", test_kinds_of_bodies);
  ADD ("encoded", test_encoded);
  ADD ("dropped", test_dropped);
  ADD ("last-modified", test_last_modified);
  ADD ("replaced-shorter", test_replaced_shorter);
  ADD ("no-ranges", test_no_ranges);
  ADD ("no-ranges-replaced", test_no_ranges_replaced);
  ADD ("short-parts", test_short_parts);
  ADD ("mixed", test_mixed);
  ADD ("lost-file", test_lost_file);
  ADD ("restarts-end", test_restarts_end);
  ADD ("restarts-forgiven", test_restarts_forgiven);
  ADD ("chunks-inside", test_chunks_inside);
  ADD ("chunks-odd-ends", test_chunks_odd_ends);
  ADD ("chunks-trailers", test_chunks_trailers);
  ADD ("chunks-connection", test_chunks_connection);
  ADD ("chunks-between", test_chunks_between);
  ADD ("chunks-proven-by-416", test_chunks_proven_by_416);
  ADD ("chunks-more-by-206", test_chunks_more_by_206);
  ADD ("chunks-unproven-by-200", test_chunks_unproven_by_200);
  ADD ("chunks-proven-by-size", test_chunks_proven_by_size);
  ADD ("chunks-proven-by-digest", test_chunks_proven_by_digest);
  ADD ("close-with-reset", test_close_with_reset);
  ADD ("416-without-proof", test_416_without_proof);
  ADD ("416-of-other-version", test_416_of_other_version);
  ADD ("416-then-silence", test_416_then_silence);
  ADD ("retry-after", test_retry_after);
  ADD ("error-keeps-bytes", test_error_keeps_bytes);
  ADD ("size-mismatch", test_size_mismatch);
  ADD ("maximum-size", test_maximum_size);
  add_rows ();
  return g_test_run ();
}
