/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be written in the next commit: calls in their order, and jobs of which the rows are made only then, so
 * that many changes of one are one row. */

#pragma once

#include "ferry-queue.h"
#include "ferry-store-statements.h"

G_BEGIN_DECLS

typedef struct _FerryStoreNotes FerryStoreNotes;

/** @noted is called for each note. */
FerryStoreNotes *ferry_store_notes_new (GFunc noted, gpointer user_data);
/** %NULL is fine. */
void ferry_store_notes_free (FerryStoreNotes *self);

/** Notes the changes of jobs of @queue (held without a reference), whose rows are as the jobs are now. */
void ferry_store_notes_watch (FerryStoreNotes *self, FerryQueue *queue);
/** What was noted stays noted. */
void ferry_store_notes_unwatch (FerryStoreNotes *self);

/** Notes @op (transfer full). */
void ferry_store_notes_add (FerryStoreNotes *self, FerryOp *op);

/** While @muted nothing is noted. */
void ferry_store_notes_set_muted (FerryStoreNotes *self, gboolean muted);

/** Returns: whether there is anything to write */
gboolean ferry_store_notes_are_there (FerryStoreNotes *self);

/** Returns: (transfer full) (element-type FerryOp): all that was noted, which is forgotten */
GPtrArray *ferry_store_notes_take (FerryStoreNotes *self);

/** Forgets what was noted. */
void ferry_store_notes_drop (FerryStoreNotes *self);

G_END_DECLS
