/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An upload: what the worker is told, what is believed of its reports, when it is done, and whose turn it is. */

#include "engine-world.h"
#include "ferry-engine-private.h"

#include <unistd.h>

#define UPLOAD       FERRY_JOB_TYPE_UPLOAD
#define UPLOAD_REPLY FERRY_JOB_TYPE_UPLOAD_REPLY

static FerryFile *
get_source (FerryJob *job)
{
  return ferry_job_get_file (job, 0);
}

static void
record (World *world, guint64 attempt, guint64 bytes, const char *more)
{
  g_autofree char *text = g_strdup_printf ("{'Bytes': <uint64 %" G_GUINT64_FORMAT ">, 'Resume': "
                                           "<{'Offset': <uint64 %" G_GUINT64_FORMAT
                                           ">, 'Session': <true>}>%s}",
                                           bytes, bytes, more);

  world_report (world, attempt, "record", text);
}

static void
test_life (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);
  g_autoptr (GVariant) start = world_take_order (world, "start-upload");
  g_autoptr (GVariant) resume = g_variant_lookup_value (start, "Resume", NULL);
  guint64 attempt, above, inode;
  guint published, discarded;
  const char *text;
  gboolean reply;

  g_assert_true (g_variant_lookup (start, "Attempt", "t", &attempt));
  g_assert_true (g_variant_lookup (start, "Path", "&s", &text));
  g_assert_cmpstr (text, ==, WORLD_SOURCE);
  g_assert_true (g_variant_lookup (start, "Protocol", "&s", &text));
  g_assert_cmpstr (text, ==, "auto");
  g_assert_true (g_variant_lookup (start, "Reply", "b", &reply));
  g_assert_false (reply);
  g_assert_true (g_variant_lookup (start, "RequireResumableAbove", "t", &above));
  g_assert_cmpuint (above, ==, G_MAXUINT64);
  g_assert_true (g_variant_lookup (resume, "Inode", "t", &inode));
  g_assert_cmpuint (ferry_job_get_bytes_total (job), ==, WORLD_SOURCE_SIZE);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_CONNECTING);

  record (world, attempt, 400, ", 'UploadProtocol': <'tus'>, 'Resumable': <true>");
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRING);
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_TUS);
  g_assert_true (job->resumable);
  g_assert_cmpuint (ferry_job_get_bytes_transferred (job), ==, 400);

  world_report (world, attempt, "done", "{'Bytes': <uint64 1000>, 'HttpStatus': <uint32 204>}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "transferred ");
  world_complete (world, job, &published, &discarded);
  g_assert_cmpuint (published, ==, 1);
  g_assert_cmpuint (discarded, ==, 0);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ACKNOWLEDGED);
  g_assert_false (world_has_order (world, "publish"));
  g_assert_false (world_has_order (world, "remove"));
  g_assert_false (world_has_order (world, "cancel-upload"));
  g_assert_cmpuint (world->engine->duties->len, ==, 0);
}

static void
test_complete_too_early (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, FALSE);
  g_autoptr (GError) suspended = world_complete_fails (world, job);
  g_autoptr (GError) running = NULL;

  g_assert_error (suspended, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (suspended->message, "suspended"));
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_take_upload (world);
  running = world_complete_fails (world, job);
  g_assert_error (running, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_true (ferry_job_has_running_attempts (job));
  g_assert_false (world_has_order (world, "stop"));
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_CONNECTING);
}

static void
test_auto_complete (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, FALSE);

  job->auto_complete = TRUE;
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_report (world, world_take_upload (world), "done", "{'Bytes': <uint64 1000>}");
  world_wait (job->state == FERRY_JOB_STATE_ACKNOWLEDGED);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "transferred ");
  g_assert_cmpint (get_source (job)->state, ==, FERRY_FILE_STATE_PUBLISHED);
}

/* What the server has, and how to go on, outlives ferryd. */
static void
test_goes_on_after_a_crash (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);
  g_autoptr (GVariant) start = NULL;
  g_autoptr (GVariant) resume = NULL;
  guint64 offset;

  record (world, world_take_upload (world), 400,
          ", 'UploadProtocol': <'put-range'>, 'Resumable': <true>");
  world_wait (get_source (job)->bytes_transferred == 400);
  job = world_reload (world, job);
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_PUT_RANGE);
  g_assert_true (job->resumable);
  g_assert_cmpuint (ferry_job_get_bytes_transferred (job), ==, 400);
  g_assert_cmpuint (ferry_job_get_bytes_total (job), ==, WORLD_SOURCE_SIZE);

  start = world_take_order (world, "start-upload");
  resume = g_variant_lookup_value (start, "Resume", G_VARIANT_TYPE_VARDICT);
  g_assert_true (g_variant_lookup (resume, "Offset", "t", &offset));
  g_assert_cmpuint (offset, ==, 400);
}

