/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing to stdout and stderr by the rules: results to stdout; remarks to stderr, on a terminal only. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Returns: (transfer full): @text fit for a terminal */
char *ferry_print_clean (const char *text);

/** Writes a path and a newline to stdout: as it is for programs, cleaned for a terminal. Flushed. */
void ferry_print_path (const char *path);

/** Writes a line to stderr when that is a terminal. Strings from elsewhere must be clean. */
void ferry_print_note (const char *format, ...) G_GNUC_PRINTF (1, 2);

/**
 * ferry_print_confirm:
 * @question: clean text
 *
 * Asks on the terminal.
 *
 * Returns: whether the answer is yes; %TRUE too when there is no terminal to ask on
 */
gboolean ferry_print_confirm (const char *question);

/** Returns: columns for a table on stdout; a very large number when that is no terminal */
guint ferry_print_get_width (void);

G_END_DECLS
