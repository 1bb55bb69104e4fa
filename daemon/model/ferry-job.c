/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-job.h"

#include "ferry-method.h"

#include "ferry-text.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

G_DEFINE_TYPE (FerryJob, ferry_job, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void
ferry_job_finalize (GObject *object)
{
  FerryJob *self = FERRY_JOB (object);

  g_free (self->id);
  g_free (self->owner_name);
  g_free (self->display_name);
  g_free (self->description);
  g_free (self->application_id);
  g_strfreev (self->request_headers);
  g_free (self->proxy_uri);
  g_strfreev (self->proxy_bypass);
  g_strfreev (self->server_pins);
  g_free (self->http_method);
  g_free (self->client_certificate);
  g_free (self->reply_path);
  ferry_secrets_free (self->secrets);
  ferry_failure_free (self->error);
  g_clear_pointer (&self->dirty_files, g_hash_table_unref);
  g_ptr_array_unref (self->files);
  G_OBJECT_CLASS (ferry_job_parent_class)->finalize (object);
}

static void
ferry_job_class_init (FerryJobClass *class)
{
  G_OBJECT_CLASS (class)->finalize = ferry_job_finalize;

  signals[SIGNAL_CHANGED] = g_signal_new ("changed", FERRY_TYPE_JOB, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
}

static void
ferry_job_init (FerryJob *self)
{
  self->state = FERRY_JOB_STATE_SUSPENDED;
  self->priority = FERRY_PRIORITY_NORMAL;
  self->display_name = g_strdup ("");
  self->description = g_strdup ("");
  self->application_id = g_strdup ("");
  self->minimum_retry_delay = FERRY_DEFAULT_RETRY_DELAY;
  self->no_progress_timeout = FERRY_DEFAULT_NO_PROGRESS;
  self->notification_interval = FERRY_DEFAULT_NOTIFICATION_INTERVAL;
  self->request_headers = g_new0 (char *, 1);
  self->proxy_uri = g_strdup ("");
  self->proxy_bypass = g_new0 (char *, 1);
  self->server_pins = g_new0 (char *, 1);
  self->http_method = g_strdup ("");
  self->client_certificate = g_strdup ("");
  self->reply_path = g_strdup ("");
  self->no_progress_since = -1;
  self->files = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_file_free);
}

FerryJob *
ferry_job_new_with_id (const char *id, FerryJobType type, uid_t owner, const char *owner_name)
{
  FerryJob *self = g_object_new (FERRY_TYPE_JOB, NULL);

  self->id = g_strdup (id);
  self->type = type;
  self->owner = owner;
  self->owner_name = g_strdup (owner_name);
  return self;
}

FerryJob *
ferry_job_new (FerryJobType type, uid_t owner, const char *owner_name)
{
  /* From the kernel. GLib's UUIDs come from a Mersenne Twister: who makes some hundred jobs knows its state from their
   * ids, and from the next one how many jobs others made meanwhile, and their ids. */
  guint8 bytes[16];
  g_autofree char *id = NULL;

  if (getrandom (bytes, sizeof bytes, 0) != sizeof bytes)
    g_error ("The kernel gives no random numbers: %s", g_strerror (errno));
  id = ferry_text_new_hex (bytes, sizeof bytes);
  return ferry_job_new_with_id (id, type, owner, owner_name);
}

gboolean
ferry_job_id_is_valid (const char *id)
{
  return id != NULL && strlen (id) == 32 && strspn (id, "0123456789abcdef") == 32;
}

static const char *
event_to_verb (FerryJobEvent event)
{
  switch (event)
    {
    case FERRY_JOB_EVENT_RESUME:
      return "resumed";
    case FERRY_JOB_EVENT_SUSPEND:
      return "suspended";
    case FERRY_JOB_EVENT_COMPLETE:
      return "completed";
    case FERRY_JOB_EVENT_CANCEL:
      return "cancelled";
    case FERRY_JOB_EVENT_START:
    case FERRY_JOB_EVENT_CONNECTED:
    case FERRY_JOB_EVENT_YIELD:
    case FERRY_JOB_EVENT_FAIL_TRANSIENT:
    case FERRY_JOB_EVENT_RETRY:
    case FERRY_JOB_EVENT_FAIL:
    case FERRY_JOB_EVENT_FINISH:
      return "changed";
    }

  return "changed";
}

/* The states that a crash may forget: after it the job is queued again anyway. */
static gboolean
is_stored_as_queued (FerryJobState state)
{
  return state == FERRY_JOB_STATE_QUEUED || ferry_job_state_is_active (state);
}

gboolean
ferry_job_apply (FerryJob *self, FerryJobEvent event, GError **error)
{
  FerryJobState before = self->state;
  FerryJobState after;
  FerryChange change = FERRY_CHANGE_STATE;

  if (!ferry_job_state_next (before, event, &after))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE, "A job that is %s cannot be %s",
                   ferry_job_state_to_string (before), event_to_verb (event));
      return FALSE;
    }

  if (after == before)
    return TRUE;

  self->state = after;
  if (!is_stored_as_queued (before) || !is_stored_as_queued (after))
    change |= FERRY_CHANGE_JOB;
  ferry_job_touch (self, change);
  return TRUE;
}

