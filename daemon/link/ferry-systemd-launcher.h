/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher `systemd`: PID 1 starts workers, as units ferry-worker@UID.service; ferryd has no right but to ask for
 * that, which polkit grants. */

#pragma once

#include "ferry-launcher.h"

G_BEGIN_DECLS

/**
 * ferry_systemd_launcher_new:
 * @connection: to the system bus; a reference is taken
 *
 * Returns: (transfer full)
 */
FerryLauncher *ferry_systemd_launcher_new (GDBusConnection *connection);

G_END_DECLS
