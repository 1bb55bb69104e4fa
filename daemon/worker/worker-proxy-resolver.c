/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-proxy-resolver.h"

#include "ferry-config.h"
#include "ferry-error.h"
#include "ferry-uri.h"
#include "worker-cancellable.h"
#include "worker-proxy-child.h"

#include <string.h>

#define PROGRAM "ferry-proxy-lookup"

/* Origins whose answers are kept. */
#define ENTRIES_MAX 64

/* No name of a host is longer (RFC 1035, 2.3.4), nor an address. */
#define HOST_MAX 255

/* A lookup under way, or what it came to. All but @origin and @cancellable is under the resolver's lock. */
typedef struct
{
  gatomicrefcount refs;
  char *origin;              /* (owned) */
  GCancellable *cancellable; /* (owned): ends the child */
  guint waiters;
  gboolean done;
  gint64 until;   /* monotonic µs: how long it counts */
  char **proxies; /* (owned) (nullable) */
  GError *error;  /* (owned) (nullable) */
} Entry;

/* What a thread needs. */
typedef struct
{
  WorkerProxyResolver *resolver; /* (owned) */
  Entry *entry;                  /* (owned) */
} Search;

struct _WorkerProxyResolver
{
  GObject parent_instance;

  char *program;          /* (owned); never changes */
  WorkerProxyTimes times; /* never changes */

  GMutex lock;
  GCond changed;
  GHashTable *entries; /* (owned) (element-type utf8 Entry): by origin; under @lock */
  guint children;      /* under @lock */
};

static void init_interface (GProxyResolverInterface *interface);

G_DEFINE_TYPE_WITH_CODE (WorkerProxyResolver, worker_proxy_resolver, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (G_TYPE_PROXY_RESOLVER, init_interface))

WorkerProxyTimes
worker_proxy_times_default (void)
{
  return (WorkerProxyTimes){ .patience = 20 * 1000, .keep = 60 * 1000, .keep_failure = 500 };
}

/* == entries == */

static Entry *
entry_ref (Entry *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static void
entry_unref (gpointer data)
{
  Entry *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_free (self->origin);
  g_object_unref (self->cancellable);
  g_strfreev (self->proxies);
  g_clear_error (&self->error);
  g_free (self);
}

static gboolean
is_over_cb (gpointer key, gpointer value, gpointer data)
{
  Entry *entry = value;

  return entry->done && entry->until <= *(gint64 *) data;
}

static gboolean
is_done_cb (gpointer key, gpointer value, gpointer data)
{
  return ((Entry *) value)->done;
}

/* Returns: (transfer full) (nullable): "scheme://host/", with the port when it is not the scheme's own */
static char *
get_origin (const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_PARSE_RELAXED, NULL);
  g_autofree char *host = NULL;
  const char *scheme;
  int port;

  if (uri == NULL || g_uri_get_host (uri) == NULL)
    return NULL;
  scheme = g_uri_get_scheme (uri);
  host = g_hostname_to_ascii (g_uri_get_host (uri));
  if (host == NULL || *host == '\0' || strlen (host) > HOST_MAX)
    return NULL;
  port = g_uri_get_port (uri) == (int) ferry_uri_get_default_port (scheme) ? -1
                                                                           : g_uri_get_port (uri);
  return g_uri_join (G_URI_FLAGS_NONE, scheme, NULL, host, port, "/", NULL, NULL);
}

/* == in a thread of its own == */

/* Returns: whether it is this one's turn to have a child */
static gboolean
wait_turn (WorkerProxyResolver *self, GCancellable *cancellable, gint64 deadline, GError **error)
{
  gboolean timely = TRUE;
  gboolean mine = FALSE;

  g_mutex_lock (&self->lock);
  while (timely && self->children >= WORKER_PROXY_CHILDREN_MAX &&
         !g_cancellable_is_cancelled (cancellable))
    timely = g_cond_wait_until (&self->changed, &self->lock, deadline);
  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    {
      mine = self->children < WORKER_PROXY_CHILDREN_MAX;
      if (!mine)
        g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                             "The proxy setting did not answer in time");
      self->children += mine ? 1 : 0;
    }
  g_mutex_unlock (&self->lock);
  return mine;
}

