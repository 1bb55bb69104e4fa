/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a job in the engine: order of what is done, what the owner is told, what a crash leaves. */

#include "engine-world.h"

#include <unistd.h>

static FerryJob *
find (World *world, const char *id)
{
  return ferry_queue_lookup_any (ferry_engine_get_queue (world->engine), id);
}

static void
test_download_and_complete (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 2, TRUE, FALSE);
  guint published, discarded;

  world_finish_file (world, 10);
  g_assert_false (world_has_order (world, "publish"));
  world_finish_file (world, 20);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "transferred ");
  g_assert_false (world_has_order (world, "publish"));
  g_assert_cmpint (job->transfer_completion_time, !=, 0);

  world_complete (world, job, &published, &discarded);
  g_assert_cmpuint (published, ==, 2);
  g_assert_cmpuint (discarded, ==, 0);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ACKNOWLEDGED);
  g_assert_true (world_has_order (world, "check-publish"));
  g_assert_false (world_has_order (world, "remove"));
}

static void
test_partial_complete (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 3, TRUE, FALSE);
  guint published, discarded;

  world_finish_file (world, 10);
  g_assert_cmpuint (world_take_start (world), !=, 0);
  world_complete (world, job, &published, &discarded);
  g_assert_cmpuint (published, ==, 1);
  g_assert_cmpuint (discarded, ==, 2);
  g_variant_unref (world_take_order (world, "stop"));
  g_variant_unref (world_take_order (world, "publish"));
  g_variant_unref (world_take_order (world, "remove"));
  g_variant_unref (world_take_order (world, "remove"));
  g_assert_false (world_has_order (world, "publish"));
}

static void
test_auto_complete (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, TRUE);

  world->silent = TRUE;
  world_finish_file (world, 10);
  g_variant_unref (world_take_order (world, "publish"));
  world_settle (world);
  /* Not before the file has its final name. */
  g_assert_cmpstr (world->events->str, ==, "");

  /* A worker that crashed is not the owner's affair. */
  world_drop_worker (world);
  world->silent = FALSE;
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  world_settle (world);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_WORKER_FAILED);
  g_assert_cmpstr (world->events->str, ==, "");

  ferry_fake_clock_advance (world->clock, 5 * SECOND);
  world_wait (job->state == FERRY_JOB_STATE_ACKNOWLEDGED);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "transferred ");
}

/* A home that is not there just now. */
static void
test_auto_complete_waits (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 2, TRUE, TRUE);

  world->refuse = "publish";
  world->refusal = WORLD_NO_DESTINATION;
  world_finish_file (world, 10);
  world_finish_file (world, 10);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  world_settle (world);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_NO_FILE_ACCESS);
  g_assert_cmpuint (job->wait_reasons & (1u << FERRY_WAIT_REASON_DESTINATION), !=, 0);
  g_assert_cmpstr (world->events->str, ==, "");

  world->refuse = NULL;
  ferry_fake_clock_advance (world->clock, 3600 * SECOND);
  world_wait (job->state == FERRY_JOB_STATE_ACKNOWLEDGED);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "transferred ");
}

/* What will not go by itself is said at once. */
static void
test_auto_complete_fails (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, TRUE);

  world->refuse = "publish";
  world_finish_file (world, 10);
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  world_settle (world);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_TARGET_EXISTS);
  g_assert_cmpstr (world->events->str, ==, "failed ");

  world->refuse = NULL;
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_wait (job->state == FERRY_JOB_STATE_ACKNOWLEDGED);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "failed transferred ");
}

static void
test_refused_complete_changes_nothing (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 2, TRUE, FALSE);
  g_autoptr (GError) error = NULL;
  guint published, discarded;

  world_finish_file (world, 10);
  world_finish_file (world, 10);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  world->refuse = "check-publish";
  error = world_complete_fails (world, job);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSFERRED);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_TARGET_EXISTS);
  g_assert_false (world_has_order (world, "publish"));

  world->refuse = NULL;
  world_complete (world, job, &published, &discarded);
  g_assert_cmpuint (published, ==, 2);
  g_assert_null (job->error);
}

