/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-request.h"

#include "ferry-config.h"
#include "ferry-method.h"
#include "ferry-text.h"
#include "ferry-uri.h"
#include "ferry-worker-protocol.h"
#include "worker-connections.h"
#include "worker-proxy.h"
#include "worker-redirect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

/* The body of a redirect or an error that is worth reading to keep its connection. */
#define DRAIN_MAX  (64 * 1024)
#define DRAIN_TIME (2 * G_USEC_PER_SEC)

/* Bytes that wait in the kernel to be sent. They count as sent already, so they should be few, and each takes longer when they
 * are many. What is under way has no such limit. */
#define UNSENT_MAX (128 * 1024)

/* ResponseHeaders in all, bytes. */
#define HEADERS_MAX (16 * 1024)

/* Not for a property that others of the owner's programs read: they hold secrets or addresses. */
static const char *const hidden_headers[] = { "Set-Cookie",
                                              "Set-Cookie2",
                                              "Authentication-Info",
                                              "Proxy-Authentication-Info",
                                              "Location",
                                              "Content-Location",
                                              "Refresh",
                                              "BITS-Session-Id",
                                              "BITS-Host-Id",
                                              "BITS-Reply-URL",
                                              NULL };

static gboolean
is_hidden (const char *name, const char *value)
{
  g_autofree char *lower = NULL;

  for (guint i = 0; hidden_headers[i] != NULL; i++)
    if (g_ascii_strcasecmp (hidden_headers[i], name) == 0)
      return TRUE;
  /* What a server proves itself with, and not just the scheme that it wants. */
  if (g_ascii_strcasecmp (name, "WWW-Authenticate") != 0 &&
      g_ascii_strcasecmp (name, "Proxy-Authenticate") != 0)
    return FALSE;
  lower = g_ascii_strdown (value, -1);
  return strstr (lower, "negotiate ") != NULL || strstr (lower, "ntlm ") != NULL;
}

/* Returns: (transfer full): of whose server the job's login is for; "" when that is none */
static char *
get_home_origin (const WorkerOrder *order)
{
  const char *url = order->upload_url != NULL ? order->upload_url : order->url;
  g_autoptr (GUri) uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);

  return uri != NULL && g_uri_get_host (uri) != NULL ? worker_uri_get_origin (uri) : g_strdup ("");
}

SoupSession *
worker_order_get_session (const WorkerOrder *order, WorkerSessions *sessions, GError **error)
{
  g_autofree char *login = worker_login_get_key (&order->login);
  g_autofree char *kind = NULL;
  SoupSession *session;

  /* A connection may count as the user's once he was known on it: what a redirect leads to the same place, without a login, must
   * not go out on that one, nor the other way round. */
  if (login != NULL)
    {
      g_autofree char *origin = get_home_origin (order);

      kind = g_strdup_printf ("%s %s", login, origin);
    }
  session = worker_sessions_get (sessions, order->proxy_usage, order->proxy_uri,
                                 (const char *const *) order->proxy_bypass, &order->trust, kind,
                                 order->upload, error);

  if (session != NULL)
    worker_login_set_up (&order->login, session);
  return session;
}

WorkerRequester
worker_order_get_requester (const WorkerOrder *order, WorkerSessions *sessions,
                            SoupSession *session, WorkerPulse *pulse, GUri *home,
                            GCancellable *cancellable)
{
  return (WorkerRequester){
    .sessions = sessions,
    .session = session,
    .pulse = pulse,
    .home = home,
    .headers = (const char *const *) order->headers,
    .secret_headers = (const char *const *) order->secret_headers,
    .trust = &order->trust,
    .login = &order->login,
    .redirect_policy = order->redirect_policy,
    .cancellable = cancellable,
  };
}

/* ferryd checked them; what is malformed all the same is left out rather than given to libsoup,
 * which would log it. */
static void
add_headers (SoupMessageHeaders *to, const char *const *lines)
{
  for (guint i = 0; lines != NULL && lines[i] != NULL; i++)
    {
      const char *colon = strchr (lines[i], ':');
      g_autofree char *name = NULL;
      g_autofree char *value = NULL;

      if (colon == NULL || colon == lines[i] || strpbrk (lines[i], "\r\n") != NULL)
        continue;
      name = g_strndup (lines[i], colon - lines[i]);
      if (strpbrk (name, " \t") != NULL)
        continue;
      value = g_strstrip (g_strdup (colon + 1));
      soup_message_headers_append (to, name, value);
    }
}

