/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failures, retries, networks, timers of days: with a clock that does what the test says. */

#include "engine-world.h"

#include <string.h>
#include <unistd.h>

static void
fail_next (World *world, const char *more)
{
  world_fail (world, world_take_start (world), more);
}

static gint64
get_delay (World *world, FerryJob *job)
{
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  return job->next_attempt - ferry_clock_get_boot (FERRY_CLOCK (world->clock));
}

static gboolean
waits_for (FerryJob *job, const char *reason)
{
  g_auto (GStrv) reasons = ferry_job_get_wait_reasons (job);

  return g_strv_contains ((const char *const *) reasons, reason);
}

static void
test_retries (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  const gint64 delays[] = { 1, 5, 30, 600 };

  for (guint i = 0; i < G_N_ELEMENTS (delays); i++)
    {
      gint64 delay;

      fail_next (world, "");
      delay = get_delay (world, job);
      g_assert_cmpint (delay, >=, delays[i] * SECOND);
      g_assert_cmpint (delay, <=, delays[i] * SECOND * 5 / 4);
      g_assert_true (waits_for (job, "retry"));
      g_assert_cmpint (job->next_attempt_wall - ferry_clock_get_wall (FERRY_CLOCK (world->clock)),
                       ==, delay);
      g_assert_cmpuint (job->error_count, ==, i + 1);
      g_assert_cmpint (job->error->code, ==, FERRY_ERROR_CONNECT_FAILED);

      ferry_fake_clock_advance (world->clock, delay - 1);
      world_settle (world);
      g_assert_false (world_has_order (world, "start"));
      ferry_fake_clock_advance (world->clock, 1);
    }

  /* New bytes: the row begins anew. */
  fail_next (world, ", 'NewBytes': <true>, 'Bytes': <uint64 5>");
  g_assert_cmpint (get_delay (world, job), ==, SECOND);
}

static void
test_retry_after (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  fail_next (world, ", 'RetryAfter': <uint32 120>");
  g_assert_cmpint (get_delay (world, job), ==, 120 * SECOND);
  g_assert_true (waits_for (job, "retry-after"));
}

static void
test_retry_time_survives_a_restart (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  g_autofree char *id = g_strdup (job->id);

  fail_next (world, ", 'RetryAfter': <uint32 120>");
  get_delay (world, job);
  world_settle (world);
  ferry_fake_clock_advance (world->clock, 20 * SECOND);
  world_restart (world);
  job = ferry_queue_lookup_any (ferry_engine_get_queue (world->engine), id);
  g_assert_cmpint (get_delay (world, job), ==, 100 * SECOND);
  ferry_fake_clock_advance (world->clock, 100 * SECOND);
  world_take_start (world);
}

static void
test_first_error_is_final (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  job->no_progress_timeout = 0;
  ferry_engine_resume (world->engine, job, NULL);
  fail_next (world, "");
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  world_settle (world);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_CONNECT_FAILED);
  g_assert_cmpstr (world->events->str, ==, "failed ");
}

static void
test_delay_beyond_the_timeout_is_final (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  job->no_progress_timeout = 300;
  job->minimum_retry_delay = 301;
  ferry_engine_resume (world->engine, job, NULL);
  fail_next (world, "");
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
}

static void
test_no_progress (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  job->no_progress_timeout = 20;
  job->minimum_retry_delay = 5;
  ferry_engine_resume (world->engine, job, NULL);
  for (guint i = 0; i < 4; i++)
    {
      fail_next (world, "");
      ferry_fake_clock_advance (world->clock, get_delay (world, job));
    }
  fail_next (world, "");
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (world->clock, 4 * SECOND);
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_NO_PROGRESS);
  g_assert_nonnull (strstr (job->error->message, "refused"));
}

static void
test_maximum_time (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  job->maximum_download_time = 100;
  ferry_engine_resume (world->engine, job, NULL);
  world_take_start (world);
  ferry_fake_clock_advance (world->clock, 99 * SECOND);
  world_settle (world);
  g_assert_true (ferry_job_state_is_active (job->state));
  ferry_fake_clock_advance (world->clock, SECOND);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_MAXIMUM_TIME_EXCEEDED);

  /* Resume starts the time anew. */
  ferry_engine_resume (world->engine, job, NULL);
  world_take_start (world);
  ferry_fake_clock_advance (world->clock, 99 * SECOND);
  g_assert_true (ferry_job_state_is_active (job->state));
}

