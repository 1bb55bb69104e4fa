/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-property.h"

#include "ferry-args.h"
#include "ferry-options.h"
#include "ferry-policy-keys.h"
#include "ferry-text.h"

/* Properties that are a field of FerryJob, or one call away. */
#define GETTER(name, expression)                                                                   \
  static GVariant *get_##name (FerryEngine *engine, FerryJob *job)                                 \
  {                                                                                                \
    return expression;                                                                             \
  }

GETTER (id, g_variant_new_string (job->id))
GETTER (type, g_variant_new_string (ferry_job_type_to_string (job->type)))
GETTER (state, g_variant_new_string (ferry_job_state_to_string (job->state)))
GETTER (owner, g_variant_new_uint32 (job->owner))
GETTER (bytes_total, g_variant_new_uint64 (ferry_job_get_bytes_total (job)))
GETTER (bytes_transferred, g_variant_new_uint64 (ferry_job_get_bytes_transferred (job)))
GETTER (files_total, g_variant_new_uint32 (ferry_job_count_files (job)))
GETTER (files_transferred, g_variant_new_uint32 (ferry_job_get_files_transferred (job)))
GETTER (creation_time, g_variant_new_uint64 (job->creation_time))
GETTER (modification_time, g_variant_new_uint64 (job->modification_time))
GETTER (transfer_completion_time, g_variant_new_uint64 (job->transfer_completion_time))
GETTER (next_attempt_time, g_variant_new_uint64 (job->next_attempt_wall))
GETTER (error_count, g_variant_new_uint32 (job->error_count))
GETTER (error, ferry_failure_to_variant (job->error, TRUE))
GETTER (display_name, g_variant_new_string (job->display_name))
GETTER (description, g_variant_new_string (job->description))
GETTER (application_id, g_variant_new_string (job->application_id))
GETTER (priority, g_variant_new_string (ferry_priority_to_string (job->priority)))
GETTER (minimum_retry_delay, g_variant_new_uint32 (job->minimum_retry_delay))
GETTER (no_progress_timeout, g_variant_new_uint32 (job->no_progress_timeout))
GETTER (maximum_download_time, g_variant_new_uint32 (job->maximum_download_time))
GETTER (notification_interval, g_variant_new_uint32 (job->notification_interval))
GETTER (auto_complete, g_variant_new_boolean (job->auto_complete))
GETTER (maximum_download_size, g_variant_new_uint64 (job->maximum_download_size))
GETTER (request_headers, g_variant_new_strv ((const char *const *) job->request_headers, -1))
GETTER (proxy_usage, g_variant_new_string (ferry_proxy_usage_to_string (job->proxy_usage)))
GETTER (proxy_uri, g_variant_new_string (job->proxy_uri))
GETTER (proxy_bypass, g_variant_new_strv ((const char *const *) job->proxy_bypass, -1))

GETTER (server_pins, g_variant_new_strv ((const char *const *) job->server_pins, -1))
GETTER (redirect_policy,
        g_variant_new_string (ferry_redirect_policy_to_string (job->redirect_policy)))
GETTER (http_method, g_variant_new_string (job->http_method))
GETTER (client_certificate, g_variant_new_string (job->client_certificate))
GETTER (upload_protocol,
        g_variant_new_string (ferry_upload_protocol_to_string (job->upload_protocol)))
GETTER (reply_path, g_variant_new_string (job->reply_path))
GETTER (resumable, g_variant_new_boolean (!ferry_job_is_upload (job) || job->resumable))

static GVariant *
get_resolved_upload_protocol (FerryEngine *engine, FerryJob *job)
{
  FerryUploadProtocol protocol = job->resolved_upload_protocol;
  gboolean settled = protocol != FERRY_UPLOAD_PROTOCOL_AUTO;

  return g_variant_new_string (settled ? ferry_upload_protocol_to_string (protocol) : "");
}

/* Unknown until it begins to come; where none will, it has no bytes. */
static GVariant *
get_reply_bytes_total (FerryEngine *engine, FerryJob *job)
{
  const FerryFile *reply = ferry_job_get_reply (job);
  guint64 unknown = job->type == FERRY_JOB_TYPE_UPLOAD_REPLY ? FERRY_SIZE_UNKNOWN : 0;

  return g_variant_new_uint64 (reply != NULL ? reply->bytes_total : unknown);
}

