/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line of progress, as text. Pure: knows neither terminals nor jobs. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * FerryBarStyle:
 * @width: most columns of a line
 * @name_width: columns that the longest name of all lines takes, so that bars stand under each other
 * @utf8: whether block characters can be shown
 * @colour: whether escape sequences for colours are wanted
 */
typedef struct
{
  guint width;
  guint name_width;
  gboolean utf8;
  gboolean colour;
} FerryBarStyle;

/**
 * FerryBar:
 * @name: clean text
 * @note: (nullable): clean text shown in the place of the bar: why nothing moves
 * @done: bytes
 * @total: bytes, 2^64-1 = unknown
 * @rate: bytes per second
 * @tick: counts up to move the bar of a file of unknown size
 */
typedef struct
{
  const char *name;
  const char *note;
  guint64 done;
  guint64 total;
  guint64 rate;
  guint tick;
} FerryBar;

/** Returns: (transfer full): the line for @bar, at most @style->width columns wide (escape sequences not counted) */
char *ferry_bar_render (const FerryBar *bar, const FerryBarStyle *style);

/**
 * ferry_bar_render_done:
 * @name: clean text
 * @bytes: size
 * @fetched: how many of them were fetched or sent now; the rest was there before
 * @microseconds: that it took, -1 = not known
 * @remark: (nullable): clean text that stands behind all, where there is room
 *
 * Returns: (transfer full): the line that stays: "name  12.3 MB in 0:04  3.1 MB/s"
 */
char *ferry_bar_render_done (const char *name, guint64 bytes, guint64 fetched, gint64 microseconds,
                             const char *remark, const FerryBarStyle *style);

G_END_DECLS
