/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The check of targets, and of what uploads send, by a user's worker, before files are promised. */

#pragma once

#include "ferry-engine-private.h"

G_BEGIN_DECLS

/**
 * ferry_targets_check_async:
 * @uid: whose worker
 * @pid: process of the caller, whose view of the directories is compared with the worker's; 0 = do not
 * @foreign: whether a former owner chose the paths: then no symbolic link is followed on them, now or later
 * @files: (element-type FerryFile): held until the end; may be sources of uploads and others, in any order
 *
 * On success each file has its first `resume` record, which remembers its directory, and sources have their size.
 * Errors: NoFileAccess, TargetExists, WorkerFailed.
 */
void ferry_targets_check_async (FerryEngine *engine, uid_t uid, pid_t pid, gboolean foreign,
                                GPtrArray *files, GAsyncReadyCallback callback, gpointer user_data);
gboolean ferry_targets_check_finish (FerryEngine *engine, GAsyncResult *result, GError **error);

/** Whether @job is still that of @uid, whose worker was asked: what he chose, and his worker allowed, must not become another
 * user's by TakeOwnership. Error: InvalidState. */
gboolean ferry_targets_check_owner (FerryJob *job, uid_t uid, GError **error);

G_END_DECLS
