/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding a job that fetches or sends something already, so that nothing is done twice. */

#pragma once

#include "ferry-transfer.h"
#include "ferry-remote-job.h"

G_BEGIN_DECLS

/**
 * ferry_join_match:
 * @files: the aa{sv} of GetFiles of @job
 *
 * Returns: (transfer full) (nullable): the file of @job that is what @item is to become, %NULL when there is none
 */
GVariant *ferry_join_match (FerryRemoteJob *job, GVariant *files, const FerryTransferItem *item);

/**
 * ferry_join_check:
 * @file: what ferry_join_match() found
 * @n_files: how many files @job has
 *
 * Returns: whether joining @job gives what a new job would; InvalidState saying what is different
 */
gboolean ferry_join_check (FerryRemoteJob *job, GVariant *file, gsize n_files,
                           const FerryTransferItem *item, const FerryTransferOptions *options,
                           GError **error);

/**
 * ferry_join_find:
 * @items: (element-type FerryTransferItem): what is to be fetched or sent
 * @options: what is wanted of the jobs
 * @failed: (out): the item that an error is about, %NULL when it is about all
 *
 * Looks for unfinished jobs of the caller of the same type, with the same URL and path, as those of @items that are
 * %FERRY_TRANSFER_WAITING, sets them going again where needed, and notes them in the items. For items whose
 * submission went unanswered a job that it made, and that has ended since, is found too.
 *
 * Returns: whether that went well
 */
gboolean ferry_join_find (FerryClient *client, GPtrArray *items,
                          const FerryTransferOptions *options, FerryTransferItem **failed,
                          GError **error);

G_END_DECLS
