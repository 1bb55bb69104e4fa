/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all ways to send a file have in common: the requests, the record, the errors; and what one of them is: five functions
 * (worker-upload-bits.c and the like). Blocks; in the attempt's thread. */

#pragma once

#include "worker-failure.h"
#include "worker-request.h"
#include "worker-upload-record.h"

G_BEGIN_DECLS

/* Restarts in a row, without a byte more than ever before, that are made. */
#define WORKER_UPLOAD_MAX_RESTARTS 3

/* Answers in a row that bring nothing, after which an attempt ends. */
#define WORKER_UPLOAD_MAX_IDLE 3

/* Least bytes of a request that a server may find too long. */
#define WORKER_UPLOAD_LEAST_FRAGMENT (5 * 1024)

typedef struct _WorkerUpload WorkerUpload;

/**
 * WorkerUploadNext:
 * @WORKER_UPLOAD_ERROR: with the error set
 * @WORKER_UPLOAD_GO_ON: done; the record says where we are
 * @WORKER_UPLOAD_LOST: the server knows nothing of the upload any more
 * @WORKER_UPLOAD_PLAIN: the server turned out not to speak the protocol; a plain PUT can do
 */
typedef enum
{
  WORKER_UPLOAD_ERROR,
  WORKER_UPLOAD_GO_ON,
  WORKER_UPLOAD_LOST,
  WORKER_UPLOAD_PLAIN,
} WorkerUploadNext;

/**
 * WorkerUploadProtocol:
 * @resumable: whether an upload goes on after a break
 * @probe: (nullable): asks the server, without side effects, whether it speaks it; %NULL = "auto" never takes it
 * @begin: makes the server ready for the first byte; sets the record's session when that is more than nothing
 * @locate: after a break: finds out how many bytes the server has
 * @send: sends a piece, or all the rest; LOST, or the record's offset is the server's
 * @finish: all bytes are acknowledged: ends the session
 * @cancel: nobody wants the rest; of an upload that is whole only the session ends, save when it is to be discarded. GO_ON
 *   also when there is nothing to tell
 *
 * Each does one thing once and leaves it to worker-upload-run.c what comes next, save where its protocol wants a second
 * request to know.
 */
typedef struct
{
  FerryUploadProtocol protocol;
  gboolean resumable;
  WorkerUploadNext (*probe) (WorkerUpload *upload, gboolean *speaks, GError **error);
  WorkerUploadNext (*begin) (WorkerUpload *upload, GError **error);
  WorkerUploadNext (*locate) (WorkerUpload *upload, GError **error);
  WorkerUploadNext (*send) (WorkerUpload *upload, GError **error);
  WorkerUploadNext (*finish) (WorkerUpload *upload, GError **error);
  WorkerUploadNext (*cancel) (WorkerUpload *upload, GError **error);
} WorkerUploadProtocol;

extern const WorkerUploadProtocol worker_upload_bits;
extern const WorkerUploadProtocol worker_upload_tus;
extern const WorkerUploadProtocol worker_upload_put;
extern const WorkerUploadProtocol worker_upload_put_range;

/** Returns: (transfer none) (nullable): %NULL for AUTO */
const WorkerUploadProtocol *worker_upload_protocol_get (FerryUploadProtocol protocol);

/** An answer; its body was not looked at. */
typedef struct
{
  guint status;
  SoupMessageHeaders *headers; /* (owned) */
  GUri *uri;                   /* (owned): after redirects */
  char *who;                   /* (owned) (nullable): worker_proxy_get_answerer() */
} WorkerUploadAnswer;

void worker_upload_answer_clear (WorkerUploadAnswer *self);
/** Returns: (transfer none) (nullable) */
const char *worker_upload_answer_get (const WorkerUploadAnswer *self, const char *header);
/** Returns: whether @header is a plain decimal number; sets @number only then */
gboolean worker_upload_answer_get_number (const WorkerUploadAnswer *self, const char *header,
                                          guint64 *number);

/** What is asked, or sent. */
typedef struct
{
  const char *method;
  gboolean own;              /* @method is the owner's choice */
  GUri *uri;                 /* (unowned) (nullable): %NULL = the upload's own */
  const char *const *fields; /* (unowned) (nullable): "Name: value" */
  gboolean body; /* has a body, of @length bytes; without, it has no Content-Length either */
  guint64 start;
  guint64 length;
  const char *type; /* (nullable): Content-Type */
  guint
      limit; /* s in which the headers must come, 0 = as always; then nothing of the connection is kept */
} WorkerUploadRequest;

