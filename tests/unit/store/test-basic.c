/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is noted is there at the next start: every field, in order, and nothing that must not be. */

#include "store-fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  char *directory; /* (owned) */
  FerryStore *store;
  FerryQueue *queue;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  self->directory = store_fixture_make_directory ();
  self->store = store_fixture_open (self->directory);
  self->queue = store_fixture_load (self->store, NULL);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  store_fixture_close (self->store);
  g_assert_finalize_object (self->queue);
  store_fixture_remove (self->directory);
}

/* The next start. */
static void
reopen (Fixture *self, GPtrArray *duties)
{
  store_fixture_close (self->store);
  g_assert_finalize_object (self->queue);
  self->store = store_fixture_open (self->directory);
  self->queue = store_fixture_load (self->store, duties);
}

static void
commit (Fixture *self)
{
  g_autoptr (GError) error = store_fixture_commit (self->store);

  g_assert_no_error (error);
}

static FerryJob *
make_simple_job (guint n_files)
{
  FerryJob *job = ferry_job_new (FERRY_JOB_TYPE_DOWNLOAD, 1000, "user");

  for (guint i = 0; i < n_files; i++)
    ferry_job_add_file (job, ferry_file_new ("http://h/", "/x"));
  return job;
}

static void
test_round_trip (Fixture *self, gconstpointer data)
{
  g_autoptr (FerryJob) full = store_fixture_make_job (1, 3);
  g_autoptr (FerryJob) plain = make_simple_job (1);
  g_autoptr (FerryJob) empty = make_simple_job (0);

  ferry_queue_add (self->queue, full);
  ferry_queue_add (self->queue, plain);
  ferry_queue_add (self->queue, empty);
  commit (self);
  reopen (self, NULL);

  store_fixture_assert_same (ferry_queue_lookup_any (self->queue, full->id), full);
  store_fixture_assert_same (ferry_queue_lookup_any (self->queue, plain->id), plain);
  store_fixture_assert_same (ferry_queue_lookup_any (self->queue, empty->id), empty);
}

/* Each change of a field is a change of a row. */
static void
test_changes (Fixture *self, gconstpointer data)
{
  g_autoptr (FerryJob) job = make_simple_job (2);
  g_autoptr (FerryJob) model = store_fixture_make_job (7, 2);
  FerryFile *file;

  ferry_queue_add (self->queue, job);
  commit (self);

  g_free (job->display_name);
  job->display_name = g_strdup (model->display_name);
  ferry_job_set_error (job, ferry_failure_copy (model->error));
  ferry_job_touch (job, FERRY_CHANGE_JOB);
  file = ferry_job_get_file (job, 1);
  file->http_status = 206;
  file->resume = g_variant_ref (ferry_job_get_file (model, 1)->resume);
  file->bytes_transferred = 7701;
  ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
  ferry_queue_set_owner (self->queue, job, 4711, "heir");
  commit (self);
  g_assert_false (job->dirty);
  g_assert_cmpuint (g_hash_table_size (job->dirty_files), ==, 0);
  reopen (self, NULL);
  store_fixture_assert_same (ferry_queue_lookup (self->queue, 4711, job->id), job);
}

/* Progress that need not survive a crash costs no commit. */
static void
test_progress (Fixture *self, gconstpointer data)
{
  g_autoptr (FerryJob) job = make_simple_job (1);
  guint64 commits;

  ferry_queue_add (self->queue, job);
  commit (self);
  commits = ferry_store_get_commits (self->store);
  ferry_job_touch (job, FERRY_CHANGE_PROGRESS);
  ferry_job_touch (job, FERRY_CHANGE_STATE);
  commit (self);
  g_assert_cmpuint (ferry_store_get_commits (self->store), ==, commits);
}

