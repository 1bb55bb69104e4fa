/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-enums.h"

/* The switches have no default, so that the compiler names a value that was forgotten. */

/* The way back asks the way there, so that no word stands twice. */
#define DEFINE_FROM_STRING(prefix, Type, last)                                                     \
  gboolean prefix##_from_string (const char *string, Type *value)                                  \
  {                                                                                                \
    for (guint i = 0; i <= last; i++)                                                              \
      {                                                                                            \
        if (g_strcmp0 (prefix##_to_string (i), string) == 0)                                       \
          {                                                                                        \
            *value = i;                                                                            \
            return TRUE;                                                                           \
          }                                                                                        \
      }                                                                                            \
                                                                                                   \
    return FALSE;                                                                                  \
  }

const char *
ferry_job_type_to_string (FerryJobType value)
{
  switch (value)
    {
    case FERRY_JOB_TYPE_DOWNLOAD:
      return "download";
    case FERRY_JOB_TYPE_UPLOAD:
      return "upload";
    case FERRY_JOB_TYPE_UPLOAD_REPLY:
      return "upload-reply";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_job_type, FerryJobType, FERRY_JOB_TYPE_UPLOAD_REPLY)

const char *
ferry_job_state_to_string (FerryJobState value)
{
  switch (value)
    {
    case FERRY_JOB_STATE_QUEUED:
      return "queued";
    case FERRY_JOB_STATE_CONNECTING:
      return "connecting";
    case FERRY_JOB_STATE_TRANSFERRING:
      return "transferring";
    case FERRY_JOB_STATE_SUSPENDED:
      return "suspended";
    case FERRY_JOB_STATE_ERROR:
      return "error";
    case FERRY_JOB_STATE_TRANSIENT_ERROR:
      return "transient-error";
    case FERRY_JOB_STATE_TRANSFERRED:
      return "transferred";
    case FERRY_JOB_STATE_ACKNOWLEDGED:
      return "acknowledged";
    case FERRY_JOB_STATE_CANCELLED:
      return "cancelled";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_job_state, FerryJobState, FERRY_JOB_STATE_CANCELLED)

const char *
ferry_priority_to_string (FerryPriority value)
{
  switch (value)
    {
    case FERRY_PRIORITY_FOREGROUND:
      return "foreground";
    case FERRY_PRIORITY_HIGH:
      return "high";
    case FERRY_PRIORITY_NORMAL:
      return "normal";
    case FERRY_PRIORITY_LOW:
      return "low";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_priority, FerryPriority, FERRY_PRIORITY_LOW)

const char *
ferry_file_state_to_string (FerryFileState value)
{
  switch (value)
    {
    case FERRY_FILE_STATE_PENDING:
      return "pending";
    case FERRY_FILE_STATE_TRANSFERRING:
      return "transferring";
    case FERRY_FILE_STATE_TRANSFERRED:
      return "transferred";
    case FERRY_FILE_STATE_PUBLISHED:
      return "published";
    case FERRY_FILE_STATE_FAILED:
      return "failed";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_file_state, FerryFileState, FERRY_FILE_STATE_FAILED)

const char *
ferry_wait_reason_to_string (FerryWaitReason value)
{
  switch (value)
    {
    case FERRY_WAIT_REASON_NETWORK:
      return "network";
    case FERRY_WAIT_REASON_METERED:
      return "metered";
    case FERRY_WAIT_REASON_BATTERY:
      return "battery";
    case FERRY_WAIT_REASON_SCHEDULE:
      return "schedule";
    case FERRY_WAIT_REASON_TURN:
      return "turn";
    case FERRY_WAIT_REASON_RETRY:
      return "retry";
    case FERRY_WAIT_REASON_RETRY_AFTER:
      return "retry-after";
    case FERRY_WAIT_REASON_CREDENTIALS:
      return "credentials";
    case FERRY_WAIT_REASON_DISK_SPACE:
      return "disk-space";
    case FERRY_WAIT_REASON_DESTINATION:
      return "destination";
    case FERRY_WAIT_REASON_UPLOAD_SOURCE:
      return "upload-source";
    case FERRY_WAIT_REASON_WORKER:
      return "worker";
    case FERRY_WAIT_REASON_SUSPENDED:
      return "suspended";
    case FERRY_WAIT_REASON_POLICY:
      return "policy";
    case FERRY_WAIT_REASON_COMPLETE:
      return "complete";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_wait_reason, FerryWaitReason, FERRY_WAIT_REASON_COMPLETE)

const char *
ferry_error_context_to_string (FerryErrorContext value)
{
  switch (value)
    {
    case FERRY_ERROR_CONTEXT_NONE:
      return "none";
    case FERRY_ERROR_CONTEXT_GENERAL:
      return "general";
    case FERRY_ERROR_CONTEXT_LOCAL_FILE:
      return "local-file";
    case FERRY_ERROR_CONTEXT_REMOTE_FILE:
      return "remote-file";
    case FERRY_ERROR_CONTEXT_TRANSPORT:
      return "transport";
    case FERRY_ERROR_CONTEXT_REMOTE_APPLICATION:
      return "remote-application";
    case FERRY_ERROR_CONTEXT_QUEUE:
      return "queue";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_error_context, FerryErrorContext, FERRY_ERROR_CONTEXT_QUEUE)

const char *
ferry_proxy_usage_to_string (FerryProxyUsage value)
{
  switch (value)
    {
    case FERRY_PROXY_USAGE_DEFAULT:
      return "default";
    case FERRY_PROXY_USAGE_NONE:
      return "none";
    case FERRY_PROXY_USAGE_OVERRIDE:
      return "override";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_proxy_usage, FerryProxyUsage, FERRY_PROXY_USAGE_OVERRIDE)

const char *
ferry_tls_flag_to_string (FerryTlsFlag value)
{
  switch (value)
    {
    case FERRY_TLS_FLAG_IGNORE_UNKNOWN_CA:
      return "ignore-unknown-ca";
    case FERRY_TLS_FLAG_IGNORE_HOSTNAME:
      return "ignore-hostname";
    case FERRY_TLS_FLAG_IGNORE_EXPIRY:
      return "ignore-expiry";
    case FERRY_TLS_FLAG_ALLOW_HTTPS_TO_HTTP:
      return "allow-https-to-http";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_tls_flag, FerryTlsFlag, FERRY_TLS_FLAG_ALLOW_HTTPS_TO_HTTP)

const char *
ferry_redirect_policy_to_string (FerryRedirectPolicy value)
{
  switch (value)
    {
    case FERRY_REDIRECT_POLICY_FOLLOW:
      return "follow";
    case FERRY_REDIRECT_POLICY_REPORT:
      return "report";
    case FERRY_REDIRECT_POLICY_REFUSE:
      return "refuse";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_redirect_policy, FerryRedirectPolicy, FERRY_REDIRECT_POLICY_REFUSE)

const char *
ferry_upload_protocol_to_string (FerryUploadProtocol value)
{
  switch (value)
    {
    case FERRY_UPLOAD_PROTOCOL_AUTO:
      return "auto";
    case FERRY_UPLOAD_PROTOCOL_BITS:
      return "bits";
    case FERRY_UPLOAD_PROTOCOL_TUS:
      return "tus";
    case FERRY_UPLOAD_PROTOCOL_PUT:
      return "put";
    case FERRY_UPLOAD_PROTOCOL_PUT_RANGE:
      return "put-range";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_upload_protocol, FerryUploadProtocol, FERRY_UPLOAD_PROTOCOL_PUT_RANGE)

const char *
ferry_credential_target_to_string (FerryCredentialTarget value)
{
  switch (value)
    {
    case FERRY_CREDENTIAL_FOR_SERVER:
      return "server";
    case FERRY_CREDENTIAL_FOR_PROXY:
      return "proxy";
    case FERRY_CREDENTIAL_FOR_CERTIFICATE:
      return "certificate";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_credential_target, FerryCredentialTarget,
                    FERRY_CREDENTIAL_FOR_CERTIFICATE)

const char *
ferry_credential_scheme_to_string (FerryCredentialScheme value)
{
  switch (value)
    {
    case FERRY_CREDENTIAL_BASIC:
      return "basic";
    case FERRY_CREDENTIAL_DIGEST:
      return "digest";
    case FERRY_CREDENTIAL_BEARER:
      return "bearer";
    case FERRY_CREDENTIAL_NEGOTIATE:
      return "negotiate";
    case FERRY_CREDENTIAL_NTLM:
      return "ntlm";
    case FERRY_CREDENTIAL_PASSWORD:
      return "password";
    }

  return NULL;
}

DEFINE_FROM_STRING (ferry_credential_scheme, FerryCredentialScheme, FERRY_CREDENTIAL_PASSWORD)
