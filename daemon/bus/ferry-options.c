/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-options.h"

#include "ferry-text.h"

/* Bytes of a stranger's key in an error text. */
#define KEY_SHOWN_MAX 64

struct _FerryOptions
{
  GHashTable *values; /* (owned) (element-type utf8 GVariant): what was not taken yet */
};

FerryOptions *
ferry_options_new (GVariant *dict, GError **error)
{
  g_autoptr (FerryOptions) self = g_new0 (FerryOptions, 1);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  self->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                        (GDestroyNotify) g_variant_unref);
  g_variant_iter_init (&iter, dict);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      /* D-Bus allows it; to pick one of the two would be a guess. */
      if (g_hash_table_contains (self->values, key))
        {
          g_autofree char *shown = ferry_text_clean (key, KEY_SHOWN_MAX);

          g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                       "The key \"%s\" is given more than once.", shown);
          g_variant_unref (value);
          return NULL;
        }
      g_hash_table_insert (self->values, g_strdup (key), value);
    }

  return g_steal_pointer (&self);
}

void
ferry_options_free (FerryOptions *self)
{
  g_hash_table_unref (self->values);
  g_free (self);
}

gboolean
ferry_options_has (FerryOptions *self, const char *key)
{
  return g_hash_table_contains (self->values, key);
}

GVariant *
ferry_options_take (FerryOptions *self, const char *key)
{
  g_autofree char *stolen_key = NULL;
  GVariant *value = NULL;

  g_hash_table_steal_extended (self->values, key, (gpointer *) &stolen_key, (gpointer *) &value);
  return value;
}

gboolean
ferry_options_take_converted (FerryOptions *self, const char *key, const char *type,
                              GVariant **value, GError **error)
{
  g_autoptr (GVariant) given = ferry_options_take (self, key);

  *value = given != NULL ? ferry_options_convert (key, given, type, error) : NULL;
  return given == NULL || *value != NULL;
}

gboolean
ferry_options_finish (FerryOptions *self, GError **error)
{
  g_autofree char *shown = NULL;
  const char *first = NULL;
  GHashTableIter iter;
  gpointer key;

  /* The first by name, so that the same mistake always reads the same. */
  g_hash_table_iter_init (&iter, self->values);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      if (first == NULL || strcmp (key, first) < 0)
        first = key;
    }
  if (first == NULL)
    return TRUE;

  shown = ferry_text_clean (first, KEY_SHOWN_MAX);
  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "The key \"%s\" is not known here.",
               shown);
  return FALSE;
}

/* "yes" (type "s"); only the type of what may hold a secret: a list is one of headers, perhaps. */
static char *
describe (GVariant *value, const char *wanted)
{
  const char *type = g_variant_get_type_string (value);
  g_autofree char *text = NULL;
  g_autofree char *shown = NULL;

  if (g_variant_is_container (value) || *wanted == 'a')
    return g_strdup_printf ("type \"%s\"", type);

  text = g_variant_print (value, FALSE);
  shown = ferry_text_clean (text, KEY_SHOWN_MAX);
  return g_strdup_printf ("%s (type \"%s\")", shown, type);
}

static const char *
name_type (const char *type)
{
  static const struct
  {
    const char *type;
    const char *name;
  } names[] = {
    { "s", "a string" },           { "b", "a boolean" },
    { "u", "an integer" },         { "t", "an integer" },
    { "as", "a list of strings" }, { "a(tt)", "a list of pairs of integers" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (g_str_equal (names[i].type, type))
        return names[i].name;
    }

  return "a value";
}

static void
refuse_type (const char *key, GVariant *value, const char *type, GError **error)
{
  g_autofree char *given = describe (value, type);

  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
               "\"%s\" was given as %s, and %s (\"%s\") is wanted.", key, given, name_type (type),
               type);
}

