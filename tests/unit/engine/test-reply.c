/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reply to an upload: when it is fetched, where it goes, and that nobody counts it as a file. */

#include "engine-world.h"
#include "ferry-engine-private.h"

#include <unistd.h>

#define UPLOAD_REPLY FERRY_JOB_TYPE_UPLOAD_REPLY

#define SENT                                                                                       \
  "{'Bytes': <uint64 1000>, 'ReplyUrl': <'%s'>, 'Resume': <{'Offset': <uint64 1000>, "             \
  "'Session': <true>, 'Url': <'x'>}>}"

static void
send_all (World *world, const char *reply_url)
{
  g_autofree char *text = g_strdup_printf (SENT, reply_url);

  world_report (world, world_take_upload (world), "done", text);
}

/* Up to the job that waits for its owner. */
static FerryJob *
submit_transferred (World *world, const char *reply_path, guint64 bytes)
{
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, reply_path, TRUE);

  send_all (world, "http://server.example/reply");
  world_finish_file (world, bytes);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  return job;
}

static void
note_cb (FerryEngine *engine, FerryJob *job, guint index, gpointer data)
{
  g_string_append_printf (data, "file-%u ", index);
}

static void
test_life (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, "/target/reply", TRUE);
  g_autoptr (GVariant) start = NULL;
  g_autoptr (GVariant) upload = NULL;
  g_autoptr (GVariant) resume = NULL;
  guint64 attempt;
  guint32 mode;
  guint published, discarded;
  const char *text;
  gboolean session = FALSE;

  g_signal_connect (world->engine, "file-transferred", G_CALLBACK (note_cb), world->events);
  world_settle (world);
  g_assert_false (world_has_order (world, "start"));
  send_all (world, "http://server.example/reply#part");

  start = world_take_order (world, "start");
  g_assert_true (g_variant_lookup (start, "Url", "&s", &text));
  g_assert_cmpstr (text, ==, "http://server.example/reply");
  g_assert_true (g_variant_lookup (start, "Path", "&s", &text));
  g_assert_cmpstr (text, ==, "/target/reply");
  g_assert_false (g_variant_lookup (start, "FinalMode", "u", &mode));
  upload = g_variant_lookup_value (start, "Upload", G_VARIANT_TYPE_VARDICT);
  g_assert_true (g_variant_lookup (upload, "Url", "&s", &text));
  g_assert_cmpstr (text, ==, "http://server.example/put");
  resume = g_variant_lookup_value (upload, "Resume", G_VARIANT_TYPE_VARDICT);
  g_assert_true (g_variant_lookup (resume, "Session", "b", &session));
  g_assert_cmpint (job->state, !=, FERRY_JOB_STATE_TRANSFERRED);
  g_assert_cmpuint (ferry_job_get_files_transferred (job), ==, 1);
  g_assert_cmpuint (ferry_job_count_files (job), ==, 1);

  g_assert_true (g_variant_lookup (start, "Attempt", "t", &attempt));
  world_report (world, attempt, "restarted", "{'Reason': <'no-validator'>}");
  world_report (world, attempt, "done", "{'Bytes': <uint64 7>}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "file-0 transferred ");
  g_assert_cmpuint (ferry_job_get_bytes_total (job), ==, WORLD_SOURCE_SIZE);
  g_assert_null (ferry_job_get_source (job)->resume);

  world_complete (world, job, &published, &discarded);
  g_assert_cmpuint (published, ==, 1);
  g_assert_cmpuint (discarded, ==, 0);
  g_variant_unref (world_take_order (world, "publish"));
  g_assert_false (world_has_order (world, "publish"));
  g_assert_false (world_has_order (world, "remove"));
  g_assert_cmpuint (world->engine->duties->len, ==, 0);
}

