/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-exit.h"
#include "ferry-explain.h"
#include "ferry-format.h"
#include "ferry-json.h"
#include "ferry-command-line.h"
#include "ferry-print.h"
#include "ferry-resolve.h"
#include "ferry-value.h"

#include <stdio.h>

/* Behind the titles of fields, and behind those of a file. */
#define FIELD_INDENT 19
#define FILE_INDENT  18

/* @text as it stands behind a title of @indent columns: further lines begin below its first. */
static char *
wrap (const char *text, guint indent)
{
  guint width = ferry_print_get_width ();
  GString *lines = g_string_new (NULL);

  /* On a terminal this narrow a line would have no room for a word. */
  if (width < 2 * indent)
    return g_string_free (g_string_append (lines, text), FALSE);

  ferry_format_wrap (lines, text, indent, width);
  g_string_erase (lines, 0, indent);
  return g_string_free (lines, FALSE);
}

static void
print_field (const char *title, const char *text)
{
  g_autofree char *wrapped = NULL;

  if (text == NULL || *text == '\0')
    return;

  wrapped = wrap (text, FIELD_INDENT);
  printf ("  %-16s %s\n", title, wrapped);
}

static char *
make_progress (guint64 done, guint64 total)
{
  g_autofree char *done_text = ferry_format_size (done);
  g_autofree char *total_text = ferry_format_size (total);

  if (total == G_MAXUINT64)
    return g_strdup_printf ("%s of an unknown size", done_text);

  return g_strdup_printf ("%s of %s (%d%%)", done_text, total_text,
                          ferry_format_percent (done, total));
}

/* How it is sent, and what comes back. */
static void
print_upload (FerryRemoteJob *job)
{
  g_autofree char *wanted = ferry_remote_job_get_text (job, "UploadProtocol");
  g_autofree char *resolved = ferry_remote_job_get_text (job, "ResolvedUploadProtocol");
  g_autofree char *path = ferry_remote_job_get_text (job, "ReplyPath");
  g_autofree char *reply = make_progress (
      ferry_remote_job_get_number (job, "ReplyBytesTransferred", 0),
      ferry_remote_job_get_number (job, "ReplyBytesTotal", G_MAXUINT64));
  gboolean settled = *resolved != '\0' && !g_str_equal (resolved, "auto");

  print_field ("Protocol", settled ? resolved : wanted);
  if (settled)
    print_field ("Resumable", ferry_remote_job_starts_over (job)
                                  ? "no: after a break it starts again from the beginning"
                                  : "yes");
  if (*path == '\0')
    return;

  print_field ("Reply", path);
  print_field ("Reply fetched", reply);
}

static void
print_time (FerryRemoteJob *job, const char *title, const char *property)
{
  guint64 time = ferry_remote_job_get_number (job, property, 0);
  g_autofree char *text = time != 0 ? ferry_format_time (time) : NULL;

  print_field (title, text);
}

static void
print_state (FerryRemoteJob *job)
{
  g_autofree char *state = ferry_remote_job_get_text (job, "State");
  g_autofree char *id = ferry_resolve_short_id (job->id);
  g_autofree char *remark = ferry_explain_job (job, id, (guint64) g_get_real_time ());
  g_autofree char *progress = make_progress (
      ferry_remote_job_get_number (job, "BytesTransferred", 0),
      ferry_remote_job_get_number (job, "BytesTotal", G_MAXUINT64));
  guint64 rate = ferry_remote_job_get_number (job, "TransferRate", 0);
  g_autofree char *rate_text = rate > 0 ? ferry_format_rate (rate) : NULL;
  g_autofree char *errors = g_strdup_printf ("%" G_GUINT64_FORMAT,
                                             ferry_remote_job_get_number (job, "ErrorCount", 0));
  g_autoptr (GError) error = ferry_remote_job_get_error (job);
  g_autofree char *error_text = error != NULL ? ferry_exit_describe (error) : NULL;

  print_field ("State", state);
  print_field ("", remark);
  print_field (ferry_remote_job_is_upload (job) ? "Sent" : "Fetched", progress);
  if (ferry_remote_job_is_upload (job))
    print_upload (job);
  print_field ("Rate", rate_text);
  print_field ("Interruptions", errors);
  print_field ("Last error", error_text);
}

static gboolean
is_of_uploads (const char *property)
{
  return g_str_equal (property, "UploadProtocol") || g_str_equal (property, "ReplyPath");
}

