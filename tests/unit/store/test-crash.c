/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process that is killed at any moment has lost nothing that it acknowledged, and left no commit half done. */

#include "store-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_KILLS  40
#define FIRST_ID "00000000000000000000000000000000"

static const char *program;

/* --- the process to be killed --- */

typedef struct
{
  FerryStore *store;
  FerryQueue *queue;
  guint64 number; /* of the change that is being noted */
} Writer;

static void write_next (Writer *self);

/* One line is one promise. */
static void
acknowledged_cb (const GError *error, gpointer data)
{
  g_autofree guint64 *number = data;

  g_assert_no_error (error);
  printf ("%" G_GUINT64_FORMAT "\n", *number);
  fflush (stdout);
}

static gboolean
next_cb (gpointer data)
{
  write_next (data);
  return G_SOURCE_CONTINUE;
}

/* The same number in a value, in a job and in a file, and a job of its own that the next but three takes away. */
static void
write_next (Writer *self)
{
  FerryJob *job = ferry_queue_lookup_any (self->queue, FIRST_ID);
  FerryFile *file = ferry_job_get_file (job, 0);
  g_autofree char *id = NULL;
  g_autofree char *old_id = NULL;
  g_autoptr (FerryJob) own = NULL;

  self->number++;
  ferry_store_set_value (self->store, "number", g_variant_new_uint64 (self->number));
  job->creation_time = (gint64) self->number;
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  file->restarts = (guint) self->number;
  ferry_job_touch_file (job, file, 0);

  id = g_strdup_printf ("%032" G_GINT64_MODIFIER "x", self->number);
  own = ferry_job_new_with_id (id, FERRY_JOB_TYPE_DOWNLOAD, 1000, "user");
  ferry_job_add_file (own, ferry_file_new ("http://h/", "/x"));
  ferry_queue_add (self->queue, own);
  if (self->number > 3)
    {
      old_id = g_strdup_printf ("%032" G_GINT64_MODIFIER "x", self->number - 3);
      if (ferry_queue_lookup_any (self->queue, old_id) != NULL)
        ferry_queue_remove (self->queue, ferry_queue_lookup_any (self->queue, old_id));
    }

  ferry_store_after_commit (self->store, acknowledged_cb,
                            g_memdup2 (&self->number, sizeof self->number));
}

static void
run_writer (const char *directory)
{
  Writer self = { NULL, NULL, 0 };
  g_autoptr (GVariant) value = NULL;

  self.store = store_fixture_open (directory);
  self.queue = store_fixture_load (self.store, NULL);
  value = ferry_store_get_value (self.store, "number");
  if (value != NULL)
    self.number = g_variant_get_uint64 (value);
  if (ferry_queue_lookup_any (self.queue, FIRST_ID) == NULL)
    {
      g_autoptr (FerryJob)
          job = ferry_job_new_with_id (FIRST_ID, FERRY_JOB_TYPE_DOWNLOAD, 1000, "user");

      ferry_job_add_file (job, ferry_file_new ("http://h/", "/x"));
      ferry_queue_add (self.queue, job);
    }
  /* More than one is under way at a time. */
  g_idle_add (next_cb, &self);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}

/* --- the test --- */

static guint64
run_and_kill (const char *directory, guint promises)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                                                      program, "--writer", directory, NULL);
  g_autoptr (GDataInputStream)
      lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  guint64 last = 0;
  char *line;

  g_assert_no_error (error);
  for (guint i = 0; (line = g_data_input_stream_read_line (lines, NULL, NULL, NULL)) != NULL; i++)
    {
      last = g_ascii_strtoull (line, NULL, 10);
      g_free (line);
      if (i == promises)
        g_subprocess_force_exit (process);
    }
  g_subprocess_wait (process, NULL, NULL);
  g_assert_true (g_subprocess_get_if_signaled (process));
  g_assert_cmpint (g_subprocess_get_term_sig (process), ==, 9);
  return last;
}

static void
check (const char *directory, guint64 promised)
{
  FerryStore *store = store_fixture_open (directory);
  FerryQueue *queue = store_fixture_load (store, NULL);
  g_autoptr (GPtrArray) list = ferry_queue_list_all (queue);
  g_autoptr (GVariant) value = ferry_store_get_value (store, "number");
  FerryJob *job = ferry_queue_lookup_any (queue, FIRST_ID);
  guint64 number = value != NULL ? g_variant_get_uint64 (value) : 0;

  g_assert_cmpuint (number, >=, promised);
  if (job == NULL)
    {
      g_assert_cmpuint (list->len, ==, 0);
      store_fixture_close (store);
      g_object_unref (queue);
      return;
    }

  g_assert_cmpint (job->creation_time, ==, (gint64) number);
  g_assert_cmpuint (ferry_job_get_file (job, 0)->restarts, ==, number);
  /* The last three, and the one that is always there. */
  g_assert_cmpuint (list->len, ==, 1 + MIN (number, 3));
  for (guint i = 1; i < list->len; i++)
    {
      const FerryJob *own = g_ptr_array_index (list, i);

      g_assert_cmpuint (g_ascii_strtoull (own->id, NULL, 16), ==, number - (list->len - 1) + i);
      g_assert_cmpuint (own->files->len, ==, 1);
    }
  store_fixture_close (store);
  g_object_unref (queue);
}

static void
test_kill (void)
{
  char *directory = store_fixture_make_directory ();

  for (guint i = 0; i < N_KILLS; i++)
    {
      guint64 promised = run_and_kill (directory, (guint) g_test_rand_int_range (0, 120));

      /* Every other time the next process finds the log as it was left. */
      if (i % 2 == 0)
        check (directory, promised);
    }
  check (directory, 1);
  store_fixture_remove (directory);
}

/* The log that the killed one has left is cut or garbled anywhere: what it holds up to there is good. */
static void
test_garbled_log (void)
{
  for (guint i = 0; i < 12; i++)
    {
      char *directory = store_fixture_make_directory ();
      g_autofree char *path = store_fixture_path (directory, "ferry.db-wal");
      g_autofree char *bytes = NULL;
      gsize length;
      gint32 at;

      run_and_kill (directory, 60);
      g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
      at = g_test_rand_int_range (0, (gint32) length - 16);
      if (i % 2 == 0)
        length = (gsize) at;
      else
        memset (bytes + at, 0xa5, 16);
      g_assert_true (g_file_set_contents (path, bytes, (gssize) length, NULL));

      check (directory, 0);
      store_fixture_remove (directory);
    }
}

int
main (int argc, char **argv)
{
  program = argv[0];
  if (argc == 3 && strcmp (argv[1], "--writer") == 0)
    {
      run_writer (argv[2]);
      return 0;
    }

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/crash/kill", test_kill);
  g_test_add_func ("/store/crash/garbled-log", test_garbled_log);
  return g_test_run ();
}
