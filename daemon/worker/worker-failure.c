/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-failure.h"

#include "worker-sink.h"

#include <libsoup/soup.h>

#define ANY_CODE (-1)

typedef struct
{
  int code; /* ANY_CODE ends a table and stands for the rest */
  WorkerFailure failure;
} Row;

#define TRANSPORT FERRY_ERROR_CONTEXT_TRANSPORT
#define REMOTE    FERRY_ERROR_CONTEXT_REMOTE_FILE
#define LOCAL     FERRY_ERROR_CONTEXT_LOCAL_FILE
#define GENERAL   FERRY_ERROR_CONTEXT_GENERAL

/* clang-format off */

/* A certificate or a protocol that does not fit stays so; a connection that ends early comes
 * back. */
static const Row tls_rows[] = {
  { G_TLS_ERROR_EOF, { FERRY_ERROR_CONNECTION_CLOSED, TRANSPORT, TRUE, NULL } },
  { G_TLS_ERROR_MISC, { FERRY_ERROR_TLS_ERROR, TRANSPORT, TRUE, NULL } },
  { ANY_CODE, { FERRY_ERROR_TLS_ERROR, TRANSPORT, FALSE, NULL } },
};

/* Also a name that does not exist: captive portals and networks just joined say that of every
 * name. */
static const Row resolver_rows[] = {
  { ANY_CODE, { FERRY_ERROR_RESOLVE_FAILED, TRANSPORT, TRUE, NULL } },
};

static const Row soup_rows[] = {
  /* Also what libsoup says of headers that were cut. */
  { SOUP_SESSION_ERROR_PARSING, { FERRY_ERROR_INVALID_SERVER_RESPONSE, TRANSPORT, TRUE, NULL } },
  { SOUP_SESSION_ERROR_ENCODING, { FERRY_ERROR_INVALID_SERVER_RESPONSE, TRANSPORT, FALSE, NULL } },
  { SOUP_SESSION_ERROR_TOO_MANY_REDIRECTS, { FERRY_ERROR_TOO_MANY_REDIRECTS, REMOTE, FALSE, NULL } },
  { SOUP_SESSION_ERROR_TOO_MANY_RESTARTS, { FERRY_ERROR_CONNECTION_CLOSED, TRANSPORT, TRUE, NULL } },
  { SOUP_SESSION_ERROR_REDIRECT_NO_LOCATION, { FERRY_ERROR_INVALID_SERVER_RESPONSE, REMOTE, FALSE, NULL } },
  { SOUP_SESSION_ERROR_REDIRECT_BAD_URI, { FERRY_ERROR_INVALID_SERVER_RESPONSE, REMOTE, FALSE, NULL } },
  { ANY_CODE, { FERRY_ERROR_INVALID_SERVER_RESPONSE, TRANSPORT, TRUE, NULL } },
};

/* Of sockets only: errors of files come from the sink, in our own domain. */
static const Row io_rows[] = {
  { G_IO_ERROR_TIMED_OUT, { FERRY_ERROR_TIMED_OUT, TRANSPORT, TRUE, NULL } },
  { G_IO_ERROR_CONNECTION_REFUSED, { FERRY_ERROR_CONNECT_FAILED, TRANSPORT, TRUE, NULL } },
  { G_IO_ERROR_HOST_UNREACHABLE, { FERRY_ERROR_CONNECT_FAILED, TRANSPORT, TRUE, NULL } },
  { G_IO_ERROR_NETWORK_UNREACHABLE, { FERRY_ERROR_CONNECT_FAILED, TRANSPORT, TRUE, "network" } },
  { G_IO_ERROR_HOST_NOT_FOUND, { FERRY_ERROR_RESOLVE_FAILED, TRANSPORT, TRUE, NULL } },
  { G_IO_ERROR_CONNECTION_CLOSED, { FERRY_ERROR_CONNECTION_CLOSED, TRANSPORT, TRUE, NULL } }, /* = BROKEN_PIPE */
  { G_IO_ERROR_PARTIAL_INPUT, { FERRY_ERROR_CONNECTION_CLOSED, TRANSPORT, TRUE, NULL } },
  { G_IO_ERROR_NOT_CONNECTED, { FERRY_ERROR_CONNECTION_CLOSED, TRANSPORT, TRUE, NULL } },
  { G_IO_ERROR_PROXY_FAILED, { FERRY_ERROR_CONNECT_FAILED, TRANSPORT, TRUE, NULL } },
  { G_IO_ERROR_PROXY_AUTH_FAILED, { FERRY_ERROR_AUTHENTICATION_FAILED, TRANSPORT, FALSE, NULL } },
  { G_IO_ERROR_PROXY_NEED_AUTH, { FERRY_ERROR_AUTHENTICATION_FAILED, TRANSPORT, FALSE, NULL } },
  { G_IO_ERROR_PROXY_NOT_ALLOWED, { FERRY_ERROR_FORBIDDEN, TRANSPORT, FALSE, NULL } },
  { G_IO_ERROR_INVALID_DATA, { FERRY_ERROR_INVALID_SERVER_RESPONSE, TRANSPORT, FALSE, NULL } },
  { G_IO_ERROR_INVALID_ARGUMENT, { FERRY_ERROR_HTTP_ERROR, TRANSPORT, FALSE, NULL } },
  { G_IO_ERROR_NOT_SUPPORTED, { FERRY_ERROR_HTTP_ERROR, TRANSPORT, FALSE, NULL } },
  { G_IO_ERROR_PERMISSION_DENIED, { FERRY_ERROR_CONNECT_FAILED, TRANSPORT, TRUE, NULL } },
  { ANY_CODE, { FERRY_ERROR_CONNECT_FAILED, TRANSPORT, TRUE, NULL } },
};

