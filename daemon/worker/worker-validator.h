/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What proves that bytes belong to the same version of a remote file: an ETag, or else
 * Last-Modified. Pure. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A longer one is none: it is kept with the job. */
#define WORKER_VALIDATOR_MAX 512

typedef struct
{
  char *text;       /* (owned) (nullable): the ETag or the date, as sent; %NULL = no validator */
  gboolean is_date; /* a Last-Modified date, not an ETag */
  gboolean strong;  /* equal means: the same bytes */
} WorkerValidator;

#define WORKER_VALIDATOR_NONE ((WorkerValidator){ NULL, FALSE, FALSE })

/**
 * worker_validator_parse:
 * @etag: (nullable): header ETag
 * @last_modified: (nullable): header Last-Modified
 * @date: (nullable): header Date
 * @now: wall clock in seconds since the epoch, used for @date when that is absent
 *
 * An ETag that is not printable ASCII is none. One whose Last-Modified is less than 2 s before Date
 * is weak: nginx makes it of a time in whole seconds, and the file may change again within that
 * second. A Last-Modified counts only without an ETag, and is strong from 60 s before Date (RFC
 * 9110, 8.8.2.2).
 *
 * Returns: the validator; clear it with worker_validator_clear()
 */
WorkerValidator worker_validator_parse (const char *etag, const char *last_modified,
                                        const char *date, gint64 now);

void worker_validator_clear (WorkerValidator *self);
WorkerValidator worker_validator_copy (const WorkerValidator *self);

/** Returns: whether both are strong and equal */
gboolean worker_validator_proves (const WorkerValidator *a, const WorkerValidator *b);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WorkerValidator, worker_validator_clear)

G_END_DECLS
