/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Damaged stores are set aside and salvaged; the daemon starts. */

#include "store-fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

/* In the second copy, and in all. */
#define N_COPIED 300
#define N_JOBS   350

typedef struct
{
  char *directory;    /* (owned) */
  GHashTable *models; /* (owned) (element-type utf8 FerryJob): what was stored, by id */
} Fixture;

static void
add_jobs (Fixture *self, FerryQueue *queue, guint n_jobs)
{
  for (guint i = 0; i < n_jobs; i++)
    {
      FerryJob *job = store_fixture_make_job (i, i % 3);

      ferry_queue_add (queue, job);
      g_hash_table_insert (self->models, job->id, job);
    }
}

static void
close_all (FerryStore *store, FerryQueue *queue)
{
  store_fixture_close (store);
  g_object_unref (queue);
}

/* A store that was closed well, with a second copy that is older. */
static void
set_up (Fixture *self, gconstpointer data)
{
  FerryStore *store;
  FerryQueue *queue;

  self->models = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
  self->directory = store_fixture_make_directory ();
  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  ferry_store_set_value (store, "policy.max-active-jobs", g_variant_new_uint32 (7));
  add_jobs (self, queue, N_COPIED);
  close_all (store, queue);

  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  store_fixture_wait_for_backup (self->directory);
  add_jobs (self, queue, N_JOBS - N_COPIED);
  close_all (store, queue);
  g_free (store_fixture_take_log ());
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_hash_table_unref (self->models);
  store_fixture_remove (self->directory);
}

static void
overwrite (Fixture *self, const char *name, goffset offset, gsize length, guint seed)
{
  g_autofree char *path = store_fixture_path (self->directory, name);
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autofree guint8 *bytes = g_malloc (length);
  int fd = open (path, O_WRONLY);

  g_assert_cmpint (fd, >=, 0);
  for (gsize i = 0; i < length; i++)
    bytes[i] = (guint8) g_rand_int_range (random, 0, 256);
  g_assert_cmpint (pwrite (fd, bytes, length, offset), ==, (gssize) length);
  close (fd);
}

static goffset
get_size (Fixture *self, const char *name)
{
  g_autofree char *path = store_fixture_path (self->directory, name);
  struct stat status;

  g_assert_cmpint (stat (path, &status), ==, 0);
  return status.st_size;
}

static void
cut (Fixture *self, const char *name, goffset size)
{
  g_autofree char *path = store_fixture_path (self->directory, name);

  g_assert_cmpint (truncate (path, size), ==, 0);
}

static guint
count_files (Fixture *self, const char *prefix)
{
  g_autoptr (GDir) dir = g_dir_open (self->directory, 0, NULL);
  const char *name;
  guint count = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    count += g_str_has_prefix (name, prefix);
  return count;
}

typedef struct
{
  guint same;     /* as they were stored */
  guint in_error; /* says that it was recovered or lost files */
} Found;

/* Each job that is there is as it was, or says what happened to it. */
static Found
compare (Fixture *self, FerryQueue *queue)
{
  g_autoptr (GPtrArray) list = ferry_queue_list_all (queue);
  Found found = { 0, 0 };

  for (guint i = 0; i < list->len; i++)
    {
      FerryJob *job = g_ptr_array_index (list, i);
      FerryJob *model = g_hash_table_lookup (self->models, job->id);

      g_assert_nonnull (model);
      if (job->error != NULL && job->error->code == FERRY_ERROR_STORE_FAILED)
        {
          g_assert_cmpint (job->state, ==, FERRY_JOB_STATE_ERROR);
          g_assert_cmpuint (job->owner, ==, model->owner);
          found.in_error++;
          continue;
        }
      store_fixture_assert_same (job, model);
      found.same++;
    }

  return found;
}

