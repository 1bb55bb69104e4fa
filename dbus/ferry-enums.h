/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The enumerations of the contract, on the bus as lowercase words with hyphens. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * FerryJobType:
 *
 * Type of a job.
 */
typedef enum
{
  FERRY_JOB_TYPE_DOWNLOAD,
  FERRY_JOB_TYPE_UPLOAD,
  FERRY_JOB_TYPE_UPLOAD_REPLY,
} FerryJobType;

#define FERRY_N_JOB_TYPES (FERRY_JOB_TYPE_UPLOAD_REPLY + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_job_type_to_string (FerryJobType value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_job_type_from_string (const char *string, FerryJobType *value);

/**
 * FerryJobState:
 *
 * State of a job; the names and meanings are those of BITS.
 */
typedef enum
{
  FERRY_JOB_STATE_QUEUED,
  FERRY_JOB_STATE_CONNECTING,
  FERRY_JOB_STATE_TRANSFERRING,
  FERRY_JOB_STATE_SUSPENDED,
  FERRY_JOB_STATE_ERROR,
  FERRY_JOB_STATE_TRANSIENT_ERROR,
  FERRY_JOB_STATE_TRANSFERRED,
  FERRY_JOB_STATE_ACKNOWLEDGED,
  FERRY_JOB_STATE_CANCELLED,
} FerryJobState;

#define FERRY_N_JOB_STATES (FERRY_JOB_STATE_CANCELLED + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_job_state_to_string (FerryJobState value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_job_state_from_string (const char *string, FerryJobState *value);

/**
 * FerryPriority:
 *
 * Priority of a job, most urgent first.
 */
typedef enum
{
  FERRY_PRIORITY_FOREGROUND,
  FERRY_PRIORITY_HIGH,
  FERRY_PRIORITY_NORMAL,
  FERRY_PRIORITY_LOW,
} FerryPriority;

#define FERRY_N_PRIORITIES (FERRY_PRIORITY_LOW + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_priority_to_string (FerryPriority value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_priority_from_string (const char *string, FerryPriority *value);

/**
 * FerryFileState:
 *
 * State of one file of a job.
 */
typedef enum
{
  FERRY_FILE_STATE_PENDING,
  FERRY_FILE_STATE_TRANSFERRING,
  FERRY_FILE_STATE_TRANSFERRED,
  FERRY_FILE_STATE_PUBLISHED,
  FERRY_FILE_STATE_FAILED,
} FerryFileState;

#define FERRY_N_FILE_STATES (FERRY_FILE_STATE_FAILED + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_file_state_to_string (FerryFileState value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_file_state_from_string (const char *string, FerryFileState *value);

/**
 * FerryWaitReason:
 *
 * Why a job does not move.
 */
typedef enum
{
  FERRY_WAIT_REASON_NETWORK,
  FERRY_WAIT_REASON_METERED,
  FERRY_WAIT_REASON_BATTERY,
  FERRY_WAIT_REASON_SCHEDULE,
  FERRY_WAIT_REASON_TURN,
  FERRY_WAIT_REASON_RETRY,
  FERRY_WAIT_REASON_RETRY_AFTER,
  FERRY_WAIT_REASON_CREDENTIALS,
  FERRY_WAIT_REASON_DISK_SPACE,
  FERRY_WAIT_REASON_DESTINATION,
  FERRY_WAIT_REASON_UPLOAD_SOURCE,
  FERRY_WAIT_REASON_WORKER,
  FERRY_WAIT_REASON_SUSPENDED,
  FERRY_WAIT_REASON_POLICY,
  FERRY_WAIT_REASON_COMPLETE,
} FerryWaitReason;

#define FERRY_N_WAIT_REASONS (FERRY_WAIT_REASON_COMPLETE + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_wait_reason_to_string (FerryWaitReason value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_wait_reason_from_string (const char *string, FerryWaitReason *value);

/**
 * FerryErrorContext:
 *
 * Where an error arose.
 */
typedef enum
{
  FERRY_ERROR_CONTEXT_NONE,
  FERRY_ERROR_CONTEXT_GENERAL,
  FERRY_ERROR_CONTEXT_LOCAL_FILE,
  FERRY_ERROR_CONTEXT_REMOTE_FILE,
  FERRY_ERROR_CONTEXT_TRANSPORT,
  FERRY_ERROR_CONTEXT_REMOTE_APPLICATION,
  FERRY_ERROR_CONTEXT_QUEUE,
} FerryErrorContext;

