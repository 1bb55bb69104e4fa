/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Real processes: the launching helper, and fake-worker in the worker's place. Run by root it starts workers of other
 * users; with --own-uid it gives up root first and is restricted to its own. */

#include "fake-clock.h"
#include "ferry-config.h"
#include "ferry-direct-launcher.h"
#include "ferry-error.h"
#include "ferry-launch-protocol.h"
#include "ferry-names.h"
#include "ferry-workers.h"
#include "link-wait.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND G_TIME_SPAN_SECOND
#define NOBODY 65534

/* Helpers must be forked before the first thread, so all that the tests need are made first. */
#define POOL_SIZE 28

typedef struct
{
  char *directory; /* (owned) */
  int helper;      /* (owned): -1 once used */
} Prepared;

static Prepared pool[POOL_SIZE];
static guint pool_used;
static Prepared unreachable;
static Prepared not_executable;
static Prepared locked;
static int lock; /* (owned): holds the lock of @locked */

typedef struct
{
  Prepared *prepared;      /* (unowned) */
  FerryFakeClock *clock;   /* (owned) */
  FerryLauncher *launcher; /* (owned) */
  FerryWorkers *workers;   /* (owned) */
  GPtrArray *downs;        /* (owned) (element-type utf8): "UID REASON" */
  guint messages;
} Fixture;

static void
on_down (FerryWorkers *workers, guint uid, const char *reason, gpointer data)
{
  Fixture *fixture = data;

  g_ptr_array_add (fixture->downs, g_strdup_printf ("%u %s", uid, reason));
}

static void
on_message (FerryWorkers *workers, guint uid, const char *kind, GVariant *arguments, gpointer data)
{
  Fixture *fixture = data;

  fixture->messages++;
}

/* @data is the mode of the fake worker, or %NULL. */
static void
set_up_prepared (Fixture *fixture, Prepared *prepared, const char *mode)
{
  g_autofree char *mode_path = g_build_filename (prepared->directory, "mode", NULL);
  g_autoptr (GError) error = NULL;

  fixture->prepared = prepared;
  if (mode != NULL)
    g_assert_true (g_file_set_contents (mode_path, mode, -1, NULL));
  fixture->clock = ferry_fake_clock_new ();
  g_assert_cmpint (prepared->helper, >=, 0);
  fixture->launcher = ferry_direct_launcher_new (prepared->helper);
  prepared->helper = -1;
  fixture->workers = ferry_workers_new (fixture->launcher, FERRY_CLOCK (fixture->clock),
                                        prepared->directory, &error);
  g_assert_no_error (error);
  fixture->downs = g_ptr_array_new_with_free_func (g_free);
  g_signal_connect (fixture->workers, "down", G_CALLBACK (on_down), fixture);
  g_signal_connect (fixture->workers, "message", G_CALLBACK (on_message), fixture);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (pool_used, <, POOL_SIZE);
  set_up_prepared (fixture, &pool[pool_used++], data);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  ferry_workers_close (fixture->workers);
  link_wait_settle ();
  g_assert_finalize_object (fixture->workers);
  g_assert_finalize_object (fixture->launcher);
  g_assert_finalize_object (fixture->clock);
  g_ptr_array_unref (fixture->downs);
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  GAsyncResult **place = data;

  *place = g_object_ref (result);
}

/* Returns: (transfer full) (nullable): the reply; without @error it must succeed */
static GVariant *
ask (Fixture *fixture, uid_t uid, const char *kind, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) unexpected = NULL;
  GVariant *reply = NULL;

  ferry_workers_request (fixture->workers, uid, kind, NULL, 30, NULL, on_reply, &result);
  wait_until (result != NULL);
  ferry_workers_request_finish (fixture->workers, result, &reply,
                                error != NULL ? error : &unexpected);
  g_assert_no_error (unexpected);
  return reply;
}

static pid_t
get_pid (GVariant *reply)
{
  guint32 pid = 0;

  g_assert_true (g_variant_lookup (reply, "Pid", "u", &pid));
  return (pid_t) pid;
}

