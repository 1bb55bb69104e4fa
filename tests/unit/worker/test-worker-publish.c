/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the temporary name to the final one: permissions, what is in the way, crashes. */

#include "ferry-error.h"
#include "sink-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static void
publish (SinkFixture *self, GVariant *resume, gboolean replace, guint32 mode)
{
  g_autoptr (GError) error = NULL;

  worker_publish_check (self->target, SINK_TEMPORARY, resume, replace, &error);
  g_assert_no_error (error);
  worker_publish (self->target, SINK_TEMPORARY, resume, replace, mode, &error);
  g_assert_no_error (error);
}

/* Both the check and the deed fail with this, and the temporary file stays. */
static void
publish_fails (SinkFixture *self, GVariant *resume, gboolean replace, GQuark domain, gint code)
{
  g_autoptr (GError) check_error = NULL, error = NULL;

  g_assert_false (
      worker_publish_check (self->target, SINK_TEMPORARY, resume, replace, &check_error));
  g_assert_error (check_error, domain, code);
  g_assert_false (worker_publish (self->target, SINK_TEMPORARY, resume, replace, 0644, &error));
  g_assert_error (error, domain, code);
}

static void
assert_published (SinkFixture *self)
{
  assert_content (self->target, "whole");
  assert_absent (self->temporary);
  g_assert_cmpuint (count_names (self->directory), ==, 1);
}

static guint32
get_mode (const char *path)
{
  GStatBuf st;

  g_assert_cmpint (g_lstat (path, &st), ==, 0);
  return st.st_mode & 07777;
}

/* == the plain case == */

static void
test_plain (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  publish (self, resume, FALSE, 0644);
  assert_published (self);
  g_assert_cmpuint (get_mode (self->target), ==, 0644);
}

static void
test_empty_file (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autoptr (GVariant) resume = NULL;
  g_autoptr (GError) error = NULL;

  worker_sink_finish (sink, &error);
  g_assert_no_error (error);
  resume = sink_get_resume (sink);
  publish (self, resume, FALSE, 0644);
  assert_content (self->target, "");
}

static void
test_again (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);
  g_autofree char *link_path = g_build_filename (self->directory, "link", NULL);

  publish (self, resume, FALSE, 0644);
  publish (self, resume, FALSE, 0644);
  publish (self, resume, TRUE, 0644);
  assert_published (self);

  /* What the owner does with the file meanwhile is his affair. */
  g_assert_cmpint (truncate (self->target, 2), ==, 0);
  g_assert_cmpint (g_chmod (self->target, 0400), ==, 0);
  g_assert_cmpint (link (self->target, link_path), ==, 0);
  publish (self, resume, FALSE, 0644);
  g_assert_cmpuint (get_mode (self->target), ==, 0400);
  assert_content (self->target, "wh");
}

/* == permissions == */

static void
test_modes (SinkFixture *self, gconstpointer unused)
{
  static const guint32 modes[] = { 0600, 0644, 0666, 0755, 0444, 0200, 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (GVariant) resume = sink_fixture_fetch (self);

      drop_privileges ();
      publish (self, resume, FALSE, modes[i]);
      regain_privileges ();
      g_assert_cmpuint (get_mode (self->target), ==, modes[i]);
      g_assert_cmpint (g_unlink (self->target), ==, 0);
    }
}

/* Set-id bits are no permissions; who wants them sets them. */
static void
test_mode_bits (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  publish (self, resume, FALSE, 0100000 | 06755);
  g_assert_cmpuint (get_mode (self->target), ==, 0755);
}

static void
test_setgid_directory (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = NULL;
  GStatBuf st;

  if (!need_other_users ())
    return;

  g_assert_cmpint (chown (self->directory, -1, 65534), ==, 0);
  g_assert_cmpint (g_chmod (self->directory, 02770), ==, 0);
  resume = sink_fixture_fetch (self);
  publish (self, resume, FALSE, 0664);
  g_assert_cmpint (g_lstat (self->target, &st), ==, 0);
  g_assert_cmpuint (st.st_gid, ==, 65534);
  g_assert_cmpuint (st.st_mode, ==, S_IFREG | 0664);
}