/* Returns: whether @value is an integer; its magnitude and sign. */
static gboolean
read_integer (GVariant *value, guint64 *magnitude, gboolean *negative)
{
  gint64 number;

  *negative = FALSE;
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BYTE:
      *magnitude = g_variant_get_byte (value);
      return TRUE;
    case G_VARIANT_CLASS_UINT16:
      *magnitude = g_variant_get_uint16 (value);
      return TRUE;
    case G_VARIANT_CLASS_UINT32:
      *magnitude = g_variant_get_uint32 (value);
      return TRUE;
    case G_VARIANT_CLASS_UINT64:
      *magnitude = g_variant_get_uint64 (value);
      return TRUE;
    case G_VARIANT_CLASS_INT16:
      number = g_variant_get_int16 (value);
      break;
    case G_VARIANT_CLASS_INT32:
      number = g_variant_get_int32 (value);
      break;
    case G_VARIANT_CLASS_INT64:
      number = g_variant_get_int64 (value);
      break;
    case G_VARIANT_CLASS_BOOLEAN:
    case G_VARIANT_CLASS_HANDLE:
    case G_VARIANT_CLASS_DOUBLE:
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
    case G_VARIANT_CLASS_VARIANT:
    case G_VARIANT_CLASS_MAYBE:
    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
    default:
      return FALSE;
    }

  *negative = number < 0;
  *magnitude = (guint64) number;
  return TRUE;
}

static GVariant *
convert_integer (const char *key, GVariant *value, const char *type, GError **error)
{
  guint64 max = *type == 'u' ? G_MAXUINT32 : G_MAXUINT64;
  g_autofree char *text = NULL;
  guint64 number;
  gboolean negative;

  if (!read_integer (value, &number, &negative))
    {
      refuse_type (key, value, type, error);
      return NULL;
    }
  if (negative || number > max)
    {
      text = g_variant_print (value, FALSE);
      g_set_error (
          error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
          "\"%s\" was given as %s (type \"%s\"), and an integer from 0 to %" G_GUINT64_FORMAT
          " (\"%s\") is wanted.",
          key, text, g_variant_get_type_string (value), max, type);
      return NULL;
    }

  return g_variant_ref_sink (*type == 'u' ? g_variant_new_uint32 ((guint32) number)
                                          : g_variant_new_uint64 (number));
}

/* An array of pairs of integers, of whatever width each side has. */
static GVariant *
convert_pairs (const char *key, GVariant *value, GError **error)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(tt)"));
  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) pair = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) first = g_variant_get_child_value (pair, 0);
      g_autoptr (GVariant) second = g_variant_get_child_value (pair, 1);
      g_autoptr (GVariant) offset = convert_integer (key, first, "t", error);
      g_autoptr (GVariant) length = offset != NULL ? convert_integer (key, second, "t", error)
                                                   : NULL;

      if (length == NULL)
        {
          g_variant_builder_clear (&builder);
          return NULL;
        }
      g_variant_builder_add (&builder, "(tt)", g_variant_get_uint64 (offset),
                             g_variant_get_uint64 (length));
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static gboolean
is_array_of_pairs (GVariant *value)
{
  const GVariantType *element;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_ARRAY))
    return FALSE;

  element = g_variant_type_element (g_variant_get_type (value));
  return g_variant_type_is_tuple (element) && g_variant_type_n_items (element) == 2;
}

GVariant *
ferry_options_convert (const char *key, GVariant *value, const char *type, GError **error)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE (type)))
    return g_variant_ref (value);
  if (g_str_equal (type, "u") || g_str_equal (type, "t"))
    return convert_integer (key, value, type, error);
  if (g_str_equal (type, "a(tt)") && is_array_of_pairs (value))
    return convert_pairs (key, value, error);
  /* An empty list has no type of its own in some languages' bindings. */
  if (*type == 'a' && g_variant_is_of_type (value, G_VARIANT_TYPE_ARRAY) &&
      g_variant_n_children (value) == 0)
    return g_variant_ref_sink (
        g_variant_new_array (g_variant_type_element (G_VARIANT_TYPE (type)), NULL, 0));

  refuse_type (key, value, type, error);
  return NULL;
}
