/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-worker-requests.h"
#include "ferry-error.h"
#include "ferry-text.h"
#include "ferry-worker-protocol.h"

#include <string.h>

/* Unanswered requests of one worker. With frames of FERRY_FRAME_MAX that is half of what a link
 * lets wait, so that our own diligence never looks like a worker that does not read. */
#define SENT_MAX 32

/* What a frame needs beside kind and arguments. */
#define FRAME_OVERHEAD 64

typedef struct
{
  FerryWorkerRequests *owner; /* (unowned) */
  guint32 id;                 /* 0 = not sent yet */
  char *kind;                 /* (owned) */
  GVariant *arguments;        /* (owned) */
  guint timeout;              /* s */
  gint64 deadline;            /* awake µs, once sent */
  guint timer;                /* of the clock, 0 = none */
  GTask *task;        /* (owned) (nullable): %NULL once cancelled; the answer is still due */
  GSource *cancelled; /* (owned) (nullable) */
} Request;

struct _FerryWorkerRequests
{
  FerryClock *clock;              /* (owned) */
  FerryWorkerRequestsFuncs funcs; /* (owned) */
  gpointer user_data;             /* (unowned) */

  GQueue waiting;   /* (owned) (element-type Request) */
  GHashTable *sent; /* (owned) (element-type guint Request): by id */
  guint32 last_id;
};

static void
request_free (Request *request)
{
  ferry_clock_clear (request->owner->clock, &request->timer);
  if (request->cancelled != NULL)
    {
      g_source_destroy (request->cancelled);
      g_source_unref (request->cancelled);
    }
  g_clear_object (&request->task);
  g_variant_unref (request->arguments);
  g_free (request->kind);
  g_free (request);
}

/* Takes @request, which is in no list any more. */
static void
request_fail (Request *request, const char *reason)
{
  g_autoptr (GTask) task = g_steal_pointer (&request->task);

  request_free (request);
  if (task != NULL)
    g_task_return_new_error (task, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED, "%s", reason);
}

FerryWorkerRequests *
ferry_worker_requests_new (FerryClock *clock, const FerryWorkerRequestsFuncs *funcs,
                           gpointer user_data)
{
  FerryWorkerRequests *self = g_new0 (FerryWorkerRequests, 1);

  self->clock = g_object_ref (clock);
  self->funcs = *funcs;
  self->user_data = user_data;
  g_queue_init (&self->waiting);
  self->sent = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) request_free);
  return self;
}

void
ferry_worker_requests_free (FerryWorkerRequests *self)
{
  g_queue_clear_full (&self->waiting, (GDestroyNotify) request_free);
  g_hash_table_unref (self->sent);
  g_object_unref (self->clock);
  g_free (self);
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  Request *request = data;
  FerryWorkerRequests *self = request->owner;
  g_autoptr (GTask) task = g_steal_pointer (&request->task);

  g_clear_pointer (&request->cancelled, g_source_unref);
  if (request->id == 0)
    {
      g_queue_remove (&self->waiting, request);
      request_free (request);
    }

  g_task_return_error_if_cancelled (task);
  self->funcs.changed (self->user_data);
  return G_SOURCE_REMOVE;
}

static void
watch_cancellable (Request *request, GCancellable *cancellable)
{
  if (cancellable == NULL)
    return;

  request->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_callback (request->cancelled, (GSourceFunc) cancelled_cb, request, NULL);
  g_source_attach (request->cancelled, g_main_context_get_thread_default ());
}

void
ferry_worker_requests_add (FerryWorkerRequests *self, const char *kind, GVariant *arguments,
                           guint timeout, GTask *task)
{
  Request *request = g_new0 (Request, 1);
  gsize size;

  if (arguments == NULL)
    arguments = g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);

  request->owner = self;
  request->kind = g_strdup (kind);
  request->arguments = g_variant_ref_sink (arguments);
  request->timeout = timeout;
  request->task = task;

  size = g_variant_get_size (request->arguments) + strlen (kind) + FRAME_OVERHEAD;
  if (size > FERRY_FRAME_MAX)
    {
      g_autofree char *reason = g_strdup_printf ("A message '%s' of %" G_GSIZE_FORMAT
                                                 " bytes is too long for the "
                                                 "worker, which takes %d",
                                                 kind, size, FERRY_FRAME_MAX);

      request_fail (request, reason);
      return;
    }
  if (g_task_return_error_if_cancelled (task))
    {
      request_free (request);
      return;
    }

  watch_cancellable (request, g_task_get_cancellable (task));
  g_queue_push_tail (&self->waiting, request);
}

