/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-subscriptions.h"

typedef struct
{
  gboolean all;
  GHashTable *ids; /* (owned) (element-type utf8): set, beside @all */
} Subscriber;

/* By uid first: a connection of another user can then not be named by mistake. */
struct _FerrySubscriptions
{
  GHashTable *users; /* (owned) (element-type uint GHashTable): uid -> (name -> Subscriber) */
};

static void
subscriber_free (Subscriber *subscriber)
{
  g_hash_table_unref (subscriber->ids);
  g_free (subscriber);
}

FerrySubscriptions *
ferry_subscriptions_new (void)
{
  FerrySubscriptions *self = g_new0 (FerrySubscriptions, 1);

  self->users = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_hash_table_unref);
  return self;
}

void
ferry_subscriptions_free (FerrySubscriptions *self)
{
  g_hash_table_unref (self->users);
  g_free (self);
}

static Subscriber *
ensure_subscriber (FerrySubscriptions *self, const char *name, uid_t uid)
{
  GHashTable *names = g_hash_table_lookup (self->users, GUINT_TO_POINTER (uid));
  Subscriber *subscriber;

  if (names == NULL)
    {
      names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                     (GDestroyNotify) subscriber_free);
      g_hash_table_insert (self->users, GUINT_TO_POINTER (uid), names);
    }

  subscriber = g_hash_table_lookup (names, name);
  if (subscriber == NULL)
    {
      subscriber = g_new0 (Subscriber, 1);
      subscriber->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_hash_table_insert (names, g_strdup (name), subscriber);
    }
  return subscriber;
}

void
ferry_subscriptions_add (FerrySubscriptions *self, const char *name, uid_t uid, const char *id)
{
  Subscriber *subscriber = ensure_subscriber (self, name, uid);

  if (!subscriber->all && !g_hash_table_contains (subscriber->ids, id))
    g_hash_table_add (subscriber->ids, g_strdup (id));
}

void
ferry_subscriptions_add_all (FerrySubscriptions *self, const char *name, uid_t uid)
{
  Subscriber *subscriber = ensure_subscriber (self, name, uid);

  subscriber->all = TRUE;
  g_hash_table_remove_all (subscriber->ids);
}

void
ferry_subscriptions_remove_name (FerrySubscriptions *self, const char *name)
{
  GHashTableIter iter;
  gpointer names;

  g_hash_table_iter_init (&iter, self->users);
  while (g_hash_table_iter_next (&iter, NULL, &names))
    {
      g_hash_table_remove (names, name);
      if (g_hash_table_size (names) == 0)
        g_hash_table_iter_remove (&iter);
    }
}

void
ferry_subscriptions_remove_job (FerrySubscriptions *self, uid_t uid, const char *id)
{
  GHashTable *names = g_hash_table_lookup (self->users, GUINT_TO_POINTER (uid));
  GHashTableIter iter;
  gpointer subscriber;

  if (names == NULL)
    return;

  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, NULL, &subscriber))
    g_hash_table_remove (((Subscriber *) subscriber)->ids, id);
}

static gboolean
hears (const Subscriber *subscriber, const char *id)
{
  return subscriber->all || (id != NULL && g_hash_table_contains (subscriber->ids, id));
}

GPtrArray *
ferry_subscriptions_list (FerrySubscriptions *self, uid_t uid, const char *id)
{
  GHashTable *names = g_hash_table_lookup (self->users, GUINT_TO_POINTER (uid));
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer name, subscriber;

  if (names == NULL)
    return list;

  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, &name, &subscriber))
    {
      if (hears (subscriber, id))
        g_ptr_array_add (list, name);
    }

  return list;
}

gboolean
ferry_subscriptions_has (FerrySubscriptions *self, uid_t uid, const char *id)
{
  GHashTable *names = g_hash_table_lookup (self->users, GUINT_TO_POINTER (uid));
  GHashTableIter iter;
  gpointer subscriber;

  if (names == NULL)
    return FALSE;

  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, NULL, &subscriber))
    {
      if (hears (subscriber, id))
        return TRUE;
    }

  return FALSE;
}
