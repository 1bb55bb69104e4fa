/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-worker-protocol.h"
#include "worker-answer.h"

#define UNKNOWN FERRY_SIZE_UNKNOWN

/* == Content-Range == */

static const struct
{
  const char *value;
  gboolean valid;
  WorkerContentRange range;
} content_ranges[] = {
  { "bytes 0-99/100", TRUE, { FALSE, 0, 100, 100 } },
  { "bytes 50-99/1000", TRUE, { FALSE, 50, 100, 1000 } },
  { "BYTES 50-99/1000", TRUE, { FALSE, 50, 100, 1000 } },
  { "bytes 7-7/8", TRUE, { FALSE, 7, 8, 8 } },
  { "bytes 0-99/*", TRUE, { FALSE, 0, 100, UNKNOWN } },
  { "bytes */100", TRUE, { TRUE, 0, 0, 100 } },
  { "bytes */0", TRUE, { TRUE, 0, 0, 0 } },
  { "bytes 5000000000-5000000001/6000000000", TRUE, { FALSE, 5000000000, 5000000002, 6000000000 } },
  { NULL, FALSE, { 0 } },
  { "", FALSE, { 0 } },
  { "bytes", FALSE, { 0 } },
  { "bytes ", FALSE, { 0 } },
  { "bytes */*", FALSE, { 0 } },
  { "bytes 0-99", FALSE, { 0 } },
  { "bytes 0-99/", FALSE, { 0 } },
  { "bytes 0-/100", FALSE, { 0 } },
  { "bytes -99/100", FALSE, { 0 } },
  { "bytes 99-0/100", FALSE, { 0 } },
  { "bytes 0-100/100", FALSE, { 0 } },
  { "bytes 0-99/100 ", FALSE, { 0 } },
  { "bytes 0-99/100, bytes 200-299/400", FALSE, { 0 } },
  { "bytes 0-99/1e3", FALSE, { 0 } },
  { "bytes +0-99/100", FALSE, { 0 } },
  { "bytes 0x0-99/100", FALSE, { 0 } },
  { "bytes 0--1/100", FALSE, { 0 } },
  { "bytes=0-99/100", FALSE, { 0 } },
  { "items 0-99/100", FALSE, { 0 } },
  { "bytes 0-18446744073709551615/18446744073709551616", FALSE, { 0 } },
  { "bytes 0-99/99999999999999999999999999", FALSE, { 0 } },
};

static void
test_content_range (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (content_ranges); i++)
    {
      WorkerContentRange range = { FALSE, 0, 0, 0 };
      const WorkerContentRange *wanted = &content_ranges[i].range;

      g_test_message ("'%s'", content_ranges[i].value);
      g_assert_cmpint (worker_content_range_parse (content_ranges[i].value, &range), ==,
                       content_ranges[i].valid);
      g_assert_cmpint (range.unsatisfied, ==, wanted->unsatisfied);
      g_assert_cmpuint (range.start, ==, wanted->start);
      g_assert_cmpuint (range.end, ==, wanted->end);
      g_assert_cmpuint (range.total, ==, wanted->total);
    }
}

/* == validators == */

/* 1.1.2026, 12:00:00, and some seconds earlier. */
#define NOON         "Thu, 01 Jan 2026 12:00:00 GMT"
#define NOON_SECONDS 1767268800
#define BEFORE_1     "Thu, 01 Jan 2026 11:59:59 GMT"
#define BEFORE_2     "Thu, 01 Jan 2026 11:59:58 GMT"
#define BEFORE_59    "Thu, 01 Jan 2026 11:59:01 GMT"
#define BEFORE_60    "Thu, 01 Jan 2026 11:59:00 GMT"

