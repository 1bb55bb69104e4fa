/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File systems that lack something or fail, by way of odd-fs. */

#include "ferry-error.h"
#include "sink-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The base's directory holds three: mounted/ shows what is in backing/; the target is in mounted/. */
typedef struct
{
  SinkFixture base;
  char *backing; /* (owned) */
  char *rules;   /* (owned) */
  char *mounted; /* (owned) */
  GPid server;   /* 0 = not mounted */
} OddFixture;

static gboolean can_mount = FALSE;

/* == life of the file system == */

static gboolean
mount_odd_fs (OddFixture *self)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "worker", "odd-fs", NULL);
  const char *const argv[] = { program, self->backing, self->rules, self->mounted, NULL };
  g_autoptr (GError) error = NULL;
  char ready[6];
  int output;

  if (!can_mount || access ("/dev/fuse", R_OK | W_OK) != 0 || access (program, X_OK) != 0)
    return FALSE;

  g_spawn_async_with_pipes (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                            &self->server, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  gboolean is_ready = read (output, ready, sizeof ready) == sizeof ready;
  close (output);
  if (!is_ready)
    {
      waitpid (self->server, NULL, 0);
      self->server = 0;
    }
  return is_ready;
}

static void
unmount_odd_fs (OddFixture *self)
{
  g_assert_cmpint (umount2 (self->mounted, MNT_DETACH), ==, 0);
  g_assert_cmpint (waitpid (self->server, NULL, 0), ==, self->server);
  self->server = 0;
}

static char *
make_inside (OddFixture *self, const char *name)
{
  char *path = g_build_filename (self->base.directory, name, NULL);

  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  return path;
}

static void
set_up (OddFixture *self, gconstpointer unused)
{
  sink_fixture_set_up (&self->base, NULL);
  self->backing = make_inside (self, "backing");
  self->rules = make_inside (self, "rules");
  self->mounted = make_inside (self, "mounted");
  sink_fixture_move (&self->base, self->mounted);
  if (!mount_odd_fs (self))
    g_test_skip ("FUSE file systems cannot be mounted here");
}

static void
tear_down (OddFixture *self, gconstpointer unused)
{
  if (self->server != 0)
    unmount_odd_fs (self);
  g_free (self->backing);
  g_free (self->rules);
  g_free (self->mounted);
  sink_fixture_tear_down (&self->base, NULL);
}

static void
set_rule (OddFixture *self, const char *rule, gboolean on)
{
  g_autofree char *path = g_build_filename (self->rules, rule, NULL);

  if (on)
    make_file (path, "");
  else
    g_assert_cmpint (g_unlink (path), ==, 0);
}

/* == publishing without rename flags == */

static void
publish (OddFixture *self, GVariant *resume, gboolean replace)
{
  g_autoptr (GError) error = NULL;

  worker_publish (self->base.target, SINK_TEMPORARY, resume, replace, 0640, &error);
  g_assert_no_error (error);
}

static void
publish_fails (OddFixture *self, GVariant *resume, GQuark domain, gint code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (worker_publish (self->base.target, SINK_TEMPORARY, resume, FALSE, 0640, &error));
  g_assert_error (error, domain, code);
}

static void
assert_published (OddFixture *self)
{
  GStatBuf st;

  assert_content (self->base.target, "whole");
  assert_absent (self->base.temporary);
  g_assert_cmpuint (count_names (self->backing), ==, 1);
  g_assert_cmpint (g_lstat (self->base.target, &st), ==, 0);
  g_assert_cmpuint (st.st_mode, ==, S_IFREG | 0640);
}

static void
test_publish (OddFixture *self, gconstpointer rule)
{
  g_autoptr (GVariant) resume = NULL;

  if (self->server == 0)
    return;

  if (rule != NULL)
    set_rule (self, rule, TRUE);
  resume = sink_fixture_fetch (&self->base);
  publish (self, resume, FALSE);
  assert_published (self);
  publish (self, resume, FALSE);
  assert_published (self);
}

static void
test_replace (OddFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = NULL;

  if (self->server == 0)
    return;

  make_file (self->base.target, "other");
  resume = sink_fixture_fetch (&self->base);
  publish_fails (self, resume, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS);
  assert_content (self->base.target, "other");
  publish (self, resume, TRUE);
  assert_published (self);
}

/* The target comes after the last look at it. */
static void
test_target_appears (OddFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = NULL;

  if (self->server == 0)
    return;

  resume = sink_fixture_fetch (&self->base);
  make_file (self->base.target, "other");
  set_rule (self, "hide-target", TRUE);
  publish_fails (self, resume, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS);
  set_rule (self, "hide-target", FALSE);
  assert_content (self->base.target, "other");
  assert_content (self->base.temporary, "whole");
}

