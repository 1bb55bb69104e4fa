/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error domain of Ferry and its names on the bus. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * FerryError:
 *
 * Codes of #FERRY_ERROR; each is `org.ferry.Transfer1.Error.<Name>` on the bus. What each means is
 * told in README.md, "Errors".
 */
typedef enum
{
  FERRY_ERROR_INVALID_STATE,
  FERRY_ERROR_EMPTY_JOB,
  FERRY_ERROR_TOO_MANY_JOBS_PER_USER,
  FERRY_ERROR_TOO_MANY_JOBS_PER_MACHINE,
  FERRY_ERROR_TOO_MANY_FILES_IN_JOB,
  FERRY_ERROR_TOO_MANY_RANGES_IN_FILE,
  FERRY_ERROR_TOO_MANY_FILES,
  FERRY_ERROR_OVERLAPPING_RANGES,
  FERRY_ERROR_INVALID_RANGE,
  FERRY_ERROR_STRING_TOO_LONG,
  FERRY_ERROR_UNSUPPORTED_SCHEME,
  FERRY_ERROR_NOT_AUTHORIZED,
  FERRY_ERROR_AUTHORIZATION_DISMISSED,
  FERRY_ERROR_POLICY_LOCKED,
  FERRY_ERROR_NO_FILE_ACCESS,
  FERRY_ERROR_TARGET_EXISTS,
  FERRY_ERROR_NOT_FOUND,
  FERRY_ERROR_FORBIDDEN,
  FERRY_ERROR_AUTHENTICATION_FAILED,
  FERRY_ERROR_HTTP_ERROR,
  FERRY_ERROR_TLS_ERROR,
  FERRY_ERROR_RESOLVE_FAILED,
  FERRY_ERROR_CONNECT_FAILED,
  FERRY_ERROR_CONNECTION_CLOSED,
  FERRY_ERROR_TIMED_OUT,
  FERRY_ERROR_TOO_MANY_REDIRECTS,
  FERRY_ERROR_INVALID_SERVER_RESPONSE,
  FERRY_ERROR_INSUFFICIENT_RANGE_SUPPORT,
  FERRY_ERROR_REMOTE_FILE_CHANGED,
  FERRY_ERROR_SIZE_MISMATCH,
  FERRY_ERROR_DIGEST_MISMATCH,
  FERRY_ERROR_VALIDATION_FAILED,
  FERRY_ERROR_MAXIMUM_SIZE_EXCEEDED,
  FERRY_ERROR_NO_PROGRESS,
  FERRY_ERROR_MAXIMUM_TIME_EXCEEDED,
  FERRY_ERROR_INACTIVITY_TIMEOUT,
  FERRY_ERROR_CANCELLED_BY_ADMINISTRATOR,
  FERRY_ERROR_LOCAL_FILE_CHANGED,
  FERRY_ERROR_DISK_FULL,
  FERRY_ERROR_FILE_SYSTEM_ERROR,
  FERRY_ERROR_UPLOAD_NOT_SUPPORTED,
  FERRY_ERROR_SESSION_NOT_FOUND,
  FERRY_ERROR_REPLY_TOO_LARGE,
  FERRY_ERROR_WORKER_FAILED,
  FERRY_ERROR_STORE_FAILED,
} FerryError;

#define FERRY_N_ERRORS (FERRY_ERROR_STORE_FAILED + 1)

#define FERRY_ERROR (ferry_error_quark ())

/**
 * ferry_error_quark:
 *
 * The first call registers the domain with GDBus, so that a #GError of this domain returned to a
 * method call has its own name on the bus, and a reply read from the bus its own code.
 */
GQuark ferry_error_quark (void);

/**
 * ferry_error_get_name:
 *
 * Returns: (transfer none): the full D-Bus error name of @code
 */
const char *ferry_error_get_name (FerryError code);

/**
 * ferry_error_from_name:
 * @name: (nullable): a full D-Bus error name
 * @code: (out): set when %TRUE is returned
 *
 * Returns: whether @name is one of ours
 */
gboolean ferry_error_from_name (const char *name, FerryError *code);

G_END_DECLS
