/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The work of an attempt: ask, judge, read, until the file is whole. */

#include "worker-attempt-private.h"

#include "ferry-worker-protocol.h"
#include "worker-body.h"
#include "worker-proxy.h"
#include "worker-redirect.h"

/* Restarts in a row, without a byte more than ever before, that are made. */
#define MAX_RESTARTS 5

/** What comes after a step. */
typedef enum
{
  NEXT_ASK,   /* ask for what is missing */
  NEXT_READ,  /* read the body */
  NEXT_DONE,  /* the file is whole, durable and right */
  NEXT_ERROR, /* with the error set */
} Next;

static guint64
get_position (WorkerAttempt *self)
{
  return worker_sink_get_position (self->sink);
}

static gssize
read_back_cb (gpointer data, guint64 offset, gpointer buffer, gsize size, GError **error)
{
  WorkerAttempt *self = data;
  gssize n;

  worker_attempt_lock (self);
  n = worker_sink_read (self->sink, offset, buffer, size, error);
  worker_attempt_unlock (self);
  return n;
}

gboolean
worker_fetch_start_digest (WorkerAttempt *self, GError **error)
{
  g_clear_pointer (&self->digest, worker_digest_free);
  if (self->order->digest == NULL)
    return TRUE;
  self->digest = worker_digest_new (self->order->digest, get_position (self), read_back_cb, self,
                                    error);
  return self->digest != NULL;
}

static gboolean
drop_bytes (WorkerAttempt *self, const char *reason, GError **error)
{
  gboolean dropped;

  /* Before the sink: the digest's thread reads from it. */
  g_clear_pointer (&self->digest, worker_digest_free);

  worker_attempt_lock (self);
  dropped = worker_sink_restart (self->sink, error);
  if (dropped)
    {
      worker_memory_drop_bytes (&self->memory);
      if (reason != NULL)
        worker_report_restarted_locked (self, reason);
    }
  worker_attempt_unlock (self);

  /* There is nothing left that another place could go on with. */
  self->try_last = FALSE;
  g_clear_pointer (&self->last_uri, g_uri_unref);
  self->joined = FALSE;
  self->unproven = FALSE;
  self->probing = FALSE;
  self->plain = FALSE;
  self->start_position = 0;
  return dropped && worker_fetch_start_digest (self, error);
}

/* Drops all bytes and tells why; after too many times it is an error. */
static gboolean
restart (WorkerAttempt *self, const char *reason, GError **error)
{
  if (self->memory.restarts >= MAX_RESTARTS)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_REMOTE_FILE_CHANGED,
                   "The file had to start over %d times without getting further (last: %s)",
                   MAX_RESTARTS, reason);
      return FALSE;
    }
  self->memory.restarts++;
  return drop_bytes (self, reason, error);
}

/* == asking == */

/* What of @part to ask for, and how, given what can be proven about the bytes we hold. */
static WorkerAsked
plan (WorkerAttempt *self, const WorkerPart *part)
{
  WorkerAsked asked = { 0 };
  gboolean trusted;

  asked.whole = worker_ranges_is_whole (self->ranges);
  asked.held = get_position (self);
  asked.total = self->memory.total;
  asked.validator = self->memory.validator;
  /* Once it was wrong the digest proves nothing more about what is joined. */
  asked.digest = self->order->digest != NULL && asked.total != FERRY_SIZE_UNKNOWN &&
                 !self->memory.afresh;
  trusted = asked.validator.strong || asked.digest;
  asked.any = self->order->method != NULL;
  asked.ranged = !asked.whole || (asked.held > 0 && trusted);
  asked.conditional = asked.ranged && asked.held > 0 && asked.validator.strong && !self->plain;
  asked.start = part->start;
  asked.end = part->end;
  return asked;
}

