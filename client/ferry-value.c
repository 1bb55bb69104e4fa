/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-value.h"

#include "ferry-exit.h"
#include "ferry-text.h"

#include <json-glib/json-glib.h>

static const char *const priorities[] = { "foreground", "high", "normal", "low", NULL };
static const char *const proxy_usages[] = { "default", "none", "override", NULL };
static const char *const redirect_policies[] = { "follow", "report", "refuse", NULL };
static const char *const protocols[] = { "auto", "bits", "tus", "put", "put-range", NULL };

static const FerrySettable settables[] = {
  { "DisplayName", "s", NULL },
  { "Description", "s", NULL },
  { "ApplicationId", "s", NULL },
  { "Priority", "s", priorities },
  { "MinimumRetryDelay", "u", NULL },
  { "NoProgressTimeout", "u", NULL },
  { "MaximumDownloadTime", "u", NULL },
  { "MaximumDownloadSize", "t", NULL },
  { "NotificationInterval", "u", NULL },
  { "AutoComplete", "b", NULL },
  { "RequestHeaders", "as", NULL },
  { "ProxyUsage", "s", proxy_usages },
  { "ProxyUri", "s", NULL },
  { "ProxyBypass", "as", NULL },
  { "TlsFlags", "as", NULL },
  { "ServerPins", "as", NULL },
  { "RedirectPolicy", "s", redirect_policies },
  { "HttpMethod", "s", NULL },
  { "ClientCertificate", "s", NULL },
  { "UploadProtocol", "s", protocols },
  { "ReplyPath", "s", NULL },
  { NULL, NULL, NULL },
};

const FerrySettable *
ferry_value_get_properties (void)
{
  return settables;
}

/* "minimum-retry-delay" and "MinimumRetryDelay" are the same name. */
static gboolean
is_same_name (const char *left, const char *right)
{
  for (;;)
    {
      while (*left == '-' || *left == '_')
        left++;
      if (*left == '\0' || g_ascii_tolower (*left) != g_ascii_tolower (*right))
        return *left == *right;
      left++;
      right++;
    }
}

const FerrySettable *
ferry_value_find_property (const char *key, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *clean = NULL;

  for (gsize i = 0; settables[i].name != NULL; i++)
    {
      if (is_same_name (key, settables[i].name))
        return &settables[i];
      g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", settables[i].name);
    }

  clean = ferry_text_clean (key, 64);
  ferry_exit_set_usage (error, "a job has no property \"%s\" that can be set; there are %s", clean,
                        names->str);
  return NULL;
}

static void
set_wanted (GError **error, const char *key, const char *text, const char *wanted)
{
  g_autofree char *clean = ferry_text_clean (text, 256);

  ferry_exit_set_usage (error, "%s cannot be \"%s\": wanted is %s", key, clean, wanted);
}

static GVariant *
parse_word (const char *key, const char *const *choices, const char *text, GError **error)
{
  g_autofree char *words = NULL;
  g_autofree char *wanted = NULL;

  if (choices == NULL || g_strv_contains (choices, text))
    {
      if (g_utf8_validate (text, -1, NULL))
        return g_variant_new_string (text);
      set_wanted (error, key, text, "UTF-8 text");
      return NULL;
    }

  words = g_strjoinv (", ", (char **) choices);
  wanted = g_strconcat ("one of ", words, NULL);
  set_wanted (error, key, text, wanted);
  return NULL;
}

static GVariant *
parse_boolean (const char *key, const char *text, GError **error)
{
  static const char *const yes[] = { "true", "yes", "on", "1", NULL };
  static const char *const no[] = { "false", "no", "off", "0", NULL };

  if (g_strv_contains (yes, text))
    return g_variant_new_boolean (TRUE);
  if (g_strv_contains (no, text))
    return g_variant_new_boolean (FALSE);

  set_wanted (error, key, text, "true or false");
  return NULL;
}

