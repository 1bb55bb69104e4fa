/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-link.h"
#include "ferry-worker-protocol.h"

#include <string.h>

/* What may wait for a peer that does not read. */
#define QUEUE_MAX (4 * 1024 * 1024)

#define FRAMES_AT_A_TIME 8

struct _FerryLink
{
  GObject parent_instance;

  GSocketConnection *connection; /* (owned) */
  GCancellable *cancellable;     /* (owned) */

  FerryLinkFunc on_message;
  FerryLinkClosedFunc on_closed; /* (nullable): %NULL once called or closed by us */
  gpointer user_data;            /* (unowned) */

  GBufferedInputStream *in; /* (owned) */

  GQueue outgoing; /* (element-type GBytes) (owned): the first one is being written */
  gsize outgoing_size;
  gsize written; /* of the first one, when nothing is being written */
  gboolean writing;
  gboolean closed;

  guint max_frames_per_second; /* 0 = no bound */
  gint64 frames_left;    /* in this second; below 0 after a long frame: a debt to the next ones */
  gint64 second_end;     /* monotonic, µs */
  GSource *more;         /* (owned) (nullable): will read on, in a moment or in the next second */
  GSource *late_failure; /* (owned) (nullable): will tell that the peer does not read */
};

G_DEFINE_TYPE (FerryLink, ferry_link, G_TYPE_OBJECT)

static void read_on (FerryLink *self);
static void write_next (FerryLink *self);

static void
ferry_link_dispose (GObject *object)
{
  ferry_link_close (FERRY_LINK (object));
  G_OBJECT_CLASS (ferry_link_parent_class)->dispose (object);
}

static void
ferry_link_finalize (GObject *object)
{
  FerryLink *self = FERRY_LINK (object);

  g_clear_object (&self->connection);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->in);
  g_queue_clear_full (&self->outgoing, (GDestroyNotify) g_bytes_unref);
  G_OBJECT_CLASS (ferry_link_parent_class)->finalize (object);
}

static void
ferry_link_class_init (FerryLinkClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_link_dispose;
  G_OBJECT_CLASS (class)->finalize = ferry_link_finalize;
}

static void
ferry_link_init (FerryLink *self)
{
  self->cancellable = g_cancellable_new ();
  g_queue_init (&self->outgoing);
}

FerryLink *
ferry_link_new (GSocketConnection *connection, guint max_frames_per_second)
{
  FerryLink *self = g_object_new (FERRY_TYPE_LINK, NULL);

  self->connection = g_object_ref (connection);
  self->in = G_BUFFERED_INPUT_STREAM (g_buffered_input_stream_new_sized (
      g_io_stream_get_input_stream (G_IO_STREAM (connection)), sizeof (guint32) + FERRY_FRAME_MAX));
  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (self->in), FALSE);
  self->max_frames_per_second = max_frames_per_second;
  return self;
}

/* Ends the link from inside: the owner is told, but never from within one of its own calls. */
static void
fail (FerryLink *self, const GError *error)
{
  FerryLinkClosedFunc on_closed = g_steal_pointer (&self->on_closed);

  if (self->closed)
    return;
  g_object_ref (self);
  ferry_link_close (self);
  if (on_closed != NULL)
    on_closed (self, error, self->user_data);
  g_object_unref (self);
}

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;

  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static gboolean
late_failure_cb (gpointer data)
{
  FerryLink *self = data;
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                                                  "the peer does not read what is sent to it");

  fail (self, error);
  return G_SOURCE_REMOVE;
}

/* The caller of ferry_link_send() must not find itself in on_closed. */
static void
fail_late (FerryLink *self)
{
  self->late_failure = g_idle_source_new ();
  g_source_set_priority (self->late_failure, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->late_failure, late_failure_cb, g_object_ref (self), g_object_unref);
  g_source_attach (self->late_failure, g_main_context_get_thread_default ());
}

