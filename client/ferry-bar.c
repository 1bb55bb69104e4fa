/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-bar.h"

#include "ferry-format.h"

#include <math.h>

#define GAP      2
#define NAME_MIN 8
#define BAR_MIN  6
#define BAR_MAX  60

#define COLOUR_BAR  "\033[36m"
#define COLOUR_NOTE "\033[33m"
#define COLOUR_DONE "\033[32m"
#define COLOUR_OFF  "\033[m"

/* Which numbers there is room for, by width; the first that fits is taken. */
static const struct
{
  guint min_width;
  gboolean size;
  gboolean total;
  gboolean rate;
  gboolean left;
} layouts[] = {
  { 74, TRUE, TRUE, TRUE, TRUE },    { 62, TRUE, FALSE, TRUE, TRUE },
  { 50, FALSE, FALSE, TRUE, TRUE },  { 36, FALSE, FALSE, TRUE, FALSE },
  { 0, FALSE, FALSE, FALSE, FALSE },
};

static void
append_numbers (GString *line, const FerryBar *bar, guint width)
{
  g_autofree char *done = ferry_format_size (bar->done);
  g_autofree char *total = ferry_format_size (bar->total);
  g_autofree char *both = g_strconcat (done, "/", total, NULL);
  g_autofree char *rate = bar->rate > 0 ? ferry_format_rate (bar->rate) : g_strdup ("");
  g_autofree char *left = NULL;
  g_autofree char *percent = NULL;
  gboolean known = bar->total != G_MAXUINT64;
  gsize i = 0;

  while (width < layouts[i].min_width)
    i++;

  percent = known ? g_strdup_printf ("%d%%", ferry_format_percent (bar->done, bar->total))
                  : g_strdup ("");
  if (known && bar->rate > 0 && bar->done < bar->total)
    left = ferry_format_duration ((bar->total - bar->done + bar->rate - 1) / bar->rate);

  ferry_format_pad (line, percent, 4, TRUE);
  if (layouts[i].size)
    {
      g_string_append (line, "  ");
      if (layouts[i].total)
        ferry_format_pad (line, known ? both : done, 17, TRUE);
      else
        ferry_format_pad (line, done, 8, TRUE);
    }
  if (layouts[i].rate)
    {
      g_string_append (line, "  ");
      ferry_format_pad (line, rate, 10, TRUE);
    }
  if (layouts[i].left)
    {
      g_string_append (line, "  ");
      ferry_format_pad (line, left != NULL ? left : "", 7, TRUE);
    }
}

static void
append_cells_known (GString *line, double fraction, guint cells, gboolean utf8)
{
  static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
  guint filled = utf8 ? (guint) floor (fraction * cells * 8) : (guint) floor (fraction * cells);
  guint used = 0;

  if (utf8)
    {
      for (; used < filled / 8; used++)
        g_string_append (line, "█");
      if (filled % 8 > 0)
        {
          g_string_append (line, eighths[filled % 8]);
          used++;
        }
    }
  else
    {
      for (; used < filled; used++)
        g_string_append_c (line, used + 1 == filled && filled < cells ? '>' : '=');
    }
  for (; used < cells; used++)
    g_string_append_c (line, ' ');
}

/* A block that runs from one end to the other and back. */
static void
append_cells_unknown (GString *line, guint tick, guint cells, gboolean utf8)
{
  guint block = MAX (cells / 4, 1);
  guint way = cells - block;
  guint position = way > 0 ? tick % (2 * way) : 0;

  if (position > way)
    position = 2 * way - position;

  for (guint i = 0; i < cells; i++)
    {
      if (i >= position && i < position + block)
        g_string_append (line, utf8 ? "█" : "=");
      else
        g_string_append_c (line, ' ');
    }
}

static void
append_bar (GString *line, const FerryBar *bar, guint width, const FerryBarStyle *style)
{
  guint cells = width - 2;

  g_string_append (line, style->utf8 ? "▕" : "[");
  if (style->colour)
    g_string_append (line, COLOUR_BAR);
  if (bar->total == G_MAXUINT64)
    append_cells_unknown (line, bar->tick, cells, style->utf8);
  else if (bar->done >= bar->total)
    append_cells_known (line, 1.0, cells, style->utf8);
  else
    append_cells_known (line, (double) bar->done / (double) bar->total, cells, style->utf8);
  if (style->colour)
    g_string_append (line, COLOUR_OFF);
  g_string_append (line, style->utf8 ? "▏" : "]");
}

static void
append_name (GString *line, const char *name, guint width, gboolean utf8)
{
  g_autofree char *shown = ferry_format_ellipsize (name, width, utf8);

  ferry_format_pad (line, shown, width, FALSE);
}

