/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file system that does not answer: the process behind it is stopped. It holds up its own file, and nothing else. */

#include "attempt-fixture.h"

#include "ferry-link.h"
#include "ferry-worker-protocol.h"
#include "worker-sink-error.h"
#include "worker-source.h"
#include "worker.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ms; what a busy machine takes for a file call that does not hang stays below it. */
#define PATIENCE 2000

typedef struct
{
  Fixture base; /* for its site */
  char *backing;
  char *rules;
  char *mounted;
  char *target; /* in mounted */
  GPid server;
  FerryLink *ours;
  FerryLink *workers;
  GQueue messages; /* (element-type GVariant): (usa{sv}) */
  guint64 attempts;
} HangFixture;

static gboolean can_mount;
static Worker *worker; /* lives as long as its process, as it does in ferry-worker */

static gboolean
mount_fs (HangFixture *self)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "worker", "odd-fs", NULL);
  const char *const argv[] = { program, self->backing, self->rules, self->mounted, NULL };
  char ready[6];
  int output;

  if (!can_mount || access ("/dev/fuse", R_OK | W_OK) != 0 || access (program, X_OK) != 0)
    return FALSE;
  if (!g_spawn_async_with_pipes (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                                 &self->server, NULL, &output, NULL, NULL))
    return FALSE;
  if (read (output, ready, sizeof ready) != sizeof ready)
    {
      close (output);
      waitpid (self->server, NULL, 0);
      self->server = 0;
      return FALSE;
    }
  close (output);
  return TRUE;
}

static GSocketConnection *
connection_new (int fd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, &error);

  g_assert_no_error (error);
  return g_socket_connection_factory_create_connection (socket);
}

static void
message_cb (FerryLink *link, guint32 id, const char *kind, GVariant *arguments, gpointer data)
{
  HangFixture *self = data;

  g_queue_push_tail (&self->messages,
                     g_variant_ref_sink (g_variant_new ("(us@a{sv})", id, kind, arguments)));
}

static void
closed_cb (FerryLink *link, const GError *error, gpointer data)
{
  g_assert_not_reached ();
}

