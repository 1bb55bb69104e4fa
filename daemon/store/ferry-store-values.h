/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The small named values in memory: as last set, as on disk, and which of them the next commit takes there. */

#pragma once

#include "ferry-store-statements.h"

G_BEGIN_DECLS

typedef struct _FerryStoreValues FerryStoreValues;

/** Returns: (transfer full) (element-type utf8 GVariant): a table for ferry_store_values_new() */
GHashTable *ferry_store_values_table_new (void);

/** @stored (transfer full): what is on disk */
FerryStoreValues *ferry_store_values_new (GHashTable *stored);
/** %NULL is fine. */
void ferry_store_values_free (FerryStoreValues *self);

/** Returns: whether this is a change; @value (not consumed) %NULL deletes */
gboolean ferry_store_values_set (FerryStoreValues *self, const char *name, GVariant *value);
/** Returns: (transfer full) (nullable): as last set */
GVariant *ferry_store_values_get (FerryStoreValues *self, const char *name);
/** Returns: (transfer container) (element-type utf8): names, which belong to the list */
GPtrArray *ferry_store_values_list (FerryStoreValues *self, const char *prefix);

/** Returns: whether there are changes that no commit has taken yet */
gboolean ferry_store_values_are_changed (FerryStoreValues *self);

/** Adds calls for all changes to @ops; they are on their way until one of the next two is called. */
void ferry_store_values_take (FerryStoreValues *self, GPtrArray *ops);
/** What is on its way is on disk. */
void ferry_store_values_keep (FerryStoreValues *self);
/** Goes back to what is on disk; later changes are dropped too. */
void ferry_store_values_revert (FerryStoreValues *self);

G_END_DECLS
