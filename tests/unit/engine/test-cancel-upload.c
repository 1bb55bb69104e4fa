/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server is told when nobody wants the rest of an upload: by whom, of what, how long it is tried; and the file that was to be
 * sent stays where it is, whatever becomes of the job. */

#include "engine-world.h"
#include "ferry-engine-private.h"

#include <unistd.h>

#define UPLOAD       FERRY_JOB_TYPE_UPLOAD
#define UPLOAD_REPLY FERRY_JOB_TYPE_UPLOAD_REPLY

#define SESSION "'Resume': <{'Offset': <uint64 400>, 'Session': <true>, 'Mark': <uint32 %u>}>"

#define AWAY                                                                                       \
  "{'Error': <{'Name': <'org.ferry.Transfer1.Error.ConnectFailed'>, 'Message': <'away'>}>, "       \
  "'Transient': <true>}"
#define REFUSED                                                                                    \
  "{'Error': <{'Name': <'org.ferry.Transfer1.Error.Forbidden'>, 'Message': <'no'>}>, "             \
  "'Transient': <false>}"

static void
report (World *world, guint64 attempt, const char *kind, guint mark)
{
  g_autofree char *text = g_strdup_printf ("{'Bytes': <uint64 400>, " SESSION "}", mark);

  world_report (world, attempt, kind, text);
}

/* One that the server holds 400 bytes of, and that runs as @attempt. */
static FerryJob *
submit_running (World *world, guint64 *attempt)
{
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);

  *attempt = world_take_upload (world);
  report (world, *attempt, "record", 1);
  world_wait (ferry_job_get_bytes_transferred (job) == 400);
  return job;
}

/* The same, but it does not run. */
static FerryJob *
submit_begun (World *world)
{
  guint64 attempt;
  FerryJob *job = submit_running (world, &attempt);

  ferry_engine_suspend_async (world->engine, job, NULL, NULL);
  world_wait (!ferry_job_has_attempts (job));
  world_settle (world);
  g_ptr_array_set_size (world->orders, 0);
  return job;
}

static guint32
get_mark (GVariant *cancellation)
{
  g_autoptr (GVariant) resume = g_variant_lookup_value (cancellation, "Resume", NULL);
  guint32 mark = 0;

  g_assert_nonnull (resume);
  g_variant_lookup (resume, "Mark", "u", &mark);
  return mark;
}

static void
assert_cancels (World *world, guint32 mark, const char *url)
{
  g_autoptr (GVariant) order = world_take_order (world, "cancel-upload");
  const char *sent;

  g_assert_cmpuint (get_mark (order), ==, mark);
  g_assert_true (g_variant_lookup (order, "Url", "&s", &sent));
  g_assert_cmpstr (sent, ==, url);
  world_wait (world->engine->duties->len == 0);
  world_settle (world);
  g_assert_false (world_has_order (world, "cancel-upload"));
}

static void
test_cancelled (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_begun (world);

  world_cancel (world, job);
  assert_cancels (world, 1, "http://server.example/put");
  g_assert_false (world_has_order (world, "remove"));
}

static void
test_nothing_to_tell (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *fresh = world_submit_upload (world, UPLOAD, NULL, FALSE);
  FerryJob *sent;

  world_cancel (world, fresh);
  sent = world_submit_upload (world, UPLOAD, NULL, TRUE);
  world_finish_upload (world, sent, world_take_upload (world));
  world_cancel (world, sent);
  world_settle (world);
  g_assert_false (world_has_order (world, "cancel-upload"));
  g_assert_false (world_has_order (world, "remove"));
  g_assert_cmpuint (world->engine->duties->len, ==, 0);
}

/* The last words of the attempt tell what there is to cancel; and Cancel does not wait for them. */
static void
test_running (void)
{
  g_autoptr (World) world = world_new ();
  guint64 attempt;
  FerryJob *job = submit_running (world, &attempt);

  world->stubborn = TRUE;
  world_cancel (world, job);
  g_assert_true (ferry_engine_is_busy (world->engine));
  world_settle (world);
  g_assert_false (world_has_order (world, "cancel-upload"));
  report (world, attempt, "stopped", 2);
  assert_cancels (world, 2, "http://server.example/put");
  g_assert_false (ferry_engine_is_busy (world->engine));
}

/* The session was made after Cancel, before the stop. */
static void
test_last_record (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);
  guint64 attempt = world_take_upload (world);

  world->stubborn = TRUE;
  world_cancel (world, job);
  report (world, attempt, "record", 3);
  /* It was heard; then its worker dies, so that there are no last words. */
  report (world, attempt, "record", 3);
  world_settle (world);
  world_drop_worker (world);
  world_wait (!ferry_job_has_attempts (job));
  world_settle (world);
  /* The next one is not started at once. */
  ferry_fake_clock_advance (world->clock, 10 * SECOND);
  assert_cancels (world, 3, "http://server.example/put");
}

