/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uploads, attempt after attempt, against a server that takes them well or badly. */

#include "attempt-report.h"
#include "upload-server.h"
#include "worker-attempt.h"
#include "worker-source.h"
#include "worker-upload.h"

#include "ferry-worker-protocol.h"

#include <glib/gstdio.h>

#include <string.h>

#define SIZE (3 * 1024 * 1024 + 77)

typedef struct
{
  char *directory;
  char *path;
  WorkerSessions *sessions;
  SoupSession *session;
  WorkerBuffers *buffers;
  UploadSite site;
  UploadServer *server;
  guint8 *content;
  gsize size;

  WorkerAttempt *attempt;
  GVariant *resume; /* (nullable) */
  GVariant *end;    /* (nullable): arguments of the last report */
  char *end_kind;
  guint reports;
  guint restarted;
  guint confirmed;

  FerryUploadProtocol protocol;
  gboolean wants_reply;
  guint64 require_resumable_above;
} Fixture;

static void
fill (Fixture *fixture, gsize size)
{
  g_free (fixture->content);
  fixture->content = g_malloc (size + 1);
  fixture->size = size;
  for (gsize i = 0; i < size; i++)
    fixture->content[i] = (guint8) ((i * 2654435761u) >> 11);
  g_assert_true (
      g_file_set_contents (fixture->path, (char *) fixture->content, (gssize) size, NULL));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->directory = g_dir_make_tmp ("ferry-test-XXXXXX", &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (fixture->directory, 0755), ==, 0);
  fixture->path = g_build_filename (fixture->directory, "source.bin", NULL);
  worker_sessions_init_process ();
  fixture->sessions = worker_sessions_new (NULL);
  fixture->session = worker_sessions_get (fixture->sessions, "none", NULL, NULL,
                                          &(WorkerTrust){ 0 }, "", TRUE, &error);
  g_assert_no_error (error);
  fixture->buffers = worker_buffers_new ();
  fixture->server = upload_server_new (&fixture->site);
  fixture->require_resumable_above = FERRY_SIZE_UNKNOWN;
  fill (fixture, SIZE);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->session);
  worker_sessions_free (fixture->sessions);
  worker_buffers_free (fixture->buffers);
  upload_server_free (fixture->server);
  g_clear_pointer (&fixture->resume, g_variant_unref);
  g_clear_pointer (&fixture->end, g_variant_unref);
  g_free (fixture->end_kind);
  g_free (fixture->content);
  g_remove (fixture->path);
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->directory);
  g_free (fixture->path);
}

static void
report_cb (gpointer data, const char *kind, GVariant *arguments)
{
  Fixture *fixture = data;
  g_autoptr (GVariant)
      resume = g_variant_lookup_value (arguments, "Resume", G_VARIANT_TYPE_VARDICT);
  gboolean confirm = FALSE;

  if (resume != NULL)
    {
      g_assert_cmpuint (g_variant_get_size (resume), <=, FERRY_RESUME_MAX);
      g_clear_pointer (&fixture->resume, g_variant_unref);
      fixture->resume = g_variant_ref (resume);
    }
  fixture->reports++;
  fixture->restarted += g_str_equal (kind, "restarted");
  if (g_variant_lookup (arguments, "Confirm", "b", &confirm) && confirm)
    {
      fixture->confirmed++;
      worker_attempt_stored (fixture->attempt);
    }
  g_clear_pointer (&fixture->end, g_variant_unref);
  fixture->end = arguments;
  g_free (fixture->end_kind);
  fixture->end_kind = g_strdup (kind);
}