static void
set_up (HangFixture *self, gconstpointer data)
{
  g_autoptr (GSocketConnection) our_end = NULL;
  g_autoptr (GSocketConnection) workers_end = NULL;
  int fds[2];

  fixture_set_up (&self->base, NULL);
  self->backing = g_build_filename (self->base.directory, "backing", NULL);
  self->rules = g_build_filename (self->base.directory, "rules", NULL);
  self->mounted = g_build_filename (self->base.directory, "mounted", NULL);
  self->target = g_build_filename (self->mounted, "target", NULL);
  g_assert_cmpint (g_mkdir (self->backing, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (self->rules, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (self->mounted, 0700), ==, 0);

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  our_end = connection_new (fds[0]);
  workers_end = connection_new (fds[1]);
  self->ours = ferry_link_new (our_end, 0);
  self->workers = ferry_link_new (workers_end, 0);
  g_queue_init (&self->messages);
  worker = worker_new (self->workers, PATIENCE, NULL);
  ferry_link_run (self->workers, worker_handle, closed_cb, worker);
  ferry_link_run (self->ours, message_cb, closed_cb, self);
}

static void
tear_down (HangFixture *self, gconstpointer data)
{
  g_autofree char *part = g_build_filename (self->backing, ".ferry-test-0.part", NULL);

  if (self->server != 0)
    {
      g_assert_cmpint (umount2 (self->mounted, MNT_DETACH), ==, 0);
      g_assert_cmpint (waitpid (self->server, NULL, 0), ==, self->server);
    }
  ferry_link_close (self->ours);
  ferry_link_close (self->workers);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_object_unref (self->ours);
  g_queue_clear_full (&self->messages, (GDestroyNotify) g_variant_unref);
  g_unlink (part);
  g_rmdir (self->backing);
  g_rmdir (self->mounted);
  g_rmdir (self->rules);
  fixture_tear_down (&self->base, NULL);
  g_free (self->backing);
  g_free (self->rules);
  g_free (self->mounted);
  g_free (self->target);
}

/* Returns: (transfer full): the arguments of the next message of @kind (and with @id) */
static GVariant *
wait_for (HangFixture *self, const char *kind, guint32 id)
{
  while (TRUE)
    {
      g_autoptr (GVariant) message = g_queue_pop_head (&self->messages);
      const char *found;
      guint32 found_id;
      GVariant *arguments;

      if (message == NULL)
        {
          g_main_context_iteration (NULL, TRUE);
          continue;
        }
      g_variant_get (message, "(u&s@a{sv})", &found_id, &found, &arguments);
      if (g_str_equal (found, kind) && found_id == id)
        return arguments;
      g_variant_unref (arguments);
    }
}

static guint64
start (HangFixture *self, const char *path)
{
  g_autofree char *url = raw_server_dup_url (self->base.server, "/");
  guint64 attempt = ++self->attempts;
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Attempt", "t", attempt);
  g_variant_dict_insert (&dict, "Job", "s", "test");
  g_variant_dict_insert (&dict, "Url", "s", url);
  g_variant_dict_insert (&dict, "ProxyUsage", "s", "none");
  g_variant_dict_insert (&dict, "Path", "s", path);
  g_variant_dict_insert (&dict, "TemporaryName", "s", ".ferry-test-0.part");
  g_assert_true (ferry_link_send (self->ours, 0, "start", g_variant_dict_end (&dict)));
  return attempt;
}

static void
assert_given_up (HangFixture *self, guint64 attempt)
{
  g_autoptr (GVariant) failed = wait_for (self, "failed", 0);
  g_autoptr (GVariant) error = g_variant_lookup_value (failed, "Error", G_VARIANT_TYPE_VARDICT);
  const char *name;
  const char *wait_reason;
  gboolean transient;

  g_assert_cmpuint (fixture_get_size (failed, "Attempt"), ==, attempt);
  g_assert_true (g_variant_lookup (error, "Name", "&s", &name));
  g_assert_cmpstr (name, ==, "org.ferry.Transfer1.Error.NoFileAccess");
  g_assert_true (g_variant_lookup (failed, "WaitReason", "&s", &wait_reason));
  g_assert_cmpstr (wait_reason, ==, "destination");
  g_assert_true (g_variant_lookup (failed, "Transient", "b", &transient));
  g_assert_true (transient);
}

/* Checks a target. Returns: (transfer full): the reply */
static GVariant *
check_target (HangFixture *self, const char *path)
{
  static guint32 last_id;
  GVariantBuilder paths;
  GVariantDict dict;
  guint32 id = ++last_id;

  g_variant_builder_init (&paths, G_VARIANT_TYPE ("a(sb)"));
  g_variant_builder_add (&paths, "(sb)", path, FALSE);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert_value (&dict, "Paths", g_variant_builder_end (&paths));
  g_assert_true (ferry_link_send (self->ours, id, "check-targets", g_variant_dict_end (&dict)));
  return wait_for (self, "reply", id);
}

/* Returns: (transfer full): the last message of an attempt, its kind in @kind */
static GVariant *
wait_for_end (HangFixture *self, char **kind)
{
  while (TRUE)
    {
      g_autoptr (GVariant) message = g_queue_pop_head (&self->messages);
      GVariant *arguments;

      if (message == NULL)
        {
          g_main_context_iteration (NULL, TRUE);
          continue;
        }
      g_variant_get (message, "(us@a{sv})", NULL, kind, &arguments);
      if (g_str_equal (*kind, "done") || g_str_equal (*kind, "failed"))
        return arguments;
      g_clear_pointer (kind, g_free);
      g_variant_unref (arguments);
    }
}

/* When it answers again, so does this file: as soon as the thread that hung has come back. */
static void
assert_recovers (HangFixture *self)
{
  gboolean done = FALSE;

  g_assert_cmpint (kill (self->server, SIGCONT), ==, 0);
  while (!done)
    {
      guint64 attempt = start (self, self->target);
      g_autofree char *kind = NULL;
      g_autoptr (GVariant) end = wait_for_end (self, &kind);

      g_assert_cmpuint (fixture_get_size (end, "Attempt"), ==, attempt);
      done = g_str_equal (kind, "done");
    }
}

static void
test_hang (HangFixture *self, gconstpointer data)
{
  g_autoptr (GVariant) hung = NULL;
  g_autoptr (GVariant) fine = NULL;
  g_autoptr (GVariant) done = NULL;
  g_autoptr (GVariant) error = NULL;
  guint64 attempt;
  const char *name;
  guint32 index;

  if (!mount_fs (self))
    {
      g_test_skip ("needs root and FUSE");
      return;
    }
  g_assert_cmpint (kill (self->server, SIGSTOP), ==, 0);

  /* AddFile's check is answered all the same. */
  hung = check_target (self, self->target);
  error = g_variant_lookup_value (hung, "Error", G_VARIANT_TYPE_VARDICT);
  g_assert_nonnull (error);
  g_assert_true (g_variant_lookup (error, "Name", "&s", &name));
  g_assert_cmpstr (name, ==, "org.ferry.Transfer1.Error.NoFileAccess");
  g_assert_true (g_variant_lookup (hung, "Index", "u", &index));
  g_assert_cmpuint (index, ==, 0);

  /* An attempt is given up; a second one is not let at the file, where the first may still be writing. */
  attempt = start (self, self->target);
  assert_given_up (self, attempt);
  attempt = start (self, self->target);
  assert_given_up (self, attempt);

  /* Others go on. */
  fine = check_target (self, self->base.path);
  g_assert_false (g_variant_lookup (fine, "Error", "@a{sv}", NULL));
  attempt = start (self, self->base.path);
  done = wait_for (self, "done", 0);
  g_assert_cmpuint (fixture_get_size (done, "Attempt"), ==, attempt);

  assert_recovers (self);
}

typedef struct
{
  WorkerSource *source;
  _Atomic gint64 busy_since;
  GError *error; /* (owned) (nullable) */
} Look;

static gpointer
look (gpointer data)
{
  Look *self = data;

  worker_source_verify (self->source, &self->error);
  return NULL;
}

/* The file of an upload is looked at again and again: that may hang too, and a file system that goes is no other file. */
static void
test_source (HangFixture *self, gconstpointer data)
{
  g_autofree char *backed = g_build_filename (self->backing, "target", NULL);
  g_autoptr (GVariant) known = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  g_autoptr (GError) error = NULL;
  Look state = { 0 };
  GThread *thread;

  g_assert_true (g_file_set_contents (backed, "x", 1, NULL));
  if (!mount_fs (self))
    {
      g_unlink (backed);
      g_test_skip ("needs root and FUSE");
      return;
    }
  state.source = worker_source_open (self->target, known, &state.busy_since, &error);
  g_assert_no_error (error);

  g_assert_cmpint (kill (self->server, SIGSTOP), ==, 0);
  thread = g_thread_new ("look", look, &state);
  while (state.busy_since == 0)
    g_thread_yield ();
  g_assert_cmpint (kill (self->server, SIGKILL), ==, 0);
  g_thread_join (thread);
  g_assert_cmpint (state.busy_since, ==, 0);
  g_assert_error (state.error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_SOURCE);

  g_clear_error (&state.error);
  worker_source_free (state.source);
  g_unlink (backed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  can_mount = unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
  g_test_add ("/worker-hang/hang", HangFixture, NULL, set_up, test_hang, tear_down);
  g_test_add ("/worker-hang/source", HangFixture, NULL, set_up, test_source, tear_down);
  return g_test_run ();
}