static WorkerExchange *
send_request (WorkerAttempt *self, const WorkerAsked *asked, GError **error)
{
  GUri *home = self->upload_home != NULL ? self->upload_home : self->home;
  WorkerRequester requester = worker_order_get_requester (self->order, self->sessions,
                                                          self->session, &self->pulse, home,
                                                          self->cancellable);
  WorkerRequest request = {
    .uri = self->try_last ? self->last_uri : self->home,
    .method = self->order->method,
    .own = self->order->method != NULL,
    .starting = worker_once_applies (self) ? worker_once_starting : NULL,
    .data = self,
    .ranged = asked->ranged,
    .start = asked->start,
    .end = asked->whole ? FERRY_SIZE_UNKNOWN : asked->end,
    .if_range = asked->conditional ? asked->validator.text : NULL,
  };

  /* What went wrong before is not what may go wrong now; a success stays that of our bytes. */
  if (self->status >= 300)
    self->status = 0;
  self->requested = asked->any;
  return worker_request_send (&requester, &request, error);
}

static void
remember_answer (WorkerAttempt *self, WorkerExchange *exchange)
{
  worker_attempt_lock (self);
  worker_report_note_answer_locked (self, exchange->message);
  worker_attempt_unlock (self);
}

static void
set_status_error (WorkerAttempt *self, WorkerExchange *exchange, GError **error)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (exchange->message);
  const char *reason = soup_message_get_reason_phrase (exchange->message);
  g_autofree char *who = worker_proxy_get_answerer (self->session, exchange->message);

  self->retry_after = worker_retry_after (soup_message_headers_get_one (headers, "Retry-After"),
                                          g_get_real_time () / G_USEC_PER_SEC);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_HTTP_ERROR, "%s answered %u%s%s", who, self->status,
               reason != NULL && *reason != '\0' ? " " : "", reason != NULL ? reason : "");
  worker_login_explain (&self->order->login, self->status, error);
}

/* The sizes that were promised, against what the server says. */
static gboolean
check_total (WorkerAttempt *self, GError **error)
{
  guint64 total = self->memory.total;

  if (total != FERRY_SIZE_UNKNOWN && !worker_ranges_check (self->ranges, total, error))
    return FALSE;

  total = worker_ranges_get_total (self->ranges, total);
  if (total == FERRY_SIZE_UNKNOWN)
    return TRUE;
  if (self->order->size != FERRY_SIZE_UNKNOWN && total != self->order->size)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_SIZE_MISMATCH,
                   "The file has %" G_GUINT64_FORMAT " bytes at the server, not %" G_GUINT64_FORMAT,
                   total, self->order->size);
      return FALSE;
    }
  if (total > self->order->maximum_size)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_MAXIMUM_SIZE_EXCEEDED,
                   "The file has %" G_GUINT64_FORMAT " bytes, more than the %" G_GUINT64_FORMAT
                   " that the job may fetch",
                   total, self->order->maximum_size);
      return FALSE;
    }
  return TRUE;
}

/* The answer's body will be used: from now on its validator and total are those of our bytes. */
static gboolean
accept_answer (WorkerAttempt *self, const WorkerAsked *asked, const WorkerAnswer *answer,
               guint64 total, GError **error)
{
  guint64 local_total;
  gboolean fine;

  worker_attempt_lock (self);
  if (total != FERRY_SIZE_UNKNOWN)
    self->memory.total = total;
  if (get_position (self) == 0 || asked->digest)
    {
      worker_validator_clear (&self->memory.validator);
      self->memory.validator = worker_validator_copy (&answer->validator);
    }
  local_total = worker_ranges_get_total (self->ranges, self->memory.total);
  fine = check_total (self, error) && worker_sink_expect (self->sink, local_total, error);
  self->last_progress = g_get_monotonic_time ();
  if (fine && (local_total == FERRY_SIZE_UNKNOWN || local_total > WORKER_SMALL_BODY))
    worker_report_response (self);
  worker_attempt_unlock (self);

  self->joined |= get_position (self) > 0;
  return fine;
}

/* == reading == */

