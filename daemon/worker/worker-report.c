/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-attempt-private.h"

#include "ferry-text.h"
#include "ferry-worker-protocol.h"
#include "worker-challenge.h"
#include "worker-upload.h"

static void
send (WorkerAttempt *self, const char *kind, GVariantDict *dict)
{
  g_variant_dict_insert (dict, "Attempt", "t", self->order->attempt);
  self->report (self->data, kind, g_variant_ref_sink (g_variant_dict_end (dict)));
}

static guint64
get_total (WorkerAttempt *self)
{
  if (self->order->upload)
    return self->record.total;
  return self->ranges != NULL ? worker_ranges_get_total (self->ranges, self->memory.total)
                              : FERRY_SIZE_UNKNOWN;
}

static void
add_response (WorkerAttempt *self, GVariantDict *dict)
{
  if (self->status != 0)
    g_variant_dict_insert (dict, "HttpStatus", "u", (guint32) self->status);
  if (self->response_headers != NULL)
    g_variant_dict_insert (dict, "ResponseHeaders", "^as", self->response_headers);
  if (self->final_url != NULL && self->order->redirect_policy == FERRY_REDIRECT_POLICY_REPORT)
    g_variant_dict_insert (dict, "FinalUrl", "s", self->final_url);
  if (self->memory.validator.text != NULL)
    g_variant_dict_insert (dict, "Validator", "s", self->memory.validator.text);
}

void
worker_report_response (WorkerAttempt *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (self->response_sent)
    return;
  self->response_sent = TRUE;
  add_response (self, &dict);
  g_variant_dict_insert (&dict, "Total", "t", get_total (self));
  send (self, "response", &dict);
}

void
worker_report_progress (WorkerAttempt *self, guint64 position)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  gint64 now = g_get_monotonic_time ();

  if (now - self->last_progress < WORKER_PROGRESS_INTERVAL)
    return;
  self->last_progress = now;
  self->told_position = position;
  worker_report_response (self);
  g_variant_dict_insert (&dict, "Bytes", "t", position);
  g_variant_dict_insert (&dict, "Total", "t", get_total (self));
  send (self, "progress", &dict);
}

/* What was sent before our attempt, by another method than ours, stays sent. */
static void
add_asked (WorkerAttempt *self, GVariantDict *resume)
{
  gboolean before = FALSE;

  g_variant_lookup (self->order->resume, FERRY_RESUME_ASKED, "b", &before);
  if (self->asked || before)
    g_variant_dict_insert (resume, FERRY_RESUME_ASKED, "b", TRUE);
}

/* Returns: (transfer full): the state to go on from, which has @durable bytes */
static GVariant *
build_resume (WorkerAttempt *self, guint64 *durable)
{
  g_auto (GVariantDict) resume = G_VARIANT_DICT_INIT (NULL);

  *durable = worker_sink_get_durable (self->sink);
  if (*durable > self->memory.high_water)
    {
      self->memory.high_water = *durable;
      self->memory.restarts = 0;
    }
  worker_sink_add_resume (self->sink, &resume);
  worker_memory_save (&self->memory, &resume);
  add_asked (self, &resume);
  return g_variant_ref_sink (g_variant_dict_end (&resume));
}

/* Returns: (transfer full): the state of the upload. Before the source was open it is what it was. */
static GVariant *
build_upload_resume (WorkerAttempt *self, guint64 *acknowledged)
{
  g_autoptr (GVariant) known = worker_upload_record_strip (self->order->resume);
  g_auto (GVariantDict) resume = G_VARIANT_DICT_INIT (known);

  *acknowledged = self->forgotten ? 0 : self->record.offset;
  if (self->source == NULL && !self->forgotten)
    return g_variant_ref (self->order->resume);
  add_asked (self, &resume);
  if (self->forgotten)
    return g_variant_ref_sink (g_variant_dict_end (&resume));
  worker_source_add_resume (self->source, &resume);
  worker_upload_record_save (&self->record, &resume);
  return g_variant_ref_sink (g_variant_dict_end (&resume));
}

static void
add_upload (WorkerAttempt *self, GVariantDict *dict)
{
  const WorkerUploadProtocol *protocol = worker_upload_protocol_get (self->record.protocol);
  gboolean settled = protocol != NULL && !self->forgotten;

  if (!self->order->upload)
    return;
  g_variant_dict_insert (dict, "UploadProtocol", "s",
                         settled ? ferry_upload_protocol_to_string (protocol->protocol) : "");
  g_variant_dict_insert (dict, "Resumable", "b", settled && protocol->resumable);
  if (self->record.reply_url != NULL)
    g_variant_dict_insert (dict, "ReplyUrl", "s", self->record.reply_url);
}

