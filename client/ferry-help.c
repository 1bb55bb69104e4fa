/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-help.h"
#include "ferry-command-line.h"
#include "ferry-text.h"

#include <stdio.h>

void
ferry_help_print (void)
{
  const FerryCommand *commands = ferry_commands_get ();

  printf ("Usage:\n"
          "  ferry [COMMAND [OPTION...] ...]\n\n"
          "Fetch and send files in the background: a service does it, and goes on when\n"
          "you log out, when the network breaks or the machine restarts. Without a\n"
          "command, `ferry list`.\n\n"
          "Commands:\n");
  for (gsize i = 0; commands[i].name != NULL; i++)
    printf ("  %-9s %s\n", commands[i].name, commands[i].summary);
  printf ("\n"
          "An ID is a job's id, a unique beginning of it, or its exact name.\n"
          "`ferry help COMMAND` tells more, `man ferry` all.\n");
}

FerryExit
ferry_command_help (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  const FerryCommand *command;
  char *arguments[] = { NULL, (char *) "--help", NULL };

  if (!ferry_command_line_parse ("help", NULL, 0, 1, &argc, &argv, &error))
    return ferry_exit_report (error);
  if (argc < 2)
    {
      ferry_help_print ();
      return FERRY_EXIT_DONE;
    }

  command = ferry_commands_find (argv[1]);
  if (command == NULL)
    {
      g_autofree char *clean = ferry_text_clean (argv[1], 64);

      ferry_exit_set_usage (&error, "there is no command \"%s\"; `ferry --help` lists them", clean);
      return ferry_exit_report (error);
    }

  /* Prints and exits. */
  arguments[0] = argv[1];
  return command->run (2, arguments);
}