static gboolean
check_growth (WorkerAttempt *self, gsize size, GError **error)
{
  guint64 position = get_position (self) + size;
  guint64 total = worker_ranges_get_total (self->ranges, self->memory.total);

  if (total != FERRY_SIZE_UNKNOWN && position > total)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_SERVER_RESPONSE,
                   "The server sent more than the %" G_GUINT64_FORMAT " bytes of the file", total);
      return FALSE;
    }
  if (position > self->order->maximum_size)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_MAXIMUM_SIZE_EXCEEDED,
                   "The file is longer than the %" G_GUINT64_FORMAT " bytes that the job may fetch",
                   self->order->maximum_size);
      return FALSE;
    }
  if (self->order->size != FERRY_SIZE_UNKNOWN && position > self->order->size)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_SIZE_MISMATCH,
                   "The file is longer than the %" G_GUINT64_FORMAT " bytes that were expected",
                   self->order->size);
      return FALSE;
    }
  return TRUE;
}

static gboolean
write_bytes (WorkerAttempt *self, WorkerBuffer *buffer, gsize size, GError **error)
{
  gboolean written;

  if (!check_growth (self, size, error))
    return FALSE;

  worker_attempt_lock (self);
  written = worker_sink_write (self->sink, buffer->data, size, error);
  if (written && worker_sink_wants_checkpoint (self->sink))
    {
      written = worker_sink_checkpoint (self->sink, error);
      if (written)
        worker_report_checkpoint_locked (self, FALSE);
    }
  if (written)
    worker_report_progress (self, get_position (self));
  worker_attempt_unlock (self);

  if (written && self->digest != NULL)
    worker_digest_feed (self->digest, buffer, size);
  return written;
}

/* Reads @skip bytes that we hold already. They were of the same version by its validator, or the
 * digest will tell. */
static gboolean
skip_bytes (WorkerAttempt *self, WorkerBody *body, guint64 skip, GError **error)
{
  g_autoptr (WorkerBuffer) buffer = worker_buffers_take (self->buffers, self->cancellable, error);

  while (buffer != NULL && skip > 0)
    {
      gssize n = worker_body_read (body, buffer->data, (gsize) MIN (skip, WORKER_BUFFER_SIZE),
                                   self->cancellable, error);

      if (n == 0)
        g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CONNECTION_CLOSED,
                             "The connection ended before the bytes that were missing");
      if (n <= 0)
        return FALSE;
      skip -= (guint64) n;
    }
  return buffer != NULL;
}

static gboolean
read_body (WorkerAttempt *self, WorkerBody *body, GError **error)
{
  while (TRUE)
    {
      g_autoptr (WorkerBuffer)
          buffer = worker_buffers_take (self->buffers, self->cancellable, error);
      gssize n;

      if (buffer == NULL)
        return FALSE;
      n = worker_body_read (body, buffer->data, WORKER_BUFFER_SIZE, self->cancellable, error);
      if (n <= 0)
        return n == 0;
      if (!write_bytes (self, buffer, (gsize) n, error))
        return FALSE;
    }
}

/* What we hold is the whole file. */
static void
set_whole (WorkerAttempt *self)
{
  worker_attempt_lock (self);
  self->memory.total = get_position (self);
  worker_attempt_unlock (self);
  self->unproven = FALSE;
}

/* A body without a length came to its end: that is the total, if it can be believed. */
static void
note_end (WorkerAttempt *self, WorkerBody *body)
{
  if (self->memory.total != FERRY_SIZE_UNKNOWN || body->length != FERRY_SIZE_UNKNOWN)
    return;
  if (worker_body_is_proven (body))
    set_whole (self);
  else
    self->unproven = TRUE;
}