/* Under the lock. Takes @proxies and @error. */
static void
publish (WorkerProxyResolver *self, Entry *entry, char **proxies, GError *error)
{
  guint keep = proxies != NULL ? self->times.keep : self->times.keep_failure;

  entry->proxies = proxies;
  entry->error = error;
  entry->until = g_get_monotonic_time () + (gint64) keep * 1000;
  entry->done = TRUE;
  g_cond_broadcast (&self->changed);
}

static void
search_free (Search *search)
{
  entry_unref (search->entry);
  g_object_unref (search->resolver);
  g_free (search);
}

static gpointer
search_cb (gpointer data)
{
  Search *search = data;
  WorkerProxyResolver *self = search->resolver;
  Entry *entry = search->entry;
  gint64 deadline = g_get_monotonic_time () + (gint64) self->times.patience * 1000;
  gboolean turn;
  GSubprocess *child = NULL;
  char **proxies = NULL;
  GError *error = NULL;

  turn = wait_turn (self, entry->cancellable, deadline, &error);
  if (turn)
    child = worker_proxy_child_start (self->program, &error);
  if (child != NULL)
    proxies = worker_proxy_child_ask (child, entry->origin, deadline, entry->cancellable, &error);
  g_mutex_lock (&self->lock);
  publish (self, entry, proxies, error);
  g_mutex_unlock (&self->lock);

  /* It is killed; until it is gone it counts, and its parent has to be there. */
  if (child != NULL)
    g_subprocess_wait (child, NULL, NULL);
  g_clear_object (&child);
  g_mutex_lock (&self->lock);
  self->children -= turn ? 1 : 0;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  search_free (search);
  return NULL;
}

/* Under the lock. Returns: (transfer full): a new lookup, or its failure */
static Entry *
start (WorkerProxyResolver *self, const char *origin)
{
  Entry *entry = g_new0 (Entry, 1);
  Search *search = g_new0 (Search, 1);
  gint64 now = g_get_monotonic_time ();
  GThread *thread;

  g_atomic_ref_count_init (&entry->refs);
  entry->origin = g_strdup (origin);
  entry->cancellable = g_cancellable_new ();
  if (g_hash_table_size (self->entries) >= ENTRIES_MAX)
    g_hash_table_foreach_remove (self->entries, is_over_cb, &now);
  if (g_hash_table_size (self->entries) >= ENTRIES_MAX)
    g_hash_table_foreach_remove (self->entries, is_done_cb, NULL);
  g_hash_table_replace (self->entries, entry->origin, entry_ref (entry));

  search->resolver = g_object_ref (self);
  search->entry = entry_ref (entry);
  thread = g_thread_try_new ("proxy", search_cb, search, NULL);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return entry;
    }
  publish (self, entry, NULL,
           g_error_new_literal (FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                                "No thread can be started"));
  search_free (search);
  return entry;
}

/* == lookups == */

/* Under the lock. Returns: (transfer full): the answer that counts, or the lookup that will have it */
static Entry *
join (WorkerProxyResolver *self, const char *origin)
{
  Entry *entry = g_hash_table_lookup (self->entries, origin);

  if (entry != NULL && (!entry->done || g_get_monotonic_time () < entry->until))
    return entry_ref (entry);
  return start (self, origin);
}

/* Under the lock. The last one who waited ends the lookup. */
static void
leave (WorkerProxyResolver *self, Entry *entry)
{
  entry->waiters--;
  if (entry->done || entry->waiters > 0)
    return;
  g_cancellable_cancel (entry->cancellable);
  g_cond_broadcast (&self->changed);
  if (g_hash_table_lookup (self->entries, entry->origin) == entry)
    g_hash_table_remove (self->entries, entry->origin);
}

