/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-table.h"

#include "ferry-format.h"

#define FLEXIBLE_MIN 12
#define GAP          2

#define INDENT "    "

struct _FerryTable
{
  const FerryColumn *columns; /* (not owned) */
  guint n_columns;
  GPtrArray *rows; /* (owned) (element-type Row) */
};

typedef struct
{
  char **cells; /* (owned) */
  char *remark; /* (owned) (nullable) */
} Row;

/**
 * Layout:
 * @widths: of the columns; 0 = left out
 * @stacked: whether the first column has a line of its own
 * @beside: whether remarks stand behind their rows
 */
typedef struct
{
  guint *widths; /* (owned) */
  guint width;
  gboolean utf8;
  gboolean stacked;
  gboolean beside;
} Layout;

static void
layout_clear (Layout *layout)
{
  g_free (layout->widths);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Layout, layout_clear)

static void
row_free (Row *row)
{
  g_strfreev (row->cells);
  g_free (row->remark);
  g_free (row);
}

FerryTable *
ferry_table_new (const FerryColumn *columns, guint n_columns)
{
  FerryTable *self = g_new0 (FerryTable, 1);

  self->columns = columns;
  self->n_columns = n_columns;
  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) row_free);
  return self;
}

void
ferry_table_free (FerryTable *self)
{
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

/* @row is NULL for the titles. */
static const char *
get_cell (FerryTable *self, const Row *row, guint column)
{
  return row != NULL ? row->cells[column] : self->columns[column].title;
}

static guint
measure_column (FerryTable *self, guint column)
{
  guint width = ferry_format_width (get_cell (self, NULL, column));

  for (guint i = 0; i < self->rows->len; i++)
    {
      const char *cell = get_cell (self, g_ptr_array_index (self->rows, i), column);

      width = MAX (width, ferry_format_width (cell));
    }

  return width;
}

/* How wide the columns from @first on are, with the gaps between them. */
static guint
sum (FerryTable *self, const Layout *layout, guint first)
{
  guint total = 0;

  for (guint i = first; i < self->n_columns; i++)
    {
      if (layout->widths[i] > 0)
        total += layout->widths[i] + (total > 0 ? GAP : 0);
    }

  return total;
}

/* The column from @first on that can be spared most easily; n_columns when there is none. */
static guint
find_spare (FerryTable *self, const Layout *layout, guint first)
{
  guint found = self->n_columns;

  for (guint i = first; i < self->n_columns; i++)
    {
      guint spare = self->columns[i].spare;

      if (layout->widths[i] > 0 && spare > 0 &&
          (found == self->n_columns || spare < self->columns[found].spare))
        found = i;
    }

  return found;
}

/* Makes the columns from @first on fit into @room, if that can be done at all. */
static void
fit (FerryTable *self, Layout *layout, guint first, guint room, guint flexible)
{
  guint whole = flexible >= first ? layout->widths[flexible] : 0;
  guint least = MIN (whole, FLEXIBLE_MIN);
  guint total, spare;

  while ((total = sum (self, layout, first)) > room + whole - least &&
         (spare = find_spare (self, layout, first)) < self->n_columns)
    layout->widths[spare] = 0;

  if (total > room && flexible >= first && layout->widths[flexible] > 0)
    layout->widths[flexible] -= MIN (total - room, layout->widths[flexible] - 1);
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

static void
lay_out (FerryTable *self, Layout *layout, guint flexible)
{
  guint total;

  layout->widths = g_new0 (guint, self->n_columns);
  for (guint i = 0; i < self->n_columns; i++)
    layout->widths[i] = measure_column (self, i);

  total = sum (self, layout, 0);
  layout->beside = total + measure_remarks (self) <= layout->width;
  if (total <= layout->width)
    return;

  layout->stacked = layout->widths[0] > layout->width * 2 / 5;
  if (!layout->stacked)
    fit (self, layout, 0, layout->width, flexible);
  else if (layout->width > strlen (INDENT))
    fit (self, layout, 1, layout->width - strlen (INDENT), flexible);
}

static void
end_line (GString *text)
{
  while (text->len > 0 && text->str[text->len - 1] == ' ')
    g_string_truncate (text, text->len - 1);
  g_string_append_c (text, '\n');
}

/* One line for a row, two when it is stacked; the last is not ended. */
static void
append_row (FerryTable *self, GString *text, const Row *row, const Layout *layout)
{
  g_autoptr (GString) line = g_string_new (layout->stacked ? INDENT : NULL);
  gsize start = line->len;
  g_autofree char *cut = NULL;

  if (layout->stacked)
    {
      g_autofree char *fitted = ferry_format_cut (get_cell (self, row, 0), layout->width,
                                                  layout->utf8);

      g_string_append (text, fitted);
      end_line (text);
    }

  for (guint i = layout->stacked ? 1 : 0; i < self->n_columns; i++)
    {
      g_autofree char *fitted = NULL;

      if (layout->widths[i] == 0)
        continue;
      fitted = ferry_format_ellipsize (get_cell (self, row, i), layout->widths[i], layout->utf8);
      if (line->len > start)
        g_string_append (line, "  ");
      ferry_format_pad (line, fitted, layout->widths[i], self->columns[i].right);
    }

  /* On a terminal narrower than the columns that cannot be spared. */
  cut = ferry_format_cut (line->str, layout->width, layout->utf8);
  g_string_append (text, cut);
}

char *
ferry_table_render (FerryTable *self, guint width, guint flexible, gboolean utf8)
{
  g_auto (Layout) layout = { .width = width, .utf8 = utf8 };
  GString *text = g_string_new (NULL);

  lay_out (self, &layout, flexible);
  append_row (self, text, NULL, &layout);
  end_line (text);
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = g_ptr_array_index (self->rows, i);

      append_row (self, text, row, &layout);
      if (row->remark != NULL && *row->remark != '\0')
        {
          if (layout.beside)
            g_string_append_printf (text, "  %s", row->remark);
          else
            {
              end_line (text);
              ferry_format_wrap (text, row->remark, strlen (INDENT), width);
            }
        }
      end_line (text);
    }

  return g_string_free (text, FALSE);
}
