/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A question to the person at the terminal: a line to be typed, shown or not. The main loop goes on meanwhile. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A line of so many bytes may have been longer: more the kernel does not take. */
#define FERRY_TERMINAL_MAX 4095

typedef struct _FerryTerminal FerryTerminal;

/**
 * FerryTerminalFunc:
 * @line: (nullable): what was typed, without the end of its line; wiped when the question is freed, which may be done
 *   from within; %NULL at the end of the input
 * @length: of @line, at most %FERRY_TERMINAL_MAX
 */
typedef void (*FerryTerminalFunc) (const char *line, gsize length, gpointer user_data);

/** Returns: whether there is a terminal to ask on: standard input and standard error are one */
gboolean ferry_terminal_is_there (void);

/** Returns: whether the terminal listens to this process, not to another one in front of it */
gboolean ferry_terminal_is_ours (void);

/**
 * ferry_terminal_ask:
 * @question: what to print before the cursor; clean
 * @echo: whether what is typed is shown
 * @func: called once, in the default main context
 *
 * Asks on standard input and standard error. One question at a time. A signal that ends or stops the program leaves the
 * terminal as it was; who handles SIGINT, SIGTERM or SIGHUP himself must free the question then.
 *
 * Returns: (transfer full): the question
 */
FerryTerminal *ferry_terminal_ask (const char *question, gboolean echo, FerryTerminalFunc func,
                                   gpointer user_data);

/** Takes back a question that was not answered: the terminal is as before, the cursor on a new line. Wipes the answer. */
void ferry_terminal_free (FerryTerminal *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryTerminal, ferry_terminal_free)

G_END_DECLS
