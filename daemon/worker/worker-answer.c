/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-answer.h"

#include "ferry-worker-protocol.h"

#include <string.h>

/* Reads a number of plain digits at @text. Returns: what follows it, %NULL when there is none or it
 * is too large. */
static const char *
read_number (const char *text, guint64 *value)
{
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);

  if (digits == 0 || !g_ascii_string_to_unsigned (number, 10, 0, G_MAXINT64, value, NULL))
    return NULL;
  return text + digits;
}

gboolean
worker_content_range_parse (const char *value, WorkerContentRange *range)
{
  WorkerContentRange result = { FALSE, 0, 0, FERRY_SIZE_UNKNOWN };
  const char *at;
  guint64 last;

  if (value == NULL || g_ascii_strncasecmp (value, "bytes ", 6) != 0)
    return FALSE;

  at = value + 6;
  if (*at == '*')
    {
      result.unsatisfied = TRUE;
      at++;
    }
  else
    {
      at = read_number (at, &result.start);
      if (at == NULL || *at != '-')
        return FALSE;
      at = read_number (at + 1, &last);
      if (at == NULL || last < result.start)
        return FALSE;
      result.end = last + 1;
    }

  if (*at != '/')
    return FALSE;
  at++;
  if (g_str_equal (at, "*"))
    {
      if (result.unsatisfied)
        return FALSE;
    }
  else
    {
      at = read_number (at, &result.total);
      if (at == NULL || *at != '\0' || (!result.unsatisfied && result.end > result.total))
        return FALSE;
    }

  *range = result;
  return TRUE;
}

static WorkerJudgement
fail (FerryError error, const char *message)
{
  return (WorkerJudgement){ .verdict = WORKER_VERDICT_FAIL,
                            .error = error,
                            .message = message,
                            .total = FERRY_SIZE_UNKNOWN,
                            .length = FERRY_SIZE_UNKNOWN };
}

static WorkerJudgement
go_on (WorkerVerdict verdict, guint64 total, guint64 length)
{
  return (WorkerJudgement){ .verdict = verdict, .total = total, .length = length };
}

static WorkerJudgement
restart (WorkerVerdict verdict, const char *reason, guint64 total)
{
  return (WorkerJudgement){ .verdict = verdict, .reason = reason, .total = total, .length = total };
}

/* An answer that is no use for what we hold: drops the bytes and asks again, or fails when nothing
 * is held. */
static WorkerJudgement
ask_anew (const WorkerAsked *asked, const char *reason, const char *message)
{
  if (asked->held > 0)
    return restart (WORKER_VERDICT_RESTART_ASK, reason, FERRY_SIZE_UNKNOWN);
  return fail (FERRY_ERROR_INVALID_SERVER_RESPONSE, message);
}

static gboolean
totals_differ (guint64 a, guint64 b)
{
  return a != FERRY_SIZE_UNKNOWN && b != FERRY_SIZE_UNKNOWN && a != b;
}

static gboolean
totals_agree (guint64 a, guint64 b)
{
  return a != FERRY_SIZE_UNKNOWN && a == b;
}

/* Why the bytes we hold cannot be joined with those of @answer; %NULL when they can. */
static const char *
find_objection (const WorkerAsked *asked, const WorkerAnswer *answer, guint64 total)
{
  if (totals_differ (asked->total, total))
    return "remote-file-changed";
  if (asked->digest && totals_agree (asked->total, total))
    return NULL;
  if (worker_validator_proves (&asked->validator, &answer->validator))
    return NULL;
  if (!asked->validator.strong || answer->validator.text == NULL)
    return "no-validator";
  if (asked->validator.is_date == answer->validator.is_date &&
      g_str_equal (asked->validator.text, answer->validator.text))
    return "no-validator";
  return "remote-file-changed";
}

/* 200 to a request for a part of a file that is put together of ranges. */
static WorkerJudgement
judge_whole_for_ranges (const WorkerAsked *asked, const WorkerAnswer *answer)
{
  const char *objection = asked->held > 0 ? find_objection (asked, answer, answer->content_length)
                                          : NULL;

  if (objection != NULL && g_str_equal (objection, "remote-file-changed"))
    return restart (WORKER_VERDICT_RESTART_ASK, objection, FERRY_SIZE_UNKNOWN);
  if (asked->conditional)
    return go_on (WORKER_VERDICT_ASK_PLAIN, asked->total, FERRY_SIZE_UNKNOWN);
  return fail (FERRY_ERROR_INSUFFICIENT_RANGE_SUPPORT,
               "The server sends only the whole file, not ranges of it");
}

