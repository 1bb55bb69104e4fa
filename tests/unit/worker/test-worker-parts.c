/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Digests over interrupted downloads, and files that are put together of ranges. */

#include "attempt-fixture.h"

#include <string.h>

#define OLD_DATE "Thu, 01 Jan 2026 12:00:00 GMT"
#define CUT      300000

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

/* == digests == */

static void
test_digest (Fixture *fixture, gconstpointer data)
{
  fixture->digest = fixture_dup_digest (fixture);
  fixture_assert_done (fixture, fixture_run (fixture));
}

static void
test_digest_mismatch (Fixture *fixture, gconstpointer data)
{
  fixture->digest = fixture_dup_digest (fixture);
  fixture->site.content[4711] ^= 1;
  fixture_assert_failed (fixture, fixture_run (fixture), "DigestMismatch", FALSE);
  g_assert_cmpuint (fixture_get_size (fixture_get_end (fixture), "Bytes"), ==, 0);
  fixture_assert_file (fixture, "", 0);
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 1);
}

static void
test_digest_resumed (Fixture *fixture, gconstpointer data)
{
  fixture->digest = fixture_dup_digest (fixture);
  break_first (fixture);
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (fixture->site.body_sent, ==, fixture->site.size - CUT);
}

/* With a digest another validator does not matter, as long as the size is the same. */
static void
test_digest_decides (Fixture *fixture, gconstpointer data)
{
  fixture->digest = fixture_dup_digest (fixture);
  break_first (fixture);
  fixture->site.etag = "\"v2\"";
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_null (fixture_get_restart (fixture));
}

/* Nor does having none; and bytes are saved then. */
static void
test_digest_without_validator (Fixture *fixture, gconstpointer data)
{
  fixture->digest = fixture_dup_digest (fixture);
  fixture->site.etag = NULL;
  break_first (fixture);
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_null (fixture_get_restart (fixture));
  g_assert_cmpuint (fixture->site.body_sent, ==, fixture->site.size - CUT);
}

/* Two versions that were joined: it starts over once, and finds the right one. */
static void
test_digest_starts_over (Fixture *fixture, gconstpointer data)
{
  fixture_fill (fixture, 1000000, 3);
  break_first (fixture);
  fixture_fill (fixture, 1000000, 4);
  fixture->digest = fixture_dup_digest (fixture);
  fixture->site.etag = "\"v2\"";
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "digest-mismatch");
}

/* ... or not, and then that is the end. */
static void
test_digest_starts_over_once (Fixture *fixture, gconstpointer data)
{
  fixture->digest = fixture_dup_digest (fixture);
  fixture->site.content[CUT / 2] ^= 1;
  break_first (fixture);
  fixture_assert_failed (fixture, fixture_run (fixture), "DigestMismatch", FALSE);
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "digest-mismatch");
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 3);
}

/* Starting over is without resuming by the digest, also when it breaks: joined again, the bytes would
 * be wrong again, and that would be the end. */
static void
test_digest_starts_over_and_breaks (Fixture *fixture, gconstpointer data)
{
  fixture_fill (fixture, 1000000, 3);
  break_first (fixture);
  fixture_fill (fixture, 1000000, 4);
  fixture->digest = fixture_dup_digest (fixture);
  fixture->site.etag = "\"v2\"";
  fixture->site.ignore_if_range = TRUE;
  fixture->site.cut = fixture->site.size - CUT;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "digest-mismatch");
  g_assert_cmpuint (fixture_get_size (fixture->resume, "Offset"), ==, fixture->site.cut);

  fixture->site.cut = 0;
  fixture_fill (fixture, 1000000, 5);
  g_free (fixture->digest);
  fixture->digest = fixture_dup_digest (fixture);
  fixture->site.etag = "\"v3\"";
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "remote-file-changed");
}

/* All bytes were there, but it died before it could say so. */
static void
test_complete_already (Fixture *fixture, gconstpointer data)
{
  fixture->digest = fixture_dup_digest (fixture);
  fixture_assert_done (fixture, fixture_run (fixture));
  fixture_assert_done (fixture, fixture_run (fixture));
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 1);
}

/* == ranges == */

static void
assert_ranges_done (Fixture *fixture, const char *end)
{
  g_autofree char *wanted = g_malloc (2000);

  g_assert_cmpstr (end, ==, "done");
  memcpy (wanted, fixture->site.content + 5000, 500);
  memcpy (wanted + 500, fixture->site.content + 100, 1500);
  fixture_assert_file (fixture, wanted, 2000);
}

static void
test_ranges (Fixture *fixture, gconstpointer data)
{
  fixture->ranges = "[(5000, 500), (100, 1500)]";
  assert_ranges_done (fixture, fixture_run (fixture));
  assert_header (fixture, 0, "Range", "bytes=5000-5499");
  assert_header (fixture, 0, "If-Range", NULL);
  assert_header (fixture, 1, "Range", "bytes=100-1599");
  assert_header (fixture, 1, "If-Range", "\"v1\"");
}

