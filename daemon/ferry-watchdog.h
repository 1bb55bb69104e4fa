/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lets the service manager notice a main loop that hangs, without waking up a service that has nothing to do: the
 * manager's watchdog is armed when the loop begins to work, fed while it works, and disarmed once it is quiet. A loop
 * can only hang in something that it was woken up for, and then the watchdog is armed. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryWatchdog FerryWatchdog;

/** @state: for sd_notify(3) */
typedef void (*FerryWatchdogFunc) (const char *state, gpointer user_data);

/**
 * ferry_watchdog_new:
 * @period: µs, not 0: a loop that hangs for longer is to be ended
 *
 * Watches the thread-default main context. Returns: (transfer full)
 */
FerryWatchdog *ferry_watchdog_new (guint64 period, FerryWatchdogFunc notify, gpointer user_data);

void ferry_watchdog_free (FerryWatchdog *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryWatchdog, ferry_watchdog_free)

G_END_DECLS
