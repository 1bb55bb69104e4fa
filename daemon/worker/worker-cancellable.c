/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-cancellable.h"

static void
wake_cb (GCancellable *cancellable, gpointer data)
{
  WorkerWake *self = data;

  g_mutex_lock (self->lock);
  g_cond_broadcast (self->changed);
  g_mutex_unlock (self->lock);
}

void
worker_wake_begin (WorkerWake *self, GCancellable *cancellable, GMutex *lock, GCond *changed)
{
  *self = (WorkerWake){ .cancellable = cancellable, .lock = lock, .changed = changed };
  self->handler = g_cancellable_connect (cancellable, G_CALLBACK (wake_cb), self, NULL);
}

void
worker_wake_end (WorkerWake *self)
{
  g_cancellable_disconnect (self->cancellable, self->handler);
}

static void
parent_cancelled_cb (GCancellable *parent, gpointer data)
{
  g_cancellable_cancel (data);
}

void
worker_branch_begin (WorkerBranch *self, GCancellable *parent)
{
  self->parent = parent;
  self->cancellable = g_cancellable_new ();
  self->handler = g_cancellable_connect (parent, G_CALLBACK (parent_cancelled_cb),
                                         self->cancellable, NULL);
}

void
worker_branch_end (WorkerBranch *self)
{
  g_cancellable_disconnect (self->parent, self->handler);
  g_clear_object (&self->cancellable);
}