static void
test_worker_dies (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);
  guint64 attempt = world_take_upload (world);

  record (world, attempt, 400, "");
  world_report (world, attempt, "progress", "{'Bytes': <uint64 900>}");
  world_wait (get_source (job)->bytes_transferred == 900);
  world_drop_worker (world);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  g_assert_cmpuint (get_source (job)->bytes_transferred, ==, 400);
}

/* The worker goes on only when what it told is on disk. */
static void
test_confirm (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (GVariant) stored = NULL;
  guint64 attempt, told;

  world_submit_upload (world, UPLOAD, NULL, TRUE);
  attempt = world_take_upload (world);
  record (world, attempt, 0, "");
  world_settle (world);
  g_assert_false (world_has_order (world, "stored"));

  record (world, attempt, 0, ", 'Confirm': <true>");
  stored = world_take_order (world, "stored");
  g_assert_true (g_variant_lookup (stored, "Attempt", "t", &told));
  g_assert_cmpuint (told, ==, attempt);
  world_settle (world);
  g_assert_false (world_has_order (world, "stored"));
}

/* One that asks all the time costs one wait, and nobody is told of an attempt that is over. */
static void
test_confirm_flood (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);
  guint64 attempt = world_take_upload (world);
  guint stored = 0;

  for (guint i = 0; i < 200; i++)
    record (world, attempt, 0, ", 'Confirm': <true>");
  world_wait (world_has_order (world, "stored"));
  world_fail (world, attempt, "");
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  world_settle (world);
  for (guint i = 0; i < world->orders->len; i++)
    stored += g_str_equal (((Order *) world->orders->pdata[i])->kind, "stored");
  g_assert_cmpuint (stored, >, 0);
  g_assert_cmpuint (stored, <, 200);

  ferry_fake_clock_advance (world->clock, SECOND);
  attempt = world_take_upload (world);
  g_ptr_array_set_size (world->orders, 0);
  record (world, attempt, 0, ", 'Confirm': <true>");
  world_finish_upload (world, job, attempt);
  world_settle (world);
  g_assert_false (world_has_order (world, "stored"));
}

static void
test_claims (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);
  guint64 attempt = world_take_upload (world);

  record (world, attempt, G_MAXUINT64 - 1, ", 'UploadProtocol': <'gopher'>");
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRING);
  g_assert_cmpuint (get_source (job)->bytes_transferred, ==, WORLD_SOURCE_SIZE);
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_AUTO);
  record (world, attempt, 5, ", 'UploadProtocol': <'auto'>, 'Resumable': <true>");
  world_wait (get_source (job)->bytes_transferred == 5);
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_AUTO);
  g_assert_false (job->resumable);
  /* All of it, whatever number it says. */
  world_report (world, attempt, "done", "{'Bytes': <uint64 5>}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  g_assert_cmpuint (ferry_job_get_bytes_transferred (job), ==, WORLD_SOURCE_SIZE);
}

/* What a worker says so of a download is of no use, and does no harm. */
static void
test_record_of_a_download (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  guint64 attempt = world_take_start (world);

  record (world, attempt, 5, ", 'UploadProtocol': <'put'>, 'Confirm': <true>");
  world_report (world, attempt, "response", "{'Total': <uint64 10>}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRING);
  world_settle (world);
  g_assert_cmpuint (ferry_job_get_bytes_transferred (job), ==, 0);
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_AUTO);
  g_assert_false (world_has_order (world, "stored"));
}

/* What had to be sent again is neither progress nor activity. */
static void
test_progress_is_what_is_new (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);
  guint64 attempt = world_take_upload (world);
  gint64 active;

  record (world, attempt, 400, "");
  world_wait (get_source (job)->bytes_transferred == 400);
  world_fail (world, attempt, ", 'NewBytes': <true>");
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  g_assert_cmpuint (job->failures, ==, 1);
  active = job->activity_time;
  ferry_fake_clock_advance (world->clock, SECOND);

  /* The server has forgotten it. */
  attempt = world_take_upload (world);
  world_report (world, attempt, "restarted", "{'Reason': <'session-lost'>}");
  world_report (world, attempt, "progress", "{'Bytes': <uint64 390>}");
  record (world, attempt, 400, "");
  world_fail (world, attempt, ", 'Bytes': <uint64 400>, 'NewBytes': <true>");
  world_wait (job->failures == 2);
  g_assert_cmpint (job->activity_time, ==, active);

  ferry_fake_clock_advance (world->clock, 5 * SECOND);
  record (world, world_take_upload (world), 401, "");
  world_wait (job->failures == 0);
  g_assert_cmpint (job->activity_time, >, active);
}