/* Returns: (transfer none): the kind of the last report */
static const char *
run (Fixture *fixture)
{
  g_autofree char *url = upload_server_dup_url (fixture->server, "/up/name.bin");
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) arguments = NULL;
  WorkerOrder *order;
  guint reports;

  g_variant_dict_insert (&dict, "Attempt", "t", (guint64) 7);
  g_variant_dict_insert (&dict, "Job", "s", "test");
  g_variant_dict_insert (&dict, "Url", "s", url);
  g_variant_dict_insert (&dict, "Path", "s", fixture->path);
  g_variant_dict_insert (&dict, "Protocol", "s",
                         ferry_upload_protocol_to_string (fixture->protocol));
  g_variant_dict_insert (&dict, "Reply", "b", fixture->wants_reply);
  g_variant_dict_insert (&dict, "RequireResumableAbove", "t", fixture->require_resumable_above);
  if (fixture->resume != NULL)
    g_variant_dict_insert_value (&dict, "Resume", fixture->resume);
  arguments = g_variant_ref_sink (g_variant_dict_end (&dict));
  order = worker_order_new (arguments, TRUE);
  order->login.netrc->path = g_strdup ("/nonexistent/netrc");
  fixture->attempt = worker_attempt_new (order, fixture->sessions, fixture->session,
                                         fixture->buffers, NULL, report_cb, fixture);
  worker_attempt_run (fixture->attempt);
  /* The main thread may look at it once more before it knows of the end. Nobody is there any more to be told anything. */
  reports = fixture->reports;
  g_assert_false (worker_attempt_tick (fixture->attempt));
  g_assert_cmpuint (fixture->reports, ==, reports);
  worker_attempt_unref (fixture->attempt);
  return fixture->end_kind;
}

static void
assert_kept (Fixture *fixture)
{
  g_assert_cmpuint (fixture->site.kept->len, ==, fixture->size);
  g_assert_true (fixture->size == 0 ||
                 memcmp (fixture->site.kept->data, fixture->content, fixture->size) == 0);
}

static void
assert_done (Fixture *fixture, const char *end)
{
  g_autofree char *error = attempt_report_dup_error (fixture->end);

  g_assert_cmpstr (error, ==, NULL);
  g_assert_cmpstr (end, ==, "done");
  assert_kept (fixture);
}

static void
assert_failed (Fixture *fixture, const char *end, const char *name, gboolean transient)
{
  attempt_report_assert_failed (end, fixture->end, name, transient);
}

static gboolean
holds_session (Fixture *fixture)
{
  gboolean session = FALSE;

  return g_variant_lookup (fixture->resume, FERRY_RESUME_SESSION, "b", &session) && session;
}

/* == the protocols == */

typedef struct
{
  const char *name;
  FerryUploadProtocol speaks;
  FerryUploadProtocol asked;
  FerryUploadProtocol found;
} Case;

#define AUTO      FERRY_UPLOAD_PROTOCOL_AUTO
#define BITS      FERRY_UPLOAD_PROTOCOL_BITS
#define TUS       FERRY_UPLOAD_PROTOCOL_TUS
#define PUT       FERRY_UPLOAD_PROTOCOL_PUT
#define PUT_RANGE FERRY_UPLOAD_PROTOCOL_PUT_RANGE

static const Case cases[] = {
  { "bits", BITS, BITS, BITS },      { "tus", TUS, TUS, TUS },
  { "put", PUT, PUT, PUT },          { "put-range", PUT_RANGE, PUT_RANGE, PUT_RANGE },
  { "auto-bits", BITS, AUTO, BITS }, { "auto-tus", TUS, AUTO, TUS },
  { "auto-put", PUT, AUTO, PUT },    { "put-range-unknown", PUT, PUT_RANGE, PUT },
};

static void
begin (Fixture *fixture, const Case *row)
{
  fixture->site.speaks = row->speaks;
  fixture->protocol = row->asked;
}

static void
test_sizes (Fixture *fixture, gconstpointer data)
{
  const Case *row = data;
  static const gsize sizes[] = { 1, 20, 21, SIZE };
  const char *found;

  begin (fixture, row);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_clear_pointer (&fixture->resume, g_variant_unref);
      fixture->site.open = FALSE;
      g_byte_array_set_size (fixture->site.kept, 0);
      fill (fixture, sizes[i]);
      assert_done (fixture, run (fixture));
      g_assert_false (holds_session (fixture));
      g_assert_true (g_variant_lookup (fixture->end, "UploadProtocol", "&s", &found));
      if (sizes[i] > 20)
        g_assert_cmpstr (found, ==, ferry_upload_protocol_to_string (row->found));
    }
}

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  const Case *row = data;

  begin (fixture, row);
  fill (fixture, 0);
  assert_done (fixture, run (fixture));
}