/* A default ACL as the kernel stores it: user rwx, group r-x, group 5 rwx, mask rwx, other none. */
static const guint8 default_acl[] = {
  2,    0, 0, 0,                     /* version */
  1,    0, 7, 0, 255, 255, 255, 255, /* user */
  4,    0, 5, 0, 255, 255, 255, 255, /* group */
  8,    0, 7, 0, 5,   0,   0,   0,   /* group 5 */
  0x10, 0, 7, 0, 255, 255, 255, 255, /* mask */
  0x20, 0, 0, 0, 255, 255, 255, 255, /* other */
};

static gssize
get_acl (const char *path, char acl[256])
{
  return lgetxattr (path, "system.posix_acl_access", acl, 256);
}

static void
test_default_acl (SinkFixture *self, gconstpointer unused)
{
  g_autofree char *model = g_build_filename (self->directory, "model", NULL);
  g_autoptr (GVariant) resume = NULL;
  char wanted[256], got[256];

  if (setxattr (self->directory, "system.posix_acl_default", default_acl, sizeof default_acl, 0) !=
      0)
    {
      g_test_skip ("no ACLs here");
      return;
    }

  make_file (model, "made by open(2) with 0644");
  resume = sink_fixture_fetch (self);
  publish (self, resume, FALSE, 0644);

  gssize size = get_acl (model, wanted);
  g_assert_cmpint (size, ==, sizeof default_acl);
  g_assert_cmpint (get_acl (self->target, got), ==, size);
  g_assert_cmpmem (got, size, wanted, size);
  g_assert_cmpuint (get_mode (self->target), ==, get_mode (model));
  g_assert_cmpuint (get_mode (self->target) & 07, ==, 0);
}

/* The ACL that the directory had when the file was made is not the one it has now. */
static void
test_acl_taken_away (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = NULL;
  char acl[256];

  if (setxattr (self->directory, "system.posix_acl_default", default_acl, sizeof default_acl, 0) !=
      0)
    {
      g_test_skip ("no ACLs here");
      return;
    }

  resume = sink_fixture_fetch (self);
  g_assert_cmpint (get_acl (self->temporary, acl), >, 0);
  g_assert_cmpint (removexattr (self->directory, "system.posix_acl_default"), ==, 0);
  publish (self, resume, FALSE, 0644);
  g_assert_cmpint (get_acl (self->target, acl), ==, -1);
  g_assert_cmpuint (get_mode (self->target), ==, 0644);
}

/* == what is in the way == */

static void
test_target_exists (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  make_file (self->target, "other");
  publish_fails (self, resume, FALSE, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS);
  assert_content (self->target, "other");
  assert_content (self->temporary, "whole");

  publish (self, resume, TRUE, 0644);
  assert_published (self);
}

static void
put_symlink (const char *path)
{
  g_assert_cmpint (symlink ("victim", path), ==, 0);
}

static void
put_dangling_symlink (const char *path)
{
  g_assert_cmpint (symlink ("nowhere", path), ==, 0);
}

static void
put_fifo (const char *path)
{
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
}

static void
put_directory (const char *path)
{
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
}

typedef void (*PutFunc) (const char *path);

static void
test_odd_target (SinkFixture *self, gconstpointer data)
{
  PutFunc put = (PutFunc) data;
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);
  g_autofree char *victim = g_build_filename (self->directory, "victim", NULL);
  GStatBuf before, after;

  make_file (victim, "victim");
  put (self->target);
  g_assert_cmpint (g_lstat (self->target, &before), ==, 0);

  publish_fails (self, resume, FALSE, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS);
  publish_fails (self, resume, TRUE, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);

  g_assert_cmpint (g_lstat (self->target, &after), ==, 0);
  g_assert_cmpuint (before.st_ino, ==, after.st_ino);
  assert_content (victim, "victim");
  assert_content (self->temporary, "whole");
}