struct _WorkerUpload
{
  WorkerRequester requester;
  WorkerBuffers *buffers;     /* (unowned) (nullable): as @source */
  WorkerSource *source;       /* (unowned) (nullable): %NULL where nothing is sent */
  WorkerUploadRecord *record; /* (unowned) */
  const char *method;         /* (unowned) (nullable): the owner's choice */
  gboolean wants_reply;
  gboolean discard;          /* what the server has is wrong */
  _Atomic guint64 *position; /* (unowned) (nullable): shown as progress */
  guint64 sent;              /* bytes of a body that the last request had sent */
  gboolean begun;            /* what the server has began in this attempt, */
  guint64 offered;           /* and no request went beyond this offset */
  guint idle;                /* answers in a row that brought nothing */
  guint refusals;            /* BITS: answers in a row that we are out of step */
  guint tries;               /* of whatever a protocol has to try several times in an attempt */
  GString *tried;            /* (owned) (nullable): what "auto" asked, and what came back */
  gboolean unsure;           /* a probe had no answer: another time there may be one */

  /* What the last failure means, when worker-failure.c cannot know: */
  gboolean explained;
  WorkerFailure failure;

  /* The attempt's; all (nullable) */
  gboolean (*store) (gpointer data, GError **error); /* puts the record on disk before it returns */
  void (*tell) (gpointer data);                      /* the record has changed */
  gboolean (*starting) (gpointer data);              /* of a WorkerRequest */
  void (*answered) (gpointer data, SoupMessage *message); /* %NULL: a request goes out */
  gpointer data;                                          /* (unowned) */
};

/** @upload: otherwise all zeros, with @requester and @record set. Returns: (transfer none): the URL of the upload */
GUri *worker_upload_get_home (const WorkerUpload *upload);

/**
 * worker_upload_send:
 * @answer: (out): cleared by the caller, also after an error
 *
 * Sends one request and reads the headers of its answer. An answer that came before the whole body was sent, and is no
 * error, is the error InvalidServerResponse. With a limit: TIMED_OUT.
 */
gboolean worker_upload_send (WorkerUpload *upload, const WorkerUploadRequest *request,
                             WorkerUploadAnswer *answer, GError **error);

/** Whether @error of worker_upload_send() is that nothing came in time, as of its limit */
gboolean worker_upload_is_limit (const GError *error);

/** An error of ours with what it means. Returns: %WORKER_UPLOAD_ERROR */
WorkerUploadNext worker_upload_fail (WorkerUpload *upload, GError **error, FerryError code,
                                     FerryErrorContext context, gboolean transient,
                                     const char *format, ...) G_GNUC_PRINTF (6, 7);

/** The error that an HTTP status is. Returns: %WORKER_UPLOAD_ERROR */
WorkerUploadNext worker_upload_fail_status (WorkerUpload *upload, const WorkerUploadAnswer *answer,
                                            GError **error);

/** The server says that it has @offset bytes: more than there are, or than it was sent, are an error, as is the same again and again. */
WorkerUploadNext worker_upload_acknowledge (WorkerUpload *upload, guint64 offset, GError **error);

/** The server refused a body as too long. GO_ON: try again with a shorter one. */
WorkerUploadNext worker_upload_shrink (WorkerUpload *upload, guint64 length,
                                       const WorkerUploadAnswer *answer, GError **error);

/** Whether the server has all of the file, and may keep it. */
gboolean worker_upload_is_whole (const WorkerUpload *upload);

/** Notes for the sentence that tells what was tried: "BITS" and what came back; @status 0 = no answer. */
void worker_upload_note_tried (WorkerUpload *upload, const char *what, guint status);

/** Returns: whether @status is a success */
gboolean worker_upload_is_success (guint status);

/** Whether an error of worker_upload_send() is a connection that broke: nobody knows what the server did. */
gboolean worker_upload_is_break (const GError *error);

/**
 * worker_upload_settle:
 * @wanted: what the owner asked for
 *
 * Finds the protocol: the one that was asked for, or that a server speaks. Sets that of the record.
 */
WorkerUploadNext worker_upload_settle (WorkerUpload *upload, FerryUploadProtocol wanted,
                                       GError **error);

/** Tells the server that nobody wants the rest; see "cancel-upload" of ferry-worker-protocol.h. */
gboolean worker_upload_cancel (WorkerUpload *upload, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WorkerUploadAnswer, worker_upload_answer_clear)

G_END_DECLS
