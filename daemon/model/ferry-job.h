/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A job: owner, properties, files, counters. No I/O, no D-Bus, no SQL. */

#pragma once

#include "ferry-file.h"
#include "ferry-job-state.h"
#include "ferry-secrets.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_DISPLAY_NAME_MAX   256  /* characters */
#define FERRY_DESCRIPTION_MAX    1024 /* characters */
#define FERRY_APPLICATION_ID_MAX 256  /* characters */

#define FERRY_DEFAULT_RETRY_DELAY           600     /* s */
#define FERRY_MINIMUM_RETRY_DELAY           5       /* s */
#define FERRY_DEFAULT_NO_PROGRESS           1209600 /* s */
#define FERRY_DEFAULT_NOTIFICATION_INTERVAL 500     /* ms */

/**
 * FerryChange:
 * @FERRY_CHANGE_PROGRESS: counters that need not survive a crash
 * @FERRY_CHANGE_JOB: the job's own stored fields
 * @FERRY_CHANGE_FILES: at least one file (see FerryJob.dirty_files)
 * @FERRY_CHANGE_STATE: its state (told to subscribers at once); comes with CHANGE_JOB when it is to be stored
 * @FERRY_CHANGE_SETTINGS: properties that the owner sets; comes with CHANGE_JOB
 *
 * What ferry_job_touch() tells; JOB and FILES are written to the store in the commit of this turn.
 */
typedef enum
{
  FERRY_CHANGE_PROGRESS = 1 << 0,
  FERRY_CHANGE_JOB = 1 << 1,
  FERRY_CHANGE_FILES = 1 << 2,
  FERRY_CHANGE_STATE = 1 << 3,
  FERRY_CHANGE_SETTINGS = 1 << 4,
} FerryChange;

/* In which of the queue's counts a job is. */
typedef enum
{
  FERRY_JOB_COUNT_NONE,
  FERRY_JOB_COUNT_LIMITED, /* held against the limits */
  FERRY_JOB_COUNT_FINAL,
} FerryJobCount;

#define FERRY_TYPE_JOB (ferry_job_get_type ())
G_DECLARE_FINAL_TYPE (FerryJob, ferry_job, FERRY, JOB, GObject)

/**
 * FerryJob:
 *
 * The fields may be read anywhere in ferryd. They are written by the functions below, the property table
 * of the bus, the engine and the store's loader, each of which calls ferry_job_touch() after;
 * @state only by ferry_job_apply().
 *
 * Service time is a clock of ours that survives restarts (engine/ferry-service-time.h), µs.
 *
 * Signal "changed" (guint FerryChange).
 */
struct _FerryJob
{
  GObject parent_instance;

  char *id; /* (owned): 32 lowercase hex digits */
  uid_t owner;
  char *owner_name; /* (owned): user name when the job was made */
  guint64 sequence; /* order of creation, given by the queue */
  FerryJobType type;
  FerryJobState state;

  /* properties that the owner sets */
  char *display_name;   /* (owned) */
  char *description;    /* (owned) */
  char *application_id; /* (owned) */
  FerryPriority priority;
  guint32 minimum_retry_delay;   /* s */
  guint32 no_progress_timeout;   /* s, 0 = the first error is final */
  guint32 maximum_download_time; /* s, 0 = policy */
  guint32 notification_interval; /* ms */
  gboolean auto_complete;
  guint64 maximum_download_size; /* bytes, 0 = none */
  char **request_headers;        /* (owned): "Name: value" */
  FerryProxyUsage proxy_usage;
  char *proxy_uri;     /* (owned): "" = none */
  char **proxy_bypass; /* (owned) */
  guint tls_flags;    /* bits (1 << FerryTlsFlag) that it asks for; policy says which of them act */
  char **server_pins; /* (owned): "sha256:<lowercase hex>" */
  FerryRedirectPolicy redirect_policy;
  char *
      http_method; /* (owned): "" = what the type has: GET, or as the protocol of the upload says */
  char *client_certificate; /* (owned) (type filename): path, or URI of PKCS #11; "" = none */
  FerryUploadProtocol upload_protocol;
  char *reply_path; /* (owned) (type filename): of an upload-reply, "" = none */

  /* secrets: never stored, never read back */
  FerrySecrets *secrets; /* (owned) (nullable): %NULL = none */
  gboolean had_secrets;  /* stored: it once had some; without them now it waits for its owner */

  gboolean exempt;     /* made under exceed-limits: held by no limit, counts in none */
  gboolean completing; /* journal: publication has begun and goes on after a crash */

  /* what happened */
  gint64 creation_time;            /* wall µs */
  gint64 modification_time;        /* wall µs */
  gint64 transfer_completion_time; /* wall µs, 0 = not yet */
  gint64 final_time;               /* wall µs of the final state, 0 = not final */
  gint64 activity_time;            /* service time of the last progress or change */
  gint64
      no_progress_since; /* service time of the first failure in a row without progress, -1 = none */
  gint64 active_time;    /* µs spent connecting or transferring since the last Resume */
  guint error_count;
  guint failures;                               /* in a row without new bytes */
  FerryUploadProtocol resolved_upload_protocol; /* what an upload settled on, AUTO = not yet */
  gboolean resumable;  /* of an upload: whether that protocol can go on after a break */
  FerryFailure *error; /* (owned) (nullable) */

  GPtrArray *
      files; /* (owned) (element-type FerryFile): by index, ascending; the reply of an upload is one */
  guint next_index;

