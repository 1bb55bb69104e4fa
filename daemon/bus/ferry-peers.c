/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-peers.h"

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

/* The bus allows 128 calls without a reply on one connection, and polkit and others need theirs. */
#define MAX_IN_FLIGHT 32

typedef struct
{
  gboolean known;  /* uid and pid were told by the bus */
  gboolean caller; /* it called us; others are here only while all are watched */
  uid_t uid;
  pid_t pid;
  guint unfinished;   /* lookups whose callers do not have their answer yet */
  GPtrArray *lookups; /* (owned) (element-type GTask): waiting for @known */
} Peer;

struct _FerryPeers
{
  GObject parent_instance;

  GDBusConnection *connection; /* (owned) */
  GCancellable *cancellable;   /* (owned) */
  guint subscription;          /* NameOwnerChanged, 0 = not listening */
  GHashTable *peers;           /* (owned) (element-type utf8 Peer) */
  GQueue queries;              /* (owned) (element-type utf8): names to ask about */
  guint in_flight;
  GPtrArray *lists; /* (owned) (element-type GTask): waiting for all uids; task data is the uid */
  guint holds;
  gboolean listing;  /* ListNames is under way */
  gboolean complete; /* all names of the bus are in @peers */
};

G_DEFINE_FINAL_TYPE (FerryPeers, ferry_peers, G_TYPE_OBJECT)

enum
{
  SIGNAL_VANISHED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

typedef struct
{
  FerryPeers *self; /* (owned) */
  char *name;       /* (owned) */
} Query;

static void ask_next (FerryPeers *self);

static void
peer_free (Peer *peer)
{
  g_clear_pointer (&peer->lookups, g_ptr_array_unref);
  g_free (peer);
}

static void
peer_answer (Peer *peer, const GError *error)
{
  g_autoptr (GPtrArray) lookups = g_steal_pointer (&peer->lookups);

  for (guint i = 0; lookups != NULL && i < lookups->len; i++)
    {
      if (error != NULL)
        g_task_return_error (lookups->pdata[i], g_error_copy (error));
      else
        g_task_return_boolean (lookups->pdata[i], TRUE);
    }
}

static void
remove_peer (FerryPeers *self, const char *name, const GError *error)
{
  g_autofree char *stolen_name = NULL;
  Peer *peer = NULL;

  if (!g_hash_table_steal_extended (self->peers, name, (gpointer *) &stolen_name,
                                    (gpointer *) &peer))
    return;

  peer_answer (peer, error);
  if (peer->caller)
    g_signal_emit (self, signals[SIGNAL_VANISHED], 0, stolen_name);
  peer_free (peer);
}

/* Answers who waits for a list once nothing is unknown any more. */
static void
settle (FerryPeers *self)
{
  g_autoptr (GPtrArray) lists = NULL;

  if (!self->complete || self->in_flight > 0 || !g_queue_is_empty (&self->queries))
    return;

  lists = g_steal_pointer (&self->lists);
  self->lists = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < lists->len; i++)
    {
      uid_t uid = GPOINTER_TO_UINT (g_task_get_task_data (lists->pdata[i]));
      GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
      GHashTableIter iter;
      gpointer name, peer;

      g_hash_table_iter_init (&iter, self->peers);
      while (g_hash_table_iter_next (&iter, &name, &peer))
        {
          if (((Peer *) peer)->known && ((Peer *) peer)->uid == uid)
            g_ptr_array_add (names, g_strdup (name));
        }
      g_task_return_pointer (lists->pdata[i], names, (GDestroyNotify) g_ptr_array_unref);
      ferry_peers_release (self);
    }
}

static void
learn (FerryPeers *self, const char *name, GVariant *credentials)
{
  Peer *peer = g_hash_table_lookup (self->peers, name);
  g_autoptr (GError) error = NULL;
  guint32 uid = 0, pid = 0;

  if (peer == NULL)
    return;
  if (!g_variant_lookup (credentials, "UnixUserID", "u", &uid))
    {
      error = g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                           "The bus does not say which user %s is.", name);
      remove_peer (self, name, error);
      return;
    }

  g_variant_lookup (credentials, "ProcessID", "u", &pid);
  peer->known = TRUE;
  peer->uid = uid;
  peer->pid = (pid_t) pid;
  peer_answer (peer, NULL);
}

