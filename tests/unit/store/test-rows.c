/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stray values cost their row and nothing else; what goes unread is told. */

#include "store-fixture.h"

#include <string.h>

typedef struct
{
  char *directory; /* (owned) */
  char *ids[3];    /* (owned): of the jobs 1, 2, 3 with two files each */
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  FerryStore *store;
  FerryQueue *queue;

  self->directory = store_fixture_make_directory ();
  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (self->ids); i++)
    {
      g_autoptr (FerryJob) job = store_fixture_make_job (i, 2);

      job->state = FERRY_JOB_STATE_QUEUED;
      ferry_queue_add (queue, job);
      self->ids[i] = g_strdup (job->id);
    }
  ferry_store_set_value (store, "good", g_variant_new_uint32 (1));
  ferry_store_set_value (store, "bad", g_variant_new_uint32 (1));
  store_fixture_close (store);
  g_object_unref (queue);
  g_free (store_fixture_take_log ());
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->ids); i++)
    g_free (self->ids[i]);
  store_fixture_remove (self->directory);
}

typedef struct
{
  const char *sql;
  gboolean there; /* job 2 is still loaded */
  const char *state;
  guint n_files;
  const char *log;
} Case;

static const Case cases[] = {
  { "UPDATE jobs SET id = NULL WHERE sequence = 2", FALSE, NULL, 0, "row 2 is no job" },
  { "UPDATE jobs SET id = 'ABC' WHERE sequence = 2", FALSE, NULL, 0, "row 2 is no job" },
  { "UPDATE jobs SET owner = -1 WHERE sequence = 2", FALSE, NULL, 0, "row 2 is no job" },
  { "UPDATE jobs SET owner = 4294967295 WHERE sequence = 2", FALSE, NULL, 0, "row 2 is no job" },
  { "UPDATE jobs SET owner = 'me' WHERE sequence = 2", FALSE, NULL, 0, "row 2 is no job" },
  { "UPDATE jobs SET owner_name = NULL WHERE sequence = 2", FALSE, NULL, 0, "row 2 is no job" },
  { "UPDATE jobs SET type = 'teleport' WHERE sequence = 2", FALSE, NULL, 0, "row 2 is no job" },
  { "UPDATE jobs SET id = (SELECT id FROM jobs WHERE sequence = 1) WHERE sequence = 2", FALSE, NULL,
    0, "is in the store twice" },
  { "UPDATE jobs SET state = 'dancing' WHERE sequence = 2", TRUE, "error", 2,
    "Its state was unreadable" },
  { "UPDATE jobs SET state = NULL WHERE sequence = 2", TRUE, "error", 2,
    "Its state was unreadable" },
  { "UPDATE jobs SET priority = 'first', proxy_usage = 5, minimum_retry_delay = -5,"
    " no_progress_timeout = 'x', request_headers = X'00', proxy_bypass = 'a', error = X'0102',"
    " display_name = X'FF', description = NULL, next_index = -1 WHERE sequence = 2",
    TRUE, "queued", 2, "" },
  { "UPDATE jobs SET display_name = CAST (X'C3' AS TEXT) WHERE sequence = 2", TRUE, "queued", 2,
    "" },
  { "UPDATE files SET remote_url = NULL WHERE job = 2 AND idx = 0", TRUE, "error", 1,
    "A file of it was unreadable" },
  { "UPDATE files SET local_path = 'relative' WHERE job = 2 AND idx = 0", TRUE, "error", 1,
    "A file of it was unreadable" },
  { "UPDATE files SET idx = -7 WHERE job = 2 AND idx = 0", TRUE, "error", 1,
    "A file of it was unreadable" },
  { "UPDATE files SET idx = 4294967295 WHERE job = 2 AND idx = 1", TRUE, "error", 1,
    "A file of it was unreadable" },
  { "UPDATE files SET idx = 4294967294 WHERE job = 2 AND idx = 1", TRUE, "error", 1,
    "A file of it was unreadable" },
  { "UPDATE files SET remote_url = '' WHERE job = 2 AND idx = 1", TRUE, "error", 1,
    "A file of it was unreadable" },
  { "UPDATE jobs SET upload_protocol = 'gopher', resolved_upload_protocol = 5, resumable = 'x',"
    " reply_path = 'relative' WHERE sequence = 2",
    TRUE, "queued", 2, "" },
  { "UPDATE jobs SET type = 'upload-reply' WHERE sequence = 2;"
    "UPDATE files SET idx = 4294967294, remote_url = '' WHERE job = 2 AND idx = 1",
    TRUE, "queued", 2, "" },
  { "UPDATE jobs SET http_method = 'GET /x' WHERE sequence = 2", TRUE, "error", 2,
    "Its HttpMethod was unreadable" },
  { "UPDATE jobs SET http_method = X'47' WHERE sequence = 2", TRUE, "error", 2,
    "Its HttpMethod was unreadable" },
  { "UPDATE jobs SET http_method = 'ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG' WHERE sequence = 2", TRUE,
    "error", 2, "Its HttpMethod was unreadable" },
  { "UPDATE jobs SET http_method = NULL WHERE sequence = 2", TRUE, "queued", 2, "" },
  { "UPDATE files SET state = 'lost' WHERE job = 2 AND idx = 0", TRUE, "error", 2,
    "The state of a file of it was unreadable" },
  { "UPDATE files SET digest = X'17' WHERE job = 2 AND idx = 0", TRUE, "error", 2,
    "The digest of a file of it was unreadable" },
  { "UPDATE files SET ranges = X'0102030405' WHERE job = 2 AND idx = 0", TRUE, "error", 2,
    "The ranges of a file of it were unreadable" },
  { "UPDATE files SET resume = X'FFFF', mode = 'x', error = 7, response_headers = 'x',"
    " validator = X'00', http_status = -1 WHERE job = 2",
    TRUE, "queued", 2, "" },
  { "INSERT INTO files (job, idx) VALUES (77, 0)", TRUE, "queued", 2, "" },
  { "UPDATE named_values SET value = X'' WHERE name = 'bad'", TRUE, "queued", 2, "value bad" },
  { "INSERT INTO duties (owner, path, temporary_name) VALUES (NULL, '/x', 'y')", TRUE, "queued", 2,
    "duty 1 is unreadable" },
};

