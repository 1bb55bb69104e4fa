/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real dconf for tests: an /etc/dconf of our own in a mount namespace, and a bus of type system. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * dconf_fixture_enter:
 *
 * To be called in main before any thread. Does nothing in a test's subprocess, which has it all already.
 *
 * Returns: (nullable): why it cannot be, %NULL when it is
 */
const char *dconf_fixture_enter (void);

/** Ends the bus and removes the files. */
void dconf_fixture_leave (void);

/** Starts from nothing: no settings, the profile that is shipped, no messages. */
void dconf_fixture_reset (void);

/** Writes @text to @name below /etc/dconf, its folders included; %NULL removes it. */
void dconf_fixture_write (const char *name, const char *text);

/** Runs `dconf update`, with @mask as umask. */
void dconf_fixture_update (int mask);

/** Sets the keys of @database (like "ferry") to the lines in @keys, and locks those of @locks (nullable), and updates. */
void dconf_fixture_set (const char *database, const char *keys, const char *locks);

/** Returns: (transfer full): what was logged since the last call, one message a line, but for libdconf's own remarks */
char *dconf_fixture_take_log (void);

/** Returns: (transfer none): a directory that everybody may use */
const char *dconf_fixture_get_directory (void);

G_END_DECLS
