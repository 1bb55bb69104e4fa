/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks that are full, read-only or failing; and how often the store makes them work. */

#include "store-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* SQLite's calls come here, as those of any library that the program links. */
static int n_syncs;
static int syncs_to_fail;

static int
sync_file (long number, int fd)
{
  g_atomic_int_inc (&n_syncs);
  if (g_atomic_int_get (&syncs_to_fail) > 0)
    {
      g_atomic_int_add (&syncs_to_fail, -1);
      errno = EIO;
      return -1;
    }
  return (int) syscall (number, fd);
}

int
fsync (int fd)
{
  return sync_file (SYS_fsync, fd);
}

int
fdatasync (int fd)
{
  return sync_file (SYS_fdatasync, fd);
}

typedef struct
{
  char *directory; /* (owned) */
  FerryStore *store;
  FerryQueue *queue;
  guint failures; /* "failed" signals */
} Fixture;

static void
failed_cb (FerryStore *store, GError *error, Fixture *self)
{
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
  self->failures++;
  /* As the engine does. */
  ferry_store_unwatch (store);
  g_object_unref (self->queue);
  self->queue = store_fixture_load (store, NULL);
}

static void
open_store (Fixture *self)
{
  self->store = store_fixture_open (self->directory);
  self->queue = store_fixture_load (self->store, NULL);
  g_signal_connect (self->store, "failed", G_CALLBACK (failed_cb), self);
}

static void
close_store (Fixture *self)
{
  store_fixture_close (self->store);
  g_assert_finalize_object (self->queue);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->directory = store_fixture_make_directory ();
  open_store (self);
  g_free (store_fixture_take_log ());
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  close_store (self);
  store_fixture_remove (self->directory);
}

static char *
add_job (Fixture *self)
{
  g_autoptr (FerryJob) job = store_fixture_make_job (1, 2);

  ferry_queue_add (self->queue, job);
  return g_strdup (job->id);
}

static void
told_cb (const GError *error, gpointer data)
{
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
  ++*(guint *) data;
}

/* A commit goes wrong by what @data does and undoes: it is as if what it held had never been. */
static void
fail_once (Fixture *self, void (*break_disk) (Fixture *), void (*mend_disk) (Fixture *))
{
  g_autofree char *before = add_job (self);
  g_autofree char *lost = NULL;
  g_autofree char *lost_too = NULL;
  g_autofree char *after = NULL;
  g_autofree char *log = NULL;
  g_autoptr (GVariant) value = NULL;
  guint told = 0;
  guint64 commits;
  gint64 changed;

  ferry_store_set_value (self->store, "value", g_variant_new_uint32 (1));
  g_assert_no_error (store_fixture_commit (self->store));
  commits = ferry_store_get_commits (self->store);
  changed = ferry_queue_lookup_any (self->queue, before)->creation_time;

  break_disk (self);
  ferry_queue_lookup_any (self->queue, before)->creation_time = 5;
  ferry_job_touch (ferry_queue_lookup_any (self->queue, before), FERRY_CHANGE_JOB);
  for (guint i = 0; i < 200; i++)
    {
      g_free (lost);
      lost = add_job (self);
    }
  ferry_store_set_value (self->store, "value", g_variant_new_uint32 (2));
  ferry_store_after_commit (self->store, told_cb, &told);
  /* Handed over; the next is noted while it runs. */
  g_main_context_iteration (NULL, FALSE);
  lost_too = add_job (self);
  ferry_store_after_commit (self->store, told_cb, &told);
  while (self->failures == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (told, ==, 2);
  g_assert_cmpuint (ferry_store_get_commits (self->store), ==, commits);
  log = store_fixture_take_log ();
  g_assert_nonnull (strstr (log, "The change could not be stored: "));
  g_assert_nonnull (ferry_store_get_problem (self->store));

  g_assert_null (ferry_queue_lookup_any (self->queue, lost));
  g_assert_null (ferry_queue_lookup_any (self->queue, lost_too));
  g_assert_cmpint (ferry_queue_lookup_any (self->queue, before)->creation_time, ==, changed);
  value = ferry_store_get_value (self->store, "value");
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, 1);

  mend_disk (self);
  after = add_job (self);
  g_assert_no_error (store_fixture_commit (self->store));
  g_assert_cmpuint (self->failures, ==, 1);
  g_assert_null (ferry_store_get_problem (self->store));
  close_store (self);
  open_store (self);
  g_assert_nonnull (ferry_queue_lookup_any (self->queue, before));
  g_assert_nonnull (ferry_queue_lookup_any (self->queue, after));
  g_assert_null (ferry_queue_lookup_any (self->queue, lost));
  g_assert_null (ferry_queue_lookup_any (self->queue, lost_too));
}