static void
test_closed_directory (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  g_assert_cmpint (g_chmod (self->directory, 0500), ==, 0);
  drop_privileges ();
  publish_fails (self, resume, FALSE, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
  regain_privileges ();
  g_assert_cmpint (g_chmod (self->directory, 0700), ==, 0);
  publish (self, resume, FALSE, 0644);
}

/* A drop box: we may make names in it but not list them, so that it cannot be synced itself. */
static void
test_unreadable_directory (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = NULL;

  g_assert_cmpint (g_chmod (self->directory, 0300), ==, 0);
  drop_privileges ();
  resume = sink_fixture_fetch (self);
  publish (self, resume, FALSE, 0644);
  publish (self, resume, FALSE, 0644);
  regain_privileges ();
  g_assert_cmpint (g_chmod (self->directory, 0700), ==, 0);
  assert_published (self);
}

static void
test_vanished_directory (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);
  g_autofree char *away = g_strconcat (self->directory, ".away", NULL);

  g_assert_cmpint (g_rename (self->directory, away), ==, 0);
  publish_fails (self, resume, FALSE, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);
  g_assert_cmpint (g_rename (away, self->directory), ==, 0);
  publish (self, resume, FALSE, 0644);
}

/* == crashes == */

/* Renamed, directory not synced, no reply. */
static void
test_crash_renamed (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  g_assert_cmpint (g_rename (self->temporary, self->target), ==, 0);
  publish (self, resume, FALSE, 0644);
  assert_published (self);
}

/* The same, and somebody made a file under the temporary name since. */
static void
test_crash_renamed_name_taken (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  g_assert_cmpint (g_rename (self->temporary, self->target), ==, 0);
  put_symlink (self->temporary);
  publish (self, resume, FALSE, 0644);
  assert_content (self->target, "whole");
}

/* linkat(2) done, unlinkat(2) not. */
static void
test_crash_linked (SinkFixture *self, gconstpointer replace)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  g_assert_cmpint (link (self->temporary, self->target), ==, 0);
  publish (self, resume, GPOINTER_TO_INT (replace), 0644);
  assert_published (self);
  g_assert_cmpuint (get_mode (self->target), ==, 0644);
}

/* Final mode set, not renamed: a mode that keeps even its owner out. */
static void
test_crash_mode_set (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  g_assert_cmpint (g_chmod (self->temporary, 0111), ==, 0);
  drop_privileges ();
  publish (self, resume, FALSE, 0111);
  regain_privileges ();
  g_assert_cmpuint (get_mode (self->target), ==, 0111);
}

/* == lost == */

static void
test_lost (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  g_assert_cmpint (g_unlink (self->temporary), ==, 0);
  publish_fails (self, resume, FALSE, WORKER_SINK_ERROR, WORKER_SINK_ERROR_LOST);
  publish_fails (self, NULL, FALSE, WORKER_SINK_ERROR, WORKER_SINK_ERROR_LOST);

  /* A target that looks like it is not it. */
  make_file (self->target, "whole");
  publish_fails (self, resume, FALSE, WORKER_SINK_ERROR, WORKER_SINK_ERROR_LOST);
  publish_fails (self, resume, TRUE, WORKER_SINK_ERROR, WORKER_SINK_ERROR_LOST);
  assert_content (self->target, "whole");
}

static void
test_not_whole (SinkFixture *self, gconstpointer size)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  g_assert_cmpint (truncate (self->temporary, GPOINTER_TO_INT (size)), ==, 0);
  publish_fails (self, resume, FALSE, WORKER_SINK_ERROR, WORKER_SINK_ERROR_LOST);
  assert_absent (self->target);
}

static void
test_swapped (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);
  g_autofree char *other = g_build_filename (self->directory, "other", NULL);

  make_file (other, "WHOLE");
  g_assert_cmpint (g_rename (other, self->temporary), ==, 0);
  publish_fails (self, resume, FALSE, WORKER_SINK_ERROR, WORKER_SINK_ERROR_LOST);
  assert_absent (self->target);
}

static void
test_second_link (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);
  g_autofree char *other = g_build_filename (self->directory, "other", NULL);

  g_assert_cmpint (link (self->temporary, other), ==, 0);
  publish_fails (self, resume, FALSE, WORKER_SINK_ERROR, WORKER_SINK_ERROR_LOST);
}

/* == removing == */

static void
remove_file (SinkFixture *self, GVariant *resume)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (worker_remove (self->target, SINK_TEMPORARY, resume, &error));
  g_assert_no_error (error);
}

static void
test_remove (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  remove_file (self, resume);
  g_assert_cmpuint (count_names (self->directory), ==, 0);
  remove_file (self, resume);

  /* Made, and no Resume ever stored. */
  make_file (self->temporary, "first bytes");
  remove_file (self, NULL);
  g_assert_cmpuint (count_names (self->directory), ==, 0);

  /* Started over, and the store heard nothing of it. */
  make_file (self->temporary, "first bytes");
  remove_file (self, resume);
  g_assert_cmpuint (count_names (self->directory), ==, 0);
}

