/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd says of a worker's unit, as a sentence for an error text. */

#pragma once

#include <gio/gio.h>
#include <sys/types.h>

G_BEGIN_DECLS

/**
 * ferry_unit_reason_from_properties:
 * @properties: (nullable): a{sv} of org.freedesktop.systemd1.Service (`Result`, `ExecMainCode`, `ExecMainStatus`) of a
 *   unit that is not active
 *
 * Why the worker of @uid is gone. Returns: (transfer full)
 */
char *ferry_unit_reason_from_properties (uid_t uid, GVariant *properties);

/**
 * ferry_unit_reason_from_error:
 * @error: of a call of RestartUnit
 *
 * Why the worker of @uid could not be started. Returns: (transfer full)
 */
char *ferry_unit_reason_from_error (uid_t uid, const GError *error);

G_END_DECLS
