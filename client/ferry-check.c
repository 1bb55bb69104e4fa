/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-check.h"

#include "ferry-format.h"

#define NAME_WIDTH 8
#define GAP        2

/* On a terminal this narrow what was found stands below the name, and not beside it. */
#define NARROW 40

typedef struct
{
  const char *word;   /* in JSON */
  const char *mark;   /* in UTF-8 */
  const char *plain;  /* in ASCII */
  const char *colour; /* an escape sequence */
} Appearance;

#define COLOUR_OFF "\033[m"

static const Appearance *
get_appearance (FerryCheckStatus status)
{
  static const Appearance ok = { "ok", "✓", "ok", "\033[32m" };
  static const Appearance note = { "note", "–", "--", "\033[33m" };
  static const Appearance problem = { "problem", "✗", "!!", "\033[31m" };

  switch (status)
    {
    case FERRY_CHECK_OK:
      return &ok;
    case FERRY_CHECK_NOTE:
      return &note;
    case FERRY_CHECK_PROBLEM:
      return &problem;
    }

  return NULL;
}

static void
free_check (gpointer data)
{
  FerryCheck *check = data;

  g_free (check->detail);
  g_free (check->advice);
  g_free (check);
}

GPtrArray *
ferry_checks_new (void)
{
  return g_ptr_array_new_with_free_func (free_check);
}

void
ferry_checks_add (GPtrArray *checks, const char *name, FerryCheckStatus status, char *detail,
                  const char *advice)
{
  FerryCheck *check = g_new0 (FerryCheck, 1);

  check->name = name;
  check->status = status;
  check->detail = detail;
  check->advice = g_strdup (advice != NULL ? advice : "");
  g_ptr_array_add (checks, check);
}

guint
ferry_checks_count_problems (GPtrArray *checks)
{
  guint count = 0;

  for (guint i = 0; i < checks->len; i++)
    count += ((FerryCheck *) g_ptr_array_index (checks, i))->status == FERRY_CHECK_PROBLEM;
  return count;
}

/* @text behind what stands in the line already, which is @indent wide; further lines begin below it. */
static void
append_wrapped (GString *lines, const char *text, guint indent, guint width)
{
  g_autoptr (GString) wrapped = g_string_new (NULL);

  ferry_format_wrap (wrapped, text, indent, width);
  g_string_append (lines, wrapped->str + MIN (indent, wrapped->len));
}

static void
append_mark (GString *lines, const Appearance *appearance, gboolean utf8, gboolean colour)
{
  const char *mark = utf8 ? appearance->mark : appearance->plain;

  if (colour)
    g_string_append_printf (lines, "%s%s" COLOUR_OFF " ", appearance->colour, mark);
  else
    g_string_append_printf (lines, "%s ", mark);
}

static void
append_check (GString *lines, const FerryCheck *check, guint width, gboolean utf8, gboolean colour)
{
  const Appearance *appearance = get_appearance (check->status);
  guint start = ferry_format_width (utf8 ? appearance->mark : appearance->plain) + 1;
  guint indent = width < NARROW ? start : start + NAME_WIDTH + GAP;

  append_mark (lines, appearance, utf8, colour);
  if (width < NARROW)
    {
      g_string_append_printf (lines, "%s\n", check->name);
      ferry_format_wrap (lines, check->detail, indent, width);
    }
  else
    {
      ferry_format_pad (lines, check->name, NAME_WIDTH + GAP, FALSE);
      append_wrapped (lines, check->detail, indent, width);
    }
  g_string_append_c (lines, '\n');
  if (*check->advice != '\0')
    {
      ferry_format_wrap (lines, check->advice, indent, width);
      g_string_append_c (lines, '\n');
    }
}

char *
ferry_checks_render (GPtrArray *checks, guint width, gboolean utf8, gboolean colour)
{
  GString *lines = g_string_new (NULL);
  guint problems = ferry_checks_count_problems (checks);

  for (guint i = 0; i < checks->len; i++)
    append_check (lines, g_ptr_array_index (checks, i), width, utf8, colour);

  if (problems == 0)
    g_string_append (lines, "All is well.\n");
  else
    {
      g_autofree char *count = ferry_format_count (problems, "problem");

      g_string_append_printf (lines, "%s.\n", count);
    }
  return g_string_free (lines, FALSE);
}

static JsonNode *
to_object (const FerryCheck *check)
{
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_string_member (object, "Check", check->name);
  json_object_set_string_member (object, "Status", get_appearance (check->status)->word);
  json_object_set_string_member (object, "Detail", check->detail);
  json_object_set_string_member (object, "Advice", check->advice);
  json_node_take_object (node, object);
  return node;
}

JsonNode *
ferry_checks_to_json (GPtrArray *checks)
{
  JsonObject *object = json_object_new ();
  JsonArray *array = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  for (guint i = 0; i < checks->len; i++)
    json_array_add_element (array, to_object (g_ptr_array_index (checks, i)));
  json_object_set_boolean_member (object, "Ok", ferry_checks_count_problems (checks) == 0);
  json_object_set_array_member (object, "Checks", array);
  json_node_take_object (node, object);
  return node;
}
