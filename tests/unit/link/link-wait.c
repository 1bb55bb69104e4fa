/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "link-wait.h"

static gboolean
alarm_cb (gpointer data)
{
  g_error ("%s", (const char *) data);
  return G_SOURCE_REMOVE;
}

GSource *
link_wait_alarm_new (const char *message)
{
  GSource *source = g_timeout_source_new_seconds (60);

  g_source_set_callback (source, alarm_cb, (gpointer) message, NULL);
  g_source_attach (source, NULL);
  return source;
}

void
link_wait_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}
