/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What dconf would rather not tell: whether the profile and the databases it names can be read at all. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ferry_policy_profile_read:
 * @profile: value of DCONF_PROFILE: a name or an absolute path
 * @text: (out) (nullable): what the profile holds, %NULL when there is none
 *
 * An absent profile and an absent database are no error: then the administrator has set nothing there.
 *
 * Returns: (transfer full) (nullable): %NULL when all is well; else what is wrong, in one sentence
 */
char *ferry_policy_profile_read (const char *profile, char **text);

G_END_DECLS
