/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-command-line.h"

gboolean
ferry_command_line_parse (const char *name, const GOptionEntry *entries, int min, int max,
                          int *argc, char ***argv, GError **error)
{
  const FerryCommand *command = ferry_commands_find (name);
  g_autoptr (GOptionContext) context = g_option_context_new (command->arguments);
  g_autofree char *program = g_strconcat ("ferry ", name, NULL);
  g_autofree char *summary = g_strdup (command->summary);
  int given = 0;

  g_set_prgname (program);
  summary[0] = g_ascii_toupper (summary[0]);
  g_option_context_set_summary (context, summary);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;

  /* GOption leaves the "--" where it is. */
  for (int i = 1; i < *argc; i++)
    {
      if (g_str_equal ((*argv)[i], "--"))
        {
          for (int j = i; j < *argc; j++)
            (*argv)[j] = (*argv)[j + 1];
          (*argc)--;
          break;
        }
    }

  given = *argc - 1;
  if (given >= min && (max < 0 || given <= max))
    return TRUE;

  ferry_exit_set_usage (error, "%s arguments; usage: ferry %s %s (see `ferry help %s`)",
                        given < min ? "too few" : "too many", name, command->arguments, name);
  return FALSE;
}
