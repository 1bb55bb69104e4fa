/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine sleeps: transfers end at a checkpoint before, and go on after. */

#include "engine-world.h"
#include "ferry-engine-private.h"

#define NIGHT (8 * 3600 * SECOND)

typedef struct
{
  gboolean done;
  GError *error; /* (owned) (nullable) */
} Pause;

static void
paused_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Pause *pause = data;

  ferry_engine_pause_finish (FERRY_ENGINE (source), result, &pause->error);
  pause->done = TRUE;
}

static void
pause_world (World *world)
{
  Pause pause = { 0 };

  ferry_engine_pause_async (world->engine, NULL, paused_cb, &pause);
  world_wait (pause.done);
  g_assert_no_error (pause.error);
}

static void
note_running_cb (FerryEngine *engine, gboolean running, gpointer data)
{
  g_string_append_c (data, running ? '+' : '-');
}

static void
test_ends_at_a_checkpoint (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  guint64 attempt = world_take_start (world);
  g_autofree char *id = g_strdup (job->id);
  g_autoptr (GVariant) start = NULL;
  g_autoptr (GVariant) resume = NULL;
  Pause pause = { 0 };

  world->stubborn = TRUE;
  ferry_engine_pause_async (world->engine, NULL, paused_cb, &pause);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_QUEUED);
  g_variant_unref (world_take_order (world, "stop"));
  world_settle (world);
  g_assert_false (pause.done);

  world_report (world, attempt, "stopped",
                "{'Bytes': <uint64 70>, 'Resume': <{'Offset': <uint64 70>}>}");
  world_wait (pause.done);
  g_assert_no_error (pause.error);

  /* The power goes in its sleep: what it answered is on disk. */
  world_restart (world);
  job = ferry_queue_lookup_any (ferry_engine_get_queue (world->engine), id);
  start = world_take_order (world, "start");
  resume = g_variant_lookup_value (start, "Resume", G_VARIANT_TYPE_VARDICT);
  g_assert_nonnull (resume);
  g_assert_true (g_variant_lookup (resume, "Offset", "t", &attempt));
  g_assert_cmpuint (attempt, ==, 70);
}

static void
test_nothing_begins_until_it_goes_on (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *first = world_submit (world, 1, TRUE, FALSE);
  FerryJob *second;

  world_take_start (world);
  pause_world (world);
  second = world_submit (world, 1, FALSE, FALSE);
  second->priority = FERRY_PRIORITY_FOREGROUND;
  g_assert_true (ferry_engine_resume (world->engine, second, NULL));
  ferry_fake_clock_advance (world->clock, 60 * SECOND);
  world_settle (world);
  g_assert_cmpint (first->state, ==, FERRY_JOB_STATE_QUEUED);
  g_assert_cmpint (second->state, ==, FERRY_JOB_STATE_QUEUED);
  g_assert_false (world_has_order (world, "start"));
  g_assert_cmpuint (first->wait_reasons, !=, 0);

  ferry_engine_go_on (world->engine);
  world_take_start (world);
  world_take_start (world);
  g_assert_cmpuint (first->error_count, ==, 0);
}

static void
test_idle_is_paused_at_once (void)
{
  g_autoptr (World) world = world_new ();

  pause_world (world);
  pause_world (world);
  ferry_engine_go_on (world->engine);
  ferry_engine_go_on (world->engine);
  world_submit (world, 1, TRUE, FALSE);
  world_take_start (world);
}

static void
test_running_is_told (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (GString) told = g_string_new (NULL);
  FerryJob *job;

  g_signal_connect (world->engine, "running", G_CALLBACK (note_running_cb), told);
  job = world_submit (world, 1, TRUE, FALSE);
  world_submit (world, 1, TRUE, FALSE);
  world_take_start (world);
  world_take_start (world);
  g_assert_true (ferry_engine_is_running (world->engine));
  pause_world (world);
  g_assert_false (ferry_engine_is_running (world->engine));
  ferry_engine_go_on (world->engine);
  world_take_start (world);
  world_take_start (world);
  world_cancel (world, job);
  g_assert_cmpstr (told->str, ==, "+-+");
  g_signal_handlers_disconnect_by_data (world->engine, told);
}

/* Whether the night's end came before its retry, or after. */
static void
test_a_night_is_no_lack_of_progress (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  job->minimum_retry_delay = 5;
  job->no_progress_timeout = 300;
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_report (world, world_take_start (world), "failed",
                "{'Transient': <true>, 'Error': <{'Name': "
                "<'org.ferry.Transfer1.Error.ConnectFailed'>, 'Message': <'refused'>}>}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  pause_world (world);
  ferry_fake_clock_sleep (world->clock, NIGHT);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSIENT_ERROR);

  /* The retry fell due in the night. */
  ferry_engine_go_on (world->engine);
  world_settle (world);
  ferry_fake_clock_advance (world->clock, 0);
  world_report (world, world_take_start (world), "failed",
                "{'Transient': <true>, 'RetryAfter': <uint32 3600>, 'Error': <{'Name': "
                "<'org.ferry.Transfer1.Error.ConnectFailed'>, 'Message': <'refused'>}>}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (world->clock, 300 * SECOND - 1);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (world->clock, 1);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_NO_PROGRESS);
}

static void
test_a_night_is_no_time_in_action (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  job->maximum_download_time = 100;
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_take_start (world);
  pause_world (world);
  ferry_fake_clock_sleep (world->clock, NIGHT);
  ferry_engine_go_on (world->engine);
  world_take_start (world);
  ferry_fake_clock_advance (world->clock, 99 * SECOND);
  g_assert_true (ferry_job_state_is_active (job->state));
}

static void
test_lost_network_while_paused (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  job->no_progress_timeout = 300;
  job->minimum_retry_delay = 5;
  world_take_start (world);
  pause_world (world);
  world_set_network (world, FALSE);
  world_settle (world);
  ferry_fake_clock_sleep (world->clock, NIGHT);
  ferry_engine_go_on (world->engine);
  world_settle (world);
  ferry_fake_clock_advance (world->clock, 10 * SECOND);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSIENT_ERROR);
  world_set_network (world, TRUE);
  world_take_start (world);
}