void
ferry_job_touch (FerryJob *self, FerryChange change)
{
  if (change & FERRY_CHANGE_JOB)
    self->dirty = TRUE;
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0, (guint) change);
}

void
ferry_job_touch_file (FerryJob *self, FerryFile *file, FerryChange more)
{
  if (self->dirty_files == NULL)
    self->dirty_files = g_hash_table_new (NULL, NULL);
  g_hash_table_add (self->dirty_files, file);
  ferry_job_touch (self, FERRY_CHANGE_FILES | more);
}

static void
append_file (FerryJob *self, FerryFile *file)
{
  file->is_source = ferry_job_is_upload (self) && !ferry_file_is_reply (file);
  g_ptr_array_add (self->files, file);
}

void
ferry_job_load_file (FerryJob *self, FerryFile *file)
{
  append_file (self, file);
  if (!ferry_file_is_reply (file))
    self->next_index = MAX (self->next_index, file->index + 1);
}

void
ferry_job_add_file (FerryJob *self, FerryFile *file)
{
  file->index = self->next_index++;
  file->bytes_total = file->expected_size;
  append_file (self, file);
  /* The job's row too: it holds next_index. */
  ferry_job_touch_file (self, file, FERRY_CHANGE_JOB);
}

void
ferry_job_add_reply (FerryJob *self, FerryFile *file)
{
  file->index = FERRY_REPLY_INDEX;
  append_file (self, file);
  ferry_job_touch_file (self, file, FERRY_CHANGE_JOB);
}

static gboolean
find_file (FerryJob *self, guint index, guint *position)
{
  guint low = 0;
  guint high = self->files->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      const FerryFile *file = g_ptr_array_index (self->files, middle);

      if (file->index == index)
        {
          *position = middle;
          return TRUE;
        }
      if (file->index < index)
        low = middle + 1;
      else
        high = middle;
    }

  return FALSE;
}

FerryFile *
ferry_job_get_file (FerryJob *self, guint index)
{
  guint position;

  return find_file (self, index, &position) ? g_ptr_array_index (self->files, position) : NULL;
}

FerryFile *
ferry_job_steal_file (FerryJob *self, guint index)
{
  FerryFile *file;
  guint position;

  if (!find_file (self, index, &position))
    return NULL;

  file = g_ptr_array_steal_index (self->files, position);
  if (self->dirty_files != NULL)
    g_hash_table_remove (self->dirty_files, file);
  ferry_job_touch (self, FERRY_CHANGE_JOB | FERRY_CHANGE_FILES);
  return file;
}

void
ferry_job_set_error (FerryJob *self, FerryFailure *failure)
{
  ferry_failure_free (self->error);
  self->error = failure;
}

gboolean
ferry_job_is_upload (FerryJob *self)
{
  return self->type != FERRY_JOB_TYPE_DOWNLOAD;
}

const char *
ferry_job_get_method (FerryJob *self)
{
  gboolean own = *self->http_method == '\0' ||
                 (!ferry_job_is_upload (self) && g_str_equal (self->http_method, "GET"));

  return own ? NULL : self->http_method;
}

gboolean
ferry_job_asks_once (FerryJob *self)
{
  return !ferry_method_is_idempotent (ferry_job_get_method (self));
}

FerryFile *
ferry_job_get_source (FerryJob *self)
{
  FerryFile *first = self->files->len > 0 ? g_ptr_array_index (self->files, 0) : NULL;

  return first != NULL && first->is_source ? first : NULL;
}

FerryFile *
ferry_job_get_reply (FerryJob *self)
{
  return ferry_job_get_file (self, FERRY_REPLY_INDEX);
}

void
ferry_job_unsettle (FerryJob *self)
{
  self->resolved_upload_protocol = FERRY_UPLOAD_PROTOCOL_AUTO;
  self->resumable = FALSE;
}

guint
ferry_job_count_files (FerryJob *self)
{
  return self->files->len - (ferry_job_get_reply (self) != NULL);
}

guint64
ferry_job_get_bytes_total (FerryJob *self)
{
  guint n_files = ferry_job_count_files (self);
  guint64 total = 0;

  for (guint i = 0; i < n_files; i++)
    {
      const FerryFile *file = g_ptr_array_index (self->files, i);

      if (file->bytes_total == FERRY_SIZE_UNKNOWN ||
          !g_uint64_checked_add (&total, total, file->bytes_total))
        return FERRY_SIZE_UNKNOWN;
    }

  return total;
}

