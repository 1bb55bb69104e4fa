/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store-fixture.h"

#include <glib/gstdio.h>
#include <sqlite3.h>

char *
store_fixture_make_directory (void)
{
  char *directory = g_dir_make_tmp ("ferry-store-XXXXXX", NULL);

  g_assert_nonnull (directory);
  return directory;
}

void
store_fixture_remove (char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
  g_free (directory);
}

FerryStore *
store_fixture_open (const char *directory)
{
  g_autoptr (GError) error = NULL;
  FerryStore *store = ferry_store_new (directory, &error);

  g_assert_no_error (error);
  g_assert_nonnull (store);
  return store;
}

void
store_fixture_close (FerryStore *store)
{
  ferry_store_close (store);
  g_assert_finalize_object (store);
}

FerryQueue *
store_fixture_load (FerryStore *store, GPtrArray *duties)
{
  g_autoptr (GPtrArray) own = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_duty_free);
  g_autoptr (GError) error = NULL;
  FerryQueue *queue = ferry_queue_new ();

  g_assert_true (ferry_store_load (store, queue, duties != NULL ? duties : own, &error));
  g_assert_no_error (error);
  ferry_store_watch (store, queue);
  return queue;
}

typedef struct
{
  gboolean done;
  GError *error;
} Wait;

static void
commit_cb (const GError *error, gpointer data)
{
  Wait *wait = data;

  wait->done = TRUE;
  wait->error = error != NULL ? g_error_copy (error) : NULL;
}

GError *
store_fixture_commit (FerryStore *store)
{
  Wait wait = { FALSE, NULL };

  ferry_store_after_commit (store, commit_cb, &wait);
  g_assert_false (wait.done);
  while (!wait.done)
    g_main_context_iteration (NULL, TRUE);
  return wait.error;
}

static char **
make_strv (const char *word, guint number)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *first = g_strdup_printf ("%s-a-%u", word, number);

  g_strv_builder_add (builder, first);
  g_strv_builder_add (builder, "zweite: Zeile ü");
  return g_strv_builder_end (builder);
}

static FerryFile *
make_file (guint number)
{
  g_autofree char *url = g_strdup_printf ("https://example.org/%u?q=a%%20b", number);
  g_autofree char *path = g_strdup_printf ("/srv/Dateien/ä %u", number);
  FerryFile *file = ferry_file_new (url, path);
  FerryRange range = { number, FERRY_SIZE_UNKNOWN };
  GVariantDict dict;

  file->ranges = g_array_new (FALSE, FALSE, sizeof (FerryRange));
  g_array_append_val (file->ranges, range);
  file->digest = g_strdup_printf ("sha256:%064u", number);
  file->expected_size = 5000000000 + number;
  file->replace = TRUE;
  file->mode = 0600 + number % 8;
  file->state = FERRY_FILE_STATE_TRANSFERRED;
  file->bytes_transferred = 3000000000 + number;
  file->validator = g_strdup_printf ("\"v%u\"", number);
  file->http_status = 200 + number;
  file->response_headers = make_strv ("ETag: x", number);
  file->restarts = 3 + number;
  file->error = ferry_failure_new (FERRY_ERROR_DIGEST_MISMATCH, FERRY_ERROR_CONTEXT_REMOTE_FILE,
                                   number, 404, "A sentence.");
  file->generation = 2 + number;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Offset", "t", (guint64) 7000 + number);
  g_variant_dict_insert (&dict, "Validator", "s", file->validator);
  file->resume = g_variant_ref_sink (g_variant_dict_end (&dict));
  return file;
}

static void
fill_settings (FerryJob *job, guint number)
{
  g_free (job->display_name);
  job->display_name = g_strdup_printf ("Name %u", number);
  g_free (job->description);
  job->description = g_strdup_printf ("Beschreibung „%u“", number);
  g_free (job->application_id);
  job->application_id = g_strdup_printf ("org.example.App%u", number);
  job->priority = FERRY_PRIORITY_HIGH;
  job->minimum_retry_delay = 11 + number;
  job->no_progress_timeout = 12 + number;
  job->maximum_download_time = 13 + number;
  job->notification_interval = 14 + number;
  job->auto_complete = TRUE;
  job->maximum_download_size = G_MAXUINT64 - 1 - number;
  g_strfreev (job->request_headers);
  job->request_headers = make_strv ("User-Agent: x", number);
  job->proxy_usage = FERRY_PROXY_USAGE_OVERRIDE;
  g_free (job->proxy_uri);
  job->proxy_uri = g_strdup_printf ("http://proxy:%u", number);
  g_strfreev (job->proxy_bypass);
  job->proxy_bypass = make_strv ("host", number);
  job->upload_protocol = FERRY_UPLOAD_PROTOCOL_PUT;
  job->tls_flags = 5;
  g_strfreev (job->server_pins);
  job->server_pins = make_strv ("sha256:", number);
  job->redirect_policy = FERRY_REDIRECT_POLICY_REPORT;
  g_free (job->http_method);
  job->http_method = g_strdup_printf ("M-%u", number);
  g_free (job->client_certificate);
  job->client_certificate = g_strdup_printf ("/srv/ä/certificate %u", number);
  g_free (job->reply_path);
  job->reply_path = g_strdup_printf ("/srv/ä/reply %u", number);
}

