/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-client.h"
#include "ferry-commands.h"
#include "ferry-json.h"
#include "ferry-names.h"
#include "ferry-command-line.h"
#include "ferry-print.h"
#include "ferry-table.h"
#include "ferry-text.h"
#include "ferry-value.h"

#include <stdio.h>

/* How a limit that is none is shown and typed, and a list without words. */
#define OFF  "off"
#define NONE "none"

/* Returns: the a{sa{sv}} of all keys */
static GVariant *
load_policy (FerryClient *client, GError **error)
{
  g_autoptr (GVariant) reply = ferry_client_call (client, FERRY_ROOT_PATH, FERRY_POLICY_INTERFACE,
                                                  "GetEffective", NULL, "(a{sa{sv}})", error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

/* Whether @value is the one by which a limit of sizes is switched off. */
static gboolean
is_off (GVariant *value)
{
  return g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64) &&
         g_variant_get_uint64 (value) == G_MAXUINT64;
}

static char *
print_member (GVariant *entry, const char *name)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (entry, name, NULL);

  if (value == NULL)
    return g_strdup ("");

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY) &&
      g_variant_n_children (value) == 0)
    return g_strdup (NONE);
  return is_off (value) ? g_strdup (OFF) : ferry_value_print (value);
}

static char *
print_range (GVariant *entry)
{
  g_autoptr (GVariant) choices = g_variant_lookup_value (entry, "Choices", G_VARIANT_TYPE ("av"));
  g_autofree char *minimum = print_member (entry, "Minimum");
  g_autofree char *maximum = print_member (entry, "Maximum");
  GString *text = g_string_new (NULL);

  if (choices == NULL)
    {
      g_string_free (text, TRUE);
      if (g_str_equal (maximum, OFF))
        return g_strdup_printf ("%s or more, " OFF, minimum);
      return *minimum != '\0' || *maximum != '\0' ? g_strdup_printf ("%s-%s", minimum, maximum)
                                                  : g_strdup ("");
    }

  for (gsize i = 0; i < g_variant_n_children (choices); i++)
    {
      g_autoptr (GVariant) boxed = g_variant_get_child_value (choices, i);
      g_autoptr (GVariant) choice = g_variant_get_variant (boxed);
      g_autofree char *word = ferry_value_print (choice);

      g_string_append_printf (text, "%s%s", i > 0 ? " " : "", word);
    }
  return g_string_free (text, FALSE);
}