static void
replace_headers (SoupMessageHeaders *headers, const char *const *fields)
{
  for (guint i = 0; fields != NULL && fields[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (fields[i], ": ", 2);

      soup_message_headers_replace (headers, parts[0], parts[1]);
    }
}

static void
add_range (SoupMessageHeaders *headers, const WorkerRequest *request)
{
  g_autofree char *range = NULL;

  if (request->end == FERRY_SIZE_UNKNOWN)
    range = g_strdup_printf ("bytes=%" G_GUINT64_FORMAT "-", request->start);
  else
    range = g_strdup_printf ("bytes=%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, request->start,
                             request->end - 1);
  soup_message_headers_replace (headers, "Range", range);
  if (request->if_range != NULL)
    soup_message_headers_replace (headers, "If-Range", request->if_range);
}

/* On a kept connection, which may be dead, nobody would know whether it was seen. */
static void
guard_once (SoupMessage *message)
{
  soup_message_remove_flags (message, SOUP_MESSAGE_IDEMPOTENT);
  soup_message_add_flags (message, SOUP_MESSAGE_NEW_CONNECTION);
}

typedef struct
{
  const WorkerRequest *request; /* (unowned) */
  GCancellable *cancellable;    /* (unowned): what libsoup looks at before it writes */
} Starting;

/* Who was stopped says no, and may be stopped before that has come down to the branch that libsoup looks at. */
static void
starting_cb (SoupMessage *message, gpointer data)
{
  const Starting *self = data;

  if (!g_cancellable_is_cancelled (self->cancellable) &&
      !self->request->starting (self->request->data))
    g_cancellable_cancel (self->cancellable);
}

static SoupMessage *
create_message (const WorkerRequester *requester, const WorkerRequest *request, GUri *uri)
{
  const char *method = request->method != NULL ? request->method : SOUP_METHOD_GET;
  SoupMessage *message = soup_message_new_from_uri (method, uri);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);

  soup_message_set_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  add_headers (headers, requester->headers);
  if (ferry_uri_same_origin (requester->home, uri))
    add_headers (headers, requester->secret_headers);

  if (soup_message_headers_get_list (headers, "User-Agent") == NULL)
    soup_message_headers_replace (headers, "User-Agent", "ferry/" FERRY_VERSION);
  if (soup_message_headers_get_list (headers, "Accept") == NULL)
    soup_message_headers_replace (headers, "Accept", "*/*");
  soup_message_headers_replace (headers, "Accept-Encoding", "identity");

  replace_headers (headers, request->fields);
  if (request->ranged)
    add_range (headers, request);
  if (request->sending != NULL)
    worker_sending_attach (request->sending, message);
  else if (request->own && ferry_method_wants_length (method))
    soup_message_headers_set_content_length (headers, 0);
  if (request->starting != NULL)
    guard_once (message);
  return message;
}

/* Sets on each new connection what libsoup has no property for. Returns: (transfer none) (nullable): the socket, once it is
 * connected */
static GSocket *
prepare_connection (GSocketClientEvent event, GIOStream *connection, guint timeout)
{
  g_autoptr (GIOStream) base = NULL;
  GIOStream *lowest;
  GSocket *socket;

  /* Without it a cut TLS stream looks like the end of a body that has no length. */
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING && G_IS_TLS_CONNECTION (connection))
    g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (connection), TRUE);

  if (event != G_SOCKET_CLIENT_COMPLETE)
    return NULL;
  if (G_IS_TLS_CONNECTION (connection))
    g_object_get (connection, "base-io-stream", &base, NULL);
  lowest = base != NULL ? base : connection;
  if (!G_IS_SOCKET_CONNECTION (lowest))
    return NULL;
  socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (lowest));
  g_socket_set_timeout (socket, timeout);
  return socket;
}

static void
network_event_cb (SoupMessage *message, GSocketClientEvent event, GIOStream *connection,
                  gpointer data)
{
  const WorkerRequester *requester = data;

  prepare_connection (event, connection, worker_sessions_get_times (requester->sessions)->stall);
}

/* The answer to a body may take its time; that the body itself goes out is watched by the pulse. */
static void
sending_network_event_cb (SoupMessage *message, GSocketClientEvent event, GIOStream *connection,
                          gpointer data)
{
  const WorkerRequester *requester = data;
  guint answer = worker_sessions_get_times (requester->sessions)->answer;
  /* A little less, so that who says nothing is a connection that broke, and not given up by the pulse. */
  GSocket *socket = prepare_connection (event, connection, answer - answer / 10);

  if (socket == NULL)
    return;
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MAX, NULL);
  worker_connections_note (requester->session, message, connection);
}

/* Whether what is wanted is the body of the answer. */
static gboolean
fetches (const WorkerRequest *request)
{
  return request->method == NULL || (request->own && request->sending == NULL);
}