/* The connection breaks at each of the moments of a piece's life: what is kept is asked for, or said by the next answer. */
static void
test_breaks (Fixture *fixture, gconstpointer data)
{
  const Case *row = data;
  guint *const moments[] = { &fixture->site.drop_before, &fixture->site.drop_after,
                             &fixture->site.keep_half };

  begin (fixture, row);
  for (guint i = 0; i < G_N_ELEMENTS (moments); i++)
    {
      guint runs = 0;

      g_clear_pointer (&fixture->resume, g_variant_unref);
      fixture->site.open = FALSE;
      fixture->site.strict = i == 1;
      g_byte_array_set_size (fixture->site.kept, 0);
      *moments[i] = fixture->site.pieces + (row->found == BITS || row->found == PUT_RANGE ? 2 : 1);
      while (!g_str_equal (run (fixture), "done"))
        {
          assert_failed (fixture, fixture->end_kind, "ConnectionClosed", TRUE);
          g_assert_cmpuint (++runs, <, 4);
        }
      /* libsoup sends a PUT again by itself when a kept connection breaks. */
      g_assert_true (runs == 1 || (runs == 0 && row->found != BITS && row->found != TUS));
      assert_done (fixture, fixture->end_kind);
    }
}

static void
test_shrinks (Fixture *fixture, gconstpointer data)
{
  begin (fixture, data);
  fixture->site.most = 100000;
  assert_done (fixture, run (fixture));
  g_assert_cmpuint (fixture->site.pieces_refused, <=, 7);
  fixture->site.most = 4000;
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture->site.open = FALSE;
  assert_failed (fixture, run (fixture), "MaximumSizeExceeded", FALSE);
}

static void
test_lost_session (Fixture *fixture, gconstpointer data)
{
  begin (fixture, data);
  fixture->site.lose_at = 1;
  assert_done (fixture, run (fixture));
  g_assert_cmpuint (fixture->site.sessions, ==, 2);
  g_assert_cmpuint (fixture->restarted, ==, 1);
}

static void
test_unauthorized (Fixture *fixture, gconstpointer data)
{
  const Case *row = data;

  begin (fixture, row);
  fixture->site.unauthorized_at = 1;
  assert_failed (fixture, run (fixture), "AuthenticationFailed", FALSE);
  assert_done (fixture, run (fixture));
  /* With a session the owner's Resume goes on in it. */
  g_assert_cmpuint (fixture->site.sessions, ==, row->found == BITS || row->found == TUS ? 1 : 0);
}

static void
test_changed (Fixture *fixture, gconstpointer data)
{
  const Case *row = data;

  begin (fixture, row);
  if (row->found == TUS)
    fixture->site.keep_half = 1;
  else
    fixture->site.drop_after = 2;
  assert_failed (fixture, run (fixture), "ConnectionClosed", TRUE);
  fill (fixture, SIZE - 1);
  assert_failed (fixture, run (fixture), "LocalFileChanged", FALSE);
  g_assert_true (fixture->site.cancelled);
  g_assert_false (holds_session (fixture));
  assert_done (fixture, run (fixture));
}

static void
test_gone (Fixture *fixture, gconstpointer data)
{
  g_autofree char *away = g_strconcat (fixture->directory, "-away", NULL);

  begin (fixture, data);
  fixture->site.drop_before = 1;
  assert_failed (fixture, run (fixture), "ConnectionClosed", TRUE);
  g_assert_cmpint (g_rename (fixture->directory, away), ==, 0);
  assert_failed (fixture, run (fixture), "NoFileAccess", TRUE);
  g_assert_cmpint (g_rename (away, fixture->directory), ==, 0);
  assert_done (fixture, run (fixture));
  g_remove (fixture->path);
  assert_failed (fixture, run (fixture), "LocalFileChanged", FALSE);
}

static void
test_beyond (Fixture *fixture, gconstpointer data)
{
  begin (fixture, data);
  fixture->site.lie = 1;
  assert_failed (fixture, run (fixture), "InvalidServerResponse", FALSE);
}

/* == BITS == */

