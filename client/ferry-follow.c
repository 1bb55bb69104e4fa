/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-follow.h"

#include "ferry-exit.h"
#include "ferry-names.h"

/* The service answers at most 32 calls of one connection at a time; others have calls under way too. */
#define MAX_READS 8

struct _FerryFollow
{
  FerryClient *client; /* (not owned) */
  FerryFollowFuncs funcs;
  gpointer user_data;

  GHashTable *jobs; /* (owned) (element-type utf8 FollowedJob): by object path */
  gboolean all;     /* also follow jobs that appear */

  GQueue to_read; /* (owned) (element-type utf8): paths of jobs to be read */
  guint n_reads;
  GCancellable *cancellable; /* (owned) */

  guint job_signals;
  guint properties_signals;
  guint objects_signals;
  guint name_watch;
  gulong closed_handler;

  gboolean present; /* the service has its name */
  gboolean was_present;
  gint64 absent_since; /* monotonic; 0 = not absent */
  guint absent_timer;
};

typedef struct
{
  FerryRemoteJob *job;  /* (owned) */
  gboolean read;        /* its properties are known */
  guint n_reads;        /* that are under way */
  gboolean transferred; /* the service said so */
} FollowedJob;

static void
followed_job_free (FollowedJob *followed)
{
  ferry_remote_job_free (followed->job);
  g_free (followed);
}

typedef struct
{
  FerryFollow *self; /* (not owned): the call is cancelled before it goes */
  char *path;        /* (owned) */
} ReadCall;

static void
read_call_free (ReadCall *call)
{
  g_free (call->path);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ReadCall, read_call_free)

static void read_next (FerryFollow *self);

static void
tell_changed (FerryFollow *self, FollowedJob *followed)
{
  if (self->funcs.changed != NULL)
    self->funcs.changed (self, followed->job, self->user_data);
}

static void
drop_gone (FerryFollow *self, const char *path, const GError *error)
{
  FollowedJob *followed = g_hash_table_lookup (self->jobs, path);

  if (followed == NULL)
    return;

  /* The policy may be to keep final jobs for no time at all; then "Transferred" is all we get. */
  if (followed->transferred && ferry_remote_job_get_boolean (followed->job, "AutoComplete"))
    {
      g_hash_table_replace (followed->job->properties, g_strdup ("State"),
                            g_variant_ref_sink (g_variant_new_string ("acknowledged")));
      tell_changed (self, followed);
    }
  else if (self->funcs.gone != NULL)
    self->funcs.gone (self, followed->job, error, self->user_data);

  g_hash_table_remove (self->jobs, path);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ReadCall) call = user_data;
  FerryFollow *self = call->self;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  FollowedJob *followed;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  self->n_reads--;
  followed = g_hash_table_lookup (self->jobs, call->path);
  if (followed != NULL && followed->n_reads > 0)
    followed->n_reads--;
  /* What comes from a later question is later, too. */
  if (followed != NULL && followed->n_reads > 0)
    followed = NULL;
  if (followed != NULL && reply != NULL)
    {
      g_autoptr (GVariant) properties = g_variant_get_child_value (reply, 0);

      ferry_remote_job_update (followed->job, properties);
      followed->read = TRUE;
      tell_changed (self, followed);
    }
  else if (followed != NULL && !ferry_exit_is_no_service (error))
    drop_gone (self, call->path, error);
  /* Without a service the job is read again when the service is back. */

  read_next (self);
}

static void
read_next (FerryFollow *self)
{
  while (self->n_reads < MAX_READS && !g_queue_is_empty (&self->to_read))
    {
      ReadCall *call = g_new0 (ReadCall, 1);
      FollowedJob *followed;

      call->self = self;
      call->path = g_queue_pop_head (&self->to_read);
      followed = g_hash_table_lookup (self->jobs, call->path);
      if (followed != NULL)
        followed->n_reads++;
      self->n_reads++;
      ferry_client_call_async (self->client, call->path, FERRY_PROPERTIES_INTERFACE, "GetAll",
                               g_variant_new ("(s)", FERRY_JOB_INTERFACE), "(a{sv})",
                               self->cancellable, on_read, call);
    }
}

static void
read_job (FerryFollow *self, const char *path)
{
  if (g_queue_find_custom (&self->to_read, path, (GCompareFunc) strcmp) == NULL)
    g_queue_push_tail (&self->to_read, g_strdup (path));
  read_next (self);
}

