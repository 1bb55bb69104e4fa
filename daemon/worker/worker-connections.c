/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-connections.h"

/* Connections that are remembered before those that are gone are forgotten. */
#define MAX_CONNECTIONS 64

#define KEY "ferry-connections"

typedef struct
{
  GMutex lock;
  GHashTable *streams; /* (owned) (element-type guint64 GWeakRef): by number; under @lock */
} Connections;

static void
free_weak_ref (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static void
connections_free (gpointer data)
{
  Connections *self = data;

  g_hash_table_unref (self->streams);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
worker_connections_attach (SoupSession *session)
{
  Connections *self = g_new0 (Connections, 1);

  /* Each session counts its connections by itself. */
  self->streams = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, free_weak_ref);
  g_mutex_init (&self->lock);
  g_object_set_data_full (G_OBJECT (session), KEY, self, connections_free);
}

static gboolean
is_gone_cb (gpointer key, gpointer value, gpointer data)
{
  g_autoptr (GIOStream) connection = g_weak_ref_get (value);

  return connection == NULL;
}

void
worker_connections_note (SoupSession *session, SoupMessage *message, GIOStream *connection)
{
  Connections *self = g_object_get_data (G_OBJECT (session), KEY);
  guint64 id = soup_message_get_connection_id (message);
  GWeakRef *ref = g_new0 (GWeakRef, 1);

  g_weak_ref_init (ref, connection);
  g_mutex_lock (&self->lock);
  if (g_hash_table_size (self->streams) >= MAX_CONNECTIONS)
    g_hash_table_foreach_remove (self->streams, is_gone_cb, NULL);
  g_hash_table_replace (self->streams, g_memdup2 (&id, sizeof id), ref);
  g_mutex_unlock (&self->lock);
}

GIOStream *
worker_connections_get (SoupSession *session, SoupMessage *message)
{
  Connections *self = g_object_get_data (G_OBJECT (session), KEY);
  guint64 id = soup_message_get_connection_id (message);
  GIOStream *connection = NULL;
  GWeakRef *ref;

  g_mutex_lock (&self->lock);
  ref = g_hash_table_lookup (self->streams, &id);
  if (ref != NULL)
    connection = g_weak_ref_get (ref);
  g_mutex_unlock (&self->lock);
  return connection;
}