static void
test_last_words_are_the_end (void)
{
  g_autoptr (World) world = world_new ();
  guint64 attempt;
  FerryJob *job = submit_running (world, &attempt);

  world->stubborn = TRUE;
  world_cancel (world, job);
  world_report (world, attempt, "done", "{'Bytes': <uint64 1000>, 'Resume': <@a{sv} {}>}");
  world_wait (world->engine->duties->len == 0);
  world_settle (world);
  g_assert_false (world_has_order (world, "cancel-upload"));
}

/* The upload is all there; its session is open for the reply. */
static void
test_reply_is_fetched (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, "/target/reply", TRUE);
  g_autofree char *text = g_strdup_printf (
      "{'Bytes': <uint64 1000>, 'ReplyUrl': <'http://server.example/reply'>, " SESSION "}", 4);
  guint64 attempt;

  world_report (world, world_take_upload (world), "done", text);
  attempt = world_take_start (world);
  world->stubborn = TRUE;
  /* It waits for the reply's temporary file to go, as always. */
  ferry_engine_cancel_async (world->engine, job, NULL, NULL, NULL);
  world_settle (world);
  g_assert_false (world_has_order (world, "cancel-upload"));
  /* What the reply's attempt holds is of another kind. */
  report (world, attempt, "stopped", 9);
  assert_cancels (world, 4, "http://server.example/put");
  g_variant_unref (world_take_order (world, "remove"));
}

/* == trying again == */

/* The last try has failed, and the next one is to come. */
static void
wait_for_failure (World *world)
{
  const FerryDutyRun *run = g_ptr_array_index (world->engine->duties, 0);

  world_wait (!run->under_way && run->timer != 0);
}

static void
test_retries (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_begun (world);

  /* The worker is kept busy, so that it does not end meanwhile. */
  world_submit (world, 1, TRUE, FALSE);
  world_take_start (world);
  world->refuse = "cancel-upload";
  world->refusal = AWAY;
  world_cancel (world, job);
  for (gint64 delay = 10; delay <= 80; delay *= 2)
    {
      g_variant_unref (world_take_order (world, "cancel-upload"));
      wait_for_failure (world);
      ferry_fake_clock_advance (world->clock, delay * SECOND - 1);
      world_settle (world);
      g_assert_false (world_has_order (world, "cancel-upload"));
      ferry_fake_clock_advance (world->clock, 1);
    }

  g_variant_unref (world_take_order (world, "cancel-upload"));
  wait_for_failure (world);
  g_assert_true (ferry_engine_is_busy (world->engine));
  world_set_network (world, FALSE);
  world_set_network (world, TRUE);
  g_variant_unref (world_take_order (world, "cancel-upload"));
  wait_for_failure (world);
  world->refuse = NULL;
  ferry_fake_clock_advance (world->clock, 320 * SECOND);
  assert_cancels (world, 1, "http://server.example/put");
}

static guint
count_under_way (World *world)
{
  guint count = 0;

  for (guint i = 0; i < world->engine->duties->len; i++)
    count += ((const FerryDutyRun *) g_ptr_array_index (world->engine->duties, i))->under_way;
  return count;
}

/* A server that does not answer holds up the worker for a minute each time. */
static void
test_few_at_a_time (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *jobs[3];

  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    jobs[i] = submit_begun (world);
  world->silent = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    world_cancel (world, jobs[i]);
  g_variant_unref (world_take_order (world, "cancel-upload"));
  g_variant_unref (world_take_order (world, "cancel-upload"));
  world_settle (world);
  g_assert_false (world_has_order (world, "cancel-upload"));
  g_assert_cmpuint (count_under_way (world), ==, 2);

  world_answer (world);
  g_variant_unref (world_take_order (world, "cancel-upload"));
  g_assert_cmpuint (world->engine->duties->len, ==, 2);
}

static void
test_not_without_bounds (void)
{
  g_autoptr (World) world = world_new ();

  world->refuse = "cancel-upload";
  world->refusal = AWAY;
  for (guint i = 0; i < 110; i++)
    world_cancel (world, submit_begun (world));
  world_settle (world);
  g_assert_cmpuint (world->engine->duties->len, ==, 100);
}

static void
test_refused_for_good (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_begun (world);

  world->refuse = "cancel-upload";
  world->refusal = REFUSED;
  world_cancel (world, job);
  g_variant_unref (world_take_order (world, "cancel-upload"));
  world_wait (world->engine->duties->len == 0);
}

