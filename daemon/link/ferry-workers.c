/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-workers.h"
#include "ferry-error.h"
#include "ferry-names.h"
#include "ferry-worker-link.h"
#include "ferry-worker-listener.h"

struct _FerryWorkers
{
  GObject parent_instance;

  FerryLauncher *launcher;       /* (owned) */
  FerryClock *clock;             /* (owned) */
  FerryWorkerListener *listener; /* (owned) (nullable): %NULL once closed */
  gulong exited_handler;
  /* (owned) (element-type guint FerryWorkerLink): by uid; one stays for each user who had a worker,
   * as it holds his backoff */
  GHashTable *links;
};

G_DEFINE_TYPE (FerryWorkers, ferry_workers, G_TYPE_OBJECT)

enum
{
  SIGNAL_UP,
  SIGNAL_DOWN,
  SIGNAL_MESSAGE,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void
ferry_workers_dispose (GObject *object)
{
  FerryWorkers *self = FERRY_WORKERS (object);

  ferry_workers_close (self);
  if (self->exited_handler != 0)
    g_signal_handler_disconnect (self->launcher, self->exited_handler);
  self->exited_handler = 0;
  G_OBJECT_CLASS (ferry_workers_parent_class)->dispose (object);
}

static void
ferry_workers_finalize (GObject *object)
{
  FerryWorkers *self = FERRY_WORKERS (object);

  g_hash_table_unref (self->links);
  g_clear_object (&self->launcher);
  g_clear_object (&self->clock);
  G_OBJECT_CLASS (ferry_workers_parent_class)->finalize (object);
}

static void
ferry_workers_class_init (FerryWorkersClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_workers_dispose;
  G_OBJECT_CLASS (class)->finalize = ferry_workers_finalize;

  signals[SIGNAL_UP] = g_signal_new ("up", FERRY_TYPE_WORKERS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                     NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  signals[SIGNAL_DOWN] = g_signal_new ("down", FERRY_TYPE_WORKERS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                       NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_STRING);
  signals[SIGNAL_MESSAGE] = g_signal_new ("message", FERRY_TYPE_WORKERS, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 3, G_TYPE_UINT, G_TYPE_STRING,
                                          G_TYPE_VARIANT);
}

static void
ferry_workers_init (FerryWorkers *self)
{
  self->links = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
}

static void
link_up (uid_t uid, gpointer data)
{
  g_signal_emit (data, signals[SIGNAL_UP], 0, (guint) uid);
}

static void
link_down (uid_t uid, const char *reason, gpointer data)
{
  g_signal_emit (data, signals[SIGNAL_DOWN], 0, (guint) uid, reason);
}

static void
link_message (uid_t uid, const char *kind, GVariant *arguments, gpointer data)
{
  g_signal_emit (data, signals[SIGNAL_MESSAGE], 0, (guint) uid, kind, arguments);
}

/* Returns: (nullable) (transfer none) */
static FerryWorkerLink *
find_link (FerryWorkers *self, uid_t uid)
{
  return g_hash_table_lookup (self->links, GUINT_TO_POINTER (uid));
}

/* Returns: (transfer none) */
static FerryWorkerLink *
ensure_link (FerryWorkers *self, uid_t uid)
{
  static const FerryWorkerLinkFuncs funcs = {
    .up = link_up,
    .down = link_down,
    .message = link_message,
  };
  FerryWorkerLink *link = find_link (self, uid);

  if (link == NULL)
    {
      link = ferry_worker_link_new (uid, self->launcher, self->clock, &funcs, self);
      g_hash_table_insert (self->links, GUINT_TO_POINTER (uid), link);
    }
  return link;
}

static void
connected_cb (uid_t uid, GSocket *socket, gpointer data)
{
  FerryWorkers *self = FERRY_WORKERS (data);
  FerryWorkerLink *link = find_link (self, uid);
  g_autoptr (GSocketConnection) connection = NULL;

  /* Strangers, and workers that are not due, are closed without a word. */
  if (link == NULL || !ferry_worker_link_expects_connection (link))
    return;

  connection = g_socket_connection_factory_create_connection (socket);
  ferry_worker_link_take (link, connection);
}

static void
exited_cb (FerryLauncher *launcher, guint uid, const char *reason, gpointer data)
{
  g_autoptr (FerryWorkers) self = g_object_ref (FERRY_WORKERS (data));
  FerryWorkerLink *found = find_link (self, uid);

  if (found != NULL)
    {
      g_autoptr (FerryWorkerLink) link = g_object_ref (found);

      ferry_worker_link_exited (link, reason);
    }
}

FerryWorkers *
ferry_workers_new (FerryLauncher *launcher, FerryClock *clock, const char *runtime_directory,
                   GError **error)
{
  g_autoptr (FerryWorkers) self = g_object_new (FERRY_TYPE_WORKERS, NULL);
  g_autofree char *path = g_build_filename (runtime_directory, FERRY_WORKER_SOCKET_NAME, NULL);

  self->launcher = g_object_ref (launcher);
  self->clock = g_object_ref (clock);
  self->listener = ferry_worker_listener_new (path, clock, connected_cb, self, error);
  if (self->listener == NULL)
    return NULL;

  self->exited_handler = g_signal_connect (launcher, "exited", G_CALLBACK (exited_cb), self);
  return g_steal_pointer (&self);
}

void
ferry_workers_hold (FerryWorkers *self, uid_t uid)
{
  g_return_if_fail (FERRY_IS_WORKERS (self));

  ferry_worker_link_hold (ensure_link (self, uid));
}

void
ferry_workers_release (FerryWorkers *self, uid_t uid)
{
  FerryWorkerLink *link;

  g_return_if_fail (FERRY_IS_WORKERS (self));

  link = find_link (self, uid);
  g_return_if_fail (link != NULL);
  ferry_worker_link_release (link);
}

gboolean
ferry_workers_is_up (FerryWorkers *self, uid_t uid)
{
  FerryWorkerLink *link;

  g_return_val_if_fail (FERRY_IS_WORKERS (self), FALSE);

  link = find_link (self, uid);
  return link != NULL && ferry_worker_link_is_up (link);
}

gint64
ferry_workers_get_next_start (FerryWorkers *self, uid_t uid)
{
  FerryWorkerLink *link;

  g_return_val_if_fail (FERRY_IS_WORKERS (self), 0);

  link = find_link (self, uid);
  return link != NULL ? ferry_worker_link_get_next_start (link) : 0;
}

const char *
ferry_workers_get_failure (FerryWorkers *self, uid_t uid)
{
  FerryWorkerLink *link;

  g_return_val_if_fail (FERRY_IS_WORKERS (self), NULL);

  link = find_link (self, uid);
  return link != NULL ? ferry_worker_link_get_failure (link) : NULL;
}

FerryLauncher *
ferry_workers_get_launcher (FerryWorkers *self)
{
  return self->launcher;
}

gboolean
ferry_workers_send (FerryWorkers *self, uid_t uid, const char *kind, GVariant *arguments)
{
  g_autoptr (GVariant) sunk = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  FerryWorkerLink *link;

  g_return_val_if_fail (FERRY_IS_WORKERS (self), FALSE);

  link = find_link (self, uid);
  return link != NULL && ferry_worker_link_send (link, kind, sunk);
}

void
ferry_workers_request (FerryWorkers *self, uid_t uid, const char *kind, GVariant *arguments,
                       guint timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GVariant) sunk = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  GTask *task;

  g_return_if_fail (FERRY_IS_WORKERS (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_workers_request);
  ferry_worker_link_request (ensure_link (self, uid), kind, sunk, timeout, task);
}

gboolean
ferry_workers_request_finish (FerryWorkers *self, GAsyncResult *result, GVariant **reply,
                              GError **error)
{
  GVariant *given;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  given = g_task_get_task_data (G_TASK (result));
  if (reply != NULL)
    *reply = given != NULL ? g_variant_ref (given) : NULL;
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
ferry_workers_kill (FerryWorkers *self, uid_t uid)
{
  FerryWorkerLink *link;

  g_return_if_fail (FERRY_IS_WORKERS (self));

  link = find_link (self, uid);
  if (link != NULL)
    ferry_worker_link_kill (link);
}

void
ferry_workers_close (FerryWorkers *self)
{
  g_autoptr (GList) links = NULL;

  g_return_if_fail (FERRY_IS_WORKERS (self));

  g_clear_pointer (&self->listener, ferry_worker_listener_free);
  links = g_hash_table_get_values (self->links);
  g_list_foreach (links, (GFunc) g_object_ref, NULL);
  for (GList *l = links; l != NULL; l = l->next)
    {
      ferry_worker_link_close (l->data);
      g_object_unref (l->data);
    }
}
