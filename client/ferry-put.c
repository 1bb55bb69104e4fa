/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-command-line.h"
#include "ferry-commands.h"
#include "ferry-headers.h"
#include "ferry-source.h"
#include "ferry-transfer.h"
#include "ferry-value.h"

typedef struct
{
  char *protocol;  /* (owned) (nullable) */
  char *reply;     /* (owned) (nullable): as typed */
  char *priority;  /* (owned) (nullable) */
  char *method;    /* (owned) (nullable) */
  char *cert;      /* (owned) (nullable): absolute, once it is checked */
  char **headers;  /* (owned) (nullable): as typed */
  char **expanded; /* (owned) (nullable) */
  int timeout;
  gboolean detach;
  gboolean json;
} PutOptions;

static void
put_options_clear (PutOptions *options)
{
  g_free (options->protocol);
  g_free (options->reply);
  g_free (options->priority);
  g_free (options->method);
  g_free (options->cert);
  g_strfreev (options->headers);
  g_strfreev (options->expanded);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PutOptions, put_options_clear)

static gboolean
parse (PutOptions *options, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "protocol", 0, 0, G_OPTION_ARG_STRING, &options->protocol,
      "how to send: auto, bits, tus, put or put-range", "P" },
    { "method", 0, 0, G_OPTION_ARG_STRING, &options->method,
      "send the file as the body of one request of this method", "M" },
    { "cert", 0, 0, G_OPTION_ARG_STRING, &options->cert,
      "show this client certificate: a file with its key, or a pkcs11: URI", "FILE" },
    { "reply", 0, 0, G_OPTION_ARG_FILENAME, &options->reply,
      "store the server's reply as this file, and print its path", "PATH" },
    { "header", 'H', 0, G_OPTION_ARG_STRING_ARRAY, &options->headers,
      "send this request header; @FILE reads some from a file", "HEADER" },
    { "priority", 0, 0, G_OPTION_ARG_STRING, &options->priority, "foreground, high, normal or low",
      "P" },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &options->timeout,
      "stop waiting after so many seconds; the job goes on", "S" },
    { "detach", 0, 0, G_OPTION_ARG_NONE, &options->detach, "print the id and do not wait", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options->json,
      "as JSON: an object for each change, one a line", NULL },
    G_OPTION_ENTRY_NULL,
  };

  return ferry_command_line_parse ("put", entries, 2, 2, argc, argv, error);
}

static gboolean
check_options (PutOptions *options, GError **error)
{
  if (options->timeout < 0)
    {
      ferry_exit_set_usage (error, "--timeout cannot be %d: wanted is a number of seconds",
                            options->timeout);
      return FALSE;
    }
  if (options->priority != NULL && !ferry_value_check_priority (options->priority, error))
    return FALSE;
  if (options->protocol != NULL && !ferry_value_check_protocol (options->protocol, error))
    return FALSE;

  ferry_target_make_certificate (&options->cert);
  options->expanded = ferry_headers_expand (options->headers, error);
  return options->expanded != NULL;
}

static FerryTransferItem *
make_item (const char *file, const char *text, const PutOptions *options, GError **error)
{
  g_autoptr (FerryUrl) url = ferry_url_parse (text, error);
  g_autofree char *source = url != NULL ? ferry_source_path (file, error) : NULL;
  g_autofree char *reply = NULL;
  gboolean named;
  char *whole;

  if (source == NULL)
    return NULL;
  if (options->reply != NULL)
    {
      reply = ferry_target_reply (options->reply, error);
      if (reply == NULL)
        return NULL;
    }

  /* What another method makes there is not our affair. */
  named = options->method == NULL || g_str_equal (options->method, "PUT");
  whole = ferry_source_url (url->url, source, named ? options->protocol : NULL);
  g_free (url->url);
  url->url = whole;
  return ferry_transfer_item_new_upload (g_steal_pointer (&url), g_steal_pointer (&source),
                                         g_steal_pointer (&reply));
}

FerryExit
ferry_command_put (int argc, char **argv)
{
  g_auto (PutOptions) options = { 0 };
  g_autoptr (GPtrArray)
      items = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_transfer_item_free);
  g_autoptr (FerryClient) client = NULL;
  g_autoptr (GError) error = NULL;
  FerryTransferItem *item;
  FerryTransferOptions transfer;

  if (!parse (&options, &argc, &argv, &error) || !check_options (&options, &error))
    return ferry_exit_report (error);
  item = make_item (argv[1], argv[2], &options, &error);
  if (item == NULL)
    return ferry_exit_report (error);
  g_ptr_array_add (items, item);
  client = ferry_client_new (&error);
  if (client == NULL)
    return ferry_exit_report (error);

  transfer = (FerryTransferOptions){
    .priority = options.priority,
    .method = options.method,
    .certificate = options.cert,
    .protocol = options.protocol,
    .headers = options.expanded,
    .detach = options.detach,
    .json = options.json,
    .timeout = (guint) options.timeout,
  };
  return ferry_transfer_run (client, items, &transfer);
}