/* Without a path it is there for GetReplyData, and then it is gone. */
static void
test_without_path (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_transferred (world, NULL, 7);
  guint published, discarded;

  g_assert_cmpstr (ferry_job_get_reply (job)->local_path, ==, WORLD_SOURCE);
  world_complete (world, job, &published, &discarded);
  g_assert_cmpuint (published, ==, 1);
  g_assert_cmpuint (discarded, ==, 0);
  g_assert_false (world_has_order (world, "publish"));
  g_variant_unref (world_take_order (world, "remove"));
  g_assert_false (world_has_order (world, "remove"));
}

static void
test_crash (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, "/target/reply", TRUE);
  g_autoptr (GVariant) start = NULL;
  const char *text;
  guint published, discarded;

  job = world_reload (world, job);
  g_assert_cmpuint (job->files->len, ==, 2);
  g_assert_cmpuint (job->next_index, ==, 1);
  g_assert_cmpstr (job->reply_path, ==, "/target/reply");
  send_all (world, "https://server.example/reply");
  world_take_start (world);
  job = world_reload (world, job);

  start = world_take_order (world, "start");
  g_assert_true (g_variant_lookup (start, "Url", "&s", &text));
  g_assert_cmpstr (text, ==, "https://server.example/reply");
  g_assert_false (world_has_order (world, "start-upload"));
  job->auto_complete = FALSE;
  world_drop_worker (world);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (world->clock, 5 * SECOND);
  world_finish_file (world, 7);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  job = world_reload (world, job);
  world_complete (world, job, &published, &discarded);
  g_assert_cmpuint (published, ==, 1);
}

static void
test_bad_urls (void)
{
  static const char *const urls[] = { "",
                                      "javascript:alert(1)",
                                      "file:///etc/passwd",
                                      "http://user:secret@server.example/",
                                      "http:///x",
                                      "/relative",
                                      "ftp://server.example/" };

  for (guint i = 0; i < G_N_ELEMENTS (urls) + 1; i++)
    {
      g_autoptr (World) world = world_new ();
      FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, NULL, TRUE);
      g_autofree char *tail = g_strnfill (4096, 'x');
      g_autofree char *too_long = g_strconcat ("http://server.example/", tail, NULL);

      send_all (world, i < G_N_ELEMENTS (urls) ? urls[i] : too_long);
      world_wait (job->state == FERRY_JOB_STATE_ERROR);
      g_assert_cmpint (job->error->code, ==, FERRY_ERROR_INVALID_SERVER_RESPONSE);
      g_assert_cmpint (job->error->context, ==, FERRY_ERROR_CONTEXT_REMOTE_APPLICATION);
      g_assert_cmpint (job->error->file, ==, 0);
      g_assert_null (strstr (job->error->message, "secret"));
      g_assert_cmpstr (ferry_job_get_reply (job)->remote_url, ==, "");
      g_assert_false (world_has_order (world, "start"));
    }
}

