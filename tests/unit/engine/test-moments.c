/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bad moments: a crash between two steps, a change while something is asked, two things at once. */

#include "engine-world.h"
#include "ferry-engine-private.h"

#include <unistd.h>

/* Two small files that run beside each other. */
static FerryJob *
submit_pair (World *world, guint64 *first, guint64 *second)
{
  FerryJob *job = world_submit (world, 2, TRUE, FALSE);

  *first = world_take_start (world);
  world_report (world, *first, "response", "{'Total': <uint64 1000>}");
  *second = world_take_start (world);
  return job;
}

static void
test_network_is_back_before_us (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job;

  world_set_network (world, FALSE);
  job = world_submit (world, 1, TRUE, FALSE);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  g_signal_handlers_block_matched (world->network, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL,
                                   world->engine);
  world_set_network (world, TRUE);
  world_reload (world, job);
  world_take_start (world);
}

static void
test_network_that_was_there_is_no_return (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  world_fail (world, world_take_start (world), ", 'RetryAfter': <uint32 120>");
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  world_set_network (world, TRUE);
  world_settle (world);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSIENT_ERROR);

  world_set_network (world, FALSE);
  world_set_network (world, TRUE);
  world_take_start (world);
}

static void
test_no_network_is_no_progress (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  job->no_progress_timeout = 20;
  job->minimum_retry_delay = 5;
  world_set_network (world, FALSE);
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  world_settle (world);
  ferry_fake_clock_advance (world->clock, 20 * SECOND - 1);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (world->clock, 1);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_NO_PROGRESS);
}

static void
test_time_is_up_while_publishing (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 2, FALSE, FALSE);

  job->maximum_download_time = 10;
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_finish_file (world, 10);
  world_take_start (world);
  world->silent = TRUE;
  ferry_engine_complete_async (world->engine, job, NULL, NULL);
  g_variant_unref (world_take_order (world, "publish"));
  ferry_fake_clock_advance (world->clock, 15 * SECOND);
  world_settle (world);
  world->silent = FALSE;
  world_answer (world);
  world_wait (job->state == FERRY_JOB_STATE_ACKNOWLEDGED);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "");
}

static void
test_crash_before_publishing_begins (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 2, TRUE, TRUE);

  world_finish_file (world, 10);
  world->silent = TRUE;
  world_finish_file (world, 10);
  g_variant_unref (world_take_order (world, "check-publish"));
  world_settle (world);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSFERRED);
  g_assert_false (job->completing);

  world->silent = FALSE;
  job = world_reload (world, job);
  world_wait (job->state == FERRY_JOB_STATE_ACKNOWLEDGED);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "transferred ");
}

static void
test_auto_complete_set_late (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  world_finish_file (world, 10);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  job->auto_complete = TRUE;
  ferry_engine_job_edited (world->engine, job);
  world_wait (job->state == FERRY_JOB_STATE_ACKNOWLEDGED);
}

static void
test_preempted_while_draining (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (GVariant) one = g_variant_ref_sink (g_variant_new_uint32 (1));
  guint64 first, second;
  FerryJob *job, *other;

  g_assert_true (ferry_policy_set (world->policy, "max-active-jobs", one, NULL));
  job = submit_pair (world, &first, &second);
  world_fail (world, first, ", 'RetryAfter': <uint32 120>");
  world_wait (job->draining);

  other = world_submit_urgent (world);
  world_wait (ferry_job_state_is_active (other->state));
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSIENT_ERROR);
  g_assert_cmpint (job->next_attempt - ferry_clock_get_boot (FERRY_CLOCK (world->clock)), ==,
                   120 * SECOND);
}

