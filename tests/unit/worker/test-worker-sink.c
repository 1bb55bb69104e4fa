/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The temporary file: writing, checkpoints, going on after a crash, and what is not ours. */

#include "ferry-error.h"
#include "ferry-worker-protocol.h"
#include "sink-fixture.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEBIBYTE 1048576

static guint64
get_inode (const char *path)
{
  GStatBuf st;

  g_assert_cmpint (g_lstat (path, &st), ==, 0);
  return st.st_ino;
}

/* Writes "durable" and a checkpoint, then " and more" without, as a crash would leave it. */
static GVariant *
crash (SinkFixture *self)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autoptr (GError) error = NULL;

  sink_write (sink, "durable");
  worker_sink_write (sink, " and more", 9, &error);
  g_assert_no_error (error);
  return sink_get_resume (sink);
}

/* Opens with bytes that are lost: it starts at 0 and says so. */
static WorkerSink *
open_restarted (SinkFixture *self, GVariant *resume)
{
  g_autoptr (GError) error = NULL;
  gboolean restarted = FALSE;
  WorkerSink *sink = worker_sink_open (self->target, SINK_TEMPORARY, resume, &restarted, &error);

  g_assert_no_error (error);
  g_assert_true (restarted);
  g_assert_cmpuint (worker_sink_get_position (sink), ==, 0);
  g_assert_cmpuint (worker_sink_get_durable (sink), ==, 0);
  return sink;
}

/* == writing == */

