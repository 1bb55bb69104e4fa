/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages with secrets in them. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** Whether a call of @member may bring secrets, given its @parameters. */
gboolean ferry_wash_needs (const char *member, GVariant *parameters);

/**
 * ferry_wash:
 * @secret: what came over @connection just now
 *
 * GDBus reads each message into the same buffer, where the end of a long one stays behind shorter ones. Sends ourselves one that
 * is longer than @secret and says nothing.
 */
void ferry_wash (GDBusConnection *connection, GVariant *secret);

G_END_DECLS
