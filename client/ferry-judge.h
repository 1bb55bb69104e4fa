/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `ferry doctor` makes of what it was told; each adds one check or more to @checks. No calls. */

#pragma once

#include "ferry-check.h"
#include "ferry-remote-job.h"

G_BEGIN_DECLS

/** The versions of the service (not clean) and of this program. */
void ferry_judge_version (GPtrArray *checks, const char *version);

/**
 * ferry_judge_status:
 * @status: the a{sv} of GetStatus
 *
 * Workers, the network and the store.
 */
void ferry_judge_status (GPtrArray *checks, GVariant *status);

/** @policy: the a{sa{sv}} of GetEffective */
void ferry_judge_policy (GPtrArray *checks, GVariant *policy);

/**
 * ferry_judge_jobs:
 * @jobs: (element-type FerryRemoteJob): unfinished ones
 * @everybody: whether they are those of all users
 */
void ferry_judge_jobs (GPtrArray *checks, GPtrArray *jobs, gboolean everybody);

/** @actions: (nullable): the a(ssssssuuua{ss}) of polkit's EnumerateActions; %NULL when it is not on the bus */
void ferry_judge_polkit (GPtrArray *checks, GVariant *actions);

/** @units: (nullable): the a(ssssssouso) of systemd's ListUnitsByPatterns; %NULL when it is not on the bus */
void ferry_judge_units (GPtrArray *checks, GVariant *units);

/** @bytes: free for the user in @directory, G_MAXUINT64 = not known */
void ferry_judge_home (GPtrArray *checks, const char *directory, guint64 bytes);

/** @path: (nullable) (type filename): where dconf's profile was found */
void ferry_judge_dconf (GPtrArray *checks, const char *path);

G_END_DECLS
