/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-attend.h"
#include "ferry-commands.h"
#include "ferry-command-line.h"

FerryExit
ferry_command_wait (int argc, char **argv)
{
  int timeout = 0;
  const GOptionEntry entries[] = {
    { "timeout", 0, 0, G_OPTION_ARG_INT, &timeout,
      "give up waiting after so many seconds; the jobs go on", "S" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;

  if (!ferry_command_line_parse ("wait", entries, 1, -1, &argc, &argv, &error))
    return ferry_exit_report (error);
  if (timeout < 0)
    {
      ferry_exit_set_usage (&error, "--timeout cannot be %d: wanted is a number of seconds",
                            timeout);
      return ferry_exit_report (error);
    }
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);

  return ferry_attend_jobs (client, argv + 1, FERRY_ATTEND_QUIET, (guint) timeout);
}
