/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table of text with aligned columns. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryTable FerryTable;

/**
 * ferry_table_new:
 * @titles: (array zero-terminated=1): titles; one that begins with ">" stands, with its column, to the right
 */
FerryTable *ferry_table_new (const char *const *titles);

void ferry_table_free (FerryTable *self);

/**
 * ferry_table_add:
 * @cells: (transfer full) (array zero-terminated=1): as many clean texts as there are titles
 * @remark: (transfer full) (nullable): what stands behind the row, or below it when there is no room
 */
void ferry_table_add (FerryTable *self, char **cells, char *remark);

/**
 * ferry_table_render:
 * @width: columns of the terminal
 * @flexible: the column that is made narrower, down to 12 columns, when the table is too wide
 * @utf8: whether "…" can be shown
 *
 * Returns: (transfer full): the lines, without spaces at their ends
 */
char *ferry_table_render (FerryTable *self, guint width, guint flexible, gboolean utf8);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryTable, ferry_table_free)

G_END_DECLS