static void
test_network (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  world_take_start (world);
  world_set_network (world, FALSE);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSIENT_ERROR);
  g_assert_true (waits_for (job, "network"));
  /* A checkpoint is written. */
  g_variant_unref (world_take_order (world, "stop"));
  world_wait (!ferry_job_has_attempts (job));
  g_assert_cmpuint (job->error_count, ==, 0);

  ferry_fake_clock_advance (world->clock, 3600 * SECOND);
  world_settle (world);
  g_assert_false (world_has_order (world, "start"));
  world_set_network (world, TRUE);
  world_take_start (world);
}

static void
test_network_wakes_all (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  fail_next (world, ", 'RetryAfter': <uint32 9999>");
  get_delay (world, job);
  world_set_network (world, FALSE);
  world_set_network (world, TRUE);
  world_take_start (world);
}

static void
test_this_machine_needs_no_network (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  FerryFile *file = ferry_job_get_file (job, 0);

  world_set_network (world, FALSE);
  g_free (file->remote_url);
  file->remote_url = g_strdup ("http://[::1]:8080/file");
  ferry_engine_resume (world->engine, job, NULL);
  world_take_start (world);
}

static void
test_neighbours_need_no_way_out (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  FerryFile *file = ferry_job_get_file (job, 0);

  world_set_network (world, FALSE);
  g_free (file->remote_url);
  file->remote_url = g_strdup ("http://192.0.2.7/file");
  ferry_engine_resume (world->engine, job, NULL);
  world_take_start (world);
}

static void
test_worker_dies (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  const FerryFile *file = g_ptr_array_index (job->files, 0);
  guint64 attempt = world_take_start (world);

  world_report (world, attempt, "checkpoint",
                "{'Bytes': <uint64 200>, 'Resume': <{'Offset': <uint64 200>}>}");
  world_report (world, attempt, "progress", "{'Bytes': <uint64 500>, 'Total': <uint64 900>}");
  world_wait (file->bytes_transferred == 500);
  world_drop_worker (world);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  g_assert_cmpuint (file->bytes_transferred, ==, 200);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_WORKER_FAILED);
  g_assert_cmpuint (job->error_count, ==, 1);
  g_assert_false (ferry_job_has_attempts (job));
  ferry_fake_clock_advance (world->clock, SECOND);
  world_take_start (world);
}

static void
test_worker_never_comes (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  world_drop_worker (world);
  world->no_start = TRUE;
  ferry_engine_resume (world->engine, job, NULL);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR || waits_for (job, "worker"));
  world->no_start = FALSE;
  for (guint i = 0; i < 20 && !world_has_order (world, "start"); i++)
    {
      ferry_fake_clock_advance (world->clock, 5 * SECOND);
      world_settle (world);
    }
  world_take_start (world);
}

static void
test_destination_is_named (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  fail_next (world, ", 'WaitReason': <'destination'>");
  get_delay (world, job);
  g_assert_true (waits_for (job, "destination"));
  ferry_fake_clock_advance (world->clock, SECOND);
  world_take_start (world);
}

