/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Judges an answer given what was asked: may its body be joined to the bytes we hold? Pure; the
 * rules are those of DESIGN ("Resume request"), and this is the one place that holds them. */

#pragma once

#include "ferry-error.h"
#include "worker-validator.h"

G_BEGIN_DECLS

/**
 * WorkerContentRange:
 *
 * `bytes START-END/TOTAL`; @end is exclusive. `bytes * /TOTAL` has @unsatisfied and no @start and
 * @end. TOTAL may be `*`: FERRY_SIZE_UNKNOWN.
 */
typedef struct
{
  gboolean unsatisfied;
  guint64 start;
  guint64 end;
  guint64 total;
} WorkerContentRange;

/** Strict: one range of the unit bytes with START <= END < TOTAL. Returns: whether @value, which
 * may be %NULL, is one */
gboolean worker_content_range_parse (const char *value, WorkerContentRange *range);

/** What was asked, and what we hold. */
typedef struct
{
  gboolean whole;  /* the local file is the remote one (no Ranges), so that a 200 can be used */
  gboolean any;    /* another method than GET: whatever success there is brings the file */
  gboolean ranged; /* Range was sent: remote bytes from @start to before @end */
  gboolean conditional;      /* If-Range was sent */
  guint64 start;             /* with @whole: the bytes we hold */
  guint64 end;               /* FERRY_SIZE_UNKNOWN = to the end */
  guint64 held;              /* bytes of the local file that are there */
  guint64 total;             /* size of the remote file so far, FERRY_SIZE_UNKNOWN */
  WorkerValidator validator; /* of the bytes we hold; (owned) by the caller */
  gboolean digest;           /* a digest was given: it decides when totals are equal */
} WorkerAsked;

/** What came. */
typedef struct
{
  guint status;
  const char *content_range; /* (nullable) (unowned) */
  guint64 content_length;    /* FERRY_SIZE_UNKNOWN when the body is chunked or ended by close */
  gboolean multipart;
  WorkerValidator validator; /* (owned) by the caller */
  gboolean odd_length;       /* Content-Length is no number, or several */
} WorkerAnswer;

/**
 * WorkerVerdict:
 * @WORKER_VERDICT_WHOLE: the body is the whole file, nothing was held
 * @WORKER_VERDICT_APPEND: the body belongs at our position
 * @WORKER_VERDICT_SKIP: the body is the whole file; its first bytes are those we hold
 * @WORKER_VERDICT_COMPLETE: we hold all there is
 * @WORKER_VERDICT_RESTART: the bytes we hold must go (reason); the body is the whole file
 * @WORKER_VERDICT_RESTART_ASK: the bytes we hold must go (reason); the body is of no use, ask again
 * from 0
 * @WORKER_VERDICT_ASK_PLAIN: ask once more without If-Range (a server that answers 200 to every
 * If-Range)
 * @WORKER_VERDICT_FAIL: error
 */
typedef enum
{
  WORKER_VERDICT_WHOLE,
  WORKER_VERDICT_APPEND,
  WORKER_VERDICT_SKIP,
  WORKER_VERDICT_COMPLETE,
  WORKER_VERDICT_RESTART,
  WORKER_VERDICT_RESTART_ASK,
  WORKER_VERDICT_ASK_PLAIN,
  WORKER_VERDICT_FAIL,
} WorkerVerdict;

typedef struct
{
  WorkerVerdict verdict;
  const char
      *reason; /* (nullable) (unowned): a word of FileRestarted, with RESTART and RESTART_ASK */
  FerryError error;     /* with FAIL, unless from_status */
  const char *message;  /* (nullable) (unowned): with FAIL, unless from_status */
  gboolean from_status; /* FAIL: what the status says (worker_failure_from_status()) */
  guint64 total;        /* size of the remote file, FERRY_SIZE_UNKNOWN */
  guint64 length;       /* of the body, FERRY_SIZE_UNKNOWN */
} WorkerJudgement;

/** Returns: what to do; never a joining of bytes that nothing proves to belong together, but with
 * @asked->digest */
WorkerJudgement worker_answer_judge (const WorkerAsked *asked, const WorkerAnswer *answer);

G_END_DECLS
