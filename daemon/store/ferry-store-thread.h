/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that owns the store's file. All functions are for the main thread. */

#pragma once

#include "ferry-store-core.h"

G_BEGIN_DECLS

typedef struct _FerryStoreThread FerryStoreThread;

/** The transaction given last is durable, or failed with @error (nullable); called in the main context. */
typedef void (*FerryStoreThreadFunc) (const GError *error, gpointer user_data);

/** Something to be done in the thread. */
typedef gboolean (*FerryStoreThreadCall) (FerryCore *core, gpointer data, GError **error);

/** @core (transfer full) is the thread's until ferry_store_thread_free(). */
FerryStoreThread *ferry_store_thread_new (FerryCore *core, FerryStoreThreadFunc func,
                                          gpointer user_data);

/** Ends the thread and closes the store; a transaction on its way is finished, but not told of. %NULL is fine. */
void ferry_store_thread_free (FerryStoreThread *self);

/** Commits @ops (transfer full) (element-type FerryOp). One transaction at a time: see ferry_store_thread_is_busy(). */
void ferry_store_thread_commit (FerryStoreThread *self, GPtrArray *ops);

/** Returns: whether a transaction is on its way, until its end was told */
gboolean ferry_store_thread_is_busy (FerryStoreThread *self);

/** Waits for the transaction on its way and tells its end now. */
void ferry_store_thread_finish (FerryStoreThread *self);

/** Runs @func in the thread behind what is on its way, and waits for it. */
gboolean ferry_store_thread_call (FerryStoreThread *self, FerryStoreThreadCall func, gpointer data,
                                  GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryStoreThread, ferry_store_thread_free)

G_END_DECLS
