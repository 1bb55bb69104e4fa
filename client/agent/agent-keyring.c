/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "agent-keyring.h"

/* What agent_keyring_load_async() looks for. */
typedef struct
{
  FerryLoginServer *server; /* (owned) */
  char *path;               /* (owned) */
} Wanted;

static void
wanted_free (Wanted *wanted)
{
  ferry_login_server_free (wanted->server);
  g_free (wanted->path);
  g_free (wanted);
}

static void
candidate_free (AgentCandidate *candidate)
{
  ferry_keyring_item_free (candidate->item);
  g_clear_pointer (&candidate->secret, secret_value_unref);
  g_free (candidate->scheme);
  g_free (candidate);
}

/* Adds @item (transfer full) with its secret; one that cannot be read is left out. */
static void
add (GPtrArray *candidates, FerryKeyringItem *item, const char *scheme, guint rate,
     GCancellable *cancellable)
{
  AgentCandidate *candidate = g_new0 (AgentCandidate, 1);

  candidate->item = item;
  candidate->path = g_dbus_proxy_get_object_path (G_DBUS_PROXY (item->item));
  candidate->scheme = g_strdup (scheme);
  candidate->rate = rate;
  candidate->secret = ferry_keyring_item_load (item, cancellable, NULL);
  if (candidate->secret != NULL)
    g_ptr_array_add (candidates, candidate);
  else
    candidate_free (candidate);
}

static int
compare_rate (gconstpointer a, gconstpointer b)
{
  const AgentCandidate *first = *(AgentCandidate *const *) a;
  const AgentCandidate *second = *(AgentCandidate *const *) b;

  return first->rate == second->rate ? 0 : first->rate > second->rate ? -1 : 1;
}

/* Returns: (transfer full) (nullable): what fits @query */
static GPtrArray *
find (const FerryLoginQuery *query, gboolean unlock, gboolean *locked, GCancellable *cancellable,
      GError **error)
{
  g_autoptr (GPtrArray)
      items = ferry_keyring_find (query->server, unlock, locked, cancellable, error);
  GPtrArray *candidates;

  if (items == NULL)
    return NULL;

  candidates = g_ptr_array_new_with_free_func ((GDestroyNotify) candidate_free);
  while (items->len > 0)
    {
      FerryKeyringItem *item = g_ptr_array_steal_index (items, 0);
      const char *scheme = ferry_login_match_scheme (query, item->attributes);

      if (scheme != NULL)
        add (candidates, item, scheme, ferry_login_match_rate (query, item->attributes),
             cancellable);
      else
        ferry_keyring_item_free (item);
    }
  /* Stable: of equal ones the newest stays first. */
  g_ptr_array_sort (candidates, compare_rate);
  return candidates;
}

static void
find_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const FerryLoginQuery *query = task_data;
  gboolean locked = FALSE;
  GError *error = NULL;
  GPtrArray *candidates = find (query, FALSE, &locked, cancellable, &error);

  if (candidates != NULL && candidates->len == 0 && locked && query->interactive)
    {
      g_ptr_array_unref (candidates);
      candidates = find (query, TRUE, NULL, cancellable, &error);
    }

  if (candidates != NULL)
    g_task_return_pointer (task, candidates, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

void
agent_keyring_find_async (const FerryLoginQuery *query, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_task_data (task, (gpointer) query, NULL);
  g_task_run_in_thread (task, find_in_thread);
}

static void
load_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Wanted *wanted = task_data;
  GError *error = NULL;
  g_autoptr (GPtrArray)
      items = ferry_keyring_find (wanted->server, FALSE, NULL, cancellable, &error);
  GPtrArray *candidates;

  if (items == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  candidates = g_ptr_array_new_with_free_func ((GDestroyNotify) candidate_free);
  for (guint i = 0; i < items->len; i++)
    {
      FerryKeyringItem *item = g_ptr_array_index (items, i);

      if (g_str_equal (g_dbus_proxy_get_object_path (G_DBUS_PROXY (item->item)), wanted->path))
        {
          add (candidates, g_ptr_array_steal_index (items, i), NULL, 0, cancellable);
          break;
        }
    }
  g_task_return_pointer (task, candidates, (GDestroyNotify) g_ptr_array_unref);
}

void
agent_keyring_load_async (const FerryLoginServer *server, const char *path,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Wanted *wanted = g_new0 (Wanted, 1);

  wanted->server = ferry_login_server_copy (server);
  wanted->path = g_strdup (path);
  g_task_set_task_data (task, wanted, (GDestroyNotify) wanted_free);
  g_task_run_in_thread (task, load_in_thread);
}

GPtrArray *
agent_keyring_find_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
