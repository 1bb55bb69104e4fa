/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-attend.h"
#include "ferry-commands.h"
#include "ferry-command-line.h"

FerryExit
ferry_command_watch (int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "as JSON: an object for each change, one a line",
      NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;

  if (!ferry_command_line_parse ("watch", entries, 0, 1, &argc, &argv, &error))
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);

  return ferry_attend_jobs (client, argv + 1, json ? FERRY_ATTEND_JSON : FERRY_ATTEND_LINES, 0);
}
