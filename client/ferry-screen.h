/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A few lines at the end of a terminal that are redrawn in place; everything else scrolls above them. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryScreen FerryScreen;

/**
 * ferry_screen_new:
 * @fd: a file descriptor, usually that of stderr; not closed; -1 = none
 *
 * Returns: (transfer full): a screen; when @fd is no terminal, nothing is ever written to it
 */
FerryScreen *ferry_screen_new (int fd);

void ferry_screen_free (FerryScreen *self);

/** Returns: whether the file is a terminal: only then is anything ever written to it */
gboolean ferry_screen_is_terminal (FerryScreen *self);

/** Returns: whether lines can be redrawn in place (not so with TERM=dumb) */
gboolean ferry_screen_is_live (FerryScreen *self);

/** Returns: whether colours are wanted: a terminal, and NO_COLOR is not set */
gboolean ferry_screen_has_colour (FerryScreen *self);

/** Returns: whether the locale can show UTF-8 */
gboolean ferry_screen_is_utf8 (FerryScreen *self);

/** Returns: columns of the terminal, asked anew each time; 80 when unknown */
guint ferry_screen_get_width (FerryScreen *self);

/** Returns: rows of the terminal, asked anew each time; 24 when unknown */
guint ferry_screen_get_height (FerryScreen *self);

/**
 * ferry_screen_draw:
 * @lines: (element-type utf8): lines, none wider than the terminal
 *
 * Replaces the live lines. Writes nothing when nothing changed.
 */
void ferry_screen_draw (FerryScreen *self, GPtrArray *lines);

/** Writes @text (without a newline) above the live lines, for good. Nothing without a terminal. */
void ferry_screen_print (FerryScreen *self, const char *text);

/** Removes the live lines, so that others can write. The next draw brings them back. */
void ferry_screen_clear (FerryScreen *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryScreen, ferry_screen_free)

G_END_DECLS
