/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-bus-notify.h"

#include "ferry-names.h"
#include "ferry-property.h"
#include "ferry-subscriptions.h"

#define PROPERTIES_INTERFACE     "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER_INTERFACE "org.freedesktop.DBus.ObjectManager"

/* How long the uids of all connections are kept after the last job stopped running: its Transferred or Failed is still to come. */
#define HOLD_AFTER (10 * G_USEC_PER_SEC)

/* What was told last about one job; there is one for each job that somebody hears of. */
typedef struct
{
  FerryBusNotify *self; /* (unowned) */
  FerryJob *job;        /* (owned) */
  guint64
      *told; /* (owned) (nullable): hash of each property as told last; %NULL: nothing was told */
  gint64 told_at; /* boot µs of the last signal, 0 = never */
  guint timer;    /* of the clock, 0 = none */
  gboolean due;   /* the interval is over, and the commit is waited for */
  gboolean
      edited; /* what the owner sets may have changed since; who hears of the job knows it otherwise */
} Watch;

struct _FerryBusNotify
{
  GObject parent_instance;

  GDBusConnection *connection;       /* (owned) */
  FerryEngine *engine;               /* (owned) */
  FerryQueue *queue;                 /* (unowned): of @engine */
  FerryClock *clock;                 /* (unowned): of @engine */
  FerryPeers *peers;                 /* (owned) */
  FerrySubscriptions *subscriptions; /* (owned) */
  GHashTable *watches;               /* (owned) (element-type utf8 Watch): by job id */
  GHashTable *running; /* (owned) (element-type FerryJob): set, compared by address only */
  gboolean holding;    /* @peers is held for @running */
  guint release_timer; /* of the clock, 0 = none */
  guint pending;       /* commits and lists that are waited for */
};

G_DEFINE_FINAL_TYPE (FerryBusNotify, ferry_bus_notify, G_TYPE_OBJECT)

/* == sending == */

/* The one place where a signal leaves ferryd. @name: (nullable): %NULL is a broadcast, for what is no secret. */
static void
send (FerryBusNotify *self, const char *name, const char *path, const char *interface,
      const char *signal, GVariant *parameters)
{
  /* Fails only for malformed names and when the connection is closed; then nobody hears us anyway. */
  g_dbus_connection_emit_signal (self->connection, name, path, interface, signal, parameters, NULL);
}

static char *
get_path (const FerryJob *job)
{
  return g_strconcat (FERRY_JOBS_PATH "/", job->id, NULL);
}

/* To the connections of @job's owner that hear of it. @parameters: (transfer floating) (nullable) */
static void
tell_subscribers (FerryBusNotify *self, FerryJob *job, const char *interface, const char *signal,
                  GVariant *parameters)
{
  g_autoptr (GPtrArray) names = ferry_subscriptions_list (self->subscriptions, job->owner, job->id);
  g_autoptr (GVariant) held = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  g_autofree char *path = get_path (job);

  for (guint i = 0; i < names->len; i++)
    send (self, names->pdata[i], path, interface, signal, held);
}

/* == watches == */

/* FNV-1a. Hashes instead of values: thousands of jobs may be watched. */
static guint64
hash_value (GVariant *value)
{
  const guint8 *data = g_variant_get_data (value);
  gsize size = g_variant_get_size (value);
  guint64 hash = 14695981039346656037u;

  for (gsize i = 0; i < size; i++)
    hash = (hash ^ data[i]) * 1099511628211u;
  return hash;
}

