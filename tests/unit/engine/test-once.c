/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must not be sent twice is sent once for each Resume of its owner, whatever dies, sleeps or waits. */

#include "engine-world.h"
#include "ferry-engine-private.h"

#include <string.h>

#define ASKED "{'Resume': <{'Asked': <true>}>, 'Bytes': <uint64 0>, 'Confirm': <true>}"
#define BROKEN                                                                                     \
  "{'Error': <{'Name': <'org.ferry.Transfer1.Error.ConnectionClosed'>, 'Context': <'transport'>, " \
  "'Message': <'It broke'>}>, 'Transient': <false>, 'Resume': <{'Asked': <true>}>}"

static void
set_method (FerryJob *job, const char *method)
{
  g_free (job->http_method);
  job->http_method = g_strdup (method);
  ferry_job_touch (job, FERRY_CHANGE_JOB);
}

/* A download by POST, resumed. */
static FerryJob *
submit_post (World *world, guint n_files)
{
  FerryJob *job = world_submit (world, n_files, FALSE, FALSE);

  set_method (job, "POST");
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  return job;
}

/* Takes the next start and says that its request is about to go out. Returns: the attempt */
static guint64
ask (World *world)
{
  guint64 attempt = world_take_start (world);
  g_autoptr (GVariant) stored = NULL;

  world_report (world, attempt, "checkpoint", ASKED);
  stored = world_take_order (world, "stored");
  return attempt;
}

/* It fails without another request. */
static void
assert_refused (World *world, FerryJob *job)
{
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  world_settle (world);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_CONNECTION_CLOSED);
  g_assert_nonnull (strstr (job->error->message, "The POST request was sent before"));
  g_assert_nonnull (strstr (job->error->message, "Resume sends it again"));
  g_assert_false (world_has_order (world, "start"));
}

static void
assert_resumed (World *world, FerryJob *job)
{
  g_autoptr (GVariant) start = NULL;
  g_autoptr (GVariant) resume = NULL;

  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  start = world_take_order (world, "start");
  resume = g_variant_lookup_value (start, "Resume", G_VARIANT_TYPE_VARDICT);
  g_assert_true (resume == NULL || !g_variant_lookup (resume, "Asked", "b", NULL));
}

static void
test_told (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 1);
  g_autoptr (GVariant) start = world_take_order (world, "start");
  const char *method = NULL;

  g_assert_true (g_variant_lookup (start, "Method", "&s", &method));
  g_assert_cmpstr (method, ==, "POST");
  job = world_reload (world, job);
  g_assert_cmpstr (job->http_method, ==, "POST");
}

static void
test_default_is_not_told (void)
{
  static const char *const methods[] = { "", "GET" };

  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (World) world = world_new ();
      FerryJob *job = world_submit (world, 1, FALSE, FALSE);
      g_autoptr (GVariant) start = NULL;
      const char *method;

      set_method (job, methods[i]);
      g_assert_true (ferry_engine_resume (world->engine, job, NULL));
      start = world_take_order (world, "start");
      g_assert_false (g_variant_lookup (start, "Method", "&s", &method));
      g_assert_false (ferry_job_asks_once (job));
    }
}

static void
test_upload (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, FERRY_JOB_TYPE_UPLOAD, NULL, FALSE);
  g_autoptr (GVariant) start = NULL;
  g_autoptr (GVariant) stored = NULL;
  const char *method = NULL;
  guint64 attempt = 0;

  set_method (job, "PATCH");
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  start = world_take_order (world, "start-upload");
  g_assert_true (g_variant_lookup (start, "Method", "&s", &method));
  g_assert_cmpstr (method, ==, "PATCH");
  g_assert_true (g_variant_lookup (start, "Attempt", "t", &attempt));
  world_report (world, attempt, "record", ASKED);
  stored = world_take_order (world, "stored");

  world_drop_worker (world);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (world->clock, 5 * SECOND);
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (job->error->code, ==, FERRY_ERROR_CONNECTION_CLOSED);
  g_assert_false (world_has_order (world, "start-upload"));
  g_assert_false (world_has_order (world, "cancel-upload"));
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_take_upload (world);
}

static void
test_break (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 1);

  world_report (world, ask (world), "failed", BROKEN);
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  g_assert_cmpstr (job->error->message, ==, "It broke");
  world_settle (world);
  g_assert_false (world_has_order (world, "start"));
  assert_resumed (world, job);
}

static void
test_worker_dies (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 1);

  ask (world);
  world_drop_worker (world);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (world->clock, 5 * SECOND);
  assert_refused (world, job);
  assert_resumed (world, job);
}

/* Before it was written down it was not sent. */
static void
test_worker_dies_before (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 1);

  world_take_start (world);
  world_drop_worker (world);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (world->clock, 5 * SECOND);
  world_take_start (world);
}

static void
test_crash (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 1);
  g_autofree char *id = g_strdup (job->id);

  ask (world);
  world_restart (world);
  job = ferry_queue_lookup_any (world->engine->queue, id);
  assert_refused (world, job);
  /* It is not forgotten at the next start either. */
  world_restart (world);
  job = ferry_queue_lookup_any (world->engine->queue, id);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ERROR);
  assert_resumed (world, job);
}