FerryJob *
store_fixture_make_job (guint number, guint n_files)
{
  g_autofree char *owner_name = g_strdup_printf ("user%u", number);
  FerryJob *job = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 3000000000u + number, owner_name);

  fill_settings (job, number);
  job->state = FERRY_JOB_STATE_TRANSFERRED;
  job->had_secrets = TRUE;
  job->exempt = TRUE;
  job->completing = TRUE;
  job->creation_time = 1000000000000000 + number;
  job->modification_time = 1000000000000001 + number;
  job->transfer_completion_time = 1000000000000002 + number;
  job->final_time = 1000000000000003 + number;
  job->activity_time = 1000000000000004 + number;
  job->no_progress_since = 1000000000000005 + number;
  job->active_time = 1000000000000006 + number;
  job->error_count = 21 + number;
  job->failures = 22 + number;
  job->error = ferry_failure_new (FERRY_ERROR_TIMED_OUT, FERRY_ERROR_CONTEXT_TRANSPORT, -1, 0,
                                  "It took too long.");
  job->next_attempt_wall = 1000000000000007 + number;
  job->resolved_upload_protocol = FERRY_UPLOAD_PROTOCOL_PUT_RANGE;
  job->resumable = TRUE;
  for (guint i = 0; i < n_files; i++)
    ferry_job_add_file (job, make_file (number * 100 + i));
  /* Added and removed again. */
  if (n_files > 0)
    job->next_index++;
  return job;
}

static void
assert_same_failure (const FerryFailure *a, const FerryFailure *b)
{
  g_autoptr (GVariant) left = g_variant_ref_sink (ferry_failure_to_variant (a, TRUE));
  g_autoptr (GVariant) right = g_variant_ref_sink (ferry_failure_to_variant (b, TRUE));

  g_assert_cmpvariant (left, right);
}

static void
assert_same_file (FerryFile *a, FerryFile *b)
{
  g_assert_cmpuint (a->index, ==, b->index);
  g_assert_cmpstr (a->remote_url, ==, b->remote_url);
  g_assert_cmpstr (a->local_path, ==, b->local_path);
  g_assert_cmpint (a->ranges == NULL, ==, b->ranges == NULL);
  if (a->ranges != NULL)
    g_assert_cmpmem (a->ranges->data, a->ranges->len * sizeof (FerryRange), b->ranges->data,
                     b->ranges->len * sizeof (FerryRange));
  g_assert_cmpstr (a->digest, ==, b->digest);
  g_assert_cmpuint (a->expected_size, ==, b->expected_size);
  g_assert_cmpint (a->replace, ==, b->replace);
  g_assert_cmpuint (a->mode, ==, b->mode);
  g_assert_cmpint (a->state, ==, b->state);
  g_assert_cmpuint (a->bytes_total, ==, b->bytes_total);
  g_assert_cmpuint (a->bytes_transferred, ==, b->bytes_transferred);
  g_assert_cmpstr (a->validator, ==, b->validator);
  g_assert_cmpuint (a->http_status, ==, b->http_status);
  g_assert_cmpint (a->response_headers == NULL, ==, b->response_headers == NULL);
  if (a->response_headers != NULL)
    g_assert_cmpstrv (a->response_headers, b->response_headers);
  g_assert_cmpuint (a->restarts, ==, b->restarts);
  assert_same_failure (a->error, b->error);
  g_assert_cmpuint (a->generation, ==, b->generation);
  g_assert_cmpint (a->resume == NULL, ==, b->resume == NULL);
  if (a->resume != NULL)
    g_assert_cmpvariant (a->resume, b->resume);
}

static void
assert_same_settings (FerryJob *a, FerryJob *b)
{
  g_assert_cmpstr (a->display_name, ==, b->display_name);
  g_assert_cmpstr (a->description, ==, b->description);
  g_assert_cmpstr (a->application_id, ==, b->application_id);
  g_assert_cmpint (a->priority, ==, b->priority);
  g_assert_cmpuint (a->minimum_retry_delay, ==, b->minimum_retry_delay);
  g_assert_cmpuint (a->no_progress_timeout, ==, b->no_progress_timeout);
  g_assert_cmpuint (a->maximum_download_time, ==, b->maximum_download_time);
  g_assert_cmpuint (a->notification_interval, ==, b->notification_interval);
  g_assert_cmpint (a->auto_complete, ==, b->auto_complete);
  g_assert_cmpuint (a->maximum_download_size, ==, b->maximum_download_size);
  g_assert_cmpstrv (a->request_headers, b->request_headers);
  g_assert_cmpint (a->proxy_usage, ==, b->proxy_usage);
  g_assert_cmpstr (a->proxy_uri, ==, b->proxy_uri);
  g_assert_cmpstrv (a->proxy_bypass, b->proxy_bypass);
  g_assert_cmpint (a->upload_protocol, ==, b->upload_protocol);
  g_assert_cmpuint (a->tls_flags, ==, b->tls_flags);
  g_assert_cmpstrv (a->server_pins, b->server_pins);
  g_assert_cmpint (a->redirect_policy, ==, b->redirect_policy);
  g_assert_cmpstr (a->http_method, ==, b->http_method);
  g_assert_cmpstr (a->client_certificate, ==, b->client_certificate);
  g_assert_cmpstr (a->reply_path, ==, b->reply_path);
}

