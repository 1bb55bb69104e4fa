/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-attempt-private.h"

#include "ferry-error.h"
#include "ferry-worker-protocol.h"
#include "worker-cancellable.h"
#include "worker-redirect.h"

WorkerAttempt *
worker_attempt_new (WorkerOrder *order, WorkerSessions *sessions, SoupSession *session,
                    WorkerBuffers *buffers, const char *last_url, WorkerReportFunc report,
                    gpointer data)
{
  WorkerAttempt *self = g_atomic_rc_box_new0 (WorkerAttempt);

  self->order = order;
  self->sessions = sessions;
  self->session = g_object_ref (session);
  self->buffers = buffers;
  self->report = report;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->sink_lock);
  g_mutex_init (&self->stored_lock);
  g_cond_init (&self->stored_changed);
  if (order->login.netrc != NULL)
    order->login.netrc->busy = &self->source_busy;
  if (order->login.certificate != NULL)
    worker_certificate_watch (order->login.certificate, &self->source_busy);
  self->left = g_variant_ref (order->resume);
  g_variant_lookup (self->left, "Offset", "t", &self->left_bytes);
  worker_memory_load (&self->memory, order->resume);
  worker_upload_record_load (&self->record, order->upload ? order->resume : NULL);
  self->start_high_water = order->upload ? self->record.high_water : self->memory.high_water;
  self->start_position = self->left_bytes;
  self->sent = self->left_bytes;
  if (last_url != NULL)
    self->last_uri = worker_uri_parse (last_url, NULL);
  return self;
}

static void
clear (gpointer data)
{
  WorkerAttempt *self = data;

  worker_digest_free (self->digest);
  worker_sink_free (self->sink);
  worker_source_free (self->source);
  worker_upload_record_clear (&self->record);
  g_variant_unref (self->left);
  worker_memory_clear (&self->memory);
  worker_order_free (self->order);
  g_object_unref (self->session);
  g_object_unref (self->cancellable);
  g_mutex_clear (&self->sink_lock);
  g_mutex_clear (&self->stored_lock);
  g_cond_clear (&self->stored_changed);
  g_clear_pointer (&self->ranges, worker_ranges_free);
  g_clear_pointer (&self->home, g_uri_unref);
  g_clear_pointer (&self->upload_home, g_uri_unref);
  g_clear_pointer (&self->last_uri, g_uri_unref);
  g_free (self->final_url);
  g_strfreev (self->response_headers);
  g_clear_pointer (&self->challenge, g_variant_unref);
}