/* Its failures are the job's; no index of it is ever told. */
static void
test_failure (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, "/target/reply", TRUE);
  g_autoptr (GError) error = NULL;

  send_all (world, "http://server.example/reply");
  world_report (world, world_take_start (world), "failed",
                "{'Error': <{'Name': <'org.ferry.Transfer1.Error.NotFound'>, "
                "'Context': <'remote-file'>, 'Message': <'No'>}>}");
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_NOT_FOUND);
  g_assert_cmpint (job->error->file, ==, -1);
  g_assert_false (ferry_engine_remove_file (world->engine, job, FERRY_REPLY_INDEX, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  g_clear_error (&error);
  g_assert_false (ferry_engine_set_remote_url (world->engine, job, FERRY_REPLY_INDEX,
                                               "http://server.example/other", &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);

  /* Only it is tried again. */
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_finish_file (world, 7);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  g_assert_false (world_has_order (world, "start-upload"));
}

static void
test_target_exists (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_transferred (world, "/target/reply", 7);
  g_autoptr (GError) error = NULL;
  guint published, discarded;

  world->refuse = "publish";
  error = world_complete_fails (world, job);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSFERRED);
  g_assert_cmpint (job->error->file, ==, -1);
  world->refuse = NULL;
  world_complete (world, job, &published, &discarded);
  g_assert_cmpuint (published, ==, 1);
}

static void
test_removed_with_its_file (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_transferred (world, NULL, 7);

  g_assert_true (ferry_engine_remove_file (world->engine, job, 0, NULL));
  g_assert_cmpuint (job->files->len, ==, 0);
  g_variant_unref (world_take_order (world, "remove"));
  world_settle (world);
  job = world_reload (world, job);
  g_assert_cmpuint (job->files->len, ==, 0);
}

/* == ReplyPath == */

static gboolean
set_path (World *world, FerryJob *job, const char *path, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ferry_engine_set_reply_path_async (world->engine, job, path, 0, world_keep_result_cb, &result);
  world_wait (result != NULL);
  return ferry_engine_set_reply_path_finish (world->engine, result, error);
}

static void
test_set_path (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, NULL, FALSE);
  g_autoptr (GError) error = NULL;
  gboolean seen = FALSE;

  g_assert_true (set_path (world, job, "/target/a", &error));
  g_assert_no_error (error);
  g_variant_unref (world_take_order (world, "check-targets"));
  g_assert_cmpstr (ferry_job_get_reply (job)->local_path, ==, "/target/a");
  g_assert_true (g_variant_lookup (ferry_job_get_reply (job)->resume, "DirectorySeen", "b", &seen));

  world->refuse = "check-targets";
  g_assert_false (set_path (world, job, "/target/b", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS);
  g_assert_cmpstr (job->reply_path, ==, "/target/a");

  g_assert_true (set_path (world, job, "", NULL));
  job = world_reload (world, job);
  g_assert_cmpstr (job->reply_path, ==, "");
  g_assert_cmpstr (ferry_job_get_reply (job)->local_path, ==, WORLD_SOURCE);
}

static void
test_set_path_too_late (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, NULL, TRUE);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  send_all (world, "http://server.example/reply");
  /* Its place is asked about while it begins to come. */
  world_wait (ferry_job_get_reply (job)->attempt != 0);
  g_assert_false (set_path (world, job, "/target/a", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_clear_error (&error);
  world_finish_file (world, 7);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  g_assert_false (set_path (world, job, "/target/a", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_false (world_has_order (world, "check-targets"));
}

/* Up to the worker's silence about the place that is to be set. */
static void
begin_to_set_path (World *world, FerryJob *job, GAsyncResult **result)
{
  world->silent = TRUE;
  ferry_engine_set_reply_path_async (world->engine, job, "/target/a", 0, world_keep_result_cb,
                                     result);
  g_variant_unref (world_take_order (world, "check-targets"));
}

/* The worker's answer finds the job in another state. */
static void
assert_set_path_is_too_late (World *world, FerryJob *job, GAsyncResult *const *result)
{
  g_autoptr (GError) error = NULL;

  world_answer (world);
  world_wait (*result != NULL);
  g_assert_false (ferry_engine_set_reply_path_finish (world->engine, *result, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_cmpstr (job->reply_path, ==, "");
}

static void
test_set_path_meanwhile (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, NULL, TRUE);
  g_autoptr (GAsyncResult) result = NULL;
  guint64 attempt = world_take_upload (world);
  g_autofree char *text = g_strdup_printf (SENT, "http://server.example/reply");

  begin_to_set_path (world, job, &result);
  world_report (world, attempt, "done", text);
  world_take_start (world);
  assert_set_path_is_too_late (world, job, &result);
}

static void
test_set_path_of_a_job_that_is_taken (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, NULL, FALSE);
  g_autoptr (GAsyncResult) result = NULL;

  begin_to_set_path (world, job, &result);
  ferry_queue_set_owner (ferry_engine_get_queue (world->engine), job, 1, "daemon");
  assert_set_path_is_too_late (world, job, &result);
}

static void
test_path_is_checked_first (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (FerryJob) job = ferry_job_new (UPLOAD_REPLY, geteuid (), g_get_user_name ());
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_free (job->reply_path);
  job->reply_path = g_strdup ("/target/a");
  world->refuse = "check-targets";
  ferry_engine_submit_async (world->engine, job, NULL, 0, FALSE, world_keep_result_cb, &result);
  world_wait (result != NULL);
  g_assert_false (ferry_engine_submit_finish (world->engine, result, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS);
  g_assert_null (ferry_queue_lookup_any (ferry_engine_get_queue (world->engine), job->id));
}

/* == GetReplyData == */

static GBytes *
read_reply (World *world, FerryJob *job, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ferry_engine_read_reply_async (world->engine, job, world_keep_result_cb, &result);
  world_wait (result != NULL);
  return ferry_engine_read_reply_finish (world->engine, result, error);
}

static void
test_read (void)
{
  static const gsize pieces[] = { 0, 10000 };

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      g_autoptr (World) world = world_new ();
      g_autofree char *text = g_strnfill (100000, 'a');
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GError) error = NULL;
      FerryJob *job = submit_transferred (world, NULL, 100000);

      text[0] = 'b';
      text[99999] = 'z';
      world->reply = text;
      world->piece = pieces[i];
      bytes = read_reply (world, job, &error);
      g_assert_no_error (error);
      g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text, 100000);
    }
}

static void
test_read_nothing (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (GBytes) bytes = read_reply (world, submit_transferred (world, NULL, 0), NULL);

  g_assert_nonnull (bytes);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 0);
}

/* It has less, or more, than it said, or never comes to an end. */
static void
test_read_lies (void)
{
  static const struct
  {
    gsize length, piece;
  } lies[] = { { 50, 0 }, { 200, 101 }, { 100, 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_autoptr (World) world = world_new ();
      g_autofree char *text = g_strnfill (lies[i].length, 'a');
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GError) error = NULL;
      FerryJob *job = submit_transferred (world, NULL, 100);

      world->reply = text;
      world->piece = lies[i].piece;
      bytes = read_reply (world, job, &error);
      g_assert_null (bytes);
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED);
    }
}

