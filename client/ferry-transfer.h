/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs of a command: each item becomes a job, which is followed to its end. */

#pragma once

#include "ferry-client.h"
#include "ferry-enums.h"
#include "ferry-exit.h"
#include "ferry-target.h"

G_BEGIN_DECLS

/**
 * FerryTransferOptions:
 * @priority: (nullable): %NULL = by @detach
 * @digest: (nullable): what the one file must hash to; of downloads
 * @method: (nullable): the method of the requests
 * @certificate: (nullable): the ClientCertificate
 * @protocol: (nullable): how it is sent; of uploads
 * @headers: request headers
 * @force: replace a file that is there; of downloads
 * @timeout: seconds, 0 = none
 * @detach: end when the service has accepted
 * @json: JSON on stdout
 */
typedef struct
{
  const char *priority;
  const char *digest;
  const char *method;
  const char *certificate;
  const char *protocol;
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
  FerryJobType type;
  FerryUrl *url;  /* (owned) */
  char *path;     /* (owned): absolute: the file to be written, or the one that is sent */
  char *reply;    /* (owned) (nullable): absolute path; of an upload-reply */
  char *label;    /* (owned): what it is called */
  char *job_path; /* (owned) (nullable) */
  FerryTransferState state;
  gboolean told;       /* that it would start over */
  gint64 unsure_since; /* monotonic: when an answer was lost; 0 = never */
  gint64 submitted;    /* wall clock: when the service was asked first; 0 = not yet */
} FerryTransferItem;

/** Returns: (transfer full): a download; takes @url and @target over */
FerryTransferItem *ferry_transfer_item_new_download (FerryUrl *url, char *target);

/** Returns: (transfer full): an upload, with @reply (nullable) an upload-reply; takes @url, @source and @reply over */
FerryTransferItem *ferry_transfer_item_new_upload (FerryUrl *url, char *source, char *reply);

void ferry_transfer_item_free (FerryTransferItem *item);

/**
 * ferry_transfer_make_arguments:
 * @item: what to fetch or send
 *
 * Returns: (transfer floating) (nullable): the arguments of SubmitJob; an error when the environment cannot be understood
 */
GVariant *ferry_transfer_make_arguments (const FerryTransferItem *item,
                                         const FerryTransferOptions *options, GError **error);

/**
 * ferry_transfer_run:
 * @items: (element-type FerryTransferItem): what to fetch or send
 *
 * Reports errors; prints ids, paths or JSON.
 *
 * Returns: the exit status of the command
 */
FerryExit ferry_transfer_run (FerryClient *client, GPtrArray *items,
                              const FerryTransferOptions *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryTransferItem, ferry_transfer_item_free)

G_END_DECLS
