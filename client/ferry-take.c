/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-client.h"
#include "ferry-command-line.h"
#include "ferry-resolve.h"

#include <stdio.h>

static gboolean
take (FerryClient *client, const char *id, GError **error)
{
  g_autoptr (GVariant) reply = NULL;
  const char *path;

  /* Jobs of others cannot be listed without asking for that right too. */
  if (!ferry_resolve_is_id (id))
    {
      ferry_exit_set_usage (error,
                            "take needs the whole id (32 digits), as `ferry list --all-users` "
                            "shows it");
      return FALSE;
    }

  reply = ferry_client_call_manager (client, "TakeOwnership", g_variant_new ("(s)", id), "(o)",
                                     error);
  if (reply == NULL)
    return FALSE;

  g_variant_get (reply, "(&o)", &path);
  puts (strrchr (path, '/') + 1);
  return TRUE;
}

FerryExit
ferry_command_take (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;
  FerryExit status = FERRY_EXIT_DONE;

  if (!ferry_command_line_parse ("take", NULL, 1, -1, &argc, &argv, &error))
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);

  for (int i = 1; i < argc; i++)
    {
      g_autoptr (GError) local_error = NULL;

      if (!take (client, argv[i], &local_error))
        {
          FerryExit this_status = ferry_exit_report (local_error);

          if (status == FERRY_EXIT_DONE)
            status = this_status;
        }
    }

  return status;
}
