/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of one command. */

#pragma once

#include "ferry-commands.h"

G_BEGIN_DECLS

/**
 * ferry_command_line_parse:
 * @name: the command
 * @entries: (nullable): its options
 * @min: least number of arguments that are no options
 * @max: most of them, -1 = any number
 * @argc: (inout): as given to the command
 * @argv: (inout): as given to the command; options are taken out
 *
 * Prints the help and exits when that is asked for.
 *
 * Returns: whether the command line is right; InvalidArgs telling the usage when not
 */
gboolean ferry_command_line_parse (const char *name, const GOptionEntry *entries, int min, int max,
                                   int *argc, char ***argv, GError **error);

G_END_DECLS
