/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-commands.h"
#include "ferry-transfer.h"
#include "ferry-headers.h"
#include "ferry-command-line.h"
#include "ferry-text.h"
#include "ferry-value.h"

typedef struct
{
  char *output;    /* (owned) (nullable) */
  char *directory; /* (owned) (nullable) */
  char *list;      /* (owned) (nullable) */
  char *digest;    /* (owned) (nullable) */
  char *priority;  /* (owned) (nullable) */
  char *method;    /* (owned) (nullable) */
  char *cert;      /* (owned) (nullable): absolute, once it is checked */
  char **headers;  /* (owned) (nullable): as typed */
  char **expanded; /* (owned) (nullable) */
  int timeout;
  gboolean force;
  gboolean detach;
  gboolean json;
} GetOptions;

static void
get_options_clear (GetOptions *options)
{
  g_free (options->output);
  g_free (options->directory);
  g_free (options->list);
  g_free (options->digest);
  g_free (options->priority);
  g_free (options->method);
  g_free (options->cert);
  g_strfreev (options->headers);
  g_strfreev (options->expanded);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GetOptions, get_options_clear)

static gboolean
parse (GetOptions *options, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output, "store the one URL as this file",
      "FILE" },
    { "directory", 'd', 0, G_OPTION_ARG_FILENAME, &options->directory,
      "store files here, not in the current directory", "DIR" },
    { "input", 'i', 0, G_OPTION_ARG_FILENAME, &options->list,
      "more URLs, one a line; - is standard input", "LIST" },
    { "header", 'H', 0, G_OPTION_ARG_STRING_ARRAY, &options->headers,
      "send this request header; @FILE reads some from a file", "HEADER" },
    { "method", 0, 0, G_OPTION_ARG_STRING, &options->method,
      "ask with this method, not GET; without a body", "M" },
    { "cert", 0, 0, G_OPTION_ARG_STRING, &options->cert,
      "show this client certificate: a file with its key, or a pkcs11: URI", "FILE" },
    { "digest", 0, 0, G_OPTION_ARG_STRING, &options->digest,
      "what the file must hash to: sha256:HEX or sha512:HEX", "D" },
    { "priority", 0, 0, G_OPTION_ARG_STRING, &options->priority, "foreground, high, normal or low",
      "P" },
    { "force", 'f', 0, G_OPTION_ARG_NONE, &options->force, "replace files that are there already",
      NULL },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &options->timeout,
      "stop waiting after so many seconds; the jobs go on", "S" },
    { "detach", 0, 0, G_OPTION_ARG_NONE, &options->detach, "print the ids and do not wait", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options->json,
      "as JSON: an object for each change, one a line", NULL },
    G_OPTION_ENTRY_NULL,
  };

  return ferry_command_line_parse ("get", entries, 0, -1, argc, argv, error);
}

/* All URLs of the command line and the list. */
static char **
collect_urls (const GetOptions *options, int argc, char **argv, GError **error)
{
  g_autoptr (GPtrArray) urls = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) listed = NULL;

  for (int i = 1; i < argc; i++)
    g_ptr_array_add (urls, g_strdup (argv[i]));
  if (options->list != NULL)
    {
      listed = ferry_target_read_list (options->list, "URLs", error);
      if (listed == NULL)
        return NULL;
      for (gsize i = 0; listed[i] != NULL; i++)
        g_ptr_array_add (urls, g_strdup (listed[i]));
    }
  if (urls->len == 0)
    {
      ferry_exit_set_usage (error, "which URL? (see `ferry help get`)");
      return NULL;
    }

  g_ptr_array_add (urls, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&urls), FALSE);
}

static gboolean
check_options (GetOptions *options, guint n_urls, GError **error)
{
  if (options->output != NULL && options->directory != NULL)
    ferry_exit_set_usage (error, "-o and -d do not go together: give -o the whole path");
  else if (options->output != NULL && n_urls > 1)
    ferry_exit_set_usage (error, "-o names one file, but there are %u URLs; use -d", n_urls);
  else if (options->digest != NULL && n_urls > 1)
    ferry_exit_set_usage (error, "--digest is that of one file, but there are %u URLs", n_urls);
  else if (options->timeout < 0)
    ferry_exit_set_usage (error, "--timeout cannot be %d: wanted is a number of seconds",
                          options->timeout);
  else if (options->priority == NULL || ferry_value_check_priority (options->priority, error))
    {
      ferry_target_make_certificate (&options->cert);
      options->expanded = ferry_headers_expand (options->headers, error);
      return options->expanded != NULL;
    }

  return FALSE;
}

static gboolean
add_item (GPtrArray *items, GHashTable *targets, const char *text, const GetOptions *options,
          GError **error)
{
  g_autoptr (FerryUrl) url = ferry_url_parse (text, error);
  g_autofree char *target = NULL;
  const char *other;

  if (url == NULL)
    return FALSE;
  target = ferry_target_path (url->url, options->output, options->directory, error);
  if (target == NULL)
    return FALSE;

  other = g_hash_table_lookup (targets, target);
  /* The same line twice in a list. */
  if (other != NULL && g_str_equal (other, url->url))
    return TRUE;
  if (other != NULL)
    {
      g_autofree char *clean = ferry_text_clean (target, FERRY_TEXT_MAX);

      ferry_exit_set_usage (error,
                            "two URLs would be stored as \"%s\"; fetch them one by one, with -o",
                            clean);
      return FALSE;
    }

  g_hash_table_insert (targets, g_strdup (target), g_strdup (url->url));
  g_ptr_array_add (items, ferry_transfer_item_new_download (g_steal_pointer (&url),
                                                            g_steal_pointer (&target)));
  return TRUE;
}

static GPtrArray *
make_items (char **urls, const GetOptions *options, GError **error)
{
  g_autoptr (GPtrArray)
      items = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_transfer_item_free);
  g_autoptr (GHashTable) targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (gsize i = 0; urls[i] != NULL; i++)
    {
      if (!add_item (items, targets, urls[i], options, error))
        return NULL;
    }

  return g_steal_pointer (&items);
}

FerryExit
ferry_command_get (int argc, char **argv)
{
  g_auto (GetOptions) options = { 0 };
  g_auto (GStrv) urls = NULL;
  g_autoptr (GPtrArray) items = NULL;
  g_autoptr (FerryClient) client = NULL;
  g_autoptr (GError) error = NULL;
  FerryTransferOptions transfer;

  if (!parse (&options, &argc, &argv, &error))
    return ferry_exit_report (error);
  urls = collect_urls (&options, argc, argv, &error);
  if (urls == NULL || !check_options (&options, g_strv_length (urls), &error))
    return ferry_exit_report (error);
  items = make_items (urls, &options, &error);
  if (items == NULL)
    return ferry_exit_report (error);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);

  transfer = (FerryTransferOptions){
    .priority = options.priority,
    .method = options.method,
    .certificate = options.cert,
    .digest = options.digest,
    .headers = options.expanded,
    .force = options.force,
    .detach = options.detach,
    .json = options.json,
    .timeout = (guint) options.timeout,
  };
  return ferry_transfer_run (client, items, &transfer);
}
