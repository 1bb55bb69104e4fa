/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables, and how an older store becomes a newer one. */

#pragma once

#include "ferry-db.h"

G_BEGIN_DECLS

/** One step of the schema, from the version that is its place in the list to the next; runs in a transaction of its own. */
typedef gboolean (*FerrySchemaStep) (sqlite3 *handle, GError **error);

/** Returns: the version that this ferryd writes */
guint ferry_schema_get_version (void);

/** Brings the store (version 0: empty) to ferry_schema_get_version(). */
gboolean ferry_schema_migrate (sqlite3 *handle, GError **error);

/**
 * ferry_schema_run_steps:
 * @steps: (array length=n_steps): step i leads from version i to i + 1
 *
 * Runs those that are missing, each with its new version in one transaction: a crash leaves a version before or after a step.
 * A step that fails has changed nothing; those before it stay.
 */
gboolean ferry_schema_run_steps (sqlite3 *handle, const FerrySchemaStep *steps, guint n_steps,
                                 GError **error);

G_END_DECLS