static Next
fetch_body (WorkerAttempt *self, WorkerExchange *exchange, guint64 skip, guint64 length,
            GError **error)
{
  g_auto (WorkerBody) body = {
    .stream = exchange->stream,
    .raw = worker_exchange_is_chunked (exchange) ? worker_exchange_get_raw (exchange) : NULL,
    .pulse = &self->pulse,
    .length = length,
    .chunked = worker_exchange_is_chunked (exchange),
  };
  guint64 before = get_position (self);
  WorkerPart missing;

  if (skip > 0 && !skip_bytes (self, &body, skip, error))
    return NEXT_ERROR;
  if (!read_body (self, &body, error))
    return NEXT_ERROR;
  note_end (self, &body);

  /* Asking on is for answers that were shorter than asked, not for those that bring nothing. */
  if (get_position (self) == before && !self->unproven &&
      worker_ranges_find (self->ranges, before, self->memory.total, &missing))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CONNECTION_CLOSED,
                           "The connection ended before the bytes that were missing");
      return NEXT_ERROR;
    }
  return NEXT_ASK;
}

/* == judging == */

/* The bytes we hold do not go with this answer. Before they are dropped, the place where an earlier
 * attempt ended is tried once: with mirrors behind one address the next may be another one, and the
 * first still has our version. */
static gboolean
may_try_last (WorkerAttempt *self, WorkerExchange *exchange, const char *reason)
{
  g_autoptr (GUri) last = NULL;

  if (self->last_uri == NULL || self->try_last || self->pending_restart != NULL ||
      g_str_equal (reason, "range-refused"))
    return FALSE;
  if (soup_uri_equal (self->last_uri, exchange->uri))
    return FALSE;
  self->pending_restart = reason;
  self->try_last = TRUE;
  return TRUE;
}

static Next
judge_restart (WorkerAttempt *self, WorkerExchange *exchange, const WorkerAsked *asked,
               const WorkerAnswer *answer, const WorkerJudgement *judgement, GError **error)
{
  if (may_try_last (self, exchange, judgement->reason))
    return NEXT_ASK;
  if (!restart (self, judgement->reason, error))
    return NEXT_ERROR;
  if (judgement->verdict == WORKER_VERDICT_RESTART_ASK)
    return NEXT_ASK;
  return accept_answer (self, asked, answer, judgement->total, error) ? NEXT_READ : NEXT_ERROR;
}

static Next
judge_fail (WorkerAttempt *self, WorkerExchange *exchange, const WorkerJudgement *judgement,
            GError **error)
{
  if (judgement->from_status)
    set_status_error (self, exchange, error);
  else
    g_set_error_literal (error, FERRY_ERROR, (int) judgement->error, judgement->message);
  return NEXT_ERROR;
}

/* While probing only an answer that says "that was all", or has more, is of use. */
static gboolean
check_probe (WorkerAttempt *self, WorkerVerdict verdict, GError **error)
{
  if (!self->probing || verdict == WORKER_VERDICT_COMPLETE || verdict == WORKER_VERDICT_APPEND)
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CONNECTION_CLOSED,
                       "The connection ended where nothing proves that the file is whole");
  return FALSE;
}

static Next
judge (WorkerAttempt *self, WorkerExchange *exchange, const WorkerAsked *asked,
       WorkerJudgement *judgement, GError **error)
{
  WorkerAnswer answer = worker_exchange_get_answer (exchange);
  g_auto (WorkerValidator) validator = answer.validator;

  *judgement = worker_answer_judge (asked, &answer);
  if (judgement->verdict != WORKER_VERDICT_COMPLETE)
    remember_answer (self, exchange);
  if (!check_probe (self, judgement->verdict, error))
    return NEXT_ERROR;
  self->probing = FALSE;

  switch (judgement->verdict)
    {
    case WORKER_VERDICT_WHOLE:
    case WORKER_VERDICT_APPEND:
    case WORKER_VERDICT_SKIP:
      self->unproven = FALSE;
      return accept_answer (self, asked, &answer, judgement->total, error) ? NEXT_READ : NEXT_ERROR;
    case WORKER_VERDICT_COMPLETE:
      self->unproven = FALSE;
      return accept_answer (self, asked, &answer, judgement->total, error) ? NEXT_ASK : NEXT_ERROR;
    case WORKER_VERDICT_RESTART:
    case WORKER_VERDICT_RESTART_ASK:
      return judge_restart (self, exchange, asked, &answer, judgement, error);
    case WORKER_VERDICT_ASK_PLAIN:
      self->plain = TRUE;
      return NEXT_ASK;
    case WORKER_VERDICT_FAIL:
    default:
      return judge_fail (self, exchange, judgement, error);
    }
}