static const struct
{
  const char *etag;
  const char *last_modified;
  const char *date;
  const char *text;
  gboolean is_date;
  gboolean strong;
} validators[] = {
  { NULL, NULL, NOON, NULL, FALSE, FALSE },
  { "\"a\"", NULL, NULL, "\"a\"", FALSE, TRUE },
  { "\"a\"", BEFORE_60, NOON, "\"a\"", FALSE, TRUE },
  { "W/\"a\"", BEFORE_60, NOON, "W/\"a\"", FALSE, FALSE },
  { "w/\"a\"", NULL, NOON, "w/\"a\"", FALSE, FALSE },
  /* One-second resolution: the file may have changed once more within that second. */
  { "\"a\"", NOON, NOON, "\"a\"", FALSE, FALSE },
  { "\"a\"", BEFORE_1, NOON, "\"a\"", FALSE, FALSE },
  { "\"a\"", BEFORE_2, NOON, "\"a\"", FALSE, TRUE },
  /* Changed after the answer: one of both clocks is wrong. */
  { "\"a\"", NOON, BEFORE_60, "\"a\"", FALSE, FALSE },
  /* Without a Date the time of its arrival stands for it. */
  { "\"a\"", BEFORE_2, NULL, "\"a\"", FALSE, TRUE },
  { "\"a\"", BEFORE_1, NULL, "\"a\"", FALSE, FALSE },
  { "\"a\"", "yesterday", NOON, "\"a\"", FALSE, FALSE },
  /* Last-Modified counts only without an ETag. */
  { NULL, BEFORE_60, NOON, BEFORE_60, TRUE, TRUE },
  { NULL, BEFORE_59, NOON, BEFORE_59, TRUE, FALSE },
  { NULL, BEFORE_60, NULL, BEFORE_60, TRUE, TRUE },
  { NULL, "yesterday", NOON, "yesterday", TRUE, FALSE },
  /* What is no printable ASCII is no validator. */
  { "\"\xc3\xa4\"", NULL, NOON, NULL, FALSE, FALSE },
  { "\"a\tb\"", NULL, NOON, NULL, FALSE, FALSE },
  { "", NULL, NOON, NULL, FALSE, FALSE },
  { "\"\xff\"", BEFORE_60, NOON, BEFORE_60, TRUE, TRUE },
};

static void
test_validator (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (validators); i++)
    {
      g_auto (WorkerValidator)
          validator = worker_validator_parse (validators[i].etag, validators[i].last_modified,
                                              validators[i].date, NOON_SECONDS);

      g_test_message ("row %u", i);
      g_assert_cmpstr (validator.text, ==, validators[i].text);
      g_assert_cmpint (validator.is_date, ==, validators[i].is_date);
      g_assert_cmpint (validator.strong, ==, validators[i].strong);
    }
}

static void
test_validator_too_long (void)
{
  g_autofree char *longest = g_strnfill (WORKER_VALIDATOR_MAX, 'a');
  g_autofree char *longer = g_strnfill (WORKER_VALIDATOR_MAX + 1, 'a');
  g_auto (WorkerValidator) kept = worker_validator_parse (longest, NULL, NULL, 0);
  g_auto (WorkerValidator) dropped = worker_validator_parse (longer, NULL, NULL, 0);

  g_assert_cmpstr (kept.text, ==, longest);
  g_assert_null (dropped.text);
}

static void
test_validator_proves (void)
{
  const WorkerValidator strong = { (char *) "\"a\"", FALSE, TRUE };
  const WorkerValidator other = { (char *) "\"b\"", FALSE, TRUE };
  const WorkerValidator weak = { (char *) "\"a\"", FALSE, FALSE };
  const WorkerValidator date = { (char *) "\"a\"", TRUE, TRUE };
  const WorkerValidator none = WORKER_VALIDATOR_NONE;

  g_assert_true (worker_validator_proves (&strong, &strong));
  g_assert_true (worker_validator_proves (&date, &date));
  g_assert_false (worker_validator_proves (&strong, &other));
  g_assert_false (worker_validator_proves (&strong, &weak));
  g_assert_false (worker_validator_proves (&weak, &strong));
  g_assert_false (worker_validator_proves (&weak, &weak));
  g_assert_false (worker_validator_proves (&strong, &date));
  g_assert_false (worker_validator_proves (&none, &none));
}

