/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-loop.h"

#include <glib-unix.h>
#include <signal.h>

struct _FerryLoop
{
  GMainLoop *loop; /* (owned) */
  gboolean ended;
  FerryExit status;
  guint timeout;
  guint signals[3];
};

void
ferry_loop_quit (FerryLoop *self, FerryExit status)
{
  if (!self->ended)
    {
      self->ended = TRUE;
      self->status = status;
    }
  g_main_loop_quit (self->loop);
}

static gboolean
on_signal (gpointer user_data)
{
  ferry_loop_quit (user_data, FERRY_EXIT_INTERRUPTED);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_timeout (gpointer user_data)
{
  FerryLoop *self = user_data;

  self->timeout = 0;
  ferry_loop_quit (self, FERRY_EXIT_TIMEOUT);
  return G_SOURCE_REMOVE;
}

FerryLoop *
ferry_loop_new (guint timeout)
{
  static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
  FerryLoop *self = g_new0 (FerryLoop, 1);

  self->loop = g_main_loop_new (NULL, FALSE);
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    self->signals[i] = g_unix_signal_add (numbers[i], on_signal, self);
  if (timeout > 0)
    self->timeout = g_timeout_add_seconds (timeout, on_timeout, self);

  return self;
}

void
ferry_loop_free (FerryLoop *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (self->signals); i++)
    g_source_remove (self->signals[i]);
  g_clear_handle_id (&self->timeout, g_source_remove);
  g_main_loop_unref (self->loop);
  g_free (self);
}

FerryExit
ferry_loop_run (FerryLoop *self)
{
  if (!self->ended)
    g_main_loop_run (self->loop);

  return self->status;
}
