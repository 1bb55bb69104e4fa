/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The resolver of ProxyUsage "default" over children that are shell scripts, most of them bad. */

#include "worker-proxy-child.h"
#include "worker-proxy-resolver.h"

#include "ferry-config.h"
#include "ferry-error.h"
#include "no-threads.h"

#include <glib/gstdio.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As good as never. */
#define LONG (3600 * 1000)

#define SEARCHERS 8

typedef struct
{
  char *directory;
  char *program;
  char *starts; /* a line, the address, for each child */
  char *up;     /* a fifo that a child opens when it is there, and closes by its death */
  char *go;     /* a fifo that a child reads before it answers */
  GProxyResolver *resolver;
} Fixture;

/* A lookup in a thread of its own. */
typedef struct
{
  Fixture *fixture;
  const char *url;
  GCancellable *cancellable;
  char **proxies;
  GError *error;
} Search;

static gint searching;

/* The child says what @body, shell, says. */
static void
set_up (Fixture *self, const char *body, guint patience, guint keep)
{
  const WorkerProxyTimes times = { .patience = patience, .keep = keep, .keep_failure = keep };
  g_autofree char *script = NULL;
  g_autoptr (GError) error = NULL;

  self->directory = g_dir_make_tmp ("ferry-proxy-XXXXXX", &error);
  g_assert_no_error (error);
  self->program = g_build_filename (self->directory, "lookup", NULL);
  self->starts = g_build_filename (self->directory, "starts", NULL);
  self->up = g_build_filename (self->directory, "up", NULL);
  self->go = g_build_filename (self->directory, "go", NULL);
  g_assert_no_errno (mkfifo (self->up, 0600));
  g_assert_no_errno (mkfifo (self->go, 0600));
  script = g_strdup_printf ("#!/bin/sh\ncd %s\nread -r url\necho \"$url\" >> starts\n%s\n",
                            self->directory, body);
  g_file_set_contents_full (self->program, script, -1, G_FILE_SET_CONTENTS_NONE, 0700, &error);
  g_assert_no_error (error);
  self->resolver = worker_proxy_resolver_new (self->program, &times);
}

static void
tear_down (Fixture *self)
{
  g_object_unref (self->resolver);
  g_unlink (self->program);
  g_unlink (self->starts);
  g_unlink (self->up);
  g_unlink (self->go);
  g_assert_no_errno (g_rmdir (self->directory));
  g_free (self->directory);
  g_free (self->program);
  g_free (self->starts);
  g_free (self->up);
  g_free (self->go);
}

static char *
read_starts (Fixture *self)
{
  char *text = NULL;

  return g_file_get_contents (self->starts, &text, NULL, NULL) ? text : g_strdup ("");
}

/* Returns: (transfer full): of one that answers */
static char *
ask (Fixture *self, const char *url)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) proxies = g_proxy_resolver_lookup (self->resolver, url, NULL, &error);

  g_assert_no_error (error);
  return g_strjoinv (" ", proxies);
}

static void
assert_fails (Fixture *self, FerryError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (g_proxy_resolver_lookup (self->resolver, "http://host/", NULL, &error));
  g_assert_error (error, FERRY_ERROR, (int) code);
}

static gpointer
search_cb (gpointer data)
{
  Search *search = data;

  g_atomic_int_inc (&searching);
  search->proxies = g_proxy_resolver_lookup (search->fixture->resolver, search->url,
                                             search->cancellable, &search->error);
  return NULL;
}

/* Returns: when a child has written that it is there */
static int
wait_up (Fixture *self)
{
  int fd = open (self->up, O_RDONLY | O_CLOEXEC);
  char letter;

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (read (fd, &letter, 1), ==, 1);
  return fd;
}

static void
let_go (Fixture *self)
{
  int fd = open (self->go, O_WRONLY | O_CLOEXEC);

  g_assert_cmpint (write (fd, "\n", 1), ==, 1);
  close (fd);
}

