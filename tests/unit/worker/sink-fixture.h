/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the file side share: a directory, files in it, and a life without privileges. */

#pragma once

#include "worker-identity.h"
#include "worker-sink.h"

G_BEGIN_DECLS

#define SINK_TEMPORARY ".ferry-0123456789abcdef0123456789abcdef-0.part"

/**
 * SinkFixture:
 *
 * A directory of its own, with the paths of a target and of its temporary file in it.
 */
typedef struct
{
  char *directory; /* (owned) */
  char *target;    /* (owned) */
  char *temporary; /* (owned) */
} SinkFixture;

void sink_fixture_set_up (SinkFixture *self, gconstpointer unused);

/** Removes the directory with all that is in it. */
void sink_fixture_tear_down (SinkFixture *self, gconstpointer unused);

/** Points at a target in @directory instead (taken over, not removed at the end). */
void sink_fixture_move (SinkFixture *self, const char *directory);

/** Opens the sink; it must open, and must not be @restarted. Returns: (transfer full) */
WorkerSink *sink_fixture_open (SinkFixture *self, GVariant *resume);

/** Opens the sink; it must fail with this error. */
void sink_fixture_open_fails (SinkFixture *self, GVariant *resume, GQuark domain, gint code);

/** Writes @text and a checkpoint. */
void sink_write (WorkerSink *sink, const char *text);

/** Returns: (transfer full): the sink's `Resume` */
GVariant *sink_get_resume (WorkerSink *sink);

/** Fetches "whole" with the sink. Returns: (transfer full): the `Resume` at its end */
GVariant *sink_fixture_fetch (SinkFixture *self);

/** Returns: (transfer full): @resume with another value for @key */
GVariant *sink_resume_with (GVariant *resume, const char *key, GVariant *value);

/** Asserts that the file holds just @text. */
void assert_content (const char *path, const char *text);

/** Asserts that the name is free. */
void assert_absent (const char *path);

/** Returns: how many names @directory holds */
guint count_names (const char *directory);

/** Writes a file of ours. */
void make_file (const char *path, const char *text);

/**
 * From here to regain_privileges() the thread has no capabilities, as a worker, root's too. Does
 * nothing for who has none.
 */
void drop_privileges (void);
void regain_privileges (void);

/** Whether files can be given to another user: if not the test is skipped, saying so. */
gboolean need_other_users (void);

/**
 * enter_mount_namespace:
 *
 * Gives the process (of one thread yet) mounts of its own, as root of a user namespace when it is
 * not root.
 *
 * Returns: whether it has them
 */
gboolean enter_mount_namespace (void);

G_END_DECLS
