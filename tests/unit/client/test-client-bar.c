/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-bar.h"
#include "ferry-format.h"

#include <string.h>

#define NAME "debian-12.9.0-amd64-netinst.iso"

static FerryBarStyle
make_style (guint width, gboolean utf8)
{
  FerryBarStyle style = { .width = width, .name_width = strlen (NAME), .utf8 = utf8 };

  return style;
}

static char *
render (guint width, gboolean utf8, guint64 done, guint64 total)
{
  FerryBarStyle style = make_style (width, utf8);
  FerryBar bar = { .name = NAME, .done = done, .total = total, .rate = 1000000 };

  return ferry_bar_render (&bar, &style);
}

static guint
count_cells (const char *line, const char *cell)
{
  guint n = 0;

  for (const char *p = strstr (line, cell); p != NULL; p = strstr (p + strlen (cell), cell))
    n++;

  return n;
}

static void
test_widths (void)
{
  static const guint64 totals[] = { 100000000, G_MAXUINT64, 0 };

  for (guint width = 1; width <= 200; width++)
    {
      for (gsize i = 0; i < G_N_ELEMENTS (totals); i++)
        {
          g_autofree char *utf8 = render (width, TRUE, 42000000, totals[i]);
          g_autofree char *ascii = render (width, FALSE, 42000000, totals[i]);

          g_assert_cmpuint (ferry_format_width (utf8), <=, width);
          g_assert_cmpuint (ferry_format_width (ascii), <=, width);
          g_assert_true (g_str_is_ascii (ascii));
        }
    }
}

/* What each of the three usual widths has room for. */
static void
test_layouts (void)
{
  g_autofree char *narrow = render (39, TRUE, 42000000, 100000000);
  g_autofree char *usual = render (79, TRUE, 42000000, 100000000);
  g_autofree char *wide = render (159, TRUE, 42000000, 100000000);

  g_assert_nonnull (strstr (narrow, " 42%"));
  g_assert_nonnull (strstr (narrow, "1.0 MB/s"));
  g_assert_null (strstr (narrow, "0:58"));
  g_assert_nonnull (strstr (narrow, "▕"));

  g_assert_nonnull (strstr (usual, "42.0 MB/100.0 MB"));
  g_assert_nonnull (strstr (usual, "0:58"));
  g_assert_nonnull (strstr (usual, "…"));

  g_assert_nonnull (strstr (wide, NAME));
  g_assert_nonnull (strstr (wide, "42.0 MB/100.0 MB"));
}

static void
test_fraction (void)
{
  g_autofree char *none = render (159, TRUE, 0, 1000000);
  g_autofree char *half = render (159, TRUE, 500000, 1000000);
  g_autofree char *all = render (159, TRUE, 1000000, 1000000);
  g_autofree char *ascii = render (159, FALSE, 500000, 1000000);
  /* 58 cells of eight parts each: one part more than none. */
  g_autofree char *eighth = render (159, TRUE, 2300, 1000000);

  g_assert_cmpuint (count_cells (none, "█"), ==, 0);
  g_assert_cmpuint (count_cells (half, "█"), ==, 29);
  g_assert_cmpuint (count_cells (all, "█"), ==, 58);
  g_assert_cmpuint (count_cells (ascii, "="), ==, 28);
  g_assert_nonnull (strstr (ascii, "=> "));
  g_assert_cmpuint (count_cells (eighth, "█"), ==, 0);
  g_assert_nonnull (strstr (eighth, "▕▏"));
}

static void
test_unknown_moves (void)
{
  FerryBarStyle style = make_style (79, FALSE);
  FerryBar bar = { .name = NAME, .done = 5000000, .total = G_MAXUINT64, .rate = 1000000 };
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (bar.tick = 0; bar.tick < 500; bar.tick++)
    {
      char *line = ferry_bar_render (&bar, &style);

      g_assert_null (strchr (line, '%'));
      g_assert_nonnull (strstr (line, "5.0 MB"));
      g_assert_cmpuint (ferry_format_width (line), <=, 79);
      g_hash_table_add (seen, line);
    }
  g_assert_cmpuint (g_hash_table_size (seen), >, 5);
}

