/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of a target before its first byte. */

#include "ferry-error.h"
#include "sink-fixture.h"
#include "worker-directory.h"
#include "worker-sink-error.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
check (SinkFixture *self, gboolean may_exist)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) resume = worker_target_check (self->target, SINK_TEMPORARY, getpid (),
                                                     may_exist, FALSE, &error);
  gboolean seen = FALSE;

  g_assert_no_error (error);
  g_assert_nonnull (resume);
  g_assert_false (g_variant_is_floating (resume));
  g_assert_true (g_variant_lookup (resume, "DirectorySeen", "b", &seen));
  g_assert_true (seen);
}

static void
check_fails (SinkFixture *self, gboolean may_exist, gint code, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (
      worker_target_check (self->target, SINK_TEMPORARY, getpid (), may_exist, FALSE, &error));
  g_assert_error (error, FERRY_ERROR, code);
  if (strstr (error->message, message) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, message);
}

static void
set_target (SinkFixture *self, const char *name)
{
  g_free (self->target);
  self->target = g_build_filename (self->directory, name, NULL);
}

static void
test_free (SinkFixture *self, gconstpointer unused)
{
  check (self, FALSE);
  check (self, TRUE);
  g_assert_cmpuint (count_names (self->directory), ==, 0);
}

static void
test_exists (SinkFixture *self, gconstpointer unused)
{
  make_file (self->target, "old");
  check_fails (self, FALSE, FERRY_ERROR_TARGET_EXISTS, "exists");
  check (self, TRUE);
  assert_content (self->target, "old");
}

typedef struct
{
  int (*put) (const char *path, mode_t mode);
  const char *kind;
} Odd;

static int
put_symlink (const char *path, mode_t unused)
{
  return symlink ("other", path);
}

static int
put_device (const char *path, mode_t mode)
{
  return mknod (path, S_IFCHR | mode, 0x103);
}

static const Odd odd_directory = { mkdir, "is a directory" };
static const Odd odd_fifo = { mkfifo, "is a FIFO" };
static const Odd odd_symlink = { put_symlink, "is a symbolic link" };
static const Odd odd_device = { put_device, "is a device" };

static void
test_odd (SinkFixture *self, gconstpointer data)
{
  const Odd *odd = data;
  g_autofree char *other = g_build_filename (self->directory, "other", NULL);

  if (odd->put (self->target, 0700) != 0)
    {
      g_test_skip ("not root: cannot make a device");
      return;
    }

  /* A link that leads nowhere, then one that leads to a file. */
  check_fails (self, FALSE, FERRY_ERROR_NO_FILE_ACCESS, odd->kind);
  check_fails (self, TRUE, FERRY_ERROR_NO_FILE_ACCESS, odd->kind);
  make_file (other, "victim");
  check_fails (self, TRUE, FERRY_ERROR_NO_FILE_ACCESS, odd->kind);
}

static void
test_linked_parent (SinkFixture *self, gconstpointer unused)
{
  g_autofree char *real = g_build_filename (self->directory, "real", NULL);
  g_autofree char *linked = g_build_filename (self->directory, "linked", NULL);

  g_assert_cmpint (g_mkdir (real, 0700), ==, 0);
  g_assert_cmpint (symlink ("real", linked), ==, 0);
  set_target (self, "linked/target");
  check (self, FALSE);
  set_target (self, "linked//..///real/./target");
  check (self, FALSE);
}

static void
test_bad_parent (SinkFixture *self, gconstpointer unused)
{
  g_autofree char *file = g_build_filename (self->directory, "file", NULL);
  g_autofree char *loop = g_build_filename (self->directory, "loop", NULL);

  make_file (file, "");
  g_assert_cmpint (symlink ("loop", loop), ==, 0);
  set_target (self, "absent/target");
  check_fails (self, FALSE, FERRY_ERROR_NO_FILE_ACCESS, "No such file or directory");
  set_target (self, "file/target");
  check_fails (self, FALSE, FERRY_ERROR_NO_FILE_ACCESS, "Not a directory");
  set_target (self, "loop/target");
  check_fails (self, FALSE, FERRY_ERROR_NO_FILE_ACCESS, "symbolic links");
  set_target (self, "target/");
  check_fails (self, FALSE, FERRY_ERROR_NO_FILE_ACCESS, "names a directory");
  set_target (self, "..");
  check_fails (self, FALSE, FERRY_ERROR_NO_FILE_ACCESS, "names a directory");
}

static void
test_relative (SinkFixture *self, gconstpointer unused)
{
  g_free (self->target);
  self->target = g_strdup ("target");
  check_fails (self, FALSE, FERRY_ERROR_NO_FILE_ACCESS, "not an absolute path");
}

