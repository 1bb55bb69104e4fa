/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The screen on a pseudo terminal, and on none. */

#include "ferry-screen.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define END "\x1e" /* the record separator of ASCII */

typedef struct
{
  int master;
  int slave;
} Terminal;

static void
set_width (Terminal *terminal, unsigned short columns)
{
  struct winsize size = { .ws_row = 24, .ws_col = columns };

  g_assert_cmpint (ioctl (terminal->slave, TIOCSWINSZ, &size), ==, 0);
}

static void
terminal_open (Terminal *terminal)
{
  terminal->master = posix_openpt (O_RDWR | O_NOCTTY);
  g_assert_cmpint (terminal->master, >=, 0);
  g_assert_cmpint (grantpt (terminal->master), ==, 0);
  g_assert_cmpint (unlockpt (terminal->master), ==, 0);
  terminal->slave = open (ptsname (terminal->master), O_RDWR | O_NOCTTY);
  g_assert_cmpint (terminal->slave, >=, 0);
  set_width (terminal, 80);
}

static void
terminal_close (Terminal *terminal)
{
  close (terminal->slave);
  close (terminal->master);
}

/* What was written since the last call. The kernel brings it over when it likes, but in order: what we write behind it, which no
 * screen writes, tells that all is there. */
static char *
terminal_read (Terminal *terminal)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_assert_cmpint (write (terminal->slave, END, 1), ==, 1);
  while (!g_str_has_suffix (text->str, END))
    {
      char buffer[4096];
      gssize n = read (terminal->master, buffer, sizeof buffer);

      g_assert_cmpint (n, >, 0);
      g_string_append_len (text, buffer, n);
    }
  g_string_truncate (text, text->len - 1);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static GPtrArray *
make_lines (const char *first, const char *second)
{
  GPtrArray *lines = g_ptr_array_new ();

  g_ptr_array_add (lines, (gpointer) first);
  if (second != NULL)
    g_ptr_array_add (lines, (gpointer) second);
  return lines;
}

static void
test_draw (void)
{
  Terminal terminal;
  FerryScreen *screen;
  g_autoptr (GPtrArray) two = make_lines ("one", "two");
  g_autoptr (GPtrArray) changed = make_lines ("one", "zwei");
  g_autofree char *first = NULL, *same = NULL, *second = NULL, *cleared = NULL;

  g_setenv ("TERM", "xterm", TRUE);
  terminal_open (&terminal);
  screen = ferry_screen_new (terminal.slave);
  g_assert_true (ferry_screen_is_live (screen));
  g_assert_cmpuint (ferry_screen_get_width (screen), ==, 80);

  ferry_screen_draw (screen, two);
  first = terminal_read (&terminal);
  g_assert_nonnull (strstr (first, "one\033[K\r\r\ntwo\033[K\r\r\n"));
  g_assert_null (strstr (first, "A\r"));

  ferry_screen_draw (screen, two);
  same = terminal_read (&terminal);
  g_assert_cmpstr (same, ==, "");

  ferry_screen_draw (screen, changed);
  second = terminal_read (&terminal);
  g_assert_true (g_str_has_prefix (second, "\033[2A\r"));
  g_assert_nonnull (strstr (second, "zwei"));

  ferry_screen_free (screen);
  cleared = terminal_read (&terminal);
  g_assert_cmpstr (cleared, ==, "\033[2A\r\033[J");
  terminal_close (&terminal);
}

/* A line that was drawn when there was more room takes several rows now. */
static void
test_narrower (void)
{
  Terminal terminal;
  FerryScreen *screen;
  g_autofree char *wide = g_strnfill (70, 'x');
  g_autoptr (GPtrArray) lines = make_lines (wide, NULL);
  g_autofree char *drawn = NULL, *cleared = NULL;

  g_setenv ("TERM", "xterm", TRUE);
  terminal_open (&terminal);
  screen = ferry_screen_new (terminal.slave);
  ferry_screen_draw (screen, lines);
  drawn = terminal_read (&terminal);
  set_width (&terminal, 40);
  ferry_screen_clear (screen);
  cleared = terminal_read (&terminal);
  g_assert_cmpstr (cleared, ==, "\033[2A\r\033[J");
  ferry_screen_free (screen);
  terminal_close (&terminal);
}

static void
test_print (void)
{
  Terminal terminal;
  FerryScreen *screen;
  g_autoptr (GPtrArray) lines = make_lines ("\033[36mlive\033[m", NULL);
  g_autofree char *drawn = NULL, *printed = NULL;

  g_setenv ("TERM", "xterm", TRUE);
  terminal_open (&terminal);
  screen = ferry_screen_new (terminal.slave);
  ferry_screen_draw (screen, lines);
  drawn = terminal_read (&terminal);
  ferry_screen_print (screen, "stays");
  printed = terminal_read (&terminal);
  g_assert_cmpstr (printed, ==, "\033[1A\r\033[Jstays\r\n");
  ferry_screen_free (screen);
  terminal_close (&terminal);
}

static void
test_dumb (void)
{
  Terminal terminal;
  FerryScreen *screen;
  g_autoptr (GPtrArray) lines = make_lines ("live", NULL);
  g_autofree char *written = NULL;

  g_setenv ("TERM", "dumb", TRUE);
  terminal_open (&terminal);
  screen = ferry_screen_new (terminal.slave);
  g_assert_true (ferry_screen_is_terminal (screen));
  g_assert_false (ferry_screen_is_live (screen));
  g_assert_false (ferry_screen_has_colour (screen));
  ferry_screen_draw (screen, lines);
  ferry_screen_print (screen, "stays");
  written = terminal_read (&terminal);
  g_assert_cmpstr (written, ==, "stays\r\n");
  ferry_screen_free (screen);
  terminal_close (&terminal);
}

static void
test_no_colour (void)
{
  Terminal terminal;
  FerryScreen *coloured, *plain;

  g_setenv ("TERM", "xterm", TRUE);
  terminal_open (&terminal);
  g_unsetenv ("NO_COLOR");
  coloured = ferry_screen_new (terminal.slave);
  g_setenv ("NO_COLOR", "1", TRUE);
  plain = ferry_screen_new (terminal.slave);
  g_assert_true (ferry_screen_has_colour (coloured));
  g_assert_false (ferry_screen_has_colour (plain));
  ferry_screen_free (coloured);
  ferry_screen_free (plain);
  terminal_close (&terminal);
}

static void
test_no_terminal (void)
{
  int fds[2];
  char buffer[8];
  FerryScreen *screen;
  g_autoptr (GPtrArray) lines = make_lines ("live", NULL);

  g_assert_cmpint (pipe2 (fds, O_NONBLOCK), ==, 0);
  screen = ferry_screen_new (fds[1]);
  g_assert_false (ferry_screen_is_terminal (screen));
  g_assert_false (ferry_screen_has_colour (screen));
  ferry_screen_draw (screen, lines);
  ferry_screen_print (screen, "stays");
  ferry_screen_free (screen);
  g_assert_cmpint (read (fds[0], buffer, sizeof buffer), ==, -1);
  close (fds[0]);
  close (fds[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/screen/draw", test_draw);
  g_test_add_func ("/client/screen/narrower", test_narrower);
  g_test_add_func ("/client/screen/print", test_print);
  g_test_add_func ("/client/screen/dumb", test_dumb);
  g_test_add_func ("/client/screen/no-colour", test_no_colour);
  g_test_add_func ("/client/screen/no-terminal", test_no_terminal);
  return g_test_run ();
}
