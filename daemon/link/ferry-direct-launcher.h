/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Workers without systemd: a tiny forked helper keeps the privilege, drops to the owner and
 * executes the worker. */

#pragma once

#include "ferry-launcher.h"

G_BEGIN_DECLS

/**
 * ferry_launch_helper_fork:
 * @worker: path of the worker program
 * @socket: path of the socket that it shall connect to
 *
 * Forks the helper. Must be called before the first thread and before privileges are dropped. The
 * helper ends when the other end of its socket closes, and its workers with it.
 *
 * Returns: a socket (owned by the caller) to the helper, -1 with @error
 */
int ferry_launch_helper_fork (const char *worker, const char *socket, GError **error);

/** @helper: (transfer full): the socket of ferry_launch_helper_fork() */
FerryLauncher *ferry_direct_launcher_new (int helper);

G_END_DECLS