static char *
print_value (GVariant *entry)
{
  g_autofree char *value = print_member (entry, "Value");
  g_autofree char *unit = print_member (entry, "Unit");

  if (g_str_equal (value, OFF))
    return g_steal_pointer (&value);
  /* Units are in the plural: "days". */
  if (g_str_equal (value, "1") && strlen (unit) > 1 && g_str_has_suffix (unit, "s"))
    unit[strlen (unit) - 1] = '\0';

  return *unit != '\0' ? g_strdup_printf ("%s %s", value, unit) : g_steal_pointer (&value);
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
print_table (GVariant *policy)
{
  static const FerryColumn columns[] = {
    { "KEY" }, { "VALUE" }, { "SOURCE" }, { "RANGE", FALSE, 1 }
  };
  g_autoptr (FerryTable) table = ferry_table_new (columns, G_N_ELEMENTS (columns));
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  g_autofree char *text = NULL;

  for (gsize i = 0; i < g_variant_n_children (policy); i++)
    {
      const char *key;

      g_variant_get_child (policy, i, "{&s@a{sv}}", &key, NULL);
      g_ptr_array_add (keys, (gpointer) key);
    }
  g_ptr_array_sort (keys, compare_keys);

  for (guint i = 0; i < keys->len; i++)
    {
      const char *key = g_ptr_array_index (keys, i);
      g_autoptr (GVariant) entry = g_variant_lookup_value (policy, key, NULL);
      char **cells = g_new0 (char *, 5);

      cells[0] = ferry_print_clean (key);
      cells[1] = print_value (entry);
      cells[2] = print_member (entry, "Source");
      cells[3] = print_range (entry);
      ferry_table_add (table, cells, print_member (entry, "Summary"));
    }

  text = ferry_table_render (table, ferry_print_get_width (), 0, g_get_charset (NULL));
  fputs (text, stdout);
}

/* Returns: the a{sv} of one key */
static GVariant *
find_key (GVariant *policy, const char *key, GError **error)
{
  GVariant *entry = g_variant_lookup_value (policy, key, G_VARIANT_TYPE_VARDICT);
  g_autofree char *clean = NULL;

  if (entry == NULL)
    {
      clean = ferry_text_clean (key, 256);
      ferry_exit_set_usage (error, "there is no policy \"%s\"; `ferry policy` lists them", clean);
    }

  return entry;
}

static gboolean
show_all (FerryClient *client, gboolean json, GError **error)
{
  g_autoptr (GVariant) policy = load_policy (client, error);
  JsonObject *object;
  JsonNode *node;

  if (policy == NULL)
    return FALSE;
  if (!json)
    {
      print_table (policy);
      return TRUE;
    }

  object = json_object_new ();
  for (gsize i = 0; i < g_variant_n_children (policy); i++)
    {
      const char *key;
      g_autoptr (GVariant) entry = NULL;

      g_variant_get_child (policy, i, "{&s@a{sv}}", &key, &entry);
      json_object_set_member (object, key, ferry_json_from_dictionary (entry));
    }
  node = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (node, object);
  ferry_json_print (node, TRUE);
  return TRUE;
}

static gboolean
get_key (FerryClient *client, const char *key, gboolean json, GError **error)
{
  g_autoptr (GVariant) policy = load_policy (client, error);
  g_autoptr (GVariant) entry = policy != NULL ? find_key (policy, key, error) : NULL;
  g_autofree char *value = NULL;

  if (entry == NULL)
    return FALSE;

  if (json)
    ferry_json_print (ferry_json_from_dictionary (entry), TRUE);
  else
    {
      value = print_member (entry, "Value");
      puts (value);
    }
  return TRUE;
}

/* What was typed, as the type that the key has. */
static GVariant *
parse_value (GVariant *entry, const char *key, const char *text, GError **error)
{
  g_autoptr (GVariant) old = g_variant_lookup_value (entry, "Value", NULL);
  g_autoptr (GVariant) maximum = g_variant_lookup_value (entry, "Maximum", NULL);

  if (maximum != NULL && is_off (maximum) && g_str_equal (text, OFF))
    return g_variant_new_uint64 (G_MAXUINT64);
  if (old != NULL && g_variant_is_of_type (old, G_VARIANT_TYPE_STRING_ARRAY) &&
      g_str_equal (text, NONE))
    return g_variant_new_strv (NULL, 0);

  return ferry_value_parse (key, old != NULL ? g_variant_get_type_string (old) : "s", NULL, text,
                            error);
}

static gboolean
set_key (FerryClient *client, const char *key, const char *text, GError **error)
{
  g_autoptr (GVariant) policy = load_policy (client, error);
  g_autoptr (GVariant) entry = policy != NULL ? find_key (policy, key, error) : NULL;
  g_autoptr (GVariant) reply = NULL;
  GVariant *value;

  if (entry == NULL)
    return FALSE;

  value = parse_value (entry, key, text, error);
  if (value == NULL)
    return FALSE;

  reply = ferry_client_call (client, FERRY_ROOT_PATH, FERRY_POLICY_INTERFACE, "Set",
                             g_variant_new ("(sv)", key, value), "()", error);
  return reply != NULL;
}

static gboolean
reset_key (FerryClient *client, const char *key, GError **error)
{
  g_autoptr (GVariant) reply = NULL;

  if (!g_utf8_validate (key, -1, NULL))
    {
      ferry_exit_set_usage (error, "the key is not UTF-8");
      return FALSE;
    }

  reply = ferry_client_call (client, FERRY_ROOT_PATH, FERRY_POLICY_INTERFACE, "Reset",
                             g_variant_new ("(s)", key), "()", error);
  return reply != NULL;
}

static gboolean
run (FerryClient *client, int argc, char **argv, gboolean json, GError **error)
{
  if (argc == 1)
    return show_all (client, json, error);
  if (argc == 3 && g_str_equal (argv[1], "get"))
    return get_key (client, argv[2], json, error);
  if (argc == 4 && g_str_equal (argv[1], "set"))
    return set_key (client, argv[2], argv[3], error);

  return reset_key (client, argv[2], error);
}

static gboolean
check_words (int argc, char **argv, GError **error)
{
  if (argc == 1 ||
      (argc == 3 && (g_str_equal (argv[1], "get") || g_str_equal (argv[1], "reset"))) ||
      (argc == 4 && g_str_equal (argv[1], "set")))
    return TRUE;

  ferry_exit_set_usage (error, "usage: ferry policy [get KEY|set KEY VALUE|reset KEY]");
  return FALSE;
}

FerryExit
ferry_command_policy (int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "as JSON: one object", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;

  if (!ferry_command_line_parse ("policy", entries, 0, 3, &argc, &argv, &error) ||
      !check_words (argc, argv, &error))
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL || !run (client, argc, argv, json, &error))
    return ferry_exit_report (error);

  return FERRY_EXIT_DONE;
}
