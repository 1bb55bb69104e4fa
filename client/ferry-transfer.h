/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs of a command: each item becomes a job, which is followed to its end. */

#pragma once

#include "ferry-client.h"
#include "ferry-exit.h"
#include "ferry-target.h"

G_BEGIN_DECLS

/**
 * FerryTransferOptions:
 * @priority: (nullable): %NULL = by @detach
 * @digest: (nullable): what the one file must hash to
 * @headers: request headers
 * @force: replace a file that is there
 * @timeout: seconds, 0 = none
 * @detach: end when the service has accepted
 * @json: JSON on stdout
 */
typedef struct
{
  const char *priority;
  const char *digest;
  char **headers; /* (not owned) */
  gboolean force;
  gboolean detach;
  gboolean json;
  guint timeout;
} FerryTransferOptions;

typedef enum
{
  FERRY_TRANSFER_WAITING,    /* to be handed over */
  FERRY_TRANSFER_SUBMITTING, /* the service has not answered yet */
  FERRY_TRANSFER_UNSURE,     /* the service went away before it answered */
  FERRY_TRANSFER_FOLLOWED,   /* has a job */
  FERRY_TRANSFER_ENDED,
} FerryTransferState;

/**
 * FerryTransferItem: one URL
 */
typedef struct
{
  FerryUrl *url;  /* (owned) */
  char *target;   /* (owned): absolute path */
  char *label;    /* (owned): what it is called */
  char *job_path; /* (owned) (nullable) */
  FerryTransferState state;
  gint64 unsure_since; /* monotonic: when an answer was lost; 0 = never */
  gint64 submitted;    /* wall clock: when the service was asked first; 0 = not yet */
} FerryTransferItem;

/** Returns: (transfer full): takes @url and @target over */
FerryTransferItem *ferry_transfer_item_new (FerryUrl *url, char *target);

void ferry_transfer_item_free (FerryTransferItem *item);

/**
 * ferry_transfer_make_arguments:
 * @item: what to fetch
 *
 * Returns: (transfer floating) (nullable): the arguments of SubmitJob; an error when the environment cannot be understood
 */
GVariant *ferry_transfer_make_arguments (const FerryTransferItem *item,
                                         const FerryTransferOptions *options, GError **error);

/**
 * ferry_transfer_explain_refusal:
 * @item: what the service refused to fetch
 * @error: what it said
 *
 * Returns: (transfer full): the same, or what can be done about it
 */
GError *ferry_transfer_explain_refusal (const FerryTransferItem *item, const GError *error);

/**
 * ferry_transfer_run:
 * @items: (element-type FerryTransferItem): what to fetch
 *
 * Reports errors; prints ids, paths or JSON.
 *
 * Returns: the exit status of the command
 */
FerryExit ferry_transfer_run (FerryClient *client, GPtrArray *items,
                              const FerryTransferOptions *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryTransferItem, ferry_transfer_item_free)

G_END_DECLS
