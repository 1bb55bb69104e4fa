/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How workers are started: an interface with the implementations systemd (ferry-systemd-launcher.h) and
 * direct (ferry-direct-launcher.h). */

#pragma once

#include <gio/gio.h>
#include <sys/types.h>

G_BEGIN_DECLS

#define FERRY_TYPE_LAUNCHER (ferry_launcher_get_type ())
G_DECLARE_INTERFACE (FerryLauncher, ferry_launcher, FERRY, LAUNCHER, GObject)

/**
 * FerryLauncherInterface:
 * @name: (nullable): as in --launcher=; %NULL for fakes
 * @start: starts a worker as @uid; returns at once. When it cannot be started "exited" follows.
 * @stop: ends @uid's worker (SIGTERM, SIGKILL when it does not end in 5 s); "exited" follows
 *
 * Signal "exited" (guint uid, char *reason): the worker of @uid is gone or could not be started;
 * @reason is one sentence for the error text.
 */
struct _FerryLauncherInterface
{
  GTypeInterface parent_interface;

  const char *name;
  void (*start) (FerryLauncher *self, uid_t uid);
  void (*stop) (FerryLauncher *self, uid_t uid);
};

void ferry_launcher_start (FerryLauncher *self, uid_t uid);
void ferry_launcher_stop (FerryLauncher *self, uid_t uid);

/** Returns: (transfer none): its word in --launcher=, "other" when it has none */
const char *ferry_launcher_get_name (FerryLauncher *self);

/** For implementations. */
void ferry_launcher_emit_exited (FerryLauncher *self, uid_t uid, const char *reason);

G_END_DECLS
