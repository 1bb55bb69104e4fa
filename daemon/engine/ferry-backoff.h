/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When to try again: pure arithmetic. DESIGN section 5. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ferry_backoff_get_delay:
 * @failures: how many failures in a row without new bytes, this one included; at least 1
 * @minimum_retry_delay: the job's MinimumRetryDelay, s
 * @jitter: a random number in [0, 1)
 *
 * The first three are tried again after 1, 5 and 30 s (never later than @minimum_retry_delay); from the fourth on
 * @minimum_retry_delay counts, doubling up to four times that, with up to a quarter of it added by @jitter, so that
 * many clients of a server that came back do not arrive at once.
 *
 * Returns: µs
 */
gint64 ferry_backoff_get_delay (guint failures, guint32 minimum_retry_delay, double jitter);

G_END_DECLS