static void
test_remove_no_directory (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  g_assert_cmpint (g_unlink (self->temporary), ==, 0);
  g_assert_cmpint (g_rmdir (self->directory), ==, 0);
  remove_file (self, resume);
  remove_file (self, NULL);
  assert_absent (self->directory);
}

static void
test_remove_alien (SinkFixture *self, gconstpointer data)
{
  PutFunc put = (PutFunc) data;

  put (self->temporary);
  remove_file (self, NULL);
  g_assert_cmpuint (count_names (self->directory), ==, 1);
}

static void
test_remove_links (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);
  g_autofree char *other = g_build_filename (self->directory, "other", NULL);

  g_assert_cmpint (link (self->temporary, other), ==, 0);
  remove_file (self, resume);
  assert_content (self->temporary, "whole");

  /* Half published: the name that its owner sees stays. */
  g_assert_cmpint (g_rename (other, self->target), ==, 0);
  g_assert_cmpint (link (self->target, other), ==, 0);
  g_assert_cmpint (g_unlink (other), ==, 0);
  remove_file (self, resume);
  assert_absent (self->temporary);
  assert_content (self->target, "whole");
}

static void
test_remove_published (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  publish (self, resume, FALSE, 0644);
  remove_file (self, resume);
  assert_published (self);
}

static void
test_remove_refused (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_chmod (self->directory, 0500), ==, 0);
  drop_privileges ();
  g_assert_false (worker_remove (self->target, SINK_TEMPORARY, resume, &error));
  regain_privileges ();
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
}

#define ADD(path, data, function)                                                                  \
  g_test_add ("/worker/publish/" path, SinkFixture, data, sink_fixture_set_up, function,           \
              sink_fixture_tear_down)

static void
add_crashes (void)
{
  ADD ("crash/renamed", NULL, test_crash_renamed);
  ADD ("crash/renamed-name-taken", NULL, test_crash_renamed_name_taken);
  ADD ("crash/linked", GINT_TO_POINTER (FALSE), test_crash_linked);
  ADD ("crash/linked-replace", GINT_TO_POINTER (TRUE), test_crash_linked);
  ADD ("crash/mode-set", NULL, test_crash_mode_set);
  ADD ("lost", NULL, test_lost);
  ADD ("lost/too-short", GINT_TO_POINTER (4), test_not_whole);
  ADD ("lost/too-long", GINT_TO_POINTER (6), test_not_whole);
  ADD ("lost/swapped", NULL, test_swapped);
  ADD ("lost/second-link", NULL, test_second_link);
}

static void
add_removal (void)
{
  ADD ("remove", NULL, test_remove);
  ADD ("remove/no-directory", NULL, test_remove_no_directory);
  ADD ("remove/symlink", put_symlink, test_remove_alien);
  ADD ("remove/fifo", put_fifo, test_remove_alien);
  ADD ("remove/directory", put_directory, test_remove_alien);
  ADD ("remove/links", NULL, test_remove_links);
  ADD ("remove/published", NULL, test_remove_published);
  ADD ("remove/refused", NULL, test_remove_refused);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("plain", NULL, test_plain);
  ADD ("empty-file", NULL, test_empty_file);
  ADD ("again", NULL, test_again);
  ADD ("modes", NULL, test_modes);
  ADD ("mode-bits", NULL, test_mode_bits);
  ADD ("setgid-directory", NULL, test_setgid_directory);
  ADD ("default-acl", NULL, test_default_acl);
  ADD ("acl-taken-away", NULL, test_acl_taken_away);
  ADD ("target-exists", NULL, test_target_exists);
  ADD ("odd-target/symlink", put_symlink, test_odd_target);
  ADD ("odd-target/dangling-symlink", put_dangling_symlink, test_odd_target);
  ADD ("odd-target/fifo", put_fifo, test_odd_target);
  ADD ("odd-target/directory", put_directory, test_odd_target);
  ADD ("closed-directory", NULL, test_closed_directory);
  ADD ("unreadable-directory", NULL, test_unreadable_directory);
  ADD ("vanished-directory", NULL, test_vanished_directory);
  add_crashes ();
  add_removal ();

  return g_test_run ();
}
