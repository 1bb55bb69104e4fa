/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "upload-server.h"

#include <string.h>

#define SESSION "{0B5F3F0E-9D0A-4A63-8A07-5E2B0B1A8A11}"

struct _UploadServer
{
  UploadSite *site;
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  SoupServer *server;
  guint port;
};

static const char *
get (SoupServerMessage *message, const char *header)
{
  return soup_message_headers_get_one (soup_server_message_get_request_headers (message), header);
}

static void
set (SoupServerMessage *message, const char *header, const char *value)
{
  soup_message_headers_replace (soup_server_message_get_response_headers (message), header, value);
}

static void
set_number (SoupServerMessage *message, const char *header, gint64 number)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, number);

  set (message, header, text);
}

static void
hang_up (SoupServerMessage *message)
{
  g_autoptr (GIOStream) stream = soup_server_message_steal_connection (message);

  g_io_stream_close (stream, NULL, NULL);
}

static void
answer (SoupServerMessage *message, guint status)
{
  soup_server_message_set_status (message, status, NULL);
}

static gboolean
is_piece (const UploadSite *site, guint number)
{
  return number != 0 && number == site->pieces;
}

/* Takes what is new of a piece that begins at @start. Returns: whether it is to be answered */
static gboolean
take_piece (UploadSite *site, SoupServerMessage *message, guint64 start)
{
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  gsize length = (gsize) body->length;
  gsize skip = site->kept->len - start;

  if (is_piece (site, site->keep_half))
    length /= 2;
  if (!site->early && length > skip)
    g_byte_array_append (site->kept, (const guint8 *) body->data + skip, (guint) (length - skip));
  if (!is_piece (site, site->keep_half) && !is_piece (site, site->drop_after))
    return TRUE;
  hang_up (message);
  return FALSE;
}

/* Returns: whether the piece was refused, dropped or lost before it was looked at */
static gboolean
spoil_piece (UploadSite *site, SoupServerMessage *message)
{
  site->pieces++;
  if (is_piece (site, site->drop_before))
    hang_up (message);
  else if (is_piece (site, site->unauthorized_at))
    answer (message, 401);
  else if (site->most > 0 &&
           (gsize) soup_server_message_get_request_body (message)->length > site->most)
    answer (message, 413);
  else
    return FALSE;
  site->pieces_refused++;
  return TRUE;
}

/* == BITS == */

static void
forget_session (UploadSite *site)
{
  site->open = FALSE;
  g_byte_array_set_size (site->kept, 0);
}

static void
session_unknown (UploadSite *site, SoupServerMessage *message)
{
  answer (message, site->lose_as_400 ? 400 : 500);
  set (message, "BITS-Error-Code", site->lose_as_400 ? "0" : "0x8020001F");
}

static void
create_session (UploadSite *site, SoupServerMessage *message)
{
  site->sessions++;
  site->open = TRUE;
  site->whole = FALSE;
  g_byte_array_set_size (site->kept, 0);
  if (site->drop_create > 0)
    {
      site->drop_create--;
      hang_up (message);
      return;
    }
  set (message, "BITS-Protocol", "{7DF0354D-249B-430F-820D-3D2A9BEF4931}");
  set (message, "BITS-Session-Id", site->session != NULL ? site->session : SESSION);
  if (site->host != NULL)
    set (message, "BITS-Host-Id", site->host);
  answer (message, 200);
}

static void
take_fragment (UploadSite *site, SoupServerMessage *message)
{
  const char *header = site->misspell ? "BITS-Recieved-Content-Range"
                                      : "BITS-Received-Content-Range";
  const char *range = get (message, "Content-Range");
  guint64 start;
  guint64 total;

  if (spoil_piece (site, message))
    return;
  if (is_piece (site, site->lose_at) || (site->lose_always && site->sessions > 0 && site->lose_at))
    forget_session (site);
  if (!site->open)
    {
      session_unknown (site, message);
      return;
    }

  start = g_ascii_strtoull (range + strlen ("bytes "), NULL, 10);
  total = g_ascii_strtoull (strchr (range, '/') + 1, NULL, 10);
  if (start > site->kept->len || (site->strict && start != site->kept->len))
    {
      site->pieces_refused++;
      set_number (message, header, site->kept->len);
      answer (message, 416);
      return;
    }
  if (!take_piece (site, message, start))
    return;
  set_number (message, header, (gint64) site->kept->len + site->lie);
  if (site->kept->len == total && site->reply_url != NULL && !site->no_reply_url)
    set (message, "BITS-Reply-URL", site->reply_url);
  answer (message, 200);
}

static void
end_session (UploadSite *site, SoupServerMessage *message, gboolean whole)
{
  if (!site->open)
    {
      session_unknown (site, message);
      return;
    }
  site->open = FALSE;
  site->whole = whole;
  site->cancelled = !whole;
  if (site->drop_close > 0)
    {
      site->drop_close--;
      hang_up (message);
      return;
    }
  answer (message, 200);
}

static void
serve_bits (UploadSite *site, SoupServerMessage *message)
{
  const char *type = get (message, "BITS-Packet-Type");
  const char *last = site->log->len > 1 ? site->log->pdata[site->log->len - 2] : "";

  set (message, "BITS-Packet-Type", "Ack");
  if (g_str_equal (type, "Ping") && site->away && site->pieces > 0 &&
      site->pieces == site->drop_before && g_str_equal (last, "BITS_POST Fragment"))
    hang_up (message);
  else if (g_str_equal (type, "Ping"))
    answer (message, 200);
  else if (g_str_equal (type, "Create-Session"))
    create_session (site, message);
  else if (g_strcmp0 (get (message, "BITS-Session-Id"),
                      site->session != NULL ? site->session : SESSION) != 0)
    answer (message, 400);
  else if (g_str_equal (type, "Fragment"))
    take_fragment (site, message);
  else
    end_session (site, message, g_str_equal (type, "Close-Session"));
}

