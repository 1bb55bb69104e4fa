/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-launcher.h"

G_DEFINE_INTERFACE (FerryLauncher, ferry_launcher, G_TYPE_OBJECT)

static guint exited_signal;

static void
ferry_launcher_default_init (FerryLauncherInterface *iface)
{
  exited_signal = g_signal_new ("exited", FERRY_TYPE_LAUNCHER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_STRING);
}

void
ferry_launcher_start (FerryLauncher *self, uid_t uid)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));

  FERRY_LAUNCHER_GET_IFACE (self)->start (self, uid);
}

void
ferry_launcher_stop (FerryLauncher *self, uid_t uid)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));

  FERRY_LAUNCHER_GET_IFACE (self)->stop (self, uid);
}

const char *
ferry_launcher_get_name (FerryLauncher *self)
{
  const char *name = FERRY_LAUNCHER_GET_IFACE (self)->name;

  return name != NULL ? name : "other";
}

void
ferry_launcher_emit_exited (FerryLauncher *self, uid_t uid, const char *reason)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));

  g_signal_emit (self, exited_signal, 0, (guint) uid, reason);
}
