/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-command-line.h"
#include "ferry-resolve.h"
#include "ferry-value.h"

FerryExit
ferry_command_remove (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;
  g_autoptr (FerryRemoteJob) job = NULL;
  g_autoptr (GVariant) reply = NULL;
  guint32 index;

  if (!ferry_command_line_parse ("remove", NULL, 2, 2, &argc, &argv, &error) ||
      !ferry_value_parse_uint32 ("the index", argv[2], &index, &error))
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);
  job = ferry_resolve_job (client, argv[1], &error);
  if (job == NULL)
    return ferry_exit_report (error);

  reply = ferry_client_call_job (client, job->path, "RemoveFile", g_variant_new ("(u)", index),
                                 "()", &error);
  return reply != NULL ? FERRY_EXIT_DONE : ferry_exit_report (error);
}