/* A line for a file that does not move: its name, how far it is, and why. */
static char *
render_note (const FerryBar *bar, const FerryBarStyle *style)
{
  GString *line = g_string_new (NULL);
  gboolean has_percent = bar->total != G_MAXUINT64 && bar->done > 0;
  guint name_width = MIN (MAX (style->name_width, NAME_MIN), MAX (style->width * 2 / 5, NAME_MIN));
  guint wanted = ferry_format_width (bar->note) + GAP + (has_percent ? 4 + GAP : 0);
  guint room = style->width > name_width ? style->width - name_width : 0;
  g_autofree char *note = NULL;

  /* The reason matters more than the whole of the name. */
  if (wanted > room)
    name_width = MAX (name_width - MIN (wanted - room, name_width), NAME_MIN);
  if (style->width <= name_width + GAP + NAME_MIN)
    name_width = 0;

  room = style->width;
  if (name_width > 0)
    {
      append_name (line, bar->name, name_width, style->utf8);
      g_string_append (line, "  ");
      room -= name_width + GAP;
    }
  if (has_percent && room >= 4 + GAP + NAME_MIN)
    {
      g_autofree char *percent = g_strdup_printf ("%d%%",
                                                  ferry_format_percent (bar->done, bar->total));

      ferry_format_pad (line, percent, 4, TRUE);
      g_string_append (line, "  ");
      room -= 4 + GAP;
    }

  note = ferry_format_cut (bar->note, room, style->utf8);
  g_string_append_printf (line, "%s%s%s", style->colour ? COLOUR_NOTE : "", note,
                          style->colour ? COLOUR_OFF : "");
  return g_string_free (line, FALSE);
}

char *
ferry_bar_render (const FerryBar *bar, const FerryBarStyle *style)
{
  g_autoptr (GString) numbers = g_string_new (NULL);
  GString *line;
  guint room, name_width, bar_width;

  if (bar->note != NULL)
    return render_note (bar, style);

  append_numbers (numbers, bar, style->width);
  line = g_string_new (NULL);
  if (style->width < ferry_format_width (numbers->str) + GAP + NAME_MIN)
    {
      g_autofree char *name = ferry_format_ellipsize (bar->name, style->width, style->utf8);

      g_string_append (line, name);
      return g_string_free (line, FALSE);
    }

  room = style->width - ferry_format_width (numbers->str) - GAP;
  name_width = CLAMP (style->name_width, NAME_MIN, MAX (room * 11 / 20, NAME_MIN));
  bar_width = room > name_width + GAP ? MIN (room - name_width - GAP, BAR_MAX) : 0;
  /* What a short name or a long bar leaves over goes to the name. */
  if (bar_width < BAR_MIN)
    bar_width = 0;
  name_width = MIN (MAX (style->name_width, NAME_MIN),
                    bar_width > 0 ? room - bar_width - GAP : room);

  append_name (line, bar->name, name_width, style->utf8);
  g_string_append (line, "  ");
  if (bar_width > 0)
    {
      append_bar (line, bar, bar_width, style);
      g_string_append (line, "  ");
    }
  g_string_append (line, numbers->str);
  return g_string_free (line, FALSE);
}

/* How much, in what time, how fast, as far as these are known. */
static char *
make_tail (guint64 bytes, guint64 fetched, gint64 microseconds)
{
  g_autofree char *size = ferry_format_size (bytes);
  g_autofree char *time = NULL;
  g_autofree char *rate = NULL;

  if (microseconds < 0)
    return g_steal_pointer (&size);

  time = ferry_format_duration ((guint64) (microseconds + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC);
  /* A rate over less than a hundredth of a second says nothing. */
  if (microseconds < 10000)
    return g_strdup_printf ("%s in %s", size, time);

  rate = ferry_format_rate ((guint64) ((double) fetched * G_USEC_PER_SEC / (double) microseconds));
  return g_strdup_printf ("%s in %s  %s", size, time, rate);
}

char *
ferry_bar_render_done (const char *name, guint64 bytes, guint64 fetched, gint64 microseconds,
                       const char *remark, const FerryBarStyle *style)
{
  g_autofree char *numbers = make_tail (bytes, fetched, microseconds);
  g_autofree char *whole = g_strconcat (numbers, "  ", remark, NULL);
  const char *tail = remark != NULL && ferry_format_width (whole) + GAP + NAME_MIN < style->width
                         ? whole
                         : numbers;
  guint tail_width = ferry_format_width (tail);
  g_autofree char *shown = ferry_format_ellipsize (
      name, style->width > tail_width + GAP + NAME_MIN ? style->width - tail_width - GAP : NAME_MIN,
      style->utf8);

  return g_strdup_printf ("%s%s%s  %s", style->colour ? COLOUR_DONE : "", shown,
                          style->colour ? COLOUR_OFF : "", tail);
}