/* == tus == */

static void
serve_tus (UploadSite *site, SoupServerMessage *message, const char *method, const char *path)
{
  gboolean located = g_str_equal (path, "/location");

  set (message, "Tus-Resumable", "1.0.0");
  if (g_str_equal (method, "OPTIONS"))
    {
      set (message, "Tus-Version", "1.0.0");
      set (message, "Tus-Extension", "creation,termination");
      answer (message, 204);
    }
  else if (g_str_equal (method, "POST"))
    {
      site->sessions++;
      site->open = TRUE;
      g_byte_array_set_size (site->kept, 0);
      set (message, "Location", "/location");
      answer (message, 201);
    }
  else if (!located || !site->open)
    {
      answer (message, 404);
    }
  else if (g_str_equal (method, "HEAD"))
    {
      set_number (message, "Upload-Offset", (gint64) site->kept->len + site->lie);
      answer (message, 200);
    }
  else if (g_str_equal (method, "DELETE"))
    {
      site->open = FALSE;
      site->cancelled = TRUE;
      answer (message, 204);
    }
  else if (!spoil_piece (site, message))
    {
      if (is_piece (site, site->lose_at))
        forget_session (site);
      if (!site->open)
        answer (message, 404);
      else if (g_ascii_strtoull (get (message, "Upload-Offset"), NULL, 10) != site->kept->len)
        answer (message, 409);
      else if (take_piece (site, message, site->kept->len))
        {
          set_number (message, "Upload-Offset", (gint64) site->kept->len + site->lie);
          answer (message, 204);
        }
    }
}

/* == PUT == */

static void
serve_put (UploadSite *site, SoupServerMessage *message, const char *method)
{
  const char *range = get (message, "Content-Range");
  gboolean ranges = site->speaks == FERRY_UPLOAD_PROTOCOL_PUT_RANGE;
  guint64 start = 0;

  if (g_str_equal (method, "HEAD"))
    {
      set_number (message, "Content-Length", site->kept->len);
      if (site->head_status != 0 && upload_site_count (site, "HEAD") > site->head_good)
        answer (message, site->head_status);
      else
        answer (message, site->open ? 200 : 404);
      return;
    }
  if (!g_str_equal (method, site->method != NULL ? site->method : "PUT"))
    {
      answer (message, 405);
      return;
    }
  if (range != NULL && !ranges)
    {
      answer (message, 501);
      return;
    }
  if (soup_server_message_get_request_body (message)->length > 0 && spoil_piece (site, message))
    return;

  site->open = TRUE;
  if (range != NULL && !site->ignore_range)
    start = g_ascii_strtoull (range + strlen ("bytes "), NULL, 10);
  g_byte_array_set_size (site->kept, (guint) start);
  if (take_piece (site, message, start))
    answer (message, 201);
}

/* == all == */

static void
note_connection (UploadSite *site, SoupServerMessage *message)
{
  GSocketAddress *address = soup_server_message_get_remote_address (message);
  guint port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));

  site->connections += port != site->last_port;
  site->last_port = port;
}

static void
serve_cb (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
          gpointer data)
{
  UploadSite *site = data;
  const char *method = soup_server_message_get_method (message);
  const char *packet = get (message, "BITS-Packet-Type");

  note_connection (site, message);
  g_ptr_array_add (site->log,
                   packet != NULL ? g_strdup_printf ("%s %s", method, packet) : g_strdup (method));
  if (site->refuse != 0)
    answer (message, site->refuse);
  else if (site->speaks == FERRY_UPLOAD_PROTOCOL_BITS && packet != NULL)
    serve_bits (site, message);
  else if (site->speaks == FERRY_UPLOAD_PROTOCOL_TUS && packet == NULL)
    serve_tus (site, message, method, path);
  else if (site->speaks == FERRY_UPLOAD_PROTOCOL_PUT ||
           site->speaks == FERRY_UPLOAD_PROTOCOL_PUT_RANGE)
    serve_put (site, message, method);
  else
    answer (message, 405);
}

static gpointer
run (gpointer data)
{
  UploadServer *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

UploadServer *
upload_server_new (UploadSite *site)
{
  UploadServer *self = g_new0 (UploadServer, 1);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  site->kept = g_byte_array_new ();
  site->log = g_ptr_array_new_with_free_func (g_free);
  self->site = site;
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  g_main_context_push_thread_default (self->context);
  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, NULL, serve_cb, site, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_main_context_pop_thread_default (self->context);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->port = (guint) g_uri_get_port (uris->data);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  self->thread = g_thread_new ("server", run, self);
  return self;
}

static gboolean
quit_cb (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

void
upload_server_free (UploadServer *self)
{
  g_main_context_invoke (self->context, quit_cb, self->loop);
  g_thread_join (self->thread);
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_byte_array_unref (self->site->kept);
  g_ptr_array_unref (self->site->log);
  g_free (self);
}

char *
upload_server_dup_url (UploadServer *self, const char *path)
{
  return g_strdup_printf ("http://127.0.0.1:%u%s", self->port, path);
}

guint
upload_site_count (const UploadSite *site, const char *what)
{
  guint n = 0;

  for (guint i = 0; i < site->log->len; i++)
    n += g_str_equal (g_ptr_array_index (site->log, i), what);
  return n;
}
