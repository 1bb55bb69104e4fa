/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-explain.h"

#include "ferry-exit.h"
#include "ferry-format.h"
#include "ferry-text.h"

/* "ConnectFailed" of the job's last error, or NULL. */
static char *
get_error_word (FerryRemoteJob *job)
{
  g_autoptr (GError) error = ferry_remote_job_get_error (job);
  g_autofree char *name = NULL;
  const char *dot;

  if (error == NULL)
    return NULL;

  name = ferry_exit_get_name (error);
  dot = strrchr (name, '.');
  return ferry_text_clean (dot != NULL ? dot + 1 : name, 64);
}

static void
append_until (GString *text, FerryRemoteJob *job, guint64 now)
{
  guint64 next = ferry_remote_job_get_number (job, "NextAttemptTime", 0);
  g_autofree char *left = NULL;

  if (next <= now)
    return;

  left = ferry_format_duration ((next - now + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
  g_string_append_printf (text, " in %s", left);
}

static void
append_reason (GString *text, FerryRemoteJob *job, FerryWaitReason reason, guint64 now)
{
  switch (reason)
    {
    case FERRY_WAIT_REASON_NETWORK:
      g_string_append (text, "the network");
      return;
    case FERRY_WAIT_REASON_METERED:
      g_string_append (text, "a network that is not metered");
      return;
    case FERRY_WAIT_REASON_BATTERY:
      g_string_append (text, "mains power");
      return;
    case FERRY_WAIT_REASON_SCHEDULE:
      g_string_append (text, "the hours that policy allows");
      return;
    case FERRY_WAIT_REASON_TURN:
      g_string_append (text, "its turn");
      return;
    case FERRY_WAIT_REASON_RETRY:
      g_string_append (text, "retry");
      append_until (text, job, now);
      return;
    case FERRY_WAIT_REASON_RETRY_AFTER:
      g_string_append (text, "the server, retry");
      append_until (text, job, now);
      return;
    case FERRY_WAIT_REASON_CREDENTIALS:
      g_string_append (text, "credentials");
      return;
    case FERRY_WAIT_REASON_DISK_SPACE:
      g_string_append (text, "disk space");
      return;
    case FERRY_WAIT_REASON_DESTINATION:
      g_string_append (text, "the target directory");
      return;
    case FERRY_WAIT_REASON_UPLOAD_SOURCE:
      g_string_append (text, "the file to send");
      return;
    case FERRY_WAIT_REASON_WORKER:
      g_string_append (text, "its worker");
      return;
    case FERRY_WAIT_REASON_SUSPENDED:
      g_string_append (text, "resume");
      return;
    case FERRY_WAIT_REASON_POLICY:
      g_string_append (text, "policy");
      return;
    case FERRY_WAIT_REASON_COMPLETE:
      g_string_append (text, "complete");
      return;
    }
}

char *
ferry_explain_wait (FerryRemoteJob *job, guint64 now)
{
  GVariant *reasons = g_hash_table_lookup (job->properties, "WaitReasons");
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree const char **words = NULL;
  g_autofree char *error = NULL;

  if (reasons != NULL && g_variant_is_of_type (reasons, G_VARIANT_TYPE_STRING_ARRAY))
    words = g_variant_get_strv (reasons, NULL);

  for (gsize i = 0; words != NULL && words[i] != NULL; i++)
    {
      FerryWaitReason reason;

      if (text->len > 0)
        g_string_append (text, ", ");
      if (ferry_wait_reason_from_string (words[i], &reason))
        append_reason (text, job, reason, now);
      else
        {
          /* A newer service may know more reasons than we do. */
          g_autofree char *clean = ferry_text_clean (words[i], 64);

          g_string_append (text, clean);
        }
    }
  if (text->len == 0)
    return NULL;

  if (ferry_remote_job_get_state (job) == FERRY_JOB_STATE_TRANSIENT_ERROR &&
      (error = get_error_word (job)) != NULL)
    g_string_append_printf (text, " (%s)", error);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
append_expiration (GString *text, FerryRemoteJob *job)
{
  guint64 time = ferry_remote_job_get_number (job, "ExpirationTime", 0);
  g_autofree char *date = NULL;

  if (time == 0)
    return;

  date = ferry_format_date (time);
  g_string_append_printf (text, "; deleted on %s", date);
}

static void
append_error (GString *text, FerryRemoteJob *job)
{
  g_autoptr (GError) error = ferry_remote_job_get_error (job);
  g_autofree char *description = error != NULL ? ferry_exit_describe (error) : NULL;

  g_string_append (text, description != NULL ? description : "unknown error");
}

const char *
ferry_explain_direction (FerryRemoteJob *job, gboolean utf8)
{
  if (!ferry_remote_job_is_upload (job))
    return "";

  return utf8 ? "↑ " : "up ";
}

char *
ferry_explain_remedy (FerryRemoteJob *job, const char *id, const char *quote)
{
  g_autofree char *word = get_error_word (job);
  g_autofree char *resume = g_strdup_printf ("%sferry resume %s%s", quote, id, quote);

  if (g_strcmp0 (word, "AuthenticationFailed") == 0)
    return g_strdup_printf (
        "%sferry watch %s%s on a terminal, %sferry login URL%s or %sferry header %s 'NAME: "
        "VALUE'%s lets it go on",
        quote, id, quote, quote, quote, quote, id, quote);
  if (!ferry_remote_job_is_upload (job))
    return NULL;

  if (g_strcmp0 (word, "UploadNotSupported") == 0)
    return g_strdup_printf ("%sferry set %s UploadProtocol=PROTOCOL%s takes another protocol, %s "
                            "tries it",
                            quote, id, quote, resume);
  if (g_strcmp0 (word, "LocalFileChanged") == 0)
    return g_strdup_printf ("%s sends the file as it is now", resume);
  /* All is sent and the reply is there; only its name is taken. */
  if (g_strcmp0 (word, "TargetExists") == 0)
    return g_strdup_printf ("move that file away, then %s stores the reply", resume);
  if (g_strcmp0 (word, "SessionNotFound") == 0 || ferry_remote_job_starts_over (job))
    return g_strdup_printf ("%s starts again from the beginning", resume);

  return NULL;
}

GError *
ferry_explain_failure (const GError *failure, const char *more)
{
  g_autofree char *name = ferry_exit_get_name (failure);
  g_autoptr (GError) plain = g_error_copy (failure);
  g_autofree char *text = NULL;

  g_dbus_error_strip_remote_error (plain);
  text = g_strdup_printf ("%s; %s", plain->message, more);
  return g_dbus_error_new_for_dbus_error (name, text);
}

static void
append_failure (GString *text, FerryRemoteJob *job, const char *id)
{
  g_autofree char *remedy = ferry_explain_remedy (job, id, "");

  g_string_append (text, "failed: ");
  append_error (text, job);
  if (remedy != NULL)
    g_string_append_printf (text, "; %s", remedy);
  else
    g_string_append_printf (text, "; ferry resume %s tries again", id);
}

/* A file could not be given its final name, or it waits for its owner. */
static void
append_transferred (GString *text, FerryRemoteJob *job, const char *id)
{
  g_autoptr (GError) error = ferry_remote_job_get_error (job);

  if (error != NULL)
    {
      append_error (text, job);
      g_string_append (text, "; ");
    }
  g_string_append_printf (text, "waits for: ferry complete %s", id);
}

char *
ferry_explain_job (FerryRemoteJob *job, const char *id, guint64 now)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *wait = NULL;

  switch (ferry_remote_job_get_state (job))
    {
    case FERRY_JOB_STATE_TRANSFERRED:
      append_transferred (text, job, id);
      append_expiration (text, job);
      break;
    case FERRY_JOB_STATE_SUSPENDED:
      g_string_append_printf (text, "waits for: ferry resume %s", id);
      if (ferry_remote_job_starts_over (job))
        g_string_append (text, ", which starts again from the beginning");
      append_expiration (text, job);
      break;
    case FERRY_JOB_STATE_ERROR:
      append_failure (text, job, id);
      append_expiration (text, job);
      break;
    case FERRY_JOB_STATE_CANCELLED:
      {
        g_autoptr (GError) error = ferry_remote_job_get_error (job);

        if (error != NULL)
          append_error (text, job);
        break;
      }
    case FERRY_JOB_STATE_QUEUED:
    case FERRY_JOB_STATE_CONNECTING:
    case FERRY_JOB_STATE_TRANSFERRING:
    case FERRY_JOB_STATE_TRANSIENT_ERROR:
      wait = ferry_explain_wait (job, now);
      if (wait != NULL)
        g_string_append_printf (text, "waits for: %s", wait);
      /* The secret headers are lost at a restart of the service: only the owner has them. */
      if (ferry_remote_job_get_state (job) == FERRY_JOB_STATE_TRANSIENT_ERROR &&
          ferry_remote_job_waits_for (job, FERRY_WAIT_REASON_CREDENTIALS))
        g_string_append (text, " of an agent");
      else if (ferry_remote_job_waits_for (job, FERRY_WAIT_REASON_CREDENTIALS))
        g_string_append_printf (text, "; ferry header %s 'NAME: VALUE' sets headers again", id);
      break;
    case FERRY_JOB_STATE_ACKNOWLEDGED:
      break;
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}