static void
test_suspend (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 1);

  world->last_words = "{'Resume': <{'Asked': <true>}>, 'Bytes': <uint64 0>}";
  ask (world);
  g_assert_true (ferry_engine_suspend_now (world->engine, job, NULL));
  world_wait (!ferry_job_has_attempts (job));
  assert_resumed (world, job);
}

/* The order to stop is under way when the owner wants it again: what he says counts for what comes in later. */
static void
test_resume_while_it_stops (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 1);
  guint64 attempt = ask (world);

  world->stubborn = TRUE;
  g_assert_true (ferry_engine_suspend_now (world->engine, job, NULL));
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_report (world, attempt, "stopped", "{'Resume': <{'Asked': <true>}>, 'Bytes': <uint64 0>}");
  world_take_start (world);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_CONNECTING);
}

/* A Resume of what runs changes nothing. */
static void
test_resume_while_it_runs (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 1);

  ask (world);
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_drop_worker (world);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (world->clock, 5 * SECOND);
  assert_refused (world, job);
}

static void
test_network_loss (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 1);

  world->last_words = "{'Resume': <{'Asked': <true>}>, 'Bytes': <uint64 0>}";
  ask (world);
  world_set_network (world, FALSE);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR && !ferry_job_has_attempts (job));
  world_set_network (world, TRUE);
  assert_refused (world, job);
}

/* The server said that it did nothing. */
static void
test_refusal (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 1);

  /* Nor is what it was told before each of them any progress. */
  for (guint i = 1; i <= 3; i++)
    {
      world_fail (world, ask (world), ", 'Resume': <@a{sv} {}>, 'RetryAfter': <uint32 40>");
      world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
      g_assert_cmpuint (job->failures, ==, i);
      ferry_fake_clock_advance (world->clock, 40 * SECOND);
    }
  world_take_start (world);
}

/* New credentials are no order to send again what may have been carried out. */
static void
test_login_forgives_nothing (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 2);
  FerryFile *second;
  guint64 attempt = ask (world);

  world_report (world, attempt, "failed",
                "{'Error': <{'Name': <'org.ferry.Transfer1.Error.AuthenticationFailed'>, "
                "'Context': <'remote-file'>, 'Message': <'Who?'>}>, 'Transient': <false>, "
                "'Resume': <@a{sv} {}>}");
  world_report (world, ask (world), "failed", BROKEN);
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  g_assert_true (ferry_job_lacks_login (job));
  second = ferry_job_get_file (job, 1);
  ferry_engine_resume_with_login (world->engine, job);
  world_finish_file (world, 10);
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (second->state, ==, FERRY_FILE_STATE_FAILED);
  g_assert_nonnull (strstr (second->error->message, "was sent before"));
  g_assert_false (world_has_order (world, "start"));
}

/* Who asks by a method that may be repeated is no longer bound. */
static void
test_other_method (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = submit_post (world, 1);

  ask (world);
  set_method (job, "PROPFIND");
  world_drop_worker (world);
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (world->clock, 5 * SECOND);
  world_take_start (world);
}

/* == turns == */

static void
set_slots (World *world, guint slots)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_uint32 (slots));

  g_assert_true (ferry_policy_set (world->policy, "max-active-jobs", value, NULL));
}

/* Neither the end of its time nor a higher priority ends it; its other files wait. */
static void
test_turns (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job;
  FerryJob *urgent;
  guint64 attempt;

  set_slots (world, 1);
  job = submit_post (world, 2);
  attempt = ask (world);
  urgent = world_submit_urgent (world);
  ferry_fake_clock_advance (world->clock, 40 * SECOND);
  world_settle (world);
  g_assert_false (world_has_order (world, "stop"));
  g_assert_true (ferry_job_has_running_attempts (job));
  g_assert_cmpint (urgent->state, ==, FERRY_JOB_STATE_QUEUED);

  world_report (world, attempt, "done", "{'Bytes': <uint64 10>}");
  world_take_start (world);
  g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_QUEUED);
  g_assert_cmpint (urgent->state, ==, FERRY_JOB_STATE_CONNECTING);
  world_settle (world);
  g_assert_false (world_has_order (world, "start"));
}

/* One that may be repeated is stopped as ever. */
static void
test_turns_of_others (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job;

  set_slots (world, 1);
  job = world_submit (world, 1, FALSE, FALSE);
  set_method (job, "PROPFIND");
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_take_start (world);
  world_submit_urgent (world);
  g_variant_unref (world_take_order (world, "stop"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/once/told", test_told);
  g_test_add_func ("/once/default", test_default_is_not_told);
  g_test_add_func ("/once/upload", test_upload);
  g_test_add_func ("/once/break", test_break);
  g_test_add_func ("/once/worker-dies", test_worker_dies);
  g_test_add_func ("/once/worker-dies-before", test_worker_dies_before);
  g_test_add_func ("/once/crash", test_crash);
  g_test_add_func ("/once/suspend", test_suspend);
  g_test_add_func ("/once/resume-while-it-stops", test_resume_while_it_stops);
  g_test_add_func ("/once/resume-while-it-runs", test_resume_while_it_runs);
  g_test_add_func ("/once/network-loss", test_network_loss);
  g_test_add_func ("/once/refusal", test_refusal);
  g_test_add_func ("/once/login", test_login_forgives_nothing);
  g_test_add_func ("/once/other-method", test_other_method);
  g_test_add_func ("/once/turns", test_turns);
  g_test_add_func ("/once/turns-of-others", test_turns_of_others);
  return g_test_run ();
}