static const Row sink_rows[] = {
  { WORKER_SINK_ERROR_DESTINATION, { FERRY_ERROR_NO_FILE_ACCESS, LOCAL, TRUE, "destination" } },
  { WORKER_SINK_ERROR_SOURCE, { FERRY_ERROR_NO_FILE_ACCESS, LOCAL, TRUE, "upload-source" } },
  { ANY_CODE, { FERRY_ERROR_FILE_SYSTEM_ERROR, LOCAL, FALSE, NULL } },
};

/* What our own code found out. */
static const Row ferry_rows[] = {
  { FERRY_ERROR_NO_FILE_ACCESS, { FERRY_ERROR_NO_FILE_ACCESS, LOCAL, FALSE, NULL } },
  { FERRY_ERROR_TARGET_EXISTS, { FERRY_ERROR_TARGET_EXISTS, LOCAL, FALSE, NULL } },
  { FERRY_ERROR_DISK_FULL, { FERRY_ERROR_DISK_FULL, LOCAL, TRUE, "disk-space" } },
  { FERRY_ERROR_FILE_SYSTEM_ERROR, { FERRY_ERROR_FILE_SYSTEM_ERROR, LOCAL, FALSE, NULL } },
  { FERRY_ERROR_LOCAL_FILE_CHANGED, { FERRY_ERROR_LOCAL_FILE_CHANGED, LOCAL, FALSE, NULL } },
  { FERRY_ERROR_CONNECTION_CLOSED, { FERRY_ERROR_CONNECTION_CLOSED, TRANSPORT, TRUE, NULL } },
  { FERRY_ERROR_TIMED_OUT, { FERRY_ERROR_TIMED_OUT, TRANSPORT, TRUE, NULL } },
  { FERRY_ERROR_CONNECT_FAILED, { FERRY_ERROR_CONNECT_FAILED, TRANSPORT, TRUE, NULL } },
  { FERRY_ERROR_TLS_ERROR, { FERRY_ERROR_TLS_ERROR, TRANSPORT, FALSE, NULL } },
  { FERRY_ERROR_UNSUPPORTED_SCHEME, { FERRY_ERROR_UNSUPPORTED_SCHEME, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_TOO_MANY_REDIRECTS, { FERRY_ERROR_TOO_MANY_REDIRECTS, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_INVALID_SERVER_RESPONSE, { FERRY_ERROR_INVALID_SERVER_RESPONSE, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_INVALID_RANGE, { FERRY_ERROR_INVALID_RANGE, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_INSUFFICIENT_RANGE_SUPPORT, { FERRY_ERROR_INSUFFICIENT_RANGE_SUPPORT, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_REMOTE_FILE_CHANGED, { FERRY_ERROR_REMOTE_FILE_CHANGED, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_SIZE_MISMATCH, { FERRY_ERROR_SIZE_MISMATCH, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_DIGEST_MISMATCH, { FERRY_ERROR_DIGEST_MISMATCH, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_MAXIMUM_SIZE_EXCEEDED, { FERRY_ERROR_MAXIMUM_SIZE_EXCEEDED, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_UPLOAD_NOT_SUPPORTED, { FERRY_ERROR_UPLOAD_NOT_SUPPORTED, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_SESSION_NOT_FOUND, { FERRY_ERROR_SESSION_NOT_FOUND, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_NOT_FOUND, { FERRY_ERROR_NOT_FOUND, REMOTE, FALSE, NULL } },
  { FERRY_ERROR_WORKER_FAILED, { FERRY_ERROR_WORKER_FAILED, GENERAL, TRUE, NULL } },
  { ANY_CODE, { FERRY_ERROR_WORKER_FAILED, GENERAL, FALSE, NULL } },
};

/* Worth another try: what servers say when they are busy, restarting, or behind a gateway that
 * is. */
static const Row status_rows[] = {
  { 401, { FERRY_ERROR_AUTHENTICATION_FAILED, REMOTE, FALSE, NULL } },
  { 403, { FERRY_ERROR_FORBIDDEN, REMOTE, FALSE, NULL } },
  { 404, { FERRY_ERROR_NOT_FOUND, REMOTE, FALSE, NULL } },
  { 407, { FERRY_ERROR_AUTHENTICATION_FAILED, TRANSPORT, FALSE, NULL } },
  { 408, { FERRY_ERROR_HTTP_ERROR, REMOTE, TRUE, NULL } },
  { 410, { FERRY_ERROR_NOT_FOUND, REMOTE, FALSE, NULL } },
  { 416, { FERRY_ERROR_INVALID_RANGE, REMOTE, FALSE, NULL } },
  { 421, { FERRY_ERROR_HTTP_ERROR, REMOTE, TRUE, NULL } },
  { 423, { FERRY_ERROR_HTTP_ERROR, REMOTE, TRUE, NULL } },
  { 425, { FERRY_ERROR_HTTP_ERROR, REMOTE, TRUE, NULL } },
  { 429, { FERRY_ERROR_HTTP_ERROR, REMOTE, TRUE, NULL } },
  { 451, { FERRY_ERROR_FORBIDDEN, REMOTE, FALSE, NULL } },
  { 501, { FERRY_ERROR_HTTP_ERROR, REMOTE, FALSE, NULL } },
  { 505, { FERRY_ERROR_HTTP_ERROR, REMOTE, FALSE, NULL } },
  { 506, { FERRY_ERROR_HTTP_ERROR, REMOTE, FALSE, NULL } },
  { 510, { FERRY_ERROR_HTTP_ERROR, REMOTE, FALSE, NULL } },
  { 511, { FERRY_ERROR_HTTP_ERROR, TRANSPORT, TRUE, "network" } },
  { ANY_CODE, { FERRY_ERROR_HTTP_ERROR, REMOTE, FALSE, NULL } },
};

/* clang-format on */

static const WorkerFailure server_error = { FERRY_ERROR_HTTP_ERROR, REMOTE, TRUE, NULL };
static const WorkerFailure odd_answer = { FERRY_ERROR_INVALID_SERVER_RESPONSE, REMOTE, FALSE,
                                          NULL };
static const WorkerFailure unknown = { FERRY_ERROR_HTTP_ERROR, TRANSPORT, TRUE, NULL };

static WorkerFailure
find (const Row *rows, int code)
{
  while (rows->code != ANY_CODE && rows->code != code)
    rows++;
  return rows->failure;
}

WorkerFailure
worker_failure_from_error (const GError *error)
{
  if (error->domain == FERRY_ERROR)
    return find (ferry_rows, error->code);
  if (error->domain == WORKER_SINK_ERROR)
    return find (sink_rows, error->code);
  if (error->domain == G_IO_ERROR)
    return find (io_rows, error->code);
  if (error->domain == G_RESOLVER_ERROR)
    return find (resolver_rows, error->code);
  if (error->domain == G_TLS_ERROR)
    return find (tls_rows, error->code);
  if (error->domain == SOUP_SESSION_ERROR)
    return find (soup_rows, error->code);
  return unknown;
}

WorkerFailure
worker_failure_from_status (guint status)
{
  if (status < 400)
    return odd_answer;

  for (const Row *row = status_rows; row->code != ANY_CODE; row++)
    if ((guint) row->code == status)
      return row->failure;

  return status >= 500 && status < 600 ? server_error : find (status_rows, ANY_CODE);
}

guint
worker_retry_after (const char *value, gint64 now)
{
  g_autoptr (GDateTime) date = NULL;
  guint64 seconds;
  gint64 left;

  if (value == NULL)
    return 0;

  if (g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT64, &seconds, NULL))
    return (guint) MIN (seconds, WORKER_RETRY_AFTER_MAX);

  date = soup_date_time_new_from_http_string (value);
  if (date == NULL)
    return 0;
  left = g_date_time_to_unix (date) - now;
  return (guint) CLAMP (left, 0, WORKER_RETRY_AFTER_MAX);
}
