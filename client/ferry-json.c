/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-json.h"

#include <stdio.h>

/* Numbers for which the contract has a value that means "not known" or "never". */
static gboolean
is_null (const char *key, GVariant *value)
{
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    return FALSE;

  /* No size, offset or time comes near it; JSON could not hold it either. */
  if (g_variant_get_uint64 (value) == G_MAXUINT64)
    return TRUE;

  return g_str_has_suffix (key, "Time") && g_variant_get_uint64 (value) == 0;
}

static JsonNode *from_value (const char *key, GVariant *value);

static JsonNode *
take_array (JsonArray *array)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  json_node_take_array (node, array);
  return node;
}

static JsonNode *
from_array (const char *key, GVariant *value)
{
  JsonArray *array = json_array_new ();
  GVariantIter iter;
  GVariant *child;

  g_variant_iter_init (&iter, value);
  while ((child = g_variant_iter_next_value (&iter)) != NULL)
    {
      json_array_add_element (array, from_value (key, child));
      g_variant_unref (child);
    }

  return take_array (array);
}

static JsonNode *
from_value (const char *key, GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARIANT))
    {
      g_autoptr (GVariant) inner = g_variant_get_variant (value);

      return from_value (key, inner);
    }
  if (is_null (key, value))
    return json_node_new (JSON_NODE_NULL);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    return ferry_json_from_dictionary (value);
  /* Lists of dictionaries and of ranges hold such numbers too. */
  if (g_variant_is_container (value) && !g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    return from_array (key, value);

  return json_gvariant_serialize (value);
}

static JsonNode *
from_table (GHashTable *table)
{
  g_autoptr (GList) keys = g_list_sort (g_hash_table_get_keys (table), (GCompareFunc) strcmp);
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  for (GList *l = keys; l != NULL; l = l->next)
    json_object_set_member (object, l->data,
                            from_value (l->data, g_hash_table_lookup (table, l->data)));

  json_node_take_object (node, object);
  return node;
}

JsonNode *
ferry_json_from_dictionary (GVariant *dictionary)
{
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                                        (GDestroyNotify) g_variant_unref);
  GVariantIter iter;
  char *key;
  GVariant *value;

  g_variant_iter_init (&iter, dictionary);
  while (g_variant_iter_next (&iter, "{sv}", &key, &value))
    g_hash_table_replace (table, key, value);

  return from_table (table);
}

JsonNode *
ferry_json_from_job (FerryRemoteJob *job, GVariant *files)
{
  JsonNode *node = from_table (job->properties);

  if (files != NULL)
    json_object_set_member (json_node_get_object (node), "Files", from_array ("Files", files));

  return node;
}

JsonNode *
ferry_json_from_jobs (GPtrArray *jobs)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < jobs->len; i++)
    json_array_add_element (array, ferry_json_from_job (g_ptr_array_index (jobs, i), NULL));

  return take_array (array);
}

char *
ferry_json_to_string (JsonNode *node, gboolean pretty)
{
  g_autofree char *text = json_to_string (node, pretty);
  GString *safe = g_string_new (NULL);

  /* json-glib escapes what JSON demands; DEL, C1 and bidirectional controls can stand in strings only. */
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if ((c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
        g_string_append_printf (safe, "\\u%04x", c);
      else
        g_string_append_unichar (safe, c);
    }

  return g_string_free (safe, FALSE);
}

void
ferry_json_print (JsonNode *node, gboolean pretty)
{
  g_autofree char *text = ferry_json_to_string (node, pretty);

  puts (text);
  fflush (stdout);
  json_node_unref (node);
}
