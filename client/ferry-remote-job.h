/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A job as the service tells of it: its path and its properties. */

#pragma once

#include "ferry-client.h"
#include "ferry-enums.h"

G_BEGIN_DECLS

/**
 * FerryRemoteJob:
 * @path: object path, the id is its last element
 * @id: id
 * @properties: what is known of the job, by property name
 */
typedef struct
{
  char *path;             /* (owned) */
  const char *id;         /* (in path) */
  GHashTable *properties; /* (owned) (element-type utf8 GVariant) */
} FerryRemoteJob;

/** Returns: (transfer full): a job without any property yet */
FerryRemoteJob *ferry_remote_job_new (const char *path);

void ferry_remote_job_free (FerryRemoteJob *self);

/** Takes over all of @properties, an a{sv}. */
void ferry_remote_job_update (FerryRemoteJob *self, GVariant *properties);

/** Returns: (transfer none): a string property as it came, "" when it is not there */
const char *ferry_remote_job_get_string (FerryRemoteJob *self, const char *name);

/** Returns: (transfer full): a string property that may be shown on a terminal */
char *ferry_remote_job_get_text (FerryRemoteJob *self, const char *name);

/** Returns: a property of type u or t, @fallback when it is not there */
guint64 ferry_remote_job_get_number (FerryRemoteJob *self, const char *name, guint64 fallback);

/** Returns: a boolean property, %FALSE when it is not there */
gboolean ferry_remote_job_get_boolean (FerryRemoteJob *self, const char *name);

/** Returns: the State; one that this program does not know counts as queued */
FerryJobState ferry_remote_job_get_state (FerryRemoteJob *self);

/** Returns: the Type; one that this program does not know counts as download */
FerryJobType ferry_remote_job_get_job_type (FerryRemoteJob *self);

/** Returns: whether the job sends a file */
gboolean ferry_remote_job_is_upload (FerryRemoteJob *self);

/** Returns: whether it is known of an upload that it cannot go on after a break, but starts over */
gboolean ferry_remote_job_starts_over (FerryRemoteJob *self);

/** Returns: whether the job is acknowledged or cancelled */
gboolean ferry_remote_job_is_final (FerryRemoteJob *self);

/** Returns: whether the job moves or will move without anybody's doing */
gboolean ferry_remote_job_is_alive (FerryRemoteJob *self);

/** Returns: whether one of its wait reasons is @reason */
gboolean ferry_remote_job_waits_for (FerryRemoteJob *self, FerryWaitReason reason);

/**
 * FerryOutcome:
 * @FERRY_OUTCOME_PENDING: not yet
 * @FERRY_OUTCOME_DONE: all is fetched or sent; with AutoComplete: handed over
 * @FERRY_OUTCOME_FAILED: failed or cancelled
 */
typedef enum
{
  FERRY_OUTCOME_PENDING,
  FERRY_OUTCOME_DONE,
  FERRY_OUTCOME_FAILED,
} FerryOutcome;

/**
 * ferry_remote_job_get_outcome:
 * @error: (out) (optional): set with %FERRY_OUTCOME_FAILED
 *
 * Returns: what has come of the job so far
 */
FerryOutcome ferry_remote_job_get_outcome (FerryRemoteJob *self, GError **error);

/** Returns: (transfer full) (nullable): the Error property as an error, %NULL when it is empty */
GError *ferry_remote_job_get_error (FerryRemoteJob *self);

/**
 * ferry_remote_job_load_failed_name:
 * @job: a job of the caller
 *
 * Returns: (transfer full) (nullable): the clean name of the file that the job's Error is about, %NULL when it is about
 *   none, when there is no other, or when the error's message names it
 */
char *ferry_remote_job_load_failed_name (FerryClient *client, FerryRemoteJob *job);

/** Puts the name of the file into the Error of @job, a job of the caller that failed. */
void ferry_remote_job_name_failure (FerryClient *client, FerryRemoteJob *job);

/** Returns: (transfer full): the same for any a{sv} that describes an error; @error may be %NULL */
GError *ferry_remote_error_new (GVariant *error);

/** Returns: (transfer full): the display name, cleaned; the id when it has none */
char *ferry_remote_job_get_label (FerryRemoteJob *self);

/** Returns: (transfer full) (nullable): the job at @path with all its properties */
FerryRemoteJob *ferry_remote_job_load (FerryClient *client, const char *path, GError **error);

/**
 * ferry_remote_jobs_load:
 *
 * Returns: (transfer full) (nullable) (element-type FerryRemoteJob): the caller's unfinished jobs, oldest first
 */
GPtrArray *ferry_remote_jobs_load (FerryClient *client, GError **error);

/**
 * ferry_remote_jobs_load_states:
 * @states: (nullable): a %NULL-terminated list of states; %NULL = all that are not final
 *
 * Returns: (transfer full) (nullable) (element-type FerryRemoteJob): the caller's jobs in @states, oldest first
 */
GPtrArray *ferry_remote_jobs_load_states (FerryClient *client, const char *const *states,
                                          GError **error);

/**
 * ferry_remote_jobs_load_foreign:
 * @filter: (nullable): an a{sv} of filters, consumed when floating
 *
 * Returns: (transfer full) (nullable) (element-type FerryRemoteJob): all users' jobs, with an `Owner` property
 */
GPtrArray *ferry_remote_jobs_load_foreign (FerryClient *client, GVariant *filter, GError **error);

/** Returns: (transfer full) (nullable): the aa{sv} of GetFiles for all files of the job at @path */
GVariant *ferry_remote_files_load (FerryClient *client, const char *path, GError **error);

/** Returns: (transfer full): an UnknownObject error's text for @word */
void ferry_remote_set_no_job (GError **error, const char *word);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryRemoteJob, ferry_remote_job_free)

G_END_DECLS
