/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An attempt's state, shared by its life (worker-attempt.c), its words (worker-report.c) and its
 * work (worker-fetch.c, worker-upload-run.c). */

#pragma once

#include "worker-attempt.h"
#include "worker-digest.h"
#include "worker-failure.h"
#include "worker-ranges.h"
#include "worker-request.h"
#include "worker-sink.h"
#include "worker-upload-record.h"

G_BEGIN_DECLS

/* At most one "progress" in this time, µs. */
#define WORKER_PROGRESS_INTERVAL (100 * 1000)

/* A body of this size or less is told of by "done" alone, if it is quick. */
#define WORKER_SMALL_BODY (256 * 1024)

struct _WorkerAttempt
{
  WorkerOrder *order;       /* (owned) */
  WorkerSessions *sessions; /* (unowned) */
  SoupSession *session;     /* (owned) */
  WorkerBuffers *buffers;   /* (unowned) */
  WorkerReportFunc report;
  gpointer data;             /* (unowned) */
  GCancellable *cancellable; /* (owned): cancelled by worker_attempt_stop(), or when @late is set */
  WorkerPulse pulse;
  const char *_Atomic late; /* (nullable): what the server is given up for */

  /* The sink, and the reports that tell of it, belong to whoever holds the lock:
   * worker_attempt_lock(). */
  GMutex sink_lock;
  _Atomic gint64 busy_since; /* monotonic µs when the file call under way began, 0 = none */
  _Atomic gboolean opening;
  WorkerSink *sink;    /* (owned) (nullable): %NULL before it is open and after the end */
  GVariant *left;      /* (owned): the `Resume` before it was open, and after the end */
  guint64 left_bytes;  /* durable bytes that @left tells of */
  WorkerMemory memory; /* (owned) */

  /* Of the attempt's thread alone. */
  WorkerRanges *ranges; /* (owned) */
  WorkerDigest *digest; /* (owned) (nullable) */
  GUri *home;           /* (owned) */
  GUri *last_uri;       /* (owned) (nullable): tried once before a restart drops bytes */
  char *final_url;      /* (owned) (nullable) */
  const char *
      pending_restart; /* (nullable): reason of the restart that waits for the trial of @last_uri */
  gboolean try_last;   /* the next request goes to @last_uri */
  gboolean plain;      /* the next request goes without If-Range */
  gboolean probing;    /* the next request is to prove the end of a chunked body */
  gboolean requested;  /* a request went out that can have no second one behind it */
  gboolean unproven;   /* nothing has proven yet that the body was whole */
  gboolean joined;     /* the bytes come from more than one answer */
  guint64 start_position;
  guint64 start_high_water;

  /* Of an upload, and of the reply to one. Under the lock too, as the sink is. */
  WorkerSource *source;       /* (owned) (nullable) */
  WorkerUploadRecord record;  /* (owned) */
  gboolean forgotten;         /* the upload starts anew: nothing of @record is told */
  gboolean explained;         /* @failure says what the error means */
  WorkerFailure failure;      /* */
  GUri *upload_home;          /* (owned) (nullable): whose secrets they are, when not @home's */
  _Atomic guint64 sent;       /* offset in the source of what went out last */
  _Atomic gint64 source_busy; /* the same as @busy_since, of calls on the source */

  GMutex stored_lock;
  GCond stored_changed;
  gboolean stored; /* ferryd has the last record; under @stored_lock */
  gboolean
      asked; /* what must not be sent twice went out, as far as anybody knows; under the lock */

  /* Under the lock too, since a checkpoint may be the first to tell of them. */
  guint status;            /* of the last answer, 0 = none */
  char **response_headers; /* (owned) (nullable) */
  GVariant *challenge;     /* (owned) (nullable): of the same answer */
  guint retry_after;       /* seconds */
  gboolean response_sent;
  gint64 last_progress;  /* monotonic, µs */
  guint64 told_position; /* of the last "progress" */
};

/* worker-attempt.c */

void worker_attempt_lock (WorkerAttempt *self);
void worker_attempt_unlock (WorkerAttempt *self);
/** Has ferryd store where we are, and waits until it is on disk. Returns: %FALSE with G_IO_ERROR_CANCELLED */
gboolean worker_attempt_store (WorkerAttempt *self, GError **error);

/* worker-once.c */

/** Whether the requests of @self must not be sent twice. */
gboolean worker_once_applies (WorkerAttempt *self);

/** `starting` of such a WorkerRequest. @data: the attempt */
gboolean worker_once_starting (gpointer data);

/** An answer to @message came: one that refuses was not carried out. With the lock held. */
void worker_once_note_answer_locked (WorkerAttempt *self, SoupMessage *message);

/** @failure is final, and says why, when nobody knows what became of the request. @message: (inout): the sentence, on the heap. With
 * the lock held. */
void worker_once_explain_locked (WorkerAttempt *self, WorkerFailure *failure, char **message);

/* worker-fetch.c */

/** Fetches until the file is whole, durable and right. */
gboolean worker_fetch_run (WorkerAttempt *self, GError **error);

/** (Re)starts the digest over what the sink holds; nothing to do without one. */
gboolean worker_fetch_start_digest (WorkerAttempt *self, GError **error);

/* worker-upload-run.c */

/** Sends until the server has all of the file, and its session is closed or the reply's address is known. */
gboolean worker_upload_run (WorkerAttempt *self, GError **error);

/** The reply is here: closes the session of the upload that it is of. */
gboolean worker_upload_close_reply (WorkerAttempt *self, GError **error);

/* worker-report.c: all with @sink_lock held */

/** Closes the sink; what it left is kept for the last report, which must not come before: with it
 * the file may get another attempt. */
void worker_report_close_locked (WorkerAttempt *self);

void worker_report_response (WorkerAttempt *self);
/** Keeps what the owner is told of the answer to @message. */
void worker_report_note_answer_locked (WorkerAttempt *self, SoupMessage *message);
/** Tells of @position when it is time to; sends "response" before the first one. */
void worker_report_progress (WorkerAttempt *self, guint64 position);
/** @confirm: the attempt waits for "stored" */
void worker_report_checkpoint_locked (WorkerAttempt *self, gboolean confirm);
/** The record of an upload. @confirm: "stored" is waited for */
void worker_report_record_locked (WorkerAttempt *self, gboolean confirm);
void worker_report_restarted_locked (WorkerAttempt *self, const char *reason);
void worker_report_done_locked (WorkerAttempt *self);
void worker_report_stopped_locked (WorkerAttempt *self);
void worker_report_new_name_locked (WorkerAttempt *self);
void worker_report_failed_locked (WorkerAttempt *self, const GError *error);

G_END_DECLS
