/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "attempt-fixture.h"
#include "attempt-report.h"

#include "ferry-worker-protocol.h"

#include <glib/gstdio.h>

#include <string.h>

#define CHUNK 10000

/* == the site == */

static void
send_headers (RawPeer *peer, const Site *site, guint status, gsize start, gsize end)
{
  gboolean close = site->body == BODY_LENGTH_CLOSE || site->body == BODY_CHUNKED_CLOSE;
  gboolean length = site->body == BODY_LENGTH || site->body == BODY_LENGTH_CLOSE;
  gboolean chunked = site->body == BODY_CHUNKED || site->body == BODY_CHUNKED_CLOSE ||
                     site->body == BODY_CHUNKED_UNENDED;
  GString *head = g_string_new (NULL);

  g_string_append_printf (head, "HTTP/1.1 %u %s\r\n", status,
                          status == 200   ? "OK"
                          : status == 206 ? "Partial Content"
                                          : "Range Not Satisfiable");
  if (site->etag != NULL)
    g_string_append_printf (head, "ETag: %s\r\n", site->etag);
  if (site->last_modified != NULL)
    g_string_append_printf (head, "Last-Modified: %s\r\n", site->last_modified);
  if (site->date != NULL)
    g_string_append_printf (head, "Date: %s\r\n", site->date);
  if (status == 206)
    g_string_append_printf (head,
                            "Content-Range: bytes %" G_GSIZE_FORMAT "-%" G_GSIZE_FORMAT
                            "/%" G_GSIZE_FORMAT "\r\n",
                            start, end - 1, site->size);
  if (status == 416)
    g_string_append_printf (head, "Content-Range: bytes */%" G_GSIZE_FORMAT "\r\n", site->size);
  if (status == 416 || length)
    g_string_append_printf (head, "Content-Length: %" G_GSIZE_FORMAT "\r\n", end - start);
  else if (chunked)
    g_string_append (head, "Transfer-Encoding: chunked\r\n");
  if (close)
    g_string_append (head, "Connection: close\r\n");
  if (site->more_headers != NULL)
    g_string_append (head, site->more_headers);
  g_string_append (head, "\r\n");
  raw_send (peer, head->str, head->len);
  g_string_free (head, TRUE);
}

/* Returns: whether the connection is kept */
static gboolean
send_body (RawPeer *peer, Site *site, gsize start, gsize end)
{
  gboolean cut = site->cut > 0 && end - start > site->cut;
  gsize stop = cut ? start + site->cut : end;

  site->body_sent += stop - start;
  if (site->body == BODY_LENGTH || site->body == BODY_LENGTH_CLOSE || site->body == BODY_CLOSE)
    {
      raw_send (peer, site->content + start, stop - start);
    }
  else
    {
      for (gsize at = start; at < stop; at += CHUNK)
        {
          gsize n = MIN (CHUNK, stop - at);

          raw_printf (peer, "%" G_GSIZE_MODIFIER "x\r\n", n);
          raw_send (peer, site->content + at, n);
          raw_printf (peer, "\r\n");
        }
      if (!cut && site->body != BODY_CHUNKED_UNENDED)
        raw_printf (peer, "0\r\n\r\n");
    }

  if (site->hang)
    raw_wait_for_close (peer);
  if (cut && site->reset)
    raw_reset (peer);
  return !cut && (site->body == BODY_LENGTH || site->body == BODY_CHUNKED);
}

/* Sets what to send. Returns: the status */
static guint
choose_part (const Site *site, const char *request, gsize *start, gsize *end)
{
  g_autofree char *range = raw_get_header (request, "Range");
  g_autofree char *if_range = raw_get_header (request, "If-Range");
  gboolean matches = if_range == NULL || site->ignore_if_range ||
                     (!site->refuse_if_range &&
                      (g_strcmp0 (if_range, site->etag) == 0 ||
                       (site->etag == NULL && g_strcmp0 (if_range, site->last_modified) == 0)));
  guint64 first;
  char *rest;

  *start = 0;
  *end = site->size;
  if (range == NULL || site->no_ranges || !matches)
    return 200;

  first = g_ascii_strtoull (range + strlen ("bytes="), &rest, 10);
  if (first >= site->size)
    {
      *end = 0;
      return 416;
    }
  *start = (gsize) first;
  if (rest[1] != '\0')
    *end = MIN (site->size, (gsize) g_ascii_strtoull (rest + 1, NULL, 10) + 1);
  if (site->at_most > 0)
    *end = MIN (*end, *start + site->at_most);
  return 206;
}

gboolean
site_serve_cb (RawPeer *peer, const char *request, gpointer data)
{
  Site *site = data;
  gsize start;
  gsize end;
  guint status;

  if (site->say != NULL)
    {
      raw_printf (peer, "%s", site->say);
      if (site->say_times > 0 && --site->say_times == 0)
        site->say = NULL;
      return FALSE;
    }
  if (site->redirect != NULL)
    {
      raw_printf (peer, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nover",
                  site->redirect);
      return TRUE;
    }

  status = choose_part (site, request, &start, &end);
  send_headers (peer, site, status, start, end);
  return status == 416 || send_body (peer, site, start, end);
}