static void
test_old_and_odd_reports (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  guint64 attempt = world_take_start (world);

  /* Of an attempt that never was; with types and sizes that make no sense. */
  world_report (world, attempt + 100, "done", "{'Bytes': <uint64 1>}");
  world_report (world, attempt, "progress", "{'Bytes': <'many'>}");
  world_report (world, attempt, "progress",
                "{'Bytes': <uint64 18446744073709551615>, 'Total': <uint64 10>}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRING);
  world_settle (world);
  g_assert_cmpuint (ferry_job_get_bytes_transferred (job), ==, 10);
  g_assert_cmpuint (ferry_job_get_files_transferred (job), ==, 0);
}

static void
test_unknown_report_ends_the_worker (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*sends what it must not*");
  world_report (world, world_take_start (world), "set-policy", "{}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  g_test_assert_expected_messages ();
}

static void
test_restart_is_told (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  guint64 attempt = world_take_start (world);

  world_report (world, attempt, "progress", "{'Bytes': <uint64 50>, 'Total': <uint64 99>}");
  world_report (world, attempt, "restarted", "{'Reason': <'remote-file-changed'>}");
  world_wait (world->events->len > 0);
  g_assert_cmpstr (world->events->str, ==, "restarted-0-remote-file-changed ");
  g_assert_cmpuint (ferry_job_get_file (job, 0)->restarts, ==, 1);
  g_assert_cmpuint (ferry_job_get_bytes_transferred (job), ==, 0);
}

static void
test_foreign_temporary_file (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  g_autoptr (GVariant) start = NULL;
  const char *name;

  world_report (world, world_take_start (world), "new-name", "{}");
  start = world_take_order (world, "start");
  g_assert_true (g_variant_lookup (start, "TemporaryName", "&s", &name));
  g_assert_true (g_str_has_suffix (name, "-0.1.part"));
  g_assert_false (world_has_order (world, "remove"));
  g_assert_cmpuint (ferry_job_get_file (job, 0)->restarts, ==, 1);
}

static void
test_hanging_worker_is_ended (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  world_take_start (world);
  world->stubborn = TRUE;
  world_cancel (world, world_submit (world, 0, FALSE, FALSE));
  ferry_engine_job_edited (world->engine, job);
  ferry_engine_complete_async (world->engine, job, NULL, NULL);
  world_settle (world);
  g_assert_true (ferry_job_has_attempts (job));
  ferry_fake_clock_advance (world->clock, 20 * SECOND);
  world_wait (!ferry_job_has_attempts (job));
}

static void
test_turns_go_round (void)
{
  g_autoptr (World) world = world_new ();
  guint running = 0;

  for (guint i = 0; i < 5; i++)
    world_submit (world, 1, TRUE, FALSE);
  for (guint i = 0; i < 4; i++)
    world_take_start (world);
  world_settle (world);
  g_assert_false (world_has_order (world, "start"));

  ferry_fake_clock_advance (world->clock, 30 * SECOND);
  g_variant_unref (world_take_order (world, "stop"));
  world_take_start (world);
  world_settle (world);
  {
    g_autoptr (GPtrArray) jobs = ferry_queue_list_all (ferry_engine_get_queue (world->engine));

    for (guint i = 0; i < jobs->len; i++)
      running += ferry_job_state_is_active (((FerryJob *) jobs->pdata[i])->state);
  }
  g_assert_cmpuint (running, ==, 4);
}

/* == days == */

/* Lets an idle worker end before the days go by in one moment. */
static void
pass (World *world, gint64 usec)
{
  ferry_fake_clock_advance (world->clock, 11 * SECOND);
  world_settle (world);
  ferry_fake_clock_advance (world->clock, usec - 11 * SECOND);
}

static void
test_inactivity (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *suspended = world_submit (world, 1, FALSE, FALSE);
  FerryJob *failed = world_submit (world, 1, TRUE, FALSE);
  FerryJob *transferred, *late;

  world_report (world, world_take_start (world), "failed",
                "{'Error': <{'Name': <'org.ferry.Transfer1.Error.NotFound'>}>}");
  world_wait (failed->state == FERRY_JOB_STATE_ERROR);
  transferred = world_submit (world, 1, TRUE, FALSE);
  world_finish_file (world, 7);
  world_wait (transferred->state == FERRY_JOB_STATE_TRANSFERRED);
  world_settle (world);

  pass (world, 89 * DAY);
  late = world_submit (world, 1, FALSE, FALSE);
  g_assert_cmpint (suspended->state, ==, FERRY_JOB_STATE_SUSPENDED);
  g_assert_cmpint (ferry_engine_get_expiration (world->engine, suspended) -
                       ferry_clock_get_wall (FERRY_CLOCK (world->clock)),
                   ==, DAY);
  g_object_ref (suspended);
  g_object_ref (failed);
  g_object_ref (transferred);
  pass (world, DAY);
  world_wait (transferred->state == FERRY_JOB_STATE_CANCELLED);
  g_assert_cmpint (suspended->state, ==, FERRY_JOB_STATE_CANCELLED);
  g_assert_cmpint (failed->state, ==, FERRY_JOB_STATE_CANCELLED);
  g_assert_cmpint (late->state, ==, FERRY_JOB_STATE_SUSPENDED);
  g_assert_cmpint (transferred->error->code, ==, FERRY_ERROR_INACTIVITY_TIMEOUT);
  for (guint i = 0; i < 3; i++)
    g_variant_unref (world_take_order (world, "remove"));
  world_wait (ferry_engine_is_idle (world->engine));
  g_object_unref (suspended);
  g_object_unref (failed);
  g_object_unref (transferred);
}

static void
test_activity_counts (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  pass (world, 60 * DAY);
  ferry_engine_job_edited (world->engine, job);
  pass (world, 89 * DAY);
  world_settle (world);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_SUSPENDED);
}

static void
test_absence_counts_but_not_a_wrong_clock (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  g_autofree char *id = g_strdup (job->id);

  ferry_engine_shutdown (world->engine, 1);
  ferry_fake_clock_jump_wall (world->clock, 100 * DAY);
  world_restart (world);
  job = ferry_queue_lookup_any (ferry_engine_get_queue (world->engine), id);

  /* A clock that jumped by more than a day is not believed at once, and nothing is cancelled in the first hour. */
  pass (world, 3600 * SECOND);
  world_settle (world);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_SUSPENDED);
  /* It is once it is known to be right, */
  ferry_service_time_set_synchronized (ferry_engine_get_service_time (world->engine));
  ferry_fake_clock_advance (world->clock, SECOND);
  world_wait (job->state == FERRY_JOB_STATE_CANCELLED && ferry_engine_is_idle (world->engine));
}

