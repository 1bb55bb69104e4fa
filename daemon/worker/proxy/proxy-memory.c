/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proxy-memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER "error The proxy auto-configuration takes too much memory\nend\n"

/* µs between looks: in this time not much is written to. */
#define INTERVAL (20 * 1000)

/* Returns: the kibibytes that /proc/self/status, @status, has at @name */
static guint64
get (const char *status, const char *name)
{
  const char *at = strstr (status, name);

  return at != NULL ? g_ascii_strtoull (at + strlen (name), NULL, 10) : 0;
}

/* Returns: the bytes that nobody else has, be they in memory or swapped out */
static guint64
get_own (int fd)
{
  char status[4096];
  ssize_t got = pread (fd, status, sizeof status - 1, 0);

  if (got < 0)
    return 0;
  status[got] = '\0';
  return (get (status, "\nRssAnon:") + get (status, "\nVmSwap:")) * 1024;
}

static gpointer
watch_cb (gpointer data)
{
  const int fd = GPOINTER_TO_INT (data);

  while (get_own (fd) <= PROXY_MEMORY_MAX)
    g_usleep (INTERVAL);
  _exit (write (STDOUT_FILENO, ANSWER, strlen (ANSWER)) > 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* To ask for more of it needs no right. */
static void
volunteer (void)
{
  int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

  if (fd < 0)
    return;
  if (write (fd, "1000", 4) < 0)
    g_debug ("The kernel will not end it first");
  close (fd);
}

void
proxy_memory_limit (void)
{
  int fd = open ("/proc/self/status", O_RDONLY | O_CLOEXEC);
  GThread *thread;

  volunteer ();
  if (fd < 0)
    return;
  thread = g_thread_try_new ("memory", watch_cb, GINT_TO_POINTER (fd), NULL);
  if (thread != NULL)
    g_thread_unref (thread);
  else
    close (fd);
}