static void
test_order (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) list = NULL;
  FerryJob *last;

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (FerryJob) job = make_simple_job (0);

      ferry_queue_add (self->queue, job);
      g_ptr_array_add (ids, g_strdup (job->id));
    }
  commit (self);
  reopen (self, NULL);

  list = ferry_queue_list_all (self->queue);
  g_assert_cmpuint (list->len, ==, ids->len);
  for (guint i = 0; i < list->len; i++)
    g_assert_cmpstr (((FerryJob *) g_ptr_array_index (list, i))->id, ==,
                     g_ptr_array_index (ids, i));

  /* A new one comes behind them. */
  last = make_simple_job (0);
  ferry_queue_add (self->queue, last);
  g_assert_cmpuint (last->sequence, >,
                    ((FerryJob *) g_ptr_array_index (list, list->len - 1))->sequence);
  g_object_unref (last);
}

static void
test_states (Fixture *self, gconstpointer data)
{
  char *ids[FERRY_N_JOB_STATES];

  for (guint state = 0; state < FERRY_N_JOB_STATES; state++)
    {
      g_autoptr (FerryJob) job = make_simple_job (1);

      job->state = state;
      ids[state] = g_strdup (job->id);
      ferry_queue_add (self->queue, job);
    }
  commit (self);
  reopen (self, NULL);

  for (guint state = 0; state < FERRY_N_JOB_STATES; state++)
    {
      FerryJob *job = ferry_queue_lookup_any (self->queue, ids[state]);

      g_assert_cmpint (job->state, ==,
                       ferry_job_state_is_active (state) ? FERRY_JOB_STATE_QUEUED : state);
      g_free (ids[state]);
    }
}

/* Only what a checkpoint holds is known to be on disk. */
static void
test_durable_bytes (Fixture *self, gconstpointer data)
{
  g_autoptr (FerryJob) job = make_simple_job (3);
  FerryFile *with_checkpoint = ferry_job_get_file (job, 0);
  FerryFile *without = ferry_job_get_file (job, 1);
  FerryFile *whole = ferry_job_get_file (job, 2);

  with_checkpoint->state = FERRY_FILE_STATE_TRANSFERRING;
  with_checkpoint->bytes_transferred = 500;
  with_checkpoint->resume = g_variant_ref_sink (g_variant_new_parsed ("{'Offset': <uint64 300>}"));
  without->state = FERRY_FILE_STATE_TRANSFERRING;
  without->bytes_transferred = 200;
  whole->state = FERRY_FILE_STATE_TRANSFERRED;
  whole->bytes_transferred = 100;
  ferry_queue_add (self->queue, job);
  commit (self);
  reopen (self, NULL);

  g_set_object (&job, ferry_queue_lookup_any (self->queue, job->id));
  g_assert_cmpint (ferry_job_get_file (job, 0)->state, ==, FERRY_FILE_STATE_PENDING);
  g_assert_cmpuint (ferry_job_get_file (job, 0)->bytes_transferred, ==, 300);
  g_assert_cmpint (ferry_job_get_file (job, 1)->state, ==, FERRY_FILE_STATE_PENDING);
  g_assert_cmpuint (ferry_job_get_file (job, 1)->bytes_transferred, ==, 0);
  g_assert_cmpint (ferry_job_get_file (job, 2)->state, ==, FERRY_FILE_STATE_TRANSFERRED);
  g_assert_cmpuint (ferry_job_get_file (job, 2)->bytes_transferred, ==, 100);
}

static void
test_remove_files (Fixture *self, gconstpointer data)
{
  static const guint removals[][2] = { { 1, 2 }, { 0, 4 }, { 3, 5 } };
  g_autoptr (FerryJob) job = make_simple_job (5);

  ferry_queue_add (self->queue, job);
  commit (self);
  /* Two go and one comes, in one commit each time. */
  for (guint i = 0; i < G_N_ELEMENTS (removals); i++)
    {
      ferry_file_free (ferry_job_steal_file (job, removals[i][0]));
      ferry_file_free (ferry_job_steal_file (job, removals[i][1]));
      ferry_job_add_file (job, ferry_file_new ("http://new/", "/new"));
      commit (self);
    }
  g_assert_cmpuint (job->files->len, ==, 2);
  reopen (self, NULL);
  store_fixture_assert_same (ferry_queue_lookup_any (self->queue, job->id), job);
}

