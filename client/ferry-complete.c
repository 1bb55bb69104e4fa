/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-error.h"
#include "ferry-format.h"
#include "ferry-command-line.h"
#include "ferry-print.h"
#include "ferry-resolve.h"
#include "ferry-verb.h"

#include <stdio.h>

/* Names that are listed at most; a job may have thousands of files. */
#define MAX_LISTED 10

static gboolean
is_state (GVariant *file, FerryFileState state)
{
  const char *word;

  return g_variant_lookup (file, "State", "&s", &word) &&
         g_str_equal (word, ferry_file_state_to_string (state));
}

/* Lists the files that are not fetched yet, and counts them. @index becomes that of the first. */
static guint
describe_unfinished (GVariant *files, GString *text, guint32 *index)
{
  guint n = 0;

  for (gsize i = 0; i < g_variant_n_children (files); i++)
    {
      g_autoptr (GVariant) file = g_variant_get_child_value (files, i);
      g_autofree char *name = NULL;
      const char *path = "";

      if (is_state (file, FERRY_FILE_STATE_TRANSFERRED) ||
          is_state (file, FERRY_FILE_STATE_PUBLISHED))
        continue;
      if (n++ >= MAX_LISTED)
        continue;
      if (n == 1)
        g_variant_lookup (file, "Index", "u", index);
      g_variant_lookup (file, "LocalPath", "&s", &path);
      name = ferry_print_clean (path);
      g_string_append_printf (text, "%s%s", n > 1 ? ", " : "", name);
    }
  if (n > MAX_LISTED)
    g_string_append_printf (text, " and %u more", n - MAX_LISTED);

  return n;
}

/* What can be done so that nothing is lost; waiting helps only where something still moves. */
static char *
make_advice (FerryRemoteJob *job, const char *id, guint n, guint32 index)
{
  FerryJobState state = ferry_remote_job_get_state (job);
  g_autofree char *number = n == 1 ? g_strdup_printf ("%u", index) : g_strdup ("INDEX");

  if (state == FERRY_JOB_STATE_ERROR)
    return g_strdup_printf ("try again (ferry resume %s), leave %s out (ferry remove %s %s)", id,
                            n == 1 ? "it" : "them", id, number);
  if (ferry_remote_job_is_alive (job))
    return g_strdup_printf ("wait for it (ferry wait %s)", id);

  return g_strdup_printf ("let it go on (ferry resume %s)", id);
}

static gboolean
check_finished (FerryClient *client, FerryRemoteJob *job, GError **error)
{
  g_autoptr (GVariant) files = ferry_remote_files_load (client, job->path, error);
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *id = ferry_resolve_short_id (job->id);
  g_autofree char *advice = NULL;
  g_autofree char *total = NULL;
  guint32 index = 0;
  guint n;

  if (files == NULL)
    return FALSE;
  n = describe_unfinished (files, names, &index);
  if (n == 0)
    return TRUE;

  advice = make_advice (job, id, n, index);
  total = ferry_format_count (g_variant_n_children (files), "file");

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
               "completing job %s now would lose %u of %s (%s); %s, or add --discard-unfinished",
               id, n, total, names->str, advice);
  return FALSE;
}

/* An unfinished upload is worth nothing to anybody: the service refuses to complete it. */
static gboolean
explain_unfinished (FerryRemoteJob *job, GError *refusal, GError **error)
{
  g_autofree char *id = ferry_resolve_short_id (job->id);
  const char *advice = "let it go on (ferry resume";

  if (!g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_INVALID_STATE) ||
      !ferry_remote_job_is_upload (job) || ferry_remote_job_is_final (job))
    {
      g_propagate_error (error, refusal);
      return FALSE;
    }

  g_error_free (refusal);
  if (ferry_remote_job_get_state (job) == FERRY_JOB_STATE_ERROR)
    advice = "try again (ferry resume";
  else if (ferry_remote_job_is_alive (job))
    advice = "wait for it (ferry wait";
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
               "job %s has not sent all yet, and half an upload cannot be handed over; %s %s) or "
               "give it up (ferry cancel %s)",
               id, advice, id, id);
  return FALSE;
}

/* What is on disk now and was not before. */
static void
print_reply (FerryRemoteJob *job)
{
  const char *reply = ferry_remote_job_get_string (job, "ReplyPath");

  if (ferry_remote_job_get_job_type (job) == FERRY_JOB_TYPE_UPLOAD_REPLY && *reply != '\0')
    ferry_print_path (reply);
}