static GVariant *
get_reply_bytes_transferred (FerryEngine *engine, FerryJob *job)
{
  const FerryFile *reply = ferry_job_get_reply (job);

  return g_variant_new_uint64 (reply != NULL ? reply->bytes_transferred : 0);
}

static GVariant *
get_tls_flags (FerryEngine *engine, FerryJob *job)
{
  /* They are the words that the policy can allow. */
  return ferry_policy_key_new_value (FERRY_POLICY_ALLOW_INSECURE_TLS, job->tls_flags);
}

static GVariant *
get_wait_reasons (FerryEngine *engine, FerryJob *job)
{
  g_auto (GStrv) reasons = ferry_job_get_wait_reasons (job);

  return g_variant_new_strv ((const char *const *) reasons, -1);
}

/* Whole seconds: it is reckoned from two clocks, which differ by microseconds from call to call. */
static GVariant *
get_transfer_rate (FerryEngine *engine, FerryJob *job)
{
  gint64 now = ferry_clock_get_boot (ferry_engine_get_clock (engine));

  return g_variant_new_uint64 (ferry_job_get_transfer_rate (job, now));
}

static GVariant *
get_expiration_time (FerryEngine *engine, FerryJob *job)
{
  gint64 time = ferry_engine_get_expiration (engine, job);

  return g_variant_new_uint64 ((time + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC * G_USEC_PER_SEC);
}

static gboolean
set_text (char **field, const char *name, glong max, GVariant *value, GError **error)
{
  const char *text = g_variant_get_string (value, NULL);

  if (!ferry_args_check_length (name, text, max, error))
    return FALSE;

  g_free (*field);
  *field = g_strdup (text);
  return TRUE;
}

static gboolean
set_display_name (FerryJob *job, GVariant *value, GError **error)
{
  return set_text (&job->display_name, "DisplayName", FERRY_DISPLAY_NAME_MAX, value, error);
}

static gboolean
set_description (FerryJob *job, GVariant *value, GError **error)
{
  return set_text (&job->description, "Description", FERRY_DESCRIPTION_MAX, value, error);
}

static gboolean
set_application_id (FerryJob *job, GVariant *value, GError **error)
{
  return set_text (&job->application_id, "ApplicationId", FERRY_APPLICATION_ID_MAX, value, error);
}

/* Says which word was no word of an enumeration, and which would have been. */
static gboolean
refuse_word (const char *name, GVariant *value, const char *choices, GError **error)
{
  g_autofree char *shown = ferry_text_clean (g_variant_get_string (value, NULL), 64);

  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
               "\"%s\" was given as \"%s\", and one of %s is wanted.", name, shown, choices);
  return FALSE;
}

static gboolean
set_priority (FerryJob *job, GVariant *value, GError **error)
{
  return ferry_priority_from_string (g_variant_get_string (value, NULL), &job->priority) ||
         refuse_word ("Priority", value, "foreground, high, normal, low", error);
}

static gboolean
set_proxy_usage (FerryJob *job, GVariant *value, GError **error)
{
  return ferry_proxy_usage_from_string (g_variant_get_string (value, NULL), &job->proxy_usage) ||
         refuse_word ("ProxyUsage", value, "default, none, override", error);
}

static gboolean
set_minimum_retry_delay (FerryJob *job, GVariant *value, GError **error)
{
  job->minimum_retry_delay = MAX (g_variant_get_uint32 (value), FERRY_MINIMUM_RETRY_DELAY);
  return TRUE;
}

static gboolean
set_no_progress_timeout (FerryJob *job, GVariant *value, GError **error)
{
  job->no_progress_timeout = g_variant_get_uint32 (value);
  return TRUE;
}

static gboolean
set_maximum_download_time (FerryJob *job, GVariant *value, GError **error)
{
  job->maximum_download_time = g_variant_get_uint32 (value);
  return TRUE;
}

static gboolean
set_notification_interval (FerryJob *job, GVariant *value, GError **error)
{
  job->notification_interval = g_variant_get_uint32 (value);
  return TRUE;
}

static gboolean
set_auto_complete (FerryJob *job, GVariant *value, GError **error)
{
  job->auto_complete = g_variant_get_boolean (value);
  return TRUE;
}

static gboolean
set_maximum_download_size (FerryJob *job, GVariant *value, GError **error)
{
  job->maximum_download_size = g_variant_get_uint64 (value);
  return TRUE;
}