/* Starts, looks, writes, and starts again, which is quiet. */
static Found
start (Fixture *self, gboolean damaged)
{
  FerryStore *store = store_fixture_open (self->directory);
  FerryQueue *queue = store_fixture_load (store, NULL);
  g_autofree char *log = store_fixture_take_log ();
  Found found = compare (self, queue);
  g_autoptr (GVariant) value = NULL;
  g_autofree char *later_log = NULL;

  if (damaged)
    {
      g_assert_nonnull (strstr (log, "is damaged"));
      g_assert_nonnull (strstr (log, "was set aside as"));
      g_assert_cmpuint (count_files (self, "ferry.db.damaged-"), >=, 1);
    }
  else
    g_assert_cmpstr (log, ==, "");

  add_jobs (self, queue, 1);
  g_assert_no_error (store_fixture_commit (store));
  close_all (store, queue);

  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  g_assert_cmpuint (compare (self, queue).same, ==, found.same + 1);
  value = ferry_store_get_value (store, "policy.max-active-jobs");
  g_assert_nonnull (value);
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, 7);
  close_all (store, queue);
  later_log = store_fixture_take_log ();
  g_assert_cmpstr (later_log, ==, "");
  return found;
}

static void
test_undamaged (Fixture *self, gconstpointer data)
{
  g_assert_cmpuint (start (self, FALSE).same, ==, N_JOBS);
}

/* Nothing of the store can be read: the copy is what there is. */
static void
test_header (Fixture *self, gconstpointer data)
{
  Found found;

  overwrite (self, "ferry.db", 0, 100, 1);
  found = start (self, TRUE);
  g_assert_cmpuint (found.same + found.in_error, ==, N_COPIED);
}

static void
test_schema_page (Fixture *self, gconstpointer data)
{
  Found found;

  overwrite (self, "ferry.db", 100, PAGE - 100, 2);
  found = start (self, TRUE);
  g_assert_cmpuint (found.same + found.in_error, ==, N_COPIED);
}

static void
test_empty (Fixture *self, gconstpointer data)
{
  Found found;

  cut (self, "ferry.db", 0);
  found = start (self, TRUE);
  g_assert_cmpuint (found.same + found.in_error, ==, N_COPIED);
}

/* One bad page somewhere: all that is on the others is as it was, the rest comes from the copy as far as that has it. */
static void
test_page (Fixture *self, gconstpointer data)
{
  goffset pages = get_size (self, "ferry.db") / PAGE;
  g_autofree char *path = store_fixture_path (self->directory, "ferry.db");
  g_autofree char *copy = store_fixture_path (self->directory, "ferry.db.backup");
  g_autofree char *whole = NULL;
  g_autofree char *whole_copy = NULL;
  gsize length;
  gsize copy_length;
  guint all_same = 0;

  g_assert_true (g_file_get_contents (path, &whole, &length, NULL));
  g_assert_true (g_file_get_contents (copy, &whole_copy, &copy_length, NULL));
  for (goffset page = 1; page < pages; page += 41)
    {
      Found found;

      overwrite (self, "ferry.db", page * PAGE, PAGE, (guint) page);
      found = start (self, TRUE);
      g_assert_cmpuint (found.same + found.in_error, >=, N_COPIED);
      all_same += found.same >= N_JOBS - 40;
      g_assert_true (g_file_set_contents (path, whole, (gssize) length, NULL));
      g_assert_true (g_file_set_contents (copy, whole_copy, (gssize) copy_length, NULL));
    }
  g_assert_cmpuint (all_same, >=, (guint) pages / 41 / 2);
}

static void
test_cut (Fixture *self, gconstpointer data)
{
  goffset size = get_size (self, "ferry.db");
  Found found;

  cut (self, "ferry.db", size * 6 / 10);
  found = start (self, TRUE);
  g_assert_cmpuint (found.same + found.in_error, >=, N_COPIED);
  g_assert_cmpuint (found.same, >, N_COPIED / 10);
}

/* The same without a copy to help. */
static void
test_no_copy (Fixture *self, gconstpointer data)
{
  g_autofree char *copy = store_fixture_path (self->directory, "ferry.db.backup");
  FerryStore *store;
  FerryQueue *queue;
  g_autofree char *log = NULL;

  g_assert_cmpint (g_unlink (copy), ==, 0);
  overwrite (self, "ferry.db", 20 * PAGE, 3 * PAGE, 3);
  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  g_assert_cmpuint (compare (self, queue).same, >, N_JOBS / 2);
  close_all (store, queue);
  log = store_fixture_take_log ();
  g_assert_nonnull (strstr (log, "0 of them as they were at an earlier start"));
}

