/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be done with jobs: the operations behind the bus methods, and the moving of bytes that follows from them.
 * Identity, authorization and D-Bus types were dealt with before. All in the main thread.
 *
 * Operations that only change the model return at once; the caller answers after ferry_store_after_commit().
 * The _async ones need a worker, or wait for the commit themselves; they finish when all is durable. After any of
 * them the job may be gone: look it up again. */

#pragma once

#include "ferry-agents.h"
#include "ferry-network.h"
#include "ferry-policy.h"
#include "ferry-service-time.h"
#include "ferry-store.h"
#include "ferry-workers.h"

G_BEGIN_DECLS

/* Bytes of a reply that GetReplyData gives. */
#define FERRY_REPLY_DATA_MAX 1048576u

#define FERRY_TYPE_ENGINE (ferry_engine_get_type ())
G_DECLARE_FINAL_TYPE (FerryEngine, ferry_engine, FERRY, ENGINE, GObject)

/**
 * Signals:
 * "transferred" (FerryJob): Transferred is due: all bytes are there (with AutoComplete: published), and stored
 * "failed" (FerryJob): the job became `error`, and it is stored
 * "file-transferred" (FerryJob, guint index)
 * "file-restarted" (FerryJob, guint index, char *reason)
 * "running" (gboolean): the first job began to connect or transfer, or the last one ceased to
 * "lost" (GError): the store failed and cannot be read back either; there is nothing true to serve any more
 */

/** References are taken to all. Loads the store and starts what was under way. */
FerryEngine *ferry_engine_new (FerryClock *clock, FerryNetwork *network, FerryStore *store,
                               FerryPolicy *policy, FerryWorkers *workers, GError **error);

/** Returns: (transfer none) */
FerryQueue *ferry_engine_get_queue (FerryEngine *self);
FerryStore *ferry_engine_get_store (FerryEngine *self);
FerryPolicy *ferry_engine_get_policy (FerryEngine *self);
FerryClock *ferry_engine_get_clock (FerryEngine *self);
FerryNetwork *ferry_engine_get_network (FerryEngine *self);
FerryWorkers *ferry_engine_get_workers (FerryEngine *self);
FerryServiceTime *ferry_engine_get_service_time (FerryEngine *self);

/** Wall µs when inactivity will cancel @job, 0 when it is final. */
gint64 ferry_engine_get_expiration (FerryEngine *self, FerryJob *job);

/**
 * ferry_engine_check_limits:
 * @new_job: whether @job is not in the queue yet
 * @n_files: files to be added
 * @most_ranges: the largest number of ranges of one of them
 *
 * Would the four limits hold? Errors: TooManyJobsPerUser, TooManyJobsPerMachine, TooManyFilesInJob,
 * TooManyRangesInFile; the text names the limit, its value, its source and the caller's jobs by state. Exempt jobs and
 * uid 0 always pass (the caller sets FerryJob.exempt for root, and for who holds exceed-limits).
 */
gboolean ferry_engine_check_limits (FerryEngine *self, FerryJob *job, gboolean new_job,
                                    guint n_files, guint most_ranges, GError **error);

/**
 * ferry_engine_submit_async:
 * @job: not in the queue yet, its properties set
 * @files: (nullable) (element-type FerryFile) (transfer full): files to add, checked by the owner's worker
 * @pid: process of the caller, 0 when not known
 * @resume: whether to resume it
 *
 * CreateJob and SubmitJob, all or nothing. Checks the limits once more. Errors: the limits, TooManyFiles (of an upload),
 * NoFileAccess, TargetExists, WorkerFailed, StoreFailed.
 */
void ferry_engine_submit_async (FerryEngine *self, FerryJob *job, GPtrArray *files, pid_t pid,
                                gboolean resume, GAsyncReadyCallback callback, gpointer user_data);
gboolean ferry_engine_submit_finish (FerryEngine *self, GAsyncResult *result, GError **error);

/** AddFile and AddFiles, all or nothing. Finish gives the first index, -1 with @error. */
void ferry_engine_add_files_async (FerryEngine *self, FerryJob *job, GPtrArray *files, pid_t pid,
                                   GAsyncReadyCallback callback, gpointer user_data);
gint64 ferry_engine_add_files_finish (FerryEngine *self, GAsyncResult *result, GError **error);

/** What an upload holds at a server is cancelled there. Errors: InvalidState (final; that file transfers); InvalidArgs-like G_DBUS_ERROR_INVALID_ARGS for a wrong index. */
gboolean ferry_engine_remove_file (FerryEngine *self, FerryJob *job, guint index, GError **error);

/** @url was checked. Goes on at the same offset if validator and size agree (the worker sees to that). An upload starts over
 * at its new URL; InvalidState when it is all there. */
gboolean ferry_engine_set_remote_url (FerryEngine *self, FerryJob *job, guint index,
                                      const char *url, GError **error);

gboolean ferry_engine_resume (FerryEngine *self, FerryJob *job, GError **error);

/** Suspends; finishes when the state is durable and what was fetched up to now has a checkpoint, or when 10 s have
 * passed without one. */
