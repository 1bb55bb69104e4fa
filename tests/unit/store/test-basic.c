/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store-fixture.h"

#include <sys/stat.h>

static void
test_round_trip (void)
{
  char *directory = store_fixture_make_directory ();
  FerryStore *store = store_fixture_open (directory);
  FerryQueue *queue = store_fixture_load (store, NULL);
  g_autoptr (FerryJob) full = store_fixture_make_job (1, 3);
  g_autoptr (FerryJob) empty = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 0, "root");
  FerryQueue *loaded;

  ferry_job_add_file (empty, ferry_file_new ("http://h/", "/x"));
  ferry_queue_add (queue, full);
  ferry_queue_add (queue, empty);
  g_assert_no_error (store_fixture_commit (store));
  store_fixture_close (store);
  g_object_unref (queue);

  store = store_fixture_open (directory);
  loaded = store_fixture_load (store, NULL);
  store_fixture_assert_same (ferry_queue_lookup_any (loaded, full->id), full);
  store_fixture_assert_same (ferry_queue_lookup_any (loaded, empty->id), empty);
  store_fixture_close (store);
  g_object_unref (loaded);
  store_fixture_remove (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/round-trip", test_round_trip);
  return g_test_run ();
}
