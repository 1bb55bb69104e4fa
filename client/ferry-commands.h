/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of `ferry`: one to a file, all with the same signature. */

#pragma once

#include "ferry-exit.h"

G_BEGIN_DECLS

/**
 * FerryCommandFunc:
 * @argc: number of arguments
 * @argv: arguments; the first is the command's name
 *
 * Returns: the exit status; what went wrong was printed already
 */
typedef FerryExit (*FerryCommandFunc) (int argc, char **argv);

/**
 * FerryCommand:
 * @name: first argument of `ferry`
 * @arguments: what follows, for the usage
 * @summary: one line
 * @run: does it
 */
typedef struct
{
  const char *name;
  const char *arguments;
  const char *summary;
  FerryCommandFunc run;
} FerryCommand;

/** Returns: (transfer none): all commands; the last has no name */
const FerryCommand *ferry_commands_get (void);

/** Returns: (transfer none) (nullable): the command called @name */
const FerryCommand *ferry_commands_find (const char *name);

FerryExit ferry_command_add (int argc, char **argv);
FerryExit ferry_command_cancel (int argc, char **argv);
FerryExit ferry_command_complete (int argc, char **argv);
FerryExit ferry_command_doctor (int argc, char **argv);
FerryExit ferry_command_get (int argc, char **argv);
FerryExit ferry_command_header (int argc, char **argv);
FerryExit ferry_command_help (int argc, char **argv);
FerryExit ferry_command_list (int argc, char **argv);
FerryExit ferry_command_login (int argc, char **argv);
FerryExit ferry_command_logout (int argc, char **argv);
FerryExit ferry_command_policy (int argc, char **argv);
FerryExit ferry_command_put (int argc, char **argv);
FerryExit ferry_command_remove (int argc, char **argv);
FerryExit ferry_command_resume (int argc, char **argv);
FerryExit ferry_command_set (int argc, char **argv);
FerryExit ferry_command_show (int argc, char **argv);
FerryExit ferry_command_suspend (int argc, char **argv);
FerryExit ferry_command_take (int argc, char **argv);
FerryExit ferry_command_url (int argc, char **argv);
FerryExit ferry_command_wait (int argc, char **argv);
FerryExit ferry_command_watch (int argc, char **argv);

G_END_DECLS
