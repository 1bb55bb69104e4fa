/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A clock for inactivity: boot time while ferryd runs, wall time across its absence, and no trust in wall clocks
 * that jump. It survives restarts through two values in the store. DESIGN section 5. */

#pragma once

#include "ferry-clock.h"
#include "ferry-store.h"

G_BEGIN_DECLS

#define FERRY_TYPE_SERVICE_TIME (ferry_service_time_get_type ())
G_DECLARE_FINAL_TYPE (FerryServiceTime, ferry_service_time, FERRY, SERVICE_TIME, GObject)

/** Goes on from where the store says; notes the time in the store once an hour from then on. */
FerryServiceTime *ferry_service_time_new (FerryClock *clock, FerryStore *store);

/** µs; starts at 0 with the first start ever, never goes back */
gint64 ferry_service_time_get (FerryServiceTime *self);

/** Boot time when the service time will be @service_time, if nothing jumps. */
gint64 ferry_service_time_to_boot (FerryServiceTime *self, gint64 service_time);

/** Boot time of this start. */
gint64 ferry_service_time_get_start (FerryServiceTime *self);

/** Notes the time in the store (before an exit). */
void ferry_service_time_save (FerryServiceTime *self);

/** Whether a long absence does not count yet. */
gboolean ferry_service_time_is_doubtful (FerryServiceTime *self);

/** The machine's clock is known to be right (timedate1's NTPSynchronized): a long absence counts now. */
void ferry_service_time_set_synchronized (FerryServiceTime *self);

/** Signal "changed": the time jumped, as a long absence was found true. */

G_END_DECLS
