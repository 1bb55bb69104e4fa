/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follows jobs through the service's signals, across restarts of the service. */

#pragma once

#include "ferry-remote-job.h"

G_BEGIN_DECLS

typedef struct _FerryFollow FerryFollow;

/**
 * FerryFollowFuncs:
 * @changed: a job is known for the first time, or something of it changed; it may be dropped by
 *   ferry_follow_remove() from within
 * @restarted: one of its files starts over; @reason is the service's word, as it came
 * @gone: a job cannot be read any more; it is dropped after the call
 * @service: the service left the bus (%FALSE) or came back (%TRUE)
 * @lost: the service did not come back in time, or the bus is gone; nothing follows after this
 *
 * All are called in the default main context and may be %NULL.
 */
typedef struct
{
  void (*changed) (FerryFollow *follow, FerryRemoteJob *job, gpointer user_data);
  void (*restarted) (FerryFollow *follow, FerryRemoteJob *job, const char *reason,
                     gpointer user_data);
  void (*gone) (FerryFollow *follow, FerryRemoteJob *job, const GError *error, gpointer user_data);
  void (*service) (FerryFollow *follow, gboolean present, gpointer user_data);
  void (*lost) (FerryFollow *follow, const GError *error, gpointer user_data);
} FerryFollowFuncs;

/* How long the service may be away, seconds. */
#define FERRY_FOLLOW_PATIENCE 60

/**
 * ferry_follow_new:
 * @client: a client that outlives the result
 * @funcs: copied
 *
 * Subscribes to all signals of the service at once: made before a job is created, it misses none of its signals.
 *
 * Returns: (transfer full): a follower of no jobs yet
 */
FerryFollow *ferry_follow_new (FerryClient *client, const FerryFollowFuncs *funcs,
                               gpointer user_data);

void ferry_follow_free (FerryFollow *self);

/** Follows the job at @path; its state is read from the service. */
void ferry_follow_add (FerryFollow *self, const char *path);

/** Follows all unfinished jobs of the caller, those to come too. Returns whether they could be read. */
gboolean ferry_follow_add_all (FerryFollow *self, GError **error);

/** Reads all jobs that are followed again. */
void ferry_follow_refresh (FerryFollow *self);

/** Stops following the job at @path. */
void ferry_follow_remove (FerryFollow *self, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryFollow, ferry_follow_free)

G_END_DECLS