static void
test_long_names (SinkFixture *self, gconstpointer unused)
{
  glong longest = pathconf (self->directory, _PC_NAME_MAX);
  g_autofree char *name = g_strnfill (longest, 'n');
  g_autofree char *too_long = g_strnfill (longest + 1, 'n');
  g_autofree char *slashes = g_strnfill (5000, '/');

  /* The temporary name is short whatever the target's is. */
  set_target (self, name);
  check (self, FALSE);
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);
  g_autoptr (GError) error = NULL;
  worker_publish (self->target, SINK_TEMPORARY, resume, FALSE, 0644, &error);
  g_assert_no_error (error);

  set_target (self, too_long);
  check_fails (self, FALSE, FERRY_ERROR_NO_FILE_ACCESS, "too long");
  g_free (self->target);
  self->target = g_strconcat (self->directory, slashes, "n", NULL);
  check_fails (self, FALSE, FERRY_ERROR_NO_FILE_ACCESS, "too long");
}

static void
test_closed (SinkFixture *self, gconstpointer unused)
{
  g_assert_cmpint (g_chmod (self->directory, 0500), ==, 0);
  drop_privileges ();
  check_fails (self, FALSE, FERRY_ERROR_NO_FILE_ACCESS, "Permission denied");
  g_assert_cmpint (g_chmod (self->directory, 0), ==, 0);
  check_fails (self, FALSE, FERRY_ERROR_NO_FILE_ACCESS, "Permission denied");
  regain_privileges ();
  g_assert_cmpint (g_chmod (self->directory, 0700), ==, 0);
}

static void
test_sticky (SinkFixture *self, gconstpointer unused)
{
  if (!need_other_users ())
    return;

  make_file (self->target, "another user's");
  g_assert_cmpint (chown (self->target, 65534, 65534), ==, 0);
  g_assert_cmpint (chown (self->directory, 1, 1), ==, 0);
  g_assert_cmpint (g_chmod (self->directory, 01777), ==, 0);
  check_fails (self, TRUE, FERRY_ERROR_NO_FILE_ACCESS, "sticky");
  g_assert_cmpint (chown (self->target, 0, 0), ==, 0);
  check (self, TRUE);
}

/* Its Resume goes straight into the first start. */
static void
test_first_resume (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      resume = worker_target_check (self->target, SINK_TEMPORARY, 0, FALSE, FALSE, &error);
  g_autoptr (WorkerSink) sink = NULL;

  g_assert_no_error (error);
  sink = sink_fixture_open (self, resume);
  g_clear_pointer (&sink, worker_sink_free);
  g_assert_cmpint (g_unlink (self->temporary), ==, 0);
  g_assert_cmpint (g_rmdir (self->directory), ==, 0);
  sink_fixture_open_fails (self, resume, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);
  sink_fixture_open_fails (self, NULL, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
}

#define ADD(path, data, function)                                                                  \
  g_test_add ("/worker/target/" path, SinkFixture, data, sink_fixture_set_up, function,            \
              sink_fixture_tear_down)

/* A path that another user chose could lead anywhere; what is known of its directory says so later, too. */
static void
test_no_symlinks (SinkFixture *self, gconstpointer unused)
{
  g_autofree char *link = g_strconcat (self->directory, "-link", NULL);
  g_autofree char *path = g_build_filename (link, "target", NULL);
  g_autoptr (GVariant) resume = NULL;
  g_autoptr (GError) error = NULL;
  WorkerResume known;

  g_assert_cmpint (symlink (self->directory, link), ==, 0);
  resume = worker_target_check (path, SINK_TEMPORARY, 0, FALSE, FALSE, &error);
  g_assert_no_error (error);
  g_clear_pointer (&resume, g_variant_unref);

  g_assert_null (worker_target_check (path, SINK_TEMPORARY, 0, FALSE, TRUE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
  g_clear_error (&error);

  resume = worker_target_check (self->target, SINK_TEMPORARY, 0, FALSE, TRUE, &error);
  g_assert_no_error (error);
  worker_resume_parse (resume, &known);
  g_assert_true (known.no_symlinks);
  g_assert_null (worker_directory_open (path, SINK_TEMPORARY, &known, &error));
  g_assert_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);
  g_unlink (link);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("free", NULL, test_free);
  ADD ("exists", NULL, test_exists);
  ADD ("odd/directory", &odd_directory, test_odd);
  ADD ("odd/fifo", &odd_fifo, test_odd);
  ADD ("odd/symlink", &odd_symlink, test_odd);
  ADD ("odd/device", &odd_device, test_odd);
  ADD ("linked-parent", NULL, test_linked_parent);
  ADD ("bad-parent", NULL, test_bad_parent);
  ADD ("relative", NULL, test_relative);
  ADD ("no-symlinks", NULL, test_no_symlinks);
  ADD ("long-names", NULL, test_long_names);
  ADD ("closed", NULL, test_closed);
  ADD ("sticky", NULL, test_sticky);
  ADD ("first-resume", NULL, test_first_resume);

  return g_test_run ();
}