static void
test_crash_while_publishing (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, TRUE);
  g_autofree char *id = g_strdup (job->id);

  world->silent = TRUE;
  world_finish_file (world, 10);
  g_variant_unref (world_take_order (world, "publish"));
  world->silent = FALSE;

  world_restart (world);
  g_variant_unref (world_take_order (world, "publish"));
  job = find (world, id);
  world_wait (job->state == FERRY_JOB_STATE_ACKNOWLEDGED);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "transferred ");
}

static void
test_crash_while_transferring (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  g_autofree char *id = g_strdup (job->id);
  g_autoptr (GVariant) start = NULL;
  g_autoptr (GVariant) resume = NULL;
  guint64 offset;

  world_report (world, world_take_start (world), "checkpoint",
                "{'Bytes': <uint64 100>, 'Total': <uint64 300>, "
                "'Resume': <{'Offset': <uint64 100>}>}");
  world_wait (((FerryFile *) job->files->pdata[0])->bytes_transferred == 100);
  world_settle (world);

  world_restart (world);
  start = world_take_order (world, "start");
  resume = g_variant_lookup_value (start, "Resume", G_VARIANT_TYPE_VARDICT);
  g_assert_true (g_variant_lookup (resume, "Offset", "t", &offset));
  g_assert_cmpuint (offset, ==, 100);
  g_assert_cmpuint (ferry_job_get_bytes_transferred (find (world, id)), ==, 100);
}

static void
test_name_is_stored_before_it_is_used (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (FerryJob)
      job = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, geteuid (), g_get_user_name ());
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_file_free);
  guint64 before = ferry_store_get_commits (world->store);

  g_ptr_array_add (files, ferry_file_new ("http://server.example/file", "/target/file"));
  ferry_engine_submit_async (world->engine, job, files, 0, TRUE, NULL, NULL);
  world_take_start (world);
  g_assert_cmpuint (ferry_store_get_commits (world->store), >, before);

  /* Killed at this very moment, the file under that name is known. */
  world_restart (world);
  g_assert_nonnull (find (world, job->id));
}

static void
test_cancel_removes_before_it_answers (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 2, TRUE, FALSE);

  world->stubborn = TRUE;
  world_finish_file (world, 10);
  world_take_start (world);
  world->stubborn = FALSE;
  world_cancel (world, job);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_CANCELLED);
  g_variant_unref (world_take_order (world, "remove"));
  g_variant_unref (world_take_order (world, "remove"));
}

static void
cancelled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GError **error = data;

  g_assert_false (ferry_engine_cancel_finish (FERRY_ENGINE (source), result, error));
}

static void
test_cancel_while_publishing (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, TRUE);
  g_autoptr (GError) error = NULL;

  /* What is being published is published, and Cancel says that it came too late; */
  world->silent = TRUE;
  world_finish_file (world, 10);
  g_variant_unref (world_take_order (world, "publish"));
  ferry_engine_cancel_async (world->engine, job, NULL, cancelled_cb, &error);
  world_settle (world);
  g_assert_null (error);
  world_answer (world);
  world_wait (error != NULL);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ACKNOWLEDGED);
  g_assert_cmpstr (world->events->str, ==, "transferred ");
}

static void
test_cancel_while_publishing_fails (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, TRUE);

  /* when publication fails, the job is cancelled. */
  world->silent = TRUE;
  world_finish_file (world, 10);
  g_variant_unref (world_take_order (world, "publish"));
  world->silent = FALSE;
  world->refuse = "publish";
  ferry_engine_cancel_async (world->engine, job, NULL, NULL, NULL);
  world_answer (world);
  g_variant_unref (world_take_order (world, "remove"));
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_CANCELLED);
}

static void
test_removal_survives_a_crash (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  gboolean cancelled = FALSE;

  world_take_start (world);
  world->silent = TRUE;
  ferry_engine_cancel_async (world->engine, job, NULL, NULL, &cancelled);
  g_variant_unref (world_take_order (world, "remove"));
  world->silent = FALSE;

  world_restart (world);
  g_variant_unref (world_take_order (world, "remove"));
  world_settle (world);
  world_wait (ferry_engine_is_idle (world->engine));
  world_restart (world);
  world_settle (world);
  g_assert_false (world_has_order (world, "remove"));
}

