/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding a job that fetches something already, so that nothing is fetched twice. */

#pragma once

#include "ferry-transfer.h"
#include "ferry-remote-job.h"

G_BEGIN_DECLS

/**
 * ferry_join_find:
 * @items: (element-type FerryTransferItem): what is to be fetched
 * @options: what is wanted of the jobs
 * @failed: (out): the item that an error is about, %NULL when it is about all
 *
 * Looks for unfinished jobs of the caller with the same URL and target as those of @items that are
 * %FERRY_TRANSFER_WAITING, sets them going again where needed, and notes them in the items. For items whose
 * submission went unanswered a job that it made, and that has ended since, is found too.
 *
 * Returns: whether that went well
 */
gboolean ferry_join_find (FerryClient *client, GPtrArray *items,
                          const FerryTransferOptions *options, FerryTransferItem **failed,
                          GError **error);

G_END_DECLS