static void
on_job_signal (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
               const char *signal, GVariant *parameters, gpointer user_data)
{
  FerryFollow *self = user_data;
  FollowedJob *followed = g_hash_table_lookup (self->jobs, path);

  if (followed == NULL)
    return;

  if (g_str_equal (signal, "FileRestarted") &&
      g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(us)")))
    {
      const char *reason;

      g_variant_get (parameters, "(u&s)", NULL, &reason);
      if (self->funcs.restarted != NULL)
        self->funcs.restarted (self, followed->job, reason, self->user_data);
    }
  else if (g_str_equal (signal, "Transferred"))
    {
      followed->transferred = TRUE;
      read_job (self, path);
    }
  else if (g_str_equal (signal, "Failed"))
    read_job (self, path);
}

static void
on_properties_changed (GDBusConnection *bus, const char *sender, const char *path,
                       const char *interface, const char *signal, GVariant *parameters,
                       gpointer user_data)
{
  FerryFollow *self = user_data;
  FollowedJob *followed = g_hash_table_lookup (self->jobs, path);
  g_autoptr (GVariant) changed = NULL;
  g_autofree const char **invalidated = NULL;
  const char *of;

  if (followed == NULL || !g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;

  g_variant_get (parameters, "(&s@a{sv}^a&s)", &of, &changed, &invalidated);
  if (!g_str_equal (of, FERRY_JOB_INTERFACE))
    return;

  ferry_remote_job_update (followed->job, changed);
  if (invalidated[0] != NULL)
    read_job (self, path);
  /* What came before the first reading is only a part. */
  if (followed->read)
    tell_changed (self, followed);
}

static void
on_objects_changed (GDBusConnection *bus, const char *sender, const char *path,
                    const char *interface, const char *signal, GVariant *parameters,
                    gpointer user_data)
{
  FerryFollow *self = user_data;
  const char *job;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(oa{sa{sv}})")) &&
      !g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(oas)")))
    return;

  g_variant_get_child (parameters, 0, "&o", &job);
  if (g_str_equal (signal, "InterfacesAdded") && self->all)
    ferry_follow_add (self, job);
  else if (g_str_equal (signal, "InterfacesRemoved") && g_hash_table_contains (self->jobs, job))
    read_job (self, job);
}

static void
lose (FerryFollow *self, const GError *error)
{
  if (self->funcs.lost != NULL)
    self->funcs.lost (self, error, self->user_data);
}

static gboolean
has_alive_job (FerryFollow *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      FollowedJob *followed = value;

      if (!followed->read || ferry_remote_job_is_alive (followed->job))
        return TRUE;
    }

  return FALSE;
}

static gboolean
on_absent (gpointer user_data)
{
  FerryFollow *self = user_data;
  g_autoptr (GError) error = NULL;

  if (g_get_monotonic_time () - self->absent_since > FERRY_FOLLOW_PATIENCE * G_USEC_PER_SEC)
    {
      self->absent_timer = 0;
      error = g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN,
                           "the Ferry service has been away for %d seconds; the jobs go on when it "
                           "is back, look at `systemctl status ferryd`",
                           FERRY_FOLLOW_PATIENCE);
      lose (self, error);
      return G_SOURCE_REMOVE;
    }

  /* The bus starts it where it can; the answer shows as the name's new owner. */
  g_dbus_connection_call (self->client->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "StartServiceByName",
                          g_variant_new ("(su)", FERRY_BUS_NAME, 0), NULL, G_DBUS_CALL_FLAGS_NONE,
                          -1, NULL, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

static void
on_vanished (GDBusConnection *bus, const char *name, gpointer user_data)
{
  FerryFollow *self = user_data;

  self->present = FALSE;
  /* Not there yet: the first call starts it, or fails. */
  if (!self->was_present)
    return;
  /* It may have left because nothing is to be done: then nobody needs to bring it back. */
  if (!has_alive_job (self))
    return;

  self->absent_since = g_get_monotonic_time ();
  if (self->absent_timer == 0)
    self->absent_timer = g_timeout_add_seconds (1, on_absent, self);
  if (self->funcs.service != NULL)
    self->funcs.service (self, FALSE, self->user_data);
}

void
ferry_follow_refresh (FerryFollow *self)
{
  GHashTableIter iter;
  gpointer key, followed;

  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, &key, &followed))
    {
      /* What is known may not be so any more, and what changes is only a part. */
      ((FollowedJob *) followed)->read = FALSE;
      if (g_queue_find_custom (&self->to_read, key, (GCompareFunc) strcmp) == NULL)
        g_queue_push_tail (&self->to_read, g_strdup (key));
    }
  read_next (self);
}