/* Returns: (transfer full): the words behind @field of a /proc/PID/status */
static char **
get_status (GVariant *reply, const char *field)
{
  const char *status = NULL;
  g_auto (GStrv) lines = NULL;

  g_assert_true (g_variant_lookup (reply, "Status", "&s", &status));
  lines = g_strsplit (status, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (g_str_has_prefix (lines[i], field))
        {
          g_autoptr (GString) words = g_string_new (lines[i] + strlen (field));

          g_string_replace (words, "\t", " ", 0);
          return g_strsplit (g_strstrip (words->str), " ", -1);
        }
    }
  g_error ("There is no %s in the status", field);
}

static void
assert_ids (GVariant *reply, const char *field, guint id)
{
  g_auto (GStrv) words = get_status (reply, field);

  g_assert_cmpuint (g_strv_length (words), ==, 4);
  for (guint i = 0; words[i] != NULL; i++)
    g_assert_cmpuint (g_ascii_strtoull (words[i], NULL, 10), ==, id);
}

static void
assert_status (GVariant *reply, const char *field, const char *expected)
{
  g_auto (GStrv) words = get_status (reply, field);

  g_assert_cmpstr (words[0], ==, expected);
}

static void
assert_groups (GVariant *reply, const struct passwd *entry)
{
  g_auto (GStrv) words = get_status (reply, "Groups:");
  gid_t groups[256];
  int n_groups = G_N_ELEMENTS (groups);

  g_assert_cmpint (getgrouplist (entry->pw_name, entry->pw_gid, groups, &n_groups), >=, 0);
  g_assert_cmpuint (g_strv_length (words), ==, (guint) n_groups);
  for (int i = 0; i < n_groups; i++)
    {
      g_autofree char *group = g_strdup_printf ("%u", (guint) groups[i]);

      g_assert_true (g_strv_contains ((const char *const *) words, group));
    }
}

static void
assert_environment (GVariant *reply, const struct passwd *entry)
{
  static const char *const passed[] = { "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS",
                                        "G_DEBUG" };
  g_auto (GStrv) environment = NULL;
  guint expected = 5;

  g_assert_true (g_variant_lookup (reply, "Environment", "^as", &environment));
  g_assert_cmpstr (g_environ_getenv (environment, "HOME"), ==, entry->pw_dir);
  g_assert_cmpstr (g_environ_getenv (environment, "USER"), ==, entry->pw_name);
  g_assert_cmpstr (g_environ_getenv (environment, "LOGNAME"), ==, entry->pw_name);
  g_assert_cmpstr (g_environ_getenv (environment, "LANG"), ==, "C.UTF-8");
  g_assert_nonnull (g_environ_getenv (environment, "PATH"));
  for (guint i = 0; i < G_N_ELEMENTS (passed); i++)
    {
      g_assert_cmpstr (g_environ_getenv (environment, passed[i]), ==, g_getenv (passed[i]));
      expected += g_getenv (passed[i]) != NULL;
    }
  g_assert_cmpuint (g_strv_length (environment), ==, expected);
}

/* The standard ones, and nothing more. */
static void
assert_descriptors (GVariant *reply)
{
  const char *text = NULL;
  g_auto (GStrv) descriptors = NULL;

  g_assert_true (g_variant_lookup (reply, "Descriptors", "&s", &text));
  descriptors = g_strsplit (text, ";", -1);
  g_assert_cmpuint (g_strv_length (descriptors), ==, 4);
  g_assert_cmpstr (descriptors[0], ==, "0 /dev/null");
  g_assert_true (g_str_has_prefix (descriptors[1], "1 "));
  g_assert_true (g_str_has_prefix (descriptors[2], "2 "));
}

static void
assert_process (GVariant *reply)
{
  const char *directory = NULL;
  guint32 mode = 0777;
  guint32 blocked = 99;
  gboolean leader = FALSE;
  gboolean can_return = TRUE;

  g_assert_true (g_variant_lookup (reply, "Directory", "&s", &directory));
  g_assert_cmpstr (directory, ==, "/");
  g_assert_true (g_variant_lookup (reply, "Umask", "u", &mode));
  g_assert_cmpuint (mode, ==, 0);
  g_assert_true (g_variant_lookup (reply, "Blocked", "u", &blocked));
  g_assert_cmpuint (blocked, ==, 0);
  assert_status (reply, "SigIgn:", "0000000000000000");
  g_assert_true (g_variant_lookup (reply, "Leader", "b", &leader));
  g_assert_true (leader);
  g_assert_true (g_variant_lookup (reply, "CanReturn", "b", &can_return));
  g_assert_false (can_return);
}