static gboolean
complete_upload (FerryClient *client, FerryRemoteJob *job, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant)
      reply = ferry_client_call_job (client, job->path, "Complete", NULL, "(uu)", &local_error);

  if (reply == NULL)
    return explain_unfinished (job, g_steal_pointer (&local_error), error);

  print_reply (job);
  return TRUE;
}

static void
print_published (FerryClient *client, FerryRemoteJob *job)
{
  g_autoptr (GVariant) files = ferry_remote_files_load (client, job->path, NULL);

  /* A machine may keep ended jobs for no time: then nobody can tell any more. */
  if (files == NULL)
    return;

  for (gsize i = 0; i < g_variant_n_children (files); i++)
    {
      g_autoptr (GVariant) file = g_variant_get_child_value (files, i);
      const char *path;

      if (is_state (file, FERRY_FILE_STATE_PUBLISHED) &&
          g_variant_lookup (file, "LocalPath", "&s", &path))
        ferry_print_path (path);
    }
}

static gboolean
complete_own (FerryClient *client, FerryRemoteJob *job, gpointer user_data, GError **error)
{
  const gboolean *discard = user_data;
  g_autoptr (GVariant) reply = NULL;
  guint32 published, discarded;
  g_autofree char *label = ferry_remote_job_get_label (job);

  if (ferry_remote_job_is_upload (job))
    return complete_upload (client, job, error);
  /* The service says best what is wrong with completing a job that has ended. */
  if (!*discard && !ferry_remote_job_is_final (job) && !check_finished (client, job, error))
    return FALSE;

  reply = ferry_client_call_job (client, job->path, "Complete", NULL, "(uu)", error);
  if (reply == NULL)
    return FALSE;

  g_variant_get (reply, "(uu)", &published, &discarded);
  ferry_print_note ("%s: %u published, %u discarded", label, published, discarded);
  print_published (client, job);
  return TRUE;
}

/* The files of others cannot be read, but how many are missing can. */
static gboolean
check_finished_foreign (FerryClient *client, const char *id, GError **error)
{
  g_autoptr (GPtrArray) jobs = ferry_remote_jobs_load_foreign (client, NULL, error);

  for (guint i = 0; jobs != NULL && i < jobs->len; i++)
    {
      FerryRemoteJob *job = g_ptr_array_index (jobs, i);
      guint64 total = ferry_remote_job_get_number (job, "FilesTotal", 0);
      guint64 done = ferry_remote_job_get_number (job, "FilesTransferred", 0);

      if (g_str_equal (job->id, id) && !ferry_remote_job_is_upload (job) && done < total)
        {
          g_autofree char *count = ferry_format_count (total, "file");

          g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                       "completing job %s now would lose %" G_GUINT64_FORMAT
                       " of %s; add --discard-unfinished to do it anyway",
                       id, total - done, count);
          return FALSE;
        }
    }

  return jobs != NULL;
}

/* Whether @word is a whole id that is not one of the caller's jobs. */
static gboolean
is_foreign (FerryClient *client, const char *word)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryRemoteJob) job = NULL;

  if (!ferry_resolve_is_id (word))
    return FALSE;
  job = ferry_resolve_job (client, word, &error);
  return job == NULL && g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT);
}

FerryExit
ferry_command_complete (int argc, char **argv)
{
  gboolean discard = FALSE;
  const GOptionEntry entries[] = {
    { "discard-unfinished", 0, 0, G_OPTION_ARG_NONE, &discard,
      "hand over what is there and drop the rest", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;
  FerryExit status = FERRY_EXIT_DONE;

  if (!ferry_command_line_parse ("complete", entries, 1, -1, &argc, &argv, &error))
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);

  for (int i = 1; i < argc; i++)
    {
      g_autoptr (GError) local_error = NULL;
      char *words[] = { argv[i], NULL };
      FerryExit this_status;

      if (!discard && is_foreign (client, argv[i]) &&
          !check_finished_foreign (client, argv[i], &local_error))
        this_status = ferry_exit_report (local_error);
      else
        this_status = ferry_verb_run (client, words, "complete", complete_own, &discard);
      if (status == FERRY_EXIT_DONE)
        status = this_status;
    }

  return status;
}