/* An idle ferryd, which is there for a moment once a day, stays as long as it takes. */
static void
test_stays_for_what_is_due (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  g_autofree char *id = g_strdup (job->id);

  world_wait (ferry_engine_is_idle (world->engine));
  for (guint day = 0; day < 90; day++)
    {
      ferry_engine_shutdown (world->engine, 1);
      ferry_fake_clock_jump_wall (world->clock, DAY);
      world_restart (world);
      world_settle (world);
      g_assert_cmpint (ferry_engine_is_idle (world->engine), ==, day < 89);
    }
  job = ferry_queue_lookup_any (ferry_engine_get_queue (world->engine), id);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_SUSPENDED);
  pass (world, 3600 * SECOND);
  world_wait (job->state == FERRY_JOB_STATE_CANCELLED && ferry_engine_is_idle (world->engine));
}

/* As long as it is in doubt how long ferryd was away, it stays to find out. */
static void
test_stays_while_in_doubt (void)
{
  g_autoptr (World) world = world_new ();
  FerryServiceTime *service_time;

  world_submit (world, 1, FALSE, FALSE);
  ferry_engine_shutdown (world->engine, 1);
  ferry_fake_clock_jump_wall (world->clock, 2 * DAY);
  world_restart (world);
  world_settle (world);
  g_assert_false (ferry_engine_is_idle (world->engine));
  service_time = ferry_engine_get_service_time (world->engine);
  ferry_service_time_set_synchronized (service_time);
  world_wait (ferry_engine_is_idle (world->engine));
}

static void
test_long_absence_is_believed_after_a_day (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  g_autofree char *id = g_strdup (job->id);

  ferry_engine_shutdown (world->engine, 1);
  ferry_fake_clock_jump_wall (world->clock, 100 * DAY);
  world_restart (world);
  job = ferry_queue_lookup_any (ferry_engine_get_queue (world->engine), id);
  pass (world, DAY);
  world_wait (job->state == FERRY_JOB_STATE_CANCELLED && ferry_engine_is_idle (world->engine));
}

static void
test_backward_jump_is_nothing (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  g_autofree char *id = g_strdup (job->id);

  ferry_engine_shutdown (world->engine, 1);
  ferry_fake_clock_jump_wall (world->clock, -10000 * DAY);
  world_restart (world);
  job = ferry_queue_lookup_any (ferry_engine_get_queue (world->engine), id);
  pass (world, 89 * DAY);
  world_settle (world);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_SUSPENDED);
  pass (world, DAY);
  world_wait (job->state == FERRY_JOB_STATE_CANCELLED && ferry_engine_is_idle (world->engine));
}

static void
test_retention (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  g_autofree char *id = g_strdup (job->id);

  world_cancel (world, job);
  pass (world, 86399 * SECOND);
  world_settle (world);
  g_assert_nonnull (ferry_queue_lookup (ferry_engine_get_queue (world->engine), geteuid (), id));
  ferry_fake_clock_advance (world->clock, SECOND);
  g_assert_null (ferry_queue_lookup (ferry_engine_get_queue (world->engine), geteuid (), id));
  world_settle (world);
  world_restart (world);
  g_assert_null (ferry_queue_lookup (ferry_engine_get_queue (world->engine), geteuid (), id));
}