static void
test_note (void)
{
  FerryBar bar = { .name = NAME,
                   .note = "waits: retry in 0:05 (ConnectFailed)",
                   .done = 42000000,
                   .total = 100000000 };

  for (guint width = 1; width <= 160; width++)
    {
      FerryBarStyle style = make_style (width, TRUE);
      g_autofree char *line = ferry_bar_render (&bar, &style);

      g_assert_cmpuint (ferry_format_width (line), <=, width);
      /* The reason is seen on every terminal that shows anything. */
      if (width >= 14)
        g_assert_nonnull (strstr (line, "waits"));
      if (width >= 60)
        g_assert_nonnull (strstr (line, "waits: retry in 0:05 (ConnectFailed)"));
      if (width >= 30)
        g_assert_nonnull (strstr (line, " 42%"));
    }
}

static void
test_colour (void)
{
  FerryBarStyle style = make_style (79, TRUE);
  FerryBar bar = { .name = NAME, .done = 1, .total = 2 };
  g_autofree char *plain = ferry_bar_render (&bar, &style);
  g_autofree char *coloured = NULL;

  style.colour = TRUE;
  coloured = ferry_bar_render (&bar, &style);
  g_assert_null (strchr (plain, '\033'));
  g_assert_nonnull (strchr (coloured, '\033'));
  /* What is switched on is switched off. */
  g_assert_cmpuint (count_cells (coloured, "\033["), ==, 2);
  g_assert_nonnull (strstr (coloured, "\033[m"));
}

static void
test_done (void)
{
  FerryBarStyle style = make_style (79, TRUE);
  g_autofree char *line = ferry_bar_render_done ("file.iso", 12300000, 12300000, 4 * G_USEC_PER_SEC,
                                                 NULL, &style);
  g_autofree char *instant = ferry_bar_render_done ("file.iso", 100, 100, 0, NULL, &style);
  g_autofree char *rest = ferry_bar_render_done ("file.iso", 12300000, 4000000, 4 * G_USEC_PER_SEC,
                                                 NULL, &style);
  g_autofree char *ended = ferry_bar_render_done ("file.iso", 100, 0, -1, NULL, &style);
  FerryBarStyle narrow = make_style (39, TRUE);
  g_autofree char *fitted = ferry_bar_render_done (NAME, 12300000, 12300000, 4 * G_USEC_PER_SEC,
                                                   "by put-range", &narrow);
  g_autofree char *sent = ferry_bar_render_done ("file.iso", 100, 100, 0, "by tus", &style);

  g_assert_cmpstr (line, ==, "file.iso  12.3 MB in 0:04  3.1 MB/s");
  g_assert_cmpstr (instant, ==, "file.iso  100 B in 0:00");
  g_assert_cmpstr (rest, ==, "file.iso  12.3 MB in 0:04  1.0 MB/s");
  g_assert_cmpstr (ended, ==, "file.iso  100 B");
  g_assert_cmpstr (sent, ==, "file.iso  100 B in 0:00  by tus");
  g_assert_cmpuint (ferry_format_width (fitted), <=, 39);
  g_assert_true (g_str_has_suffix (fitted, "  12.3 MB in 0:04  3.1 MB/s"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/bar/widths", test_widths);
  g_test_add_func ("/client/bar/layouts", test_layouts);
  g_test_add_func ("/client/bar/fraction", test_fraction);
  g_test_add_func ("/client/bar/unknown-moves", test_unknown_moves);
  g_test_add_func ("/client/bar/note", test_note);
  g_test_add_func ("/client/bar/colour", test_colour);
  g_test_add_func ("/client/bar/done", test_done);
  return g_test_run ();
}