void ferry_engine_suspend_async (FerryEngine *self, FerryJob *job, GAsyncReadyCallback callback,
                                 gpointer user_data);
gboolean ferry_engine_suspend_finish (FerryEngine *self, GAsyncResult *result, GError **error);

/** Cancels; finishes when it is durable and the files are removed, or when their removal is durably noted and 10 s have passed. @reason: (nullable): the Error that tells who did it when not the owner */
void ferry_engine_cancel_async (FerryEngine *self, FerryJob *job, FerryFailure *reason,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean ferry_engine_cancel_finish (FerryEngine *self, GAsyncResult *result, GError **error);

void ferry_engine_complete_async (FerryEngine *self, FerryJob *job, GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean ferry_engine_complete_finish (FerryEngine *self, GAsyncResult *result, guint *published,
                                       guint *discarded, GError **error);

/** SetFileValid. Errors: InvalidState when that file is not transferred, G_DBUS_ERROR_INVALID_ARGS for a wrong index. */
gboolean ferry_engine_set_file_valid (FerryEngine *self, FerryJob *job, guint index, gboolean valid,
                                      GError **error);

/**
 * ferry_engine_set_reply_path_async:
 * @path: checked, absolute; "" = none
 * @pid: process of the caller, 0 when not known
 *
 * ReplyPath of an upload-reply that is in the queue; finishes when the owner's worker has checked it and it is durable.
 * Errors: InvalidState (the reply has begun to come), NoFileAccess, TargetExists, WorkerFailed, StoreFailed.
 */
void ferry_engine_set_reply_path_async (FerryEngine *self, FerryJob *job, const char *path,
                                        pid_t pid, GAsyncReadyCallback callback,
                                        gpointer user_data);
gboolean ferry_engine_set_reply_path_finish (FerryEngine *self, GAsyncResult *result,
                                             GError **error);

/** GetReplyData: the whole reply. Errors: InvalidState, ReplyTooLarge, what the worker says of the file, WorkerFailed. */
void ferry_engine_read_reply_async (FerryEngine *self, FerryJob *job, GAsyncReadyCallback callback,
                                    gpointer user_data);
/** Returns: (transfer full) (nullable) */
GBytes *ferry_engine_read_reply_finish (FerryEngine *self, GAsyncResult *result, GError **error);

/** @headers: checked "Name: value" lines; empty = none (then it no longer waits for `credentials`). */
void ferry_engine_set_secret_headers (FerryEngine *self, FerryJob *job, const char *const *headers);

/** @credential: (transfer full) */
void ferry_engine_set_credential (FerryEngine *self, FerryJob *job, FerryCredential *credential);
/** Nothing happens when there is none. */
void ferry_engine_remove_credential (FerryEngine *self, FerryJob *job, FerryCredentialTarget target,
                                     FerryCredentialScheme scheme);

/** @agents: (nullable): who is asked for what jobs do not have; before, nobody is. A reference is taken. */
void ferry_engine_set_agents (FerryEngine *self, FerryAgents *agents);

/** A property was set by the owner (fields are written already): stores, reschedules, counts as activity. */
void ferry_engine_job_edited (FerryEngine *self, FerryJob *job);

/** TakeOwnership: authorized; finishes when durable. Errors: NoFileAccess, TargetExists, limits, InvalidState, WorkerFailed. */
void ferry_engine_take_async (FerryEngine *self, FerryJob *job, uid_t uid, const char *user_name,
                              gboolean exempt, GAsyncReadyCallback callback, gpointer user_data);
gboolean ferry_engine_take_finish (FerryEngine *self, GAsyncResult *result, GError **error);

/**
 * ferry_engine_pause_async:
 *
 * Before the machine sleeps or goes down: running jobs are queued again, with a checkpoint, and none runs until
 * ferry_engine_go_on(). Finishes when no file is being fetched or published and all is durable, however long that takes
 * (who asks has a limit of his own), or at ferry_engine_go_on(). Errors: StoreFailed, G_IO_ERROR_CANCELLED (it goes on).
 */
void ferry_engine_pause_async (FerryEngine *self, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
gboolean ferry_engine_pause_finish (FerryEngine *self, GAsyncResult *result, GError **error);

/** Ends a pause, if there is one. The time that it took does not count for NoProgressTimeout. */
void ferry_engine_go_on (FerryEngine *self);

/** Whether ferryd may exit for now: nothing queued, running or waiting for a time or an event, no secret held, and no job
 * about to be cancelled for inactivity. */
gboolean ferry_engine_is_idle (FerryEngine *self);

/** Whether a job is connecting or transferring. */
gboolean ferry_engine_is_running (FerryEngine *self);

/** Whether something is being done right now, with or without a worker. */
gboolean ferry_engine_is_busy (FerryEngine *self);

/** Stops all attempts with a checkpoint (bounded by @timeout s) for an orderly exit; blocks in a nested loop. */
void ferry_engine_shutdown (FerryEngine *self, guint timeout);

G_END_DECLS
