/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time, as an interface, so that tests can let 90 days pass. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define FERRY_TYPE_CLOCK (ferry_clock_get_type ())
G_DECLARE_INTERFACE (FerryClock, ferry_clock, FERRY, CLOCK, GObject)

typedef void (*FerryClockFunc) (gpointer user_data);

/**
 * FerryClockInterface:
 * @get_wall: µs since the epoch; may jump
 * @get_boot: µs since boot, counting suspend (CLOCK_BOOTTIME); never jumps
 * @get_awake: the same without suspend (CLOCK_MONOTONIC): the time that any process of this machine had
 * @add: calls @func once when boot time has reached @deadline (also when it was passed in suspend);
 *   never from within the call. Returns an id other than 0
 * @remove: forgets a timer that has not fired
 */
struct _FerryClockInterface
{
  GTypeInterface parent_interface;

  gint64 (*get_wall) (FerryClock *self);
  gint64 (*get_boot) (FerryClock *self);
  gint64 (*get_awake) (FerryClock *self);
  guint (*add) (FerryClock *self, gint64 deadline, FerryClockFunc func, gpointer user_data);
  void (*remove) (FerryClock *self, guint id);
};

gint64 ferry_clock_get_wall (FerryClock *self);
gint64 ferry_clock_get_boot (FerryClock *self);
gint64 ferry_clock_get_awake (FerryClock *self);
guint ferry_clock_add (FerryClock *self, gint64 deadline, FerryClockFunc func, gpointer user_data);
void ferry_clock_remove (FerryClock *self, guint id);

/** Removes the timer in *@id when there is one, and sets it to 0. */
void ferry_clock_clear (FerryClock *self, guint *id);

/** Returns: (transfer full): the machine's clock; timers run in the thread-default main context */
FerryClock *ferry_system_clock_new (void);

G_END_DECLS
