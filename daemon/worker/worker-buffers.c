/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-buffers.h"

#include "worker-cancellable.h"

#include <sys/mman.h>

struct _WorkerBuffers
{
  GMutex lock;
  GCond changed;
  GQueue free;  /* (element-type WorkerBuffer) (owned): under @lock */
  guint in_use; /* under @lock */
};

WorkerBuffers *
worker_buffers_new (void)
{
  WorkerBuffers *self = g_new0 (WorkerBuffers, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->free);
  return self;
}

static void
free_buffer (gpointer data)
{
  WorkerBuffer *buffer = data;

  munmap (buffer->data, WORKER_BUFFER_SIZE);
  g_free (buffer);
}

void
worker_buffers_free (WorkerBuffers *self)
{
  if (self == NULL)
    return;
  g_warn_if_fail (self->in_use == 0);
  g_queue_clear_full (&self->free, free_buffer);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

/* Mapped, not allocated: what is given back then leaves the process. */
static WorkerBuffer *
create_buffer (WorkerBuffers *self)
{
  WorkerBuffer *buffer = g_new0 (WorkerBuffer, 1);

  buffer->pool = self;
  buffer->data = mmap (NULL, WORKER_BUFFER_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer->data == MAP_FAILED)
    g_error ("No memory for a buffer of %" G_GSIZE_FORMAT " bytes", WORKER_BUFFER_SIZE);
  return buffer;
}

/* Returns: (nullable): %NULL when all are in use */
static WorkerBuffer *
take_locked (WorkerBuffers *self)
{
  WorkerBuffer *buffer;

  if (self->in_use >= WORKER_BUFFERS_MAX)
    return NULL;
  self->in_use++;
  buffer = g_queue_pop_head (&self->free);
  return buffer != NULL ? buffer : create_buffer (self);
}

/* Waits until there is room, then takes it. The common case, with no wait, costs no handler. */
static WorkerBuffer *
wait_for_buffer (WorkerBuffers *self, GCancellable *cancellable)
{
  WorkerWake wake;
  WorkerBuffer *buffer;

  worker_wake_begin (&wake, cancellable, &self->lock, &self->changed);
  g_mutex_lock (&self->lock);
  while (self->in_use >= WORKER_BUFFERS_MAX && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&self->changed, &self->lock);
  buffer = take_locked (self);
  g_mutex_unlock (&self->lock);
  worker_wake_end (&wake);
  return buffer;
}

WorkerBuffer *
worker_buffers_take (WorkerBuffers *self, GCancellable *cancellable, GError **error)
{
  WorkerBuffer *buffer;

  g_mutex_lock (&self->lock);
  buffer = take_locked (self);
  g_mutex_unlock (&self->lock);

  if (buffer == NULL)
    buffer = wait_for_buffer (self, cancellable);
  if (buffer == NULL)
    {
      g_cancellable_set_error_if_cancelled (cancellable, error);
      return NULL;
    }
  g_atomic_int_set (&buffer->ref_count, 1);
  return buffer;
}

WorkerBuffer *
worker_buffer_ref (WorkerBuffer *buffer)
{
  g_atomic_int_inc (&buffer->ref_count);
  return buffer;
}

void
worker_buffer_unref (WorkerBuffer *buffer)
{
  WorkerBuffers *self = buffer->pool;

  if (!g_atomic_int_dec_and_test (&buffer->ref_count))
    return;
  g_mutex_lock (&self->lock);
  self->in_use--;
  g_queue_push_head (&self->free, buffer);
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

void
worker_buffers_trim (WorkerBuffers *self)
{
  g_mutex_lock (&self->lock);
  g_queue_clear_full (&self->free, free_buffer);
  g_mutex_unlock (&self->lock);
}
