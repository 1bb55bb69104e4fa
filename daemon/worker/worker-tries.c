/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-tries.h"

#include <string.h>

/* Not much longer than it takes a job to fail with all its files: the secret may become right. */
#define REFUSED_TIME (30 * G_USEC_PER_SEC)

static struct
{
  GMutex trying; /* whoever tries has it */
  GHashTable *
      refused; /* (owned) (nullable) (element-type utf8 gint64): monotonic times by digest; under @trying */
} queues[WORKER_N_TRIES];

/* The text stays longer than a secret should. */
static char *
get_digest (const char *place, const char *secret)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  g_checksum_update (sum, (const guchar *) place, (gssize) strlen (place) + 1);
  g_checksum_update (sum, (const guchar *) secret, (gssize) strlen (secret) + 1);
  return g_strdup (g_checksum_get_string (sum));
}

gboolean
worker_tries_enter (WorkerTries self, const char *place, const char *secret)
{
  g_autofree char *digest = get_digest (place, secret);
  const gint64 *when;

  g_mutex_lock (&queues[self].trying);
  when = queues[self].refused != NULL ? g_hash_table_lookup (queues[self].refused, digest) : NULL;
  if (when == NULL || g_get_monotonic_time () - *when > REFUSED_TIME)
    return TRUE;
  g_mutex_unlock (&queues[self].trying);
  return FALSE;
}

void
worker_tries_leave (WorkerTries self, const char *place, const char *secret, gboolean refused)
{
  char *digest = get_digest (place, secret);

  if (queues[self].refused == NULL)
    queues[self].refused = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (refused)
    {
      gint64 *when = g_new (gint64, 1);

      *when = g_get_monotonic_time ();
      g_hash_table_replace (queues[self].refused, g_steal_pointer (&digest), when);
    }
  else
    {
      g_hash_table_remove (queues[self].refused, digest);
    }
  g_mutex_unlock (&queues[self].trying);
  g_free (digest);
}
