/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A clock that stands still until it is told to go on. */

#pragma once

#include "ferry-clock.h"

G_BEGIN_DECLS

#define FERRY_TYPE_FAKE_CLOCK (ferry_fake_clock_get_type ())
G_DECLARE_FINAL_TYPE (FerryFakeClock, ferry_fake_clock, FERRY, FAKE_CLOCK, GObject)

/** Starts at boot time 1,000 s and at a wall time in 2026. */
FerryFakeClock *ferry_fake_clock_new (void);

/** Lets @usec pass, wall and boot time alike, and calls the timers that become due, in order. */
void ferry_fake_clock_advance (FerryFakeClock *self, gint64 usec);

/** The machine sleeps for @usec; what fell due in it is called as it wakes. */
void ferry_fake_clock_sleep (FerryFakeClock *self, gint64 usec);

/** Lets the wall clock jump by @usec, as when somebody sets it. */
void ferry_fake_clock_jump_wall (FerryFakeClock *self, gint64 usec);

/** Number of timers that wait. */
guint ferry_fake_clock_get_n_timers (FerryFakeClock *self);

G_END_DECLS
