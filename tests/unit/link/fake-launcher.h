/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A launcher that starts nothing: the test says what becomes of it. */

#pragma once

#include "ferry-launcher.h"

G_BEGIN_DECLS

#define FERRY_TYPE_FAKE_LAUNCHER (ferry_fake_launcher_get_type ())
G_DECLARE_FINAL_TYPE (FerryFakeLauncher, ferry_fake_launcher, FERRY, FAKE_LAUNCHER, GObject)

FerryFakeLauncher *ferry_fake_launcher_new (void);

/** How often a worker of @uid was started, and told to stop. */
guint ferry_fake_launcher_get_n_starts (FerryFakeLauncher *self, uid_t uid);
guint ferry_fake_launcher_get_n_stops (FerryFakeLauncher *self, uid_t uid);

/** The worker of @uid ends. */
void ferry_fake_launcher_exit (FerryFakeLauncher *self, uid_t uid, const char *reason);

G_END_DECLS