static void
test_remove_jobs (Fixture *self, gconstpointer data)
{
  g_autoptr (FerryJob) gone = make_simple_job (2);
  g_autoptr (FerryJob) stays = make_simple_job (2);
  g_autoptr (FerryJob) never = make_simple_job (2);

  ferry_queue_add (self->queue, gone);
  ferry_queue_add (self->queue, stays);
  commit (self);
  ferry_queue_add (self->queue, never);
  ferry_job_touch (gone, FERRY_CHANGE_JOB);
  ferry_queue_remove (self->queue, never);
  ferry_queue_remove (self->queue, gone);
  commit (self);
  reopen (self, NULL);

  g_assert_null (ferry_queue_lookup_any (self->queue, gone->id));
  g_assert_null (ferry_queue_lookup_any (self->queue, never->id));
  store_fixture_assert_same (ferry_queue_lookup_any (self->queue, stays->id), stays);
}

/* --- commits --- */

typedef struct
{
  GString *order;
  char letter;
  FerryStore *store;
  FerryJob *job; /* (nullable): touched, and waited for, when called */
} Call;

static void
call_cb (const GError *error, gpointer data)
{
  Call *call = data;

  g_assert_no_error (error);
  g_string_append_c (call->order, call->letter);
  if (call->job != NULL)
    {
      ferry_job_touch (call->job, FERRY_CHANGE_JOB);
      call->job = NULL;
      call->letter = g_ascii_toupper (call->letter);
      ferry_store_after_commit (call->store, call_cb, call);
    }
}

static void
test_after_commit (Fixture *self, gconstpointer data)
{
  g_autoptr (GString) order = g_string_new (NULL);
  g_autoptr (FerryJob) job = make_simple_job (0);
  Call calls[] = { { order, 'a', self->store, NULL },
                   { order, 'b', self->store, job },
                   { order, 'c', self->store, NULL } };

  /* Nothing pending: in the next turn, and without a commit. */
  ferry_store_after_commit (self->store, call_cb, &calls[0]);
  g_assert_cmpstr (order->str, ==, "");
  while (order->len < 1)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (ferry_store_get_commits (self->store), ==, 0);

  ferry_queue_add (self->queue, job);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    ferry_store_after_commit (self->store, call_cb, &calls[i]);
  g_assert_cmpstr (order->str, ==, "a");
  while (order->len < 5)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (order->str, ==, "aabcB");
  g_assert_cmpuint (ferry_store_get_commits (self->store), ==, 2);
}

static void
count_cb (const GError *error, gpointer data)
{
  g_assert_no_error (error);
  ++*(guint *) data;
}

/* All that one turn notes is one commit; what comes while it is written is the next one. */
static void
test_group_commit (Fixture *self, gconstpointer data)
{
  guint told = 0;

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (FerryJob) job = make_simple_job (3);

      ferry_queue_add (self->queue, job);
      ferry_job_touch (job, FERRY_CHANGE_JOB);
      ferry_store_after_commit (self->store, count_cb, &told);
    }
  while (told < 100)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (ferry_store_get_commits (self->store), ==, 1);
}

/* Who asks while all is on its way waits for that commit, and causes none. */
static void
test_on_its_way (Fixture *self, gconstpointer data)
{
  g_autoptr (FerryJob) job = make_simple_job (1);
  guint told = 0;

  ferry_queue_add (self->queue, job);
  /* The turn ends: it is handed to the thread. */
  g_main_context_iteration (NULL, FALSE);
  ferry_store_after_commit (self->store, count_cb, &told);
  g_assert_cmpuint (told, ==, 0);
  while (told < 1)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (ferry_store_get_commits (self->store), ==, 1);
}