static void
test_final_jobs_do_not_pile_up (void)
{
  g_autoptr (World) world = world_new ();
  FerryQueue *queue = ferry_engine_get_queue (world->engine);
  g_autofree char *first = NULL;
  FerryJob *job;

  for (guint i = 0; i < 1000; i++)
    {
      g_autoptr (FerryJob) old = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, geteuid (), "me");

      ferry_queue_add (queue, old);
      ferry_job_apply (old, FERRY_JOB_EVENT_CANCEL, NULL);
      if (i == 0)
        first = g_strdup (old->id);
    }
  job = world_submit (world, 1, FALSE, FALSE);
  g_assert_nonnull (ferry_queue_lookup_any (queue, first));
  world_cancel (world, job);
  /* The thousand and first: the oldest goes when the next job comes. */
  world_submit (world, 1, FALSE, FALSE);
  g_assert_null (ferry_queue_lookup_any (queue, first));
  g_assert_nonnull (ferry_queue_lookup_any (queue, job->id));
}

/* == limits == */

static FerryJob *
new_foreign_job (void)
{
  return ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 4000, "somebody");
}

static void
test_limits (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (FerryJob) job = new_foreign_job ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 60; i++)
    {
      g_autoptr (FerryJob) other = new_foreign_job ();

      g_assert_true (ferry_engine_check_limits (world->engine, job, TRUE, 0, 0, NULL));
      ferry_queue_add (ferry_engine_get_queue (world->engine), other);
    }
  g_assert_false (ferry_engine_check_limits (world->engine, job, TRUE, 0, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_JOBS_PER_USER);
  g_assert_nonnull (strstr (error->message, "max-jobs-per-user"));
  g_assert_nonnull (strstr (error->message, "60"));
  g_assert_nonnull (strstr (error->message, "default"));
  g_assert_nonnull (strstr (error->message, "60 suspended"));
  g_clear_error (&error);

  g_assert_true (ferry_engine_check_limits (world->engine, job, FALSE, 200, 500, NULL));
  g_assert_false (ferry_engine_check_limits (world->engine, job, FALSE, 201, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_FILES_IN_JOB);
  g_clear_error (&error);
  g_assert_false (ferry_engine_check_limits (world->engine, job, FALSE, 1, 501, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_RANGES_IN_FILE);

  job->exempt = TRUE;
  g_assert_true (ferry_engine_check_limits (world->engine, job, TRUE, 9999, 9999, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/trouble/retries", test_retries);
  g_test_add_func ("/trouble/retry-after", test_retry_after);
  g_test_add_func ("/trouble/retry-restart", test_retry_time_survives_a_restart);
  g_test_add_func ("/trouble/first-error", test_first_error_is_final);
  g_test_add_func ("/trouble/delay-beyond", test_delay_beyond_the_timeout_is_final);
  g_test_add_func ("/trouble/no-progress", test_no_progress);
  g_test_add_func ("/trouble/maximum-time", test_maximum_time);
  g_test_add_func ("/trouble/network", test_network);
  g_test_add_func ("/trouble/network-wakes", test_network_wakes_all);
  g_test_add_func ("/trouble/loopback", test_this_machine_needs_no_network);
  g_test_add_func ("/trouble/neighbours", test_neighbours_need_no_way_out);
  g_test_add_func ("/trouble/worker-dies", test_worker_dies);
  g_test_add_func ("/trouble/worker-absent", test_worker_never_comes);
  g_test_add_func ("/trouble/destination", test_destination_is_named);
  g_test_add_func ("/trouble/odd-reports", test_old_and_odd_reports);
  g_test_add_func ("/trouble/unknown-report", test_unknown_report_ends_the_worker);
  g_test_add_func ("/trouble/restart", test_restart_is_told);
  g_test_add_func ("/trouble/new-name", test_foreign_temporary_file);
  g_test_add_func ("/trouble/hanging-worker", test_hanging_worker_is_ended);
  g_test_add_func ("/trouble/turns", test_turns_go_round);
  g_test_add_func ("/days/inactivity", test_inactivity);
  g_test_add_func ("/days/stays-for-what-is-due", test_stays_for_what_is_due);
  g_test_add_func ("/days/stays-while-in-doubt", test_stays_while_in_doubt);
  g_test_add_func ("/days/activity", test_activity_counts);
  g_test_add_func ("/days/absence", test_absence_counts_but_not_a_wrong_clock);
  g_test_add_func ("/days/absence-believed", test_long_absence_is_believed_after_a_day);
  g_test_add_func ("/days/backward", test_backward_jump_is_nothing);
  g_test_add_func ("/days/retention", test_retention);
  g_test_add_func ("/days/final-jobs", test_final_jobs_do_not_pile_up);
  g_test_add_func ("/limits/all", test_limits);
  return g_test_run ();
}