static void
test_final_error_does_not_stop_the_others (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 3, TRUE, FALSE);

  world_finish_file (world, 1);
  world_report (world, world_take_start (world), "failed",
                "{'Transient': <false>, 'HttpStatus': <uint32 404>, "
                "'Error': <{'Name': <'org.ferry.Transfer1.Error.NotFound'>, "
                "'Context': <'remote-file'>, 'Message': <'gone'>, 'HttpStatus': <uint32 404>}>}");
  world_finish_file (world, 3);
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "failed ");
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_NOT_FOUND);
  g_assert_cmpint (job->error->file, ==, 1);
  g_assert_cmpuint (ferry_job_get_files_transferred (job), ==, 2);

  /* Resume tries the failed one again, only that. */
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_finish_file (world, 2);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
}

static void
test_bad_file_can_be_removed (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 2, TRUE, FALSE);
  g_autoptr (GError) error = NULL;
  guint64 attempt;

  attempt = world_take_start (world);
  g_assert_false (ferry_engine_remove_file (world->engine, job, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  world_report (world, attempt, "failed",
                "{'Error': <{'Name': <'org.ferry.Transfer1.Error.Forbidden'>}>}");
  world_finish_file (world, 3);
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  g_assert_true (ferry_engine_remove_file (world->engine, job, 0, NULL));
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSFERRED);
  world_settle (world);
  g_assert_cmpstr (world->events->str, ==, "failed transferred ");
}

static void
test_invalid_file_starts_over (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  g_autoptr (GVariant) start = NULL;
  const char *temporary;

  world_finish_file (world, 3);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  g_assert_true (ferry_engine_set_file_valid (world->engine, job, 0, TRUE, NULL));
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSFERRED);
  g_assert_true (ferry_engine_set_file_valid (world->engine, job, 0, FALSE, NULL));
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_VALIDATION_FAILED);
  g_assert_cmpuint (ferry_job_get_bytes_transferred (job), ==, 0);

  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  start = world_take_order (world, "start");
  /* Another name: the removal of the old one may still be under way. */
  g_assert_true (g_variant_lookup (start, "TemporaryName", "&s", &temporary));
  g_assert_true (g_str_has_suffix (temporary, "-0.1.part"));
}

static void
test_added_to_a_transferred_job (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  world_finish_file (world, 3);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  ferry_job_add_file (job, ferry_file_new ("http://server.example/more", "/target/more"));
  world_settle (world);
  g_assert_false (world_has_order (world, "start"));
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_finish_file (world, 3);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
}

static void
test_small_files_run_together (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 10, TRUE, FALSE);
  guint64 first = world_take_start (world);

  world_settle (world);
  g_assert_false (world_has_order (world, "start"));
  /* Large: it stays alone. */
  world_report (world, first, "response", "{'Total': <uint64 99999999>}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRING);
  world_settle (world);
  g_assert_false (world_has_order (world, "start"));
  world_report (world, first, "done", "{'Bytes': <uint64 99999999>}");

  for (guint i = 0; i < 5; i++)
    world_report (world, world_take_start (world), "response", "{'Total': <uint64 1000>}");
  /* The sixth is the last at a time. */
  world_report (world, world_take_start (world), "response", "{'Total': <uint64 1000>}");
  world_settle (world);
  g_assert_false (world_has_order (world, "start"));
}

static void
suspended_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  ferry_engine_suspend_finish (FERRY_ENGINE (source), result, &error);
  g_assert_no_error (error);
  *(gboolean *) data = TRUE;
}

static void
test_suspend_answers_with_a_checkpoint (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  guint64 attempt = world_take_start (world);
  gboolean suspended = FALSE;

  world->stubborn = TRUE;
  ferry_engine_suspend_async (world->engine, job, suspended_cb, &suspended);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_SUSPENDED);
  g_variant_unref (world_take_order (world, "stop"));
  world_settle (world);
  g_assert_false (suspended);

  world_report (world, attempt, "stopped",
                "{'Bytes': <uint64 70>, 'Resume': <{'Offset': <uint64 70>}>}");
  world_wait (suspended);
  g_assert_cmpuint (ferry_job_get_bytes_transferred (job), ==, 70);
}

