/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-format.h"

#include <math.h>

char *
ferry_format_size (guint64 bytes)
{
  static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
  double value = bytes;
  gsize unit = 0;
  char buffer[16];

  if (bytes == G_MAXUINT64)
    return g_strdup ("?");
  if (bytes < 1000)
    return g_strdup_printf ("%d B", (int) bytes);

  /* 999.95 would be printed as 1000.0: that is the next unit. */
  for (value /= 1000; value >= 999.95 && unit + 1 < G_N_ELEMENTS (units); unit++)
    value /= 1000;

  /* The point is the same in every locale, as in all other tools that show sizes. */
  g_ascii_formatd (buffer, sizeof buffer, "%.1f", value);
  return g_strdup_printf ("%s %s", buffer, units[unit]);
}

char *
ferry_format_rate (guint64 bytes_per_second)
{
  g_autofree char *size = ferry_format_size (bytes_per_second);

  return g_strconcat (size, "/s", NULL);
}

char *
ferry_format_count (guint64 n, const char *noun)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %s%s", n, noun, n == 1 ? "" : "s");
}

char *
ferry_format_duration (guint64 seconds)
{
  guint64 hours = seconds / 3600;
  int minutes = (seconds / 60) % 60;
  int rest = seconds % 60;

  if (hours >= 48)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " d %d h", hours / 24, (int) (hours % 24));
  if (hours > 0)
    return g_strdup_printf ("%d:%02d:%02d", (int) hours, minutes, rest);

  return g_strdup_printf ("%d:%02d", minutes, rest);
}

static char *
format_local (guint64 time, const char *format)
{
  g_autoptr (GDateTime) date = NULL;

  if (time == 0)
    return g_strdup ("never");

  date = g_date_time_new_from_unix_local ((gint64) (time / G_USEC_PER_SEC));
  /* Beyond the year 9999. */
  if (date == NULL)
    return g_strdup ("never");

  return g_date_time_format (date, format);
}

char *
ferry_format_time (guint64 time)
{
  return format_local (time, "%Y-%m-%d %H:%M:%S");
}

char *
ferry_format_date (guint64 time)
{
  return format_local (time, "%Y-%m-%d");
}

int
ferry_format_percent (guint64 done, guint64 total)
{
  if (total == G_MAXUINT64)
    return -1;
  if (done >= total)
    return 100;

  return (int) floor ((double) done / (double) total * 100.0);
}

static guint
get_columns (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;

  return g_unichar_iswide (c) ? 2 : 1;
}

guint
ferry_format_width (const char *text)
{
  guint width = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    width += get_columns (g_utf8_get_char (p));

  return width;
}

/* The end of the longest head of @text that takes at most @width columns. */
static const char *
find_head (const char *text, guint width)
{
  guint used = 0;
  const char *p = text;

  while (*p != '\0')
    {
      used += get_columns (g_utf8_get_char (p));
      if (used > width)
        break;
      p = g_utf8_next_char (p);
    }

  return p;
}

/* The start of the longest tail of @text that takes at most @width columns. */
static const char *
find_tail (const char *text, guint width)
{
  guint used = 0;
  const char *p = text + strlen (text);

  while (p > text)
    {
      const char *previous = g_utf8_prev_char (p);

      used += get_columns (g_utf8_get_char (previous));
      if (used > width)
        break;
      p = previous;
    }

  return p;
}

char *
ferry_format_ellipsize (const char *text, guint width, gboolean utf8)
{
  const char *dots = utf8 ? "…" : "...";
  guint dots_width = utf8 ? 1 : 3;
  guint rest;
  const char *head, *tail;

  if (ferry_format_width (text) <= width)
    return g_strdup (text);
  if (width <= dots_width)
    return g_strndup (text, find_head (text, width) - text);

  rest = width - dots_width;
  head = find_head (text, rest - rest / 2);
  tail = find_tail (text, rest / 2);

  return g_strdup_printf ("%.*s%s%s", (int) (head - text), text, dots, tail);
}

char *
ferry_format_cut (const char *text, guint width, gboolean utf8)
{
  const char *dots = utf8 ? "…" : "...";
  guint dots_width = utf8 ? 1 : 3;

  if (ferry_format_width (text) <= width)
    return g_strdup (text);
  if (width <= dots_width)
    return g_strndup (text, find_head (text, width) - text);

  return g_strdup_printf ("%.*s%s", (int) (find_head (text, width - dots_width) - text), text,
                          dots);
}

void
ferry_format_wrap (GString *lines, const char *text, guint indent, guint width)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  guint used = 0;

  for (gsize i = 0; words[i] != NULL; i++)
    {
      guint word_width = ferry_format_width (words[i]);

      if (used > 0 && used + 1 + word_width <= width)
        {
          g_string_append_c (lines, ' ');
          used++;
        }
      else
        {
          if (used > 0)
            g_string_append_c (lines, '\n');
          g_string_append_printf (lines, "%*s", (int) indent, "");
          used = indent;
        }
      g_string_append (lines, words[i]);
      used += word_width;
    }
}

void
ferry_format_pad (GString *line, const char *text, guint width, gboolean right)
{
  guint used = ferry_format_width (text);
  guint spaces = used < width ? width - used : 0;

  if (!right)
    g_string_append (line, text);
  for (guint i = 0; i < spaces; i++)
    g_string_append_c (line, ' ');
  if (right)
    g_string_append (line, text);
}
