/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is different with uploads: the file is only read, the server says how far it has come, and it has to be told when
 * nobody wants the rest. */

#include "ferry-engine-private.h"

#include "ferry-text.h"

/* How long a server is tried to be told of a cancellation, at the most. */
#define CANCEL_TIME (G_GINT64_CONSTANT (24 * 3600) * G_USEC_PER_SEC)

/* == what workers report == */

/* Returns: whether it is settled, or was and is not any more; then it is to be stored */
static gboolean
take_protocol (FerryJob *job, GVariant *arguments)
{
  FerryUploadProtocol protocol;
  gboolean resumable = FALSE;
  const char *word;

  if (!g_variant_lookup (arguments, "UploadProtocol", "&s", &word))
    return FALSE;
  if (*word == '\0')
    {
      ferry_job_unsettle (job);
      return TRUE;
    }
  if (!ferry_upload_protocol_from_string (word, &protocol) ||
      protocol == FERRY_UPLOAD_PROTOCOL_AUTO)
    return FALSE;

  g_variant_lookup (arguments, "Resumable", "b", &resumable);
  if (job->resolved_upload_protocol == protocol && job->resumable == resumable)
    return FALSE;
  job->resolved_upload_protocol = protocol;
  job->resumable = resumable;
  return TRUE;
}

void
ferry_engine_take_upload_protocol (FerryEngine *self, FerryJob *job, GVariant *arguments)
{
  if (take_protocol (job, arguments))
    ferry_job_touch (job, FERRY_CHANGE_JOB);
}

typedef struct
{
  FerryEngine *engine; /* (owned) */
  guint64 attempt;
} Confirmation;

static void confirm (FerryEngine *self, guint64 attempt);

static void
confirmed_cb (const GError *error, gpointer data)
{
  g_autofree Confirmation *confirmation = data;
  g_autoptr (FerryEngine) self = confirmation->engine;
  FerryAttempt *attempt = NULL;

  /* After a failed commit the attempts are gone; the last commit may come after our end. */
  if (error == NULL && self->attempts != NULL)
    attempt = g_hash_table_lookup (self->attempts, &confirmation->attempt);
  if (attempt == NULL)
    return;

  if (--attempt->confirmations > 0)
    {
      attempt->confirmations = 1;
      confirm (self, attempt->id);
      return;
    }
  ferry_workers_send (self->workers, attempt->uid, "stored",
                      g_variant_new_parsed ("{'Attempt': <%t>}", attempt->id));
}

static void
confirm (FerryEngine *self, guint64 attempt)
{
  Confirmation *confirmation = g_new0 (Confirmation, 1);

  confirmation->engine = g_object_ref (self);
  confirmation->attempt = attempt;
  ferry_store_after_commit (self->store, confirmed_cb, confirmation);
}

void
ferry_engine_confirm_record (FerryEngine *self, FerryAttempt *attempt)
{
  /* One wait for each attempt: a worker that asks without end must not fill memory. What was told meanwhile waits for
   * the next commit. */
  attempt->confirmations = MIN (attempt->confirmations + 1, 2);
  if (attempt->confirmations == 1)
    confirm (self, attempt->id);
}

gboolean
ferry_engine_take_reply_url (FerryEngine *self, FerryJob *job, GVariant *arguments)
{
  FerryFile *source = ferry_job_get_source (job);
  FerryFile *reply = ferry_job_get_reply (job);

  if (!ferry_engine_take_claimed_url (reply, arguments, "ReplyUrl"))
    {
      ferry_file_fail (source,
                       ferry_failure_new (FERRY_ERROR_INVALID_SERVER_RESPONSE,
                                          FERRY_ERROR_CONTEXT_REMOTE_APPLICATION, source->index, 0,
                                          "The server did not say where its reply is, or "
                                          "named a place that is no http or https URL"));
      return FALSE;
    }

  ferry_job_touch_file (job, reply, FERRY_CHANGE_PROGRESS);
  return TRUE;
}

void
ferry_engine_reply_done (FerryEngine *self, FerryJob *job)
{
  FerryFile *source = ferry_job_get_source (job);

  /* Its session is closed: there is nothing to go on from and nobody to tell. */
  if (source == NULL || source->resume == NULL)
    return;
  g_clear_pointer (&source->resume, g_variant_unref);
  ferry_job_touch_file (job, source, FERRY_CHANGE_PROGRESS);
}

/* == what a worker is told == */