static void
test_write (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autoptr (GVariant) resume = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf st;
  guint64 offset = 1;

  g_assert_cmpint (g_lstat (self->temporary, &st), ==, 0);
  g_assert_cmpuint (st.st_mode, ==, S_IFREG | 0600);
  g_assert_false (worker_sink_wants_checkpoint (sink));

  worker_sink_write (sink, "hel", 3, &error);
  worker_sink_write (sink, "", 0, &error);
  worker_sink_write (sink, "lo", 2, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (worker_sink_get_position (sink), ==, 5);
  g_assert_cmpuint (worker_sink_get_durable (sink), ==, 0);
  resume = sink_get_resume (sink);
  g_assert_true (g_variant_lookup (resume, "Offset", "t", &offset));
  g_assert_cmpuint (offset, ==, 0);

  worker_sink_checkpoint (sink, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (worker_sink_get_durable (sink), ==, 5);
  worker_sink_finish (sink, &error);
  g_assert_no_error (error);
  assert_content (self->temporary, "hello");
  assert_absent (self->target);
}

static void
test_resume_is_small (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = sink_fixture_fetch (self);

  /* Validator and other things of the HTTP side share the space. */
  g_assert_cmpuint (g_variant_get_size (resume), <, FERRY_RESUME_MAX / 4);
}

static void
test_finish_for_publication (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autoptr (GVariant) resume = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf st;

  worker_sink_write (sink, "whole", 5, &error);
  g_assert_no_error (error);
  worker_sink_finish_for_publication (sink, 0604, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (worker_sink_get_durable (sink), ==, 5);
  g_assert_cmpint (g_lstat (self->temporary, &st), ==, 0);
  g_assert_cmpuint (st.st_mode, ==, S_IFREG | 0604);

  resume = sink_get_resume (sink);
  worker_publish (self->target, SINK_TEMPORARY, resume, FALSE, 0604, &error);
  g_assert_no_error (error);
  assert_content (self->target, "whole");
  assert_absent (self->temporary);
}

static void
test_empty (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autoptr (GError) error = NULL;

  worker_sink_expect (sink, 0, &error);
  g_assert_no_error (error);
  worker_sink_checkpoint (sink, &error);
  g_assert_no_error (error);
  worker_sink_finish (sink, &error);
  g_assert_no_error (error);
  assert_content (self->temporary, "");
}

static void
test_read (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = crash (self);
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, resume);
  g_autoptr (GError) error = NULL;
  char buffer[16];

  g_assert_cmpint (worker_sink_read (sink, 3, buffer, sizeof buffer, &error), ==, 4);
  g_assert_cmpmem (buffer, 4, "able", 4);
  g_assert_cmpint (worker_sink_read (sink, 7, buffer, sizeof buffer, &error), ==, 0);
  g_assert_no_error (error);
}

static void
test_wants_checkpoint_by_size (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autofree char *data = g_malloc0 (MEBIBYTE);
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  guint written = 0;

  while (!worker_sink_wants_checkpoint (sink))
    {
      g_assert_cmpuint (++written, <=, 64);
      worker_sink_write (sink, data, MEBIBYTE, &error);
      g_assert_no_error (error);
    }
  /* Fewer only where the disk is so slow that the other limit was reached. */
  g_assert_true (written == 64 || g_get_monotonic_time () - start >= 5 * G_USEC_PER_SEC);

  worker_sink_checkpoint (sink, &error);
  g_assert_no_error (error);
  g_assert_false (worker_sink_wants_checkpoint (sink));
}

/* Lets 6 s of boot time pass by giving a child process another time namespace. */
static void
test_wants_checkpoint_by_time (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autoptr (GError) error = NULL;
  int status;

  worker_sink_write (sink, "x", 1, &error);
  g_assert_no_error (error);

  pid_t child = fork ();
  if (child == 0)
    {
      FILE *offsets;

      if (unshare (CLONE_NEWTIME) != 0 ||
          (offsets = fopen ("/proc/self/timens_offsets", "w")) == NULL ||
          fprintf (offsets, "boottime 6 0\n") < 0 || fclose (offsets) != 0)
        _exit (77);

      /* The namespace is that of children to come. */
      pid_t grandchild = fork ();
      if (grandchild == 0)
        _exit (worker_sink_wants_checkpoint (sink) ? 0 : 1);
      waitpid (grandchild, &status, 0);
      _exit (WEXITSTATUS (status));
    }

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  if (WEXITSTATUS (status) == 77)
    g_test_skip ("no time namespace: the 5 seconds of a checkpoint are not tested");
  else
    g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

static void
test_expect (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autofree char *data = g_malloc0 (MEBIBYTE);
  g_autoptr (GError) error = NULL;
  GStatBuf taken, cut;

  g_assert_false (worker_sink_expect (sink, FERRY_SIZE_UNKNOWN - 1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_DISK_FULL);
  g_clear_error (&error);

  /* That was no damage. */
  worker_sink_expect (sink, FERRY_SIZE_UNKNOWN, &error);
  g_assert_no_error (error);
  worker_sink_expect (sink, 16 * MEBIBYTE, &error);
  g_assert_no_error (error);
  worker_sink_write (sink, data, MEBIBYTE, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_lstat (self->temporary, &taken), ==, 0);
  g_assert_cmpint (taken.st_size, ==, MEBIBYTE);

  worker_sink_finish (sink, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_lstat (self->temporary, &cut), ==, 0);
  g_assert_cmpint (cut.st_size, ==, MEBIBYTE);
  if (taken.st_blocks * 512 < 16 * MEBIBYTE)
    g_test_skip ("no fallocate here: taking room is not tested");
  else
    g_assert_cmpint (cut.st_blocks * 512, <, 2 * MEBIBYTE);
}

/* == going on == */

static void
test_resume (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = crash (self);
  g_autoptr (WorkerSink) sink = NULL;
  g_autoptr (GError) error = NULL;
  guint64 inode = get_inode (self->temporary);

  assert_content (self->temporary, "durable and more");
  sink = sink_fixture_open (self, resume);
  g_assert_cmpuint (worker_sink_get_position (sink), ==, 7);
  g_assert_cmpuint (worker_sink_get_durable (sink), ==, 7);
  assert_content (self->temporary, "durable");
  g_assert_cmpuint (get_inode (self->temporary), ==, inode);

  worker_sink_write (sink, ", then new", 10, &error);
  g_assert_no_error (error);
  worker_sink_finish (sink, &error);
  g_assert_no_error (error);
  assert_content (self->temporary, "durable, then new");
}

static void
test_resume_gone (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = crash (self);
  g_autoptr (WorkerSink) sink = NULL;

  g_assert_cmpint (g_unlink (self->temporary), ==, 0);
  sink = open_restarted (self, resume);
  assert_content (self->temporary, "");
}

static void
test_resume_short (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = crash (self);
  g_autoptr (WorkerSink) sink = NULL;
  guint64 inode = get_inode (self->temporary);

  g_assert_cmpint (truncate (self->temporary, 6), ==, 0);
  sink = open_restarted (self, resume);
  assert_content (self->temporary, "");
  /* Else the old Resume, should it still be in the store, would fit once 7 bytes are there. */
  g_assert_cmpuint (get_inode (self->temporary), !=, inode);
}

static void
test_leftover (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = NULL;

  /* Of a crash before the first checkpoint. */
  make_file (self->temporary, "leftover");
  sink = sink_fixture_open (self, NULL);
  assert_content (self->temporary, "");
}

static void
test_closed_mode (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = crash (self);
  g_autoptr (WorkerSink) sink = NULL;

  g_assert_cmpint (g_chmod (self->temporary, 0), ==, 0);
  drop_privileges ();
  sink = sink_fixture_open (self, resume);
  regain_privileges ();
  g_assert_cmpuint (worker_sink_get_position (sink), ==, 7);
}

static void
test_resume_of_another_type (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) text = g_variant_ref_sink (
      g_variant_new_parsed ("{'Offset': <'7'>, 'Inode': <true>, 'DirectorySeen': <uint64 1>,"
                            " 'BirthTime': <@as []>, 'DirectoryBoot': <7>, 'Uid': <'nobody'>}"));
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, text);

  g_assert_cmpuint (worker_sink_get_position (sink), ==, 0);
}

/* == what is not ours == */

static void
put_symlink (SinkFixture *self)
{
  g_assert_cmpint (symlink ("victim", self->temporary), ==, 0);
}

static void
put_fifo (SinkFixture *self)
{
  g_assert_cmpint (mkfifo (self->temporary, 0600), ==, 0);
}

static void
put_directory (SinkFixture *self)
{
  g_assert_cmpint (g_mkdir (self->temporary, 0700), ==, 0);
}

static void
put_second_link (SinkFixture *self)
{
  g_autofree char *victim = g_build_filename (self->directory, "victim", NULL);

  g_assert_cmpint (link (victim, self->temporary), ==, 0);
}

typedef void (*PutFunc) (SinkFixture *self);

static void
test_alien (SinkFixture *self, gconstpointer data)
{
  PutFunc put = (PutFunc) data;
  g_autofree char *victim = g_build_filename (self->directory, "victim", NULL);
  g_autoptr (GVariant) resume = crash (self);
  GStatBuf before, after;

  make_file (victim, "somebody's bytes");
  g_assert_cmpint (g_unlink (self->temporary), ==, 0);
  put (self);
  g_assert_cmpint (g_lstat (self->temporary, &before), ==, 0);

  sink_fixture_open_fails (self, resume, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
  sink_fixture_open_fails (self, NULL, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);

  g_assert_cmpint (g_lstat (self->temporary, &after), ==, 0);
  g_assert_cmpuint (before.st_ino, ==, after.st_ino);
  g_assert_cmpuint (before.st_mode, ==, after.st_mode);
  assert_content (victim, "somebody's bytes");
}

static void
test_other_user (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = crash (self);

  if (!need_other_users ())
    return;

  g_assert_cmpint (chown (self->temporary, 65534, 65534), ==, 0);
  sink_fixture_open_fails (self, resume, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
  sink_fixture_open_fails (self, NULL, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
  assert_content (self->temporary, "durable and more");
}

static void
test_device (SinkFixture *self, gconstpointer unused)
{
  if (mknod (self->temporary, S_IFCHR | 0600, 0x103) != 0)
    {
      g_test_skip ("not root: cannot make a device");
      return;
    }

  sink_fixture_open_fails (self, NULL, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
}

static void
test_copy (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = crash (self);
  g_autofree char *copy = g_build_filename (self->directory, "copy", NULL);

  make_file (copy, "other by");
  g_assert_cmpint (g_rename (copy, self->temporary), ==, 0);
  sink_fixture_open_fails (self, resume, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
  assert_content (self->temporary, "other by");
}

/* An inode number is used again soon; its birth time is not. */
static void
test_inode_used_again (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = crash (self);
  g_autoptr (GVariant) older = NULL;
  gint64 birth_time = 0;

  g_assert_true (g_variant_lookup (resume, "BirthTime", "x", &birth_time));
  if (birth_time == 0)
    {
      g_test_skip ("no birth times here");
      return;
    }

  older = sink_resume_with (resume, "BirthTime", g_variant_new_int64 (birth_time - 1));
  sink_fixture_open_fails (self, older, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
}

static void
test_removed_while_open (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autoptr (GError) error = NULL;

  sink_write (sink, "abc");
  worker_sink_write (sink, "def", 3, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_unlink (self->temporary), ==, 0);

  g_assert_false (worker_sink_checkpoint (sink, &error));
  g_assert_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
  g_clear_error (&error);
  g_assert_false (worker_sink_finish (sink, &error));
  g_assert_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
  g_assert_cmpuint (worker_sink_get_durable (sink), ==, 3);
}

/* == starting over == */

static void
test_restart_early (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autoptr (GError) error = NULL;
  guint64 inode = get_inode (self->temporary);

  worker_sink_write (sink, "old and long", 12, &error);
  worker_sink_restart (sink, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (worker_sink_get_position (sink), ==, 0);
  sink_write (sink, "new");
  assert_content (self->temporary, "new");
  g_assert_cmpuint (get_inode (self->temporary), ==, inode);
}

static void
test_restart (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) old = crash (self);
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, old);
  g_autoptr (GVariant) resume = NULL;
  g_autoptr (GError) error = NULL;

  worker_sink_restart (sink, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (worker_sink_get_position (sink), ==, 0);
  g_assert_cmpuint (worker_sink_get_durable (sink), ==, 0);
  sink_write (sink, "bytes of another version");
  resume = sink_get_resume (sink);
  g_clear_pointer (&sink, worker_sink_free);

  /* A crash before the store heard of the new start: its Resume must not fit these bytes. */
  sink_fixture_open_fails (self, old, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
  sink = sink_fixture_open (self, resume);
  g_assert_cmpuint (worker_sink_get_position (sink), ==, 24);
  g_assert_cmpuint (count_names (self->directory), ==, 1);
}

static void
test_restart_not_ours (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autoptr (GError) error = NULL;

  sink_write (sink, "abc");
  g_assert_cmpint (g_unlink (self->temporary), ==, 0);
  put_symlink (self);
  g_assert_false (worker_sink_restart (sink, &error));
  g_assert_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS);
  g_assert_true (g_file_test (self->temporary, G_FILE_TEST_IS_SYMLINK));
}

/* == names == */

static void
test_names (SinkFixture *self, gconstpointer unused)
{
  static const char *const bad[] = { "", "target", "./target", "/", "/tmp/", "/tmp/.", "/tmp/.." };
  static const char *const bad_temporary[] = { "", "../part", "a/b" };
  gboolean restarted;

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (worker_sink_open (bad[i], SINK_TEMPORARY, NULL, &restarted, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad_temporary); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (worker_sink_open (self->target, bad_temporary[i], NULL, &restarted, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
    }
  g_assert_cmpuint (count_names (self->directory), ==, 0);
}

static void
test_error_text (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  gboolean restarted;

  g_assert_null (worker_sink_open ("/nowhere/a\nb\xff", SINK_TEMPORARY, NULL, &restarted, &error));
  g_assert_cmpstr (error->message, ==,
                   "Cannot open the directory of /nowhere/a\357\277\275b\357\277\275: "
                   "No such file or directory");
}

#define ADD(path, data, function)                                                                  \
  g_test_add ("/worker/sink/" path, SinkFixture, data, sink_fixture_set_up, function,              \
              sink_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("write", NULL, test_write);
  ADD ("resume-is-small", NULL, test_resume_is_small);
  ADD ("finish-for-publication", NULL, test_finish_for_publication);
  ADD ("empty", NULL, test_empty);
  ADD ("read", NULL, test_read);
  ADD ("wants-checkpoint/size", NULL, test_wants_checkpoint_by_size);
  ADD ("wants-checkpoint/time", NULL, test_wants_checkpoint_by_time);
  ADD ("expect", NULL, test_expect);
  ADD ("resume", NULL, test_resume);
  ADD ("resume/gone", NULL, test_resume_gone);
  ADD ("resume/short", NULL, test_resume_short);
  ADD ("resume/leftover", NULL, test_leftover);
  ADD ("resume/closed-mode", NULL, test_closed_mode);
  ADD ("resume/another-type", NULL, test_resume_of_another_type);
  ADD ("alien/symlink", put_symlink, test_alien);
  ADD ("alien/fifo", put_fifo, test_alien);
  ADD ("alien/directory", put_directory, test_alien);
  ADD ("alien/second-link", put_second_link, test_alien);
  ADD ("alien/other-user", NULL, test_other_user);
  ADD ("alien/device", NULL, test_device);
  ADD ("alien/copy", NULL, test_copy);
  ADD ("alien/inode-used-again", NULL, test_inode_used_again);
  ADD ("removed-while-open", NULL, test_removed_while_open);
  ADD ("restart/early", NULL, test_restart_early);
  ADD ("restart", NULL, test_restart);
  ADD ("restart/not-ours", NULL, test_restart_not_ours);
  ADD ("names", NULL, test_names);
  ADD ("error-text", NULL, test_error_text);

  return g_test_run ();
}
