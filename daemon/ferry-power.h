/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sleep and shutdown, from org.freedesktop.login1. */

#pragma once

#include "ferry-engine.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_TYPE_POWER (ferry_power_get_type ())
G_DECLARE_FINAL_TYPE (FerryPower, ferry_power, FERRY, POWER, GObject)

/**
 * ferry_power_new:
 * @connection: to the system bus
 *
 * While @engine has running jobs, and a moment longer, holds two delay inhibitors of logind; when the machine is about to
 * sleep or to go down, pauses @engine, lets go when all is durable or 3 s have passed, and lets @engine go on when the
 * machine wakes. Costs nothing while no job runs. Without logind nothing of this happens; it may come and go.
 *
 * References are taken to all.
 */
FerryPower *ferry_power_new (FerryClock *clock, GDBusConnection *connection, FerryEngine *engine);

G_END_DECLS
