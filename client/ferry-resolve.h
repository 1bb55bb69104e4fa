/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what a person types to a job: an id, a unique beginning of one, or an exact display name. */

#pragma once

#include "ferry-remote-job.h"

G_BEGIN_DECLS

/* Least length of the ids that are shown. */
#define FERRY_SHORT_ID_MIN 4

/** Returns: whether @word has the form of a whole id, 32 lowercase hex digits */
gboolean ferry_resolve_is_id (const char *word);

/**
 * ferry_resolve_pick:
 * @jobs: (element-type FerryRemoteJob): jobs
 * @word: what was typed
 *
 * Of jobs that have ended, the newest of a name is meant.
 *
 * Returns: (transfer none) (nullable): the one job that is meant; UnknownObject when there is none,
 *   InvalidArgs, naming them, when there are several
 */
FerryRemoteJob *ferry_resolve_pick (GPtrArray *jobs, const char *word, GError **error);

/**
 * ferry_resolve_job:
 * @word: what was typed
 *
 * Looks among the caller's unfinished jobs first, then among those that have ended.
 *
 * Returns: (transfer full) (nullable): the caller's job; UnknownObject when he has none like that
 */
FerryRemoteJob *ferry_resolve_job (FerryClient *client, const char *word, GError **error);

/**
 * ferry_resolve_short_length:
 * @jobs: (element-type FerryRemoteJob): jobs
 *
 * Returns: how many digits of each id tell all of @jobs apart, at least %FERRY_SHORT_ID_MIN
 */
guint ferry_resolve_short_length (GPtrArray *jobs);

/**
 * ferry_resolve_short_id:
 *
 * Returns: (transfer full): a beginning of @id for a hint where the other jobs are not known: long enough to be
 *   unique in practice
 */
char *ferry_resolve_short_id (const char *id);

G_END_DECLS
