/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the engine share: ferry-engine.c (construction, the owner's simple orders), ferry-submit.c
 * (new jobs and files), ferry-unstored.c, ferry-turns.c (who runs), ferry-attempts.c (what workers report), ferry-trouble.c
 * (failures and retries), ferry-asking.c (credentials of agents), ferry-complete.c (publication), ferry-cancel.c, ferry-suspend.c, ferry-pause.c, ferry-owners.c,
 * ferry-duties.c (removal of files, cancellation of uploads), ferry-deadlines.c (timers), ferry-take.c, ferry-record.c (the
 * journal), ferry-upload.c, ferry-reply.c, ferry-request.c (what is the same of all requests). */

#pragma once

#include "ferry-engine.h"

#include "ferry-event.h"
#include "ferry-service-time.h"

G_BEGIN_DECLS

/* Seconds for an answer of a worker about files. A check of a target is bounded to 10 s by the worker itself. */
#define FERRY_CHECK_TIMEOUT   15
#define FERRY_PUBLISH_TIMEOUT 120
#define FERRY_REMOVE_TIMEOUT  30
#define FERRY_CANCEL_TIMEOUT  90
#define FERRY_READ_TIMEOUT    30

/* Bytes for an entry of the users' directory. */
#define FERRY_PASSWD_MAX (16 * 1024)

/* How long Cancel and Complete wait for files to be removed before they answer: the removal is durably
 * noted and goes on. */
#define FERRY_REMOVE_PATIENCE (10 * G_USEC_PER_SEC)

/* Final jobs of one user that are kept, the newest; as long as policy's retention says at the most. */
#define FERRY_MAX_FINAL_JOBS 1000

/* How long Suspend waits for the checkpoint before it answers. */
#define FERRY_CHECKPOINT_PATIENCE (10 * G_USEC_PER_SEC)

/* A worker that does not answer "stop" in this time hangs. */
#define FERRY_STOP_PATIENCE (20 * G_USEC_PER_SEC)

struct _FerryEngine
{
  GObject parent_instance;

  FerryClock *clock;              /* (owned) */
  FerryNetwork *network;          /* (owned) */
  FerryStore *store;              /* (owned) */
  FerryPolicy *policy;            /* (owned) */
  FerryWorkers *workers;          /* (owned) */
  FerryAgents *agents;            /* (owned) (nullable) */
  FerryQueue *queue;              /* (owned) */
  FerryServiceTime *service_time; /* (owned) */

  GHashTable *
      live; /* (owned) (element-type FerryJob): queued, active or transient-error; unowned, in the queue */
  GHashTable *attempts;      /* (owned) (element-type guint64 FerryAttempt) */
  GHashTable *last_attempts; /* (owned) (element-type guint guint): by uid, how many there were */

  GHashTable *askings;     /* (owned) (element-type FerryJob Asking): of ferry-asking.c */
  GHashTable *completions; /* (owned) (element-type FerryJob FerryCompletion) */
  GHashTable
      *turn_ends; /* (owned) (element-type FerryJob gint64): boot µs of the end of the last turn */
  GHashTable *served;    /* (owned) (element-type guint gint64): µs by uid */
  gint64 last_plan;      /* boot µs */
  GPtrArray *duties;     /* (owned) (element-type FerryDutyRun) */
  GPtrArray *suspends;   /* (owned) (element-type Suspend): calls that wait for a checkpoint */
  GPtrArray *duty_waits; /* (owned) (element-type DutyWait) */
  GPtrArray *pauses;     /* (owned) (element-type GTask): calls that wait until all is quiet */
  GHashTable *running;   /* (owned) (element-type FerryJob): active jobs; unowned, in the queue */
  gint64 paused_since;   /* boot µs, 0 = no pause */
  GHashTable
      *budgets; /* (owned) (element-type guint Budget): by uid, what it may tell the journal */

  gboolean network_available; /* when the network last told of a change */

  guint reschedule_source;
  guint turn_timer;
  guint live_timer;
  guint slow_timer;
  gint64 slow_deadline; /* boot µs, 0 = none */
  guint stop_timer;
  gboolean shutting_down;
};

/**
 * FerryAttempt: one "start" that a worker has not ended yet.
 */
typedef struct
{
  guint64 id;
  FerryJob *job;        /* (owned) */
  FerryWorkers *held;   /* (owned) (nullable): @uid's worker is held there until it has stopped */
  guint index;          /* of the file; the file may be gone from the job */
  uid_t uid;            /* whose worker runs it: the owner when it began */
  gboolean small;       /* known to be small, so that others may run beside it */
  gint64 stop_deadline; /* awake µs, 0 = not stopping: who sleeps does not hang */
  guint64 rate_bytes;   /* bytes at @rate_time */
  gint64 rate_time;     /* boot µs */
  guint64 most_kept;    /* of the file when the attempt began */
  gboolean forgiven; /* the owner resumed the job after it was told to stop: it may be sent again */
  guint
      confirmations; /* records that are to be confirmed: 1 waits for a commit, 2 and for another one */
} FerryAttempt;

/**
 * FerryDutyRun: a duty and how far it is.
 */
typedef struct
{
  FerryEngine *engine;   /* (unowned): owns us; %NULL once it let go */
  FerryDuty *duty;       /* (owned) */
  char *job_id;          /* (owned) (nullable): of this run of ferryd; who waits asks by it */
  guint64 attempt;       /* that must end first, 0 = none */
  guint64 reply_attempt; /* the same */
  gint64 delay;          /* µs before the next try, when the last one failed */
  guint timer;
  gboolean under_way;
} FerryDutyRun;

/* == ferry-engine.c == */
gint64 ferry_engine_now (FerryEngine *self); /* boot µs */
/** Progress or change: moves the inactivity deadline; the caller touches. */
void ferry_engine_note_activity (FerryEngine *self, FerryJob *job);
/** Applies an event that the engine knows to be possible; keeps times of the states. */
void ferry_engine_move (FerryEngine *self, FerryJob *job, FerryJobEvent event);
/** Runs @func in the turn after the commit, unless the store fails. */
void ferry_engine_emit_after_commit (FerryEngine *self, FerryJob *job, const char *signal,
                                     gint64 index, const char *reason);
/** Errors for operations on a job that is final or being completed. */
gboolean ferry_engine_check_open (FerryEngine *self, FerryJob *job, GError **error);
/** A GTask that returns TRUE, or StoreFailed, after the commit. */
void ferry_engine_return_after_commit (FerryEngine *self, GTask *task);
/** A file starts over: bytes dropped, counted, told (of a reply nobody hears). Touches. */
void ferry_engine_restart_file (FerryEngine *self, FerryJob *job, FerryFile *file,
                                const char *reason);

/* == ferry-unstored.c == */
/** No attempt on @file begins before what was noted up to now is durable: a temporary file that nobody knows of after a
 * crash would stay for ever. */
void ferry_engine_hold_file (FerryEngine *self, FerryJob *job, FerryFile *file);
/** Gives @file another temporary name, and holds it. */
void ferry_engine_rename_file (FerryEngine *self, FerryJob *job, FerryFile *file);

/* == ferry-turns.c == */
/** Plans anew, later in this turn. */
void ferry_engine_reschedule (FerryEngine *self);
/** Starts what may be started of a job that has its turn. May end the turn. */
void ferry_engine_feed (FerryEngine *self, FerryJob *job);
/** Orders all attempts of @job to stop. Returns: whether there are any */
gboolean ferry_engine_stop_attempts (FerryEngine *self, FerryJob *job);
void ferry_engine_clear_turns (FerryEngine *self);
/** Plans at once; in a pause that ends all turns. */
void ferry_engine_end_turns (FerryEngine *self);
/** Returns: (transfer full) (element-type FerryJob): the live jobs, for loops that may change them */
GPtrArray *ferry_engine_list_live (FerryEngine *self);

/* == ferry-owners.c == */
/** Removes the jobs of users who are gone, or whose uid is somebody else's now. Asks the system's directory of users. */
void ferry_engine_check_owners (FerryEngine *self);

/* == ferry-suspend.c == */
/** The state and the order to stop, without waiting for either. */
gboolean ferry_engine_suspend_now (FerryEngine *self, FerryJob *job, GError **error);
/** An attempt of @job ended; a Suspend may wait for that. */
void ferry_engine_suspend_attempt_ended (FerryEngine *self, FerryJob *job);
/** All that wait are answered (the engine goes, or the model is read anew). */
void ferry_engine_clear_suspends (FerryEngine *self);

/* == ferry-resume.c == */
/** The same as Resume, without the owner's word: what must not be sent twice is not. */
gboolean ferry_engine_resume_by_itself (FerryEngine *self, FerryJob *job, GError **error);

/* == ferry-pause.c == */
/** An attempt or a publication ended; a pause may wait for that. */
void ferry_engine_check_pauses (FerryEngine *self);
/** All that wait for a pause are answered (the engine goes, or goes on). */
void ferry_engine_clear_pauses (FerryEngine *self);

/* == ferry-record.c == */
void ferry_engine_record_created (FerryEngine *self, FerryJob *job);
/** @event changed @job's state, and its error is set. */
void ferry_engine_record_move (FerryEngine *self, FerryJob *job, FerryJobEvent event);
/** @job goes because its owner has gone. */
void ferry_engine_record_orphan (FerryEngine *self, FerryJob *job);
/** @job belonged to @former before. */
void ferry_engine_record_taken (FerryEngine *self, FerryJob *job, uid_t former);
/** @reason: as in FileRestarted */
void ferry_engine_record_restart (FerryEngine *self, FerryJob *job, guint index,
                                  const char *reason);

/* == ferry-attempts.c == */
FerryAttempt *ferry_engine_add_attempt (FerryEngine *self, FerryJob *job, FerryFile *file);
guint ferry_engine_count_attempts (FerryEngine *self, uid_t uid);
void ferry_engine_worker_message_cb (FerryWorkers *workers, guint uid, const char *kind,
                                     GVariant *arguments, gpointer data);
void ferry_engine_worker_up_cb (FerryWorkers *workers, guint uid, gpointer data);
void ferry_engine_worker_down_cb (FerryWorkers *workers, guint uid, const char *reason,
                                  gpointer data);
void ferry_attempt_free (gpointer attempt);

/* == ferry-trouble.c == */
/**
 * ferry_engine_fail_transient:
 * @failure: (transfer full) (nullable): %NULL when only a condition (@wait_reason) is not met, or when the failure
 *   was told before and the job has drained now
 * @new_bytes: whether the attempt made progress that was kept
 * @retry_after: s that the server asked for, 0 = none
 * @wait_reason: (nullable): word of the worker
 */
void ferry_engine_fail_transient (FerryEngine *self, FerryJob *job, FerryFailure *failure,
                                  gboolean new_bytes, guint32 retry_after, const char *wait_reason);
/** The job becomes `error`. @failure (transfer full) */
void ferry_engine_fail (FerryEngine *self, FerryJob *job, FerryFailure *failure);
/** Whether @job's next pending file can be reached over the network there is. */
gboolean ferry_engine_can_reach (FerryEngine *self, FerryJob *job);
void ferry_engine_network_changed_cb (FerryNetwork *network, gpointer data);
/** New bytes are durable: the failures before are forgotten. */
void ferry_engine_note_progress (FerryEngine *self, FerryJob *job);

/* == ferry-asking.c == */
/** Whether the job waits for its owner's agents now because of the `Challenge` of a "failed" report, instead of failing. */
gboolean ferry_engine_take_challenge (FerryEngine *self, FerryJob *job, GVariant *arguments,
                                      const FerryFailure *failure);
/** What the owner gave was refused, by @failure of @file: the files that wait for the same server fail alike, untried. */
void ferry_engine_refuse_alike (FerryJob *job, FerryFile *file, const FerryFailure *failure);

/** The server gave or took something. */
void ferry_engine_note_accepted (FerryEngine *self, FerryJob *job);
/** @job's state changed. */
void ferry_engine_asking_moved (FerryEngine *self, FerryJob *job);
/** Returns: whether an agent is being asked for what @job wants */
gboolean ferry_engine_is_asking (FerryEngine *self, FerryJob *job);
/** Resumes @job if it failed for want of credentials, now that there may be some. */
void ferry_engine_resume_with_login (FerryEngine *self, FerryJob *job);
void ferry_engine_asking_free (gpointer asking);

/* == ferry-deadlines.c == */
void ferry_engine_arm_deadlines (FerryEngine *self);
void ferry_engine_note_slow_deadline (FerryEngine *self, FerryJob *job);
void ferry_engine_rescan_deadlines (FerryEngine *self);
void ferry_engine_trim_final_jobs (FerryEngine *self, uid_t uid);

/** Whether @job may be cancelled for inactivity before long, if ferryd stays: one that exits as idle and comes back for a
 * moment once a day would never be there for as long as it takes. */
gboolean ferry_engine_expires_soon (FerryEngine *self, FerryJob *job);

void ferry_engine_clear_deadlines (FerryEngine *self);
void ferry_engine_start_active_time (FerryEngine *self, FerryJob *job);
void ferry_engine_stop_active_time (FerryEngine *self, FerryJob *job);

/* == ferry-complete.c == */
/** All files are there: transferred, or published with AutoComplete. */
void ferry_engine_finish (FerryEngine *self, FerryJob *job);
/** Publishes a transferred job that is to complete itself and has not begun to; others are left alone. */
void ferry_engine_complete_automatically (FerryEngine *self, FerryJob *job);
/** Goes on with a publication that a crash interrupted. */
void ferry_engine_continue_completion (FerryEngine *self, FerryJob *job);
/** An attempt of @job ended; a Complete may wait for that. */
void ferry_engine_completion_attempt_ended (FerryEngine *self, FerryJob *job);
void ferry_completion_free (gpointer completion);
gboolean ferry_engine_is_completing (FerryEngine *self, FerryJob *job);

/* == ferry-upload.c == */
/** Takes over what a report says of the protocol that an upload settled on, or did not settle on after all. Touches. */
void ferry_engine_take_upload_protocol (FerryEngine *self, FerryJob *job, GVariant *arguments);
/** Tells the worker "stored" once all that was noted up to now is durable, if the attempt still runs then. */
void ferry_engine_confirm_record (FerryEngine *self, FerryAttempt *attempt);
/** An upload with a reply is done. Returns: whether it says where the reply is; else the file has failed. Touches the reply */
gboolean ferry_engine_take_reply_url (FerryEngine *self, FerryJob *job, GVariant *arguments);
/** The reply is whole: the session of the upload is closed. Touches. */
void ferry_engine_reply_done (FerryEngine *self, FerryJob *job);
/** Returns: (transfer floating): the arguments of "start-upload" */
GVariant *ferry_engine_get_upload_arguments (FerryEngine *self, FerryJob *job, FerryFile *file,
                                             guint64 attempt);
/** Returns: (transfer floating): `Upload` of the "start" of a reply */
GVariant *ferry_engine_get_upload_of_reply (FerryJob *job);
/** Whether the upload is all there, so that its reply can be fetched. */
gboolean ferry_engine_may_start_reply (FerryJob *job, FerryFile *reply);
/** Whether @job sends a file in a way that begins again at 0 after each stop. */
gboolean ferry_engine_is_fragile (FerryJob *job);
/** Notes that the server of an upload is to be told that nobody wants the rest, when it may hold something. Download: nothing. */
void ferry_engine_abandon_upload (FerryEngine *self, FerryJob *job);
/** An upload starts over with nothing settled, at its new URL or for its new owner. Touches. */
void ferry_engine_restart_upload (FerryEngine *self, FerryJob *job, FerryFile *source);
/** SetRemoteUrl of an upload. Errors: InvalidState when it is all there. */
gboolean ferry_engine_change_upload_url (FerryEngine *self, FerryJob *job, FerryFile *source,
                                         const char *url, GError **error);

/* == ferry-request.c == */
/** How requests of a job are sent, but for its secrets, into @dict. */
void ferry_engine_add_request (FerryEngine *self, GVariantDict *dict, FerryJob *job);
/** What "start" and "start-upload" have in common, into @dict. */
void ferry_engine_add_start (FerryEngine *self, GVariantDict *dict, FerryJob *job, FerryFile *file,
                             guint64 attempt);
/** The URL of @file becomes the one that a report has as @key. Returns: whether a worker can be sent there; else nothing is
 * changed */
gboolean ferry_engine_take_claimed_url (FerryFile *file, GVariant *arguments, const char *key);
/** Whether both URLs have the same scheme, host and port; never when one is malformed. */
gboolean ferry_engine_is_same_origin (const char *a, const char *b);

/** With RedirectPolicy `report` the URL of a file that is done becomes the one at which it was found; not at another origin when
 * the job has secrets, which would go there. */
void ferry_engine_take_final_url (FerryJob *job, FerryFile *file, GVariant *arguments);

/* == ferry-reply.c == */
/** @source: (nullable): what is sent. Returns: (transfer full): the reply of @job, to go to its ReplyPath or, without one,
 * to lie beside the source */
FerryFile *ferry_engine_new_reply (FerryJob *job, const FerryFile *source);

/* == ferry-duties.c == */
/** Notes that what was fetched of @file is to be removed (durably, with this turn's commit), and does it. The source of an
 * upload is nobody's to remove: nothing happens. */
void ferry_engine_drop_file (FerryEngine *self, FerryJob *job, FerryFile *file);
/** Notes @duty (transfer full), a CANCEL_UPLOAD, and does it when both attempts (0 = none) have ended: the one on the upload,
 * whose reports tell how far it came, and the one on its reply. */
void ferry_engine_add_cancellation (FerryEngine *self, FerryDuty *duty, guint64 attempt,
                                    guint64 reply_attempt);
/** The network is back: what failed is tried again at once. */
void ferry_engine_retry_cancellations (FerryEngine *self);
/** A report of an attempt, also on files that are gone: it may tell how to cancel the upload. */
void ferry_engine_duty_note_report (FerryEngine *self, guint64 attempt, GVariant *arguments);
/** Calls @func once the files of @job_id are removed (which implies the commit), or patience ends, or the commit fails. */
void ferry_engine_after_duties (FerryEngine *self, const char *job_id, FerryStoreFunc func,
                                gpointer user_data);
/** Duties read from the store; takes them. */
void ferry_engine_load_duties (FerryEngine *self, GPtrArray *duties);
/** An attempt ended: a duty may wait for that. */
void ferry_engine_duty_attempt_ended (FerryEngine *self, guint64 attempt);
void ferry_duty_run_free (gpointer run);
void ferry_engine_clear_duties (FerryEngine *self);

G_END_DECLS
