/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the lives of jobs tell the journal, and what they do not. */

#include "engine-world.h"
#include "ferry-engine-private.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/* Events as "job-failed(NotFound) ": the word, and what it adds to ids. */
static GString *told; /* (owned) */

static const char *
find_field (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    {
      if (g_str_equal (fields[i].key, key))
        return fields[i].value;
    }
  return NULL;
}

static GLogWriterOutput
writer_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  static const char *const keys[] = { "FERRY_ERROR", "FERRY_REASON", "FERRY_BY",
                                      "FERRY_FORMER_UID" };
  const char *event = find_field (fields, n_fields, "FERRY_EVENT");

  if (event == NULL)
    return g_log_writer_default (level, fields, n_fields, data);

  g_string_append (told, event);
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      const char *value = find_field (fields, n_fields, keys[i]);

      if (value != NULL)
        g_string_append_printf (told, "(%s)", value);
    }
  g_string_append_c (told, ' ');

  /* Nothing of what the job is about. */
  for (gsize i = 0; i < n_fields; i++)
    {
      g_assert_null (strstr (fields[i].value, "server.example"));
      g_assert_null (strstr (fields[i].value, "target"));
      g_assert_null (strstr (fields[i].value, "/source/"));
      g_assert_null (strstr (fields[i].value, "Mark"));
    }
  return G_LOG_WRITER_HANDLED;
}

static void
assert_told (World *world, const char *expected)
{
  world_settle (world);
  g_assert_cmpstr (told->str, ==, expected);
  g_string_set_size (told, 0);
}

static void
test_life (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  guint published, discarded;

  assert_told (world, "job-created ");
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_take_start (world);
  assert_told (world, "job-resumed ");
  ferry_engine_suspend_async (world->engine, job, NULL, NULL);
  assert_told (world, "job-suspended ");
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_finish_file (world, 10);
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  assert_told (world, "job-resumed job-transferred ");
  world_complete (world, job, &published, &discarded);
  assert_told (world, "job-completed ");
}

static void
test_errors (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, TRUE, FALSE);

  world_report (world, world_take_start (world), "failed",
                "{'Transient': <true>, 'RetryAfter': <uint32 120>, 'Error': <{'Name': "
                "<'org.ferry.Transfer1.Error.ConnectFailed'>, 'Message': <'Mark'>}>}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  assert_told (world, "job-created job-resumed job-interrupted(ConnectFailed) ");
  ferry_fake_clock_advance (world->clock, 120 * SECOND);
  world_take_start (world);
  world_set_network (world, FALSE);
  assert_told (world, "job-interrupted(network) ");
  world_set_network (world, TRUE);
  world_report (
      world, world_take_start (world), "failed",
      "{'Error': <{'Name': <'org.ferry.Transfer1.Error.NotFound'>, 'Message': <'Mark'>}>}");
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  assert_told (world, "job-failed(NotFound) ");
}

static void
test_restarts (void)
{
  g_autoptr (World) world = world_new ();
  guint64 attempt;

  world_submit (world, 1, TRUE, FALSE);
  attempt = world_take_start (world);
  world_report (world, attempt, "restarted", "{'Reason': <'no-validator'>}");
  world_report (world, attempt, "restarted", "{'Reason': <'Mark me'>}");
  world_wait (strstr (told->str, "restarted ") != NULL);
  assert_told (world, "job-created job-resumed file-restarted(no-validator) file-restarted ");
}

/* The reply's own affairs are in none of it. */
static void
test_uploads (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit_upload (world, FERRY_JOB_TYPE_UPLOAD_REPLY, "/target/Mark", TRUE);
  guint64 attempt = world_take_upload (world);
  guint published, discarded;

  world_report (world, attempt, "restarted", "{'Reason': <'session-lost'>}");
  world_report (world, attempt, "restarted", "{'Reason': <'not-resumable'>}");
  world_report (world, attempt, "done",
                "{'Bytes': <uint64 1000>, 'ReplyUrl': <'http://server.example/Mark'>}");
  attempt = world_take_start (world);
  world_report (world, attempt, "restarted", "{'Reason': <'no-validator'>}");
  world_report (world, attempt, "done", "{'Bytes': <uint64 5>}");
  world_wait (job->state == FERRY_JOB_STATE_TRANSFERRED);
  assert_told (world, "job-created job-resumed file-restarted(session-lost) "
                      "file-restarted(not-resumable) job-transferred ");
  world_complete (world, job, &published, &discarded);
  assert_told (world, "job-completed ");
}

