/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-command-line.h"

FerryExit
ferry_command_put (int argc, char **argv)
{
  g_autofree char *protocol = NULL;
  g_autofree char *reply = NULL;
  gboolean detach = FALSE;
  const GOptionEntry entries[] = {
    { "protocol", 0, 0, G_OPTION_ARG_STRING, &protocol, "auto, bits, tus, put or put-range", "P" },
    { "reply", 0, 0, G_OPTION_ARG_FILENAME, &reply, "store the server's reply here", "PATH" },
    { "detach", 0, 0, G_OPTION_ARG_NONE, &detach, "do not wait", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GError) error = NULL;

  if (ferry_command_line_parse ("put", entries, 2, 2, &argc, &argv, &error))
    g_set_error_literal (&error, G_DBUS_ERROR, G_DBUS_ERROR_NOT_SUPPORTED,
                         "this version of Ferry fetches files only, it cannot send any");

  return ferry_exit_report (error);
}
