/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Older stores are brought up to date step by step; newer ones are left alone. */

#include "store-fixture.h"

#include "ferry-store-schema.h"

#include <string.h>

/* --- the mechanism, with steps of a made-up future --- */

static gboolean
make_first (sqlite3 *handle, GError **error)
{
  return ferry_db_exec (handle, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)", error);
}

static gboolean
make_second (sqlite3 *handle, GError **error)
{
  return ferry_db_exec (handle, "ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 7", error);
}

static gboolean
break_third (sqlite3 *handle, GError **error)
{
  return ferry_db_exec (handle, "DELETE FROM t", error) &&
         ferry_db_exec (handle, "INSERT INTO absent VALUES (1)", error);
}

static gint64
get (sqlite3 *handle, const char *sql)
{
  g_autoptr (GError) error = NULL;
  gint64 value = 0;

  ferry_db_get_integer (handle, sql, &value, &error);
  g_assert_no_error (error);
  return value;
}

static void
test_steps (void)
{
  static const FerrySchemaStep steps[] = { make_first, make_second, break_third };
  char *directory = store_fixture_make_directory ();
  g_autofree char *path = store_fixture_path (directory, "x.db");
  g_autoptr (GError) error = NULL;
  sqlite3 *handle = ferry_db_open (path, &error);

  g_assert_no_error (error);
  ferry_db_keep (handle);
  g_assert_true (ferry_schema_run_steps (handle, steps, 1, &error));
  g_assert_cmpint (get (handle, "PRAGMA user_version"), ==, 1);

  /* Only what is missing runs: the first would fail. */
  g_assert_true (ferry_schema_run_steps (handle, steps, 2, &error));
  g_assert_no_error (error);
  g_assert_cmpint (get (handle, "PRAGMA user_version"), ==, 2);
  g_assert_cmpint (get (handle, "SELECT b FROM t WHERE a = 1"), ==, 7);

  /* A step that fails half way has changed nothing. */
  g_assert_false (ferry_schema_run_steps (handle, steps, 3, &error));
  g_assert_error (error, FERRY_DB_ERROR, SQLITE_ERROR);
  g_assert_nonnull (strstr (error->message, "absent"));
  g_assert_cmpint (get (handle, "PRAGMA user_version"), ==, 2);
  g_assert_cmpint (get (handle, "SELECT count (*) FROM t"), ==, 1);
  g_assert_true (ferry_schema_run_steps (handle, steps, 2, NULL));
  ferry_db_close (handle);
  store_fixture_remove (directory);
}

/* --- a store of the first release --- */

/* Returns: (transfer full): a directory with the store that @name describes */
static char *
make_old_store (const char *name)
{
  char *directory = store_fixture_make_directory ();
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "store", name, NULL);
  g_autofree char *sql = NULL;

  g_assert_true (g_file_get_contents (path, &sql, NULL, NULL));
  store_fixture_sql (directory, sql);
  return directory;
}

static void
test_version_1 (void)
{
  char *directory = make_old_store ("schema-1.sql");
  g_autoptr (GPtrArray) duties = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_duty_free);
  g_autoptr (GVariant) value = NULL;
  FerryStore *store;
  FerryQueue *queue;
  FerryJob *job;
  const FerryFile *file;
  const FerryRange *range;
  const FerryDuty *duty;

  store = store_fixture_open (directory);
  queue = store_fixture_load (store, duties);

  job = ferry_queue_lookup (queue, 1000, "00112233445566778899aabbccddeeff");
  g_assert_nonnull (job);
  g_assert_cmpuint (job->sequence, ==, 12);
  g_assert_cmpstr (job->owner_name, ==, "ada");
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (job->priority, ==, FERRY_PRIORITY_FOREGROUND);
  g_assert_cmpstr (job->request_headers[0], ==, "User-Agent: x/1");
  g_assert_cmpstr (job->request_headers[1], ==, "Accept: */*");
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_NOT_FOUND);
  g_assert_cmpint (job->error->context, ==, FERRY_ERROR_CONTEXT_REMOTE_FILE);
  g_assert_cmpstr (job->error->message, ==, "It is gone.");
  g_assert_cmpint (job->error->file, ==, 0);
  g_assert_cmpuint (job->error->http_status, ==, 404);
  g_assert_cmpuint (job->next_index, ==, 3);

  file = ferry_job_get_file (job, 0);
  g_assert_cmpstr (file->remote_url, ==, "https://example.org/a");
  g_assert_cmpint (file->state, ==, FERRY_FILE_STATE_FAILED);
  g_assert_cmpuint (file->expected_size, ==, FERRY_SIZE_UNKNOWN);
  g_assert_cmpuint (file->bytes_transferred, ==, 77);
  g_assert_cmpuint (file->ranges->len, ==, 2);
  range = &g_array_index (file->ranges, FerryRange, 1);
  g_assert_cmpuint (range->offset, ==, 100);
  g_assert_cmpuint (range->length, ==, FERRY_SIZE_UNKNOWN);
  g_assert_cmpstr (file->response_headers[0], ==, "ETag: \"x\"");

  /* What it could not say is the default. */
  g_assert_cmpint (job->type, ==, FERRY_JOB_TYPE_DOWNLOAD);
  g_assert_cmpint (job->upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_AUTO);
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_AUTO);
  g_assert_false (job->resumable);
  g_assert_cmpstr (job->reply_path, ==, "");
  g_assert_false (file->is_source);

  g_assert_cmpuint (duties->len, ==, 1);
  duty = g_ptr_array_index (duties, 0);
  g_assert_cmpint (duty->kind, ==, FERRY_DUTY_REMOVE);
  g_assert_cmpstr (duty->path, ==, "/srv/b");
  value = ferry_store_get_value (store, "policy.max-active-jobs");
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, 9);
  store_fixture_close (store);
  g_object_unref (queue);
  store_fixture_remove (directory);
}

