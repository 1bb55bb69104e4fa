/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-store-values.h"

#include "ferry-store-rows.h"

/* In all tables a NULL value is a deletion. */
struct _FerryStoreValues
{
  GHashTable *stored; /* (owned) (element-type utf8 GVariant): on disk */
  GHashTable
      *on_its_way;     /* (owned) (element-type utf8 GVariant): changes that a commit is writing */
  GHashTable *changed; /* (owned) (element-type utf8 GVariant): changes for the next commit */
};

static void
unref_variant (gpointer variant)
{
  if (variant != NULL)
    g_variant_unref (variant);
}

GHashTable *
ferry_store_values_table_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, unref_variant);
}

FerryStoreValues *
ferry_store_values_new (GHashTable *stored)
{
  FerryStoreValues *self = g_new0 (FerryStoreValues, 1);

  self->stored = stored;
  self->on_its_way = ferry_store_values_table_new ();
  self->changed = ferry_store_values_table_new ();
  return self;
}

void
ferry_store_values_free (FerryStoreValues *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->stored);
  g_hash_table_unref (self->on_its_way);
  g_hash_table_unref (self->changed);
  g_free (self);
}

/* The newest that is known. */
static GVariant *
look_up (FerryStoreValues *self, const char *name)
{
  gpointer value;

  if (g_hash_table_lookup_extended (self->changed, name, NULL, &value) ||
      g_hash_table_lookup_extended (self->on_its_way, name, NULL, &value))
    return value;
  return g_hash_table_lookup (self->stored, name);
}

gboolean
ferry_store_values_set (FerryStoreValues *self, const char *name, GVariant *value)
{
  GVariant *before = look_up (self, name);

  if (before == value || (before != NULL && value != NULL && g_variant_equal (before, value)))
    return FALSE;

  g_hash_table_insert (self->changed, g_strdup (name),
                       value != NULL ? g_variant_ref (value) : NULL);
  return TRUE;
}

GVariant *
ferry_store_values_get (FerryStoreValues *self, const char *name)
{
  GVariant *value = look_up (self, name);

  return value != NULL ? g_variant_ref (value) : NULL;
}

GPtrArray *
ferry_store_values_list (FerryStoreValues *self, const char *prefix)
{
  GHashTable *tables[] = { self->changed, self->on_its_way, self->stored };
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *list = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer name;

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      g_hash_table_iter_init (&iter, tables[i]);
      while (g_hash_table_iter_next (&iter, &name, NULL))
        {
          if (g_str_has_prefix (name, prefix) && g_hash_table_add (names, name) &&
              look_up (self, name) != NULL)
            g_ptr_array_add (list, g_strdup (name));
        }
    }

  return list;
}

gboolean
ferry_store_values_are_changed (FerryStoreValues *self)
{
  return g_hash_table_size (self->changed) > 0;
}

void
ferry_store_values_take (FerryStoreValues *self, GPtrArray *ops)
{
  GHashTable *taken = self->changed;
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  g_hash_table_iter_init (&iter, taken);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_ptr_array_add (ops, ferry_rows_put_value (name, value));
  self->changed = self->on_its_way;
  self->on_its_way = taken;
}

void
ferry_store_values_keep (FerryStoreValues *self)
{
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  g_hash_table_iter_init (&iter, self->on_its_way);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      if (value != NULL)
        g_hash_table_insert (self->stored, g_strdup (name), g_variant_ref (value));
      else
        g_hash_table_remove (self->stored, name);
    }
  g_hash_table_remove_all (self->on_its_way);
}

void
ferry_store_values_revert (FerryStoreValues *self)
{
  g_hash_table_remove_all (self->on_its_way);
  g_hash_table_remove_all (self->changed);
}