static void
handle_frame (FerryLink *self, GBytes *bytes)
{
  g_autoptr (GVariant) raw = NULL;
  g_autoptr (GVariant) message = NULL;
  g_autoptr (GVariant) arguments = NULL;
  const char *kind;
  guint32 id;

  raw = g_variant_new_from_bytes (G_VARIANT_TYPE (FERRY_MESSAGE_TYPE), bytes, FALSE);
  g_variant_ref_sink (raw);
  if (!g_variant_is_normal_form (raw))
    {
      g_autoptr (GError) error = NULL;

      error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "a malformed message");
      fail (self, error);
      return;
    }

  message = G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (raw) : g_variant_byteswap (raw);
  g_variant_get (message, "(u&s@a{sv})", &id, &kind, &arguments);
  self->on_message (self, id, kind, arguments, self->user_data);
}

/* == reading == */

static gboolean
more_cb (gpointer data)
{
  FerryLink *self = data;

  clear_source (&self->more);
  read_on (self);
  return G_SOURCE_REMOVE;
}

/* Takes @source. */
static void
read_on_later (FerryLink *self, GSource *source)
{
  self->more = source;
  g_source_set_callback (source, more_cb, g_object_ref (self), g_object_unref);
  g_source_attach (source, g_main_context_get_thread_default ());
}

/* Whether a frame may be handled in this second; when not, reading goes on in the next. */
static gboolean
take_share (FerryLink *self)
{
  gint64 now;

  if (self->max_frames_per_second == 0)
    return TRUE;

  now = g_get_monotonic_time ();
  if (now >= self->second_end)
    {
      self->second_end = now + G_USEC_PER_SEC;
      self->frames_left = MIN (self->frames_left, 0) + self->max_frames_per_second;
    }
  if (self->frames_left > 0)
    return TRUE;

  read_on_later (self, g_timeout_source_new ((guint) ((self->second_end - now) / 1000 + 1)));
  return FALSE;
}

/* Looks at the next frame's length field. Returns: whether all of the frame is there, with its @length; a length that
 * cannot be closes the link. */
static gboolean
find_frame (FerryLink *self, gsize *length)
{
  gsize available;
  const guint8 *data = g_buffered_input_stream_peek_buffer (self->in, &available);
  g_autoptr (GError) error = NULL;
  guint32 field;

  if (available < sizeof field)
    return FALSE;

  memcpy (&field, data, sizeof field);
  *length = GUINT32_FROM_LE (field);
  if (*length > 0 && *length <= FERRY_FRAME_MAX)
    return available >= sizeof field + *length;

  error = g_error_new (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "a frame of %" G_GSIZE_FORMAT " bytes",
                       *length);
  fail (self, error);
  return FALSE;
}

static void
take_frame (FerryLink *self, gsize length)
{
  GInputStream *in = G_INPUT_STREAM (self->in);
  g_autofree guint8 *data = g_malloc (length);
  g_autoptr (GBytes) bytes = NULL;

  /* Both come out of the buffer. */
  g_input_stream_skip (in, sizeof (guint32), NULL, NULL);
  g_input_stream_read (in, data, length, NULL, NULL);
  bytes = g_bytes_new_take (g_steal_pointer (&data), length);
  self->frames_left -= (gint64) (length + 1023) / 1024;
  handle_frame (self, bytes);
}

static void
filled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (FerryLink) self = data;
  g_autoptr (GError) error = NULL;
  gssize got = g_buffered_input_stream_fill_finish (G_BUFFERED_INPUT_STREAM (source), result,
                                                    &error);

  if (self->closed)
    return;
  if (got > 0)
    read_on (self);
  else
    fail (self, error);
}

/* Handles the frames that are there, a few at a time so that bus calls come between them, and reads more. */
static void
read_on (FerryLink *self)
{
  g_autoptr (FerryLink) held = g_object_ref (self);
  gsize length;

  for (guint i = 0; !self->closed && find_frame (self, &length); i++)
    {
      if (i == FRAMES_AT_A_TIME)
        {
          read_on_later (self, g_idle_source_new ());
          return;
        }
      if (!take_share (self))
        return;
      take_frame (self, length);
    }

  if (!self->closed)
    g_buffered_input_stream_fill_async (self->in, -1, G_PRIORITY_DEFAULT_IDLE, self->cancellable,
                                        filled_cb, g_object_ref (self));
}

