/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-format.h"
#include "ferry-command-line.h"
#include "ferry-print.h"
#include "ferry-verb.h"

#include <pwd.h>

/* So much is not thrown away without asking. */
#define PRECIOUS_BYTES ((guint64) 1 << 30)

typedef struct
{
  gboolean all;
  gboolean all_users;
  gboolean yes;
  const char *user; /* (nullable) */
  char **states;    /* (not owned) (nullable) */
} Options;

/* What is lost with the job; an upload that is all there stays at the server. */
static guint64
get_at_stake (FerryRemoteJob *job)
{
  if (ferry_remote_job_is_upload (job) &&
      ferry_remote_job_get_state (job) == FERRY_JOB_STATE_TRANSFERRED)
    return 0;

  return ferry_remote_job_get_number (job, "BytesTransferred", 0);
}

static gboolean
cancel_own (FerryClient *client, FerryRemoteJob *job, gpointer user_data, GError **error)
{
  const Options *options = user_data;
  g_autofree char *label = ferry_remote_job_get_label (job);
  g_autofree char *size = ferry_format_size (get_at_stake (job));
  g_autofree char *question = g_strdup_printf (
      ferry_remote_job_is_upload (job) ? "%s has %s sent. Cancel it and lose them?"
                                       : "%s has %s fetched. Cancel it and remove them?",
      label, size);
  g_autoptr (GVariant) reply = NULL;

  if (!options->yes && !ferry_remote_job_is_final (job) && get_at_stake (job) > PRECIOUS_BYTES &&
      !ferry_print_confirm (question))
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_FAILED, "%s was not cancelled", label);
      return FALSE;
    }

  reply = ferry_client_call_job (client, job->path, "Cancel", NULL, "()", error);
  return reply != NULL;
}

/* A user's name or number as a uid. */
static gboolean
find_user (const char *word, guint32 *uid, GError **error)
{
  const struct passwd *entry = getpwnam (word);
  guint64 number;

  if (entry != NULL)
    {
      *uid = entry->pw_uid;
      return TRUE;
    }
  if (g_ascii_string_to_unsigned (word, 10, 0, G_MAXUINT32 - 1, &number, NULL))
    {
      *uid = (guint32) number;
      return TRUE;
    }

  ferry_exit_set_usage (error, "there is no user \"%s\" on this machine", word);
  return FALSE;
}

static GPtrArray *
load_all_users (FerryClient *client, const Options *options, GError **error)
{
  GVariantBuilder filter;
  guint32 uid = 0;

  if (options->user != NULL && !find_user (options->user, &uid, error))
    return NULL;

  g_variant_builder_init (&filter, G_VARIANT_TYPE_VARDICT);
  if (options->user != NULL)
    g_variant_builder_add (&filter, "{sv}", "Owner", g_variant_new_uint32 (uid));
  if (options->states != NULL)
    g_variant_builder_add (&filter, "{sv}", "States",
                           g_variant_new_strv ((const char *const *) options->states, -1));
  return ferry_remote_jobs_load_foreign (client, g_variant_builder_end (&filter), error);
}

static gboolean
confirm_all (GPtrArray *jobs, const Options *options)
{
  guint64 fetched = 0;
  g_autofree char *size = NULL;
  g_autofree char *count = ferry_format_count (jobs->len, "job");
  g_autofree char *question = NULL;

  for (guint i = 0; i < jobs->len; i++)
    fetched += get_at_stake (g_ptr_array_index (jobs, i));
  if (options->yes || fetched <= PRECIOUS_BYTES)
    return TRUE;

  size = ferry_format_size (fetched);
  question = g_strdup_printf ("Cancel %s and lose the %s fetched or sent?", count, size);
  return ferry_print_confirm (question);
}

