/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who hears of what; above all, who does not. */

#include "ferry-subscriptions.h"

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

static void
assert_heard_by (FerrySubscriptions *subscriptions, uid_t uid, const char *id, const char *wanted)
{
  g_autoptr (GPtrArray) names = ferry_subscriptions_list (subscriptions, uid, id);
  g_autofree char *joined = NULL;

  g_assert_cmpint (names->len > 0, ==, ferry_subscriptions_has (subscriptions, uid, id));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  joined = g_strjoinv (" ", (char **) names->pdata);
  g_assert_cmpstr (joined, ==, wanted);
}

static void
test_one_job (void)
{
  g_autoptr (FerrySubscriptions) subscriptions = ferry_subscriptions_new ();

  assert_heard_by (subscriptions, 1000, "a", "");
  ferry_subscriptions_add (subscriptions, ":1.1", 1000, "a");
  ferry_subscriptions_add (subscriptions, ":1.2", 1000, "a");
  ferry_subscriptions_add (subscriptions, ":1.2", 1000, "b");
  ferry_subscriptions_add (subscriptions, ":1.2", 1000, "b");
  assert_heard_by (subscriptions, 1000, "a", ":1.1 :1.2");
  assert_heard_by (subscriptions, 1000, "b", ":1.2");
  assert_heard_by (subscriptions, 1000, "c", "");
  assert_heard_by (subscriptions, 1000, NULL, "");

  ferry_subscriptions_remove_job (subscriptions, 1000, "a");
  assert_heard_by (subscriptions, 1000, "a", "");
  assert_heard_by (subscriptions, 1000, "b", ":1.2");
}

static void
test_all_jobs (void)
{
  g_autoptr (FerrySubscriptions) subscriptions = ferry_subscriptions_new ();

  ferry_subscriptions_add (subscriptions, ":1.1", 1000, "a");
  ferry_subscriptions_add_all (subscriptions, ":1.1", 1000);
  ferry_subscriptions_add (subscriptions, ":1.1", 1000, "b");
  ferry_subscriptions_add (subscriptions, ":1.2", 1000, "b");
  assert_heard_by (subscriptions, 1000, NULL, ":1.1");
  assert_heard_by (subscriptions, 1000, "c", ":1.1");
  assert_heard_by (subscriptions, 1000, "b", ":1.1 :1.2");

  /* Who hears of all still does when one is gone. */
  ferry_subscriptions_remove_job (subscriptions, 1000, "b");
  assert_heard_by (subscriptions, 1000, "b", ":1.1");
}

static void
test_other_users (void)
{
  g_autoptr (FerrySubscriptions) subscriptions = ferry_subscriptions_new ();

  ferry_subscriptions_add_all (subscriptions, ":1.1", 1000);
  ferry_subscriptions_add (subscriptions, ":1.1", 1000, "a");
  ferry_subscriptions_add_all (subscriptions, ":1.3", 0);
  assert_heard_by (subscriptions, 1001, "a", "");
  assert_heard_by (subscriptions, 1001, NULL, "");
  assert_heard_by (subscriptions, 0, "a", ":1.3");
  assert_heard_by (subscriptions, 1000, "a", ":1.1");
  ferry_subscriptions_remove_job (subscriptions, 1001, "a");
  assert_heard_by (subscriptions, 1000, "a", ":1.1");
}

static void
test_names_leave (void)
{
  g_autoptr (FerrySubscriptions) subscriptions = ferry_subscriptions_new ();

  ferry_subscriptions_add_all (subscriptions, ":1.1", 1000);
  ferry_subscriptions_add (subscriptions, ":1.2", 1000, "a");
  ferry_subscriptions_remove_name (subscriptions, ":1.1");
  ferry_subscriptions_remove_name (subscriptions, ":1.9");
  assert_heard_by (subscriptions, 1000, "a", ":1.2");
  assert_heard_by (subscriptions, 1000, NULL, "");
  ferry_subscriptions_remove_name (subscriptions, ":1.2");
  assert_heard_by (subscriptions, 1000, "a", "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/subscriptions/one-job", test_one_job);
  g_test_add_func ("/subscriptions/all-jobs", test_all_jobs);
  g_test_add_func ("/subscriptions/other-users", test_other_users);
  g_test_add_func ("/subscriptions/names-leave", test_names_leave);
  return g_test_run ();
}