/* Closing commits, and tells who waits. */
static void
test_close (Fixture *self, gconstpointer data)
{
  g_autoptr (FerryJob) job = make_simple_job (1);
  g_autoptr (GString) order = g_string_new (NULL);
  Call calls[] = { { order, 'a', self->store, job }, { order, 'b', self->store, NULL } };

  ferry_queue_add (self->queue, job);
  ferry_store_after_commit (self->store, call_cb, &calls[0]);
  ferry_store_set_value (self->store, "late", g_variant_new_string ("x"));
  ferry_store_after_commit (self->store, call_cb, &calls[1]);
  ferry_store_close (self->store);
  g_assert_cmpstr (order->str, ==, "abA");
  reopen (self, NULL);
  store_fixture_assert_same (ferry_queue_lookup_any (self->queue, job->id), job);
}

static void
closed_cb (const GError *error, gpointer data)
{
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
  *(gboolean *) data = TRUE;
}

static void
test_after_close (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) duties = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_duty_free);
  FerryDuty duty = { 0, 1000, (char *) "/srv/a", (char *) ".ferry-1-0.part", NULL };
  gboolean told = FALSE;

  ferry_store_close (self->store);
  ferry_store_set_value (self->store, "late", g_variant_new_string ("x"));
  ferry_store_add_duty (self->store, &duty);
  ferry_store_after_commit (self->store, closed_cb, &told);
  while (!told)
    g_main_context_iteration (NULL, TRUE);
  reopen (self, duties);
  g_assert_null (ferry_store_get_value (self->store, "late"));
  g_assert_cmpuint (duties->len, ==, 0);
}

/* --- values and duties --- */

static void
assert_value (FerryStore *store, const char *name, const char *text)
{
  g_autoptr (GVariant) value = ferry_store_get_value (store, name);
  g_autofree char *printed = value != NULL ? g_variant_print (value, TRUE) : NULL;

  g_assert_cmpstr (printed, ==, text);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
test_values (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) names = NULL;

  ferry_store_set_value (self->store, "policy.a", g_variant_new_uint32 (1));
  ferry_store_set_value (self->store, "policy.a", g_variant_new_uint32 (2));
  ferry_store_set_value (self->store, "policy.b", g_variant_new_string ("zwei ü"));
  ferry_store_set_value (self->store, "policy.gone", g_variant_new_boolean (TRUE));
  ferry_store_set_value (self->store, "wall", g_variant_new_int64 (-5));
  ferry_store_set_value (self->store, "empty", g_variant_new_strv (NULL, 0));
  assert_value (self->store, "policy.a", "uint32 2");
  commit (self);
  ferry_store_set_value (self->store, "policy.gone", NULL);
  assert_value (self->store, "policy.gone", NULL);
  commit (self);
  reopen (self, NULL);

  assert_value (self->store, "policy.a", "uint32 2");
  assert_value (self->store, "policy.b", "'zwei ü'");
  assert_value (self->store, "policy.gone", NULL);
  assert_value (self->store, "wall", "int64 -5");
  assert_value (self->store, "empty", "@as []");
  names = ferry_store_list_values (self->store, "policy.");
  g_ptr_array_sort (names, compare_names);
  g_assert_cmpuint (names->len, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (names, 0), ==, "policy.a");
  g_assert_cmpstr (g_ptr_array_index (names, 1), ==, "policy.b");
}

/* What is set to what it is already costs nothing. */
static void
test_same_value (Fixture *self, gconstpointer data)
{
  guint64 commits;

  ferry_store_set_value (self->store, "a", g_variant_new_uint32 (1));
  commit (self);
  commits = ferry_store_get_commits (self->store);
  ferry_store_set_value (self->store, "a", g_variant_new_uint32 (1));
  ferry_store_set_value (self->store, "never", NULL);
  commit (self);
  g_assert_cmpuint (ferry_store_get_commits (self->store), ==, commits);
}

