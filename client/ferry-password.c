/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-password.h"

#include "ferry-error.h"
#include "ferry-exit.h"
#include "ferry-text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Longer than any password, and than any token that a server takes in a header. */
#define LINE_MAX_BYTES 16384

/* The signals that would leave the terminal without its echo. */
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static volatile sig_atomic_t caught;

static void
signal_cb (int number)
{
  caught = number;
}

/* Reads up to the end of a line, which is not stored.
 * @mask: (nullable): the signals to block while it waits; those that come otherwise end it
 * Returns: the length, -1 when there was an error (errno) */
static gssize
read_line (int fd, char *line, gsize size, const sigset_t *mask)
{
  gsize length = 0;

  while (length < size)
    {
      struct pollfd wait = { .fd = fd, .events = POLLIN };
      gssize n;

      if (mask != NULL && ppoll (&wait, 1, NULL, mask) < 0)
        return -1;
      n = read (fd, line + length, 1);
      if (n < 0)
        return -1;
      if (n == 0 || line[length] == '\n')
        break;
      length++;
    }

  if (length > 0 && line[length - 1] == '\r')
    length--;
  return (gssize) length;
}

/* Returns: (transfer full) (nullable): @line as a secret; @line is wiped */
static SecretValue *
take_line (char *line, gssize length, const char *what, GError **error)
{
  SecretValue *value = NULL;

  if (length == 0)
    ferry_exit_set_usage (error, "%s is empty", what);
  else if (length == LINE_MAX_BYTES)
    ferry_exit_set_usage (error, "%s is longer than %d bytes", what, LINE_MAX_BYTES - 1);
  else if (!g_utf8_validate (line, length, NULL))
    ferry_exit_set_usage (error, "%s is not a UTF-8 text", what);
  else
    value = secret_value_new (line, length, "text/plain");

  explicit_bzero (line, LINE_MAX_BYTES);
  return value;
}

/* Returns: the length, -1 when a signal came */
static gssize
read_quietly (const char *question, char *line, const sigset_t *mask)
{
  struct termios state, quiet;
  gssize length;

  tcgetattr (STDIN_FILENO, &state);
  quiet = state;
  quiet.c_lflag &= ~(tcflag_t) ECHO;
  tcsetattr (STDIN_FILENO, TCSAFLUSH, &quiet);
  fprintf (stderr, "%s", question);
  fflush (stderr);

  length = read_line (STDIN_FILENO, line, LINE_MAX_BYTES, mask);

  tcsetattr (STDIN_FILENO, TCSAFLUSH, &state);
  fputc ('\n', stderr);
  return length;
}

SecretValue *
ferry_password_ask (const char *question, GError **error)
{
  struct sigaction action = { .sa_handler = signal_cb }, before[G_N_ELEMENTS (signals)];
  char line[LINE_MAX_BYTES];
  sigset_t ours, mask;
  gssize length;

  /* They arrive only while it waits, so that none is missed between a look and the wait. */
  caught = 0;
  sigemptyset (&ours);
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    sigaddset (&ours, signals[i]);
  sigprocmask (SIG_BLOCK, &ours, &mask);
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    sigaction (signals[i], &action, &before[i]);

  length = read_quietly (question, line, &mask);

  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    sigaction (signals[i], &before[i], NULL);
  if (caught != 0)
    {
      explicit_bzero (line, sizeof line);
      raise (caught);
    }
  sigprocmask (SIG_SETMASK, &mask, NULL);

  return take_line (line, MAX (length, 0), "what was typed", error);
}

SecretValue *
ferry_password_read (const char *path, GError **error)
{
  gboolean standard = g_str_equal (path, "-");
  int fd = standard ? STDIN_FILENO : open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  char line[LINE_MAX_BYTES];
  gssize length = fd >= 0 ? read_line (fd, line, sizeof line, NULL) : -1;
  int code = errno;

  if (fd >= 0 && !standard)
    close (fd);
  if (length < 0)
    {
      explicit_bzero (line, sizeof line);
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR,
                   "the password file cannot be read: %s", g_strerror (code));
      return NULL;
    }

  return take_line (line, length, "the first line of the password file", error);
}