static void
test_bits_gobits (Fixture *fixture, gconstpointer data)
{
  begin (fixture, &cases[0]);
  fixture->site.strict = TRUE;
  fixture->site.misspell = TRUE;
  fixture->site.lose_as_400 = TRUE;
  fixture->site.drop_after = 1;
  fixture->site.lose_at = 3;
  assert_failed (fixture, run (fixture), "ConnectionClosed", TRUE);
  assert_done (fixture, run (fixture));
  g_assert_cmpuint (fixture->site.sessions, ==, 2);
}

static void
test_bits_always_lost (Fixture *fixture, gconstpointer data)
{
  begin (fixture, &cases[0]);
  fixture->site.lose_at = 1;
  fixture->site.lose_always = TRUE;
  assert_failed (fixture, run (fixture), "SessionNotFound", FALSE);
  g_assert_cmpuint (fixture->site.sessions, ==, WORKER_UPLOAD_MAX_RESTARTS + 1);
  g_assert_false (holds_session (fixture));
}

static void
test_bits_stuck (Fixture *fixture, gconstpointer data)
{
  begin (fixture, &cases[0]);
  fixture->site.early = TRUE;
  assert_failed (fixture, run (fixture), "InvalidServerResponse", TRUE);
  g_assert_cmpuint (fixture->site.pieces, ==, WORKER_UPLOAD_MAX_IDLE);
}

/* A line that breaks says nothing about the session: only a server that is there, and silent on it alone, has lost it. */
static void
test_bits_bad_line (Fixture *fixture, gconstpointer data)
{
  begin (fixture, &cases[0]);
  fixture->site.away = TRUE;
  for (guint i = 2; i < 6; i++)
    {
      fixture->site.drop_before = i;
      assert_failed (fixture, run (fixture), "ConnectionClosed", TRUE);
    }
  assert_done (fixture, run (fixture));
  g_assert_cmpuint (fixture->site.sessions, ==, 1);

  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture->site.away = FALSE;
  for (guint i = 0; i < 2; i++)
    {
      fixture->site.drop_before = fixture->site.pieces + 2 - i;
      assert_failed (fixture, run (fixture), "ConnectionClosed", TRUE);
    }
  assert_done (fixture, run (fixture));
  g_assert_cmpuint (fixture->site.sessions, ==, 3);
}

/* The session must be known before it is used, and the close before it is made. */
static void
test_bits_lost_answers (Fixture *fixture, gconstpointer data)
{
  begin (fixture, &cases[0]);
  fixture->site.drop_create = 1;
  assert_failed (fixture, run (fixture), "ConnectionClosed", TRUE);
  g_assert_false (holds_session (fixture));
  fixture->site.drop_close = 1;
  assert_failed (fixture, run (fixture), "ConnectionClosed", TRUE);
  g_assert_true (fixture->site.whole);
  g_assert_cmpuint (fixture->confirmed, ==, 2);
  assert_done (fixture, run (fixture));
  g_assert_cmpuint (fixture->site.sessions, ==, 2);
}

/* One connection for all packets: some servers tie the session to it. */
static void
test_bits_packets (Fixture *fixture, gconstpointer data)
{
  begin (fixture, &cases[4]);
  assert_done (fixture, run (fixture));
  g_assert_cmpuint (upload_site_count (&fixture->site, "BITS_POST Ping"), ==, 1);
  g_assert_cmpuint (upload_site_count (&fixture->site, "BITS_POST Create-Session"), ==, 1);
  g_assert_cmpuint (upload_site_count (&fixture->site, "BITS_POST Fragment"), ==, 3);
  g_assert_cmpuint (upload_site_count (&fixture->site, "BITS_POST Close-Session"), ==, 1);
}

static void
test_bits_reply (Fixture *fixture, gconstpointer data)
{
  g_autofree const char **headers = NULL;
  const char *url;

  begin (fixture, &cases[0]);
  fixture->wants_reply = TRUE;
  fixture->site.reply_url = "BITS-Sessions\\Replies\\{C85B}\\a reply.bin";
  assert_done (fixture, run (fixture));
  g_assert_true (holds_session (fixture));
  g_assert_true (g_variant_lookup (fixture->end, "ReplyUrl", "&s", &url));
  g_assert_true (g_str_has_suffix (url, "/up/BITS-Sessions/Replies/%7BC85B%7D/a%20reply.bin"));
  g_assert_cmpuint (upload_site_count (&fixture->site, "BITS_POST Close-Session"), ==, 0);
  /* What opens the session, and where the reply is, is for no property. */
  g_assert_true (g_variant_lookup (fixture->end, "ResponseHeaders", "^a&s", &headers));
  for (guint i = 0; headers[i] != NULL; i++)
    {
      g_assert_null (strstr (headers[i], "BITS-Session-Id"));
      g_assert_null (strstr (headers[i], "BITS-Reply-URL"));
    }
}

