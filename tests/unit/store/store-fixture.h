/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the store share: a directory, jobs with every field set, waiting for a commit. */

#pragma once

#include "ferry-store.h"

G_BEGIN_DECLS

/** Returns: (transfer full): a new directory in /tmp, to be removed by store_fixture_remove() */
char *store_fixture_make_directory (void);
/** Removes @directory (freed) and the files in it. */
void store_fixture_remove (char *directory);

/** Opens the store, which must work. */
FerryStore *store_fixture_open (const char *directory);

/** Closes, checks that nobody else holds a reference, and frees. */
void store_fixture_close (FerryStore *store);

/** Loads into a new queue and watches it. @duties may be %NULL. */
FerryQueue *store_fixture_load (FerryStore *store, GPtrArray *duties);

/** Runs the main context until what was noted is on disk; returns the error, if any. */
GError *store_fixture_commit (FerryStore *store);

/** Returns: (transfer full): a job in which every stored field has a value of its own, with @n_files such files */
FerryJob *store_fixture_make_job (guint number, guint n_files);

/** Asserts that both have the same stored fields. */
void store_fixture_assert_same (FerryJob *a, FerryJob *b);

/** From now on warnings are collected instead of fatal. */
void store_fixture_collect_log (void);
/** Returns: (transfer full): what was logged since the last call, one message a line */
char *store_fixture_take_log (void);

/** Waits until the store's thread has made the second copy. */
void store_fixture_wait_for_backup (const char *directory);

/** Runs @sql on the closed store. */
void store_fixture_sql (const char *directory, const char *sql);

/** Returns: (transfer full): path of @name in @directory */
char *store_fixture_path (const char *directory, const char *name);

G_END_DECLS