/* == the judge == */

#define STRONG_A                                                                                   \
  {                                                                                                \
    (char *) "\"a\"", FALSE, TRUE                                                                  \
  }
#define STRONG_B                                                                                   \
  {                                                                                                \
    (char *) "\"b\"", FALSE, TRUE                                                                  \
  }
#define WEAK_A                                                                                     \
  {                                                                                                \
    (char *) "W/\"a\"", FALSE, FALSE                                                               \
  }
#define YOUNG_A                                                                                    \
  {                                                                                                \
    (char *) "\"a\"", FALSE, FALSE                                                                 \
  }
#define DATE_A                                                                                     \
  {                                                                                                \
    (char *) BEFORE_60, TRUE, TRUE                                                                 \
  }
#define DATE_B                                                                                     \
  {                                                                                                \
    (char *) BEFORE_59, TRUE, TRUE                                                                 \
  }
#define NONE                                                                                       \
  {                                                                                                \
    NULL, FALSE, FALSE                                                                             \
  }

/* Asked for the whole file with nothing held. */
#define FRESH                                                                                      \
  {                                                                                                \
    .whole = TRUE, .end = UNKNOWN, .total = UNKNOWN, .validator = NONE                             \
  }
/* Holds 100 of 1000 bytes, and asked for the rest. */
#define HELD(v)                                                                                    \
  {                                                                                                \
    .whole = TRUE, .ranged = TRUE, .conditional = TRUE, .start = 100, .end = UNKNOWN, .held = 100, \
    .total = 1000, .validator = v                                                                  \
  }
#define HELD_NO_TOTAL(v)                                                                           \
  {                                                                                                \
    .whole = TRUE, .ranged = TRUE, .conditional = TRUE, .start = 100, .end = UNKNOWN, .held = 100, \
    .total = UNKNOWN, .validator = v                                                               \
  }
/* The same with a digest that decides. */
#define HELD_DIGEST(v)                                                                             \
  {                                                                                                \
    .whole = TRUE, .ranged = TRUE, .start = 100, .end = UNKNOWN, .held = 100, .total = 1000,       \
    .validator = v, .digest = TRUE                                                                 \
  }
/* Holds 100 bytes that nothing proves, so it asked for all of it. */
#define HELD_UNPROVEN(v)                                                                           \
  {                                                                                                \
    .whole = TRUE, .start = 100, .end = UNKNOWN, .held = 100, .total = 1000, .validator = v        \
  }
/* First of several ranges: remote bytes 500 to 599. */
#define RANGE_FIRST                                                                                \
  {                                                                                                \
    .ranged = TRUE, .start = 500, .end = 600, .total = UNKNOWN, .validator = NONE                  \
  }
/* A later one: 700 to 799, with 100 bytes held. */
#define RANGE_NEXT(v, c)                                                                           \
  {                                                                                                \
    .ranged = TRUE, .conditional = c, .start = 700, .end = 800, .held = 100, .total = 1000,        \
    .validator = v                                                                                 \
  }

/* clang-format off */