static void
test_bits_no_reply (Fixture *fixture, gconstpointer data)
{
  begin (fixture, &cases[0]);
  fixture->wants_reply = TRUE;
  assert_failed (fixture, run (fixture), "InvalidServerResponse", FALSE);
  g_assert_cmpuint (upload_site_count (&fixture->site, "BITS_POST Fragment"), ==, 3 + 3);
}

/* All that a session is said to have is what we sent in it: more of it would be of somebody else's file. */
static void
test_never_sent (Fixture *fixture, gconstpointer data)
{
  begin (fixture, &cases[0]);
  fixture->site.lie = SIZE - 1024 * 1024;
  assert_failed (fixture, run (fixture), "InvalidServerResponse", FALSE);
}

/* A `Resume` holds text. */
static void
test_bits_odd_names (Fixture *fixture, gconstpointer data)
{
  begin (fixture, &cases[0]);
  fixture->site.host = "\xFFhost";
  assert_done (fixture, run (fixture));
  fixture->site.session = "\xFFsession";
  fixture->site.open = FALSE;
  g_clear_pointer (&fixture->resume, g_variant_unref);
  assert_failed (fixture, run (fixture), "InvalidServerResponse", FALSE);
  g_assert_cmpuint (upload_site_count (&fixture->site, "BITS_POST Fragment"), ==, 3);
}

static char *
repeat (gsize n)
{
  char *text = g_malloc0 (n + 1);

  return memset (text, 'x', n);
}

/* ferryd keeps no larger one, and the session would be lost with it. */
static void
test_largest_resume (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant)
      known = g_variant_ref_sink (g_variant_new_parsed ("{%s: <true>}", FERRY_RESUME_NO_SYMLINKS));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (WorkerSource) source = worker_source_open (fixture->path, known, NULL, &error);
  g_autoptr (GVariant) resume = NULL;
  g_auto (WorkerUploadRecord) record = {
    .protocol = BITS,
    .session = TRUE,
    .total = SIZE,
    .offset = SIZE,
    .high_water = SIZE,
    .sent = SIZE,
    .fragment = 1,
    .fragment_max = 1,
    .restarts = 1,
    .silent = 1,
    .expires = 1,
    .host_time = 1,
    .host_failed = 1,
    .last_start = 1,
    .closing = TRUE,
    .suspicious = TRUE,
  };

  g_assert_no_error (error);
  record.id = repeat (WORKER_UPLOAD_ID_MAX);
  record.host = repeat (WORKER_UPLOAD_HOST_MAX);
  record.reply_url = repeat (WORKER_UPLOAD_URL_MAX);
  worker_source_add_resume (source, &dict);
  worker_upload_record_save (&record, &dict);
  resume = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_test_message ("%" G_GSIZE_FORMAT " bytes", g_variant_get_size (resume));
  g_assert_cmpuint (g_variant_get_size (resume), <=, FERRY_RESUME_MAX);
}

/* == cancelling == */

static void
test_tus_cancel (Fixture *fixture, gconstpointer data)
{
  g_autofree char *url = upload_server_dup_url (fixture->server, "/location");
  g_autoptr (GUri) home = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (WorkerUploadRecord) record = { .protocol = TUS, .session = TRUE, .total = 5 };
  g_autoptr (GError) error = NULL;
  WorkerPulse pulse = { 0 };
  WorkerUpload upload = {
    .requester = {
      .sessions = fixture->sessions,
      .session = fixture->session,
      .pulse = &pulse,
      .home = home,
      .trust = &(WorkerTrust){ 0 },
      .login = &(WorkerLogin){ 0 },
      .cancellable = cancellable,
    },
    .record = &record,
  };

  begin (fixture, &cases[1]);
  fixture->site.open = TRUE;
  record.id = g_strdup (url);
  /* All of it is there, and stays. */
  record.offset = 5;
  g_assert_true (worker_upload_cancel (&upload, &error));
  g_assert_cmpuint (upload_site_count (&fixture->site, "DELETE"), ==, 0);
  record.offset = 4;
  g_assert_true (worker_upload_cancel (&upload, &error));
  g_assert_no_error (error);
  g_assert_true (fixture->site.cancelled);
}