static void
test_read_refused (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (GError) early = NULL;
  g_autoptr (GError) download = NULL;
  g_autoptr (GError) large = NULL;
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, NULL, FALSE);

  g_assert_null (read_reply (world, job, &early));
  g_assert_error (early, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_null (read_reply (world, world_submit (world, 1, FALSE, FALSE), &download));
  g_assert_error (download, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (download->message, "type download"));

  g_assert_null (read_reply (world, submit_transferred (world, NULL, 1048577), &large));
  g_assert_error (large, FERRY_ERROR, FERRY_ERROR_REPLY_TOO_LARGE);
  g_assert_nonnull (strstr (large->message, "1048577"));
  g_assert_nonnull (strstr (large->message, "1048576"));
  g_assert_false (world_has_order (world, "read"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reply/life", test_life);
  g_test_add_func ("/reply/without-path", test_without_path);
  g_test_add_func ("/reply/crash", test_crash);
  g_test_add_func ("/reply/bad-urls", test_bad_urls);
  g_test_add_func ("/reply/failure", test_failure);
  g_test_add_func ("/reply/target-exists", test_target_exists);
  g_test_add_func ("/reply/removed", test_removed_with_its_file);
  g_test_add_func ("/reply/set-path", test_set_path);
  g_test_add_func ("/reply/set-path-late", test_set_path_too_late);
  g_test_add_func ("/reply/set-path-meanwhile", test_set_path_meanwhile);
  g_test_add_func ("/reply/set-path-taken", test_set_path_of_a_job_that_is_taken);
  g_test_add_func ("/reply/path-first", test_path_is_checked_first);
  g_test_add_func ("/reply/read", test_read);
  g_test_add_func ("/reply/read-nothing", test_read_nothing);
  g_test_add_func ("/reply/read-lies", test_read_lies);
  g_test_add_func ("/reply/read-refused", test_read_refused);
  return g_test_run ();
}