static const struct
{
  WorkerAsked asked;
  WorkerAnswer answer;
  WorkerVerdict verdict;
  const char *reason;
  int error; /* -1 = by its status */
  guint64 total;
  guint64 length;
} judgements[] = {
  /* 200 with nothing held */
  { FRESH, { 200, NULL, 1000, FALSE, STRONG_A }, WORKER_VERDICT_WHOLE, NULL, 0, 1000, 1000 },
  { FRESH, { 200, NULL, 0, FALSE, NONE }, WORKER_VERDICT_WHOLE, NULL, 0, 0, 0 },
  { FRESH, { 200, NULL, UNKNOWN, FALSE, NONE }, WORKER_VERDICT_WHOLE, NULL, 0, UNKNOWN, UNKNOWN },
  { FRESH, { 200, NULL, (guint64) -5, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  /* other successes */
  { FRESH, { 201, NULL, 10, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  { FRESH, { 203, NULL, 10, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  { FRESH, { 204, NULL, 0, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 204, NULL, 0, FALSE, STRONG_A }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  { FRESH, { 206, "bytes 0-9/10", 10, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  { HELD_UNPROVEN (NONE), { 206, "bytes 100-999/1000", 900, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  { FRESH, { 416, "bytes */10", 10, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 226, NULL, 10, FALSE, STRONG_A }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  /* statuses */
  { FRESH, { 304, NULL, 0, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, -1, UNKNOWN, UNKNOWN },
  { FRESH, { 404, NULL, 10, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, -1, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 404, NULL, 10, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, -1, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 412, NULL, 10, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, -1, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 503, NULL, 10, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, -1, UNKNOWN, UNKNOWN },

  /* 206 as it should be */
  { HELD (STRONG_A), { 206, "bytes 100-999/1000", 900, FALSE, STRONG_A }, WORKER_VERDICT_APPEND, NULL, 0, 1000, 900 },
  { HELD (DATE_A), { 206, "bytes 100-999/1000", 900, FALSE, DATE_A }, WORKER_VERDICT_APPEND, NULL, 0, 1000, 900 },
  { HELD (STRONG_A), { 206, "bytes 100-999/1000", UNKNOWN, FALSE, STRONG_A }, WORKER_VERDICT_APPEND, NULL, 0, 1000, 900 },
  { HELD_NO_TOTAL (STRONG_A), { 206, "bytes 100-999/1000", 900, FALSE, STRONG_A }, WORKER_VERDICT_APPEND, NULL, 0, 1000, 900 },
  /* shorter than asked */
  { HELD (STRONG_A), { 206, "bytes 100-199/1000", 100, FALSE, STRONG_A }, WORKER_VERDICT_APPEND, NULL, 0, 1000, 100 },
  { HELD_NO_TOTAL (STRONG_A), { 206, "bytes 100-199/*", 100, FALSE, STRONG_A }, WORKER_VERDICT_APPEND, NULL, 0, UNKNOWN, 100 },
  { HELD (STRONG_A), { 206, "bytes 100-199/*", 100, FALSE, STRONG_A }, WORKER_VERDICT_APPEND, NULL, 0, 1000, 100 },
  /* 206 of another version */
  { HELD (STRONG_A), { 206, "bytes 100-999/1000", 900, FALSE, STRONG_B }, WORKER_VERDICT_RESTART_ASK, "remote-file-changed", 0, 1000, 1000 },
  { HELD (STRONG_A), { 206, "bytes 100-899/900", 800, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "remote-file-changed", 0, 900, 900 },
  { HELD (DATE_A), { 206, "bytes 100-999/1000", 900, FALSE, DATE_B }, WORKER_VERDICT_RESTART_ASK, "remote-file-changed", 0, 1000, 1000 },
  { HELD (DATE_A), { 206, "bytes 100-999/1000", 900, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "remote-file-changed", 0, 1000, 1000 },
  /* 206 that proves nothing */
  { HELD (STRONG_A), { 206, "bytes 100-999/1000", 900, FALSE, NONE }, WORKER_VERDICT_RESTART_ASK, "no-validator", 0, 1000, 1000 },
  { HELD (STRONG_A), { 206, "bytes 100-999/1000", 900, FALSE, YOUNG_A }, WORKER_VERDICT_RESTART_ASK, "no-validator", 0, 1000, 1000 },
  { HELD (STRONG_A), { 206, "bytes 100-999/1000", 900, FALSE, WEAK_A }, WORKER_VERDICT_RESTART_ASK, "remote-file-changed", 0, 1000, 1000 },
  /* 206 that is not what was asked */
  { HELD (STRONG_A), { 206, "bytes 0-999/1000", 1000, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "mixed-response", 0, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 206, "bytes 99-999/1000", 901, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "mixed-response", 0, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 206, "bytes 101-999/1000", 899, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "mixed-response", 0, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 206, NULL, 900, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "mixed-response", 0, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 206, "bytes */1000", 900, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "mixed-response", 0, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 206, "bytes 100-999/1000", 800, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "mixed-response", 0, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 206, NULL, 900, TRUE, STRONG_A }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },

  /* 200 though a part was asked for */
  { HELD (STRONG_A), { 200, NULL, 1000, FALSE, STRONG_A }, WORKER_VERDICT_SKIP, NULL, 0, 1000, 1000 },
  { HELD (STRONG_A), { 200, NULL, UNKNOWN, FALSE, STRONG_A }, WORKER_VERDICT_SKIP, NULL, 0, 1000, UNKNOWN },
  { HELD (STRONG_A), { 200, NULL, 1000, FALSE, STRONG_B }, WORKER_VERDICT_RESTART, "remote-file-changed", 0, 1000, 1000 },
  { HELD (STRONG_A), { 200, NULL, 1001, FALSE, STRONG_A }, WORKER_VERDICT_RESTART, "remote-file-changed", 0, 1001, 1001 },
  { HELD (STRONG_A), { 200, NULL, 1000, FALSE, NONE }, WORKER_VERDICT_RESTART, "no-range-support", 0, 1000, 1000 },
  { HELD (STRONG_A), { 200, NULL, 1000, FALSE, YOUNG_A }, WORKER_VERDICT_RESTART, "no-validator", 0, 1000, 1000 },
  { HELD (DATE_A), { 200, NULL, 1000, FALSE, DATE_B }, WORKER_VERDICT_RESTART, "remote-file-changed", 0, 1000, 1000 },
  { HELD_NO_TOTAL (STRONG_A), { 200, NULL, UNKNOWN, FALSE, STRONG_B }, WORKER_VERDICT_RESTART, "remote-file-changed", 0, UNKNOWN, UNKNOWN },
  /* held bytes that nothing proves */
  { HELD_UNPROVEN (NONE), { 200, NULL, 1000, FALSE, NONE }, WORKER_VERDICT_RESTART, "no-validator", 0, 1000, 1000 },
  { HELD_UNPROVEN (WEAK_A), { 200, NULL, 1000, FALSE, WEAK_A }, WORKER_VERDICT_RESTART, "no-validator", 0, 1000, 1000 },
  { HELD_UNPROVEN (YOUNG_A), { 200, NULL, 1000, FALSE, STRONG_A }, WORKER_VERDICT_RESTART, "no-validator", 0, 1000, 1000 },
  { HELD_UNPROVEN (NONE), { 200, NULL, 900, FALSE, NONE }, WORKER_VERDICT_RESTART, "remote-file-changed", 0, 900, 900 },

  /* a digest decides, when the totals are equal */
  { HELD_DIGEST (STRONG_A), { 206, "bytes 100-999/1000", 900, FALSE, STRONG_B }, WORKER_VERDICT_APPEND, NULL, 0, 1000, 900 },
  { HELD_DIGEST (NONE), { 206, "bytes 100-999/1000", 900, FALSE, NONE }, WORKER_VERDICT_APPEND, NULL, 0, 1000, 900 },
  { HELD_DIGEST (WEAK_A), { 200, NULL, 1000, FALSE, STRONG_B }, WORKER_VERDICT_SKIP, NULL, 0, 1000, 1000 },
  { HELD_DIGEST (STRONG_A), { 206, "bytes 100-899/900", 800, FALSE, STRONG_B }, WORKER_VERDICT_RESTART_ASK, "remote-file-changed", 0, 900, 900 },
  { HELD_DIGEST (WEAK_A), { 200, NULL, UNKNOWN, FALSE, STRONG_B }, WORKER_VERDICT_RESTART, "no-validator", 0, UNKNOWN, UNKNOWN },
  { HELD_DIGEST (STRONG_A), { 200, NULL, UNKNOWN, FALSE, STRONG_B }, WORKER_VERDICT_RESTART, "remote-file-changed", 0, UNKNOWN, UNKNOWN },

  /* 416 */
  { HELD_NO_TOTAL (STRONG_A), { 416, "bytes */100", 0, FALSE, STRONG_A }, WORKER_VERDICT_COMPLETE, NULL, 0, 100, 0 },
  { HELD_NO_TOTAL (STRONG_A), { 416, "bytes */100", 0, FALSE, NONE }, WORKER_VERDICT_RESTART_ASK, "range-refused", 0, UNKNOWN, UNKNOWN },
  { HELD_NO_TOTAL (STRONG_A), { 416, "bytes */100", 0, FALSE, STRONG_B }, WORKER_VERDICT_RESTART_ASK, "range-refused", 0, UNKNOWN, UNKNOWN },
  { HELD_NO_TOTAL (STRONG_A), { 416, "bytes */99", 0, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "range-refused", 0, UNKNOWN, UNKNOWN },
  { HELD_NO_TOTAL (STRONG_A), { 416, NULL, 0, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "range-refused", 0, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 416, "bytes */100", 0, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "range-refused", 0, UNKNOWN, UNKNOWN },
  { HELD (STRONG_A), { 416, "bytes 100-999/1000", 0, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "range-refused", 0, UNKNOWN, UNKNOWN },

  /* a file of ranges */
  { RANGE_FIRST, { 206, "bytes 500-599/1000", 100, FALSE, NONE }, WORKER_VERDICT_APPEND, NULL, 0, 1000, 100 },
  { RANGE_FIRST, { 206, "bytes 500-549/1000", 50, FALSE, STRONG_A }, WORKER_VERDICT_APPEND, NULL, 0, 1000, 50 },
  { RANGE_FIRST, { 206, "bytes 500-699/1000", 200, FALSE, STRONG_A }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  { RANGE_FIRST, { 206, "bytes 0-99/1000", 100, FALSE, STRONG_A }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  { RANGE_FIRST, { 206, NULL, 100, TRUE, STRONG_A }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE, UNKNOWN, UNKNOWN },
  { RANGE_FIRST, { 200, NULL, 1000, FALSE, STRONG_A }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INSUFFICIENT_RANGE_SUPPORT, UNKNOWN, UNKNOWN },
  { RANGE_FIRST, { 416, "bytes */400", 0, FALSE, STRONG_A }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_RANGE, UNKNOWN, UNKNOWN },
  { RANGE_FIRST, { 416, "bytes */500", 0, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_RANGE, UNKNOWN, UNKNOWN },
  { RANGE_FIRST, { 416, NULL, 0, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INVALID_RANGE, UNKNOWN, UNKNOWN },
  { RANGE_NEXT (STRONG_A, TRUE), { 206, "bytes 700-799/1000", 100, FALSE, STRONG_A }, WORKER_VERDICT_APPEND, NULL, 0, 1000, 100 },
  { RANGE_NEXT (STRONG_A, TRUE), { 206, "bytes 700-799/1000", 100, FALSE, STRONG_B }, WORKER_VERDICT_RESTART_ASK, "remote-file-changed", 0, 1000, 1000 },
  { RANGE_NEXT (STRONG_A, TRUE), { 206, "bytes 700-799/1000", 100, FALSE, NONE }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INSUFFICIENT_RANGE_SUPPORT, UNKNOWN, UNKNOWN },
  { RANGE_NEXT (STRONG_A, TRUE), { 200, NULL, 1000, FALSE, STRONG_A }, WORKER_VERDICT_ASK_PLAIN, NULL, 0, 1000, UNKNOWN },
  { RANGE_NEXT (STRONG_A, FALSE), { 200, NULL, 1000, FALSE, STRONG_A }, WORKER_VERDICT_FAIL, NULL, FERRY_ERROR_INSUFFICIENT_RANGE_SUPPORT, UNKNOWN, UNKNOWN },
  { RANGE_NEXT (STRONG_A, TRUE), { 200, NULL, 1000, FALSE, STRONG_B }, WORKER_VERDICT_RESTART_ASK, "remote-file-changed", 0, UNKNOWN, UNKNOWN },
  { RANGE_NEXT (STRONG_A, TRUE), { 416, "bytes */1000", 0, FALSE, STRONG_A }, WORKER_VERDICT_RESTART_ASK, "range-refused", 0, UNKNOWN, UNKNOWN },
};

/* clang-format on */

static void
test_judge (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (judgements); i++)
    {
      WorkerJudgement judgement = worker_answer_judge (&judgements[i].asked, &judgements[i].answer);

      g_test_message ("row %u: status %u, %s, ETag %s", i, judgements[i].answer.status,
                      judgements[i].answer.content_range, judgements[i].answer.validator.text);
      g_assert_cmpint (judgement.verdict, ==, judgements[i].verdict);
      g_assert_cmpstr (judgement.reason, ==, judgements[i].reason);
      g_assert_cmpuint (judgement.total, ==, judgements[i].total);
      g_assert_cmpuint (judgement.length, ==, judgements[i].length);
      if (judgement.verdict != WORKER_VERDICT_FAIL)
        continue;
      g_assert_cmpint (judgement.from_status, ==, judgements[i].error == -1);
      if (!judgement.from_status)
        {
          g_assert_cmpint (judgement.error, ==, judgements[i].error);
          g_assert_nonnull (judgement.message);
        }
    }
}

/* Promise 2, over everything: without a digest bytes are joined only when both sides are strong and equal. */
static void
test_never_joined (void)
{
  static const WorkerValidator all[] = {
    STRONG_A, STRONG_B, WEAK_A, YOUNG_A, DATE_A, DATE_B, NONE
  };
  static const guint statuses[] = { 200, 206, 416 };
  static const char *const ranges[] = { NULL, "bytes 100-999/1000", "bytes */100",
                                        "bytes 0-999/1000" };
  guint joined = 0;

  for (guint i = 0; i < G_N_ELEMENTS (all) * G_N_ELEMENTS (all) * 3 * 4 * 2; i++)
    {
      guint held = i % G_N_ELEMENTS (all);
      guint sent = i / G_N_ELEMENTS (all) % G_N_ELEMENTS (all);
      guint rest = i / G_N_ELEMENTS (all) / G_N_ELEMENTS (all);
      WorkerAsked asked = HELD (all[held]);
      WorkerAnswer answer = { statuses[rest % 3], ranges[rest / 3 % 4],
                              rest / 12 == 0 ? UNKNOWN : 900, FALSE, all[sent] };
      WorkerVerdict verdict = worker_answer_judge (&asked, &answer).verdict;

      if (verdict != WORKER_VERDICT_APPEND && verdict != WORKER_VERDICT_SKIP &&
          verdict != WORKER_VERDICT_COMPLETE)
        continue;
      joined++;
      g_assert_true (worker_validator_proves (&all[held], &all[sent]));
    }
  g_assert_cmpuint (joined, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-answer/content-range", test_content_range);
  g_test_add_func ("/worker-answer/validator", test_validator);
  g_test_add_func ("/worker-answer/validator-too-long", test_validator_too_long);
  g_test_add_func ("/worker-answer/validator-proves", test_validator_proves);
  g_test_add_func ("/worker-answer/judge", test_judge);
  g_test_add_func ("/worker-answer/never-joined", test_never_joined);
  return g_test_run ();
}