static GVariant *
parse_unsigned (const char *key, const char *type, const char *text, GError **error)
{
  guint64 max = *type == 't' ? G_MAXUINT64 : *type == 'u' ? G_MAXUINT32 : G_MAXUINT16;
  g_autofree char *wanted = NULL;
  guint64 value;

  if (g_ascii_string_to_unsigned (text, 10, 0, max, &value, NULL))
    {
      if (*type == 't')
        return g_variant_new_uint64 (value);
      return *type == 'u' ? g_variant_new_uint32 (value) : g_variant_new_uint16 (value);
    }

  wanted = g_strdup_printf ("a whole number from 0 to %" G_GUINT64_FORMAT, max);
  set_wanted (error, key, text, wanted);
  return NULL;
}

static GVariant *
parse_json_list (const char *text)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);
  JsonArray *array;
  GVariantBuilder list;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return NULL;

  array = json_node_get_array (node);
  g_variant_builder_init (&list, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *element = json_array_get_element (array, i);

      if (!JSON_NODE_HOLDS_VALUE (element) || json_node_get_value_type (element) != G_TYPE_STRING)
        {
          g_variant_builder_clear (&list);
          return NULL;
        }
      g_variant_builder_add (&list, "s", json_node_get_string (element));
    }

  return g_variant_builder_end (&list);
}

static GVariant *
parse_list (const char *key, const char *text, GError **error)
{
  g_auto (GStrv) parts = NULL;
  GVariant *value;
  gsize kept = 0;

  if (!g_utf8_validate (text, -1, NULL))
    {
      set_wanted (error, key, text, "UTF-8 text");
      return NULL;
    }

  if (g_str_has_prefix (text, "["))
    {
      value = parse_json_list (text);
      if (value == NULL)
        set_wanted (error, key, text,
                    "a list: words separated by commas, or [\"one\", \"two, with a comma\"]");
      return value;
    }

  parts = g_strsplit (text, ",", -1);
  for (gsize i = 0; parts[i] != NULL; i++)
    {
      g_strstrip (parts[i]);
      if (*parts[i] == '\0')
        g_free (parts[i]);
      else
        parts[kept++] = parts[i];
    }
  parts[kept] = NULL;

  return g_variant_new_strv ((const char *const *) parts, -1);
}

GVariant *
ferry_value_parse (const char *key, const char *type, const char *const *choices, const char *text,
                   GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *wanted = NULL;
  GVariant *value;

  if (g_str_equal (type, "s"))
    return parse_word (key, choices, text, error);
  if (g_str_equal (type, "b"))
    return parse_boolean (key, text, error);
  if (g_str_equal (type, "u") || g_str_equal (type, "t") || g_str_equal (type, "q"))
    return parse_unsigned (key, type, text, error);
  if (g_str_equal (type, "as"))
    return parse_list (key, text, error);

  value = g_variant_parse (G_VARIANT_TYPE (type), text, NULL, NULL, &local_error);
  if (value != NULL)
    return value;

  wanted = g_strdup_printf ("a value of type %s", type);
  set_wanted (error, key, text, wanted);
  return NULL;
}

char *
ferry_value_print (GVariant *value)
{
  g_autofree char *text = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return ferry_text_clean (g_variant_get_string (value, NULL), FERRY_TEXT_MAX);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    {
      g_autofree const char **words = g_variant_get_strv (value, NULL);

      text = g_strjoinv (", ", (char **) words);
    }
  else
    text = g_variant_print (value, FALSE);

  return ferry_text_clean (text, FERRY_TEXT_MAX * 16);
}

static gboolean
check_word (const char *what, const char *const *choices, const char *text, GError **error)
{
  g_autoptr (GVariant) value = parse_word (what, choices, text, error);

  if (value == NULL)
    return FALSE;

  g_variant_ref_sink (value);
  return TRUE;
}

gboolean
ferry_value_check_priority (const char *text, GError **error)
{
  return check_word ("the priority", priorities, text, error);
}

gboolean
ferry_value_check_protocol (const char *text, GError **error)
{
  return check_word ("the protocol", protocols, text, error);
}

gboolean
ferry_value_parse_uint32 (const char *key, const char *text, guint32 *value, GError **error)
{
  g_autoptr (GVariant) parsed = parse_unsigned (key, "u", text, error);

  if (parsed == NULL)
    return FALSE;

  g_variant_ref_sink (parsed);
  *value = g_variant_get_uint32 (parsed);
  return TRUE;
}