guint64
ferry_job_get_bytes_transferred (FerryJob *self)
{
  guint n_files = ferry_job_count_files (self);
  guint64 sum = 0;

  for (guint i = 0; i < n_files; i++)
    {
      const FerryFile *file = g_ptr_array_index (self->files, i);

      sum += file->bytes_transferred;
    }

  return sum;
}

guint
ferry_job_get_files_transferred (FerryJob *self)
{
  guint n_files = ferry_job_count_files (self);
  guint count = 0;

  for (guint i = 0; i < n_files; i++)
    count += ferry_file_is_whole (g_ptr_array_index (self->files, i));

  return count;
}

guint64
ferry_job_get_transfer_rate (FerryJob *self, gint64 now)
{
  /* Workers tell of bytes, not of silence. */
  if (!ferry_job_state_is_active (self->state) || now - self->rate_time > 3 * G_USEC_PER_SEC)
    return 0;
  return self->transfer_rate;
}

gboolean
ferry_job_is_whole (FerryJob *self)
{
  const FerryFile *reply = ferry_job_get_reply (self);

  return self->files->len > 0 && (reply == NULL || ferry_file_is_whole (reply)) &&
         ferry_job_get_files_transferred (self) == ferry_job_count_files (self);
}

gboolean
ferry_job_has_attempts (FerryJob *self)
{
  for (guint i = 0; i < self->files->len; i++)
    {
      const FerryFile *file = g_ptr_array_index (self->files, i);

      if (file->attempt != 0)
        return TRUE;
    }

  return FALSE;
}

gboolean
ferry_job_has_running_attempts (FerryJob *self)
{
  for (guint i = 0; i < self->files->len; i++)
    {
      const FerryFile *file = g_ptr_array_index (self->files, i);

      if (file->attempt != 0 && !file->stopping)
        return TRUE;
    }

  return FALSE;
}

gboolean
ferry_job_lacks_secrets (FerryJob *self)
{
  return self->had_secrets && self->secrets == NULL;
}

FerrySecrets *
ferry_job_get_secrets (FerryJob *self)
{
  if (self->secrets == NULL)
    self->secrets = ferry_secrets_new ();
  return self->secrets;
}

void
ferry_job_note_secrets (FerryJob *self)
{
  /* What an agent gave it will give again. */
  self->had_secrets = ferry_secrets_has_any_given (self->secrets);
  if (ferry_secrets_is_empty (self->secrets))
    g_clear_pointer (&self->secrets, ferry_secrets_free);
}

gboolean
ferry_job_lacks_login (FerryJob *self)
{
  return self->state == FERRY_JOB_STATE_ERROR && self->error != NULL &&
         self->error->code == FERRY_ERROR_AUTHENTICATION_FAILED;
}

char **
ferry_job_get_wait_reasons (FerryJob *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  guint reasons = 0;

  switch (self->state)
    {
    case FERRY_JOB_STATE_QUEUED:
      reasons = self->wait_reasons != 0 ? self->wait_reasons : 1u << FERRY_WAIT_REASON_TURN;
      break;
    case FERRY_JOB_STATE_TRANSIENT_ERROR:
      reasons = self->wait_reasons != 0 ? self->wait_reasons : 1u << FERRY_WAIT_REASON_RETRY;
      break;
    case FERRY_JOB_STATE_CONNECTING:
      /* Its turn has come, but its worker may not be there. */
      reasons = self->wait_reasons;
      break;
    case FERRY_JOB_STATE_SUSPENDED:
      reasons = 1u << FERRY_WAIT_REASON_SUSPENDED;
      break;
    case FERRY_JOB_STATE_TRANSFERRED:
      /* While it is being published it waits for nobody. */
      reasons = self->auto_complete || self->completing ? 0 : 1u << FERRY_WAIT_REASON_COMPLETE;
      break;
    case FERRY_JOB_STATE_ERROR:
      reasons = ferry_job_lacks_login (self) ? 1u << FERRY_WAIT_REASON_CREDENTIALS : 0;
      break;
    case FERRY_JOB_STATE_TRANSFERRING:
    case FERRY_JOB_STATE_ACKNOWLEDGED:
    case FERRY_JOB_STATE_CANCELLED:
      break;
    }

  for (guint reason = 0; reason < FERRY_N_WAIT_REASONS; reason++)
    {
      if (reasons & (1u << reason))
        g_strv_builder_add (builder, ferry_wait_reason_to_string (reason));
    }

  return g_strv_builder_end (builder);
}