static gboolean
set_request_headers (FerryJob *job, GVariant *value, GError **error)
{
  g_autofree const char **headers = g_variant_get_strv (value, NULL);

  if (!ferry_args_check_headers ("RequestHeaders", headers, FALSE, error))
    return FALSE;

  g_strfreev (job->request_headers);
  job->request_headers = g_strdupv ((char **) headers);
  return TRUE;
}

static gboolean
set_proxy_uri (FerryJob *job, GVariant *value, GError **error)
{
  const char *uri = g_variant_get_string (value, NULL);

  if (!ferry_args_check_proxy_uri (uri, error))
    return FALSE;

  g_free (job->proxy_uri);
  job->proxy_uri = g_strdup (uri);
  return TRUE;
}

static gboolean
set_proxy_bypass (FerryJob *job, GVariant *value, GError **error)
{
  g_autofree const char **entries = g_variant_get_strv (value, NULL);

  if (!ferry_args_check_bypass ("ProxyBypass", entries, error))
    return FALSE;

  g_strfreev (job->proxy_bypass);
  job->proxy_bypass = g_strdupv ((char **) entries);
  return TRUE;
}

static gboolean
set_tls_flags (FerryJob *job, GVariant *value, GError **error)
{
  guint bits = 0;

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) word = g_variant_get_child_value (value, i);
      FerryTlsFlag flag;

      if (!ferry_tls_flag_from_string (g_variant_get_string (word, NULL), &flag))
        return refuse_word ("TlsFlags", word,
                            "ignore-unknown-ca, ignore-hostname, ignore-expiry, "
                            "allow-https-to-http",
                            error);
      bits |= 1u << flag;
    }

  job->tls_flags = bits;
  return TRUE;
}

static gboolean
set_server_pins (FerryJob *job, GVariant *value, GError **error)
{
  g_autofree const char **pins = g_variant_get_strv (value, NULL);
  g_auto (GStrv) clean = ferry_args_check_pins ("ServerPins", pins, error);

  if (clean == NULL)
    return FALSE;
  g_strfreev (job->server_pins);
  job->server_pins = g_steal_pointer (&clean);
  return TRUE;
}

static gboolean
set_redirect_policy (FerryJob *job, GVariant *value, GError **error)
{
  return ferry_redirect_policy_from_string (g_variant_get_string (value, NULL),
                                            &job->redirect_policy) ||
         refuse_word ("RedirectPolicy", value, "follow, report, refuse", error);
}

static gboolean
set_client_certificate (FerryJob *job, GVariant *value, GError **error)
{
  const char *place = g_variant_get_string (value, NULL);

  if (!ferry_args_check_certificate (place, error))
    return FALSE;

  g_free (job->client_certificate);
  job->client_certificate = g_strdup (place);
  return TRUE;
}

/* What belongs to uploads, of another job. */
static gboolean
refuse_type (const char *name, FerryJob *job, const char *wanted, GError **error)
{
  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
               "\"%s\" belongs to %s, and the job is of type %s.", name, wanted,
               ferry_job_type_to_string (job->type));
  return FALSE;
}

/* What an upload goes by stays; and an attempt that has not settled it yet will do so by what it was told. */
static gboolean
check_unsettled (const char *name, FerryJob *job, GError **error)
{
  const FerryFile *source = ferry_job_get_source (job);

  if (job->resolved_upload_protocol == FERRY_UPLOAD_PROTOCOL_AUTO)
    {
      if (source == NULL || source->attempt == 0)
        return TRUE;
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                   "%s cannot be set while the upload is being tried; Suspend stops that", name);
      return FALSE;
    }

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
               "%s cannot be set any more: the upload goes by %s", name,
               ferry_upload_protocol_to_string (job->resolved_upload_protocol));
  return FALSE;
}

static gboolean
may_go_together (const char *method, FerryUploadProtocol protocol)
{
  return *method == '\0' || protocol == FERRY_UPLOAD_PROTOCOL_AUTO ||
         protocol == FERRY_UPLOAD_PROTOCOL_PUT;
}

static gboolean
check_upload_protocol (FerryJob *job, FerryUploadProtocol protocol, GError **error)
{
  if (job->type == FERRY_JOB_TYPE_UPLOAD_REPLY && protocol != FERRY_UPLOAD_PROTOCOL_AUTO &&
      protocol != FERRY_UPLOAD_PROTOCOL_BITS)
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                   "\"UploadProtocol\" was given as \"%s\", which knows no replies; for an "
                   "upload-reply one of auto, bits is wanted.",
                   ferry_upload_protocol_to_string (protocol));
      return FALSE;
    }
  if (!may_go_together (job->http_method, protocol))
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                   "\"UploadProtocol\" was given as \"%s\", which has methods of its own, and "
                   "\"HttpMethod\" is \"%s\"; with that one of auto, put is wanted.",
                   ferry_upload_protocol_to_string (protocol), job->http_method);
      return FALSE;
    }
  return protocol == job->upload_protocol || check_unsettled ("UploadProtocol", job, error);
}