static void
test_ranges_to_end (Fixture *fixture, gconstpointer data)
{
  fixture->ranges = "[(999000, 18446744073709551615)]";
  g_assert_cmpstr (fixture_run (fixture), ==, "done");
  assert_header (fixture, 0, "Range", "bytes=999000-");
  fixture_assert_file (fixture, fixture->site.content + 999000, 1000);
}

static void
test_ranges_resumed (Fixture *fixture, gconstpointer data)
{
  fixture->ranges = "[(5000, 500), (100, 1500)]";
  fixture->site.cut = 700;
  fixture_assert_failed (fixture, fixture_run (fixture), "ConnectionClosed", TRUE);
  g_assert_cmpuint (fixture_get_size (fixture_get_end (fixture), "Bytes"), ==, 1200);
  fixture->site.cut = 0;
  assert_ranges_done (fixture, fixture_run (fixture));
  assert_header (fixture, 2, "Range", "bytes=800-1599");
}

/* Between two ranges the file is replaced. */
static gboolean
serve_changing_cb (RawPeer *peer, const char *request, gpointer data)
{
  Site *site = data;

  site->etag = peer->number == 0 ? "\"v1\"" : "\"v2\"";
  return site_serve_cb (peer, request, data);
}

static void
test_ranges_replaced (Fixture *fixture, gconstpointer data)
{
  RawServer *changing = raw_server_new (serve_changing_cb, &fixture->site);
  g_autofree char *url = raw_server_dup_url (changing, "/");

  fixture->url = url;
  fixture->ranges = "[(5000, 500), (100, 1500)]";
  assert_ranges_done (fixture, fixture_run (fixture));
  g_assert_cmpstr (fixture_get_restart (fixture), ==, "remote-file-changed");
  g_object_unref (fixture->session);
  worker_sessions_trim (fixture->sessions);
  fixture->session = worker_sessions_get (fixture->sessions, "none", NULL, NULL,
                                          &(WorkerTrust){ 0 }, NULL, FALSE, NULL);
  raw_server_free (changing);
}

static void
test_ranges_unproven (Fixture *fixture, gconstpointer data)
{
  fixture->site.etag = NULL;
  fixture->ranges = "[(5000, 500)]";
  g_assert_cmpstr (fixture_run (fixture), ==, "done");
  fixture_assert_file (fixture, fixture->site.content + 5000, 500);

  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture->ranges = "[(5000, 500), (100, 1500)]";
  fixture_assert_failed (fixture, fixture_run (fixture), "InsufficientRangeSupport", FALSE);
}

static void
test_ranges_no_support (Fixture *fixture, gconstpointer data)
{
  fixture->ranges = "[(5000, 500), (100, 1500)]";
  fixture->site.no_ranges = TRUE;
  fixture_assert_failed (fixture, fixture_run (fixture), "InsufficientRangeSupport", FALSE);
}

static void
test_ranges_without_if_range (Fixture *fixture, gconstpointer data)
{
  fixture->ranges = "[(5000, 500), (100, 1500)]";
  fixture->site.refuse_if_range = TRUE;
  assert_ranges_done (fixture, fixture_run (fixture));
  g_assert_null (fixture_get_restart (fixture));
  assert_header (fixture, 2, "If-Range", NULL);
}

static void
test_ranges_beyond (Fixture *fixture, gconstpointer data)
{
  static const char *const ranges[] = { "[(1000000, 5)]", "[(999999, 2)]",
                                        "[(0, 5), (2000000, 18446744073709551615)]" };

  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      g_clear_pointer (&fixture->resume, g_variant_unref);
      fixture->ranges = ranges[i];
      fixture_assert_failed (fixture, fixture_run (fixture), "InvalidRange", FALSE);
    }
}

#define ADD(name, function)                                                                        \
  g_test_add ("/worker-parts/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("digest", test_digest);
  ADD ("digest-mismatch", test_digest_mismatch);
  ADD ("digest-resumed", test_digest_resumed);
  ADD ("digest-decides", test_digest_decides);
  ADD ("digest-without-validator", test_digest_without_validator);
  ADD ("digest-starts-over", test_digest_starts_over);
  ADD ("digest-starts-over-once", test_digest_starts_over_once);
  ADD ("digest-starts-over-and-breaks", test_digest_starts_over_and_breaks);
  ADD ("complete-already", test_complete_already);
  ADD ("ranges", test_ranges);
  ADD ("ranges-to-end", test_ranges_to_end);
  ADD ("ranges-resumed", test_ranges_resumed);
  ADD ("ranges-replaced", test_ranges_replaced);
  ADD ("ranges-unproven", test_ranges_unproven);
  ADD ("ranges-no-support", test_ranges_no_support);
  ADD ("ranges-without-if-range", test_ranges_without_if_range);
  ADD ("ranges-beyond", test_ranges_beyond);
  return g_test_run ();
}