static void
assert_identity (Fixture *fixture, uid_t uid, gboolean privileged)
{
  g_autoptr (GVariant) reply = ask (fixture, uid, "describe", NULL);
  const struct passwd *entry = getpwuid (uid);

  g_assert_nonnull (entry);
  assert_ids (reply, "Uid:", uid);
  assert_ids (reply, "Gid:", privileged ? entry->pw_gid : getgid ());
  if (privileged)
    {
      assert_groups (reply, entry);
      assert_status (reply, "CapBnd:", "0000000000000000");
    }
  assert_status (reply, "CapInh:", "0000000000000000");
  assert_status (reply, "CapPrm:", "0000000000000000");
  assert_status (reply, "CapEff:", "0000000000000000");
  assert_status (reply, "CapAmb:", "0000000000000000");
  assert_status (reply, "NoNewPrivs:", "1");
  assert_status (reply, "Name:", "fake-worker");
  assert_descriptors (reply);
  assert_environment (reply, entry);
  assert_process (reply);
}

/* Users who are other than us; the last one is root itself. */
static const uid_t other_users[] = { NOBODY, 5, 0 };

static void
test_identity (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (other_users); i++)
    assert_identity (fixture, other_users[i], TRUE);
}

static void
test_own_identity (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  assert_identity (fixture, getuid (), FALSE);
  reply = ask (fixture, 5, "describe", &error);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED);
  g_assert_nonnull (strstr (error->message, "serves that user only, not user 5"));
}

static void
test_unreachable_program (void)
{
  Fixture fixture = { 0 };
  g_autoptr (GVariant) reply = NULL;

  set_up_prepared (&fixture, &unreachable, NULL);
  reply = ask (&fixture, NOBODY, "describe", NULL);
  assert_ids (reply, "Uid:", NOBODY);
  assert_descriptors (reply);
  tear_down (&fixture, NULL);
}

static void
wait_gone (pid_t pid)
{
  int fd = pidfd_open (pid, 0);
  struct pollfd end = { .fd = fd, .events = POLLIN };

  if (fd < 0 && errno == ESRCH)
    return;
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (poll (&end, 1, 60000), ==, 1);
  close (fd);
}

static void
assert_down (Fixture *fixture, uid_t uid, const char *reason)
{
  g_autofree char *expected = g_strdup_printf ("%u %s", (guint) uid, reason);

  wait_until (fixture->downs->len > 0);
  g_assert_cmpstr (fixture->downs->pdata[0], ==, expected);
  g_ptr_array_remove_index (fixture->downs, 0);
}

static void
test_crash (Fixture *fixture, gconstpointer data)
{
  ferry_workers_hold (fixture->workers, getuid ());
  assert_down (fixture, getuid (), "The worker was killed by signal 9 (Killed)");
  ferry_fake_clock_advance (fixture->clock, 1 * SECOND);
  assert_down (fixture, getuid (), "The worker was killed by signal 9 (Killed)");
}

static void
test_exit (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  reply = ask (fixture, getuid (), "exit", &error);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED);
  g_assert_cmpstr (error->message, ==, "The worker exited with status 42");
}

static void
test_no_such_user (Fixture *fixture, gconstpointer data)
{
  if (getuid () != 0)
    {
      g_test_skip ("only root may start workers of others");
      return;
    }
  ferry_workers_hold (fixture->workers, 3999999999);
  assert_down (fixture, 3999999999,
               "The worker could not be started: The user database has no entry for user "
               "3999999999");
  ferry_workers_hold (fixture->workers, (uid_t) -1);
  wait_until (fixture->downs->len > 0);
}

static void
test_not_executable (void)
{
  Fixture fixture = { 0 };

  set_up_prepared (&fixture, &not_executable, NULL);
  ferry_workers_hold (fixture.workers, getuid ());
  assert_down (&fixture, getuid (), "The worker could not be started: execve: Permission denied");
  tear_down (&fixture, NULL);
}