/* Without its redirects. */
static WorkerExchange *
send_once (const WorkerRequester *requester, const WorkerRequest *request, GUri *uri,
           GError **error)
{
  WorkerExchange *exchange = g_new0 (WorkerExchange, 1);
  WorkerTrustCheck check;
  Starting start;
  gulong starting = 0;
  gulong handler;

  exchange->origin = worker_uri_get_origin (uri);
  if (!worker_sessions_enter (requester->sessions, exchange->origin, requester->cancellable, error))
    {
      g_free (exchange->origin);
      g_free (exchange);
      return NULL;
    }

  exchange->sessions = requester->sessions;
  exchange->cancellable = requester->cancellable;
  exchange->uri = g_uri_ref (uri);
  exchange->message = create_message (requester, request, uri);
  if (!worker_login_prepare (requester->login, exchange->message,
                             ferry_uri_same_origin (requester->home, uri), requester->cancellable,
                             error))
    {
      worker_login_end (requester->login);
      worker_exchange_close (exchange, WORKER_CLOSE_DROP);
      return NULL;
    }
  handler = g_signal_connect (exchange->message, "network-event",
                              fetches (request) ? G_CALLBACK (network_event_cb)
                                                : G_CALLBACK (sending_network_event_cb),
                              (gpointer) requester);
  worker_trust_check_begin (&check, requester->trust, requester->cancellable, exchange->message);
  start = (Starting){ request, check.cancellable };
  if (request->starting != NULL)
    starting = g_signal_connect (exchange->message, "starting", G_CALLBACK (starting_cb), &start);
  worker_pulse_begin_answer (requester->pulse);
  exchange->stream = soup_session_send (requester->session, exchange->message, check.cancellable,
                                        error);
  worker_pulse_end_answer (requester->pulse);
  worker_pulse_end_write (requester->pulse);
  worker_login_end (requester->login);
  g_signal_handler_disconnect (exchange->message, handler);
  g_clear_signal_handler (&starting, exchange->message);
  worker_trust_check_end (&check, exchange->message, error);
  if (exchange->stream == NULL)
    {
      worker_proxy_explain (requester->session, uri, error);
      worker_login_explain_error (requester->login, exchange->message, error);
      worker_exchange_close (exchange, WORKER_CLOSE_DROP);
      return NULL;
    }
  return exchange;
}

static WorkerExchange *
send_one (const WorkerRequester *requester, const WorkerRequest *request, GUri *uri, GError **error)
{
  WorkerExchange *exchange = send_once (requester, request, uri, error);
  g_autoptr (GError) local_error = NULL;
  gboolean again;

  if (exchange == NULL)
    return NULL;
  again = worker_login_wants_again (requester->login, exchange->message,
                                    ferry_uri_same_origin (requester->home, uri),
                                    requester->cancellable, &local_error);
  if (!again && local_error == NULL)
    return exchange;

  worker_exchange_close (exchange, again ? WORKER_CLOSE_DRAIN : WORKER_CLOSE_DROP);
  if (again)
    return send_once (requester, request, uri, error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

WorkerExchange *
worker_request_send (const WorkerRequester *requester, const WorkerRequest *request, GError **error)
{
  const gboolean may_fall = requester->trust->allowed & 1u << FERRY_TLS_FLAG_ALLOW_HTTPS_TO_HTTP;
  g_autoptr (GUri) uri = g_uri_ref (request->uri);
  WorkerRequest now = *request;

  for (guint count = 0;; count++)
    {
      WorkerExchange *exchange = send_one (requester, &now, uri, error);
      guint status = exchange != NULL ? soup_message_get_status (exchange->message) : 0;
      gboolean as_get;
      const char *location;
      GUri *next;

      if (exchange == NULL || !worker_redirect_is (status) ||
          !worker_redirect_follows (status, now.method, now.own, now.sending != NULL, &as_get))
        return exchange;
      if (requester->redirect_policy == FERRY_REDIRECT_POLICY_REFUSE)
        {
          g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_REDIRECTS,
                       "The server redirected (HTTP %u), which the job's RedirectPolicy refuses",
                       status);
          worker_exchange_close (exchange, WORKER_CLOSE_DROP);
          return NULL;
        }

      location = soup_message_headers_get_one (
          soup_message_get_response_headers (exchange->message), "Location");
      next = worker_redirect_resolve (uri, location, count, may_fall, error);
      worker_exchange_close (exchange, next != NULL ? WORKER_CLOSE_DRAIN : WORKER_CLOSE_DROP);
      if (next == NULL)
        return NULL;
      g_uri_unref (uri);
      uri = next;
      if (as_get)
        now = (WorkerRequest){ .uri = request->uri };
    }
}

/* A list of equal numbers is one number (RFC 9110, 8.6). Returns: whether it is anything else */
static gboolean
is_odd_length (const char *value)
{
  g_auto (GStrv) numbers = g_strsplit (value, ",", -1);

  if (numbers[0] == NULL)
    return TRUE;
  for (guint i = 0; numbers[i] != NULL; i++)
    if (!g_str_equal (g_strstrip (numbers[i]), numbers[0]) || *numbers[i] == '\0' ||
        strspn (numbers[i], "0123456789") != strlen (numbers[i]))
      return TRUE;
  return FALSE;
}

static guint64
get_content_length (SoupMessageHeaders *headers)
{
  if (soup_message_headers_get_encoding (headers) != SOUP_ENCODING_CONTENT_LENGTH)
    return FERRY_SIZE_UNKNOWN;
  return (guint64) soup_message_headers_get_content_length (headers);
}

WorkerAnswer
worker_exchange_get_answer (WorkerExchange *self)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (self->message);
  const char *type = soup_message_headers_get_one (headers, "Content-Type");
  const char *length = soup_message_headers_get_list (headers, "Content-Length");
  WorkerAnswer answer = { 0 };

  answer.status = soup_message_get_status (self->message);
  answer.content_range = soup_message_headers_get_list (headers, "Content-Range");
  answer.content_length = get_content_length (headers);
  answer.odd_length = length != NULL && is_odd_length (length);
  answer.multipart = type != NULL && g_ascii_strncasecmp (type, "multipart/byteranges", 20) == 0;
  answer.validator = worker_validator_parse (
      soup_message_headers_get_list (headers, "ETag"),
      soup_message_headers_get_one (headers, "Last-Modified"),
      soup_message_headers_get_one (headers, "Date"), g_get_real_time () / G_USEC_PER_SEC);
  return answer;
}

