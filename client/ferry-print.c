/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-print.h"

#include "ferry-text.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Longer than any path. */
#define TEXT_MAX 16384

char *
ferry_print_clean (const char *text)
{
  return ferry_text_clean (text, TEXT_MAX);
}

void
ferry_print_path (const char *path)
{
  g_autofree char *clean = isatty (STDOUT_FILENO) ? ferry_print_clean (path) : NULL;

  puts (clean != NULL ? clean : path);
  fflush (stdout);
}

void
ferry_print_note (const char *format, ...)
{
  va_list args;

  if (!isatty (STDERR_FILENO))
    return;

  va_start (args, format);
  vfprintf (stderr, format, args);
  va_end (args);
  fputc ('\n', stderr);
}

gboolean
ferry_print_confirm (const char *question)
{
  char answer[16];

  if (!isatty (STDIN_FILENO) || !isatty (STDERR_FILENO))
    return TRUE;

  fprintf (stderr, "%s [y/N] ", question);
  fflush (stderr);
  if (fgets (answer, sizeof answer, stdin) == NULL)
    return FALSE;

  return answer[0] == 'y' || answer[0] == 'Y';
}

guint
ferry_print_get_width (void)
{
  struct winsize size;

  if (!isatty (STDOUT_FILENO))
    return G_MAXINT;
  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;

  return 80;
}