static char **
lookup (GProxyResolver *resolver, const char *uri, GCancellable *cancellable, GError **error)
{
  WorkerProxyResolver *self = WORKER_PROXY_RESOLVER (resolver);
  g_autoptr (GCancellable) mine = cancellable != NULL ? g_object_ref (cancellable)
                                                      : g_cancellable_new ();
  g_autofree char *origin = get_origin (uri);
  char **proxies = NULL;
  WorkerWake wake;
  Entry *entry;

  if (origin == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "A proxy can only be looked for by an address with a host");
      return NULL;
    }

  worker_wake_begin (&wake, mine, &self->lock, &self->changed);
  g_mutex_lock (&self->lock);
  entry = join (self, origin);
  entry->waiters++;
  while (!entry->done && !g_cancellable_is_cancelled (mine))
    g_cond_wait (&self->changed, &self->lock);
  if (!entry->done)
    g_cancellable_set_error_if_cancelled (mine, error);
  else if (entry->error != NULL)
    g_propagate_error (error, g_error_copy (entry->error));
  else
    proxies = g_strdupv (entry->proxies);
  leave (self, entry);
  g_mutex_unlock (&self->lock);
  worker_wake_end (&wake);
  entry_unref (entry);
  return proxies;
}

static void
lookup_cb (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  char **proxies = lookup (source, data, cancellable, &error);

  if (proxies != NULL)
    g_task_return_pointer (task, proxies, (GDestroyNotify) g_strfreev);
  else
    g_task_return_error (task, error);
}

static void
lookup_async (GProxyResolver *resolver, const char *uri, GCancellable *cancellable,
              GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, data);

  g_task_set_source_tag (task, lookup_async);
  g_task_set_task_data (task, g_strdup (uri), g_free);
  g_task_run_in_thread (task, lookup_cb);
}

static char **
lookup_finish (GProxyResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

char **
worker_proxy_resolver_get_last (WorkerProxyResolver *self, const char *uri)
{
  g_autofree char *origin = get_origin (uri);
  char **proxies = NULL;
  Entry *entry;

  if (origin == NULL)
    return NULL;
  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->entries, origin);
  if (entry != NULL && entry->done)
    proxies = g_strdupv (entry->proxies);
  g_mutex_unlock (&self->lock);
  return proxies;
}

/* == the object == */

static gboolean
is_supported (GProxyResolver *resolver)
{
  return TRUE;
}

static void
init_interface (GProxyResolverInterface *interface)
{
  interface->is_supported = is_supported;
  interface->lookup = lookup;
  interface->lookup_async = lookup_async;
  interface->lookup_finish = lookup_finish;
}

static void
worker_proxy_resolver_init (WorkerProxyResolver *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_unref);
}

static void
worker_proxy_resolver_finalize (GObject *object)
{
  WorkerProxyResolver *self = WORKER_PROXY_RESOLVER (object);

  g_free (self->program);
  g_hash_table_unref (self->entries);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  G_OBJECT_CLASS (worker_proxy_resolver_parent_class)->finalize (object);
}

static void
worker_proxy_resolver_class_init (WorkerProxyResolverClass *class)
{
  G_OBJECT_CLASS (class)->finalize = worker_proxy_resolver_finalize;
}

/* Returns: (transfer full) */
static char *
find_program (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = self != NULL ? g_path_get_dirname (self) : NULL;

  return g_build_filename (folder != NULL ? folder : FERRY_LIBEXECDIR, PROGRAM, NULL);
}

GProxyResolver *
worker_proxy_resolver_new (const char *program, const WorkerProxyTimes *times)
{
  WorkerProxyResolver *self = g_object_new (WORKER_TYPE_PROXY_RESOLVER, NULL);

  self->program = program != NULL ? g_strdup (program) : find_program ();
  self->times = times != NULL ? *times : worker_proxy_times_default ();
  return G_PROXY_RESOLVER (self);
}
