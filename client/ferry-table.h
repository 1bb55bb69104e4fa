/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table of text with aligned columns. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryTable FerryTable;

/**
 * FerryColumn:
 * @title: its title
 * @right: whether it stands to the right
 * @spare: where there is no room, columns are left out, those with 1 first; 0 = never
 */
typedef struct
{
  const char *title;
  gboolean right;
  guint spare;
} FerryColumn;

/** Returns: (transfer full): a table of no rows; @columns must outlive it */
FerryTable *ferry_table_new (const FerryColumn *columns, guint n_columns);

void ferry_table_free (FerryTable *self);

/**
 * ferry_table_add:
 * @cells: (transfer full) (array zero-terminated=1): as many clean texts as there are columns
 * @remark: (transfer full) (nullable): what stands behind the row, or below it when there is no room
 */
void ferry_table_add (FerryTable *self, char **cells, char *remark);

/**
 * ferry_table_render:
 * @width: columns of the terminal
 * @flexible: the column that is made narrower when the table is too wide
 * @utf8: whether "…" can be shown
 *
 * Where the first column alone takes almost half of the terminal, the others stand below it. Else spare columns are left
 * out as soon as the flexible one would get narrower than 12.
 *
 * Returns: (transfer full): the lines, without spaces at their ends, none wider than the terminal but for a remark's
 *   longest word
 */
char *ferry_table_render (FerryTable *self, guint width, guint flexible, gboolean utf8);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryTable, ferry_table_free)

G_END_DECLS