static void
test_suspended_while_draining (void)
{
  g_autoptr (World) world = world_new ();
  guint64 first, second;
  FerryJob *job = submit_pair (world, &first, &second);

  world_fail (world, first, ", 'RetryAfter': <uint32 120>");
  world_wait (job->draining);
  g_assert_cmpint (job->next_attempt_wall, !=, 0);
  ferry_engine_suspend_async (world->engine, job, NULL, NULL);
  world_settle (world);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_SUSPENDED);
  g_assert_cmpint (job->next_attempt_wall, ==, 0);
}

static void
test_maximum_size_counts_what_runs (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 2, FALSE, FALSE);
  g_autoptr (GVariant) start = NULL;
  guint64 size;

  job->maximum_download_size = 1500;
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_report (world, world_take_start (world), "response", "{'Total': <uint64 1000>}");
  start = world_take_order (world, "start");
  g_assert_true (g_variant_lookup (start, "MaximumSize", "t", &size));
  g_assert_cmpuint (size, ==, 500);
}

/* Only what is published as soon as it is there may do without its temporary name. */
static void
test_final_mode_of_the_last_file (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GVariant) second = NULL;
  g_autoptr (GVariant) manual = NULL;
  guint64 attempt;
  guint32 mode = 0;

  world_submit (world, 2, TRUE, TRUE);
  first = world_take_order (world, "start");
  g_assert_false (g_variant_lookup (first, "FinalMode", "u", &mode));
  g_assert_true (g_variant_lookup (first, "Attempt", "t", &attempt));
  world_report (world, attempt, "done", "{'Bytes': <uint64 5>}");
  second = world_take_order (world, "start");
  g_assert_true (g_variant_lookup (second, "FinalMode", "u", &mode));
  g_assert_cmpuint (mode, ==, 0644);

  world_submit (world, 1, TRUE, FALSE);
  manual = world_take_order (world, "start");
  g_assert_false (g_variant_lookup (manual, "FinalMode", "u", &mode));
}

static void
test_too_long_together (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  g_free (job->proxy_uri);
  job->proxy_uri = g_strnfill (FERRY_FRAME_MAX, 'x');
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_STRING_TOO_LONG);
}

static void
test_progress_is_remembered (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  world_fail (world, world_take_start (world), "");
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (world->clock, SECOND);
  world_report (world, world_take_start (world), "checkpoint",
                "{'Bytes': <uint64 5>, 'Resume': <{'Offset': <uint64 5>}>}");
  world_wait (job->failures == 0);
  job = world_reload (world, job);
  g_assert_cmpuint (job->failures, ==, 0);
  g_assert_cmpint (job->no_progress_since, ==, -1);
}

static void
test_idle_worker_ends_as_a_job_comes (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  world_settle (world);
  /* The plan is made first, then the launcher tells that the worker is gone. */
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  ferry_fake_clock_advance (world->clock, 10 * SECOND);
  world_take_start (world);
  g_assert_cmpuint (job->error_count, ==, 0);
}

static void
test_uid_has_another_holder (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  FerryJob *other = world_submit (world, 1, FALSE, FALSE);
  g_autofree char *id = g_strdup (other->id);

  g_free (job->owner_name);
  job->owner_name = g_strdup ("somebody-before");
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  g_assert_null (world_reload (world, job));
  g_assert_nonnull (ferry_queue_lookup_any (ferry_engine_get_queue (world->engine), id));
  g_variant_unref (world_take_order (world, "remove"));
}

/* Up to the worker's silence about the one file that is added. */
static void
begin_to_add (World *world, FerryJob *job, const char *url, const char *path, GAsyncResult **result)
{
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_file_free);

  world->silent = TRUE;
  g_ptr_array_set_size (world->orders, 0);
  g_ptr_array_add (files, ferry_file_new (url, path));
  ferry_engine_add_files_async (world->engine, job, files, 0, world_keep_result_cb, result);
  g_variant_unref (world_take_order (world, "check-targets"));
}