static void late_cb (gpointer data);

static void
arm (Request *request, gint64 left)
{
  FerryClock *clock = request->owner->clock;

  request->timer = ferry_clock_add (clock, ferry_clock_get_boot (clock) + left, late_cb, request);
}

/* Time in which the whole machine slept is not the worker's. */
static void
late_cb (gpointer data)
{
  Request *request = data;
  FerryWorkerRequests *self = request->owner;
  gint64 left = request->deadline - ferry_clock_get_awake (self->clock);
  g_autofree char *reason = NULL;

  request->timer = 0;
  if (left > 0)
    {
      arm (request, left);
      return;
    }

  reason = g_strdup_printf ("The worker did not answer '%s' within %u s", request->kind,
                            request->timeout);
  self->funcs.late (reason, self->user_data);
}

static guint32
new_id (FerryWorkerRequests *self)
{
  do
    self->last_id++;
  while (self->last_id == 0 ||
         g_hash_table_contains (self->sent, GUINT_TO_POINTER (self->last_id)));

  return self->last_id;
}

void
ferry_worker_requests_pump (FerryWorkerRequests *self)
{
  while (!g_queue_is_empty (&self->waiting) && g_hash_table_size (self->sent) < SENT_MAX)
    {
      Request *request = g_queue_peek_head (&self->waiting);
      guint32 id = new_id (self);

      /* The link is closing; what waits is dealt with when it is down. */
      if (!self->funcs.send (id, request->kind, request->arguments, self->user_data))
        return;

      g_queue_pop_head (&self->waiting);
      request->id = id;
      request->deadline = ferry_clock_get_awake (self->clock) +
                          request->timeout * G_TIME_SPAN_SECOND;
      arm (request, request->timeout * G_TIME_SPAN_SECOND);
      g_hash_table_insert (self->sent, GUINT_TO_POINTER (id), request);
    }
}

/* Returns: (nullable): what a reply complains of. Its name and text are the worker's, so the
 * owner's. */
static GError *
reply_error (GVariant *reply)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (reply, "Error", NULL);
  FerryError code = FERRY_ERROR_WORKER_FAILED;
  const char *name = NULL;
  const char *message = NULL;
  g_autofree char *text = NULL;

  if (value == NULL)
    return NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    {
      g_variant_lookup (value, "Name", "&s", &name);
      g_variant_lookup (value, "Message", "&s", &message);
    }
  if (!ferry_error_from_name (name, &code))
    code = FERRY_ERROR_WORKER_FAILED;
  text = ferry_text_clean (message, FERRY_TEXT_MAX);
  return g_error_new_literal (FERRY_ERROR, (int) code,
                              *text != '\0' ? text : "The worker gave no reason");
}

gboolean
ferry_worker_requests_answer (FerryWorkerRequests *self, guint32 id, GVariant *reply)
{
  Request *request = NULL;
  g_autoptr (GTask) task = NULL;
  GError *error;

  if (!g_hash_table_steal_extended (self->sent, GUINT_TO_POINTER (id), NULL, (gpointer *) &request))
    return FALSE;

  task = g_steal_pointer (&request->task);
  request_free (request);
  if (task == NULL)
    return TRUE;

  error = reply_error (reply);
  g_task_set_task_data (task, g_variant_ref (reply), (GDestroyNotify) g_variant_unref);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
  return TRUE;
}

static void
fail_list (GList *requests, const char *reason)
{
  for (GList *l = requests; l != NULL; l = l->next)
    request_fail (l->data, reason);
  g_list_free (requests);
}

static gint
compare_ids (gconstpointer a, gconstpointer b)
{
  const Request *first = a;
  const Request *second = b;

  return first->id < second->id ? -1 : first->id > second->id;
}

void
ferry_worker_requests_fail_sent (FerryWorkerRequests *self, const char *reason)
{
  GList *requests = g_list_sort (g_hash_table_get_values (self->sent), compare_ids);

  /* Emptied first: who is answered may ask again from its callback. */
  g_hash_table_steal_all (self->sent);
  fail_list (requests, reason);
}

void
ferry_worker_requests_fail_all (FerryWorkerRequests *self, const char *reason)
{
  GList *waiting = self->waiting.head;

  g_queue_init (&self->waiting);
  ferry_worker_requests_fail_sent (self, reason);
  fail_list (waiting, reason);
}

gboolean
ferry_worker_requests_is_empty (FerryWorkerRequests *self)
{
  return g_queue_is_empty (&self->waiting) && g_hash_table_size (self->sent) == 0;
}