static void
on_credentials (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Query *query = user_data;
  g_autoptr (FerryPeers) self = query->self;
  g_autofree char *name = query->name;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  g_free (query);
  self->in_flight--;
  if (reply != NULL)
    {
      g_autoptr (GVariant) credentials = g_variant_get_child_value (reply, 0);

      learn (self, name, credentials);
    }
  else
    {
      remove_peer (self, name, error);
    }
  ask_next (self);
  settle (self);
}

static void
ask_next (FerryPeers *self)
{
  while (self->in_flight < MAX_IN_FLIGHT && !g_queue_is_empty (&self->queries))
    {
      Query *query = g_new0 (Query, 1);

      query->self = g_object_ref (self);
      query->name = g_queue_pop_head (&self->queries);
      self->in_flight++;
      g_dbus_connection_call (self->connection, BUS_NAME, BUS_PATH, BUS_NAME,
                              "GetConnectionCredentials", g_variant_new ("(s)", query->name),
                              G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, -1,
                              self->cancellable, on_credentials, query);
    }
}

/* Adds @name when it is new and asks who it is; a caller before the crowd. */
static Peer *
add_peer (FerryPeers *self, const char *name, gboolean caller)
{
  Peer *peer = g_hash_table_lookup (self->peers, name);

  if (peer == NULL)
    {
      peer = g_new0 (Peer, 1);
      g_hash_table_insert (self->peers, g_strdup (name), peer);
      if (caller)
        g_queue_push_head (&self->queries, g_strdup (name));
      else
        g_queue_push_tail (&self->queries, g_strdup (name));
    }
  peer->caller |= caller;
  return peer;
}

static gboolean
is_other_unique_name (FerryPeers *self, const char *name)
{
  return *name == ':' &&
         g_strcmp0 (name, g_dbus_connection_get_unique_name (self->connection)) != 0;
}

static void
on_name_owner_changed (GDBusConnection *connection, const char *sender, const char *path,
                       const char *interface, const char *member, GVariant *parameters,
                       gpointer user_data)
{
  FerryPeers *self = user_data;
  g_autoptr (GError) error = NULL;
  const char *name, *owner;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sss)")))
    return;
  g_variant_get (parameters, "(&s&s&s)", &name, NULL, &owner);
  if (!is_other_unique_name (self, name))
    return;

  if (*owner == '\0')
    {
      error = g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER, "%s left the bus.", name);
      remove_peer (self, name, error);
    }
  else if (self->listing || self->complete)
    {
      add_peer (self, name, FALSE);
      ask_next (self);
    }
}

/* The match must be there before the first question, else a name could leave in between. */
static void
listen_to_bus (FerryPeers *self)
{
  if (self->subscription == 0)
    self->subscription = g_dbus_connection_signal_subscribe (self->connection, BUS_NAME, BUS_NAME,
                                                             "NameOwnerChanged", BUS_PATH, NULL,
                                                             G_DBUS_SIGNAL_FLAGS_NONE,
                                                             on_name_owner_changed, self, NULL);
}

static void
on_names (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FerryPeers) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autofree const char **names = NULL;

  self->listing = FALSE;
  if (reply == NULL)
    {
      /* Who waits is told; the next one asks again. */
      while (self->lists->len > 0)
        {
          g_autoptr (GTask) task = g_ptr_array_steal_index (self->lists, 0);

          g_task_return_error (task, g_error_copy (error));
          ferry_peers_release (self);
        }
      return;
    }

  g_variant_get (reply, "(^a&s)", &names);
  for (gsize i = 0; names[i] != NULL; i++)
    {
      if (is_other_unique_name (self, names[i]))
        add_peer (self, names[i], FALSE);
    }
  self->complete = TRUE;
  ask_next (self);
  settle (self);
}

static gboolean
forget_bystander (gpointer key, gpointer value, gpointer user_data)
{
  return !((Peer *) value)->caller;
}

void
ferry_peers_hold (FerryPeers *self)
{
  self->holds++;
  if (self->listing || self->complete)
    return;

  self->listing = TRUE;
  listen_to_bus (self);
  g_dbus_connection_call (self->connection, BUS_NAME, BUS_PATH, BUS_NAME, "ListNames", NULL,
                          G_VARIANT_TYPE ("(as)"), G_DBUS_CALL_FLAGS_NONE, -1, self->cancellable,
                          on_names, g_object_ref (self));
}