static gboolean
set_upload_protocol (FerryJob *job, GVariant *value, GError **error)
{
  FerryUploadProtocol protocol;

  if (!ferry_upload_protocol_from_string (g_variant_get_string (value, NULL), &protocol))
    return refuse_word ("UploadProtocol", value, "auto, bits, tus, put, put-range", error);
  if (!ferry_job_is_upload (job))
    return refuse_type ("UploadProtocol", job, "uploads", error);
  if (!check_upload_protocol (job, protocol, error))
    return FALSE;

  job->upload_protocol = protocol;
  return TRUE;
}

/* Of an upload, beside what is asked of all. */
static gboolean
check_upload_method (FerryJob *job, const char *method, GError **error)
{
  if (job->type == FERRY_JOB_TYPE_UPLOAD_REPLY)
    return refuse_type ("HttpMethod", job, "downloads, and uploads without a reply", error);
  if (g_str_equal (method, "GET"))
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                   "\"HttpMethod\" was given as \"GET\", which sends no file, and the job is of "
                   "type %s.",
                   ferry_job_type_to_string (job->type));
      return FALSE;
    }
  if (!may_go_together (method, job->upload_protocol))
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                   "\"HttpMethod\" was given as \"%s\", and \"UploadProtocol\" is \"%s\", which "
                   "has methods of its own; with a method one of auto, put is wanted.",
                   method, ferry_upload_protocol_to_string (job->upload_protocol));
      return FALSE;
    }
  return TRUE;
}

static gboolean
set_http_method (FerryJob *job, GVariant *value, GError **error)
{
  const char *method = g_variant_get_string (value, NULL);

  if (*method != '\0' && !ferry_args_check_method ("HttpMethod", method, error))
    return FALSE;
  if (*method != '\0' && ferry_job_is_upload (job) && !check_upload_method (job, method, error))
    return FALSE;
  if (!g_str_equal (method, job->http_method) && !check_unsettled ("HttpMethod", job, error))
    return FALSE;

  g_free (job->http_method);
  job->http_method = g_strdup (method);
  return TRUE;
}

gboolean
ferry_property_check_reply_path (FerryJob *job, const char *path, GError **error)
{
  if (job->type != FERRY_JOB_TYPE_UPLOAD_REPLY)
    return refuse_type ("ReplyPath", job, "jobs of type upload-reply", error);
  if (*path == '\0' || ferry_args_check_path (path, error))
    return TRUE;

  g_prefix_error (error, "\"ReplyPath\": ");
  return FALSE;
}

static gboolean
set_reply_path (FerryJob *job, GVariant *value, GError **error)
{
  const char *path = g_variant_get_string (value, NULL);

  if (!ferry_property_check_reply_path (job, path, error))
    return FALSE;

  g_free (job->reply_path);
  job->reply_path = g_strdup (path);
  return TRUE;
}

#define PUBLIC   FERRY_PROPERTY_PUBLIC
#define WRITABLE FERRY_PROPERTY_WRITABLE
#define QUIET    FERRY_PROPERTY_QUIET

