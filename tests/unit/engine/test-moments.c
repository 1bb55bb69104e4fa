/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bad moments: a crash between two steps, a change while something is asked, two things at once. */

#include "engine-world.h"

#include <unistd.h>

#define CONNECT_FAILED                                                                             \
  "{'Transient': <true>, 'Error': <{'Name': <'org.ferry.Transfer1.Error.ConnectFailed'>, "         \
  "'Context': <'transport'>, 'Message': <'refused'>}>%s}"

static FerryJob *
restart (World *world, FerryJob *job)
{
  g_autofree char *id = g_strdup (job->id);

  world_settle (world);
  world_restart (world);
  return ferry_queue_lookup_any (ferry_engine_get_queue (world->engine), id);
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
  restart (world, job);
  world_take_start (world);
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
  job = restart (world, job);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/moments/network-before-us", test_network_is_back_before_us);
  g_test_add_func ("/moments/crash-before-publishing", test_crash_before_publishing_begins);
  g_test_add_func ("/moments/auto-complete-late", test_auto_complete_set_late);
  return g_test_run ();
}