static void
test_answers (void)
{
  static const char *const urls[][2] = {
    { "http://Host/path?query", "http://host/\n" },
    { "http://host:80", "http://host/\n" },
    { "https://user:word@host:443/path", "https://host/\n" },
    { "https://host:80/", "https://host:80/\n" },
    { "http://[::1]:8080/", "http://[::1]:8080/\n" },
    { "http://b\xc3\xbc"
      "cher.example/",
      "http://xn--bcher-kva.example/\n" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      Fixture fixture;
      g_autofree char *answer = NULL;
      g_autofree char *starts = NULL;

      set_up (&fixture,
              "printf 'proxy http://user:word@proxy:1\\nproxy socks5://[::1]:2\\nproxy "
              "direct://\\nend\\n'",
              LONG, LONG);
      answer = ask (&fixture, urls[i][0]);
      g_assert_cmpstr (answer, ==, "http://user:word@proxy:1 socks5://[::1]:2 direct://");
      starts = read_starts (&fixture);
      g_assert_cmpstr (starts, ==, urls[i][1]);
      tear_down (&fixture);
    }
}

static void
test_errors (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  set_up (&fixture, "printf 'error It is \\033[1mwrong\\nend\\n'", LONG, LONG);
  g_assert_null (g_proxy_resolver_lookup (fixture.resolver, "http://host/", NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CONNECT_FAILED);
  g_assert_cmpstr (error->message, ==, "It is \xef\xbf\xbd[1mwrong");
  g_clear_error (&error);
  g_assert_null (g_proxy_resolver_lookup (fixture.resolver, "nothing", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  tear_down (&fixture);
}

static void
test_garbage (void)
{
  static const char *const bodies[] = {
    "",
    "exit 3",
    "kill -9 $$",
    "echo hello; echo end",
    "echo end",
    "echo 'proxy direct://'",
    "echo 'proxy http://proxy:1'; printf end-not",
    "echo 'proxy '; echo end",
    "echo proxy; echo end",
    "echo error; echo end",
    "echo 'proxy proxy:1'; echo end",
    "echo 'proxy http://'; echo end",
    "echo 'proxy ftp://proxy:1'; echo end",
    "echo 'proxy http://a b:1'; echo end",
    "echo 'proxy direct://'; echo; echo end",
    "printf 'proxy http://\\377:1\\nend\\n'",
    "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do echo 'proxy direct://'; done; echo end",
    "exec yes 'proxy direct://'",
    "exec cat /dev/zero",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      Fixture fixture;

      g_test_message ("%s", bodies[i]);
      set_up (&fixture, bodies[i], LONG, LONG);
      assert_fails (&fixture, FERRY_ERROR_WORKER_FAILED);
      tear_down (&fixture);
    }
}

static void
test_absent (void)
{
  Fixture fixture;

  set_up (&fixture, "", LONG, LONG);
  g_unlink (fixture.program);
  assert_fails (&fixture, FERRY_ERROR_WORKER_FAILED);
  tear_down (&fixture);
}

/* It stays out of the journal, where the worker's own would be. */
static void
test_silent (void)
{
  Fixture fixture;
  g_autofree char *printed = NULL;
  g_autofree char *text = NULL;
  int own = dup (STDERR_FILENO);
  int fd;

  set_up (&fixture, "echo http://user:word@proxy >&2; echo 'proxy direct://'; echo end", LONG,
          LONG);
  printed = g_build_filename (fixture.directory, "printed", NULL);
  fd = open (printed, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  g_assert_cmpint (fd, >=, 0);
  dup2 (fd, STDERR_FILENO);
  g_free (ask (&fixture, "http://host/"));
  dup2 (own, STDERR_FILENO);
  close (own);
  close (fd);
  g_assert_true (g_file_get_contents (printed, &text, NULL, NULL));
  /* Sanitizers' reports have to get through. */
  g_assert_cmpstr (text, ==, FERRY_SANITIZED ? "http://user:word@proxy\n" : "");
  g_unlink (printed);
  tear_down (&fixture);
}

static void
test_no_thread (void)
{
  Fixture fixture;
  g_autofree char *answer = NULL;

  set_up (&fixture, "echo 'proxy direct://'; echo end", LONG, 0);
  no_threads_set (TRUE);
  assert_fails (&fixture, FERRY_ERROR_WORKER_FAILED);
  no_threads_set (FALSE);
  answer = ask (&fixture, "http://host/");
  g_assert_cmpstr (answer, ==, "direct://");
  tear_down (&fixture);
}

static void
test_hangs (void)
{
  Fixture fixture;

  set_up (&fixture, "exec sleep 1000", 100, LONG);
  assert_fails (&fixture, FERRY_ERROR_TIMED_OUT);
  tear_down (&fixture);
}

static void
test_kept (void)
{
  Fixture fixture;
  g_autofree char *starts = NULL;

  set_up (&fixture, "echo 'proxy direct://'; echo end", LONG, LONG);
  for (guint i = 0; i < 3; i++)
    {
      g_free (ask (&fixture, "http://host/a"));
      g_free (ask (&fixture, "http://host/b"));
      g_free (ask (&fixture, "https://host/a"));
    }
  starts = read_starts (&fixture);
  g_assert_cmpstr (starts, ==, "http://host/\nhttps://host/\n");
  tear_down (&fixture);
}

static void
test_forgotten (void)
{
  Fixture fixture;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_auto (GStrv) last = NULL;

  /* As many as there were children, so that each answer is another one. */
  set_up (&fixture, "echo \"proxy http://proxy:$(wc -l < starts)\"; echo end", LONG, 0);
  g_assert_null (
      worker_proxy_resolver_get_last (WORKER_PROXY_RESOLVER (fixture.resolver), "http://host/"));
  first = ask (&fixture, "http://host/");
  second = ask (&fixture, "http://host/");
  g_assert_cmpstr (first, ==, "http://proxy:1");
  g_assert_cmpstr (second, ==, "http://proxy:2");
  last = worker_proxy_resolver_get_last (WORKER_PROXY_RESOLVER (fixture.resolver),
                                         "http://host/path");
  g_assert_cmpstr (last[0], ==, "http://proxy:2");
  tear_down (&fixture);
}

static void
test_failure_is_kept (void)
{
  Fixture fixture;
  g_autofree char *starts = NULL;

  set_up (&fixture, "echo 'error no'", LONG, LONG);
  assert_fails (&fixture, FERRY_ERROR_CONNECT_FAILED);
  assert_fails (&fixture, FERRY_ERROR_CONNECT_FAILED);
  g_assert_null (
      worker_proxy_resolver_get_last (WORKER_PROXY_RESOLVER (fixture.resolver), "http://host/"));
  starts = read_starts (&fixture);
  g_assert_cmpstr (starts, ==, "http://host/\n");
  tear_down (&fixture);
}

static void
test_shared (void)
{
  Fixture fixture;
  Search searches[SEARCHERS] = { 0 };
  GThread *threads[SEARCHERS];
  g_autofree char *starts = NULL;

  set_up (&fixture, "read -r x < go; echo 'proxy direct://'; echo end", LONG, LONG);
  g_atomic_int_set (&searching, 0);
  for (guint i = 0; i < SEARCHERS; i++)
    {
      searches[i] = (Search){ .fixture = &fixture, .url = "http://host/" };
      threads[i] = g_thread_new ("search", search_cb, &searches[i]);
    }
  while (g_atomic_int_get (&searching) < SEARCHERS)
    g_thread_yield ();
  let_go (&fixture);
  for (guint i = 0; i < SEARCHERS; i++)
    {
      g_thread_join (threads[i]);
      g_assert_cmpstr (searches[i].proxies[0], ==, "direct://");
      g_strfreev (searches[i].proxies);
    }
  starts = read_starts (&fixture);
  g_assert_cmpstr (starts, ==, "http://host/\n");
  tear_down (&fixture);
}

/* When nobody waits any more, the child dies; as long as somebody does, it does not. */
static void
test_cancelled (void)
{
  Fixture fixture;
  Search searches[2] = { 0 };
  GThread *threads[2];
  char letter;
  int fd;

  set_up (&fixture, "exec 9> up; echo >&9; read -r x < go; echo 'proxy direct://'; echo end", LONG,
          LONG);
  for (guint i = 0; i < 2; i++)
    {
      searches[i] = (Search){ .fixture = &fixture,
                              .url = "http://host/",
                              .cancellable = g_cancellable_new () };
      threads[i] = g_thread_new ("search", search_cb, &searches[i]);
    }
  fd = wait_up (&fixture);
  for (guint i = 0; i < 2; i++)
    {
      g_cancellable_cancel (searches[i].cancellable);
      g_thread_join (threads[i]);
      g_assert_error (searches[i].error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&searches[i].error);
      g_object_unref (searches[i].cancellable);
    }
  g_assert_cmpint (read (fd, &letter, 1), ==, 0);
  close (fd);
  tear_down (&fixture);
}

static void
test_one_of_two_is_cancelled (void)
{
  Fixture fixture;
  Search search = { .fixture = &fixture, .url = "http://host/" };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *starts = NULL;
  GThread *thread;
  int fd;

  set_up (&fixture, "exec 9> up; echo >&9; read -r x < go; echo 'proxy direct://'; echo end", LONG,
          LONG);
  thread = g_thread_new ("search", search_cb, &search);
  fd = wait_up (&fixture);
  g_cancellable_cancel (cancellable);
  g_assert_null (g_proxy_resolver_lookup (fixture.resolver, "http://host/", cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  let_go (&fixture);
  g_thread_join (thread);
  g_assert_cmpstr (search.proxies[0], ==, "direct://");
  g_strfreev (search.proxies);
  starts = read_starts (&fixture);
  g_assert_cmpstr (starts, ==, "http://host/\n");
  close (fd);
  tear_down (&fixture);
}

/* Those that hang are no reason for more of them. */
static void
test_few_at_a_time (void)
{
  static const char *const urls[SEARCHERS] = { "http://a/", "http://b/", "http://c/", "http://d/",
                                               "http://e/", "http://f/", "http://g/", "http://h/" };
  Fixture fixture;
  Search searches[SEARCHERS] = { 0 };
  GThread *threads[SEARCHERS];
  g_auto (GStrv) lines = NULL;
  g_autofree char *starts = NULL;
  char letter;
  int fd;

  set_up (&fixture, "exec 9> up; echo >&9; read -r x < go", LONG, LONG);
  g_atomic_int_set (&searching, 0);
  for (guint i = 0; i < SEARCHERS; i++)
    {
      searches[i] = (Search){ .fixture = &fixture,
                              .url = urls[i],
                              .cancellable = g_cancellable_new () };
      threads[i] = g_thread_new ("search", search_cb, &searches[i]);
    }
  fd = wait_up (&fixture);
  for (guint i = 1; i < WORKER_PROXY_CHILDREN_MAX; i++)
    g_assert_cmpint (read (fd, &letter, 1), ==, 1);
  while (g_atomic_int_get (&searching) < SEARCHERS)
    g_thread_yield ();
  starts = read_starts (&fixture);
  lines = g_strsplit (starts, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, WORKER_PROXY_CHILDREN_MAX + 1);

  /* Their deaths let the others have children, until these are cancelled too. */
  for (guint i = 0; i < SEARCHERS; i++)
    g_cancellable_cancel (searches[i].cancellable);
  for (guint i = 0; i < SEARCHERS; i++)
    {
      g_thread_join (threads[i]);
      g_assert_error (searches[i].error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&searches[i].error);
      g_object_unref (searches[i].cancellable);
    }
  while (read (fd, &letter, 1) == 1)
    continue;
  close (fd);
  tear_down (&fixture);
}

static void
found_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  *(char ***) data = g_proxy_resolver_lookup_finish (G_PROXY_RESOLVER (source), result, &error);
  g_assert_no_error (error);
}

static void
test_asynchronous (void)
{
  Fixture fixture;
  g_auto (GStrv) proxies = NULL;

  set_up (&fixture, "echo 'proxy http://proxy:1'; echo end", LONG, LONG);
  g_proxy_resolver_lookup_async (fixture.resolver, "http://host/", NULL, found_cb, &proxies);
  while (proxies == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (proxies[0], ==, "http://proxy:1");
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* As in ferry-worker: a child may die before it is told anything. */
  signal (SIGPIPE, SIG_IGN);
  g_test_add_func ("/worker-proxy-resolver/answers", test_answers);
  g_test_add_func ("/worker-proxy-resolver/errors", test_errors);
  g_test_add_func ("/worker-proxy-resolver/garbage", test_garbage);
  g_test_add_func ("/worker-proxy-resolver/absent", test_absent);
  g_test_add_func ("/worker-proxy-resolver/silent", test_silent);
  g_test_add_func ("/worker-proxy-resolver/no-thread", test_no_thread);
  g_test_add_func ("/worker-proxy-resolver/hangs", test_hangs);
  g_test_add_func ("/worker-proxy-resolver/kept", test_kept);
  g_test_add_func ("/worker-proxy-resolver/forgotten", test_forgotten);
  g_test_add_func ("/worker-proxy-resolver/failure-is-kept", test_failure_is_kept);
  g_test_add_func ("/worker-proxy-resolver/shared", test_shared);
  g_test_add_func ("/worker-proxy-resolver/cancelled", test_cancelled);
  g_test_add_func ("/worker-proxy-resolver/one-of-two-is-cancelled", test_one_of_two_is_cancelled);
  g_test_add_func ("/worker-proxy-resolver/few-at-a-time", test_few_at_a_time);
  g_test_add_func ("/worker-proxy-resolver/asynchronous", test_asynchronous);
  return g_test_run ();
}
