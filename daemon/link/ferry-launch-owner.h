/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who a uid is: what the user database says that a worker needs. */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct
{
  uid_t uid;
  gid_t gid;
  gid_t *groups; /* (owned): with @gid */
  gsize n_groups;
  char **environment; /* (owned): all of a worker's environment */
} FerryLaunchOwner;

/**
 * ferry_launch_owner_new:
 *
 * Asks the user database, which may take its time. The environment is the owner's HOME, USER and
 * LOGNAME, a PATH, LANG and those variables of ours that steer sanitizers and GLib's checks.
 *
 * Returns: (nullable): %NULL with @error when @uid has no entry or its groups cannot be read
 */
FerryLaunchOwner *ferry_launch_owner_new (uid_t uid, GError **error);
void ferry_launch_owner_free (FerryLaunchOwner *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryLaunchOwner, ferry_launch_owner_free)

G_END_DECLS