/* Every property that can be set, under the name that `ferry set` takes. */
static void
print_settings (FerryRemoteJob *job)
{
  for (const FerrySettable *settable = ferry_value_get_properties (); settable->name != NULL;
       settable++)
    {
      GVariant *value = g_hash_table_lookup (job->properties, settable->name);
      g_autofree char *text = value != NULL ? ferry_value_print (value) : NULL;

      if (is_of_uploads (settable->name) && !ferry_remote_job_is_upload (job))
        continue;
      if (text != NULL && *text != '\0')
        printf ("  %-22s %s\n", settable->name, text);
    }
}

static guint64
get_size (GVariant *file, const char *key)
{
  guint64 value = G_MAXUINT64;

  g_variant_lookup (file, key, "t", &value);
  return value;
}

static void
print_file_text (GVariant *file, const char *title, const char *key)
{
  const char *text;
  g_autofree char *clean = NULL;

  if (!g_variant_lookup (file, key, "&s", &text) || *text == '\0')
    return;

  clean = ferry_print_clean (text);
  printf ("       %-10s %s\n", title, clean);
}

static void
print_file (FerryRemoteJob *job, GVariant *file)
{
  gboolean upload = ferry_remote_job_is_upload (job);
  guint32 index = 0;
  guint32 status = 0;
  guint32 restarts = 0;
  const char *state = "";
  g_autofree char *progress = make_progress (get_size (file, "BytesTransferred"),
                                             get_size (file, "BytesTotal"));
  g_autofree char *state_text = NULL;
  g_autoptr (GVariant) details = g_variant_lookup_value (file, "Error", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GError) error = ferry_remote_error_new (details);

  g_variant_lookup (file, "Index", "u", &index);
  g_variant_lookup (file, "State", "&s", &state);
  g_variant_lookup (file, "HttpStatus", "u", &status);
  g_variant_lookup (file, "Restarts", "u", &restarts);
  state_text = ferry_print_clean (state);

  printf ("  %3u  %s, %s\n", index, state_text, progress);
  print_file_text (file, "from", upload ? "LocalPath" : "RemoteUrl");
  print_file_text (file, "to", upload ? "RemoteUrl" : "LocalPath");
  print_file_text (file, "digest", "Digest");
  print_file_text (file, "validator", "Validator");
  if (status != 0)
    printf ("       %-10s HTTP %u\n", "answer", status);
  if (restarts != 0)
    {
      g_autofree char *times = ferry_format_count (restarts, "time");

      printf ("       %-10s %s\n", "restarted", times);
    }
  if (error != NULL)
    {
      g_autofree char *text = ferry_exit_describe (error);
      g_autofree char *wrapped = wrap (text, FILE_INDENT);

      printf ("       %-10s %s\n", "error", wrapped);
    }
}

static void
print_sheet (FerryRemoteJob *job, GVariant *files)
{
  g_autofree char *label = ferry_remote_job_get_label (job);
  g_autofree char *type = ferry_remote_job_get_text (job, "Type");

  printf ("%s\n", label);
  print_field ("Id", job->id);
  print_field ("Type", type);
  print_state (job);
  print_time (job, "Created", "CreationTime");
  print_time (job, "Changed", "ModificationTime");
  print_time (job, "Transferred", "TransferCompletionTime");
  print_time (job, "Next attempt", "NextAttemptTime");
  print_time (job, "Deleted on", "ExpirationTime");
  printf ("\nSettings (ferry set)\n");
  print_settings (job);
  printf ("\nFiles\n");
  for (gsize i = 0; i < g_variant_n_children (files); i++)
    {
      g_autoptr (GVariant) file = g_variant_get_child_value (files, i);

      print_file (job, file);
    }
}

FerryExit
ferry_command_show (int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "as JSON: one object", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;
  g_autoptr (FerryRemoteJob) job = NULL;
  g_autoptr (GVariant) files = NULL;

  if (!ferry_command_line_parse ("show", entries, 1, 1, &argc, &argv, &error))
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);
  job = ferry_resolve_job (client, argv[1], &error);
  if (job == NULL)
    return ferry_exit_report (error);
  files = ferry_remote_files_load (client, job->path, &error);
  if (files == NULL)
    return ferry_exit_report (error);

  if (json)
    ferry_json_print (ferry_json_from_job (job, files), TRUE);
  else
    {
      ferry_remote_job_name_failure (client, job);
      print_sheet (job, files);
    }

  return FERRY_EXIT_DONE;
}