/* == one part, from request to end of body == */

/* With ranges a second request may only follow when something will prove that both are of one
 * version. */
static gboolean
check_provable (WorkerAttempt *self, const WorkerAsked *asked, GError **error)
{
  if (asked->whole || asked->held == 0 || asked->validator.strong || asked->digest)
    return TRUE;
  if (asked->held == self->start_position)
    return restart (self, "no-validator", error);
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INSUFFICIENT_RANGE_SUPPORT,
                       "The server gives no validator that proves that the ranges belong to one "
                       "version of the file");
  return FALSE;
}

/* With another method than GET there is one request, and what it does not bring is missing. */
static gboolean
check_first (WorkerAttempt *self, GError **error)
{
  if (!self->requested)
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CONNECTION_CLOSED,
                       "The connection ended before the bytes that were missing");
  return FALSE;
}

/* The place of the earlier attempt did not help: the bytes go, for the reason found first. */
static Next
give_up_last (WorkerAttempt *self, GError **error)
{
  const char *reason = g_steal_pointer (&self->pending_restart);

  return restart (self, reason, error) ? NEXT_ASK : NEXT_ERROR;
}

/* Did asking the place where an earlier attempt ended bring an answer that goes with our bytes? */
static gboolean
passes_trial (WorkerExchange *exchange, const WorkerAsked *asked)
{
  WorkerAnswer answer = worker_exchange_get_answer (exchange);
  g_auto (WorkerValidator) validator = answer.validator;
  WorkerVerdict verdict = worker_answer_judge (asked, &answer).verdict;

  return verdict == WORKER_VERDICT_APPEND || verdict == WORKER_VERDICT_SKIP ||
         verdict == WORKER_VERDICT_COMPLETE;
}

static Next
use_answer (WorkerAttempt *self, WorkerExchange *exchange, const WorkerAsked *asked, GError **error)
{
  WorkerJudgement judgement;
  Next next = judge (self, exchange, asked, &judgement, error);
  guint64 skip = judgement.verdict == WORKER_VERDICT_SKIP ? asked->held : 0;

  if (next != NEXT_READ)
    {
      worker_exchange_close (exchange, WORKER_CLOSE_DRAIN);
      return next;
    }

  g_free (self->final_url);
  self->final_url = g_uri_to_string (exchange->uri);
  next = fetch_body (self, exchange, skip, judgement.length, error);
  worker_exchange_close (exchange, next == NEXT_ERROR || worker_exchange_is_chunked (exchange)
                                       ? WORKER_CLOSE_DROP
                                       : WORKER_CLOSE_FINISHED);
  return next;
}

static Next
fetch_part (WorkerAttempt *self, const WorkerPart *part, GError **error)
{
  WorkerAsked asked = plan (self, part);
  gboolean on_trial = self->pending_restart != NULL;
  g_autoptr (GError) send_error = NULL;
  WorkerExchange *exchange;

  if (!check_first (self, error) || !check_provable (self, &asked, error))
    return NEXT_ERROR;
  if (asked.held != get_position (self))
    return NEXT_ASK;

  exchange = send_request (self, &asked, &send_error);
  if (exchange == NULL &&
      (!on_trial || g_error_matches (send_error, G_IO_ERROR, G_IO_ERROR_CANCELLED)))
    {
      g_propagate_error (error, g_steal_pointer (&send_error));
      return NEXT_ERROR;
    }
  if (exchange == NULL || (on_trial && !passes_trial (exchange, &asked)))
    {
      worker_exchange_close (exchange, WORKER_CLOSE_DRAIN);
      return give_up_last (self, error);
    }

  self->pending_restart = NULL;
  return use_answer (self, exchange, &asked, error);
}