static void
on_appeared (GDBusConnection *bus, const char *name, const char *owner, gpointer user_data)
{
  FerryFollow *self = user_data;
  gboolean back = self->was_present;

  self->present = TRUE;
  self->was_present = TRUE;
  g_clear_handle_id (&self->absent_timer, g_source_remove);
  if (!back)
    return;

  if (self->funcs.service != NULL)
    self->funcs.service (self, TRUE, self->user_data);
  /* A new process knows nothing of who listens: reading the jobs tells it, and us. */
  if (self->all)
    ferry_follow_add_all (self, NULL);
  ferry_follow_refresh (self);
}

static void
on_closed (GDBusConnection *bus, gboolean remote_vanished, GError *why, gpointer user_data)
{
  FerryFollow *self = user_data;
  g_autoptr (GError)
      error = g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_DISCONNECTED,
                           "the system bus closed the connection; the jobs go on without it");

  lose (self, error);
}

FerryFollow *
ferry_follow_new (FerryClient *client, const FerryFollowFuncs *funcs, gpointer user_data)
{
  FerryFollow *self = g_new0 (FerryFollow, 1);
  GDBusConnection *bus = client->bus;

  self->client = client;
  self->funcs = *funcs;
  self->user_data = user_data;
  self->jobs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                      (GDestroyNotify) followed_job_free);
  self->cancellable = g_cancellable_new ();
  g_queue_init (&self->to_read);

  self->job_signals = g_dbus_connection_signal_subscribe (bus, FERRY_BUS_NAME, FERRY_JOB_INTERFACE,
                                                          NULL, NULL, NULL,
                                                          G_DBUS_SIGNAL_FLAGS_NONE, on_job_signal,
                                                          self, NULL);
  self->properties_signals = g_dbus_connection_signal_subscribe (
      bus, FERRY_BUS_NAME, FERRY_PROPERTIES_INTERFACE, "PropertiesChanged", NULL, NULL,
      G_DBUS_SIGNAL_FLAGS_NONE, on_properties_changed, self, NULL);
  self->objects_signals = g_dbus_connection_signal_subscribe (
      bus, FERRY_BUS_NAME, FERRY_OBJECT_MANAGER_INTERFACE, NULL, FERRY_ROOT_PATH, NULL,
      G_DBUS_SIGNAL_FLAGS_NONE, on_objects_changed, self, NULL);
  self->name_watch = g_bus_watch_name_on_connection (bus, FERRY_BUS_NAME,
                                                     G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared,
                                                     on_vanished, self, NULL);
  self->closed_handler = g_signal_connect (bus, "closed", G_CALLBACK (on_closed), self);
  return self;
}

void
ferry_follow_free (FerryFollow *self)
{
  GDBusConnection *bus = self->client->bus;

  g_cancellable_cancel (self->cancellable);
  g_clear_handle_id (&self->absent_timer, g_source_remove);
  g_dbus_connection_signal_unsubscribe (bus, self->job_signals);
  g_dbus_connection_signal_unsubscribe (bus, self->properties_signals);
  g_dbus_connection_signal_unsubscribe (bus, self->objects_signals);
  g_bus_unwatch_name (self->name_watch);
  g_signal_handler_disconnect (bus, self->closed_handler);

  g_queue_clear_full (&self->to_read, g_free);
  g_hash_table_unref (self->jobs);
  g_object_unref (self->cancellable);
  g_free (self);
}

static FollowedJob *
add_job (FerryFollow *self, const char *path)
{
  FollowedJob *followed = g_hash_table_lookup (self->jobs, path);

  if (followed == NULL)
    {
      followed = g_new0 (FollowedJob, 1);
      followed->job = ferry_remote_job_new (path);
      g_hash_table_insert (self->jobs, g_strdup (path), followed);
    }

  return followed;
}

void
ferry_follow_add (FerryFollow *self, const char *path)
{
  add_job (self, path);
  read_job (self, path);
}

gboolean
ferry_follow_add_all (FerryFollow *self, GError **error)
{
  g_autoptr (GPtrArray) jobs = NULL;

  /* Before the call: a job made meanwhile is not missed. */
  self->all = TRUE;
  jobs = ferry_remote_jobs_load (self->client, error);
  if (jobs == NULL)
    return FALSE;

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryRemoteJob *job = g_ptr_array_index (jobs, i);
      FollowedJob *followed = add_job (self, job->path);
      GHashTable *known = followed->job->properties;

      followed->job->properties = job->properties;
      job->properties = known;
      followed->read = TRUE;
      tell_changed (self, followed);
    }

  return TRUE;
}

void
ferry_follow_remove (FerryFollow *self, const char *path)
{
  g_hash_table_remove (self->jobs, path);
}