void
ferry_peers_release (FerryPeers *self)
{
  g_return_if_fail (self->holds > 0);

  if (--self->holds > 0 || !self->complete)
    return;

  self->complete = FALSE;
  g_hash_table_foreach_remove (self->peers, forget_bystander, NULL);
  if (g_hash_table_size (self->peers) == 0 && self->subscription != 0)
    {
      g_dbus_connection_signal_unsubscribe (self->connection, self->subscription);
      self->subscription = 0;
    }
}

void
ferry_peers_list_async (FerryPeers *self, uid_t uid, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, ferry_peers_list_async);
  g_task_set_task_data (task, GUINT_TO_POINTER (uid), NULL);
  g_ptr_array_add (self->lists, task);
  ferry_peers_hold (self);
  settle (self);
}

GPtrArray *
ferry_peers_list_finish (FerryPeers *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
ferry_peers_lookup_async (FerryPeers *self, const char *name, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Peer *peer;

  g_task_set_source_tag (task, ferry_peers_lookup_async);
  g_task_set_task_data (task, g_strdup (name), g_free);
  listen_to_bus (self);
  peer = add_peer (self, name, TRUE);
  peer->unfinished++;
  if (peer->known)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }

  if (peer->lookups == NULL)
    peer->lookups = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (peer->lookups, task);
  ask_next (self);
}

gboolean
ferry_peers_get (FerryPeers *self, const char *name, uid_t *uid, pid_t *pid)
{
  const Peer *peer = g_hash_table_lookup (self->peers, name);

  /* Calls of one caller are handled in their order: nobody overtakes who still waits. */
  if (peer == NULL || !peer->known || !peer->caller || peer->unfinished > 0)
    return FALSE;

  *uid = peer->uid;
  *pid = peer->pid;
  return TRUE;
}

gboolean
ferry_peers_lookup_finish (FerryPeers *self, GAsyncResult *result, uid_t *uid, pid_t *pid,
                           GError **error)
{
  Peer *peer;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  /* It may have left the bus between the answer and this turn. */
  peer = g_hash_table_lookup (self->peers, g_task_get_task_data (G_TASK (result)));
  if (peer != NULL && peer->unfinished > 0)
    peer->unfinished--;
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  if (peer == NULL || !peer->known)
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER, "The caller left the bus.");
      return FALSE;
    }

  *uid = peer->uid;
  *pid = peer->pid;
  return TRUE;
}

gboolean
ferry_peers_is_busy (FerryPeers *self)
{
  return self->in_flight > 0 || self->listing;
}

void
ferry_peers_close (FerryPeers *self)
{
  if (self->subscription != 0)
    g_dbus_connection_signal_unsubscribe (self->connection, self->subscription);
  self->subscription = 0;
  g_cancellable_cancel (self->cancellable);
}

static void
ferry_peers_dispose (GObject *object)
{
  FerryPeers *self = FERRY_PEERS (object);

  ferry_peers_close (self);

  G_OBJECT_CLASS (ferry_peers_parent_class)->dispose (object);
}

static void
ferry_peers_finalize (GObject *object)
{
  FerryPeers *self = FERRY_PEERS (object);

  g_hash_table_unref (self->peers);
  g_ptr_array_unref (self->lists);
  g_queue_clear_full (&self->queries, g_free);
  g_object_unref (self->cancellable);
  g_object_unref (self->connection);

  G_OBJECT_CLASS (ferry_peers_parent_class)->finalize (object);
}

static void
ferry_peers_class_init (FerryPeersClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_peers_dispose;
  object_class->finalize = ferry_peers_finalize;

  signals[SIGNAL_VANISHED] = g_signal_new ("vanished", FERRY_TYPE_PEERS, G_SIGNAL_RUN_LAST, 0, NULL,
                                           NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
ferry_peers_init (FerryPeers *self)
{
  self->cancellable = g_cancellable_new ();
  self->peers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) peer_free);
  self->lists = g_ptr_array_new_with_free_func (g_object_unref);
  g_queue_init (&self->queries);
}

FerryPeers *
ferry_peers_new (GDBusConnection *connection)
{
  FerryPeers *self = g_object_new (FERRY_TYPE_PEERS, NULL);

  self->connection = g_object_ref (connection);
  return self;
}
