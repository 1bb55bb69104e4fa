/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes, rates, durations and times for people, and text fitted into columns. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ferry_format_size:
 * @bytes: a size, 2^64-1 = unknown
 *
 * Returns: (transfer full): decimal units with three or four characters of number, e.g. "999 B", "1.2 kB", "12.3 MB"; "?"
 *   when unknown
 */
char *ferry_format_size (guint64 bytes);

/** Returns: (transfer full): @bytes_per_second as "3.1 MB/s" */
char *ferry_format_rate (guint64 bytes_per_second);

/** Returns: (transfer full): @n and @noun, which takes an "s" unless @n is 1: "1 job", "2 jobs" */
char *ferry_format_count (guint64 n, const char *noun);

/** Returns: (transfer full): @seconds as "0:05", "12:34", "1:02:03" or "3 d 4 h" */
char *ferry_format_duration (guint64 seconds);

/** Returns: (transfer full): the local time of @time (microseconds since the epoch), "never" for 0 */
char *ferry_format_time (guint64 time);

/** Returns: (transfer full): the local date of @time (microseconds since the epoch) as 2027-02-20, "never" for 0 */
char *ferry_format_date (guint64 time);

/**
 * ferry_format_percent:
 * @done: bytes done
 * @total: of so many, 2^64-1 = unknown
 *
 * Returns: 0 to 100, rounded down so that 100 means all; -1 when @total is unknown
 */
int ferry_format_percent (guint64 done, guint64 total);

/** Returns: how many terminal columns the UTF-8 string @text takes */
guint ferry_format_width (const char *text);

/**
 * ferry_format_ellipsize:
 * @text: clean UTF-8
 * @width: most columns
 * @utf8: whether "…" can be shown, else "..." is used
 *
 * Returns: (transfer full): @text, with its middle left out when it is wider than @width: the end of
 *   a file name tells as much as its beginning
 */
char *ferry_format_ellipsize (const char *text, guint width, gboolean utf8);

/** Like ferry_format_ellipsize(), but the end is left out: for sentences. */
char *ferry_format_cut (const char *text, guint width, gboolean utf8);

/** Appends @text in lines of whole words, each at most @width columns behind @indent spaces; the last is not ended. */
void ferry_format_wrap (GString *lines, const char *text, guint indent, guint width);

/** Appends @text and spaces up to @width columns; with @right the spaces go first. */
void ferry_format_pad (GString *line, const char *text, guint width, gboolean right);

G_END_DECLS