static void
test_idle_stop (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) described = ask (fixture, getuid (), "describe", NULL);
  g_autoptr (GVariant) forked = ask (fixture, getuid (), "fork", NULL);

  ferry_fake_clock_advance (fixture->clock, 10 * SECOND);
  assert_down (fixture, getuid (), "The worker was idle");
  wait_gone (get_pid (described));
  /* What it left behind goes with it. */
  wait_gone (get_pid (forked));
}

static void
test_deaf (Fixture *fixture, gconstpointer data)
{
  gint64 start = g_get_monotonic_time ();

  /* It never connects. (That SIGKILL follows SIGTERM is shown by test_hang.) */
  ferry_workers_hold (fixture->workers, getuid ());
  ferry_fake_clock_advance (fixture->clock, 30 * SECOND);
  assert_down (fixture, getuid (), "The worker was started but did not connect");
  g_assert_cmpint (g_get_monotonic_time () - start, <, 30 * SECOND);
}

static void
test_hang (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  ferry_workers_request (fixture->workers, getuid (), "publish", NULL, 30, NULL, on_reply, &result);
  wait_until (ferry_workers_is_up (fixture->workers, getuid ()));
  ferry_fake_clock_advance (fixture->clock, 30 * SECOND);
  wait_until (result != NULL);
  g_assert_false (ferry_workers_request_finish (fixture->workers, result, NULL, &error));
  g_assert_cmpstr (error->message, ==, "The worker did not answer 'publish' within 30 s");
  assert_down (fixture, getuid (), "The worker did not answer 'publish' within 30 s");
}

static void
test_ferryd_dies (void)
{
  Fixture fixture = { 0 };
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) forked = NULL;

  set_up (&fixture, NULL);
  reply = ask (&fixture, getuid (), "describe", NULL);
  forked = ask (&fixture, getuid (), "fork", NULL);
  tear_down (&fixture, NULL);
  wait_gone (get_pid (reply));
  wait_gone (get_pid (forked));
}

/* While workers of a former helper may live, none is started. */
static void
test_former_workers (Fixture *other, gconstpointer data)
{
  Fixture fixture = { 0 };
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) other_reply = NULL;
  g_autofree char *mode = g_build_filename (locked.directory, "mode", NULL);

  set_up_prepared (&fixture, &locked, "crash");
  ferry_workers_hold (fixture.workers, getuid ());
  other_reply = ask (other, getuid (), "describe", NULL);
  link_wait_settle ();
  g_assert_cmpuint (fixture.downs->len, ==, 0);

  g_assert_no_errno (g_unlink (mode));
  g_assert_no_errno (close (lock));
  reply = ask (&fixture, getuid (), "describe", NULL);
  tear_down (&fixture, NULL);
}

static void
test_helper_dies (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) reply = ask (fixture, getuid (), "describe", NULL);
  g_auto (GStrv) parent = get_status (reply, "PPid:");
  const char *gone = "The process that starts workers is gone; ferryd must be restarted";

  g_assert_no_errno (kill ((pid_t) g_ascii_strtoll (parent[0], NULL, 10), SIGKILL));
  wait_gone (get_pid (reply));
  assert_down (fixture, getuid (), gone);
  ferry_workers_hold (fixture->workers, getuid ());
  ferry_fake_clock_advance (fixture->clock, 1 * SECOND);
  assert_down (fixture, getuid (), gone);
}

static void
test_wrong_version (Fixture *fixture, gconstpointer data)
{
  ferry_workers_hold (fixture->workers, getuid ());
  assert_down (fixture, getuid (), "The worker is of version 'none', ferryd of " FERRY_VERSION);
}

static void
test_garbage (Fixture *fixture, gconstpointer data)
{
  ferry_workers_hold (fixture->workers, getuid ());
  /* It was not the worker, as far as one can tell; the real one never comes. */
  wait_until (fixture->downs->len > 0);
  g_assert_nonnull (strstr (fixture->downs->pdata[0], "The worker exited with status 0"));
}

static void
test_silent (Fixture *fixture, gconstpointer data)
{
  ferry_workers_hold (fixture->workers, getuid ());
  /* Its connection adds a timer to that of the start. */
  wait_until (ferry_fake_clock_get_n_timers (fixture->clock) == 2);
  ferry_fake_clock_advance (fixture->clock, 5 * SECOND);
  assert_down (fixture, getuid (), "The worker exited with status 0");
}

