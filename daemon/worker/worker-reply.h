/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments of replies. */

#pragma once

#include "worker-failure.h"

G_BEGIN_DECLS

/** Returns: (transfer full): no arguments: a success */
GVariant *worker_reply_new (void);

/**
 * worker_reply_new_error:
 * @index: of the path it is about, -1 = none
 *
 * Returns: (transfer full): { Error, Index, Lost, Transient, WaitReason } of ferry-worker-protocol.h
 */
GVariant *worker_reply_new_error (const GError *error, gint64 index);

/** The same of an error whose meaning is known already: @failure, in the words of @error. Returns: (transfer full) */
GVariant *worker_reply_new_failure (const WorkerFailure *failure, const GError *error,
                                    gint64 index);

G_END_DECLS