/* == servers that do not == */

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    guint status;
    const char *error;
    gboolean transient;
  } rows[] = {
    { 405, "UploadNotSupported", FALSE }, { 501, "UploadNotSupported", FALSE },
    { 404, "NotFound", FALSE },           { 403, "Forbidden", FALSE },
    { 503, "HttpError", TRUE },           { 303, "InvalidServerResponse", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_clear_pointer (&fixture->resume, g_variant_unref);
      fixture->protocol = rows[i].status == 303 ? PUT : AUTO;
      fixture->site.refuse = rows[i].status;
      assert_failed (fixture, run (fixture), rows[i].error, rows[i].transient);
    }
}

static void
test_wrong_protocol (Fixture *fixture, gconstpointer data)
{
  fixture->site.speaks = PUT;
  fixture->protocol = BITS;
  assert_failed (fixture, run (fixture), "UploadNotSupported", FALSE);
  fixture->protocol = TUS;
  assert_failed (fixture, run (fixture), "UploadNotSupported", FALSE);
  fixture->protocol = PUT;
  assert_done (fixture, run (fixture));
}

static void
test_put_not_kept (Fixture *fixture, gconstpointer data)
{
  fixture->site.speaks = PUT;
  fixture->protocol = PUT;
  fixture->site.early = TRUE;
  assert_failed (fixture, run (fixture), "InvalidServerResponse", TRUE);
  assert_failed (fixture, run (fixture), "InvalidServerResponse", FALSE);
}

static void
test_put_starts_over (Fixture *fixture, gconstpointer data)
{
  gboolean resumable = TRUE;

  fixture->site.speaks = PUT;
  fixture->site.keep_half = 1;
  assert_failed (fixture, run (fixture), "ConnectionClosed", TRUE);
  g_assert_true (g_variant_lookup (fixture->end, "Resumable", "b", &resumable));
  g_assert_false (resumable);
  g_assert_cmpuint (fixture->restarted, ==, 0);
  assert_done (fixture, run (fixture));
  g_assert_cmpuint (fixture->restarted, ==, 1);
}

/* Two sessions with a kept connection each, of the same number: a body goes over the one that its head went over. */
static void
test_two_sessions (Fixture *fixture, gconstpointer data)
{
  UploadServer *servers[] = { fixture->server, NULL };
  SoupSession *sessions[] = { fixture->session, NULL };
  UploadSite *sites[] = { &fixture->site, &(UploadSite){ 0 } };

  servers[1] = upload_server_new (sites[1]);
  sessions[1] = worker_sessions_get (fixture->sessions, "none", NULL, NULL,
                                     &(WorkerTrust){ .allowed = 1 }, "", TRUE, NULL);
  g_assert_true (sessions[1] != sessions[0]);
  fixture->protocol = PUT;
  for (guint i = 0; i < 4; i++)
    {
      fixture->server = servers[i % 2];
      fixture->session = sessions[i % 2];
      sites[i % 2]->speaks = PUT;
      fill (fixture, SIZE - i);
      g_clear_pointer (&fixture->resume, g_variant_unref);
      g_assert_cmpstr (run (fixture), ==, "done");
      g_assert_cmpmem (sites[i % 2]->kept->data, sites[i % 2]->kept->len, fixture->content,
                       fixture->size);
    }

  fixture->server = servers[0];
  fixture->session = sessions[0];
  g_object_unref (sessions[1]);
  upload_server_free (servers[1]);
}

static void
test_policy (Fixture *fixture, gconstpointer data)
{
  fixture->require_resumable_above = SIZE - 1;
  fixture->site.speaks = PUT;
  assert_failed (fixture, run (fixture), "UploadNotSupported", FALSE);
  g_assert_cmpuint (upload_site_count (&fixture->site, "PUT"), ==, 0);
  fixture->require_resumable_above = SIZE;
  assert_done (fixture, run (fixture));
}