static void
test_publication_is_let_finish (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, TRUE);
  Pause pause = { 0 };

  world->silent = TRUE;
  world_finish_file (world, 10);
  g_variant_unref (world_take_order (world, "publish"));
  ferry_engine_pause_async (world->engine, NULL, paused_cb, &pause);
  world_settle (world);
  g_assert_false (pause.done);
  world->silent = FALSE;
  world_answer (world);
  world_wait (pause.done);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ACKNOWLEDGED);
}

/* Longer than its patience, and it could not do anything: no fault of the worker. */
static void
test_publication_over_a_sleep (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, TRUE);

  world->silent = TRUE;
  world_finish_file (world, 10);
  g_variant_unref (world_take_order (world, "publish"));
  ferry_fake_clock_sleep (world->clock, NIGHT);
  world_settle (world);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_TRANSFERRED);
  world->silent = FALSE;
  world_answer (world);
  world_wait (job->state == FERRY_JOB_STATE_ACKNOWLEDGED);
}

static void
test_checkpoint_over_a_sleep (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);
  guint64 attempt = world_take_start (world);
  Pause pause = { 0 };

  world->stubborn = TRUE;
  ferry_engine_pause_async (world->engine, NULL, paused_cb, &pause);
  g_variant_unref (world_take_order (world, "stop"));
  ferry_fake_clock_advance (world->clock, SECOND);
  ferry_fake_clock_sleep (world->clock, NIGHT);
  world_settle (world);
  ferry_engine_go_on (world->engine);
  world_wait (pause.done);
  g_assert_true (ferry_job_has_attempts (job));
  world_report (world, attempt, "stopped",
                "{'Bytes': <uint64 70>, 'Resume': <{'Offset': <uint64 70>}>}");
  world_take_start (world);
}

static void
test_other_things_asked_meanwhile (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 2, TRUE, FALSE);
  guint published = 0, discarded = 0;

  world_finish_file (world, 10);
  world_take_start (world);
  pause_world (world);
  world_complete (world, job, &published, &discarded);
  g_assert_cmpuint (published, ==, 1);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ACKNOWLEDGED);
}

static void
test_store_fails_in_a_pause (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (GError) reason = g_error_new (FERRY_ERROR, FERRY_ERROR_STORE_FAILED, "disk gone");
  Pause pause = { 0 };

  world_submit (world, 1, TRUE, FALSE);
  world_take_start (world);
  world->stubborn = TRUE;
  ferry_engine_pause_async (world->engine, NULL, paused_cb, &pause);
  g_variant_unref (world_take_order (world, "stop"));
  g_signal_emit_by_name (world->store, "failed", reason);
  world_wait (pause.done);
  world_settle (world);
  g_assert_false (world_has_order (world, "start"));
  g_clear_error (&pause.error);
}

static void
test_abandoned (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Pause pause = { 0 };

  world_submit (world, 1, TRUE, FALSE);
  world_take_start (world);
  world->stubborn = TRUE;
  ferry_engine_pause_async (world->engine, cancellable, paused_cb, &pause);
  g_cancellable_cancel (cancellable);
  ferry_engine_go_on (world->engine);
  world_wait (pause.done);
  g_assert_error (pause.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&pause.error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pause/checkpoint", test_ends_at_a_checkpoint);
  g_test_add_func ("/pause/nothing-begins", test_nothing_begins_until_it_goes_on);
  g_test_add_func ("/pause/idle", test_idle_is_paused_at_once);
  g_test_add_func ("/pause/running", test_running_is_told);
  g_test_add_func ("/pause/no-progress", test_a_night_is_no_lack_of_progress);
  g_test_add_func ("/pause/time-in-action", test_a_night_is_no_time_in_action);
  g_test_add_func ("/pause/network", test_lost_network_while_paused);
  g_test_add_func ("/pause/publication", test_publication_is_let_finish);
  g_test_add_func ("/pause/publication-over-sleep", test_publication_over_a_sleep);
  g_test_add_func ("/pause/checkpoint-over-sleep", test_checkpoint_over_a_sleep);
  g_test_add_func ("/pause/complete", test_other_things_asked_meanwhile);
  g_test_add_func ("/pause/store-fails", test_store_fails_in_a_pause);
  g_test_add_func ("/pause/abandoned", test_abandoned);
  return g_test_run ();
}
