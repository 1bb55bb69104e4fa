/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-command-line.h"
#include "ferry-resolve.h"
#include "ferry-target.h"
#include "ferry-text.h"
#include "ferry-value.h"

/* "KEY=VALUE" as a property's name and its value. */
static GVariant *
parse_assignment (const char *text, const char **name, GError **error)
{
  const char *equals = strchr (text, '=');
  g_autofree char *key = NULL;
  g_autofree char *clean = NULL;
  g_autofree char *path = NULL;
  const FerrySettable *property;

  if (equals == NULL)
    {
      clean = ferry_text_clean (text, 256);
      ferry_exit_set_usage (error, "\"%s\" is not KEY=VALUE", clean);
      return NULL;
    }

  key = g_strndup (text, equals - text);
  property = ferry_value_find_property (key, error);
  if (property == NULL)
    return NULL;

  *name = property->name;
  /* Like any path that is typed; the empty one means none. */
  if (g_str_equal (property->name, "ReplyPath") && equals[1] != '\0')
    path = ferry_target_absolute (equals + 1);
  return ferry_value_parse (property->name, property->type, property->choices,
                            path != NULL ? path : equals + 1, error);
}

FerryExit
ferry_command_set (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;
  g_autoptr (FerryRemoteJob) job = NULL;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);

  if (!ferry_command_line_parse ("set", NULL, 2, -1, &argc, &argv, &error))
    return ferry_exit_report (error);
  /* All must be understood before the first is set. */
  for (int i = 2; i < argc; i++)
    {
      const char *name;
      GVariant *value = parse_assignment (argv[i], &name, &error);

      if (value == NULL)
        return ferry_exit_report (error);
      g_ptr_array_add (names, (gpointer) name);
      g_ptr_array_add (values, g_variant_ref_sink (value));
    }

  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);
  job = ferry_resolve_job (client, argv[1], &error);
  if (job == NULL)
    return ferry_exit_report (error);
  for (guint i = 0; i < names->len; i++)
    {
      if (!ferry_client_set_property (client, job->path, g_ptr_array_index (names, i),
                                      g_ptr_array_index (values, i), &error))
        return ferry_exit_report (error);
    }

  return FERRY_EXIT_DONE;
}