static void
test_unknown_id (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  reply = ask (fixture, getuid (), "publish", &error);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED);
  g_assert_cmpstr (error->message, ==, "The worker answered a question that it was not asked");
}

static gboolean
tick_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* A worker that floods delays neither what ferryd does meanwhile nor its own end. */
static void
test_flood (Fixture *fixture, gconstpointer data)
{
  guint source = g_timeout_add (10, tick_cb, NULL);
  gint64 start;

  ferry_workers_hold (fixture->workers, getuid ());
  wait_until (fixture->messages > 100);
  start = g_get_monotonic_time ();
  wait_until (g_get_monotonic_time () - start > SECOND);
  g_assert_cmpuint (fixture->messages, <=, 3 * 4000);
  ferry_workers_kill (fixture->workers, getuid ());
  wait_until (fixture->downs->len > 0);
  g_source_remove (source);
}

/* The helper believes ferryd no more than it must. */
static void
test_bad_requests (void)
{
  Prepared *prepared = &pool[pool_used++];
  g_autofree char *mode_path = g_build_filename (prepared->directory, "mode", NULL);
  FerryLaunchRequest start = { .command = FERRY_LAUNCH_START, .uid = getuid () };
  FerryLaunchRequest stop = { .command = FERRY_LAUNCH_STOP, .uid = getuid () };
  FerryLaunchRequest unknown = { .command = 77, .uid = getuid () };
  FerryLaunchExit answer;

  g_assert_true (g_file_set_contents (mode_path, "deaf", -1, NULL));
  g_assert_cmpint (send (prepared->helper, "x", 1, 0), ==, 1);
  g_assert_cmpint (send (prepared->helper, &unknown, sizeof unknown, 0), >, 0);
  g_assert_cmpint (send (prepared->helper, &stop, sizeof stop, 0), >, 0);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (send (prepared->helper, &start, sizeof start, 0), >, 0);
  g_assert_cmpint (send (prepared->helper, &stop, sizeof stop, 0), >, 0);

  /* One worker was started, and one ended. */
  g_assert_cmpint (recv (prepared->helper, &answer, sizeof answer, 0), ==, sizeof answer);
  g_assert_cmpuint (answer.uid, ==, getuid ());
  g_assert_nonnull (strstr (answer.reason, "signal"));
  start.uid = 3999999998;
  g_assert_cmpint (send (prepared->helper, &start, sizeof start, 0), >, 0);
  g_assert_cmpint (recv (prepared->helper, &answer, sizeof answer, 0), ==, sizeof answer);
  g_assert_cmpuint (answer.uid, ==, 3999999998);
  close (prepared->helper);
  prepared->helper = -1;
}