/* Nothing was sent by it yet: another protocol may be tried. */
static void
test_unsettled (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);
  guint64 attempt = world_take_upload (world);

  record (world, attempt, 0, ", 'UploadProtocol': <'bits'>, 'Resumable': <true>");
  world_wait (job->resumable);
  world_fail (world, attempt, "");
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_BITS);
  ferry_fake_clock_advance (world->clock, SECOND);
  world_fail (world, world_take_upload (world), ", 'UploadProtocol': <''>, 'Resume': <@a{sv} {}>");
  world_wait (job->failures == 2);
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_AUTO);
  g_assert_false (job->resumable);
  job = world_reload (world, job);
  g_assert_cmpint (job->resolved_upload_protocol, ==, FERRY_UPLOAD_PROTOCOL_AUTO);
}

static void
test_policy (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, FALSE);
  g_autoptr (GVariant) start = NULL;
  g_autoptr (GVariant) limit = g_variant_ref_sink (g_variant_new_uint64 (5000000000));
  guint64 above;

  job->maximum_download_size = 1;
  g_assert_true (ferry_policy_set (world->policy, "require-resumable-uploads-above", limit, NULL));
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  start = world_take_order (world, "start-upload");
  g_assert_true (g_variant_lookup (start, "RequireResumableAbove", "t", &above));
  g_assert_cmpuint (above, ==, 5000000000);
  /* That one says what may be fetched. */
  g_assert_false (g_variant_lookup (start, "MaximumSize", "t", &above));
}

static void
assert_add_fails (World *world, FerryJob *job, guint n_files, gint code)
{
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_file_free);
  g_autoptr (GAsyncResult) result = NULL;

  for (guint i = 0; i < n_files; i++)
    {
      g_autofree char *path = g_strdup_printf ("/source/%u", i);

      g_ptr_array_add (files, ferry_file_new ("http://server.example/x", path));
    }
  ferry_engine_add_files_async (world->engine, job, files, 0, world_keep_result_cb, &result);
  world_assert_add_fails (world, &result, code);
}

static void
test_one_file (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, NULL, FALSE);

  assert_add_fails (world, job, 1, FERRY_ERROR_TOO_MANY_FILES);
  g_assert_true (ferry_engine_remove_file (world->engine, job, 0, NULL));
  g_assert_cmpuint (job->files->len, ==, 0);
  assert_add_fails (world, job, 2, FERRY_ERROR_TOO_MANY_FILES);
  world->refuse = "check-sources";
  world->refusal = "{'Error': <{'Name': <'org.ferry.Transfer1.Error.NoFileAccess'>, "
                   "'Message': <'no'>}>}";
  assert_add_fails (world, job, 1, FERRY_ERROR_NO_FILE_ACCESS);
  g_assert_cmpuint (job->files->len, ==, 0);
}

/* A file that takes the place of one that was removed, in one commit. */
static void
test_another_file (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD_REPLY, NULL, FALSE);
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_file_free);
  g_autoptr (GAsyncResult) result = NULL;

  g_assert_true (ferry_engine_remove_file (world->engine, job, 0, NULL));
  g_ptr_array_add (files, ferry_file_new ("http://server.example/2", "/source/2"));
  ferry_engine_add_files_async (world->engine, job, files, 0, world_keep_result_cb, &result);
  world_wait (result != NULL);
  g_assert_cmpint (ferry_engine_add_files_finish (world->engine, result, NULL), ==, 1);
  job = world_reload (world, job);
  g_assert_cmpuint (job->files->len, ==, 2);
  g_assert_null (ferry_job_get_file (job, 0));
  g_assert_cmpstr (ferry_job_get_source (job)->local_path, ==, "/source/2");
  g_assert_nonnull (ferry_job_get_reply (job));
  g_assert_cmpuint (job->next_index, ==, 2);
}

static void
test_not_judged (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);
  g_autoptr (GError) error = NULL;

  world_finish_upload (world, job, world_take_upload (world));
  g_assert_false (ferry_engine_set_file_valid (world->engine, job, 0, FALSE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "Only a download"));
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSFERRED);
}

static void
test_failed_for_good (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, UPLOAD, NULL, TRUE);

  world_report (world, world_take_upload (world), "failed",
                "{'Error': <{'Name': <'org.ferry.Transfer1.Error.LocalFileChanged'>, "
                "'Context': <'local-file'>, 'Message': <'It changed'>}>}");
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_LOCAL_FILE_CHANGED);
  g_assert_cmpint (job->error->file, ==, 0);
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_take_upload (world);
}