/* == the fixture == */

void
fixture_fill (Fixture *fixture, gsize size, guint seed)
{
  g_free (fixture->site.content);
  fixture->site.content = g_malloc (size + 1);
  fixture->site.size = size;
  for (gsize i = 0; i < size; i++)
    fixture->site.content[i] = (guint8) (((i + seed) * 2654435761u) >> 11);
}

static void
free_report (gpointer data)
{
  FixtureReport *report = data;

  g_free (report->kind);
  g_variant_unref (report->arguments);
  g_free (report);
}

void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->directory = g_dir_make_tmp ("ferry-test-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->directory, "target", NULL);
  fixture->part = g_build_filename (fixture->directory, ".ferry-test-0.part", NULL);

  worker_sessions_init_process ();
  fixture->sessions = worker_sessions_new (NULL);
  fixture->session = worker_sessions_get (fixture->sessions, "none", NULL, NULL,
                                          &(WorkerTrust){ 0 }, "", FALSE, &error);
  g_assert_no_error (error);
  fixture->buffers = worker_buffers_new ();

  fixture_fill (fixture, 1000000, 0);
  fixture->site.etag = "\"v1\"";
  fixture->server = raw_server_new (site_serve_cb, &fixture->site);
  g_mutex_init (&fixture->lock);
  fixture->reports = g_ptr_array_new_with_free_func (free_report);
  fixture->size = FERRY_SIZE_UNKNOWN;
  fixture->maximum_size = FERRY_SIZE_UNKNOWN;
}

void
fixture_set_times (Fixture *fixture, const WorkerTimes *times)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&fixture->session);
  worker_sessions_free (fixture->sessions);
  fixture->sessions = worker_sessions_new (times);
  fixture->session = worker_sessions_get (fixture->sessions, "none", NULL, NULL,
                                          &(WorkerTrust){ 0 }, "", FALSE, &error);
  g_assert_no_error (error);
}

void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->session);
  worker_sessions_free (fixture->sessions);
  worker_buffers_free (fixture->buffers);
  raw_server_free (fixture->server);
  g_ptr_array_unref (fixture->reports);
  g_clear_pointer (&fixture->resume, g_variant_unref);
  g_mutex_clear (&fixture->lock);
  g_free (fixture->last_url);
  g_free (fixture->digest);
  g_free (fixture->site.content);

  g_remove (fixture->part);
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->directory);
  g_free (fixture->path);
  g_free (fixture->part);
}

static void
report_cb (gpointer data, const char *kind, GVariant *arguments)
{
  Fixture *fixture = data;
  FixtureReport *report = g_new0 (FixtureReport, 1);
  gboolean confirm = FALSE;

  if (g_variant_lookup (arguments, "Confirm", "b", &confirm) && confirm)
    {
      fixture->confirmed++;
      if (fixture->stop_at_confirm)
        worker_attempt_stop (fixture->attempt);
      else
        worker_attempt_stored (fixture->attempt);
    }
  report->kind = g_strdup (kind);
  report->arguments = arguments;
  g_mutex_lock (&fixture->lock);
  g_ptr_array_add (fixture->reports, report);
  g_mutex_unlock (&fixture->lock);
}

WorkerAttempt *
fixture_prepare (Fixture *fixture)
{
  g_autofree char *own_url = raw_server_dup_url (fixture->server, "/file");
  g_autoptr (GVariant) arguments = NULL;
  GVariantDict dict;
  WorkerOrder *order;

  g_ptr_array_set_size (fixture->reports, 0);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Attempt", "t", (guint64) 7);
  g_variant_dict_insert (&dict, "Job", "s", "test");
  g_variant_dict_insert (&dict, "Url", "s", fixture->url != NULL ? fixture->url : own_url);
  g_variant_dict_insert (&dict, "Path", "s", fixture->path);
  g_variant_dict_insert (&dict, "TemporaryName", "s", ".ferry-test-0.part");
  g_variant_dict_insert (&dict, "Size", "t", fixture->size);
  g_variant_dict_insert (&dict, "MaximumSize", "t", fixture->maximum_size);
  if (fixture->method != NULL)
    g_variant_dict_insert (&dict, "Method", "s", fixture->method);
  if (fixture->upload)
    g_variant_dict_insert (&dict, "Protocol", "s", "auto");
  if (fixture->resume != NULL)
    g_variant_dict_insert_value (&dict, "Resume", fixture->resume);
  if (fixture->ranges != NULL)
    g_variant_dict_insert_value (&dict, "Ranges",
                                 g_variant_parse (G_VARIANT_TYPE ("a(tt)"), fixture->ranges, NULL,
                                                  NULL, NULL));
  if (fixture->digest != NULL)
    g_variant_dict_insert (&dict, "Digest", "s", fixture->digest);
  if (fixture->headers != NULL)
    g_variant_dict_insert (&dict, "Headers", "^as", fixture->headers);
  if (fixture->secret_headers != NULL)
    g_variant_dict_insert (&dict, "SecretHeaders", "^as", fixture->secret_headers);
  if (fixture->tls_flags != NULL)
    g_variant_dict_insert (&dict, "TlsFlags", "^as", fixture->tls_flags);
  if (fixture->tls_flags_forbidden != NULL)
    g_variant_dict_insert (&dict, "TlsFlagsForbidden", "^as", fixture->tls_flags_forbidden);
  if (fixture->server_pins != NULL)
    g_variant_dict_insert (&dict, "ServerPins", "^as", fixture->server_pins);
  if (fixture->credentials != NULL)
    g_variant_dict_insert_value (&dict, "Credentials",
                                 g_variant_parse (G_VARIANT_TYPE ("a(ssa{sv})"),
                                                  fixture->credentials, NULL, NULL, NULL));
  if (fixture->redirect_policy != NULL)
    g_variant_dict_insert (&dict, "RedirectPolicy", "s", fixture->redirect_policy);

  arguments = g_variant_ref_sink (g_variant_dict_end (&dict));
  order = worker_order_new (arguments, fixture->upload);
  g_assert_nonnull (order);
  if (order->login.netrc != NULL)
    order->login.netrc->path = g_strdup (fixture->netrc != NULL ? fixture->netrc
                                                                : "/nonexistent/netrc");
  fixture->attempt = worker_attempt_new (order, fixture->sessions, fixture->session,
                                         fixture->buffers, fixture->last_url, report_cb, fixture);
  return fixture->attempt;
}

