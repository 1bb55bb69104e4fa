/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All jobs, by id and by owner. */

#pragma once

#include "ferry-job.h"

G_BEGIN_DECLS

#define FERRY_TYPE_QUEUE (ferry_queue_get_type ())
G_DECLARE_FINAL_TYPE (FerryQueue, ferry_queue, FERRY, QUEUE, GObject)

/**
 * Signals:
 * "job-added" (FerryJob), "job-removed" (FerryJob): after the fact
 * "job-changed" (FerryJob, guint FerryChange)
 */

FerryQueue *ferry_queue_new (void);

/** Adds @job (a reference is taken) and gives it its sequence when it has none. */
void ferry_queue_add (FerryQueue *self, FerryJob *job);
void ferry_queue_remove (FerryQueue *self, FerryJob *job);

/** Gives @job to @owner; its place by owner follows. */
void ferry_queue_set_owner (FerryQueue *self, FerryJob *job, uid_t owner, const char *owner_name);

/**
 * ferry_queue_lookup:
 * @id: (nullable): any string
 *
 * Returns: (transfer none) (nullable): the job when it is @uid's own; there is no way to get a foreign one here
 */
FerryJob *ferry_queue_lookup (FerryQueue *self, uid_t uid, const char *id);

/** For the engine, the worker link (which compares the owner) and administrators. */
FerryJob *ferry_queue_lookup_any (FerryQueue *self, const char *id);

/** Returns: (transfer container) (element-type FerryJob): @uid's jobs, oldest first */
GPtrArray *ferry_queue_list (FerryQueue *self, uid_t uid);

/** Returns: (transfer container) (element-type FerryJob): all jobs, oldest first */
GPtrArray *ferry_queue_list_all (FerryQueue *self);

/** Jobs that are not final and not exempt. */
guint ferry_queue_count_user (FerryQueue *self, uid_t uid);
guint ferry_queue_count_all (FerryQueue *self);

/** @uid's final jobs. */
guint ferry_queue_count_final (FerryQueue *self, uid_t uid);

G_END_DECLS