/* It is migrated once: what is written then is there at the next start. */
static void
test_version_1_goes_on (void)
{
  char *directory = make_old_store ("schema-1.sql");
  FerryStore *store = store_fixture_open (directory);
  FerryQueue *queue = store_fixture_load (store, NULL);
  FerryJob *job = ferry_queue_lookup (queue, 1000, "00112233445566778899aabbccddeeff");

  job->upload_protocol = FERRY_UPLOAD_PROTOCOL_TUS;
  job->error_count = 12;
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  g_assert_no_error (store_fixture_commit (store));
  store_fixture_close (store);
  g_object_unref (queue);

  store = store_fixture_open (directory);
  queue = store_fixture_load (store, NULL);
  job = ferry_queue_lookup (queue, 1000, "00112233445566778899aabbccddeeff");
  g_assert_cmpint (job->upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_TUS);
  g_assert_cmpuint (job->error_count, ==, 12);
  g_assert_cmpuint (job->files->len, ==, 1);
  store_fixture_close (store);
  g_object_unref (queue);
  store_fixture_remove (directory);
}

/* --- the first release with uploads --- */

static void
assert_cancellation (const FerryDuty *duty)
{
  gboolean session = FALSE;
  const char *proxy_uri = NULL;

  g_assert_cmpint (duty->kind, ==, FERRY_DUTY_CANCEL_UPLOAD);
  g_assert_cmpstr (duty->owner_name, ==, "ada");
  g_assert_cmpstr (duty->url, ==, "https://example.org/u");
  g_assert_true (g_variant_lookup (duty->request, "ProxyUri", "&s", &proxy_uri));
  g_assert_cmpstr (proxy_uri, ==, "http://proxy:1");
  g_assert_cmpint (duty->deadline, ==, 77000000);
  g_assert_null (duty->secrets);
  g_assert_true (g_variant_lookup (duty->resume, "Session", "b", &session) && session);
}

static void
test_version_2 (void)
{
  char *directory = make_old_store ("schema-2.sql");
  g_autoptr (GPtrArray) duties = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_duty_free);
  FerryStore *store = store_fixture_open (directory);
  FerryQueue *queue = store_fixture_load (store, duties);
  FerryJob *job = ferry_queue_lookup (queue, 1000, "00112233445566778899aabbccddeeff");
  const FerryFile *source, *reply;

  g_assert_cmpint (job->type, ==, FERRY_JOB_TYPE_UPLOAD_REPLY);
  g_assert_cmpint (job->upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_AUTO);
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_BITS);
  g_assert_true (job->resumable);
  g_assert_cmpstr (job->reply_path, ==, "/srv/reply");
  g_assert_cmpuint (job->next_index, ==, 3);
  source = ferry_job_get_source (job);
  g_assert_cmpuint (source->index, ==, 2);
  g_assert_cmpuint (source->bytes_transferred, ==, 500);
  g_assert_true (ferry_file_has_session (source));
  reply = ferry_job_get_reply (job);
  g_assert_false (reply->is_source);
  g_assert_cmpstr (reply->remote_url, ==, "https://example.org/r");
  g_assert_cmpuint (reply->generation, ==, 1);

  g_assert_cmpuint (duties->len, ==, 2);
  g_assert_cmpint (((FerryDuty *) duties->pdata[0])->kind, ==, FERRY_DUTY_REMOVE);
  assert_cancellation (duties->pdata[1]);
  store_fixture_close (store);
  g_object_unref (queue);
  store_fixture_remove (directory);
}