static void
test_duties (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) loaded = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_duty_free);
  g_autoptr (GPtrArray) later = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_duty_free);
  FerryDuty duties[] = {
    { 0, 1000, (char *) "/srv/a", (char *) ".ferry-1-0.part", NULL },
    { 0, 0, (char *) "/srv/b", (char *) ".ferry-2-0.part",
      g_variant_ref_sink (g_variant_new_parsed ("{'Inode': <uint64 7>}")) },
  };
  const FerryDuty *duty;

  for (guint i = 0; i < G_N_ELEMENTS (duties); i++)
    ferry_store_add_duty (self->store, &duties[i]);
  g_assert_cmpint (duties[0].id, !=, duties[1].id);
  commit (self);
  reopen (self, loaded);

  g_assert_cmpuint (loaded->len, ==, 2);
  duty = g_ptr_array_index (loaded, 1);
  g_assert_cmpint (duty->id, ==, duties[1].id);
  g_assert_cmpuint (duty->owner, ==, 0);
  g_assert_cmpstr (duty->path, ==, "/srv/b");
  g_assert_cmpstr (duty->temporary_name, ==, ".ferry-2-0.part");
  g_assert_cmpvariant (duty->resume, duties[1].resume);
  duty = g_ptr_array_index (loaded, 0);
  g_assert_cmpuint (duty->owner, ==, 1000);
  g_assert_null (duty->resume);

  ferry_store_remove_duty (self->store, duty->id);
  ferry_store_add_duty (self->store, &duties[0]);
  g_assert_cmpint (duties[0].id, >, duties[1].id);
  ferry_store_remove_duty (self->store, duties[0].id);
  commit (self);
  reopen (self, later);
  g_assert_cmpuint (later->len, ==, 1);
  duty = g_ptr_array_index (later, 0);
  g_assert_cmpint (duty->id, ==, duties[1].id);
  g_variant_unref (duties[1].resume);
}

/* --- what is not in it, and who may read it --- */

static void
test_secrets (Fixture *self, gconstpointer data)
{
  static const char *const names[] = { "ferry.db", "ferry.db-wal", "ferry.db.backup" };
  static const char *const headers[] = { "Authorization: Bearer Sesam-oeffne-dich", NULL };
  g_autoptr (FerryJob) job = make_simple_job (1);
  guint found = 0;

  ferry_secrets_set_headers (ferry_job_get_secrets (job), headers);
  job->had_secrets = TRUE;
  g_free (job->display_name);
  job->display_name = g_strdup ("this is looked for");
  ferry_queue_add (self->queue, job);
  commit (self);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = store_fixture_path (self->directory, names[i]);
      g_autofree char *text = NULL;
      gsize length;

      if (!g_file_get_contents (path, &text, &length, NULL))
        continue;
      g_assert_null (memmem (text, length, "Sesam", 5));
      found += memmem (text, length, "this is looked for", 18) != NULL;
    }
  g_assert_cmpuint (found, >, 0);
  reopen (self, NULL);

  g_set_object (&job, ferry_queue_lookup_any (self->queue, job->id));
  g_assert_true (job->had_secrets);
  g_assert_null (job->secrets);
  g_assert_true (ferry_job_lacks_secrets (job));
}

static void
test_private (Fixture *self, gconstpointer data)
{
  g_autoptr (GDir) dir = NULL;
  g_autoptr (FerryJob) job = make_simple_job (1);
  const char *name;
  guint files = 0;

  /* A second start makes the second copy. */
  ferry_queue_add (self->queue, job);
  commit (self);
  reopen (self, NULL);
  commit (self);
  dir = g_dir_open (self->directory, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = store_fixture_path (self->directory, name);
      struct stat status;

      g_assert_cmpint (stat (path, &status), ==, 0);
      g_assert_cmpint (status.st_mode & 07777, ==, 0600);
      files++;
    }
  g_assert_cmpuint (files, >=, 2);
}

static ino_t
get_inode (const char *path)
{
  struct stat status;

  g_assert_cmpint (stat (path, &status), ==, 0);
  return status.st_ino;
}