/* A job that was removed after the copy was made does not come back. */
static void
test_no_return (Fixture *self, gconstpointer data)
{
  FerryStore *store = store_fixture_open (self->directory);
  FerryQueue *queue = store_fixture_load (store, NULL);
  g_autoptr (GPtrArray) list = ferry_queue_list_all (queue);
  g_autofree char *removed = NULL;
  Found found;

  removed = g_strdup (((FerryJob *) g_ptr_array_index (list, 0))->id);
  ferry_queue_remove (queue, g_ptr_array_index (list, 0));
  close_all (store, queue);

  /* The end of the file, where the jobs that came last are. */
  overwrite (self, "ferry.db", get_size (self, "ferry.db") - 4 * PAGE, 4 * PAGE, 4);
  found = start (self, TRUE);
  g_assert_cmpuint (found.same, >, 0);
  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  g_assert_null (ferry_queue_lookup_any (queue, removed));
  close_all (store, queue);
}

/* Both files are garbage: it starts, with nothing. */
static void
test_hopeless (Fixture *self, gconstpointer data)
{
  FerryStore *store;
  FerryQueue *queue;
  g_autoptr (GPtrArray) list = NULL;
  g_autofree char *log = NULL;

  overwrite (self, "ferry.db", 0, 3 * PAGE, 5);
  overwrite (self, "ferry.db.backup", 0, 3 * PAGE, 6);
  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  list = ferry_queue_list_all (queue);
  g_assert_cmpuint (list->len, ==, 0);
  close_all (store, queue);
  log = store_fixture_take_log ();
  g_assert_nonnull (strstr (log, "0 jobs were recovered"));
}

/* Bits turned at random, in the store, the copy or both: whatever comes of it, it starts. */
static void
test_random (Fixture *self, gconstpointer data)
{
  g_autofree char *path = store_fixture_path (self->directory, "ferry.db");
  g_autofree char *copy = store_fixture_path (self->directory, "ferry.db.backup");
  g_autofree char *whole = NULL;
  g_autofree char *whole_copy = NULL;
  gsize length;
  gsize copy_length;

  g_assert_true (g_file_get_contents (path, &whole, &length, NULL));
  g_assert_true (g_file_get_contents (copy, &whole_copy, &copy_length, NULL));
  for (guint i = 0; i < 20; i++)
    {
      FerryStore *store;
      FerryQueue *queue;

      for (guint k = 0; k < 8; k++)
        {
          gint32 at = g_test_rand_int_range (100, (gint32) MIN (length, copy_length) - 8);

          overwrite (self, k % 3 == 0 ? "ferry.db.backup" : "ferry.db", at, 8, i * 10 + k);
        }
      store = store_fixture_open (self->directory);
      queue = store_fixture_load (store, NULL);
      close_all (store, queue);
      g_free (store_fixture_take_log ());
      g_assert_true (g_file_set_contents (path, whole, (gssize) length, NULL));
      g_assert_true (g_file_set_contents (copy, whole_copy, (gssize) copy_length, NULL));
    }
}

/* A letter of the schema's text: SQLite finds nothing wrong with it, and no statement works. */
static void
test_column (Fixture *self, gconstpointer data)
{
  g_autofree char *path = store_fixture_path (self->directory, "ferry.db");
  g_autofree char *content = NULL;
  g_autofree char *log = NULL;
  g_autoptr (GPtrArray) jobs = NULL;
  FerryStore *store;
  FerryQueue *queue;
  gsize length;
  char *name;

  g_assert_true (g_file_get_contents (path, &content, &length, NULL));
  name = memmem (content, length, "had_secrets", strlen ("had_secrets"));
  g_assert_nonnull (name);
  *name = 'x';
  g_assert_true (g_file_set_contents (path, content, (gssize) length, NULL));
  store = store_fixture_open (self->directory);
  queue = store_fixture_load (store, NULL);
  jobs = ferry_queue_list_all (queue);
  g_assert_cmpuint (jobs->len, ==, N_JOBS);
  close_all (store, queue);
  log = store_fixture_take_log ();
  g_assert_nonnull (strstr (log, "no column named had_secrets"));
  g_assert_nonnull (strstr (log, "was set aside as"));
}

