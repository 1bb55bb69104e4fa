/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table: what an error or an HTTP status means for a transfer. Pure. */

#pragma once

#include "ferry-enums.h"
#include "ferry-error.h"

G_BEGIN_DECLS

/* Longest Retry-After that counts, seconds. */
#define WORKER_RETRY_AFTER_MAX (24 * 60 * 60)

/**
 * WorkerFailure:
 *
 * How one transfer failed, as "failed" of ferry-worker-protocol.h tells it.
 */
typedef struct
{
  FerryError code;
  FerryErrorContext context;
  gboolean transient; /* worth trying again by itself */
  const char *
      wait_reason; /* (nullable) (unowned): a FerryWaitReason word, when it waits for more than time */
} WorkerFailure;

/**
 * worker_failure_from_error:
 * @error: what a call of GIO, libsoup, the sink or our own code gave
 *
 * Every domain and code has a row; one that is not known is HttpError, transient, since an unknown
 * hiccup should not end a job that could go on.
 */
WorkerFailure worker_failure_from_error (const GError *error);

/** Returns: the row of an HTTP status that is no success; for a success or a redirect
 * InvalidServerResponse, final */
WorkerFailure worker_failure_from_status (guint status);

/**
 * worker_retry_after:
 * @value: (nullable): the header Retry-After
 * @now: wall clock, seconds since the epoch
 *
 * Returns: seconds to wait, 0 when there is none or it is malformed; at most
 * %WORKER_RETRY_AFTER_MAX
 */
guint worker_retry_after (const char *value, gint64 now);

G_END_DECLS
