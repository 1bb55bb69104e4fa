/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-command-line.h"
#include "ferry-resolve.h"
#include "ferry-target.h"
#include "ferry-value.h"

static gboolean
set_url (FerryClient *client, const char *word, guint32 index, const FerryUrl *url, GError **error)
{
  g_autoptr (FerryRemoteJob) job = ferry_resolve_job (client, word, error);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) set = NULL;
  GVariant *credentials;

  if (job == NULL)
    return FALSE;
  credentials = ferry_url_get_credentials (url, "server");
  if (credentials != NULL)
    {
      set = ferry_client_call_job (client, job->path, "SetCredentials", credentials, "()", error);
      if (set == NULL)
        return FALSE;
    }

  reply = ferry_client_call_job (client, job->path, "SetRemoteUrl",
                                 g_variant_new ("(us)", index, url->url), "()", error);
  return reply != NULL;
}

FerryExit
ferry_command_url (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;
  g_autoptr (FerryUrl) url = NULL;
  guint32 index;

  if (!ferry_command_line_parse ("url", NULL, 3, 3, &argc, &argv, &error) ||
      !ferry_value_parse_uint32 ("the index", argv[2], &index, &error))
    return ferry_exit_report (error);
  url = ferry_url_parse (argv[3], &error);
  if (url == NULL)
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL || !set_url (client, argv[1], index, url, &error))
    return ferry_exit_report (error);

  return FERRY_EXIT_DONE;
}
