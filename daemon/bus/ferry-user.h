/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user name of a uid. */

#pragma once

#include <gio/gio.h>
#include <sys/types.h>

G_BEGIN_DECLS

/** Whether systemd gives @uid to one service after another (DynamicUser). */
gboolean ferry_user_is_dynamic (uid_t uid);

/** Looks @uid up in the user database, in a thread: that may ask a network. */
void ferry_user_lookup_async (uid_t uid, GAsyncReadyCallback callback, gpointer user_data);

/**
 * ferry_user_lookup_finish:
 *
 * Errors: G_DBUS_ERROR_NOT_SUPPORTED when there is no such user, or only for a while; the text says why.
 *
 * Returns: (transfer full) (nullable): the name
 */
char *ferry_user_lookup_finish (GAsyncResult *result, GError **error);

G_END_DECLS
