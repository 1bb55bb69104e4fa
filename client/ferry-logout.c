/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `ferry logout`: removes what `ferry login` and ferry-agent saved. */

#include "ferry-command-line.h"
#include "ferry-commands.h"
#include "ferry-error.h"
#include "ferry-keyring.h"
#include "ferry-text.h"

#include <stdio.h>

/* @locked: whether there are more, which are locked */
static gboolean
remove_items (GPtrArray *items, gboolean locked, const FerryLoginServer *server, GError **error)
{
  g_autofree char *place = ferry_login_server_describe (server);
  guint removed = 0;

  for (guint i = 0; i < items->len; i++)
    {
      FerryKeyringItem *item = g_ptr_array_index (items, i);
      g_autofree char *what = ferry_keyring_item_describe (item);
      g_autofree char *label = secret_item_get_label (item->item);
      g_autofree char *clean = ferry_text_clean (label, 256);

      if (!ferry_keyring_item_is_at (item, server))
        continue;
      if (!item->ours)
        {
          printf ("kept     %s at %s: another program saved it (%s)\n", what, place, clean);
          continue;
        }
      if (!ferry_keyring_item_remove (item, error))
        return FALSE;
      printf ("removed  %s at %s\n", what, place);
      removed++;
    }

  if (removed > 0)
    return TRUE;
  if (locked)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_AUTHORIZED,
                 "what the keyring has for %s is locked, and nobody unlocked it", place);
  else
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "Ferry has no login at %s", place);
  return FALSE;
}

FerryExit
ferry_command_logout (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryLoginServer) server = NULL;
  g_autoptr (GPtrArray) items = NULL;
  gboolean locked = FALSE;

  if (!ferry_command_line_parse ("logout", NULL, 1, 1, &argc, &argv, &error))
    return ferry_exit_report (error);
  server = ferry_login_server_parse (argv[1], &error);
  if (server == NULL)
    return ferry_exit_report (error);

  items = ferry_keyring_find (server, TRUE, &locked, NULL, &error);
  if (items == NULL || !remove_items (items, locked, server, &error))
    return ferry_exit_report (error);

  return FERRY_EXIT_DONE;
}
