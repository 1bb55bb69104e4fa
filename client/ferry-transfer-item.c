/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-transfer.h"

#include "ferry-headers.h"
#include "ferry-proxy.h"

/* A person waits: try again soon, and say that it failed while he is still there. */
#define ATTENDED_RETRY_DELAY         5
#define ATTENDED_NO_PROGRESS_TIMEOUT 300

static FerryTransferItem *
item_new (FerryJobType type, FerryUrl *url, char *path, char *reply)
{
  FerryTransferItem *item = g_new0 (FerryTransferItem, 1);

  item->type = type;
  item->url = url;
  item->path = path;
  item->reply = reply;
  item->label = g_path_get_basename (path);
  item->state = FERRY_TRANSFER_WAITING;
  return item;
}

FerryTransferItem *
ferry_transfer_item_new_download (FerryUrl *url, char *target)
{
  return item_new (FERRY_JOB_TYPE_DOWNLOAD, url, target, NULL);
}

FerryTransferItem *
ferry_transfer_item_new_upload (FerryUrl *url, char *source, char *reply)
{
  return item_new (reply != NULL ? FERRY_JOB_TYPE_UPLOAD_REPLY : FERRY_JOB_TYPE_UPLOAD, url, source,
                   reply);
}

void
ferry_transfer_item_free (FerryTransferItem *item)
{
  g_clear_pointer (&item->url, ferry_url_free);
  g_free (item->path);
  g_free (item->reply);
  g_free (item->label);
  g_free (item->job_path);
  g_free (item);
}

static void
add_string (GVariantBuilder *builder, const char *key, const char *value)
{
  g_variant_builder_add (builder, "{sv}", key, g_variant_new_string (value));
}

static void
add_strings (GVariantBuilder *builder, const char *key, char **values)
{
  if (values[0] != NULL)
    g_variant_builder_add (builder, "{sv}", key,
                           g_variant_new_strv ((const char *const *) values, -1));
}

static void
add_proxy (GVariantBuilder *properties, const FerryProxy *proxy)
{
  /* Nothing in the environment: the service's own default stands. */
  if (g_str_equal (proxy->usage, "default"))
    return;

  add_string (properties, "ProxyUsage", proxy->usage);
  if (proxy->uri != NULL)
    add_string (properties, "ProxyUri", proxy->uri);
  add_strings (properties, "ProxyBypass", proxy->bypass);
}

static void
add_credentials (GVariantBuilder *properties, const FerryUrl *url, const FerryProxy *proxy)
{
  GVariant *server = ferry_url_get_credentials (url, "server");
  GVariantBuilder list;

  if (server == NULL && proxy->credentials == NULL)
    return;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("a(ssa{sv})"));
  if (server != NULL)
    g_variant_builder_add_value (&list, server);
  if (proxy->credentials != NULL)
    g_variant_builder_add_value (&list, proxy->credentials);
  g_variant_builder_add (properties, "{sv}", "Credentials", g_variant_builder_end (&list));
}

static void
add_headers (GVariantBuilder *properties, char **headers)
{
  g_auto (GStrv) plain = NULL;
  g_auto (GStrv) secret = NULL;

  ferry_headers_split (headers, &plain, &secret);
  add_strings (properties, "RequestHeaders", plain);
  add_strings (properties, "CustomHeaders", secret);
}

static void
add_patience (GVariantBuilder *properties, const FerryTransferOptions *options)
{
  const char *priority = options->detach ? "normal" : "foreground";

  add_string (properties, "Priority", options->priority != NULL ? options->priority : priority);
  if (options->detach)
    return;

  g_variant_builder_add (properties, "{sv}", "MinimumRetryDelay",
                         g_variant_new_uint32 (ATTENDED_RETRY_DELAY));
  g_variant_builder_add (properties, "{sv}", "NoProgressTimeout",
                         g_variant_new_uint32 (ATTENDED_NO_PROGRESS_TIMEOUT));
}

/* What a file may become; of one that is sent only the reply becomes one here. */
static void
add_file_options (GVariantBuilder *file_options, const FerryTransferItem *item,
                  const FerryTransferOptions *options)
{
  if (item->type == FERRY_JOB_TYPE_UPLOAD)
    return;

  g_variant_builder_add (file_options, "{sv}", "Mode", g_variant_new_uint32 (ferry_target_mode ()));
  if (item->type == FERRY_JOB_TYPE_UPLOAD_REPLY)
    return;
  if (options->force)
    g_variant_builder_add (file_options, "{sv}", "Replace", g_variant_new_boolean (TRUE));
  if (options->digest != NULL)
    add_string (file_options, "Digest", options->digest);
}

GVariant *
ferry_transfer_make_arguments (const FerryTransferItem *item, const FerryTransferOptions *options,
                               GError **error)
{
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (FerryProxy) proxy = ferry_proxy_from_environment (item->url->url, environment, error);
  GVariantBuilder properties, file_options, files;

  if (proxy == NULL)
    return NULL;

  g_variant_builder_init (&properties, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&properties, "{sv}", "AutoComplete", g_variant_new_boolean (TRUE));
  add_patience (&properties, options);
  add_proxy (&properties, proxy);
  add_credentials (&properties, item->url, proxy);
  add_headers (&properties, options->headers);
  if (options->method != NULL)
    add_string (&properties, "HttpMethod", options->method);
  if (options->certificate != NULL)
    add_string (&properties, "ClientCertificate", options->certificate);
  if (options->protocol != NULL)
    add_string (&properties, "UploadProtocol", options->protocol);
  if (item->reply != NULL)
    add_string (&properties, "ReplyPath", item->reply);

  g_variant_builder_init (&file_options, G_VARIANT_TYPE_VARDICT);
  add_file_options (&file_options, item, options);
  g_variant_builder_init (&files, G_VARIANT_TYPE ("a(ssa{sv})"));
  g_variant_builder_add (&files, "(ssa{sv})", item->url->url, item->path, &file_options);

  return g_variant_new ("(ssa(ssa{sv})a{sv})", item->label, ferry_job_type_to_string (item->type),
                        &files, &properties);
}
