/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-backoff.h"

static const guint32 first_delays[] = { 1, 5, 30 }; /* s */

gint64
ferry_backoff_get_delay (guint failures, guint32 minimum_retry_delay, double jitter)
{
  gint64 ceiling = (gint64) minimum_retry_delay * 4 * G_USEC_PER_SEC;
  gint64 delay;
  guint doublings;

  g_return_val_if_fail (failures >= 1, 0);

  if (failures <= G_N_ELEMENTS (first_delays))
    return (gint64) MIN (first_delays[failures - 1], minimum_retry_delay) * G_USEC_PER_SEC;

  doublings = MIN (failures - G_N_ELEMENTS (first_delays) - 1, 2);
  delay = (gint64) minimum_retry_delay * G_USEC_PER_SEC << doublings;
  return MIN (delay + (gint64) (delay * jitter / 4), ceiling);
}
