/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fetching URLs: each becomes a job, which is followed to its end. */

#pragma once

#include "ferry-client.h"
#include "ferry-exit.h"
#include "ferry-target.h"

G_BEGIN_DECLS

/**
 * FerryFetchOptions:
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
} FerryFetchOptions;

typedef enum
{
  FERRY_FETCH_WAITING,    /* to be handed over */
  FERRY_FETCH_SUBMITTING, /* the service has not answered yet */
  FERRY_FETCH_UNSURE,     /* the service went away before it answered */
  FERRY_FETCH_FOLLOWED,   /* has a job */
  FERRY_FETCH_ENDED,
} FerryFetchState;

/**
 * FerryFetchItem: one URL
 */
typedef struct
{
  FerryUrl *url;  /* (owned) */
  char *target;   /* (owned): absolute path */
  char *label;    /* (owned): what it is called */
  char *job_path; /* (owned) (nullable) */
  FerryFetchState state;
  gint64 unsure_since; /* monotonic: when an answer was lost; 0 = never */
  gint64 submitted;    /* wall clock: when the service was asked first; 0 = not yet */
} FerryFetchItem;

/** Returns: (transfer full): takes @url and @target over */
FerryFetchItem *ferry_fetch_item_new (FerryUrl *url, char *target);

void ferry_fetch_item_free (FerryFetchItem *item);

/**
 * ferry_fetch_make_arguments:
 * @item: what to fetch
 *
 * Returns: (transfer floating) (nullable): the arguments of SubmitJob; an error when the environment cannot be understood
 */
GVariant *ferry_fetch_make_arguments (const FerryFetchItem *item, const FerryFetchOptions *options,
                                      GError **error);

/**
 * ferry_fetch_explain_refusal:
 * @item: what the service refused to fetch
 * @error: what it said
 *
 * Returns: (transfer full): the same, or what can be done about it
 */
GError *ferry_fetch_explain_refusal (const FerryFetchItem *item, const GError *error);

/**
 * ferry_fetch_run:
 * @items: (element-type FerryFetchItem): what to fetch
 *
 * Reports errors; prints ids, paths or JSON.
 *
 * Returns: the exit status of the command
 */
FerryExit ferry_fetch_run (FerryClient *client, GPtrArray *items, const FerryFetchOptions *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryFetchItem, ferry_fetch_item_free)

G_END_DECLS
