/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-verb.h"

#include "ferry-command-line.h"
#include "ferry-resolve.h"

gboolean
ferry_verb_control (FerryClient *client, const char *id, const char *action, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant)
      reply = ferry_client_call_manager (client, "ControlJob", g_variant_new ("(ss)", id, action),
                                         "()", &local_error);
  g_autofree char *name = NULL;
  g_autofree char *sentence = NULL;

  if (reply != NULL)
    return TRUE;
  if (ferry_exit_from_error (local_error) != FERRY_EXIT_REFUSED)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  /* Mostly it is a job of one's own that is long gone. */
  name = ferry_exit_get_name (local_error);
  g_dbus_error_strip_remote_error (local_error);
  sentence = g_strdup_printf (
      "%s is none of your jobs, and those of others are not yours to %s: %s", id, action,
      local_error->message);
  g_propagate_error (error, g_dbus_error_new_for_dbus_error (name, sentence));
  return FALSE;
}

static gboolean
run_one (FerryClient *client, const char *word, const char *action, FerryVerbFunc own,
         gpointer user_data, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (FerryRemoteJob) job = ferry_resolve_job (client, word, &local_error);

  if (job != NULL)
    return own (client, job, user_data, error);
  if (ferry_resolve_is_id (word) &&
      g_error_matches (local_error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
    return ferry_verb_control (client, word, action, error);

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

FerryExit
ferry_verb_run (FerryClient *client, char **words, const char *action, FerryVerbFunc own,
                gpointer user_data)
{
  FerryExit status = FERRY_EXIT_DONE;

  for (gsize i = 0; words[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!run_one (client, words[i], action, own, user_data, &error))
        {
          FerryExit this_status = ferry_exit_report (error);

          if (status == FERRY_EXIT_DONE)
            status = this_status;
        }
    }

  return status;
}

static gboolean
call_method (FerryClient *client, FerryRemoteJob *job, gpointer user_data, GError **error)
{
  g_autoptr (GVariant)
      reply = ferry_client_call_job (client, job->path, user_data, NULL, "()", error);

  return reply != NULL;
}

FerryExit
ferry_verb_command (int argc, char **argv, const char *name, const char *method)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;

  if (!ferry_command_line_parse (name, NULL, 1, -1, &argc, &argv, &error))
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);

  return ferry_verb_run (client, argv + 1, name, call_method, (gpointer) method);
}