static void
test_range_ignored (Fixture *fixture, gconstpointer data)
{
  const char *found;

  fixture->site.speaks = PUT_RANGE;
  fixture->protocol = PUT_RANGE;
  fixture->site.ignore_range = TRUE;
  assert_done (fixture, run (fixture));
  g_assert_true (g_variant_lookup (fixture->end, "UploadProtocol", "&s", &found));
  g_assert_cmpstr (found, ==, "put");
  g_clear_pointer (&fixture->resume, g_variant_unref);
  assert_failed (fixture, run (fixture), "UploadNotSupported", FALSE);
  assert_kept (fixture);
}

/* Who cannot say what is there may have something that is not ours. */
static void
test_range_unsure (Fixture *fixture, gconstpointer data)
{
  fixture->site.speaks = PUT_RANGE;
  fixture->protocol = PUT_RANGE;
  fixture->site.head_status = 503;
  assert_failed (fixture, run (fixture), "HttpError", TRUE);
  g_assert_cmpuint (upload_site_count (&fixture->site, "PUT"), ==, 0);
  fixture->site.head_status = 405;
  assert_failed (fixture, run (fixture), "UploadNotSupported", FALSE);
  g_assert_cmpuint (upload_site_count (&fixture->site, "PUT"), ==, 0);
}

static void
test_range_unproven (Fixture *fixture, gconstpointer data)
{
  fixture->site.speaks = PUT_RANGE;
  fixture->protocol = PUT_RANGE;
  fixture->site.head_status = 503;
  fixture->site.head_good = 2;
  assert_failed (fixture, run (fixture), "HttpError", TRUE);
  fixture->site.head_status = 0;
  assert_done (fixture, run (fixture));
  g_assert_cmpuint (fixture->restarted, ==, 0);
}

static void
add (const char *name, const Case *row, void (*func) (Fixture *, gconstpointer))
{
  g_autofree char *path = row != NULL ? g_strdup_printf ("/worker-upload/%s/%s", name, row->name)
                                      : g_strdup_printf ("/worker-upload/%s", name);

  g_test_add (path, Fixture, row, set_up, func, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      add ("sizes", &cases[i], test_sizes);
      add ("empty", &cases[i], test_empty);
    }
  for (guint i = 0; i < 4; i++)
    {
      add ("breaks", &cases[i], test_breaks);
      add ("unauthorized", &cases[i], test_unauthorized);
    }
  for (guint i = 0; i < 3; i++)
    add ("gone", &cases[i], test_gone);
  for (guint i = 0; i < 2; i++)
    {
      add ("shrinks", &cases[i], test_shrinks);
      add ("lost-session", &cases[i], test_lost_session);
      add ("changed", &cases[i], test_changed);
      add ("beyond", &cases[i], test_beyond);
    }
  add ("bits/gobits", NULL, test_bits_gobits);
  add ("bits/always-lost", NULL, test_bits_always_lost);
  add ("bits/stuck", NULL, test_bits_stuck);
  add ("bits/bad-line", NULL, test_bits_bad_line);
  add ("bits/lost-answers", NULL, test_bits_lost_answers);
  add ("bits/packets", NULL, test_bits_packets);
  add ("bits/reply", NULL, test_bits_reply);
  add ("bits/no-reply", NULL, test_bits_no_reply);
  add ("bits/odd-names", NULL, test_bits_odd_names);
  add ("never-sent", NULL, test_never_sent);
  add ("largest-resume", NULL, test_largest_resume);
  add ("tus/cancel", NULL, test_tus_cancel);
  add ("refused", NULL, test_refused);
  add ("wrong-protocol", NULL, test_wrong_protocol);
  add ("put/not-kept", NULL, test_put_not_kept);
  add ("put/starts-over", NULL, test_put_starts_over);
  add ("put/two-sessions", NULL, test_two_sessions);
  add ("put-range/ignored", NULL, test_range_ignored);
  add ("put-range/unsure", NULL, test_range_unsure);
  add ("put-range/unproven", NULL, test_range_unproven);
  add ("policy", NULL, test_policy);
  return g_test_run ();
}