const char *
fixture_finish (Fixture *fixture, WorkerAttempt *attempt)
{
  const FixtureReport *end;

  worker_attempt_run (attempt);
  g_free (fixture->last_url);
  fixture->last_url = g_strdup (worker_attempt_get_final_url (attempt));
  worker_attempt_unref (attempt);

  g_assert_cmpuint (fixture->reports->len, >, 0);
  end = g_ptr_array_index (fixture->reports, fixture->reports->len - 1);
  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture->resume = g_variant_lookup_value (end->arguments, "Resume", G_VARIANT_TYPE_VARDICT);
  g_assert_true (fixture->resume == NULL ||
                 g_variant_get_size (fixture->resume) <= FERRY_RESUME_MAX);
  return end->kind;
}

const char *
fixture_run (Fixture *fixture)
{
  return fixture_finish (fixture, fixture_prepare (fixture));
}

GVariant *
fixture_get_end (Fixture *fixture)
{
  const FixtureReport *end = g_ptr_array_index (fixture->reports, fixture->reports->len - 1);

  return end->arguments;
}

guint
fixture_count (Fixture *fixture, const char *kind)
{
  guint n = 0;

  for (guint i = 0; i < fixture->reports->len; i++)
    {
      const FixtureReport *report = g_ptr_array_index (fixture->reports, i);

      n += g_str_equal (report->kind, kind);
    }
  return n;
}

const char *
fixture_get_restart (Fixture *fixture)
{
  const char *reason = NULL;

  g_assert_cmpuint (fixture_count (fixture, "restarted"), <=, 1);
  for (guint i = 0; i < fixture->reports->len; i++)
    {
      const FixtureReport *report = g_ptr_array_index (fixture->reports, i);

      if (g_str_equal (report->kind, "restarted"))
        g_assert_true (g_variant_lookup (report->arguments, "Reason", "&s", &reason));
    }
  return reason;
}

guint64
fixture_get_size (GVariant *arguments, const char *key)
{
  guint64 value = FERRY_SIZE_UNKNOWN;

  g_assert_true (g_variant_lookup (arguments, key, "t", &value));
  return value;
}

void
fixture_assert_file (Fixture *fixture, const void *content, gsize size)
{
  g_autofree char *found = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (fixture->part, &found, &length, NULL));
  g_assert_cmpuint (length, ==, size);
  g_assert_true (memcmp (found, content, size) == 0);
}

void
fixture_assert_done (Fixture *fixture, const char *end)
{
  g_autofree char *name = attempt_report_dup_error (fixture_get_end (fixture));

  g_assert_cmpstr (name, ==, NULL);
  g_assert_cmpstr (end, ==, "done");
  g_assert_cmpuint (fixture_get_size (fixture_get_end (fixture), "Bytes"), ==, fixture->site.size);
  g_assert_cmpuint (fixture_get_size (fixture->resume, "Offset"), ==, fixture->site.size);
  fixture_assert_file (fixture, fixture->site.content, fixture->site.size);
}

void
fixture_assert_failed (Fixture *fixture, const char *end, const char *name, gboolean transient)
{
  attempt_report_assert_failed (end, fixture_get_end (fixture), name, transient);
}

char *
fixture_dup_digest (Fixture *fixture)
{
  g_autofree char *hex = g_compute_checksum_for_data (G_CHECKSUM_SHA256, fixture->site.content,
                                                      fixture->site.size);

  return g_strconcat ("sha256:", hex, NULL);
}

char *
fixture_dup_request_header (Fixture *fixture, guint number, const char *name)
{
  g_autofree char *request = raw_server_dup_request (fixture->server, number);

  return raw_get_header (request, name);
}