/* Notes the values as told. Returns: (transfer full) (nullable): a{sv} of those that were told differently before */
static GVariant *
take_changes (Watch *watch)
{
  GVariantBuilder builder;
  const FerryProperty *properties;
  g_autofree guint64 *before = watch->told;
  gboolean worth_telling = FALSE;
  guint n;

  properties = ferry_property_list (&n);
  watch->told = g_new0 (guint64, n);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GVariant) value = NULL;

      /* Half of all, and they change by Set only. */
      if ((properties[i].flags & FERRY_PROPERTY_WRITABLE) != 0 && !watch->edited)
        {
          watch->told[i] = before != NULL ? before[i] : 0;
          continue;
        }
      value = g_variant_ref_sink (properties[i].get (watch->self->engine, watch->job));
      watch->told[i] = hash_value (value);
      if (before != NULL && before[i] == watch->told[i])
        continue;
      g_variant_builder_add (&builder, "{sv}", properties[i].name, value);
      worth_telling |= (properties[i].flags & FERRY_PROPERTY_QUIET) == 0;
    }

  watch->edited = FALSE;
  if (worth_telling)
    return g_variant_ref_sink (g_variant_builder_end (&builder));

  g_variant_builder_clear (&builder);
  g_free (watch->told);
  watch->told = g_steal_pointer (&before);
  return NULL;
}

/* The values as they are were told otherwise. */
static void
take_values (Watch *watch)
{
  g_autoptr (GVariant) changes = take_changes (watch);
}

static void
watch_free (Watch *watch)
{
  ferry_clock_clear (watch->self->clock, &watch->timer);
  g_object_unref (watch->job);
  g_free (watch->told);
  g_free (watch);
}

static Watch *
ensure_watch (FerryBusNotify *self, FerryJob *job)
{
  Watch *watch = g_hash_table_lookup (self->watches, job->id);

  /* After a failed commit the jobs are read anew. */
  if (watch != NULL && watch->job == job)
    return watch;

  watch = g_new0 (Watch, 1);
  watch->self = self;
  watch->job = g_object_ref (job);
  g_hash_table_replace (self->watches, job->id, watch);
  return watch;
}

static void
tell_changes (FerryBusNotify *self, Watch *watch)
{
  g_autoptr (GVariant) changes = NULL;

  ferry_clock_clear (self->clock, &watch->timer);
  changes = take_changes (watch);
  if (changes == NULL)
    return;

  watch->told_at = ferry_clock_get_boot (self->clock);
  tell_subscribers (self, watch->job, PROPERTIES_INTERFACE, "PropertiesChanged",
                    g_variant_new ("(s@a{sv}as)", FERRY_JOB_INTERFACE, changes, NULL));
}

/* == after the commit: what is told must be true after a power cut too == */

typedef void (*ToldFunc) (FerryBusNotify *self, FerryJob *job);

typedef struct
{
  FerryBusNotify *self; /* (owned) */
  FerryJob *job;        /* (owned) */
  ToldFunc func;
} Waiting;

static void
on_committed (const GError *error, gpointer user_data)
{
  Waiting *waiting = user_data;
  g_autoptr (FerryBusNotify) self = waiting->self;
  g_autoptr (FerryJob) job = waiting->job;
  Watch *watch = g_hash_table_lookup (self->watches, job->id);

  self->pending--;
  if (watch != NULL)
    watch->due = FALSE;
  /* It may be gone, or another of the same id, read anew. */
  if (error == NULL && ferry_queue_lookup_any (self->queue, job->id) == job)
    waiting->func (self, job);
  g_free (waiting);
}

static void
after_commit (FerryBusNotify *self, FerryJob *job, ToldFunc func)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->self = g_object_ref (self);
  waiting->job = g_object_ref (job);
  waiting->func = func;
  self->pending++;
  ferry_store_after_commit (ferry_engine_get_store (self->engine), on_committed, waiting);
}

static void
tell_job_changes (FerryBusNotify *self, FerryJob *job)
{
  Watch *watch = g_hash_table_lookup (self->watches, job->id);

  if (watch != NULL && watch->job == job)
    tell_changes (self, watch);
}

static void
on_interval_over (gpointer user_data)
{
  Watch *watch = user_data;

  watch->timer = 0;
  watch->due = TRUE;
  after_commit (watch->self, watch->job, tell_job_changes);
}

