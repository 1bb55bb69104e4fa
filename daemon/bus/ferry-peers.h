/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is behind a unique name of the bus: uid and process, as the bus's kernel-checked credentials say. */

#pragma once

#include <gio/gio.h>
#include <sys/types.h>

G_BEGIN_DECLS

#define FERRY_TYPE_PEERS (ferry_peers_get_type ())
G_DECLARE_FINAL_TYPE (FerryPeers, ferry_peers, FERRY, PEERS, GObject)

/** Signal "vanished" (char *name): a unique name that was known here left the bus. */

/** A reference to @connection is taken. */
FerryPeers *ferry_peers_new (GDBusConnection *connection);

/**
 * ferry_peers_get:
 *
 * Returns: whether @name called before, is still there and has no lookup under way (which it must not overtake); sets
 *   @uid and @pid then
 */
gboolean ferry_peers_get (FerryPeers *self, const char *name, uid_t *uid, pid_t *pid);

/**
 * ferry_peers_lookup_async:
 * @name: a unique name
 *
 * Finds uid and process of @name; at once (in the next turn) when it asked before and is still there. Finish fails with
 * the bus's error when the name is gone.
 */
void ferry_peers_lookup_async (FerryPeers *self, const char *name, GAsyncReadyCallback callback,
                               gpointer user_data);

/**
 * ferry_peers_lookup_finish:
 * @pid: (out): 0 when the bus does not tell
 */
gboolean ferry_peers_lookup_finish (FerryPeers *self, GAsyncResult *result, uid_t *uid, pid_t *pid,
                                    GError **error);

/**
 * ferry_peers_hold / ferry_peers_release:
 *
 * While held, the uid of every connection of the bus is kept, so that ferry_peers_list_async() is quick. Counted.
 */
void ferry_peers_hold (FerryPeers *self);
void ferry_peers_release (FerryPeers *self);

/** Gives all unique names of @uid that are on the bus now, our own connection not counted. Finish gives the names. */
void ferry_peers_list_async (FerryPeers *self, uid_t uid, GAsyncReadyCallback callback,
                             gpointer user_data);

/** Returns: (transfer full) (element-type utf8) (nullable) */
GPtrArray *ferry_peers_list_finish (FerryPeers *self, GAsyncResult *result, GError **error);

/** Whether anything is being asked of the bus. */
gboolean ferry_peers_is_busy (FerryPeers *self);

/** Fails all that waits and stops listening. */
void ferry_peers_close (FerryPeers *self);

G_END_DECLS