static void
cancelled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_true (ferry_engine_cancel_finish (FERRY_ENGINE (source), result, NULL));
  *(gboolean *) data = TRUE;
}

static void
test_who_cancels (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job;
  gboolean cancelled = FALSE;

  world_cancel (world, world_submit (world, 1, FALSE, FALSE));
  assert_told (world, "job-created job-cancelled(owner) ");

  job = world_submit (world, 1, FALSE, FALSE);
  ferry_engine_cancel_async (world->engine, job,
                             ferry_failure_new (FERRY_ERROR_CANCELLED_BY_ADMINISTRATOR,
                                                FERRY_ERROR_CONTEXT_GENERAL, -1, 0, "Mark"),
                             cancelled_cb, &cancelled);
  world_wait (cancelled);
  assert_told (world, "job-created job-cancelled(administrator) ");

  job = world_submit (world, 0, FALSE, FALSE);
  ferry_fake_clock_advance (world->clock, 90 * DAY);
  world_wait (job->state == FERRY_JOB_STATE_CANCELLED);
  assert_told (world, "job-created job-cancelled(inactivity) ");
}

static void
test_owner_vanished (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);

  g_free (job->owner_name);
  job->owner_name = g_strdup ("somebody-before");
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  world_settle (world);
  world_restart (world);
  assert_told (world, "job-created job-cancelled(owner-vanished) ");
}

static void
taken_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_true (ferry_engine_take_finish (FERRY_ENGINE (source), result, NULL));
  *(gboolean *) data = TRUE;
}

static void
test_taken (void)
{
  g_autoptr (World) world = world_new ();
  g_autoptr (FerryJob) job = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1, "daemon");
  gboolean taken = FALSE;

  ferry_queue_add (ferry_engine_get_queue (world->engine), job);
  ferry_engine_take_async (world->engine, job, geteuid (), g_get_user_name (), FALSE, taken_cb,
                           &taken);
  world_wait (taken);
  assert_told (world, "job-taken(1) ");
}

static void
test_worker (void)
{
  g_autoptr (World) world = world_new ();

  world_submit (world, 1, TRUE, FALSE);
  world_take_start (world);
  world_drop_worker (world);
  world_wait (strstr (told->str, "interrupted") != NULL);
  assert_told (world, "job-created job-resumed worker-failed job-interrupted(WorkerFailed) ");
}

/* What was not stored did not happen. */
static void
test_failed_commit (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  struct rlimit before, none;

  assert_told (world, "job-created ");
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  none = before;
  none.rlim_cur = 0;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &none), ==, 0);
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "The change could not be stored*");
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  world_settle (world);
  g_test_assert_expected_messages ();
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  assert_told (world, "");
}

static void
test_no_user_fills_the_journal (void)
{
  g_autoptr (World) world = world_new ();
  FerryJob *job = world_submit (world, 1, FALSE, FALSE);
  guint count = 0;

  for (guint i = 0; i < 2000; i++)
    ferry_engine_record_created (world->engine, job);
  world_settle (world);
  for (const char *p = told->str; (p = strstr (p, "job-created ")) != NULL; p++)
    count++;
  g_assert_cmpuint (count, ==, 999);
  g_assert_nonnull (strstr (told->str, "jobs-not-logged "));
  g_assert_null (strstr (strstr (told->str, "jobs-not-logged ") + 1, "jobs-not-logged "));

  g_string_set_size (told, 0);
  ferry_fake_clock_advance (world->clock, 30 * SECOND);
  ferry_engine_record_created (world->engine, job);
  assert_told (world, "job-created ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  told = g_string_new (NULL);
  g_log_set_writer_func (writer_cb, NULL, NULL);
  g_test_add_func ("/record/life", test_life);
  g_test_add_func ("/record/errors", test_errors);
  g_test_add_func ("/record/restarts", test_restarts);
  g_test_add_func ("/record/who-cancels", test_who_cancels);
  g_test_add_func ("/record/owner-vanished", test_owner_vanished);
  g_test_add_func ("/record/taken", test_taken);
  g_test_add_func ("/record/worker", test_worker);
  g_test_add_func ("/record/failed-commit", test_failed_commit);
  g_test_add_func ("/record/not-without-bound", test_no_user_fills_the_journal);
  g_test_add_func ("/record/uploads", test_uploads);
  return g_test_run ();
}