static void
test_suspend_does_not_wait_for_ever (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  gboolean suspended = FALSE;

  world_take_start (world);
  world->stubborn = TRUE;
  ferry_engine_suspend_async (world->engine, job, suspended_cb, &suspended);
  world_settle (world);
  g_assert_false (suspended);
  ferry_fake_clock_advance (world->clock, 10 * SECOND);
  world_wait (suspended);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_SUSPENDED);
}

static void
test_secrets_do_not_survive (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  const char *const headers[] = { "Authorization: Bearer x", NULL };
  g_autofree char *id = g_strdup (job->id);
  g_auto (GStrv) reasons = NULL;
  g_autoptr (GVariant) start = NULL;
  g_autofree const char **sent = NULL;

  ferry_engine_set_secret_headers (world->engine, job, headers);
  world_settle (world);
  g_assert_false (ferry_engine_is_idle (world->engine));
  world_restart (world);
  job = find (world, id);
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_settle (world);
  reasons = ferry_job_get_wait_reasons (job);
  g_assert_true (g_strv_contains ((const char *const *) reasons, "credentials"));
  g_assert_false (world_has_order (world, "start"));

  ferry_engine_set_secret_headers (world->engine, job, headers);
  start = world_take_order (world, "start");
  g_assert_true (g_variant_lookup (start, "SecretHeaders", "^a&s", &sent));
  g_assert_cmpstr (sent[0], ==, headers[0]);
}

static void
test_empty_job (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 0, FALSE, FALSE);
  g_autoptr (GError) error = NULL;
  guint published, discarded;

  g_assert_false (ferry_engine_resume (world->engine, job, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_EMPTY_JOB);
  world_complete (world, job, &published, &discarded);
  g_assert_cmpuint (published + discarded, ==, 0);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ACKNOWLEDGED);
}

static void
test_final_job_is_left_alone (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  g_autoptr (GError) error = NULL;

  world_cancel (world, job);
  g_assert_false (ferry_engine_resume (world->engine, job, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
  g_clear_error (&error);
  error = world_complete_fails (world, job);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/life/complete", test_download_and_complete);
  g_test_add_func ("/life/partial-complete", test_partial_complete);
  g_test_add_func ("/life/auto-complete", test_auto_complete);
  g_test_add_func ("/life/auto-complete/waits", test_auto_complete_waits);
  g_test_add_func ("/life/auto-complete/fails", test_auto_complete_fails);
  g_test_add_func ("/life/refused-complete", test_refused_complete_changes_nothing);
  g_test_add_func ("/life/crash-publishing", test_crash_while_publishing);
  g_test_add_func ("/life/crash-transferring", test_crash_while_transferring);
  g_test_add_func ("/life/name-first", test_name_is_stored_before_it_is_used);
  g_test_add_func ("/life/cancel", test_cancel_removes_before_it_answers);
  g_test_add_func ("/life/cancel-publishing", test_cancel_while_publishing);
  g_test_add_func ("/life/cancel-refused", test_cancel_while_publishing_fails);
  g_test_add_func ("/life/removal-survives", test_removal_survives_a_crash);
  g_test_add_func ("/life/final-error", test_final_error_does_not_stop_the_others);
  g_test_add_func ("/life/remove-file", test_bad_file_can_be_removed);
  g_test_add_func ("/life/invalid-file", test_invalid_file_starts_over);
  g_test_add_func ("/life/added-late", test_added_to_a_transferred_job);
  g_test_add_func ("/life/small-files", test_small_files_run_together);
  g_test_add_func ("/life/suspend", test_suspend_answers_with_a_checkpoint);
  g_test_add_func ("/life/suspend-hangs", test_suspend_does_not_wait_for_ever);
  g_test_add_func ("/life/secrets", test_secrets_do_not_survive);
  g_test_add_func ("/life/empty", test_empty_job);
  g_test_add_func ("/life/final", test_final_job_is_left_alone);
  return g_test_run ();
}
