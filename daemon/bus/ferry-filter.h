/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which jobs ListJobs and ListAllJobs are to list. */

#pragma once

#include "ferry-job.h"

G_BEGIN_DECLS

typedef struct _FerryFilter FerryFilter;

/**
 * ferry_filter_new:
 * @dict: an a{sv}: `States` as, `ApplicationId` s, `DisplayName` s, and `Owner` u when @owner_too
 *
 * Errors: G_DBUS_ERROR_INVALID_ARGS.
 *
 * Returns: (transfer full) (nullable)
 */
FerryFilter *ferry_filter_new (GVariant *dict, gboolean owner_too, GError **error);
void ferry_filter_free (FerryFilter *self);

gboolean ferry_filter_matches (const FerryFilter *self, const FerryJob *job);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryFilter, ferry_filter_free)

G_END_DECLS