static void
tell_added (FerryBusNotify *self, FerryJob *job)
{
  g_autoptr (GPtrArray) names = ferry_subscriptions_list (self->subscriptions, job->owner, NULL);
  g_autoptr (GVariant) parameters = NULL;
  g_autofree char *path = NULL;
  GVariantBuilder interfaces;

  if (names->len == 0)
    return;

  path = get_path (job);
  g_variant_builder_init (&interfaces, G_VARIANT_TYPE ("a{sa{sv}}"));
  g_variant_builder_add (&interfaces, "{s@a{sv}}", FERRY_JOB_INTERFACE,
                         ferry_property_get_all (self->engine, job, FALSE));
  parameters = g_variant_ref_sink (g_variant_new ("(oa{sa{sv}})", path, &interfaces));
  for (guint i = 0; i < names->len; i++)
    send (self, names->pdata[i], FERRY_ROOT_PATH, OBJECT_MANAGER_INTERFACE, "InterfacesAdded",
          parameters);
  take_values (ensure_watch (self, job));
}

/* To those connections of @uid that heard of @job, which then hear no more of it. */
static void
tell_removed (FerryBusNotify *self, FerryJob *job, uid_t uid)
{
  const char *const interfaces[] = { FERRY_JOB_INTERFACE, NULL };
  g_autoptr (GPtrArray) names = ferry_subscriptions_list (self->subscriptions, uid, job->id);
  g_autoptr (GVariant) parameters = NULL;
  g_autofree char *path = get_path (job);

  parameters = g_variant_ref_sink (g_variant_new ("(o^as)", path, interfaces));
  for (guint i = 0; i < names->len; i++)
    send (self, names->pdata[i], FERRY_ROOT_PATH, OBJECT_MANAGER_INTERFACE, "InterfacesRemoved",
          parameters);
  ferry_subscriptions_remove_job (self->subscriptions, uid, job->id);
}

/* == which connections there are, while jobs run == */

static void
release_peers (gpointer user_data)
{
  FerryBusNotify *self = user_data;

  self->release_timer = 0;
  self->holding = FALSE;
  ferry_peers_release (self->peers);
}

static gboolean
is_running (const FerryJob *job)
{
  return job->state == FERRY_JOB_STATE_QUEUED || ferry_job_state_is_active (job->state);
}

static void
note_running (FerryBusNotify *self, FerryJob *job, gboolean running)
{
  if (running)
    g_hash_table_add (self->running, job);
  else
    g_hash_table_remove (self->running, job);

  if (g_hash_table_size (self->running) > 0)
    {
      ferry_clock_clear (self->clock, &self->release_timer);
      if (!self->holding)
        ferry_peers_hold (self->peers);
      self->holding = TRUE;
    }
  else if (self->holding && self->release_timer == 0)
    {
      self->release_timer = ferry_clock_add (self->clock,
                                             ferry_clock_get_boot (self->clock) + HOLD_AFTER,
                                             release_peers, self);
    }
}

/* == what happens to jobs == */

static void
on_job_added (FerryQueue *queue, FerryJob *job, FerryBusNotify *self)
{
  note_running (self, job, is_running (job));
  if (ferry_subscriptions_has (self->subscriptions, job->owner, NULL))
    after_commit (self, job, tell_added);
}

static void
on_job_removed (FerryQueue *queue, FerryJob *job, FerryBusNotify *self)
{
  note_running (self, job, FALSE);
  tell_removed (self, job, job->owner);
  g_hash_table_remove (self->watches, job->id);
}

