/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request that must not be sent twice: ferryd has on disk that it goes out before it does, and what happens to it from there on
 * is final, unless the server says that it did not do what it was asked. */

#include "worker-attempt-private.h"

#include "ferry-method.h"

gboolean
worker_once_applies (WorkerAttempt *self)
{
  return !ferry_method_is_idempotent (self->order->method);
}

static void
set_asked (WorkerAttempt *self, gboolean asked)
{
  worker_attempt_lock (self);
  self->asked = asked;
  worker_attempt_unlock (self);
}

/* It has its connection, and nothing of it has gone out; nor does it when we were stopped meanwhile. */
gboolean
worker_once_starting (gpointer data)
{
  WorkerAttempt *self = data;

  if (self->asked)
    return TRUE;
  set_asked (self, TRUE);
  if (worker_attempt_store (self, NULL))
    return TRUE;
  set_asked (self, FALSE);
  return FALSE;
}

/* 4xx: the server would not; 503: nor could it; 511: it was not even the server. */
static gboolean
is_refusal (guint status)
{
  return (status >= 400 && status < 500) || status == SOUP_STATUS_SERVICE_UNAVAILABLE ||
         status == 511;
}

void
worker_once_note_answer_locked (WorkerAttempt *self, SoupMessage *message)
{
  /* What was asked after it is another matter. */
  if (is_refusal (soup_message_get_status (message)) &&
      !ferry_method_is_idempotent (soup_message_get_method (message)))
    self->asked = FALSE;
}

void
worker_once_explain_locked (WorkerAttempt *self, WorkerFailure *failure, char **message)
{
  char *longer;

  /* Nor does a login help: ferryd would not send it again for that. */
  if (!self->asked || (!failure->transient && failure->code != FERRY_ERROR_AUTHENTICATION_FAILED))
    return;
  failure->transient = FALSE;
  failure->wait_reason = NULL;
  longer = g_strdup_printf ("%s; the server may have carried out the %s request, which Resume "
                            "sends again",
                            *message, self->order->method);
  g_free (*message);
  *message = longer;
}