/* It ended after the new store was whole; the damaged one is in its place or not. */
static void
test_interrupted (Fixture *self, gconstpointer data)
{
  g_autofree char *path = store_fixture_path (self->directory, "ferry.db");
  g_autofree char *salvaged = store_fixture_path (self->directory, "ferry.db.salvaged");
  g_autofree char *half = store_fixture_path (self->directory, "ferry.db.salvage");
  g_autofree char *log = NULL;

  g_assert_cmpint (g_rename (path, salvaged), ==, 0);
  g_assert_true (g_file_set_contents (path, "garbage", -1, NULL));
  g_assert_true (g_file_set_contents (half, "half", -1, NULL));
  store_fixture_close (store_fixture_open (self->directory));
  log = store_fixture_take_log ();
  g_assert_nonnull (strstr (log, "was set aside as"));
  g_assert_cmpuint (start (self, FALSE).same, ==, N_JOBS);

  g_assert_cmpint (g_rename (path, salvaged), ==, 0);
  store_fixture_close (store_fixture_open (self->directory));
  g_clear_pointer (&log, g_free);
  log = store_fixture_take_log ();
  g_assert_cmpuint (start (self, FALSE).same, ==, N_JOBS + 1);
}

typedef struct
{
  Fixture *fixture;
  FerryStore *store;
  FerryQueue *queue;
} Running;

/* Opens a store of which the page cache (2 MB) holds only a part, and lets the disk go bad. */
static void
open_and_damage (Fixture *fixture, Running *self)
{
  FerryStore *store = store_fixture_open (fixture->directory);
  FerryQueue *queue = store_fixture_load (store, NULL);

  add_jobs (fixture, queue, 3500);
  g_assert_no_error (store_fixture_commit (store));
  close_all (store, queue);
  self->fixture = fixture;
  self->store = store_fixture_open (fixture->directory);
  self->queue = store_fixture_load (self->store, NULL);
  g_free (store_fixture_take_log ());
  g_assert_cmpint (get_size (fixture, "ferry.db"), >, 3000000);
  overwrite (fixture, "ferry.db", 10 * PAGE, 200 * PAGE, 7);
}

/* It has been salvaged, and goes on. */
static void
check_and_close (Running *self)
{
  g_autofree char *log = store_fixture_take_log ();

  g_assert_nonnull (strstr (log, "is damaged"));
  g_assert_cmpuint (compare (self->fixture, self->queue).same, >, 2500);
  add_jobs (self->fixture, self->queue, 1);
  g_assert_no_error (store_fixture_commit (self->store));
  close_all (self->store, self->queue);
}

static void
load_anew (Running *self)
{
  ferry_store_unwatch (self->store);
  g_object_unref (self->queue);
  self->queue = store_fixture_load (self->store, NULL);
}

static void
test_load_anew (Fixture *self, gconstpointer data)
{
  Running running;

  open_and_damage (self, &running);
  load_anew (&running);
  check_and_close (&running);
}

/* It shows when something is to be written. */
static void
test_commit (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;
  Running running;

  open_and_damage (self, &running);
  g_signal_connect_swapped (running.store, "failed", G_CALLBACK (load_anew), &running);
  list = ferry_queue_list_all (running.queue);
  for (guint i = 0; i < list->len; i++)
    ferry_job_touch (g_ptr_array_index (list, i), FERRY_CHANGE_JOB);
  error = store_fixture_commit (running.store);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
  check_and_close (&running);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  store_fixture_collect_log ();

#define ADD(name, func) g_test_add ("/store/damage/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("undamaged", test_undamaged);
  ADD ("header", test_header);
  ADD ("schema-page", test_schema_page);
  ADD ("empty", test_empty);
  ADD ("page", test_page);
  ADD ("cut", test_cut);
  ADD ("no-copy", test_no_copy);
  ADD ("no-return", test_no_return);
  ADD ("hopeless", test_hopeless);
  ADD ("column", test_column);
  ADD ("random", test_random);
  ADD ("interrupted", test_interrupted);
  ADD ("load-anew", test_load_anew);
  ADD ("commit", test_commit);
  return g_test_run ();
}