static void
test_deadline (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_begun (world);

  job->no_progress_timeout = 300;
  world->refuse = "cancel-upload";
  world->refusal = AWAY;
  world_submit (world, 1, TRUE, FALSE);
  world_take_start (world);
  world_cancel (world, job);
  /* 10, 20, 40, 80 and what is left of 300. */
  for (gint64 delay = 10; delay <= 80; delay *= 2)
    {
      g_variant_unref (world_take_order (world, "cancel-upload"));
      wait_for_failure (world);
      ferry_fake_clock_advance (world->clock, delay * SECOND);
    }
  g_variant_unref (world_take_order (world, "cancel-upload"));
  wait_for_failure (world);
  ferry_fake_clock_advance (world->clock, 150 * SECOND - 1);
  g_assert_cmpuint (world->engine->duties->len, ==, 1);
  ferry_fake_clock_advance (world->clock, 1);
  g_assert_cmpuint (world->engine->duties->len, ==, 0);
  world_settle (world);
  g_assert_false (world_has_order (world, "cancel-upload"));
}

/* A day at the most, over restarts; what is secret is not stored, the rest is. */
static void
test_restart (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_begun (world);
  const char *const secrets[] = { "Authorization: x", NULL };
  g_autoptr (GVariant) before = NULL;
  g_autoptr (GVariant) after = NULL;
  g_auto (GStrv) headers = NULL;
  g_auto (GStrv) secret = NULL;

  g_strfreev (job->request_headers);
  job->request_headers = g_strsplit ("Accept: y", "|", -1);
  ferry_engine_set_secret_headers (world->engine, job, secrets);
  world->silent = TRUE;
  world_cancel (world, job);
  before = world_take_order (world, "cancel-upload");
  g_assert_true (g_variant_lookup (before, "SecretHeaders", "^as", &secret));
  g_assert_cmpstrv (secret, secrets);
  world_settle (world);

  world->silent = FALSE;
  world->refuse = "cancel-upload";
  world->refusal = AWAY;
  world_restart (world);
  after = world_take_order (world, "cancel-upload");
  g_assert_cmpuint (get_mark (after), ==, 1);
  g_strfreev (secret);
  g_assert_true (g_variant_lookup (after, "SecretHeaders", "^as", &secret));
  g_assert_cmpuint (g_strv_length (secret), ==, 0);
  g_assert_true (g_variant_lookup (after, "Headers", "^as", &headers));
  g_assert_cmpstr (headers[0], ==, "Accept: y");

  wait_for_failure (world);
  g_assert_cmpint (((FerryDutyRun *) world->engine->duties->pdata[0])->duty->deadline, ==, DAY);
}

/* The uid is another person's now. */
static void
test_another_holder (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_begun (world);

  g_free (job->owner_name);
  job->owner_name = g_strdup ("somebody-before");
  world_cancel (world, job);
  world_wait (world->engine->duties->len == 0);
  g_assert_false (world_has_order (world, "cancel-upload"));
}

/* == other ends == */

static void
test_removed (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_begun (world);

  job->resolved_upload_protocol = FERRY_UPLOAD_PROTOCOL_TUS;
  g_assert_true (ferry_engine_remove_file (world->engine, job, 0, NULL));
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_AUTO);
  assert_cancels (world, 1, "http://server.example/put");
  g_assert_false (world_has_order (world, "remove"));
}

static void
test_another_url (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_begun (world);
  FerryFile *source = ferry_job_get_source (job);

  job->resolved_upload_protocol = FERRY_UPLOAD_PROTOCOL_TUS;
  g_assert_true (
      ferry_engine_set_remote_url (world->engine, job, 0, "http://server.example/two", NULL));
  assert_cancels (world, 1, "http://server.example/put");
  g_assert_cmpstr (world->events->str, ==, "restarted-0-url-changed ");
  g_assert_cmpuint (source->bytes_transferred, ==, 0);
  g_assert_cmpuint (source->bytes_total, ==, WORLD_SOURCE_SIZE);
  g_assert_null (source->resume);
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_AUTO);
}

/* What the attempt on the old one says last is not taken for the new one. */
static void
test_another_url_while_it_runs (void)
{
  g_autoptr (World) world = world_new ();
  guint64 attempt;
  FerryJob *job = submit_running (world, &attempt);
  g_autoptr (GVariant) start = NULL;
  const char *url;

  world->stubborn = TRUE;
  g_assert_true (
      ferry_engine_set_remote_url (world->engine, job, 0, "http://server.example/two", NULL));
  g_variant_unref (world_take_order (world, "stop"));
  start = world_take_order (world, "start-upload");
  g_assert_true (g_variant_lookup (start, "Url", "&s", &url));
  g_assert_cmpstr (url, ==, "http://server.example/two");
  report (world, attempt, "stopped", 2);
  assert_cancels (world, 2, "http://server.example/put");
  g_assert_null (ferry_job_get_source (job)->resume);
}