static void
on_job_changed (FerryQueue *queue, FerryJob *job, guint change, FerryBusNotify *self)
{
  Watch *watch;

  if (change & FERRY_CHANGE_STATE)
    note_running (self, job, is_running (job));
  if (!ferry_subscriptions_has (self->subscriptions, job->owner, job->id))
    {
      g_hash_table_remove (self->watches, job->id);
      return;
    }

  watch = ensure_watch (self, job);
  watch->edited |= (change & FERRY_CHANGE_SETTINGS) != 0;
  if (change & FERRY_CHANGE_STATE)
    after_commit (self, job, tell_job_changes);
  else if (watch->timer == 0 && !watch->due)
    watch->timer = ferry_clock_add (self->clock,
                                    watch->told_at +
                                        job->notification_interval * G_GINT64_CONSTANT (1000),
                                    on_interval_over, watch);
}

static void
on_file_transferred (FerryEngine *engine, FerryJob *job, guint index, FerryBusNotify *self)
{
  tell_subscribers (self, job, FERRY_JOB_INTERFACE, "FileTransferred",
                    g_variant_new ("(u)", index));
}

static void
on_file_restarted (FerryEngine *engine, FerryJob *job, guint index, const char *reason,
                   FerryBusNotify *self)
{
  tell_subscribers (self, job, FERRY_JOB_INTERFACE, "FileRestarted",
                    g_variant_new ("(us)", index, reason));
}

typedef struct
{
  FerryBusNotify *self; /* (owned) */
  char *path;           /* (owned) */
  const char *signal;   /* (unowned): static */
} Ending;

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Ending *ending = user_data;
  g_autoptr (FerryBusNotify) self = ending->self;
  g_autofree char *path = ending->path;
  g_autoptr (GPtrArray) names = ferry_peers_list_finish (FERRY_PEERS (source), result, NULL);

  self->pending--;
  for (guint i = 0; names != NULL && i < names->len; i++)
    send (self, names->pdata[i], path, FERRY_JOB_INTERFACE, ending->signal, NULL);
  g_free (ending);
}

/* Transferred and Failed: to every connection of the owner, whether it ever called or not. */
static void
tell_ending (FerryBusNotify *self, FerryJob *job, const char *signal)
{
  Ending *ending = g_new0 (Ending, 1);

  /* Who then reads the state reads what the signal means; who only listens hears it first. */
  tell_job_changes (self, job);
  ending->self = g_object_ref (self);
  ending->path = get_path (job);
  ending->signal = signal;
  self->pending++;
  ferry_peers_list_async (self->peers, job->owner, on_listed, ending);
}

static void
on_transferred (FerryEngine *engine, FerryJob *job, FerryBusNotify *self)
{
  tell_ending (self, job, "Transferred");
}

static void
on_failed (FerryEngine *engine, FerryJob *job, FerryBusNotify *self)
{
  tell_ending (self, job, "Failed");
}

/* Limits are the same for everybody and no secret: the one broadcast. */
static void
on_policy_changed (FerryPolicy *policy, const char *const *keys, FerryBusNotify *self)
{
  send (self, NULL, FERRY_ROOT_PATH, FERRY_POLICY_INTERFACE, "Changed",
        g_variant_new ("(^as)", keys));
}

static void
on_vanished (FerryPeers *peers, const char *name, FerryBusNotify *self)
{
  ferry_subscriptions_remove_name (self->subscriptions, name);
}

void
ferry_bus_notify_subscribe (FerryBusNotify *self, const char *name, uid_t uid, FerryJob *job)
{
  Watch *watch;

  /* An administrator may have taken it between the call and its answer. */
  if (job->owner != uid)
    return;

  ferry_subscriptions_add (self->subscriptions, name, uid, job->id);
  watch = ensure_watch (self, job);
  /* The reply tells the values as they are. */
  if (watch->told == NULL)
    take_values (watch);
}

void
ferry_bus_notify_subscribe_all (FerryBusNotify *self, const char *name, uid_t uid)
{
  ferry_subscriptions_add_all (self->subscriptions, name, uid);
}

void
ferry_bus_notify_owner_changed (FerryBusNotify *self, FerryJob *job, uid_t old_owner)
{
  if (job->owner == old_owner)
    return;

  tell_removed (self, job, old_owner);
  g_hash_table_remove (self->watches, job->id);
  tell_added (self, job);
}

