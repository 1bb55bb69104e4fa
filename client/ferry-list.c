/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-explain.h"
#include "ferry-format.h"
#include "ferry-json.h"
#include "ferry-command-line.h"
#include "ferry-print.h"
#include "ferry-resolve.h"
#include "ferry-table.h"

#include <pwd.h>
#include <stdio.h>

/* The state of an upload shows which way it goes. */
static char *
make_state (FerryRemoteJob *job, gboolean utf8)
{
  g_autofree char *state = ferry_remote_job_get_text (job, "State");

  return g_strconcat (ferry_explain_direction (job, utf8), state, NULL);
}

static char *
make_percent (FerryRemoteJob *job)
{
  int percent = ferry_format_percent (ferry_remote_job_get_number (job, "BytesTransferred", 0),
                                      ferry_remote_job_get_number (job, "BytesTotal", G_MAXUINT64));

  /* A job without files has nothing of nothing. */
  if (percent < 0 || ferry_remote_job_get_number (job, "FilesTotal", 1) == 0)
    return g_strdup ("-");

  return g_strdup_printf ("%d%%", percent);
}

/* The size, or what is there of a job whose size is not known. */
static char *
make_size (FerryRemoteJob *job)
{
  guint64 total = ferry_remote_job_get_number (job, "BytesTotal", G_MAXUINT64);
  guint64 done = ferry_remote_job_get_number (job, "BytesTransferred", 0);

  if (total == G_MAXUINT64 && done == 0)
    return g_strdup ("-");

  return ferry_format_size (total != G_MAXUINT64 ? total : done);
}

static char *
make_rate (FerryRemoteJob *job)
{
  guint64 rate = ferry_remote_job_get_number (job, "TransferRate", 0);

  /* What a job that stands still did last is no rate. */
  if (rate == 0 || ferry_remote_job_get_state (job) != FERRY_JOB_STATE_TRANSFERRING)
    return g_strdup ("-");

  return ferry_format_rate (rate);
}

static char *
make_owner (FerryRemoteJob *job)
{
  uid_t uid = (uid_t) ferry_remote_job_get_number (job, "Owner", 0);
  const struct passwd *entry = getpwuid (uid);

  return entry != NULL ? ferry_print_clean (entry->pw_name) : g_strdup_printf ("%u", uid);
}

static char **
take_cells (GPtrArray *cells)
{
  g_ptr_array_add (cells, NULL);
  return (char **) g_ptr_array_free (cells, FALSE);
}

static char *
render_own (GPtrArray *jobs, guint width, gboolean utf8)
{
  static const FerryColumn columns[] = {
    { "ID" },   { "STATE" }, { "DONE", TRUE, 3 }, { "SIZE", TRUE, 2 }, { "RATE", TRUE, 1 },
    { "NAME" },
  };
  g_autoptr (FerryTable) table = ferry_table_new (columns, G_N_ELEMENTS (columns));
  guint length = ferry_resolve_short_length (jobs);

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryRemoteJob *job = g_ptr_array_index (jobs, i);
      g_autofree char *id = g_strndup (job->id, length);
      GPtrArray *cells = g_ptr_array_new ();

      g_ptr_array_add (cells, g_strdup (id));
      g_ptr_array_add (cells, make_state (job, utf8));
      g_ptr_array_add (cells, make_percent (job));
      g_ptr_array_add (cells, make_size (job));
      g_ptr_array_add (cells, make_rate (job));
      g_ptr_array_add (cells, ferry_remote_job_get_label (job));
      ferry_table_add (table, take_cells (cells),
                       ferry_explain_job (job, id, (guint64) g_get_real_time ()));
    }

  return ferry_table_render (table, width, 5, utf8);
}

/* Whole ids: the verbs take nothing less for the jobs of others. */
static char *
render_all_users (GPtrArray *jobs, guint width, gboolean utf8)
{
  static const FerryColumn columns[] = {
    { "ID" },
    { "OWNER" },
    { "STATE" },
    { "DONE", TRUE, 4 },
    { "SIZE", TRUE, 3 },
    { "RATE", TRUE, 2 },
    { "APPLICATION", FALSE, 1 },
  };
  g_autoptr (FerryTable) table = ferry_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryRemoteJob *job = g_ptr_array_index (jobs, i);
      GPtrArray *cells = g_ptr_array_new ();

      g_ptr_array_add (cells, g_strdup (job->id));
      g_ptr_array_add (cells, make_owner (job));
      g_ptr_array_add (cells, make_state (job, utf8));
      g_ptr_array_add (cells, make_percent (job));
      g_ptr_array_add (cells, make_size (job));
      g_ptr_array_add (cells, make_rate (job));
      g_ptr_array_add (cells, ferry_remote_job_get_text (job, "ApplicationId"));
      ferry_table_add (table, take_cells (cells),
                       ferry_explain_job (job, job->id, (guint64) g_get_real_time ()));
    }

  return ferry_table_render (table, width, 6, utf8);
}

FerryExit
ferry_command_list (int argc, char **argv)
{
  gboolean all_users = FALSE;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "all-users", 0, 0, G_OPTION_ARG_NONE, &all_users, "the jobs of all users", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "as JSON: an array of objects", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;
  g_autoptr (GPtrArray) jobs = NULL;
  g_autofree char *text = NULL;
  gboolean utf8 = g_get_charset (NULL);

  if (!ferry_command_line_parse ("list", entries, 0, 0, &argc, &argv, &error))
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);
  jobs = all_users ? ferry_remote_jobs_load_foreign (client, NULL, &error)
                   : ferry_remote_jobs_load (client, &error);
  if (jobs == NULL)
    return ferry_exit_report (error);

  if (json)
    ferry_json_print (ferry_json_from_jobs (jobs), TRUE);
  else if (jobs->len == 0)
    ferry_print_note ("no jobs");
  else
    {
      for (guint i = 0; i < jobs->len && !all_users; i++)
        ferry_remote_job_name_failure (client, g_ptr_array_index (jobs, i));
      text = all_users ? render_all_users (jobs, ferry_print_get_width (), utf8)
                       : render_own (jobs, ferry_print_get_width (), utf8);
      fputs (text, stdout);
    }

  return FERRY_EXIT_DONE;
}