static void
test_stray (Fixture *self, gconstpointer data)
{
  const Case *test = data;
  FerryStore *store;
  FerryQueue *queue;
  FerryJob *job;
  g_autofree char *log = NULL;
  g_autoptr (GVariant) value = NULL;

  store_fixture_sql (self->directory, test->sql);
  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  log = store_fixture_take_log ();
  if (test->log[0] != '\0')
    g_assert_nonnull (strstr (log, test->log));
  else
    g_assert_cmpstr (log, ==, "");

  job = ferry_queue_lookup_any (queue, self->ids[1]);
  g_assert_cmpint (job != NULL, ==, test->there);
  if (job != NULL)
    {
      g_assert_cmpstr (ferry_job_state_to_string (job->state), ==, test->state);
      g_assert_cmpuint (job->files->len, ==, test->n_files);
    }

  /* The others are as they were. */
  for (guint i = 0; i < G_N_ELEMENTS (self->ids); i += 2)
    {
      job = ferry_queue_lookup_any (queue, self->ids[i]);
      g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_QUEUED);
      g_assert_cmpuint (job->files->len, ==, 2);
    }
  value = ferry_store_get_value (store, "good");
  g_assert_nonnull (value);
  store_fixture_close (store);
  g_object_unref (queue);
}

/* Nobody knows what it said: with a method that must not be sent twice the file waits for its owner. */
static void
test_lost_resume (Fixture *self, gconstpointer data)
{
  FerryStore *store;
  FerryQueue *queue;

  store_fixture_sql (self->directory, "UPDATE files SET resume = X'FFFF' WHERE job = 2;"
                                      "UPDATE files SET resume = NULL WHERE job = 1");
  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  g_assert_true (
      ferry_file_was_asked (ferry_job_get_file (ferry_queue_lookup_any (queue, self->ids[1]), 0)));
  for (guint i = 0; i < G_N_ELEMENTS (self->ids); i += 2)
    g_assert_false (ferry_file_was_asked (
        ferry_job_get_file (ferry_queue_lookup_any (queue, self->ids[i]), 0)));
  store_fixture_close (store);
  g_object_unref (queue);
}

/* The number of a row that was left out may be given again; its files are not inherited. */
static void
test_number_again (Fixture *self, gconstpointer data)
{
  g_autoptr (FerryJob) job = store_fixture_make_job (9, 1);
  FerryStore *store;
  FerryQueue *queue;

  store_fixture_sql (self->directory, "UPDATE jobs SET type = 'x' WHERE sequence = 3");
  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  ferry_queue_add (queue, job);
  g_assert_cmpuint (job->sequence, ==, 3);
  store_fixture_close (store);
  g_object_unref (queue);

  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  store_fixture_assert_same (ferry_queue_lookup_any (queue, job->id), job);
  store_fixture_close (store);
  g_object_unref (queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  store_fixture_collect_log ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/store/rows/stray/%u", i);

      g_test_add (path, Fixture, &cases[i], set_up, test_stray, tear_down);
    }
  g_test_add ("/store/rows/lost-resume", Fixture, NULL, set_up, test_lost_resume, tear_down);
  g_test_add ("/store/rows/number-again", Fixture, NULL, set_up, test_number_again, tear_down);
  return g_test_run ();
}
