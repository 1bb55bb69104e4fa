/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-session.h"

#include "ferry-enums.h"
#include "ferry-error.h"
#include "ferry-worker-protocol.h"
#include "worker-cancellable.h"
#include "worker-connections.h"
#include "worker-proxy-resolver.h"

/* A job has one proxy configuration; more of them at a time than this are rare. */
#define MAX_SESSIONS 8

struct _WorkerSessions
{
  GHashTable
      *sessions; /* (owned) (element-type utf8 SoupSession): by configuration; main thread only */
  WorkerTimes times;       /* never changes */
  GProxyResolver *machine; /* (owned): of ProxyUsage "default" */

  GMutex lock;
  GCond changed;
  GHashTable *in_use; /* (owned) (element-type utf8 guint): connections by origin; under @lock */
};

void
worker_sessions_init_process (void)
{
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  /* Else libsoup would have Samba answer any server that asks by NTLM, as whoever is logged in. */
  g_setenv ("SOUP_NTLM_AUTH_DEBUG", "", TRUE);
  /* GIO makes its default one even where it is given another, and GNOME's makes a directory in the user's home. */
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
}

WorkerSessions *
worker_sessions_new (const WorkerTimes *times)
{
  WorkerSessions *self = g_new0 (WorkerSessions, 1);

  self->times = times != NULL ? *times : worker_times_default ();
  self->machine = worker_proxy_resolver_new (NULL, NULL);
  self->sessions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->in_use = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  return self;
}

void
worker_sessions_free (WorkerSessions *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->sessions);
  g_hash_table_unref (self->in_use);
  g_object_unref (self->machine);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

const WorkerTimes *
worker_sessions_get_times (WorkerSessions *self)
{
  return &self->times;
}

static gboolean
is_unused_cb (gpointer key, gpointer value, gpointer data)
{
  return G_OBJECT (value)->ref_count == 1;
}

static SoupSession *
create_session (WorkerSessions *self, GProxyResolver *resolver, gboolean login)
{
  SoupSession *session;

  /* Our own gate holds the number of connections down; libsoup must never wait by itself. No idle
   * timeout: it would fire in the main thread while another may be taking the connection;
   * worker_sessions_trim() closes them. */
  session = soup_session_new_with_options ("timeout", self->times.connect, "idle-timeout", 0,
                                           "max-conns", 4 * FERRY_WORKER_MAX_ATTEMPTS,
                                           "max-conns-per-host", 2 * FERRY_WORKER_MAX_ATTEMPTS,
                                           NULL);
  soup_session_set_proxy_resolver (session, resolver);
  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_SNIFFER);
  if (!login)
    soup_session_remove_feature_by_type (session, SOUP_TYPE_AUTH_MANAGER);
  worker_connections_attach (session);
  return session;
}

/* libsoup logs a proxy address that it cannot parse, so it must not get one. */
static gboolean
check_proxy (const char *proxy_uri, GError **error)
{
  g_autoptr (GUri) uri = proxy_uri != NULL ? g_uri_parse (proxy_uri, SOUP_HTTP_URI_FLAGS, NULL)
                                           : NULL;

  if (uri != NULL && g_uri_get_host (uri) != NULL && g_uri_get_userinfo (uri) == NULL)
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CONNECT_FAILED,
                       "ProxyUri is not the address of a proxy");
  return FALSE;
}

static FerryProxyUsage
get_usage (const char *word)
{
  FerryProxyUsage usage = FERRY_PROXY_USAGE_DEFAULT;

  ferry_proxy_usage_from_string (word, &usage);
  return usage;
}

SoupSession *
worker_sessions_get (WorkerSessions *self, const char *usage, const char *proxy_uri,
                     const char *const *bypass, const WorkerTrust *trust, const char *login,
                     gboolean sending, GError **error)
{
  FerryProxyUsage value = get_usage (usage);
  g_autofree char *trusted = worker_trust_get_key (trust);
  g_autofree char *kind = g_strdup_printf ("%s %s %s %s", ferry_proxy_usage_to_string (value),
                                           sending ? "send" : "fetch",
                                           login != NULL ? login : "plain", trusted);
  g_autoptr (GProxyResolver) resolver = NULL;
  g_autofree char *key = NULL;
  SoupSession *session;

  if (value == FERRY_PROXY_USAGE_OVERRIDE)
    {
      g_autofree char *hosts = bypass != NULL ? g_strjoinv (" ", (char **) bypass) : g_strdup ("");

      if (!check_proxy (proxy_uri, error))
        return NULL;
      resolver = g_simple_proxy_resolver_new (proxy_uri, (char **) bypass);
      key = g_strdup_printf ("%s %s %s", kind, proxy_uri, hosts);
    }
  else
    {
      resolver = value == FERRY_PROXY_USAGE_NONE ? g_simple_proxy_resolver_new (NULL, NULL)
                                                 : g_object_ref (self->machine);
      key = g_strdup (kind);
    }

  session = g_hash_table_lookup (self->sessions, key);
  if (session != NULL)
    return g_object_ref (session);

  if (g_hash_table_size (self->sessions) >= MAX_SESSIONS)
    g_hash_table_foreach_remove (self->sessions, is_unused_cb, NULL);
  session = create_session (self, resolver, login != NULL);
  g_hash_table_insert (self->sessions, g_steal_pointer (&key), session);
  return g_object_ref (session);
}

void
worker_sessions_trim (WorkerSessions *self)
{
  g_hash_table_remove_all (self->sessions);
}

gboolean
worker_sessions_enter (WorkerSessions *self, const char *origin, GCancellable *cancellable,
                       GError **error)
{
  WorkerWake wake;
  gboolean entered = FALSE;

  worker_wake_begin (&wake, cancellable, &self->lock, &self->changed);
  g_mutex_lock (&self->lock);
  while (!entered && !g_cancellable_is_cancelled (cancellable))
    {
      guint used = GPOINTER_TO_UINT (g_hash_table_lookup (self->in_use, origin));

      if (used < WORKER_MAX_CONNECTIONS_PER_HOST)
        {
          g_hash_table_insert (self->in_use, g_strdup (origin), GUINT_TO_POINTER (used + 1));
          entered = TRUE;
        }
      else
        {
          g_cond_wait (&self->changed, &self->lock);
        }
    }
  g_mutex_unlock (&self->lock);
  worker_wake_end (&wake);

  if (!entered)
    g_cancellable_set_error_if_cancelled (cancellable, error);
  return entered;
}

void
worker_sessions_leave (WorkerSessions *self, const char *origin)
{
  guint used;

  g_mutex_lock (&self->lock);
  used = GPOINTER_TO_UINT (g_hash_table_lookup (self->in_use, origin));
  if (used > 1)
    g_hash_table_insert (self->in_use, g_strdup (origin), GUINT_TO_POINTER (used - 1));
  else
    g_hash_table_remove (self->in_use, origin);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}