  /* of this run of ferryd only */
  FerryJobCount count; /* the queue's */
  guint
      wait_reasons; /* bit (1 << FerryWaitReason): what the engine says it waits for beyond its state */
  gint64 next_attempt;      /* boot time, 0 = none */
  gint64 next_attempt_wall; /* wall µs as shown, 0 = none; stored, so that a restart keeps it */
  gint64 turn_start;        /* boot time of the start of its turn, while it is active */
  gint64 slice;             /* µs that its turn lasts, 0 = the usual time */
  gboolean draining;        /* a file failed for now: no other is started until the retry */
  gboolean
      leaving; /* its turn is over, but for what must not be stopped: no other file is started */
  guint transient_reasons; /* wait_reasons of the transient error that it drains for */
  gint64 active_since;     /* boot time since when @active_time runs, 0 = not running */
  guint64 transfer_rate;   /* bytes a second, smoothed, as of @rate_time */
  gint64 rate_time;        /* boot time */
  GHashTable
      *dirty_files; /* (owned) (nullable) (element-type FerryFile): set; emptied by the store */
  gboolean dirty;   /* its own row is to be written */
};

/**
 * ferry_job_new:
 *
 * Returns: (transfer full): a suspended job with a random id and default properties
 */
FerryJob *ferry_job_new (FerryJobType type, uid_t owner, const char *owner_name);

/** For the store: the same with a known id (copied). */
FerryJob *ferry_job_new_with_id (const char *id, FerryJobType type, uid_t owner,
                                 const char *owner_name);

/** Returns: whether @id has the form of a job id */
gboolean ferry_job_id_is_valid (const char *id);

/**
 * ferry_job_apply:
 *
 * The one door to @state. Touches the job when the state changes.
 *
 * Returns: %FALSE with InvalidState when @event cannot happen now; nothing has changed then
 */
gboolean ferry_job_apply (FerryJob *self, FerryJobEvent event, GError **error);

/** Emits "changed". JOB and FILES also mark what the store has to write. */
void ferry_job_touch (FerryJob *self, FerryChange change);

/** Marks @file to be stored and touches with FILES | @more. */
void ferry_job_touch_file (FerryJob *self, FerryFile *file, FerryChange more);

/** Adds @file (transfer full) behind the others and gives it its index. */
void ferry_job_add_file (FerryJob *self, FerryFile *file);

/** Adds @file (transfer full) as the reply to the job's upload. It takes no index from the others. */
void ferry_job_add_reply (FerryJob *self, FerryFile *file);

/** For the store's loader: @file (transfer full) keeps its index; comes in ascending order. */
void ferry_job_load_file (FerryJob *self, FerryFile *file);

/** Returns: (transfer none) (nullable) */
FerryFile *ferry_job_get_file (FerryJob *self, guint index);

/** Returns: (transfer full): the file, taken out of the job */
FerryFile *ferry_job_steal_file (FerryJob *self, guint index);

/** Replaces the job's error (transfer full, nullable). Does not touch. */
void ferry_job_set_error (FerryJob *self, FerryFailure *failure);

/** Whether it sends a file. */
gboolean ferry_job_is_upload (FerryJob *self);

/** Returns: (transfer none) (nullable): the method that HttpMethod asks for, %NULL when that is what the job has anyway */
const char *ferry_job_get_method (FerryJob *self);

/** Whether its requests must not be sent again when nobody knows what became of the first. */
gboolean ferry_job_asks_once (FerryJob *self);

/** Returns: (transfer none) (nullable): the file that an upload sends */
FerryFile *ferry_job_get_source (FerryJob *self);

/** Returns: (transfer none) (nullable): the reply to it */
FerryFile *ferry_job_get_reply (FerryJob *self);

/** Nothing is settled of how the upload is sent. Does not touch. */
void ferry_job_unsettle (FerryJob *self);

/** Files that the owner added, the reply not counted. */
guint ferry_job_count_files (FerryJob *self);

/** Sums over those; FERRY_SIZE_UNKNOWN while any file's size is unknown. */
guint64 ferry_job_get_bytes_total (FerryJob *self);
guint64 ferry_job_get_bytes_transferred (FerryJob *self);
guint ferry_job_get_files_transferred (FerryJob *self);

/** Returns: bytes a second at boot time @now: 0 when it does not run, or nothing came for 3 s */
guint64 ferry_job_get_transfer_rate (FerryJob *self, gint64 now);

/** Returns: whether it has files and all, a reply too, are transferred or published */
gboolean ferry_job_is_whole (FerryJob *self);

/** Returns: whether a file is being worked on by a worker */
gboolean ferry_job_has_attempts (FerryJob *self);

/** Returns: whether a file is being worked on that was not told to stop */
gboolean ferry_job_has_running_attempts (FerryJob *self);

/** Returns: whether it had secrets that a restart took, and waits for its owner to set them again */
gboolean ferry_job_lacks_secrets (FerryJob *self);

/** Returns: whether it is in error because nobody gave credentials that its server or proxy takes */
gboolean ferry_job_lacks_login (FerryJob *self);

/** Returns: (transfer none): the job's secrets, to be filled; ferry_job_note_secrets() follows */
FerrySecrets *ferry_job_get_secrets (FerryJob *self);
/** Its secrets were changed: an empty set is none, and nothing to wait for. */
void ferry_job_note_secrets (FerryJob *self);

/** Returns: (transfer full): WaitReasons as words, in the order of the enumeration; empty while it moves */
char **ferry_job_get_wait_reasons (FerryJob *self);

G_END_DECLS