void
ferry_link_run (FerryLink *self, FerryLinkFunc on_message, FerryLinkClosedFunc on_closed,
                gpointer user_data)
{
  g_return_if_fail (self->on_message == NULL);

  self->on_message = on_message;
  self->on_closed = on_closed;
  self->user_data = user_data;
  read_on (self);
}

/* == writing == */

static void
drop_written (FerryLink *self)
{
  g_autoptr (GBytes) done = g_queue_pop_head (&self->outgoing);

  self->outgoing_size -= g_bytes_get_size (done);
  self->written = 0;
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (FerryLink) self = data;
  g_autoptr (GError) error = NULL;
  gboolean written;

  written = g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error);
  self->writing = FALSE;
  if (self->closed)
    return;
  if (!written)
    {
      fail (self, error);
      return;
    }

  drop_written (self);
  write_next (self);
}

/* As much as the socket takes at once, which mostly is all: waiting is for a peer that is slow, and for errors. */
static void
write_next (FerryLink *self)
{
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (self->connection));
  GBytes *bytes;

  while (!self->writing && (bytes = g_queue_peek_head (&self->outgoing)) != NULL)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (bytes, &size);
      gssize n = g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (out),
                                                             data + self->written,
                                                             size - self->written, NULL, NULL);

      self->written += (gsize) MAX (n, 0);
      if (self->written == size)
        {
          drop_written (self);
          continue;
        }

      self->writing = TRUE;
      g_output_stream_write_all_async (out, data + self->written, size - self->written,
                                       G_PRIORITY_DEFAULT, self->cancellable, written_cb,
                                       g_object_ref (self));
    }
}

/* Messages hold secrets. */
static void
wipe_message (gpointer data)
{
  guint32 length;

  memcpy (&length, data, sizeof length);
  explicit_bzero (data, sizeof length + GUINT32_FROM_LE (length));
  g_free (data);
}

/* Length field and message in one buffer, so that a small message is one write. */
static GBytes *
encode (guint32 id, const char *kind, GVariant *arguments)
{
  g_autoptr (GVariant) native = NULL;
  g_autoptr (GVariant) message = NULL;
  gsize size;
  guint8 *buffer;
  guint32 length;

  if (arguments == NULL)
    arguments = g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);
  native = g_variant_ref_sink (g_variant_new ("(us@a{sv})", id, kind, arguments));
  message = G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (native) : g_variant_byteswap (native);

  size = g_variant_get_size (message);
  if (size > FERRY_FRAME_MAX)
    return NULL;

  buffer = g_malloc (sizeof length + size);
  length = GUINT32_TO_LE ((guint32) size);
  memcpy (buffer, &length, sizeof length);
  /* Not g_variant_store (), which insists on an aligned place. */
  memcpy (buffer + sizeof length, g_variant_get_data (message), size);
  /* Nobody else has it in this form. */
  explicit_bzero ((gpointer) g_variant_get_data (message), size);
  return g_bytes_new_with_free_func (buffer, sizeof length + size, wipe_message, buffer);
}

gboolean
ferry_link_send (FerryLink *self, guint32 id, const char *kind, GVariant *arguments)
{
  g_autoptr (GBytes) bytes = encode (id, kind, arguments);

  if (bytes == NULL || self->closed || self->late_failure != NULL)
    return FALSE;

  if (self->outgoing_size + g_bytes_get_size (bytes) > QUEUE_MAX)
    {
      fail_late (self);
      return FALSE;
    }

  self->outgoing_size += g_bytes_get_size (bytes);
  g_queue_push_tail (&self->outgoing, g_steal_pointer (&bytes));
  write_next (self);
  return TRUE;
}

void
ferry_link_flush (FerryLink *self)
{
  GMainContext *context = g_main_context_get_thread_default ();

  while (!self->closed && !g_queue_is_empty (&self->outgoing))
    g_main_context_iteration (context, TRUE);
}

void
ferry_link_close (FerryLink *self)
{
  if (self->closed)
    return;

  self->closed = TRUE;
  self->on_closed = NULL;
  clear_source (&self->more);
  clear_source (&self->late_failure);
  g_cancellable_cancel (self->cancellable);
  /* Shut down rather than close: a read or write that is under way still holds the stream. */
  g_socket_shutdown (g_socket_connection_get_socket (self->connection), TRUE, TRUE, NULL);
}
