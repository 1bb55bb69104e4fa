/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-cancel.h"

#include "ferry-error.h"
#include "worker-order.h"
#include "worker-redirect.h"
#include "worker-reply.h"
#include "worker-upload.h"

/* For all of it, s: ferryd tries again, later. */
#define TIME 60

/** Made and freed in the main thread, where the last reference to a session has to go; the chore works on it between. */
typedef struct
{
  FerryLink *link; /* (unowned) */
  guint32 id;
  WorkerOrder *order;        /* (owned) */
  WorkerSessions *sessions;  /* (unowned) */
  SoupSession *session;      /* (owned) */
  GCancellable *cancellable; /* (owned) */
  guint timer;
} Cancellation;

static void
cancellation_free (Cancellation *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->order, worker_order_free);
  g_clear_object (&self->session);
  g_clear_object (&self->cancellable);
  g_free (self);
}

static gboolean
late_cb (gpointer data)
{
  Cancellation *self = data;

  self->timer = 0;
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

/* In a chore's thread. */
static GVariant *
run (gpointer data)
{
  Cancellation *self = data;
  g_auto (WorkerUploadRecord) record = { 0 };
  g_autoptr (GUri) home = NULL;
  g_autoptr (GError) error = NULL;
  WorkerPulse pulse = { 0 };
  WorkerUpload upload = { .record = &record };

  worker_upload_record_load (&record, self->order->resume);
  home = worker_uri_parse (self->order->url, &error);
  upload.requester = worker_order_get_requester (self->order, self->sessions, self->session, &pulse,
                                                 home, self->cancellable);
  if (home == NULL || !worker_upload_cancel (&upload, &error))
    {
      if (upload.explained)
        return worker_reply_new_failure (&upload.failure, error, -1);
      return worker_reply_new_error (error, -1);
    }
  return worker_reply_new ();
}

static void
done_cb (GVariant *reply, gpointer data)
{
  Cancellation *self = data;

  ferry_link_send (self->link, self->id, "reply", reply);
  cancellation_free (self);
}

static void
keep (gpointer data)
{
}

void
worker_cancel_upload (FerryLink *link, guint32 id, GVariant *arguments, WorkerChores *chores,
                      WorkerSessions *sessions)
{
  Cancellation *self = g_new0 (Cancellation, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  self->link = link;
  self->id = id;
  self->sessions = sessions;
  self->cancellable = g_cancellable_new ();
  self->order = worker_order_new_cancel (arguments);
  if (self->order == NULL)
    g_set_error_literal (&error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                         "The worker was asked to cancel an upload without being told which");
  else
    self->session = worker_order_get_session (self->order, sessions, &error);
  if (self->session == NULL)
    {
      reply = worker_reply_new_error (error, -1);
      done_cb (reply, self);
      return;
    }

  self->timer = g_timeout_add_seconds (TIME, late_cb, self);
  worker_chores_push (chores, FALSE, run, self, keep, done_cb, self);
}