#define FERRY_N_ERROR_CONTEXTS (FERRY_ERROR_CONTEXT_QUEUE + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_error_context_to_string (FerryErrorContext value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_error_context_from_string (const char *string, FerryErrorContext *value);

/**
 * FerryProxyUsage:
 *
 * Which proxy a job uses.
 */
typedef enum
{
  FERRY_PROXY_USAGE_DEFAULT,
  FERRY_PROXY_USAGE_NONE,
  FERRY_PROXY_USAGE_OVERRIDE,
} FerryProxyUsage;

#define FERRY_N_PROXY_USAGES (FERRY_PROXY_USAGE_OVERRIDE + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_proxy_usage_to_string (FerryProxyUsage value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_proxy_usage_from_string (const char *string, FerryProxyUsage *value);

/**
 * FerryTlsFlag:
 *
 * What of a server's TLS a job overlooks.
 */
typedef enum
{
  FERRY_TLS_FLAG_IGNORE_UNKNOWN_CA,
  FERRY_TLS_FLAG_IGNORE_HOSTNAME,
  FERRY_TLS_FLAG_IGNORE_EXPIRY,
  FERRY_TLS_FLAG_ALLOW_HTTPS_TO_HTTP,
} FerryTlsFlag;

#define FERRY_N_TLS_FLAGS (FERRY_TLS_FLAG_ALLOW_HTTPS_TO_HTTP + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_tls_flag_to_string (FerryTlsFlag value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_tls_flag_from_string (const char *string, FerryTlsFlag *value);

/**
 * FerryRedirectPolicy:
 *
 * What becomes of a redirect.
 */
typedef enum
{
  FERRY_REDIRECT_POLICY_FOLLOW,
  FERRY_REDIRECT_POLICY_REPORT,
  FERRY_REDIRECT_POLICY_REFUSE,
} FerryRedirectPolicy;

#define FERRY_N_REDIRECT_POLICIES (FERRY_REDIRECT_POLICY_REFUSE + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_redirect_policy_to_string (FerryRedirectPolicy value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_redirect_policy_from_string (const char *string, FerryRedirectPolicy *value);

/**
 * FerryUploadProtocol:
 *
 * How an upload is sent.
 */
typedef enum
{
  FERRY_UPLOAD_PROTOCOL_AUTO,
  FERRY_UPLOAD_PROTOCOL_BITS,
  FERRY_UPLOAD_PROTOCOL_TUS,
  FERRY_UPLOAD_PROTOCOL_PUT,
  FERRY_UPLOAD_PROTOCOL_PUT_RANGE,
} FerryUploadProtocol;

#define FERRY_N_UPLOAD_PROTOCOLS (FERRY_UPLOAD_PROTOCOL_PUT_RANGE + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_upload_protocol_to_string (FerryUploadProtocol value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_upload_protocol_from_string (const char *string, FerryUploadProtocol *value);

/**
 * FerryCredentialTarget:
 * @FERRY_CREDENTIAL_FOR_CERTIFICATE: the owner's own client certificate, whose key has a password
 *
 * Who wants to know credentials.
 */
typedef enum
{
  FERRY_CREDENTIAL_FOR_SERVER,
  FERRY_CREDENTIAL_FOR_PROXY,
  FERRY_CREDENTIAL_FOR_CERTIFICATE,
} FerryCredentialTarget;

#define FERRY_N_CREDENTIAL_TARGETS (FERRY_CREDENTIAL_FOR_CERTIFICATE + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_credential_target_to_string (FerryCredentialTarget value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_credential_target_from_string (const char *string, FerryCredentialTarget *value);

/**
 * FerryCredentialScheme:
 * @FERRY_CREDENTIAL_PASSWORD: that of a certificate's key; all others are schemes of HTTP
 *
 * What kind of credentials.
 */
typedef enum
{
  FERRY_CREDENTIAL_BASIC,
  FERRY_CREDENTIAL_DIGEST,
  FERRY_CREDENTIAL_BEARER,
  FERRY_CREDENTIAL_NEGOTIATE,
  FERRY_CREDENTIAL_NTLM,
  FERRY_CREDENTIAL_PASSWORD,
} FerryCredentialScheme;

#define FERRY_N_CREDENTIAL_SCHEMES (FERRY_CREDENTIAL_PASSWORD + 1)

/** Returns: (transfer none) (nullable): the word for @value, %NULL when it is none */
const char *ferry_credential_scheme_to_string (FerryCredentialScheme value);
/** Returns: whether @string, which may be %NULL, is a word of this enumeration; sets @value only then */
gboolean ferry_credential_scheme_from_string (const char *string, FerryCredentialScheme *value);

G_END_DECLS