WorkerAttempt *
worker_attempt_ref (WorkerAttempt *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
worker_attempt_unref (WorkerAttempt *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

const WorkerOrder *
worker_attempt_get_order (WorkerAttempt *self)
{
  return self->order;
}

const char *
worker_attempt_get_final_url (WorkerAttempt *self)
{
  return self->final_url;
}

/* Whoever holds the lock is in a file call, or as good as: what else is done under it takes no
 * time. */
void
worker_attempt_lock (WorkerAttempt *self)
{
  g_mutex_lock (&self->sink_lock);
  self->busy_since = g_get_monotonic_time ();
}

void
worker_attempt_unlock (WorkerAttempt *self)
{
  self->busy_since = 0;
  g_mutex_unlock (&self->sink_lock);
}

gint64
worker_attempt_get_busy_time (WorkerAttempt *self, gboolean *opening)
{
  gint64 since = self->busy_since != 0 ? self->busy_since : self->source_busy;

  *opening = self->opening;
  return since != 0 ? g_get_monotonic_time () - since : 0;
}

static gboolean
open_sink (WorkerAttempt *self, GError **error)
{
  gboolean lost = FALSE;
  WorkerSink *sink;

  worker_attempt_lock (self);
  self->opening = TRUE;
  sink = worker_sink_open (self->order->path, self->order->temporary_name, self->order->resume,
                           &lost, error);
  self->opening = FALSE;
  if (sink == NULL)
    {
      worker_attempt_unlock (self);
      return FALSE;
    }

  self->sink = sink;
  self->start_position = worker_sink_get_position (sink);
  self->joined = self->start_position > 0;
  if (self->start_position == 0)
    worker_memory_drop_bytes (&self->memory);
  if (lost)
    worker_report_restarted_locked (self, "temporary-file-lost");
  worker_attempt_unlock (self);
  return TRUE;
}

static gboolean
prepare (WorkerAttempt *self, GError **error)
{
  self->ranges = worker_ranges_new (self->order->ranges, error);
  if (self->ranges == NULL)
    return FALSE;
  self->home = worker_uri_parse (self->order->url, error);
  if (self->home == NULL)
    return FALSE;
  if (self->order->upload_url != NULL)
    self->upload_home = worker_uri_parse (self->order->upload_url, error);
  if (self->order->upload_url != NULL && self->upload_home == NULL)
    return FALSE;
  return open_sink (self, error) && worker_fetch_start_digest (self, error);
}

/* Of those that end an attempt from outside the first one counts. */
static void
explain_end (WorkerAttempt *self, GError **error)
{
  const char *late = self->late;

  if (late == NULL || !g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_error (error);
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, late);
}

/* Keeps what was written, if the file system still lets us. */
static void
end_badly_locked (WorkerAttempt *self, const GError *error)
{
  g_autoptr (GError) sink_error = NULL;
  gboolean stopped = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  if (g_error_matches (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS))
    {
      worker_report_new_name_locked (self);
      return;
    }

  if (self->sink != NULL &&
      worker_sink_get_position (self->sink) > worker_sink_get_durable (self->sink))
    worker_sink_checkpoint (self->sink, &sink_error);
  worker_report_close_locked (self);

  if (stopped && sink_error == NULL)
    worker_report_stopped_locked (self);
  else
    worker_report_failed_locked (self, sink_error != NULL && stopped ? sink_error : error);
}

static gboolean
fetch (WorkerAttempt *self, GError **error)
{
  return prepare (self, error) && worker_fetch_run (self, error) &&
         (self->upload_home == NULL || worker_upload_close_reply (self, error));
}

void
worker_attempt_run (WorkerAttempt *self)
{
  g_autoptr (GError) error = NULL;
  gboolean done = self->order->upload ? worker_upload_run (self, &error) : fetch (self, &error);

  if (!done)
    explain_end (self, &error);
  g_clear_pointer (&self->digest, worker_digest_free);
  worker_attempt_lock (self);
  if (done)
    {
      worker_report_close_locked (self);
      worker_report_done_locked (self);
    }
  else
    {
      end_badly_locked (self, error);
    }
  /* That was the last word: without them a tick has nothing to tell of, and who would be told is gone soon. */
  g_clear_pointer (&self->sink, worker_sink_free);
  g_clear_pointer (&self->source, worker_source_free);
  worker_attempt_unlock (self);
}

void
worker_attempt_stop (WorkerAttempt *self)
{
  g_cancellable_cancel (self->cancellable);
}

void
worker_attempt_stored (WorkerAttempt *self)
{
  g_mutex_lock (&self->stored_lock);
  self->stored = TRUE;
  g_cond_broadcast (&self->stored_changed);
  g_mutex_unlock (&self->stored_lock);
}

gboolean
worker_attempt_store (WorkerAttempt *self, GError **error)
{
  WorkerWake wake;

  g_mutex_lock (&self->stored_lock);
  self->stored = FALSE;
  g_mutex_unlock (&self->stored_lock);
  worker_attempt_lock (self);
  if (self->order->upload)
    worker_report_record_locked (self, TRUE);
  else
    worker_report_checkpoint_locked (self, TRUE);
  worker_attempt_unlock (self);

  worker_wake_begin (&wake, self->cancellable, &self->stored_lock, &self->stored_changed);
  g_mutex_lock (&self->stored_lock);
  while (!self->stored && !g_cancellable_is_cancelled (self->cancellable))
    g_cond_wait (&self->stored_changed, &self->stored_lock);
  g_mutex_unlock (&self->stored_lock);
  worker_wake_end (&wake);
  return !g_cancellable_set_error_if_cancelled (self->cancellable, error);
}

void
worker_attempt_checkpoint (WorkerAttempt *self)
{
  worker_attempt_lock (self);
  /* A failure stays with the sink, and the attempt's own thread meets it at its next call. */
  if (self->sink != NULL &&
      worker_sink_get_position (self->sink) > worker_sink_get_durable (self->sink) &&
      worker_sink_checkpoint (self->sink, NULL))
    worker_report_checkpoint_locked (self, FALSE);
  worker_attempt_unlock (self);
}

static void
check_pulse (WorkerAttempt *self)
{
  const char *late;

  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  late = worker_pulse_check (&self->pulse, worker_sessions_get_times (self->sessions),
                             g_get_monotonic_time ());
  if (late == NULL)
    return;
  self->late = late;
  g_cancellable_cancel (self->cancellable);
}

gboolean
worker_attempt_tick (WorkerAttempt *self)
{
  gboolean wants_checkpoint = FALSE;

  check_pulse (self);

  /* Who holds the lock is just writing, and tells by itself. */
  if (!g_mutex_trylock (&self->sink_lock))
    return FALSE;

  if (self->source != NULL && self->sent != self->told_position)
    {
      worker_report_progress (self, self->sent);
    }
  else if (self->sink != NULL)
    {
      guint64 position = worker_sink_get_position (self->sink);

      if (position > self->start_position && position != self->told_position)
        worker_report_progress (self, position);
      wants_checkpoint = worker_sink_wants_checkpoint (self->sink);
    }
  worker_attempt_unlock (self);
  return wants_checkpoint;
}