/* clang-format off */
static const FerryProperty properties[] = {
  { "Id", "s", PUBLIC, get_id },
  { "Type", "s", PUBLIC, get_type },
  { "State", "s", PUBLIC, get_state },
  { "Owner", "u", FERRY_PROPERTY_NONE, get_owner },
  { "BytesTotal", "t", PUBLIC, get_bytes_total },
  { "BytesTransferred", "t", PUBLIC, get_bytes_transferred },
  { "FilesTotal", "u", PUBLIC, get_files_total },
  { "FilesTransferred", "u", PUBLIC, get_files_transferred },
  { "CreationTime", "t", PUBLIC, get_creation_time },
  { "ModificationTime", "t", PUBLIC, get_modification_time },
  { "TransferCompletionTime", "t", PUBLIC, get_transfer_completion_time },
  { "NextAttemptTime", "t", PUBLIC, get_next_attempt_time },
  { "ExpirationTime", "t", PUBLIC | QUIET, get_expiration_time },
  { "ErrorCount", "u", PUBLIC, get_error_count },
  { "Error", "a{sv}", PUBLIC, get_error },
  { "WaitReasons", "as", PUBLIC, get_wait_reasons },
  { "TransferRate", "t", PUBLIC, get_transfer_rate },
  { "ReplyBytesTotal", "t", FERRY_PROPERTY_NONE, get_reply_bytes_total },
  { "ReplyBytesTransferred", "t", FERRY_PROPERTY_NONE, get_reply_bytes_transferred },
  { "ResolvedUploadProtocol", "s", FERRY_PROPERTY_NONE, get_resolved_upload_protocol },
  { "Resumable", "b", FERRY_PROPERTY_NONE, get_resumable },
  { "DisplayName", "s", WRITABLE, get_display_name, set_display_name },
  { "Description", "s", WRITABLE, get_description, set_description },
  { "ApplicationId", "s", PUBLIC | WRITABLE, get_application_id, set_application_id },
  { "Priority", "s", PUBLIC | WRITABLE, get_priority, set_priority },
  { "MinimumRetryDelay", "u", WRITABLE, get_minimum_retry_delay, set_minimum_retry_delay },
  { "NoProgressTimeout", "u", WRITABLE, get_no_progress_timeout, set_no_progress_timeout },
  { "MaximumDownloadTime", "u", WRITABLE, get_maximum_download_time, set_maximum_download_time },
  { "NotificationInterval", "u", WRITABLE, get_notification_interval, set_notification_interval },
  { "AutoComplete", "b", WRITABLE, get_auto_complete, set_auto_complete },
  { "MaximumDownloadSize", "t", WRITABLE, get_maximum_download_size, set_maximum_download_size },
  { "RequestHeaders", "as", WRITABLE, get_request_headers, set_request_headers },
  { "ProxyUsage", "s", WRITABLE, get_proxy_usage, set_proxy_usage },
  { "ProxyUri", "s", WRITABLE, get_proxy_uri, set_proxy_uri },
  { "ProxyBypass", "as", WRITABLE, get_proxy_bypass, set_proxy_bypass },
  { "TlsFlags", "as", WRITABLE, get_tls_flags, set_tls_flags },
  { "ServerPins", "as", WRITABLE, get_server_pins, set_server_pins },
  { "RedirectPolicy", "s", WRITABLE, get_redirect_policy, set_redirect_policy },
  { "HttpMethod", "s", WRITABLE, get_http_method, set_http_method },
  { "ClientCertificate", "s", WRITABLE, get_client_certificate, set_client_certificate },
  { "UploadProtocol", "s", WRITABLE, get_upload_protocol, set_upload_protocol },
  { "ReplyPath", "s", WRITABLE, get_reply_path, set_reply_path },
};
/* clang-format on */

const FerryProperty *
ferry_property_list (guint *n)
{
  *n = G_N_ELEMENTS (properties);
  return properties;
}

const FerryProperty *
ferry_property_lookup (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      if (g_str_equal (properties[i].name, name))
        return &properties[i];
    }

  return NULL;
}

gboolean
ferry_property_set (const FerryProperty *self, FerryJob *job, GVariant *value, GError **error)
{
  g_autoptr (GVariant) converted = NULL;

  if ((self->flags & FERRY_PROPERTY_WRITABLE) == 0)
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "%s can only be read.",
                   self->name);
      return FALSE;
    }

  converted = ferry_options_convert (self->name, value, self->signature, error);
  return converted != NULL && self->set (job, converted, error);
}

/* Public `Error` is without its sentence, which may quote a path or a host. */
static GVariant *
get_public (const FerryProperty *property, FerryEngine *engine, FerryJob *job)
{
  if (property->get == get_error)
    return ferry_failure_to_variant (job->error, FALSE);

  return property->get (engine, job);
}

GVariant *
ferry_property_get_all (FerryEngine *engine, FerryJob *job, gboolean public_only)
{
  GVariantBuilder builder;
  GVariant *all;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      const FerryProperty *property = &properties[i];

      if (!public_only)
        g_variant_builder_add (&builder, "{sv}", property->name, property->get (engine, job));
      else if (property->flags & FERRY_PROPERTY_PUBLIC)
        g_variant_builder_add (&builder, "{sv}", property->name,
                               get_public (property, engine, job));
    }

  all = g_variant_builder_end (&builder);
  g_variant_get_data (all);
  return all;
}