gboolean
worker_exchange_is_chunked (WorkerExchange *self)
{
  return soup_message_headers_get_encoding (soup_message_get_response_headers (self->message)) ==
         SOUP_ENCODING_CHUNKED;
}

GInputStream *
worker_exchange_get_raw (WorkerExchange *self)
{
  GInputStream *decoder;

  /* For HTTP/1 libsoup puts a filter for the message's end over one for its encoding over the
   * connection. */
  if (!G_IS_FILTER_INPUT_STREAM (self->stream))
    return NULL;
  decoder = g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (self->stream));
  if (!G_IS_FILTER_INPUT_STREAM (decoder))
    return NULL;
  return g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (decoder));
}

char **
worker_message_dup_headers (SoupMessage *message)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  SoupMessageHeadersIter iter;
  const char *name;
  const char *value;
  gsize size = 0;

  soup_message_headers_iter_init (&iter, soup_message_get_response_headers (message));
  while (soup_message_headers_iter_next (&iter, &name, &value))
    {
      g_autofree char *line = NULL;
      g_autofree char *clean = NULL;

      if (is_hidden (name, value))
        continue;
      line = g_strdup_printf ("%s: %s", name, value);
      clean = ferry_text_clean (line, FERRY_TEXT_MAX);
      size += strlen (clean) + 1;
      if (size > HEADERS_MAX)
        break;
      g_strv_builder_add (builder, clean);
    }
  return g_strv_builder_end (builder);
}

/* Only a body that was read until libsoup said 0 leaves a connection that can be used again. */
static void
read_rest (WorkerExchange *self, gsize most)
{
  const gint64 end = g_get_monotonic_time () + DRAIN_TIME;
  guint8 buffer[4096];
  gsize got = 0;
  gssize n;

  do
    {
      n = g_input_stream_read (self->stream, buffer, sizeof buffer, self->cancellable, NULL);
      got += (gsize) MAX (n, 0);
    }
  while (n > 0 && got <= most && g_get_monotonic_time () < end);
}

void
worker_exchange_close (WorkerExchange *self, WorkerClose how)
{
  if (self == NULL)
    return;

  if (self->stream != NULL)
    {
      if (how == WORKER_CLOSE_FINISHED)
        read_rest (self, 0);
      else if (how == WORKER_CLOSE_DRAIN)
        read_rest (self, DRAIN_MAX);
      g_input_stream_close (self->stream, NULL, NULL);
      g_object_unref (self->stream);
    }

  g_object_unref (self->message);
  g_uri_unref (self->uri);
  worker_sessions_leave (self->sessions, self->origin);
  g_free (self->origin);
  g_free (self);
}