static GVariant *
get_request (FerryEngine *self, FerryJob *job)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  ferry_engine_add_request (self, &dict, job);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
ferry_engine_get_upload_arguments (FerryEngine *self, FerryJob *job, FerryFile *file,
                                   guint64 attempt)
{
  guint64 above = ferry_policy_get (self->policy, FERRY_POLICY_REQUIRE_RESUMABLE_UPLOADS_ABOVE);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  ferry_engine_add_start (self, &dict, job, file, attempt);
  g_variant_dict_insert (&dict, "Protocol", "s",
                         ferry_upload_protocol_to_string (job->upload_protocol));
  g_variant_dict_insert (&dict, "Reply", "b", job->type == FERRY_JOB_TYPE_UPLOAD_REPLY);
  g_variant_dict_insert (&dict, "RequireResumableAbove", "t", above);
  return g_variant_dict_end (&dict);
}

GVariant *
ferry_engine_get_upload_of_reply (FerryJob *job)
{
  const FerryFile *source = ferry_job_get_source (job);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Url", "s", source->remote_url);
  if (source->resume != NULL)
    g_variant_dict_insert_value (&dict, "Resume", source->resume);
  return g_variant_dict_end (&dict);
}

gboolean
ferry_engine_may_start_reply (FerryJob *job, FerryFile *reply)
{
  const FerryFile *source = ferry_job_get_source (job);

  return source != NULL && ferry_file_is_whole (source) && *reply->remote_url != '\0';
}

gboolean
ferry_engine_is_fragile (FerryJob *job)
{
  const FerryFile *source = ferry_job_get_source (job);

  return source != NULL && source->attempt != 0 && !job->resumable &&
         job->resolved_upload_protocol != FERRY_UPLOAD_PROTOCOL_AUTO;
}

/* == giving up == */

static gint64
get_deadline (FerryEngine *self, FerryJob *job)
{
  gint64 time = CANCEL_TIME;

  if (job->no_progress_timeout != 0)
    time = MIN (time, (gint64) job->no_progress_timeout * G_USEC_PER_SEC);
  return ferry_service_time_get (self->service_time) + time;
}

void
ferry_engine_abandon_upload (FerryEngine *self, FerryJob *job)
{
  FerryFile *source = ferry_job_get_source (job);
  FerryFile *reply = ferry_job_get_reply (job);
  FerryDuty *duty;

  if (source == NULL || (source->attempt == 0 && !ferry_file_has_session (source)))
    return;

  duty = g_new0 (FerryDuty, 1);
  duty->kind = FERRY_DUTY_CANCEL_UPLOAD;
  duty->owner = job->owner;
  duty->owner_name = g_strdup (job->owner_name);
  duty->url = g_strdup (source->remote_url);
  duty->resume = source->resume != NULL ? g_variant_ref (source->resume) : NULL;
  duty->request = get_request (self, job);
  duty->secrets = ferry_secrets_copy (job->secrets);
  duty->deadline = get_deadline (self, job);
  /* What fetches the reply uses the same session, but knows nothing of how to go on with the upload. */
  ferry_engine_add_cancellation (self, duty, source->attempt, reply != NULL ? reply->attempt : 0);
}

void
ferry_engine_restart_upload (FerryEngine *self, FerryJob *job, FerryFile *source)
{
  FerryFile *reply = ferry_job_get_reply (job);

  /* Nobody hears any more what the attempt on the old one says. */
  source->attempt = 0;
  source->stopping = FALSE;
  ferry_job_unsettle (job);
  g_clear_pointer (&source->error, ferry_failure_free);
  if (source->bytes_transferred > 0)
    ferry_engine_restart_file (self, job, source, "url-changed");
  else
    ferry_file_reset (source);
  source->most_bytes = 0;
  source->most_kept = 0;
  ferry_job_touch_file (job, source, FERRY_CHANGE_JOB);
  if (reply == NULL)
    return;

  g_free (reply->remote_url);
  reply->remote_url = g_strdup ("");
  ferry_job_touch_file (job, reply, FERRY_CHANGE_PROGRESS);
}

gboolean
ferry_engine_change_upload_url (FerryEngine *self, FerryJob *job, FerryFile *source,
                                const char *url, GError **error)
{
  gboolean runs = source->attempt != 0 && !source->stopping;

  if (ferry_file_is_whole (source))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                   "File %u has been sent already; its URL cannot be changed", source->index);
      return FALSE;
    }

  ferry_engine_note_activity (self, job);
  ferry_engine_stop_attempts (self, job);
  ferry_engine_abandon_upload (self, job);
  g_free (source->remote_url);
  source->remote_url = g_strdup (url);
  ferry_engine_restart_upload (self, job, source);
  if (runs)
    ferry_engine_move (self, job, FERRY_JOB_EVENT_YIELD);
  return TRUE;
}
