/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store's file as one thread at a time uses it: opened, checked, salvaged, read, written, copied. */

#pragma once

#include "ferry-store-statements.h"

G_BEGIN_DECLS

typedef struct _FerryCore FerryCore;

/**
 * ferry_core_open:
 *
 * Opens or creates the store in @directory. A damaged one is salvaged; one of a newer schema is refused and stays as it is.
 *
 * Returns: (transfer full) (nullable): %NULL with a sentence in @error
 */
FerryCore *ferry_core_open (const char *directory, GError **error);

/** Merges the log and closes; %NULL is fine. */
void ferry_core_close (FerryCore *self);

/** Runs @ops (element-type FerryOp) in one transaction, durable when it returns %TRUE. */
gboolean ferry_core_commit (FerryCore *self, GPtrArray *ops, GError **error);

/**
 * ferry_core_load:
 * @jobs: (element-type FerryJob): gets all jobs with their files, oldest first
 * @duties: (element-type FerryDuty): gets all duties
 *
 * Damage that shows now, or showed when something was written, is salvaged first.
 */
gboolean ferry_core_load (FerryCore *self, GPtrArray *jobs, GPtrArray *duties, GError **error);

/** Fills @values (element-type utf8 GVariant). */
gboolean ferry_core_load_values (FerryCore *self, GHashTable *values, GError **error);

/** Returns: the highest id of a duty, 0 when there is none */
gint64 ferry_core_get_last_duty (FerryCore *self);

/**
 * ferry_core_tidy:
 *
 * Does a bit of what can wait: merging a long log, the second copy.
 *
 * Returns: whether there is more to do
 */
gboolean ferry_core_tidy (FerryCore *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryCore, ferry_core_close)

G_END_DECLS