void
store_fixture_assert_same (FerryJob *a, FerryJob *b)
{
  g_assert_cmpstr (a->id, ==, b->id);
  g_assert_cmpuint (a->owner, ==, b->owner);
  g_assert_cmpstr (a->owner_name, ==, b->owner_name);
  g_assert_cmpuint (a->sequence, ==, b->sequence);
  g_assert_cmpint (a->type, ==, b->type);
  g_assert_cmpint (a->state, ==, b->state);
  assert_same_settings (a, b);
  g_assert_cmpint (a->had_secrets, ==, b->had_secrets);
  g_assert_cmpint (a->exempt, ==, b->exempt);
  g_assert_cmpint (a->completing, ==, b->completing);
  g_assert_cmpint (a->creation_time, ==, b->creation_time);
  g_assert_cmpint (a->modification_time, ==, b->modification_time);
  g_assert_cmpint (a->transfer_completion_time, ==, b->transfer_completion_time);
  g_assert_cmpint (a->final_time, ==, b->final_time);
  g_assert_cmpint (a->activity_time, ==, b->activity_time);
  g_assert_cmpint (a->no_progress_since, ==, b->no_progress_since);
  g_assert_cmpint (a->active_time, ==, b->active_time);
  g_assert_cmpuint (a->error_count, ==, b->error_count);
  g_assert_cmpuint (a->failures, ==, b->failures);
  assert_same_failure (a->error, b->error);
  g_assert_cmpint (a->next_attempt_wall, ==, b->next_attempt_wall);
  g_assert_cmpint (a->resolved_upload_protocol, ==, b->resolved_upload_protocol);
  g_assert_cmpint (a->resumable, ==, b->resumable);
  g_assert_cmpuint (a->next_index, ==, b->next_index);
  g_assert_cmpuint (a->files->len, ==, b->files->len);
  for (guint i = 0; i < a->files->len; i++)
    assert_same_file (g_ptr_array_index (a->files, i), g_ptr_array_index (b->files, i));
}

char *
store_fixture_path (const char *directory, const char *name)
{
  return g_build_filename (directory, name, NULL);
}

static GMutex log_mutex;
static GString *messages;

/* The store's thread logs too. */
static void
log_cb (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if ((level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO)) != 0)
    return;
  g_mutex_lock (&log_mutex);
  g_string_append_printf (messages, "%s\n", message);
  g_mutex_unlock (&log_mutex);
}

/* Events come this way. */
static GLogWriterOutput
writer_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  const char *message = NULL;
  gboolean event = FALSE;

  for (gsize i = 0; i < n_fields; i++)
    {
      if (g_str_equal (fields[i].key, "MESSAGE"))
        message = fields[i].value;
      event |= g_str_equal (fields[i].key, "MESSAGE_ID");
    }
  if (!event)
    return g_log_writer_default (level, fields, n_fields, data);

  log_cb (NULL, level, message, NULL);
  return G_LOG_WRITER_HANDLED;
}

void
store_fixture_collect_log (void)
{
  messages = g_string_new (NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  g_log_set_default_handler (log_cb, NULL);
  g_log_set_writer_func (writer_cb, NULL, NULL);
}

char *
store_fixture_take_log (void)
{
  GString *taken;

  g_mutex_lock (&log_mutex);
  taken = g_steal_pointer (&messages);
  messages = g_string_new (NULL);
  g_mutex_unlock (&log_mutex);
  return g_string_free (taken, FALSE);
}

void
store_fixture_wait_for_backup (const char *directory)
{
  g_autofree char *path = store_fixture_path (directory, "ferry.db.backup");

  while (!g_file_test (path, G_FILE_TEST_EXISTS))
    g_usleep (1000);
}

void
store_fixture_sql (const char *directory, const char *sql)
{
  g_autofree char *path = store_fixture_path (directory, "ferry.db");
  char *message = NULL;
  sqlite3 *handle;

  g_assert_cmpint (sqlite3_open (path, &handle), ==, SQLITE_OK);
  sqlite3_exec (handle, sql, NULL, NULL, &message);
  g_assert_cmpstr (message, ==, NULL);
  g_assert_cmpint (sqlite3_close (handle), ==, SQLITE_OK);
}