/* linkat(2) done, unlinkat(2) not. */
static void
test_crash_linked (OddFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = NULL;

  if (self->server == 0)
    return;

  resume = sink_fixture_fetch (&self->base);
  set_rule (self, "fail-unlink", TRUE);
  publish_fails (self, resume, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR);
  assert_content (self->base.target, "whole");
  assert_content (self->base.temporary, "whole");
  set_rule (self, "fail-unlink", FALSE);
  publish (self, resume, FALSE);
  assert_published (self);
}

static void
test_publish_not_synced (OddFixture *self, gconstpointer rule)
{
  g_autoptr (GVariant) resume = NULL;

  if (self->server == 0)
    return;

  resume = sink_fixture_fetch (&self->base);
  set_rule (self, rule, TRUE);
  publish_fails (self, resume, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR);
  set_rule (self, rule, FALSE);
  publish (self, resume, FALSE);
  assert_published (self);
}

/* == failing disks == */

static void
test_fails (OddFixture *self, gconstpointer rule)
{
  g_autoptr (WorkerSink) sink = NULL;
  g_autoptr (GVariant) resume = NULL;
  g_autoptr (GError) error = NULL, again = NULL;

  if (self->server == 0)
    return;

  sink = sink_fixture_open (&self->base, NULL);
  sink_write (sink, "durable");
  set_rule (self, rule, TRUE);
  g_assert_false (worker_sink_write (sink, " lost", 5, &error) &&
                  worker_sink_checkpoint (sink, &error));
  g_assert_nonnull (error);

  /* That the next call works proves nothing: the kernel tells a failed sync but once. */
  set_rule (self, rule, FALSE);
  g_assert_false (worker_sink_checkpoint (sink, &again));
  g_assert_error (again, error->domain, error->code);
  g_assert_cmpstr (again->message, ==, error->message);
  g_assert_false (worker_sink_finish (sink, NULL));
  g_assert_false (worker_sink_write (sink, "x", 1, NULL));
  g_assert_cmpuint (worker_sink_get_durable (sink), ==, 7);

  resume = sink_get_resume (sink);
  g_clear_pointer (&sink, worker_sink_free);
  sink = sink_fixture_open (&self->base, resume);
  assert_content (self->base.temporary, "durable");
  sink_write (sink, ", then new");
}

static void
test_first_checkpoint_fails (OddFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = NULL;
  g_autoptr (GError) error = NULL;

  if (self->server == 0)
    return;

  /* The file is on disk, its name is not: no offset of it may be committed. */
  set_rule (self, "fail-fsyncdir", TRUE);
  sink = sink_fixture_open (&self->base, NULL);
  worker_sink_write (sink, "abc", 3, &error);
  g_assert_no_error (error);
  g_assert_false (worker_sink_checkpoint (sink, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR);
  g_assert_cmpuint (worker_sink_get_durable (sink), ==, 0);
}

/* The name is synced once, before the first offset. */
static void
test_second_checkpoint (OddFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = NULL;

  if (self->server == 0)
    return;

  sink = sink_fixture_open (&self->base, NULL);
  sink_write (sink, "first");
  set_rule (self, "fail-fsyncdir", TRUE);
  sink_write (sink, ", second");
}

/* The same disk that fails, and is unmounted by force. */
static void
test_pulled_out (OddFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = NULL;
  g_autoptr (GError) error = NULL;

  if (self->server == 0)
    return;

  sink = sink_fixture_open (&self->base, NULL);
  sink_write (sink, "durable");
  worker_sink_write (sink, "more", 4, &error);
  g_assert_no_error (error);
  set_rule (self, "fail-fsync", TRUE);
  g_assert_cmpint (umount2 (self->mounted, MNT_DETACH), ==, 0);
  g_assert_false (worker_sink_checkpoint (sink, &error));
  g_assert_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);

  g_clear_pointer (&sink, worker_sink_free);
  g_assert_cmpint (waitpid (self->server, NULL, 0), ==, self->server);
  self->server = 0;
}

