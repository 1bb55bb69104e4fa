/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-command-line.h"
#include "ferry-print.h"
#include "ferry-resolve.h"
#include "ferry-source.h"
#include "ferry-target.h"

typedef struct
{
  const char *digest; /* (nullable) */
  gboolean force;
} Options;

static gboolean
set_credentials (FerryClient *client, FerryRemoteJob *job, const FerryUrl *url, GError **error)
{
  GVariant *credentials = ferry_url_get_credentials (url, "server");
  g_autoptr (GVariant) set = NULL;

  if (credentials == NULL)
    return TRUE;
  set = ferry_client_call_job (client, job->path, "SetCredentials", credentials, "()", error);
  return set != NULL;
}

/* The path to be written, or of an upload the one to be read. */
static char *
make_path (FerryRemoteJob *job, const FerryUrl *url, const char *text, const Options *options,
           GError **error)
{
  if (!ferry_remote_job_is_upload (job))
    return ferry_target_path (url->url, text, NULL, error);

  if (options->force || options->digest != NULL)
    {
      ferry_exit_set_usage (error, "%s is for files that are fetched, and this job sends one",
                            options->force ? "--force" : "--digest");
      return NULL;
    }
  return ferry_source_path (text, error);
}

static gboolean
add_file (FerryClient *client, const char *word, const char *text, const char *typed,
          const Options *options, GError **error)
{
  g_autoptr (FerryUrl) url = ferry_url_parse (text, error);
  g_autoptr (FerryRemoteJob) job = url != NULL ? ferry_resolve_job (client, word, error) : NULL;
  g_autofree char *path = job != NULL ? make_path (job, url, typed, options, error) : NULL;
  g_autoptr (GVariant) reply = NULL;
  GVariantBuilder file_options;
  guint32 index;

  if (path == NULL || !set_credentials (client, job, url, error))
    return FALSE;

  g_variant_builder_init (&file_options, G_VARIANT_TYPE_VARDICT);
  if (!ferry_remote_job_is_upload (job))
    g_variant_builder_add (&file_options, "{sv}", "Mode",
                           g_variant_new_uint32 (ferry_target_mode ()));
  if (options->force)
    g_variant_builder_add (&file_options, "{sv}", "Replace", g_variant_new_boolean (TRUE));
  if (options->digest != NULL)
    g_variant_builder_add (&file_options, "{sv}", "Digest", g_variant_new_string (options->digest));

  reply = ferry_client_call_job (client, job->path, "AddFile",
                                 g_variant_new ("(ssa{sv})", url->url, path, &file_options), "(u)",
                                 error);
  if (reply == NULL)
    return FALSE;

  g_variant_get (reply, "(u)", &index);
  ferry_print_note ("file %u", index);
  return TRUE;
}

FerryExit
ferry_command_add (int argc, char **argv)
{
  g_autofree char *digest = NULL;
  Options options = { 0 };
  const GOptionEntry entries[] = {
    { "digest", 0, 0, G_OPTION_ARG_STRING, &digest, "what the file must hash to: sha256:HEX", "D" },
    { "force", 'f', 0, G_OPTION_ARG_NONE, &options.force, "replace a file that is there already",
      NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryClient) client = NULL;

  if (!ferry_command_line_parse ("add", entries, 3, 3, &argc, &argv, &error))
    return ferry_exit_report (error);
  options.digest = digest;
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);
  if (!add_file (client, argv[1], argv[2], argv[3], &options, &error))
    return ferry_exit_report (error);

  return FERRY_EXIT_DONE;
}