/* == the end == */

/* Returns: whether the digest is right, or none was given */
static gboolean
check_digest (WorkerAttempt *self, gboolean *matches, GError **error)
{
  *matches = TRUE;
  return self->digest == NULL ||
         worker_digest_finish (self->digest, self->cancellable, matches, error);
}

static Next
answer_mismatch (WorkerAttempt *self, GError **error)
{
  if (self->joined && !self->memory.afresh)
    {
      self->memory.afresh = TRUE;
      return restart (self, "digest-mismatch", error) ? NEXT_ASK : NEXT_ERROR;
    }

  if (drop_bytes (self, NULL, error))
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_DIGEST_MISMATCH,
                         "What was fetched does not have the digest that was given");
  return NEXT_ERROR;
}

/* The body ended in a way that proves nothing: does anything else? */
static Next
seek_proof (WorkerAttempt *self, GError **error)
{
  gboolean matches = FALSE;

  if (self->order->size == get_position (self))
    {
      set_whole (self);
      return NEXT_ASK;
    }
  if (self->digest != NULL)
    {
      if (!check_digest (self, &matches, error) || !worker_fetch_start_digest (self, error))
        return NEXT_ERROR;
      if (matches)
        {
          set_whole (self);
          return NEXT_ASK;
        }
    }

  self->probing = TRUE;
  if (!self->requested && self->memory.validator.strong && get_position (self) > 0)
    return NEXT_ASK;
  check_probe (self, WORKER_VERDICT_FAIL, error);
  return NEXT_ERROR;
}

/* A file whose digest is still to be checked may be dropped: it keeps its own mode and name until it is known. */
static gboolean
finish_sink (WorkerAttempt *self, GError **error)
{
  if (self->order->final_mode >= 0 && self->digest == NULL)
    return worker_sink_finish_for_publication (self->sink, (guint32) self->order->final_mode,
                                               error);
  return worker_sink_finish (self->sink, error);
}

static Next
finish (WorkerAttempt *self, GError **error)
{
  guint64 position = get_position (self);
  gboolean matches;
  gboolean finished;

  if (self->order->size != FERRY_SIZE_UNKNOWN && position != self->order->size)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_SIZE_MISMATCH,
                   "The file has %" G_GUINT64_FORMAT " bytes, not %" G_GUINT64_FORMAT, position,
                   self->order->size);
      return NEXT_ERROR;
    }

  /* The digest's thread goes on meanwhile. */
  worker_attempt_lock (self);
  finished = finish_sink (self, error);
  worker_attempt_unlock (self);
  if (!finished || !check_digest (self, &matches, error))
    return NEXT_ERROR;
  return matches ? NEXT_DONE : answer_mismatch (self, error);
}

/* What came by another method than GET cannot be gone on with, by none. */
static gboolean
begin (WorkerAttempt *self, GError **error)
{
  const char *method = self->order->method;
  gboolean foreign = method != NULL || self->memory.foreign;
  WorkerPart missing;

  self->memory.foreign = method != NULL;
  if (method != NULL && !worker_ranges_is_whole (self->ranges))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INSUFFICIENT_RANGE_SUPPORT,
                   "Ranges of a file can only be fetched with GET, not with %s", method);
      return FALSE;
    }
  return !foreign || get_position (self) == 0 ||
         !worker_ranges_find (self->ranges, get_position (self), self->memory.total, &missing) ||
         drop_bytes (self, "not-resumable", error);
}

gboolean
worker_fetch_run (WorkerAttempt *self, GError **error)
{
  Next next = begin (self, error) ? NEXT_ASK : NEXT_ERROR;

  while (next == NEXT_ASK)
    {
      WorkerPart part;

      if (self->unproven && !self->probing)
        next = seek_proof (self, error);
      else if (!worker_ranges_find (self->ranges, get_position (self), self->memory.total, &part))
        next = finish (self, error);
      else
        next = fetch_part (self, &part, error);
    }
  return next == NEXT_DONE;
}