static void
test_store_fails_while_files_are_checked (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) reason = g_error_new (FERRY_ERROR, FERRY_ERROR_STORE_FAILED, "disk gone");

  begin_to_add (world, job, "http://server.example/more", "/target/more", &result);
  g_signal_emit_by_name (world->store, "failed", reason);
  world_answer (world);
  world_assert_add_fails (world, &result, FERRY_ERROR_STORE_FAILED);
}

static void
test_files_added_while_a_job_is_taken (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (FerryJob) job = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1, "daemon");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  FerryFile *trap = ferry_file_new ("http://server.example/trap", "/target/trap");

  ferry_job_add_file (job, ferry_file_new ("http://server.example/file", "/target/file"));
  ferry_queue_add (ferry_engine_get_queue (world->engine), job);
  world->silent = TRUE;
  ferry_engine_take_async (world->engine, job, geteuid (), g_get_user_name (), FALSE,
                           world_keep_result_cb, &result);
  g_variant_unref (world_take_order (world, "check-targets"));
  trap->replace = TRUE;
  ferry_job_add_file (job, trap);
  world_answer (world);
  world_wait (result != NULL);
  g_assert_false (ferry_engine_take_finish (world->engine, result, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_cmpuint (job->owner, ==, 1);
}

/* The former owner's worker, which is his, answers when he likes. */
static void
test_job_taken_while_files_are_added (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  g_autoptr (GAsyncResult) result = NULL;

  begin_to_add (world, job, "http://server.example/trap", "/target/trap", &result);
  ferry_queue_set_owner (ferry_engine_get_queue (world->engine), job, 1, "daemon");
  world_answer (world);
  world_assert_add_fails (world, &result, FERRY_ERROR_INVALID_STATE);
  g_assert_cmpuint (job->files->len, ==, 1);
}

static void
test_attempts_tell_nothing_of_others (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (FerryJob) mine = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1, "daemon");
  g_autoptr (FerryJob) other = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 2, "bin");
  g_autoptr (FerryFile) file = ferry_file_new ("http://server.example/file", "/target/file");
  guint64 before = ferry_engine_add_attempt (world->engine, mine, file)->id;

  g_assert_cmpuint (ferry_engine_add_attempt (world->engine, other, file)->id, !=, before);
  g_assert_cmpuint (ferry_engine_add_attempt (world->engine, other, file)->id, !=, before + 1);
  g_assert_cmpuint (ferry_engine_add_attempt (world->engine, mine, file)->id, ==, before + 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/moments/network-before-us", test_network_is_back_before_us);
  g_test_add_func ("/moments/no-return", test_network_that_was_there_is_no_return);
  g_test_add_func ("/moments/no-network", test_no_network_is_no_progress);
  g_test_add_func ("/moments/time-up-publishing", test_time_is_up_while_publishing);
  g_test_add_func ("/moments/crash-before-publishing", test_crash_before_publishing_begins);
  g_test_add_func ("/moments/auto-complete-late", test_auto_complete_set_late);
  g_test_add_func ("/moments/preempted-draining", test_preempted_while_draining);
  g_test_add_func ("/moments/suspended-draining", test_suspended_while_draining);
  g_test_add_func ("/moments/maximum-size", test_maximum_size_counts_what_runs);
  g_test_add_func ("/moments/final-mode", test_final_mode_of_the_last_file);
  g_test_add_func ("/moments/too-long-together", test_too_long_together);
  g_test_add_func ("/moments/progress-remembered", test_progress_is_remembered);
  g_test_add_func ("/moments/idle-worker", test_idle_worker_ends_as_a_job_comes);
  g_test_add_func ("/moments/another-holder", test_uid_has_another_holder);
  g_test_add_func ("/moments/store-fails", test_store_fails_while_files_are_checked);
  g_test_add_func ("/moments/added-while-taken", test_files_added_while_a_job_is_taken);
  g_test_add_func ("/moments/job-taken-while-files-added", test_job_taken_while_files_are_added);
  g_test_add_func ("/moments/attempts", test_attempts_tell_nothing_of_others);
  return g_test_run ();
}
