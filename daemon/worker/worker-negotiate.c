/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-negotiate.h"

#include "ferry-error.h"
#include "ferry-text.h"
#include "worker-cancellable.h"
#include "worker-kerberos.h"

/* Kerberos' library asks one server after the other, by name, each several times: s */
#define PATIENCE 30

struct _WorkerNegotiate
{
  WorkerKerberos *kerberos; /* (owned): of the thread that works */

  GMutex lock;
  GCond changed;
  gboolean working; /* under @lock: a thread does; a second waits for it */
};

/* One token, in a thread of its own: Kerberos' library cannot be interrupted. */
typedef struct
{
  WorkerNegotiate *negotiate; /* (owned) */
  char *host;                 /* (owned) */
  char *token;                /* (owned) (nullable): of the thread until it is done */
  GError *error;              /* (owned) (nullable): likewise */
  gboolean done;              /* under its lock */
  gboolean unwanted;          /* under its lock: the thread frees it */
} Work;

WorkerNegotiate *
worker_negotiate_new (const char *user, const char *password)
{
  WorkerNegotiate *self = g_atomic_rc_box_new0 (WorkerNegotiate);

  self->kerberos = worker_kerberos_new (user, password);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  return self;
}

static void
negotiate_clear (gpointer data)
{
  WorkerNegotiate *self = data;

  worker_kerberos_free (self->kerberos);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
}

void
worker_negotiate_unref (WorkerNegotiate *self)
{
  if (self != NULL)
    g_atomic_rc_box_release_full (self, negotiate_clear);
}

static void
work_free (Work *work)
{
  worker_negotiate_unref (work->negotiate);
  g_free (work->host);
  ferry_text_wipe (work->token);
  g_clear_error (&work->error);
  g_free (work);
}

static gpointer
work_thread (gpointer data)
{
  Work *work = data;
  g_autoptr (WorkerNegotiate) self = g_atomic_rc_box_acquire (work->negotiate);
  gboolean unwanted;

  work->token = worker_kerberos_new_token (self->kerberos, work->host, &work->error);

  g_mutex_lock (&self->lock);
  self->working = FALSE;
  work->done = TRUE;
  unwanted = work->unwanted;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (unwanted)
    work_free (work);
  return NULL;
}

/* Returns: whether @flag got @value before @cancellable was cancelled or @end came; holds the lock either way */
static gboolean
lock_when (WorkerNegotiate *self, const gboolean *flag, gboolean value, gint64 end,
           GCancellable *cancellable)
{
  WorkerWake wake;
  gboolean waits = TRUE;

  worker_wake_begin (&wake, cancellable, &self->lock, &self->changed);
  g_mutex_lock (&self->lock);
  while (waits && *flag != value && !g_cancellable_is_cancelled (cancellable))
    waits = g_cond_wait_until (&self->changed, &self->lock, end);
  g_mutex_unlock (&self->lock);
  worker_wake_end (&wake);
  g_mutex_lock (&self->lock);
  return *flag == value;
}

/* Returns: (transfer full) (nullable): what a thread works at now; %NULL without @error when it is too late, or cancelled */
static Work *
start (WorkerNegotiate *self, const char *host, gint64 end, GCancellable *cancellable,
       GError **error)
{
  /* One that nobody waited for may still be at it. */
  gboolean free = lock_when (self, &self->working, FALSE, end, cancellable);
  GThread *thread;
  Work *work;

  self->working = TRUE;
  g_mutex_unlock (&self->lock);
  if (!free)
    return NULL;

  work = g_new0 (Work, 1);
  work->negotiate = g_atomic_rc_box_acquire (self);
  work->host = g_ascii_strdown (host, -1);
  thread = g_thread_try_new ("kerberos", work_thread, work, NULL);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return work;
    }
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED, "No thread can be started");
  g_mutex_lock (&self->lock);
  self->working = FALSE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  work_free (work);
  return NULL;
}

char *
worker_negotiate_get_token (WorkerNegotiate *self, const char *host, GCancellable *cancellable,
                            GError **error)
{
  const gint64 end = g_get_monotonic_time () + PATIENCE * G_USEC_PER_SEC;
  g_autoptr (GError) local_error = NULL;
  Work *work = start (self, host, end, cancellable, &local_error);
  char *token;
  gboolean done = FALSE;

  if (work != NULL)
    {
      done = lock_when (self, &work->done, TRUE, end, cancellable);
      work->unwanted = !done;
      g_mutex_unlock (&self->lock);
    }
  if (!done)
    {
      if (local_error != NULL)
        g_propagate_error (error, g_steal_pointer (&local_error));
      else if (!g_cancellable_set_error_if_cancelled (cancellable, error))
        g_set_error (error, FERRY_ERROR, FERRY_ERROR_CONNECT_FAILED,
                     "Kerberos does not answer: its servers were asked for %d seconds", PATIENCE);
      return NULL;
    }

  token = g_steal_pointer (&work->token);
  if (work->error != NULL)
    g_propagate_error (error, g_steal_pointer (&work->error));
  work_free (work);
  return token;
}