gboolean
ferry_bus_notify_is_busy (FerryBusNotify *self)
{
  return self->pending > 0;
}

void
ferry_bus_notify_close (FerryBusNotify *self)
{
  GHashTableIter iter;
  gpointer watch;

  g_signal_handlers_disconnect_by_data (self->queue, self);
  g_signal_handlers_disconnect_by_data (self->engine, self);
  g_signal_handlers_disconnect_by_data (self->peers, self);
  g_signal_handlers_disconnect_by_data (ferry_engine_get_policy (self->engine), self);

  g_hash_table_iter_init (&iter, self->watches);
  while (g_hash_table_iter_next (&iter, NULL, &watch))
    {
      if (((Watch *) watch)->timer != 0)
        tell_changes (self, watch);
    }
  g_hash_table_remove_all (self->watches);
  ferry_clock_clear (self->clock, &self->release_timer);
}

static void
ferry_bus_notify_dispose (GObject *object)
{
  FerryBusNotify *self = FERRY_BUS_NOTIFY (object);

  if (self->engine != NULL)
    ferry_bus_notify_close (self);

  G_OBJECT_CLASS (ferry_bus_notify_parent_class)->dispose (object);
}

static void
ferry_bus_notify_finalize (GObject *object)
{
  FerryBusNotify *self = FERRY_BUS_NOTIFY (object);

  g_hash_table_unref (self->watches);
  g_hash_table_unref (self->running);
  ferry_subscriptions_free (self->subscriptions);
  g_object_unref (self->peers);
  g_object_unref (self->engine);
  g_object_unref (self->connection);

  G_OBJECT_CLASS (ferry_bus_notify_parent_class)->finalize (object);
}

static void
ferry_bus_notify_class_init (FerryBusNotifyClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_bus_notify_dispose;
  object_class->finalize = ferry_bus_notify_finalize;
}

static void
ferry_bus_notify_init (FerryBusNotify *self)
{
  /* Keys are the ids of the jobs, which the watches hold. */
  self->watches = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                         (GDestroyNotify) watch_free);
  self->running = g_hash_table_new (NULL, NULL);
  self->subscriptions = ferry_subscriptions_new ();
}

FerryBusNotify *
ferry_bus_notify_new (GDBusConnection *connection, FerryEngine *engine, FerryPeers *peers)
{
  FerryBusNotify *self = g_object_new (FERRY_TYPE_BUS_NOTIFY, NULL);
  g_autoptr (GPtrArray) jobs = NULL;

  self->connection = g_object_ref (connection);
  self->engine = g_object_ref (engine);
  self->queue = ferry_engine_get_queue (engine);
  self->clock = ferry_engine_get_clock (engine);
  self->peers = g_object_ref (peers);

  g_signal_connect (self->queue, "job-added", G_CALLBACK (on_job_added), self);
  g_signal_connect (self->queue, "job-removed", G_CALLBACK (on_job_removed), self);
  g_signal_connect (self->queue, "job-changed", G_CALLBACK (on_job_changed), self);
  g_signal_connect (engine, "transferred", G_CALLBACK (on_transferred), self);
  g_signal_connect (engine, "failed", G_CALLBACK (on_failed), self);
  g_signal_connect (engine, "file-transferred", G_CALLBACK (on_file_transferred), self);
  g_signal_connect (engine, "file-restarted", G_CALLBACK (on_file_restarted), self);
  g_signal_connect (ferry_engine_get_policy (engine), "changed", G_CALLBACK (on_policy_changed),
                    self);
  g_signal_connect (peers, "vanished", G_CALLBACK (on_vanished), self);

  jobs = ferry_queue_list_all (self->queue);
  for (guint i = 0; i < jobs->len; i++)
    note_running (self, jobs->pdata[i], is_running (jobs->pdata[i]));
  return self;
}