static WorkerJudgement
judge_200 (const WorkerAsked *asked, const WorkerAnswer *answer)
{
  guint64 total = answer->content_length;
  const char *objection;

  if (!asked->whole)
    return judge_whole_for_ranges (asked, answer);
  if (asked->held == 0)
    return go_on (WORKER_VERDICT_WHOLE, total, total);

  objection = find_objection (asked, answer, total);
  if (objection == NULL)
    return go_on (WORKER_VERDICT_SKIP, total != FERRY_SIZE_UNKNOWN ? total : asked->total, total);

  /* Our validator was fine, and the server says neither "changed" nor "the same": it just has no
   * ranges. */
  if (asked->ranged && asked->validator.strong && answer->validator.text == NULL &&
      g_str_equal (objection, "no-validator"))
    objection = "no-range-support";
  return restart (WORKER_VERDICT_RESTART, objection, total);
}

static WorkerJudgement
judge_206 (const WorkerAsked *asked, const WorkerAnswer *answer)
{
  static const char mixed[] = "mixed-response";
  WorkerContentRange range;
  const char *objection;
  guint64 length;

  if (!asked->ranged)
    return fail (FERRY_ERROR_INVALID_SERVER_RESPONSE,
                 "The server sent a part of the file (206) though all of it was asked for");
  if (answer->multipart)
    return fail (FERRY_ERROR_INVALID_SERVER_RESPONSE,
                 "The server sent several parts at once though one range was asked for");
  if (!worker_content_range_parse (answer->content_range, &range) || range.unsatisfied)
    return ask_anew (asked, mixed, "The server sent a part (206) without saying which");
  length = range.end - range.start;
  if (range.start != asked->start || range.end > asked->end)
    return ask_anew (asked, mixed, "The server sent another part (206) than the one asked for");
  if (answer->content_length != FERRY_SIZE_UNKNOWN && answer->content_length != length)
    return ask_anew (asked, mixed,
                     "The server sent a part (206) whose length contradicts its range");

  if (asked->held == 0)
    return go_on (WORKER_VERDICT_APPEND, range.total, length);
  objection = find_objection (asked, answer, range.total);
  if (objection != NULL && !asked->whole && g_str_equal (objection, "no-validator"))
    return fail (FERRY_ERROR_INSUFFICIENT_RANGE_SUPPORT,
                 "The server gives no validator that proves that the ranges belong together");
  if (objection != NULL)
    return restart (WORKER_VERDICT_RESTART_ASK, objection, range.total);
  return go_on (WORKER_VERDICT_APPEND,
                range.total != FERRY_SIZE_UNKNOWN ? range.total : asked->total, length);
}

static WorkerJudgement
judge_416 (const WorkerAsked *asked, const WorkerAnswer *answer)
{
  WorkerContentRange range;
  gboolean said = worker_content_range_parse (answer->content_range, &range) && range.unsatisfied;

  if (!asked->ranged)
    return fail (FERRY_ERROR_INVALID_SERVER_RESPONSE,
                 "The server refused a range (416) though none was asked for");

  if (asked->whole && said && range.total == asked->start &&
      find_objection (asked, answer, range.total) == NULL)
    return go_on (WORKER_VERDICT_COMPLETE, range.total, 0);

  if (!asked->whole && said && asked->start >= range.total &&
      !totals_differ (asked->total, range.total))
    return fail (FERRY_ERROR_INVALID_RANGE, "A range begins beyond the end of the remote file");
  if (asked->held > 0)
    return restart (WORKER_VERDICT_RESTART_ASK, "range-refused", FERRY_SIZE_UNKNOWN);
  return fail (FERRY_ERROR_INVALID_RANGE, "The server refused a range (416)");
}

/* The success of a method that is not known here; 204 and 205 have no body. */
static WorkerJudgement
judge_any (const WorkerAnswer *answer)
{
  gboolean empty = answer->status == 204 || answer->status == 205;
  guint64 total = empty ? 0 : answer->content_length;

  return go_on (WORKER_VERDICT_WHOLE, total, total);
}

WorkerJudgement
worker_answer_judge (const WorkerAsked *asked, const WorkerAnswer *answer)
{
  WorkerJudgement judgement;

  /* libsoup takes the last of several for the length, and "-5" or nothing for one. */
  if ((answer->status == 200 || answer->status == 206 || asked->any) &&
      (answer->odd_length ||
       (answer->content_length != FERRY_SIZE_UNKNOWN && answer->content_length > G_MAXINT64)))
    return fail (FERRY_ERROR_INVALID_SERVER_RESPONSE, "The server announced an impossible length");

  if (asked->any && answer->status >= 200 && answer->status < 300 && answer->status != 206)
    return judge_any (answer);

  switch (answer->status)
    {
    case 200:
      return judge_200 (asked, answer);
    case 206:
      return judge_206 (asked, answer);
    case 416:
      return judge_416 (asked, answer);
    default:
      break;
    }

  if (answer->status < 300)
    return fail (FERRY_ERROR_INVALID_SERVER_RESPONSE,
                 "The server answered with a success that is neither the file nor a part of it");
  judgement = fail (FERRY_ERROR_HTTP_ERROR, NULL);
  judgement.from_status = TRUE;
  return judgement;
}
