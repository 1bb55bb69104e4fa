/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proxy-setting.h"

#include <gio/gio.h>

void
proxy_setting_init_process (void)
{
  g_setenv ("GSETTINGS_BACKEND", "dconf", FALSE);
  g_setenv ("GIO_USE_VFS", "local", TRUE);
  /* dconf makes a directory there, which is for hearing of changes; without one it reads all the same. */
  g_setenv ("XDG_RUNTIME_DIR", "/dev/null", TRUE);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null", TRUE);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/dev/null", TRUE);
}

void
proxy_setting_clear (ProxySetting *self)
{
  g_clear_pointer (&self->proxies, g_strfreev);
  g_clear_pointer (&self->script, g_free);
}
