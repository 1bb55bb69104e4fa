/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the wall clock can be believed, from org.freedesktop.timedate1. */

#pragma once

#include "ferry-service-time.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TIME_SYNC (ferry_time_sync_get_type ())
G_DECLARE_FINAL_TYPE (FerryTimeSync, ferry_time_sync, FERRY, TIME_SYNC, GObject)

/**
 * ferry_time_sync_new:
 *
 * While @service_time has an absence in doubt, asks every ten minutes whether the clock is synchronized, and tells it. Costs
 * nothing otherwise.
 */
FerryTimeSync *ferry_time_sync_new (FerryClock *clock, GDBusConnection *connection,
                                    FerryServiceTime *service_time);

G_END_DECLS
