/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to polkit: asynchronous, bounded, and remembered for a moment.
 *
 * CheckAuthorization is called on ferryd's own connection: polkit-gobject's PolkitAuthority is a singleton on a
 * connection of its own that ends the process when the bus goes, and could not be given a test's bus. */

#pragma once

#include "ferry-clock.h"

#include <gio/gio.h>
#include <sys/types.h>

G_BEGIN_DECLS

#define FERRY_AUTHORITY_MAX_CHECKS      32 /* in flight; the bus allows 128 calls without a reply */
#define FERRY_AUTHORITY_MAX_USER_CHECKS 4  /* of them for one uid */
#define FERRY_AUTHORITY_MAX_USER_RATE                                                              \
  50                               /* of them in a second; polkit takes 2 ms and more for each */
#define FERRY_AUTHORITY_KEEP    10 /* s that a yes is good for */
#define FERRY_AUTHORITY_KEEP_NO 1  /* s that a no is, where nobody was to be asked */

#define FERRY_TYPE_AUTHORITY (ferry_authority_get_type ())
G_DECLARE_FINAL_TYPE (FerryAuthority, ferry_authority, FERRY, AUTHORITY, GObject)

/** References are taken to both. */
FerryAuthority *ferry_authority_new (GDBusConnection *connection, FerryClock *clock);

/**
 * ferry_authority_check_async:
 * @name: the caller's unique name, which is polkit's subject
 * @uid: its user
 * @action: one of FERRY_ACTION_...
 * @details: (nullable): an a{ss} for polkit's rules
 * @interactive: whether a person may be asked
 *
 * uid 0 passes without a question. Finish fails with NotAuthorized, AuthorizationDismissed, or
 * org.freedesktop.DBus.Error.InteractiveAuthorizationRequired (a remote error, see g_dbus_error_get_remote_error()); an
 * error of polkit and a timeout are NotAuthorized too. Without polkitd on the bus the actions that everybody has by
 * default are granted and the others refused.
 */
void ferry_authority_check_async (FerryAuthority *self, const char *name, uid_t uid,
                                  const char *action, GVariant *details, gboolean interactive,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean ferry_authority_check_finish (FerryAuthority *self, GAsyncResult *result, GError **error);

/** Fails what waits. */
void ferry_authority_close (FerryAuthority *self);

G_END_DECLS