static gboolean
cancel_one_of_all (FerryClient *client, FerryRemoteJob *job, const Options *options, GError **error)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) local_error = NULL;

  if (ferry_remote_job_is_final (job))
    return TRUE;
  if (options->all_users)
    reply = ferry_client_call_manager (client, "ControlJob",
                                       g_variant_new ("(ss)", job->id, "cancel"), "()",
                                       &local_error);
  else
    reply = ferry_client_call_job (client, job->path, "Cancel", NULL, "()", &local_error);

  /* One that has ended by itself meanwhile is what was wanted. */
  if (reply != NULL || g_error_matches (local_error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static FerryExit
cancel_all (FerryClient *client, const Options *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) jobs = NULL;
  g_autofree char *count = NULL;
  FerryExit status = FERRY_EXIT_DONE;
  guint n = 0;

  if (options->all_users)
    jobs = load_all_users (client, options, &error);
  else
    jobs = ferry_remote_jobs_load_states (client, (const char *const *) options->states, &error);
  if (jobs == NULL)
    return ferry_exit_report (error);
  if (!confirm_all (jobs, options))
    {
      g_set_error_literal (&error, G_DBUS_ERROR, G_DBUS_ERROR_FAILED, "nothing was cancelled");
      return ferry_exit_report (error);
    }

  for (guint i = 0; i < jobs->len; i++)
    {
      g_autoptr (GError) local_error = NULL;

      if (cancel_one_of_all (client, g_ptr_array_index (jobs, i), options, &local_error))
        n++;
      else
        {
          FerryExit this_status = ferry_exit_report (local_error);

          if (status == FERRY_EXIT_DONE)
            status = this_status;
        }
    }

  count = ferry_format_count (n, "job");
  ferry_print_note ("%s cancelled", count);
  return status;
}

static gboolean
check_options (Options *options, int n_words, GError **error)
{
  FerryJobState state;

  for (gsize i = 0; options->states != NULL && options->states[i] != NULL; i++)
    {
      if (!ferry_job_state_from_string (options->states[i], &state))
        {
          ferry_exit_set_usage (error, "there is no state \"%s\"", options->states[i]);
          return FALSE;
        }
    }

  /* To ask for one user's jobs is to ask for those of others. */
  if (options->user != NULL)
    options->all_users = TRUE;
  if (options->all_users || options->all)
    {
      if (n_words == 0)
        return TRUE;
      ferry_exit_set_usage (error, "name jobs, or use --all or --all-users, not both");
      return FALSE;
    }
  if (options->states != NULL)
    {
      ferry_exit_set_usage (error, "--state needs --all or --all-users");
      return FALSE;
    }
  if (n_words == 0)
    {
      ferry_exit_set_usage (error,
                            "which job? Give its id or name, or --all (see `ferry help cancel`)");
      return FALSE;
    }

  return TRUE;
}

FerryExit
ferry_command_cancel (int argc, char **argv)
{
  g_auto (GStrv) states = NULL;
  g_autofree char *user = NULL;
  Options options = { 0 };
  const GOptionEntry entries[] = {
    { "all", 'a', 0, G_OPTION_ARG_NONE, &options.all, "all your jobs", NULL },
    { "all-users", 0, 0, G_OPTION_ARG_NONE, &options.all_users, "all jobs of all users", NULL },
    { "user", 0, 0, G_OPTION_ARG_STRING, &user, "all jobs of this user", "USER" },
    { "state", 0, 0, G_OPTION_ARG_STRING_ARRAY, &states, "of those, only the ones in this state",
      "STATE" },
    { "yes", 'y', 0, G_OPTION_ARG_NONE, &options.yes, "do not ask", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;

  if (!ferry_command_line_parse ("cancel", entries, 0, -1, &argc, &argv, &error))
    return ferry_exit_report (error);
  options.user = user;
  options.states = states;
  if (!check_options (&options, argc - 1, &error))
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);

  if (options.all || options.all_users)
    return cancel_all (client, &options);

  return ferry_verb_run (client, argv + 1, "cancel", cancel_own, &options);
}
