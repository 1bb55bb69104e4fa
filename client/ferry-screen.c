/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-screen.h"

#include "ferry-format.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct _FerryScreen
{
  int fd;
  gboolean terminal;
  gboolean live;
  gboolean colour;
  gboolean utf8;

  GPtrArray *drawn; /* (owned) (element-type utf8): the lines that stand there now */
};

FerryScreen *
ferry_screen_new (int fd)
{
  FerryScreen *self = g_new0 (FerryScreen, 1);
  const char *no_colour = g_getenv ("NO_COLOR");
  const char *term = g_getenv ("TERM");

  self->fd = fd;
  self->terminal = isatty (fd);
  self->live = self->terminal && g_strcmp0 (term, "dumb") != 0;
  self->colour = self->live && (no_colour == NULL || *no_colour == '\0');
  self->utf8 = g_get_charset (NULL);
  self->drawn = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
ferry_screen_free (FerryScreen *self)
{
  ferry_screen_clear (self);
  g_ptr_array_unref (self->drawn);
  g_free (self);
}

gboolean
ferry_screen_is_terminal (FerryScreen *self)
{
  return self->terminal;
}

gboolean
ferry_screen_is_live (FerryScreen *self)
{
  return self->live;
}

gboolean
ferry_screen_has_colour (FerryScreen *self)
{
  return self->colour;
}

gboolean
ferry_screen_is_utf8 (FerryScreen *self)
{
  return self->utf8;
}

guint
ferry_screen_get_width (FerryScreen *self)
{
  struct winsize size;

  if (ioctl (self->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;

  return 80;
}

guint
ferry_screen_get_height (FerryScreen *self)
{
  struct winsize size;

  if (ioctl (self->fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
    return size.ws_row;

  return 24;
}

/* Progress is no reason to fail: a terminal that went away is silently written to no more. */
static void
write_all (FerryScreen *self, const GString *text)
{
  gsize done = 0;

  while (done < text->len)
    {
      gssize n = write (self->fd, text->str + done, text->len - done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return;
      done += n;
    }
}

/* Columns of a line that may hold escape sequences (ESC [ ... m). */
static guint
get_visible_width (const char *line)
{
  g_autoptr (GString) plain = g_string_new (NULL);

  for (const char *p = line; *p != '\0'; p++)
    {
      if (*p != '\033')
        {
          g_string_append_c (plain, *p);
          continue;
        }
      while (*p != '\0' && *p != 'm')
        p++;
      if (*p == '\0')
        break;
    }

  return ferry_format_width (plain->str);
}

/* Moves to the start of the live lines and erases from there. Lines drawn when the terminal was
 * wider have wrapped into several rows by now. */
static void
append_erase (FerryScreen *self, GString *text)
{
  guint width = ferry_screen_get_width (self);
  guint rows = 0;

  for (guint i = 0; i < self->drawn->len; i++)
    rows += MAX ((get_visible_width (g_ptr_array_index (self->drawn, i)) + width - 1) / width, 1);

  if (rows > 0)
    g_string_append_printf (text, "\033[%uA\r\033[J", rows);
}

static gboolean
is_drawn (FerryScreen *self, GPtrArray *lines)
{
  if (self->drawn->len != lines->len)
    return FALSE;
  for (guint i = 0; i < lines->len; i++)
    {
      if (!g_str_equal (g_ptr_array_index (self->drawn, i), g_ptr_array_index (lines, i)))
        return FALSE;
    }

  return TRUE;
}

void
ferry_screen_draw (FerryScreen *self, GPtrArray *lines)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (!self->live || is_drawn (self, lines))
    return;

  /* As many lines as before are written over, which does not flicker as erasing does. */
  if (self->drawn->len == lines->len && lines->len > 0)
    {
      guint width = ferry_screen_get_width (self);
      gboolean wrapped = FALSE;

      for (guint i = 0; i < lines->len; i++)
        wrapped |= get_visible_width (g_ptr_array_index (self->drawn, i)) > width;
      if (wrapped)
        append_erase (self, text);
      else
        g_string_append_printf (text, "\033[%uA\r", lines->len);
    }
  else
    append_erase (self, text);

  for (guint i = 0; i < lines->len; i++)
    g_string_append_printf (text, "%s\033[K\r\n", (const char *) g_ptr_array_index (lines, i));
  write_all (self, text);

  g_ptr_array_set_size (self->drawn, 0);
  for (guint i = 0; i < lines->len; i++)
    g_ptr_array_add (self->drawn, g_strdup (g_ptr_array_index (lines, i)));
}

void
ferry_screen_clear (FerryScreen *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (self->drawn->len == 0)
    return;

  append_erase (self, text);
  write_all (self, text);
  g_ptr_array_set_size (self->drawn, 0);
}

void
ferry_screen_print (FerryScreen *self, const char *text)
{
  g_autoptr (GString) line = g_string_new (NULL);

  if (!self->terminal)
    return;

  append_erase (self, line);
  g_ptr_array_set_size (self->drawn, 0);
  g_string_append_printf (line, "%s\n", text);
  write_all (self, line);
}
