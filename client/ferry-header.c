/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-headers.h"
#include "ferry-command-line.h"
#include "ferry-resolve.h"

FerryExit
ferry_command_header (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;
  g_autoptr (FerryRemoteJob) job = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_auto (GStrv) headers = NULL;

  if (!ferry_command_line_parse ("header", NULL, 2, -1, &argc, &argv, &error))
    return ferry_exit_report (error);
  headers = ferry_headers_expand (argv + 2, &error);
  if (headers == NULL)
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);
  job = ferry_resolve_job (client, argv[1], &error);
  if (job == NULL)
    return ferry_exit_report (error);

  reply = ferry_client_call_job (client, job->path, "SetCustomHeaders",
                                 g_variant_new ("(^as)", headers), "()", &error);
  return reply != NULL ? FERRY_EXIT_DONE : ferry_exit_report (error);
}