/* == turns == */

/* One that cannot go on where it stopped, and has the only turn there is. */
static FerryJob *
submit_put (World *world, guint64 *attempt)
{
  g_autoptr (GVariant) one = g_variant_ref_sink (g_variant_new_uint32 (1));
  FerryJob *job;

  g_assert_true (ferry_policy_set (world->policy, "max-active-jobs", one, NULL));
  job = world_submit_upload (world, UPLOAD, NULL, TRUE);
  *attempt = world_take_upload (world);
  record (world, *attempt, 0, ", 'UploadProtocol': <'put'>, 'Resumable': <false>");
  world_wait (job->resolved_upload_protocol == FERRY_UPLOAD_PROTOCOL_PUT);
  return job;
}

/* Each turn begins at 0: it would never come to its end in turns of half a minute. */
static void
test_turns_grow (void)
{
  g_autoptr (World) world = world_new ();
  guint64 attempt;
  FerryJob *job = submit_put (world, &attempt);
  FerryJob *other = world_submit (world, 1, TRUE, FALSE);

  for (gint64 slice = 30; slice <= 120; slice *= 2)
    {
      g_assert_true (ferry_job_state_is_active (job->state));
      ferry_fake_clock_advance (world->clock, slice * SECOND - 1);
      world_settle (world);
      g_assert_true (ferry_job_state_is_active (job->state));
      ferry_fake_clock_advance (world->clock, 1);
      world_wait (job->state == FERRY_JOB_STATE_QUEUED && !ferry_job_has_attempts (job));
      world_take_start (world);
      ferry_fake_clock_advance (world->clock, 30 * SECOND);
      world_wait (other->state == FERRY_JOB_STATE_QUEUED && !ferry_job_has_attempts (other));
      attempt = world_take_upload (world);
    }

  world_finish_upload (world, job, attempt);
  g_assert_cmpint (job->slice, ==, 0);
}

static void
test_held_against_higher_priority (void)
{
  g_autoptr (World) world = world_new ();
  guint64 attempt;
  FerryJob *job = submit_put (world, &attempt);

  world_submit_urgent (world);
  world_settle (world);
  g_assert_true (ferry_job_state_is_active (job->state));
  ferry_fake_clock_advance (world->clock, 30 * SECOND);
  world_take_start (world);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_QUEUED);
}

/* One that goes on where it stopped needs no such care; nor is a sleep the doing of others. */
static void
test_turns_that_stay (void)
{
  g_autoptr (World) world = world_new ();
  guint64 attempt;
  FerryJob *job = submit_put (world, &attempt);

  ferry_engine_pause_async (world->engine, NULL, NULL, NULL);
  world_wait (job->state == FERRY_JOB_STATE_QUEUED);
  ferry_engine_go_on (world->engine);
  attempt = world_take_upload (world);
  g_assert_cmpint (job->slice, ==, 0);

  record (world, attempt, 10, ", 'UploadProtocol': <'tus'>, 'Resumable': <true>");
  world_wait (job->resumable);
  world_submit_urgent (world);
  world_take_start (world);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_QUEUED);
  g_assert_cmpint (job->slice, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/upload/life", test_life);
  g_test_add_func ("/upload/complete-too-early", test_complete_too_early);
  g_test_add_func ("/upload/auto-complete", test_auto_complete);
  g_test_add_func ("/upload/crash", test_goes_on_after_a_crash);
  g_test_add_func ("/upload/worker-dies", test_worker_dies);
  g_test_add_func ("/upload/confirm", test_confirm);
  g_test_add_func ("/upload/confirm-flood", test_confirm_flood);
  g_test_add_func ("/upload/claims", test_claims);
  g_test_add_func ("/upload/record-of-a-download", test_record_of_a_download);
  g_test_add_func ("/upload/progress", test_progress_is_what_is_new);
  g_test_add_func ("/upload/unsettled", test_unsettled);
  g_test_add_func ("/upload/policy", test_policy);
  g_test_add_func ("/upload/one-file", test_one_file);
  g_test_add_func ("/upload/another-file", test_another_file);
  g_test_add_func ("/upload/not-judged", test_not_judged);
  g_test_add_func ("/upload/failed", test_failed_for_good);
  g_test_add_func ("/upload/turns-grow", test_turns_grow);
  g_test_add_func ("/upload/held", test_held_against_higher_priority);
  g_test_add_func ("/upload/turns-stay", test_turns_that_stay);
  return g_test_run ();
}