/* --- no file may grow --- */

static void
limit_files (Fixture *self)
{
  struct rlimit limit = { 100000, RLIM_INFINITY };

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static void
unlimit_files (Fixture *self)
{
  struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static void
test_write_error (Fixture *self, gconstpointer data)
{
  fail_once (self, limit_files, unlimit_files);
}

/* --- syncs fail --- */

static void
break_syncs (Fixture *self)
{
  g_atomic_int_set (&syncs_to_fail, 1);
}

static void
mend_syncs (Fixture *self)
{
  g_assert_cmpint (g_atomic_int_get (&syncs_to_fail), ==, 0);
}

static void
test_sync_error (Fixture *self, gconstpointer data)
{
  fail_once (self, break_syncs, mend_syncs);
}

/* Who does not load anew after a failure is not told that anything is stored. */
static void
test_not_loaded (Fixture *self, gconstpointer data)
{
  g_autofree char *id = NULL;
  g_autoptr (GError) error = NULL;
  guint told = 0;

  g_signal_handlers_disconnect_by_data (self->store, self);
  break_syncs (self);
  g_free (add_job (self));
  ferry_store_after_commit (self->store, told_cb, &told);
  while (told < 1)
    g_main_context_iteration (NULL, TRUE);

  id = add_job (self);
  ferry_store_set_value (self->store, "value", g_variant_new_uint32 (2));
  error = store_fixture_commit (self->store);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
  g_assert_null (ferry_store_get_value (self->store, "value"));

  ferry_store_unwatch (self->store);
  g_object_unref (self->queue);
  self->queue = store_fixture_load (self->store, NULL);
  g_assert_null (ferry_queue_lookup_any (self->queue, id));
  g_free (id);
  id = add_job (self);
  g_assert_no_error (store_fixture_commit (self->store));
  close_store (self);
  open_store (self);
  g_assert_nonnull (ferry_queue_lookup_any (self->queue, id));
}

/* --- a full disk --- */

static gboolean may_mount;

static void
fill_disk (Fixture *self)
{
  g_autofree char *path = store_fixture_path (self->directory, "filler");
  char bytes[4096] = { 0 };
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL, 0600);

  g_assert_cmpint (fd, >=, 0);
  while (write (fd, bytes, sizeof bytes) > 0)
    continue;
  g_assert_cmpint (errno, ==, ENOSPC);
  close (fd);
}

static void
empty_disk (Fixture *self)
{
  g_autofree char *path = store_fixture_path (self->directory, "filler");

  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
mount_disk (Fixture *self, gconstpointer data)
{
  self->directory = store_fixture_make_directory ();
  if (!may_mount)
    return;
  g_assert_cmpint (mount ("none", self->directory, "tmpfs", 0, "size=2m,mode=0700"), ==, 0);
  open_store (self);
  g_free (store_fixture_take_log ());
}

static void
unmount_disk (Fixture *self, gconstpointer data)
{
  if (may_mount)
    {
      close_store (self);
      g_assert_cmpint (umount (self->directory), ==, 0);
    }
  store_fixture_remove (self->directory);
}

static void
test_full_disk (Fixture *self, gconstpointer data)
{
  if (!may_mount)
    {
      g_test_skip ("needs root, for a small file system");
      return;
    }
  fail_once (self, fill_disk, empty_disk);
}

/* It starts on a full disk, reads, and says what it cannot do. */
static void
test_start_on_full_disk (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;
  g_autofree char *log = NULL;

  if (!may_mount)
    {
      g_test_skip ("needs root, for a small file system");
      return;
    }

  id = add_job (self);
  close_store (self);
  fill_disk (self);
  open_store (self);
  g_assert_nonnull (ferry_queue_lookup_any (self->queue, id));
  g_free (add_job (self));
  error = store_fixture_commit (self->store);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
  g_assert_cmpuint (self->failures, ==, 1);
  /* The thread makes the copy when it has nothing else to do. */
  log = store_fixture_take_log ();
  while (strstr (log, "No second copy of the store") == NULL)
    {
      g_free (log);
      g_usleep (1000);
      log = store_fixture_take_log ();
    }
  close_store (self);
  empty_disk (self);
  open_store (self);
  g_assert_nonnull (ferry_queue_lookup_any (self->queue, id));
}

static void
spoil (const char *path, goffset offset)
{
  int fd = open (path, O_WRONLY);
  char bytes[4096];

  memset (bytes, 0x5a, sizeof bytes);
  g_assert_cmpint (pwrite (fd, bytes, sizeof bytes, offset), ==, sizeof bytes);
  close (fd);
}

/* A damaged store on a full disk is not set aside for one that could not be written. */
static void
test_salvage_on_full_disk (Fixture *self, gconstpointer data)
{
  g_autofree char *path = store_fixture_path (self->directory, "ferry.db");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = NULL;

  if (!may_mount)
    {
      g_test_skip ("needs root, for a small file system");
      return;
    }

  for (guint i = 0; i < 100; i++)
    g_free (add_job (self));
  close_store (self);
  spoil (path, 8 * 4096);
  fill_disk (self);
  g_assert_null (ferry_store_new (self->directory, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
  g_assert_nonnull (strstr (error->message, "full"));
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));

  empty_disk (self);
  open_store (self);
  list = ferry_queue_list_all (self->queue);
  g_assert_cmpuint (list->len, >, 50);
}

/* It cannot even start: a sentence that says why, and nothing is set aside. */
static void
test_read_only (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;

  if (!may_mount)
    {
      g_test_skip ("needs root, for a read-only file system");
      return;
    }

  id = add_job (self);
  close_store (self);
  g_assert_cmpint (mount ("none", self->directory, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), ==, 0);
  g_assert_null (ferry_store_new (self->directory, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
  g_assert_nonnull (strstr (error->message, "Read-only file system"));
  g_assert_nonnull (strstr (error->message, self->directory));
  g_assert_cmpint (mount ("none", self->directory, "tmpfs", MS_REMOUNT, NULL), ==, 0);
  open_store (self);
  g_assert_nonnull (ferry_queue_lookup_any (self->queue, id));
}

static void
test_no_directory (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_store_new ("/nonexistent/state", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STORE_FAILED);
  g_assert_nonnull (strstr (error->message, "/nonexistent/state"));
  g_assert_nonnull (strstr (error->message, "No such file or directory"));
}

/* --- syncs --- */

/* A commit is one sync, whatever is in it; merging the log costs few more now and then. */
static void
test_syncs (Fixture *self, gconstpointer data)
{
  g_autofree char *id = add_job (self);
  int before;

  g_assert_no_error (store_fixture_commit (self->store));
  before = g_atomic_int_get (&n_syncs);
  for (guint i = 0; i < 50; i++)
    {
      ferry_job_touch (ferry_queue_lookup_any (self->queue, id), FERRY_CHANGE_JOB);
      g_assert_no_error (store_fixture_commit (self->store));
    }
  g_assert_cmpint (g_atomic_int_get (&n_syncs) - before, ==, 50);

  before = g_atomic_int_get (&n_syncs);
  for (guint i = 0; i < 400; i++)
    {
      g_free (add_job (self));
      g_assert_no_error (store_fixture_commit (self->store));
    }
  g_assert_cmpint (g_atomic_int_get (&n_syncs) - before, <=, 400 * 105 / 100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  may_mount = geteuid () == 0 && unshare (CLONE_NEWNS) == 0 &&
              mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
  store_fixture_collect_log ();

#define ADD(name, func) g_test_add ("/store/trouble/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("write-error", test_write_error);
  ADD ("sync-error", test_sync_error);
  ADD ("not-loaded", test_not_loaded);
  ADD ("syncs", test_syncs);
  g_test_add ("/store/trouble/full-disk", Fixture, NULL, mount_disk, test_full_disk, unmount_disk);
  g_test_add ("/store/trouble/start-on-full-disk", Fixture, NULL, mount_disk,
              test_start_on_full_disk, unmount_disk);
  g_test_add ("/store/trouble/salvage-on-full-disk", Fixture, NULL, mount_disk,
              test_salvage_on_full_disk, unmount_disk);
  g_test_add ("/store/trouble/read-only", Fixture, NULL, mount_disk, test_read_only, unmount_disk);
  g_test_add_func ("/store/trouble/no-directory", test_no_directory);
  return g_test_run ();
}
