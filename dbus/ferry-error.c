/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-error.h"
#include "ferry-names.h"

static const GDBusErrorEntry error_entries[] = {
  { FERRY_ERROR_INVALID_STATE, FERRY_ERROR_PREFIX "InvalidState" },
  { FERRY_ERROR_EMPTY_JOB, FERRY_ERROR_PREFIX "EmptyJob" },
  { FERRY_ERROR_TOO_MANY_JOBS_PER_USER, FERRY_ERROR_PREFIX "TooManyJobsPerUser" },
  { FERRY_ERROR_TOO_MANY_JOBS_PER_MACHINE, FERRY_ERROR_PREFIX "TooManyJobsPerMachine" },
  { FERRY_ERROR_TOO_MANY_FILES_IN_JOB, FERRY_ERROR_PREFIX "TooManyFilesInJob" },
  { FERRY_ERROR_TOO_MANY_RANGES_IN_FILE, FERRY_ERROR_PREFIX "TooManyRangesInFile" },
  { FERRY_ERROR_TOO_MANY_FILES, FERRY_ERROR_PREFIX "TooManyFiles" },
  { FERRY_ERROR_OVERLAPPING_RANGES, FERRY_ERROR_PREFIX "OverlappingRanges" },
  { FERRY_ERROR_INVALID_RANGE, FERRY_ERROR_PREFIX "InvalidRange" },
  { FERRY_ERROR_STRING_TOO_LONG, FERRY_ERROR_PREFIX "StringTooLong" },
  { FERRY_ERROR_UNSUPPORTED_SCHEME, FERRY_ERROR_PREFIX "UnsupportedScheme" },
  { FERRY_ERROR_NOT_AUTHORIZED, FERRY_ERROR_PREFIX "NotAuthorized" },
  { FERRY_ERROR_AUTHORIZATION_DISMISSED, FERRY_ERROR_PREFIX "AuthorizationDismissed" },
  { FERRY_ERROR_POLICY_LOCKED, FERRY_ERROR_PREFIX "PolicyLocked" },
  { FERRY_ERROR_NO_FILE_ACCESS, FERRY_ERROR_PREFIX "NoFileAccess" },
  { FERRY_ERROR_TARGET_EXISTS, FERRY_ERROR_PREFIX "TargetExists" },
  { FERRY_ERROR_NOT_FOUND, FERRY_ERROR_PREFIX "NotFound" },
  { FERRY_ERROR_FORBIDDEN, FERRY_ERROR_PREFIX "Forbidden" },
  { FERRY_ERROR_AUTHENTICATION_FAILED, FERRY_ERROR_PREFIX "AuthenticationFailed" },
  { FERRY_ERROR_HTTP_ERROR, FERRY_ERROR_PREFIX "HttpError" },
  { FERRY_ERROR_TLS_ERROR, FERRY_ERROR_PREFIX "TlsError" },
  { FERRY_ERROR_RESOLVE_FAILED, FERRY_ERROR_PREFIX "ResolveFailed" },
  { FERRY_ERROR_CONNECT_FAILED, FERRY_ERROR_PREFIX "ConnectFailed" },
  { FERRY_ERROR_CONNECTION_CLOSED, FERRY_ERROR_PREFIX "ConnectionClosed" },
  { FERRY_ERROR_TIMED_OUT, FERRY_ERROR_PREFIX "TimedOut" },
  { FERRY_ERROR_TOO_MANY_REDIRECTS, FERRY_ERROR_PREFIX "TooManyRedirects" },
  { FERRY_ERROR_INVALID_SERVER_RESPONSE, FERRY_ERROR_PREFIX "InvalidServerResponse" },
  { FERRY_ERROR_INSUFFICIENT_RANGE_SUPPORT, FERRY_ERROR_PREFIX "InsufficientRangeSupport" },
  { FERRY_ERROR_REMOTE_FILE_CHANGED, FERRY_ERROR_PREFIX "RemoteFileChanged" },
  { FERRY_ERROR_SIZE_MISMATCH, FERRY_ERROR_PREFIX "SizeMismatch" },
  { FERRY_ERROR_DIGEST_MISMATCH, FERRY_ERROR_PREFIX "DigestMismatch" },
  { FERRY_ERROR_VALIDATION_FAILED, FERRY_ERROR_PREFIX "ValidationFailed" },
  { FERRY_ERROR_MAXIMUM_SIZE_EXCEEDED, FERRY_ERROR_PREFIX "MaximumSizeExceeded" },
  { FERRY_ERROR_NO_PROGRESS, FERRY_ERROR_PREFIX "NoProgress" },
  { FERRY_ERROR_MAXIMUM_TIME_EXCEEDED, FERRY_ERROR_PREFIX "MaximumTimeExceeded" },
  { FERRY_ERROR_INACTIVITY_TIMEOUT, FERRY_ERROR_PREFIX "InactivityTimeout" },
  { FERRY_ERROR_CANCELLED_BY_ADMINISTRATOR, FERRY_ERROR_PREFIX "CancelledByAdministrator" },
  { FERRY_ERROR_LOCAL_FILE_CHANGED, FERRY_ERROR_PREFIX "LocalFileChanged" },
  { FERRY_ERROR_DISK_FULL, FERRY_ERROR_PREFIX "DiskFull" },
  { FERRY_ERROR_FILE_SYSTEM_ERROR, FERRY_ERROR_PREFIX "FileSystemError" },
  { FERRY_ERROR_UPLOAD_NOT_SUPPORTED, FERRY_ERROR_PREFIX "UploadNotSupported" },
  { FERRY_ERROR_SESSION_NOT_FOUND, FERRY_ERROR_PREFIX "SessionNotFound" },
  { FERRY_ERROR_REPLY_TOO_LARGE, FERRY_ERROR_PREFIX "ReplyTooLarge" },
  { FERRY_ERROR_WORKER_FAILED, FERRY_ERROR_PREFIX "WorkerFailed" },
  { FERRY_ERROR_STORE_FAILED, FERRY_ERROR_PREFIX "StoreFailed" },
};

G_STATIC_ASSERT (G_N_ELEMENTS (error_entries) == FERRY_N_ERRORS);

GQuark
ferry_error_quark (void)
{
  static gsize quark = 0;

  g_dbus_error_register_error_domain ("ferry-error-quark", &quark, error_entries,
                                      G_N_ELEMENTS (error_entries));
  return (GQuark) quark;
}

const char *
ferry_error_get_name (FerryError code)
{
  g_return_val_if_fail ((guint) code < FERRY_N_ERRORS, NULL);

  /* The table is in the order of the enumeration; a unit test holds it to that. */
  return error_entries[code].dbus_error_name;
}

gboolean
ferry_error_from_name (const char *name, FerryError *code)
{
  for (gsize i = 0; name != NULL && i < G_N_ELEMENTS (error_entries); i++)
    {
      if (g_str_equal (error_entries[i].dbus_error_name, name))
        {
          *code = error_entries[i].error_code;
          return TRUE;
        }
    }

  return FALSE;
}
