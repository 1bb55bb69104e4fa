/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "no-threads.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

typedef int (*Create) (pthread_t *thread, const pthread_attr_t *attributes,
                       void *(*routine) (void *), void *data);

static gint refused;

void
no_threads_set (gboolean none)
{
  g_atomic_int_set (&refused, none);
}

/* In the way of the C library's. */
int
pthread_create (pthread_t *thread, const pthread_attr_t *attributes, void *(*routine) (void *),
                void *data)
{
  Create create = (Create) dlsym (RTLD_NEXT, "pthread_create");

  return g_atomic_int_get (&refused) ? EAGAIN : create (thread, attributes, routine, data);
}
