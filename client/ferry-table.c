/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-table.h"

#include "ferry-format.h"

#define FLEXIBLE_MIN 12
#define GAP          2

#define REMARK_INDENT "    "

struct _FerryTable
{
  char **titles; /* (owned) */
  guint n_columns;
  GPtrArray *rows; /* (owned) (element-type Row) */
};

typedef struct
{
  char **cells; /* (owned) */
  char *remark; /* (owned) (nullable) */
} Row;

static void
row_free (Row *row)
{
  g_strfreev (row->cells);
  g_free (row->remark);
  g_free (row);
}

FerryTable *
ferry_table_new (const char *const *titles)
{
  FerryTable *self = g_new0 (FerryTable, 1);

  self->titles = g_strdupv ((char **) titles);
  self->n_columns = g_strv_length (self->titles);
  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) row_free);
  return self;
}

void
ferry_table_free (FerryTable *self)
{
  g_strfreev (self->titles);
  g_ptr_array_unref (self->rows);
  g_free (self);
}

void
ferry_table_add (FerryTable *self, char **cells, char *remark)
{
  Row *row = g_new0 (Row, 1);

  g_assert (g_strv_length (cells) == self->n_columns);
  row->cells = cells;
  row->remark = remark;
  g_ptr_array_add (self->rows, row);
}

static gboolean
is_right (const char *title)
{
  return *title == '>';
}

static const char *
get_title (const char *title)
{
  return is_right (title) ? title + 1 : title;
}

static guint *
measure (FerryTable *self)
{
  guint *widths = g_new0 (guint, self->n_columns);

  for (guint i = 0; i < self->n_columns; i++)
    {
      widths[i] = ferry_format_width (get_title (self->titles[i]));
      for (guint j = 0; j < self->rows->len; j++)
        {
          Row *row = g_ptr_array_index (self->rows, j);

          widths[i] = MAX (widths[i], ferry_format_width (row->cells[i]));
        }
    }

  return widths;
}

static guint
sum (const guint *widths, guint n)
{
  guint total = 0;

  for (guint i = 0; i < n; i++)
    total += widths[i] + (i > 0 ? GAP : 0);

  return total;
}

static void
append_row (FerryTable *self, GString *text, char **cells, const guint *widths, gboolean utf8)
{
  for (guint i = 0; i < self->n_columns; i++)
    {
      const char *cell = cells == self->titles ? get_title (cells[i]) : cells[i];
      g_autofree char *fitted = ferry_format_ellipsize (cell, widths[i], utf8);

      if (i > 0)
        g_string_append (text, "  ");
      ferry_format_pad (text, fitted, widths[i], is_right (self->titles[i]));
    }
}

static void
end_line (GString *text)
{
  while (text->len > 0 && text->str[text->len - 1] == ' ')
    g_string_truncate (text, text->len - 1);
  g_string_append_c (text, '\n');
}

/* @remark below its row, in lines of whole words. */
static void
append_remark (GString *text, const char *remark, guint width)
{
  g_auto (GStrv) words = g_strsplit (remark, " ", -1);
  guint used = 0;

  for (gsize i = 0; words[i] != NULL; i++)
    {
      guint word_width = ferry_format_width (words[i]);

      if (used > 0 && used + 1 + word_width > width)
        {
          end_line (text);
          used = 0;
        }
      g_string_append (text, used > 0 ? " " : REMARK_INDENT);
      used += used > 0 ? 1 : strlen (REMARK_INDENT);
      g_string_append (text, words[i]);
      used += word_width;
    }
}

/* The widest remark of all rows, and the gap before it. */
static guint
measure_remarks (FerryTable *self)
{
  guint width = 0;

  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = g_ptr_array_index (self->rows, i);

      if (row->remark != NULL && *row->remark != '\0')
        width = MAX (width, ferry_format_width (row->remark) + GAP);
    }

  return width;
}

char *
ferry_table_render (FerryTable *self, guint width, guint flexible, gboolean utf8)
{
  g_autofree guint *widths = measure (self);
  GString *text = g_string_new (NULL);
  guint total = sum (widths, self->n_columns);
  gboolean beside = total + measure_remarks (self) <= width;

  if (total > width)
    {
      guint excess = MIN (total - width, widths[flexible] - MIN (widths[flexible], FLEXIBLE_MIN));

      widths[flexible] -= excess;
    }

  append_row (self, text, self->titles, widths, utf8);
  end_line (text);
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = g_ptr_array_index (self->rows, i);

      append_row (self, text, row->cells, widths, utf8);
      if (row->remark != NULL && *row->remark != '\0')
        {
          if (beside)
            g_string_append_printf (text, "  %s", row->remark);
          else
            {
              end_line (text);
              append_remark (text, row->remark, width);
            }
        }
      end_line (text);
    }

  return g_string_free (text, FALSE);
}