static void
test_url_of_what_is_sent (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);
  g_autoptr (GError) error = NULL;

  world_finish_upload (world, job, world_take_upload (world));
  g_assert_false (
      ferry_engine_set_remote_url (world->engine, job, 0, "http://server.example/two", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
}

static void
test_inactive (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_begun (world);

  /* The worker ends first. */
  ferry_fake_clock_advance (world->clock, 10 * SECOND);
  world_settle (world);
  ferry_fake_clock_advance (world->clock, 90 * DAY);
  world_wait (job->state == FERRY_JOB_STATE_CANCELLED);
  assert_cancels (world, 1, "http://server.example/put");
}

static void
count_duties_cb (FerryQueue *queue, FerryJob *job, guint change, gpointer data)
{
  World *world = data;

  world->piece = MAX (world->piece, world->engine->duties->len);
}

/* A job of somebody who is gone meanwhile is taken by us: his worker would be told, of the session and of the temporary file
 * of the reply. */
static void
test_taken (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (FerryJob) job = ferry_job_new (UPLOAD_REPLY, 3000000000u, "nobody-at-all");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) sources = NULL;
  g_autoptr (GVariant) targets = NULL;
  FerryFile *source = ferry_file_new ("http://server.example/put", WORLD_SOURCE);
  gboolean no_symlinks = FALSE;

  g_free (job->reply_path);
  job->reply_path = g_strdup ("/target/reply");
  source->expected_size = 5;
  ferry_job_add_file (job, source);
  ferry_job_add_reply (job, ferry_file_new ("http://server.example/reply", "/target/reply"));
  source->bytes_transferred = 3;
  source->resume = g_variant_ref_sink (g_variant_new_parsed ("{'Session': <true>}"));
  job->resolved_upload_protocol = FERRY_UPLOAD_PROTOCOL_BITS;
  ferry_queue_add (ferry_engine_get_queue (world->engine), job);

  g_signal_connect (ferry_engine_get_queue (world->engine), "job-changed",
                    G_CALLBACK (count_duties_cb), world);
  ferry_engine_take_async (world->engine, job, geteuid (), g_get_user_name (), FALSE,
                           world_keep_result_cb, &result);
  sources = world_take_order (world, "check-sources");
  targets = world_take_order (world, "check-targets");
  g_assert_true (g_variant_lookup (sources, "NoSymlinks", "b", &no_symlinks) && no_symlinks);
  g_assert_true (g_variant_lookup (targets, "NoSymlinks", "b", &no_symlinks) && no_symlinks);
  world_wait (result != NULL);
  g_assert_true (ferry_engine_take_finish (world->engine, result, &error));
  g_assert_no_error (error);

  g_assert_cmpuint (world->piece, ==, 2);
  g_assert_cmpuint (job->owner, ==, geteuid ());
  g_assert_cmpstr (job->reply_path, ==, "/target/reply");
  g_assert_cmpuint (source->bytes_total, ==, WORLD_SOURCE_SIZE);
  g_assert_cmpuint (source->bytes_transferred, ==, 0);
  g_assert_true (g_variant_lookup (source->resume, "NoSymlinks", "b", &no_symlinks));
  g_assert_true (no_symlinks);
  g_assert_false (ferry_file_has_session (source));
  g_assert_cmpstr (ferry_job_get_reply (job)->remote_url, ==, "");
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_AUTO);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cancel-upload/cancelled", test_cancelled);
  g_test_add_func ("/cancel-upload/nothing", test_nothing_to_tell);
  g_test_add_func ("/cancel-upload/running", test_running);
  g_test_add_func ("/cancel-upload/last-record", test_last_record);
  g_test_add_func ("/cancel-upload/last-words", test_last_words_are_the_end);
  g_test_add_func ("/cancel-upload/reply", test_reply_is_fetched);
  g_test_add_func ("/cancel-upload/retries", test_retries);
  g_test_add_func ("/cancel-upload/refused", test_refused_for_good);
  g_test_add_func ("/cancel-upload/few-at-a-time", test_few_at_a_time);
  g_test_add_func ("/cancel-upload/bounds", test_not_without_bounds);
  g_test_add_func ("/cancel-upload/deadline", test_deadline);
  g_test_add_func ("/cancel-upload/restart", test_restart);
  g_test_add_func ("/cancel-upload/another-holder", test_another_holder);
  g_test_add_func ("/cancel-upload/removed", test_removed);
  g_test_add_func ("/cancel-upload/another-url", test_another_url);
  g_test_add_func ("/cancel-upload/another-url-running", test_another_url_while_it_runs);
  g_test_add_func ("/cancel-upload/sent", test_url_of_what_is_sent);
  g_test_add_func ("/cancel-upload/inactive", test_inactive);
  g_test_add_func ("/cancel-upload/taken", test_taken);
  return g_test_run ();
}