/* --- the release with pins --- */

static void
test_version_3 (void)
{
  char *directory = make_old_store ("schema-3.sql");
  FerryStore *store = store_fixture_open (directory);
  FerryQueue *queue = store_fixture_load (store, NULL);
  FerryJob *job = ferry_queue_lookup (queue, 1000, "00112233445566778899aabbccddeeff");

  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_NOT_FOUND);
  g_assert_cmpuint (job->tls_flags, ==, 2);
  g_assert_cmpuint (g_strv_length (job->server_pins), ==, 1);
  g_assert_cmpstr (job->server_pins[0], ==, "sha256:0");
  g_assert_cmpint (job->redirect_policy, ==, FERRY_REDIRECT_POLICY_REFUSE);
  /* What it could not say is the default. */
  g_assert_cmpstr (job->http_method, ==, "");
  store_fixture_close (store);
  g_object_unref (queue);
  store_fixture_remove (directory);
}

/* --- a store of a later release --- */

/* Returns all there is in @directory, names and bytes. */
static GHashTable *
read_all (const char *directory)
{
  GHashTable *files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                             (GDestroyNotify) g_bytes_unref);
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = store_fixture_path (directory, name);
      char *bytes;
      gsize length;

      g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
      g_hash_table_insert (files, g_strdup (name), g_bytes_new_take (bytes, length));
    }

  return files;
}

static void
assert_refused (const char *directory, guint version)
{
  g_autoptr (GHashTable) before = read_all (directory);
  g_autoptr (GHashTable) after = NULL;
  g_autofree char *theirs = g_strdup_printf ("version %u", version);
  g_autofree char *ours = g_strdup_printf ("up to %u", ferry_schema_get_version ());
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer name;
  gpointer bytes;

  g_assert_null (ferry_store_new (directory, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
  g_assert_nonnull (strstr (error->message, theirs));
  g_assert_nonnull (strstr (error->message, ours));

  after = read_all (directory);
  g_assert_cmpuint (g_hash_table_size (after), ==, g_hash_table_size (before));
  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &name, &bytes))
    {
      g_assert_nonnull (g_hash_table_lookup (after, name));
      g_assert_true (g_bytes_equal (bytes, g_hash_table_lookup (after, name)));
    }
}

static void
test_newer (void)
{
  char *directory = store_fixture_make_directory ();
  g_autofree char *ours = g_strdup_printf ("PRAGMA user_version = %u", ferry_schema_get_version ());

  store_fixture_close (store_fixture_open (directory));
  store_fixture_sql (directory, "PRAGMA user_version = 23");
  assert_refused (directory, 23);
  store_fixture_sql (directory, ours);
  store_fixture_close (store_fixture_open (directory));
  store_fixture_remove (directory);
}

/* It crashed after its migration: the new version is in the log alone. */
static void
test_newer_in_log (void)
{
  char *directory = store_fixture_make_directory ();
  g_autofree char *path = store_fixture_path (directory, "ferry.db");
  g_autoptr (GError) error = NULL;
  sqlite3 *handle;

  store_fixture_close (store_fixture_open (directory));
  handle = ferry_db_open (path, &error);
  g_assert_no_error (error);
  g_assert_true (ferry_db_exec (handle, "PRAGMA user_version = 24", NULL));
  ferry_db_close (handle);
  g_assert_cmpint (ferry_db_read_version (path), ==, ferry_schema_get_version ());
  assert_refused (directory, 24);
  store_fixture_remove (directory);
}

/* Versions that no release will ever have are damage. */
static void
test_absurd (void)
{
  static const char *const numbers[] = { "123456789", "-1" };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      char *directory = store_fixture_make_directory ();
      g_autofree char *sql = g_strconcat ("PRAGMA user_version = ", numbers[i], NULL);
      g_autofree char *log = NULL;

      store_fixture_close (store_fixture_open (directory));
      store_fixture_sql (directory, sql);
      store_fixture_close (store_fixture_open (directory));
      log = store_fixture_take_log ();
      g_assert_nonnull (strstr (log, "is damaged"));
      store_fixture_remove (directory);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  store_fixture_collect_log ();
  g_test_add_func ("/store/schema/steps", test_steps);
  g_test_add_func ("/store/schema/version-1", test_version_1);
  g_test_add_func ("/store/schema/version-1-goes-on", test_version_1_goes_on);
  g_test_add_func ("/store/schema/version-2", test_version_2);
  g_test_add_func ("/store/schema/version-3", test_version_3);
  g_test_add_func ("/store/schema/newer", test_newer);
  g_test_add_func ("/store/schema/newer-in-log", test_newer_in_log);
  g_test_add_func ("/store/schema/absurd", test_absurd);
  return g_test_run ();
}