/* The second copy is made anew when the store has changed, and only then. */
static void
test_copy (Fixture *self, gconstpointer data)
{
  g_autofree char *path = store_fixture_path (self->directory, "ferry.db");
  g_autofree char *copy = store_fixture_path (self->directory, "ferry.db.backup");
  g_autoptr (FerryJob) job = make_simple_job (1);
  struct timespec hour_ago[2] = { { time (NULL) - 3600, 0 }, { time (NULL) - 3600, 0 } };
  ino_t inode;

  /* An empty store needs none. */
  g_assert_false (g_file_test (copy, G_FILE_TEST_EXISTS));
  ferry_queue_add (self->queue, job);
  reopen (self, NULL);
  store_fixture_wait_for_backup (self->directory);
  inode = get_inode (copy);

  store_fixture_close (self->store);
  g_assert_cmpint (utimensat (AT_FDCWD, path, hour_ago, 0), ==, 0);
  self->store = store_fixture_open (self->directory);
  ferry_store_set_value (self->store, "a", g_variant_new_uint32 (1));
  commit (self);
  /* The thread has tidied, as it does before each commit but the first. */
  ferry_store_set_value (self->store, "a", g_variant_new_uint32 (2));
  commit (self);
  g_assert_cmpuint (get_inode (copy), ==, inode);

  store_fixture_close (self->store);
  self->store = store_fixture_open (self->directory);
  while (get_inode (copy) == inode)
    g_usleep (1000);
}

/* A state directory may be reached by a symbolic link, as systemd makes them; the store itself may be none. */
static void
test_links (Fixture *self, gconstpointer data)
{
  g_autofree char *link = g_strconcat (self->directory, "-link", NULL);
  g_autofree char *path = store_fixture_path (self->directory, "ferry.db");
  g_autofree char *moved = store_fixture_path (self->directory, "moved.db");
  g_autoptr (FerryJob) job = make_simple_job (1);
  g_autoptr (GError) error = NULL;
  FerryStore *store;

  ferry_queue_add (self->queue, job);
  ferry_store_close (self->store);
  g_assert_cmpint (symlink (self->directory, link), ==, 0);
  store = store_fixture_open (link);
  store_fixture_close (store);
  g_assert_cmpint (g_unlink (link), ==, 0);

  g_assert_cmpint (g_rename (path, moved), ==, 0);
  g_assert_cmpint (symlink ("moved.db", path), ==, 0);
  g_assert_null (ferry_store_new (self->directory, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
  g_assert_cmpint (g_rename (moved, path), ==, 0);
  reopen (self, NULL);
  g_assert_nonnull (ferry_queue_lookup_any (self->queue, job->id));
}

/* Two of us with one store would lose what the other one has acknowledged. */
static void
test_alone (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *message = NULL;

  if (g_test_subprocess ())
    {
      FerryStore *other = ferry_store_new (g_getenv ("FERRY_TEST_STORE"), &error);

      g_assert_null (other);
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
      g_assert_nonnull (strstr (error->message, "locked"));
      return;
    }

  g_setenv ("FERRY_TEST_STORE", self->directory, TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  /* Who starts ferryd by hand may have any umask. */
  umask (0);
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/store/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("round-trip", test_round_trip);
  ADD ("changes", test_changes);
  ADD ("progress", test_progress);
  ADD ("order", test_order);
  ADD ("states", test_states);
  ADD ("durable-bytes", test_durable_bytes);
  ADD ("remove-files", test_remove_files);
  ADD ("remove-jobs", test_remove_jobs);
  ADD ("after-commit", test_after_commit);
  ADD ("group-commit", test_group_commit);
  ADD ("on-its-way", test_on_its_way);
  ADD ("close", test_close);
  ADD ("after-close", test_after_close);
  ADD ("values", test_values);
  ADD ("same-value", test_same_value);
  ADD ("duties", test_duties);
  ADD ("secrets", test_secrets);
  ADD ("private", test_private);
  ADD ("copy", test_copy);
  ADD ("links", test_links);
  ADD ("alone", test_alone);
  return g_test_run ();
}
