/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-queue.h"

static FerryJob *
add_job (FerryQueue *queue, uid_t uid)
{
  g_autoptr (FerryJob) job = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, uid, "somebody");

  ferry_queue_add (queue, job);
  return job;
}

static void
test_foreign_jobs_are_not_found (void)
{
  g_autoptr (FerryQueue) queue = ferry_queue_new ();
  FerryJob *job = add_job (queue, 1000);

  g_assert_true (ferry_queue_lookup (queue, 1000, job->id) == job);
  g_assert_null (ferry_queue_lookup (queue, 1001, job->id));
  /* Root is an owner like any other. */
  g_assert_null (ferry_queue_lookup (queue, 0, job->id));
  g_assert_null (ferry_queue_lookup (queue, 1000, "no id"));
  g_assert_null (ferry_queue_lookup (queue, 1000, NULL));
  g_assert_true (ferry_queue_lookup_any (queue, job->id) == job);
}

static void
test_order (void)
{
  g_autoptr (FerryQueue) queue = ferry_queue_new ();
  FerryJob *first = add_job (queue, 1000);
  FerryJob *other = add_job (queue, 1001);
  FerryJob *second = add_job (queue, 1000);
  g_autoptr (GPtrArray) own = ferry_queue_list (queue, 1000);
  g_autoptr (GPtrArray) all = ferry_queue_list_all (queue);
  g_autoptr (GPtrArray) none = ferry_queue_list (queue, 1002);

  g_assert_cmpuint (own->len, ==, 2);
  g_assert_true (own->pdata[0] == first && own->pdata[1] == second);
  g_assert_cmpuint (all->len, ==, 3);
  g_assert_true (all->pdata[0] == first && all->pdata[1] == other && all->pdata[2] == second);
  g_assert_cmpuint (none->len, ==, 0);
}

static void
test_sequence_of_the_store_is_kept (void)
{
  g_autoptr (FerryQueue) queue = ferry_queue_new ();
  g_autoptr (FerryJob) loaded = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1000, "somebody");
  FerryJob *later;

  loaded->sequence = 41;
  ferry_queue_add (queue, loaded);
  later = add_job (queue, 1000);
  g_assert_cmpuint (loaded->sequence, ==, 41);
  g_assert_cmpuint (later->sequence, ==, 42);
}

static void
test_counts (void)
{
  g_autoptr (FerryQueue) queue = ferry_queue_new ();
  FerryJob *first = add_job (queue, 1000);
  FerryJob *exempt = add_job (queue, 1000);

  add_job (queue, 1001);
  exempt->exempt = TRUE;
  ferry_job_touch (exempt, FERRY_CHANGE_JOB);
  g_assert_cmpuint (ferry_queue_count_user (queue, 1000), ==, 1);
  g_assert_cmpuint (ferry_queue_count_all (queue), ==, 2);
  g_assert_cmpuint (ferry_queue_count_user (queue, 7), ==, 0);

  /* Transferred ones count, final ones do not. */
  ferry_job_apply (first, FERRY_JOB_EVENT_FINISH, NULL);
  g_assert_cmpuint (ferry_queue_count_user (queue, 1000), ==, 1);
  ferry_job_apply (first, FERRY_JOB_EVENT_COMPLETE, NULL);
  g_assert_cmpuint (ferry_queue_count_user (queue, 1000), ==, 0);
  g_assert_cmpuint (ferry_queue_count_final (queue, 1000), ==, 1);

  /* One that loses its exemption counts, one that leaves does not. */
  exempt->exempt = FALSE;
  ferry_job_touch (exempt, FERRY_CHANGE_JOB);
  g_assert_cmpuint (ferry_queue_count_user (queue, 1000), ==, 1);
  g_assert_cmpuint (ferry_queue_count_all (queue), ==, 2);
  ferry_queue_set_owner (queue, exempt, 1001, "bob");
  g_assert_cmpuint (ferry_queue_count_user (queue, 1000), ==, 0);
  g_assert_cmpuint (ferry_queue_count_user (queue, 1001), ==, 2);
  ferry_queue_remove (queue, exempt);
  ferry_queue_remove (queue, first);
  g_assert_cmpuint (ferry_queue_count_all (queue), ==, 1);
  g_assert_cmpuint (ferry_queue_count_final (queue, 1000), ==, 0);
}

static void
test_new_owner (void)
{
  g_autoptr (FerryQueue) queue = ferry_queue_new ();
  FerryJob *job = add_job (queue, 1000);

  ferry_queue_set_owner (queue, job, 1001, "bob");
  g_assert_null (ferry_queue_lookup (queue, 1000, job->id));
  g_assert_true (ferry_queue_lookup (queue, 1001, job->id) == job);
  g_assert_cmpstr (job->owner_name, ==, "bob");
  g_assert_true (job->dirty);
  g_assert_cmpuint (ferry_queue_count_user (queue, 1000), ==, 0);
}

static void
note_cb (FerryQueue *queue, FerryJob *job, gpointer data)
{
  ++*(guint *) data;
}

static void
note_change_cb (FerryQueue *queue, FerryJob *job, guint change, gpointer data)
{
  ++*(guint *) data;
}

static void
test_signals (void)
{
  g_autoptr (FerryQueue) queue = ferry_queue_new ();
  g_autoptr (FerryJob) job = NULL;
  guint added = 0;
  guint changed = 0;
  guint removed = 0;

  g_signal_connect (queue, "job-added", G_CALLBACK (note_cb), &added);
  g_signal_connect (queue, "job-changed", G_CALLBACK (note_change_cb), &changed);
  g_signal_connect (queue, "job-removed", G_CALLBACK (note_cb), &removed);
  job = g_object_ref (add_job (queue, 1000));
  ferry_job_touch (job, FERRY_CHANGE_PROGRESS);
  ferry_queue_remove (queue, job);
  /* Nobody hears of it once it is out. */
  ferry_job_touch (job, FERRY_CHANGE_PROGRESS);

  g_assert_cmpuint (added, ==, 1);
  g_assert_cmpuint (changed, ==, 1);
  g_assert_cmpuint (removed, ==, 1);
  g_assert_null (ferry_queue_lookup_any (queue, job->id));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/queue/foreign", test_foreign_jobs_are_not_found);
  g_test_add_func ("/queue/order", test_order);
  g_test_add_func ("/queue/sequence", test_sequence_of_the_store_is_kept);
  g_test_add_func ("/queue/counts", test_counts);
  g_test_add_func ("/queue/owner", test_new_owner);
  g_test_add_func ("/queue/signals", test_signals);
  return g_test_run ();
}
