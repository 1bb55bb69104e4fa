/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-watchdog.h"

/* It must see every turn of the loop, whatever else is ready. */
#define PRIORITY G_MININT

/* One source that sees the loop wake up and go to sleep, and is due every half period while armed. Not by the clock of
 * FerryClock: its timer is a file descriptor, and after one of these GLib makes a turn of its own, which here would look
 * like work. */
struct _FerryWatchdog
{
  GSource source;

  guint64 period;           /* µs */
  FerryWatchdogFunc notify; /* (unowned) */
  gpointer user_data;       /* (unowned) */
  guint turns;              /* of the loop, since the manager was last told something */
  gboolean armed;
  gboolean quiet; /* to be disarmed when this turn is over */
};

static void
set_due (FerryWatchdog *self)
{
  self->turns = 0;
  g_source_set_ready_time (&self->source, g_get_monotonic_time () + (gint64) (self->period / 2));
}

/* The loop goes to sleep. */
static gboolean
prepare (GSource *source, int *timeout)
{
  FerryWatchdog *self = (FerryWatchdog *) source;

  *timeout = -1;
  if (self->quiet)
    {
      self->quiet = FALSE;
      self->armed = FALSE;
      self->notify ("WATCHDOG_USEC=0", self->user_data);
    }
  return FALSE;
}

/* The loop was woken up. */
static gboolean
check (GSource *source)
{
  FerryWatchdog *self = (FerryWatchdog *) source;

  self->turns++;
  if (!self->armed)
    {
      g_autofree char *state = g_strdup_printf ("WATCHDOG=1\nWATCHDOG_USEC=%" G_GUINT64_FORMAT,
                                                self->period);

      self->armed = TRUE;
      self->notify (state, self->user_data);
      set_due (self);
    }
  return FALSE;
}

/* Half a period later. This turn is one; when there was no other, the loop only works for us. */
static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  FerryWatchdog *self = (FerryWatchdog *) source;

  self->quiet = self->turns <= 1;
  if (self->quiet)
    {
      g_source_set_ready_time (source, -1);
    }
  else
    {
      self->notify ("WATCHDOG=1", self->user_data);
      set_due (self);
    }
  return G_SOURCE_CONTINUE;
}

FerryWatchdog *
ferry_watchdog_new (guint64 period, FerryWatchdogFunc notify, gpointer user_data)
{
  static GSourceFuncs funcs = { .prepare = prepare, .check = check, .dispatch = dispatch };
  GSource *source = g_source_new (&funcs, sizeof (FerryWatchdog));
  FerryWatchdog *self = (FerryWatchdog *) source;

  self->period = period;
  self->notify = notify;
  self->user_data = user_data;
  g_source_set_static_name (source, "watchdog");
  g_source_set_priority (source, PRIORITY);
  g_source_attach (source, g_main_context_get_thread_default ());
  return self;
}

void
ferry_watchdog_free (FerryWatchdog *self)
{
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}
