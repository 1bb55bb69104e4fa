/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-terminal.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Longer than any question of ours. */
#define QUESTION_MAX 512

struct _FerryTerminal
{
  FerryTerminalFunc func;
  gpointer user_data;
  guint source; /* 0 = answered */
  gboolean echo;
  gsize length;
  char line[FERRY_TERMINAL_MAX + 2]; /* with the end of the line, and that of the string */
};

/* The signals that would leave the terminal without its echo. */
static const int leaving[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

/* What handlers of signals need, which get nothing: there is one terminal. */
static struct
{
  struct termios usual;
  struct termios asking;
  char question[QUESTION_MAX];
  gsize length; /* of @question */
  struct sigaction before[G_N_ELEMENTS (leaving)];
  struct sigaction before_continue;
} shown;

gboolean
ferry_terminal_is_there (void)
{
  return isatty (STDIN_FILENO) && isatty (STDERR_FILENO);
}

gboolean
ferry_terminal_is_ours (void)
{
  pid_t front = tcgetpgrp (STDIN_FILENO);

  /* Without job control nobody is in front. */
  return front < 0 || front == getpgrp ();
}

/* == the terminal == */

/* Who has it now has his own settings; and to change them would stop us. */
static void
set (const struct termios *state, int how)
{
  if (ferry_terminal_is_ours ())
    tcsetattr (STDIN_FILENO, how, state);
}

/* A terminal that went away is silently written to no more. */
static void
put (const char *text, gsize length)
{
  while (length > 0)
    {
      gssize n = write (STDERR_FILENO, text, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return;
      text += n;
      length -= (gsize) n;
    }
}

static void leave_cb (int number);

static void
set_leave (int number)
{
  /* Not blocked: it is raised again from within. */
  struct sigaction action = { .sa_handler = leave_cb, .sa_flags = SA_NODEFER | SA_RESTART };

  sigaction (number, &action, NULL);
}

static void
leave_cb (int number)
{
  struct sigaction action = { .sa_handler = SIG_DFL };
  int code = errno;

  set (&shown.usual, TCSAFLUSH);
  put ("\n", 1);
  sigaction (number, &action, NULL);
  raise (number);

  /* It was stopped, and goes on: continue_cb() has asked again, and there may be an answer. Or nobody could have continued
   * it, and it was not. */
  set_leave (number);
  set (&shown.asking, TCSANOW);
  errno = code;
}

static void
continue_cb (int number)
{
  int code = errno;

  /* Brought to the front it is told once more. */
  if (ferry_terminal_is_ours ())
    {
      set (&shown.asking, TCSAFLUSH);
      put (shown.question, shown.length);
    }
  errno = code;
}

static void
set_up (const char *question, gboolean echo)
{
  struct sigaction action = { .sa_handler = continue_cb, .sa_flags = SA_RESTART };

  g_strlcpy (shown.question, question, sizeof shown.question);
  shown.length = strlen (shown.question);
  tcgetattr (STDIN_FILENO, &shown.usual);
  shown.asking = shown.usual;
  if (!echo)
    shown.asking.c_lflag &= ~(tcflag_t) ECHO;

  /* What the program handles itself, or ignores, stays so. */
  for (gsize i = 0; i < G_N_ELEMENTS (leaving); i++)
    {
      sigaction (leaving[i], NULL, &shown.before[i]);
      if (shown.before[i].sa_handler == SIG_DFL)
        set_leave (leaving[i]);
    }
  sigaction (SIGCONT, &action, &shown.before_continue);

  /* What was typed before the question is no answer to it. */
  set (&shown.asking, TCSAFLUSH);
  put (shown.question, shown.length);
}

static void
restore (void)
{
  /* Half an answer is none to the shell that comes next. */
  set (&shown.usual, TCSAFLUSH);
  sigaction (SIGCONT, &shown.before_continue, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (leaving); i++)
    sigaction (leaving[i], &shown.before[i], NULL);
}

/* == the question == */

static void
answer (FerryTerminal *self)
{
  const char *end = memchr (self->line, '\n', self->length);
  gsize length = end != NULL ? (gsize) (end - self->line) : self->length;
  gboolean typed = self->length > 0;

  self->source = 0;
  restore ();
  if (end == NULL || !self->echo)
    put ("\n", 1);

  if (length > 0 && self->line[length - 1] == '\r')
    length--;
  self->line[length] = '\0';
  self->func (typed ? self->line : NULL, MIN (length, FERRY_TERMINAL_MAX), self->user_data);
}

static gboolean
readable_cb (int fd, GIOCondition condition, gpointer user_data)
{
  FerryTerminal *self = user_data;
  struct pollfd wait = { .fd = fd, .events = POLLIN };
  gssize n;

  /* A signal's handler may have dropped meanwhile what there was. */
  if (poll (&wait, 1, 0) <= 0)
    return G_SOURCE_CONTINUE;
  n = read (fd, self->line + self->length, FERRY_TERMINAL_MAX + 1 - self->length);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;

  self->length += (gsize) MAX (n, 0);
  /* ^D in a line gives what there is of it. */
  if (n > 0 && self->line[self->length - 1] != '\n' && self->length <= FERRY_TERMINAL_MAX)
    return G_SOURCE_CONTINUE;

  answer (self);
  return G_SOURCE_REMOVE;
}

FerryTerminal *
ferry_terminal_ask (const char *question, gboolean echo, FerryTerminalFunc func, gpointer user_data)
{
  FerryTerminal *self = g_new0 (FerryTerminal, 1);

  self->func = func;
  self->user_data = user_data;
  self->echo = echo;
  self->source = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, readable_cb, self);
  set_up (question, echo);
  return self;
}

void
ferry_terminal_free (FerryTerminal *self)
{
  if (self->source != 0)
    {
      g_source_remove (self->source);
      restore ();
      put ("\n", 1);
    }
  explicit_bzero (self->line, sizeof self->line);
  g_free (self);
}
