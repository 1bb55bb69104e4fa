/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `ferry`: finds the command and runs it. */

#include "ferry-commands.h"
#include "ferry-help.h"
#include "ferry-text.h"

#include "ferry-config.h"

#include <locale.h>
#include <stdio.h>

static FerryExit
run (int argc, char **argv)
{
  static char *list[] = { (char *) "list", NULL };
  const FerryCommand *command;
  g_autoptr (GError) error = NULL;
  g_autofree char *clean = NULL;

  if (argc < 2)
    return ferry_command_list (1, list);
  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h"))
    {
      ferry_help_print ();
      return FERRY_EXIT_DONE;
    }
  if (g_str_equal (argv[1], "--version"))
    {
      printf ("ferry %s\n", FERRY_VERSION);
      return FERRY_EXIT_DONE;
    }

  command = ferry_commands_find (argv[1]);
  if (command != NULL)
    return command->run (argc - 1, argv + 1);

  clean = ferry_text_clean (argv[1], 64);
  ferry_exit_set_usage (&error, "there is no %s \"%s\"; `ferry --help` lists the commands",
                        *argv[1] == '-' ? "option" : "command", clean);
  return ferry_exit_report (error);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_set_prgname ("ferry");

  return run (argc, argv);
}