static void
add_resume (WorkerAttempt *self, GVariantDict *dict)
{
  g_autoptr (GVariant) resume = NULL;
  guint64 durable = self->left_bytes;

  if (self->order->upload)
    resume = build_upload_resume (self, &durable);
  else if (self->sink != NULL)
    resume = build_resume (self, &durable);
  else
    resume = g_variant_ref (self->left);
  g_variant_dict_insert_value (dict, "Resume", resume);
  g_variant_dict_insert (dict, "Bytes", "t", durable);
}

/* Returns: (transfer none): whose server the job's login is for */
static GUri *
get_home (WorkerAttempt *self)
{
  return self->upload_home != NULL ? self->upload_home : self->home;
}

void
worker_report_note_answer_locked (WorkerAttempt *self, SoupMessage *message)
{
  self->status = soup_message_get_status (message);
  g_strfreev (self->response_headers);
  self->response_headers = worker_message_dup_headers (message);
  g_clear_pointer (&self->challenge, g_variant_unref);
  self->challenge = worker_challenge_new (message, get_home (self));
  worker_once_note_answer_locked (self, message);
}

void
worker_report_close_locked (WorkerAttempt *self)
{
  if (self->sink == NULL)
    return;
  g_variant_unref (self->left);
  self->left = build_resume (self, &self->left_bytes);
  g_clear_pointer (&self->sink, worker_sink_free);
}

void
worker_report_checkpoint_locked (WorkerAttempt *self, gboolean confirm)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (self->status != 0)
    worker_report_response (self);
  add_resume (self, &dict);
  if (confirm)
    g_variant_dict_insert (&dict, "Confirm", "b", TRUE);
  send (self, "checkpoint", &dict);
}

void
worker_report_record_locked (WorkerAttempt *self, gboolean confirm)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  add_resume (self, &dict);
  add_upload (self, &dict);
  if (confirm)
    g_variant_dict_insert (&dict, "Confirm", "b", TRUE);
  send (self, "record", &dict);
}

void
worker_report_restarted_locked (WorkerAttempt *self, const char *reason)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  add_resume (self, &dict);
  g_variant_dict_insert (&dict, "Reason", "s", reason);
  send (self, "restarted", &dict);
}

void
worker_report_done_locked (WorkerAttempt *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  add_resume (self, &dict);
  add_response (self, &dict);
  add_upload (self, &dict);
  send (self, "done", &dict);
}

void
worker_report_stopped_locked (WorkerAttempt *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  add_resume (self, &dict);
  send (self, "stopped", &dict);
}

void
worker_report_new_name_locked (WorkerAttempt *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  send (self, "new-name", &dict);
}

static GVariant *
build_error (WorkerAttempt *self, const WorkerFailure *failure, const char *message)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *clean = ferry_text_clean (message, FERRY_TEXT_MAX);

  g_variant_dict_insert (&dict, "Name", "s", ferry_error_get_name (failure->code));
  g_variant_dict_insert (&dict, "Context", "s", ferry_error_context_to_string (failure->context));
  g_variant_dict_insert (&dict, "Message", "s", clean);
  if (self->status >= 300)
    g_variant_dict_insert (&dict, "HttpStatus", "u", (guint32) self->status);
  return g_variant_dict_end (&dict);
}

void
worker_report_failed_locked (WorkerAttempt *self, const GError *error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *message = g_strdup (error->message);
  WorkerFailure failure = worker_failure_from_error (error);
  const WorkerCertificate *certificate = self->order->login.certificate;
  guint64 high_water = self->order->upload ? self->record.high_water : self->memory.high_water;

  if (self->explained)
    failure = self->failure;
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_HTTP_ERROR) && self->status >= 300)
    failure = worker_failure_from_status (self->status);
  worker_once_explain_locked (self, &failure, &message);

  if (certificate != NULL && worker_certificate_wants_password (certificate))
    {
      g_clear_pointer (&self->challenge, g_variant_unref);
      self->challenge = worker_challenge_new_for_key (get_home (self),
                                                      worker_certificate_get_place (certificate));
    }
  add_resume (self, &dict);
  add_response (self, &dict);
  add_upload (self, &dict);
  g_variant_dict_insert_value (&dict, "Error", build_error (self, &failure, message));
  g_variant_dict_insert (&dict, "Transient", "b", failure.transient);
  g_variant_dict_insert (&dict, "NewBytes", "b", high_water > self->start_high_water);
  if (self->retry_after > 0)
    g_variant_dict_insert (&dict, "RetryAfter", "u", (guint32) self->retry_after);
  /* Who would be asked for a login would type it for nothing: with it the job must not go on. */
  if (failure.code == FERRY_ERROR_AUTHENTICATION_FAILED && self->challenge != NULL && !self->asked)
    g_variant_dict_insert_value (&dict, "Challenge", self->challenge);
  if (failure.wait_reason != NULL)
    g_variant_dict_insert (&dict, "WaitReason", "s", failure.wait_reason);
  send (self, "failed", &dict);
}