static void
test_cannot_fork (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ferry_launch_helper_fork ("/nonexistent/worker", "/nonexistent/socket", &error),
                   ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_cmpint (ferry_launch_helper_fork ("/bin/true", "/nonexistent/socket", &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
prepare_in (Prepared *prepared, const char *directory, const char *program)
{
  g_autofree char *socket = g_build_filename (directory, FERRY_WORKER_SOCKET_NAME, NULL);
  g_autoptr (GError) error = NULL;

  prepared->directory = g_strdup (directory);
  prepared->helper = ferry_launch_helper_fork (program, socket, &error);
  g_assert_no_error (error);
}

static void
prepare (Prepared *prepared, const char *program)
{
  g_autofree char *directory = g_dir_make_tmp ("ferry-launcher-XXXXXX", NULL);

  g_assert_nonnull (directory);
  g_assert_no_errno (g_chmod (directory, 0755));
  prepare_in (prepared, directory, program);
}

/* Returns: (transfer full): a copy of @program with @mode in a directory of its own with @directory_mode */
static char *
copy_program (const char *program, int mode, int directory_mode)
{
  g_autofree char *directory = g_dir_make_tmp ("ferry-program-XXXXXX", NULL);
  g_autofree char *contents = NULL;
  char *copy = g_build_filename (directory, "fake-worker", NULL);
  gsize length;

  g_assert_true (g_file_get_contents (program, &contents, &length, NULL));
  g_assert_true (g_file_set_contents (copy, contents, (gssize) length, NULL));
  g_assert_no_errno (g_chmod (copy, mode));
  g_assert_no_errno (g_chmod (directory, directory_mode));
  return copy;
}

/* A helper that finds its lock taken. */
static void
prepare_locked (const char *program)
{
  g_autofree char *directory = g_dir_make_tmp ("ferry-launcher-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, FERRY_WORKER_SOCKET_NAME ".lock", NULL);

  g_assert_no_errno (g_chmod (directory, 0755));
  lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  g_assert_no_errno (flock (lock, LOCK_EX));
  prepare_in (&locked, directory, program);
}

static void
remove_tree (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  if (dir == NULL)
    return;
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      g_unlink (path);
    }
  g_rmdir (directory);
}

static void
prepare_all (const char *program, const char *hidden, const char *plain)
{
  for (guint i = 0; i < POOL_SIZE; i++)
    prepare (&pool[i], program);
  prepare (&unreachable, hidden);
  prepare (&not_executable, plain);
  prepare_locked (program);
}

static void
clean (Prepared *prepared)
{
  if (prepared->helper >= 0)
    close (prepared->helper);
  remove_tree (prepared->directory);
  g_free (prepared->directory);
}

static void
remove_program (char *program)
{
  g_autofree char *directory = g_path_get_dirname (program);

  remove_tree (directory);
  g_free (program);
}

static void
become_nobody (void)
{
  if (getuid () != 0)
    return;

  g_assert_no_errno (setgroups (0, NULL));
  g_assert_no_errno (setresgid (NOBODY, NOBODY, NOBODY));
  g_assert_no_errno (setresuid (NOBODY, NOBODY, NOBODY));
}

int
main (int argc, char **argv)
{
  g_autofree char *built = NULL;
  char *program;
  char *hidden;
  char *plain;
  int result;

  g_test_init (&argc, &argv, NULL);
  built = g_test_build_filename (G_TEST_BUILT, "link", "fake-worker", NULL);
  program = copy_program (built, 0755, 0755);
  if (argc > 1 && g_str_equal (argv[1], "--own-uid"))
    become_nobody ();
  hidden = copy_program (program, 0755, 0700);
  plain = copy_program (program, 0644, 0755);
  prepare_all (program, hidden, plain);

#define ADD(path, mode, function) g_test_add (path, Fixture, mode, set_up, function, tear_down)
  if (getuid () == 0)
    {
      ADD ("/launcher/identity", NULL, test_identity);
      g_test_add_func ("/launcher/unreachable-program", test_unreachable_program);
    }
  else
    ADD ("/launcher/own-identity", NULL, test_own_identity);
  ADD ("/launcher/crash", "crash", test_crash);
  ADD ("/launcher/exit", NULL, test_exit);
  ADD ("/launcher/no-such-user", NULL, test_no_such_user);
  g_test_add_func ("/launcher/not-executable", test_not_executable);
  ADD ("/launcher/idle-stop", NULL, test_idle_stop);
  ADD ("/launcher/deaf", "deaf", test_deaf);
  ADD ("/launcher/hang", "hang", test_hang);
  g_test_add_func ("/launcher/ferryd-dies", test_ferryd_dies);
  ADD ("/launcher/former-workers", NULL, test_former_workers);
  ADD ("/launcher/helper-dies", NULL, test_helper_dies);
  ADD ("/launcher/wrong-version", "wrong-version", test_wrong_version);
  ADD ("/launcher/garbage", "garbage", test_garbage);
  ADD ("/launcher/silent", "silent", test_silent);
  ADD ("/launcher/unknown-id", "unknown-id", test_unknown_id);
  ADD ("/launcher/flood", "flood", test_flood);
  g_test_add_func ("/launcher/bad-requests", test_bad_requests);
  g_test_add_func ("/launcher/cannot-fork", test_cannot_fork);
#undef ADD

  result = g_test_run ();
  for (guint i = 0; i < POOL_SIZE; i++)
    clean (&pool[i]);
  clean (&unreachable);
  clean (&not_executable);
  clean (&locked);
  remove_program (hidden);
  remove_program (plain);
  remove_program (program);
  return result;
}