/* A home directory whose user has logged out: its names cannot be found, and nothing is lost. */
static void
test_locked (OddFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = NULL;
  g_autoptr (GError) error = NULL;

  if (self->server == 0)
    return;

  resume = sink_fixture_fetch (&self->base);
  set_rule (self, "locked", TRUE);
  sink_fixture_open_fails (&self->base, NULL, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);
  publish_fails (self, resume, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);
  g_assert_null (worker_target_check (self->base.target, SINK_TEMPORARY, 0, FALSE, FALSE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
  set_rule (self, "locked", FALSE);
  publish (self, resume, FALSE);
  assert_published (self);
}

/* == where inode numbers mean nothing == */

static void
test_mounted_again (OddFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = NULL;
  g_autoptr (GVariant) resume = NULL;

  if (self->server == 0)
    return;

  sink = sink_fixture_open (&self->base, NULL);
  sink_write (sink, "durable");
  resume = sink_get_resume (sink);
  g_clear_pointer (&sink, worker_sink_free);

  unmount_odd_fs (self);
  sink_fixture_open_fails (&self->base, resume, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);
  g_assert_cmpuint (count_names (self->mounted), ==, 0);

  g_assert_true (mount_odd_fs (self));
  sink = sink_fixture_open (&self->base, resume);
  g_assert_cmpuint (worker_sink_get_position (sink), ==, 7);
}

static void
test_server_died (OddFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = NULL;
  g_autoptr (GVariant) resume = NULL;
  g_autoptr (GError) error = NULL;

  if (self->server == 0)
    return;

  sink = sink_fixture_open (&self->base, NULL);
  sink_write (sink, "durable");
  resume = sink_get_resume (sink);
  kill (self->server, SIGKILL);
  g_assert_cmpint (waitpid (self->server, NULL, 0), ==, self->server);

  g_assert_false (worker_sink_write (sink, "more", 4, &error));
  g_assert_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);
  sink_fixture_open_fails (&self->base, resume, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);

  g_assert_cmpint (umount2 (self->mounted, MNT_DETACH), ==, 0);
  self->server = 0;
}

/* A new file under the old name could not be told from the old one after a crash. */
static void
test_starting_over (OddFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = NULL;
  g_autoptr (GVariant) resume = NULL;
  g_autoptr (GError) error = NULL;

  if (self->server == 0)
    return;

  sink = sink_fixture_open (&self->base, NULL);
  sink_write (sink, "durable");
  resume = sink_get_resume (sink);
  g_assert_false (worker_sink_restart (sink, &error));
  g_assert_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
  assert_absent (self->base.temporary);
  g_clear_pointer (&sink, worker_sink_free);
  sink_fixture_open_fails (&self->base, resume, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);

  make_file (self->base.temporary, "short");
  sink_fixture_open_fails (&self->base, resume, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
  g_assert_cmpuint (count_names (self->backing), ==, 0);
}

/* Neither files without names nor preallocation. */
static void
test_check_and_expect (OddFixture *self, gconstpointer unused)
{
  g_autofree char *left = NULL;
  g_autofree char *data = g_malloc0 (1048576);
  g_autoptr (WorkerSink) sink = NULL;
  g_autoptr (GVariant) resume = NULL;
  g_autoptr (GError) error = NULL;

  if (self->server == 0)
    return;

  /* As a crash in the middle of a check would leave it. */
  left = g_strconcat (self->base.temporary, "~", NULL);
  make_file (left, "");
  resume = worker_target_check (self->base.target, SINK_TEMPORARY, 0, FALSE, FALSE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_names (self->backing), ==, 0);

  sink = sink_fixture_open (&self->base, resume);
  worker_sink_expect (sink, 4 * 1048576, &error);
  g_assert_no_error (error);
  worker_sink_write (sink, data, 1048576, &error);
  g_assert_no_error (error);
  worker_sink_finish (sink, &error);
  g_assert_no_error (error);
}

#define ADD(path, data, function)                                                                  \
  g_test_add ("/worker/odd-fs/" path, OddFixture, data, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  can_mount = enter_mount_namespace ();

  ADD ("publish", NULL, test_publish);
  ADD ("publish/no-link", "no-link", test_publish);
  ADD ("publish/replace", NULL, test_replace);
  ADD ("publish/target-appears", NULL, test_target_appears);
  ADD ("publish/crash-linked", NULL, test_crash_linked);
  ADD ("publish/mode-not-synced", "fail-fsync", test_publish_not_synced);
  ADD ("publish/name-not-synced", "fail-fsyncdir", test_publish_not_synced);
  ADD ("fails/write", "fail-write", test_fails);
  ADD ("fails/fsync", "fail-fsync", test_fails);
  ADD ("fails/first-checkpoint", NULL, test_first_checkpoint_fails);
  ADD ("fails/second-checkpoint", NULL, test_second_checkpoint);
  ADD ("pulled-out", NULL, test_pulled_out);
  ADD ("locked", NULL, test_locked);
  ADD ("mounted-again", NULL, test_mounted_again);
  ADD ("server-died", NULL, test_server_died);
  ADD ("starting-over", NULL, test_starting_over);
  ADD ("check-and-expect", NULL, test_check_and_expect);

  return g_test_run ();
}
