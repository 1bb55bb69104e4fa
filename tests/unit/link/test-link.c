/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-link.h"
#include "ferry-worker-protocol.h"
#include "link-wait.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A link whose other end is a bare socket. */
typedef struct
{
  FerryLink *link;  /* (owned) (nullable) */
  int peer;         /* (owned): blocking; -1 = closed */
  GPtrArray *kinds; /* (owned) (element-type utf8): of the messages that came */
  GVariant *last;   /* (owned) (nullable): arguments of the last one */
  guint32 last_id;
  guint closed;
  GError *error;     /* (owned) (nullable): that it was closed with */
  guint close_after; /* close the link from within this message (1 = the first) */
  gboolean drop;     /* and drop the reference, too */
} Fixture;

static void
on_message (FerryLink *link, guint32 id, const char *kind, GVariant *arguments, gpointer data)
{
  Fixture *fixture = data;

  g_assert_true (link == fixture->link);
  g_ptr_array_add (fixture->kinds, g_strdup (kind));
  g_clear_pointer (&fixture->last, g_variant_unref);
  fixture->last = g_variant_ref (arguments);
  fixture->last_id = id;
  if (fixture->kinds->len == fixture->close_after)
    {
      ferry_link_close (link);
      if (fixture->drop)
        g_clear_object (&fixture->link);
    }
}

static void
on_closed (FerryLink *link, const GError *error, gpointer data)
{
  Fixture *fixture = data;

  fixture->closed++;
  if (error != NULL)
    fixture->error = g_error_copy (error);
}

static void
set_up_bounded (Fixture *fixture, guint max_frames_per_second)
{
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  int pair[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
  socket = g_socket_new_from_fd (pair[0], &error);
  g_assert_no_error (error);
  connection = g_socket_connection_factory_create_connection (socket);
  fixture->peer = pair[1];
  fixture->kinds = g_ptr_array_new_with_free_func (g_free);
  fixture->link = ferry_link_new (connection, max_frames_per_second);
  ferry_link_run (fixture->link, on_message, on_closed, fixture);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  set_up_bounded (fixture, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (fixture->link != NULL)
    {
      ferry_link_close (fixture->link);
      link_wait_settle ();
      g_assert_finalize_object (fixture->link);
    }
  if (fixture->peer >= 0)
    close (fixture->peer);
  g_ptr_array_unref (fixture->kinds);
  g_clear_pointer (&fixture->last, g_variant_unref);
  g_clear_error (&fixture->error);
}

static void
put (Fixture *fixture, gconstpointer bytes, gsize length)
{
  g_assert_cmpint (send (fixture->peer, bytes, length, MSG_NOSIGNAL), ==, (gssize) length);
}

/* Returns: (transfer full): a whole frame as the protocol page says it */
static GByteArray *
make_frame (guint32 id, const char *kind, GVariant *arguments)
{
  g_autoptr (GVariant) native = NULL;
  g_autoptr (GVariant) message = NULL;
  GByteArray *frame = g_byte_array_new ();
  guint32 length;

  if (arguments == NULL)
    arguments = g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);
  native = g_variant_ref_sink (g_variant_new ("(us@a{sv})", id, kind, arguments));
  message = G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (native) : g_variant_byteswap (native);
  length = GUINT32_TO_LE ((guint32) g_variant_get_size (message));
  g_byte_array_append (frame, (const guint8 *) &length, sizeof length);
  g_byte_array_append (frame, g_variant_get_data (message), (guint) g_variant_get_size (message));
  return frame;
}

static GVariant *
one_string (const char *key, const char *value)
{
  return g_variant_new_parsed ("{%s: <%s>}", key, value);
}

static void
put_frame (Fixture *fixture, const char *kind)
{
  g_autoptr (GByteArray) frame = make_frame (7, kind, one_string ("Key", "value"));

  put (fixture, frame->data, frame->len);
}

static void
test_bytes (Fixture *fixture, gconstpointer data)
{
  /* Written out, so that a change of byte order or layout is seen: (0x01020304, "hi", {}). */
  static const guint8 expected[] = { 9, 0, 0, 0, 4, 3, 2, 1, 'h', 'i', 0, 0, 7 };
  guint8 got[64];

  g_assert_true (ferry_link_send (fixture->link, 0x01020304, "hi", NULL));
  ferry_link_flush (fixture->link);
  g_assert_cmpmem (got, (gsize) recv (fixture->peer, got, sizeof got, MSG_DONTWAIT), expected,
                   sizeof expected);

  put (fixture, expected, sizeof expected);
  wait_until (fixture->kinds->len == 1);
  g_assert_cmpstr (fixture->kinds->pdata[0], ==, "hi");
  g_assert_cmpuint (fixture->last_id, ==, 0x01020304);
  g_assert_cmpuint (g_variant_n_children (fixture->last), ==, 0);
}

static void
test_partial (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) frame = make_frame (1, "piecewise", one_string ("Key", "value"));
  const char *value = NULL;

  for (guint i = 0; i < frame->len; i++)
    {
      g_assert_cmpuint (fixture->kinds->len, ==, 0);
      put (fixture, frame->data + i, 1);
      link_wait_settle ();
    }
  wait_until (fixture->kinds->len == 1);
  g_assert_true (g_variant_lookup (fixture->last, "Key", "&s", &value));
  g_assert_cmpstr (value, ==, "value");

  /* Two and a half at once. */
  g_byte_array_set_size (frame, 0);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GByteArray) next = make_frame (i, "joined", NULL);

      g_byte_array_append (frame, next->data, next->len);
    }
  put (fixture, frame->data, frame->len - 5);
  wait_until (fixture->kinds->len == 3);
  link_wait_settle ();
  g_assert_cmpuint (fixture->kinds->len, ==, 3);
  put (fixture, frame->data + frame->len - 5, 5);
  wait_until (fixture->kinds->len == 4);
}

static void
assert_refused (Fixture *fixture)
{
  wait_until (fixture->closed == 1);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpuint (fixture->kinds->len, ==, 0);
  g_assert_false (ferry_link_send (fixture->link, 0, "late", NULL));
}

static void
test_too_long (Fixture *fixture, gconstpointer data)
{
  guint32 length = GUINT32_TO_LE (FERRY_FRAME_MAX + 1);

  put (fixture, &length, sizeof length);
  assert_refused (fixture);
}

static void
test_absurd_length (Fixture *fixture, gconstpointer data)
{
  put (fixture, "\xff\xff\xff\xff", 4);
  assert_refused (fixture);
}

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  put (fixture, "\0\0\0\0", 4);
  assert_refused (fixture);
}

static void
test_malformed (Fixture *fixture, gconstpointer data)
{
  /* An array of entries whose offsets point outside. */
  put (fixture, "\x0c\0\0\0\x01\0\0\0k\0\0\0zzz\xff", 16);
  assert_refused (fixture);
}

static void
test_bad_text (Fixture *fixture, gconstpointer data)
{
  /* "hi" with a byte that no UTF-8 has. */
  put (fixture, "\x09\0\0\0\x04\x03\x02\x01h\xff\0\0\x07", 13);
  assert_refused (fixture);
}

/* Whatever a single flipped byte makes of a frame: a message of the right type, or a closed link. */
static void
test_flipped_bytes (void)
{
  g_autoptr (GByteArray) frame = make_frame (
      9, "progress",
      g_variant_new_parsed ("{'A': <uint64 1>, 'B': <['x', 'y']>, 'C': <{'d': <'e'>}>}"));

  for (guint i = 4; i < frame->len; i++)
    {
      Fixture fixture = { 0 };
      guint8 saved = frame->data[i];

      set_up_bounded (&fixture, 0);
      frame->data[i] ^= (guint8) (1 << (i % 8));
      put (&fixture, frame->data, frame->len);
      wait_until (fixture.kinds->len + fixture.closed == 1);
      if (fixture.last != NULL)
        g_assert_true (g_variant_is_normal_form (fixture.last));
      else
        g_assert_error (fixture.error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
      frame->data[i] = saved;
      tear_down (&fixture, NULL);
    }
}

static void
test_peer_closes (Fixture *fixture, gconstpointer data)
{
  put_frame (fixture, "first");
  g_assert_no_errno (close (fixture->peer));
  fixture->peer = -1;
  wait_until (fixture->closed == 1);
  g_assert_no_error (fixture->error);
  g_assert_cmpuint (fixture->kinds->len, ==, 1);
}

static void
test_peer_closes_midway (Fixture *fixture, gconstpointer data)
{
  put (fixture, "\x20\0\0\0abc", 7);
  g_assert_no_errno (close (fixture->peer));
  fixture->peer = -1;
  wait_until (fixture->closed == 1);
  g_assert_cmpuint (fixture->kinds->len, ==, 0);
}

static void
test_close_in_message (Fixture *fixture, gconstpointer data)
{
  char byte;

  fixture->close_after = 2;
  fixture->drop = data != NULL;
  for (guint i = 0; i < 5; i++)
    put_frame (fixture, "more");
  wait_until (fixture->kinds->len == 2);
  link_wait_settle ();
  g_assert_cmpuint (fixture->kinds->len, ==, 2);
  g_assert_cmpuint (fixture->closed, ==, 0);
  /* It is really closed, not only forgotten. */
  g_assert_cmpint (recv (fixture->peer, &byte, 1, 0), <=, 0);
}

/* Drops the last reference in the closed callback. */
static void
free_on_closed (FerryLink *link, const GError *error, gpointer data)
{
  Fixture *fixture = data;

  fixture->closed++;
  g_clear_object (&fixture->link);
}

static void
test_free_in_closed (void)
{
  Fixture fixture = { .kinds = g_ptr_array_new_with_free_func (g_free) };
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  int pair[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
  socket = g_socket_new_from_fd (pair[0], NULL);
  connection = g_socket_connection_factory_create_connection (socket);
  fixture.peer = pair[1];
  fixture.link = ferry_link_new (connection, 0);
  ferry_link_run (fixture.link, on_message, free_on_closed, &fixture);
  put (&fixture, "\0\0\0\0", 4);
  wait_until (fixture.closed == 1);
  link_wait_settle ();
  tear_down (&fixture, NULL);
}

static void
test_peer_does_not_read (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = g_strnfill (60 * 1024, 'x');
  guint sent = 0;

  while (ferry_link_send (fixture->link, 0, "long", one_string ("Text", text)))
    g_assert_cmpuint (++sent, <, 200);

  /* 4 MiB here, and what the kernel takes; told from the main loop, not from within the call. */
  g_assert_cmpuint (sent, >=, 60);
  g_assert_cmpuint (fixture->closed, ==, 0);
  g_assert_false (ferry_link_send (fixture->link, 0, "long", NULL));
  wait_until (fixture->closed == 1);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  link_wait_settle ();
  g_assert_cmpuint (fixture->closed, ==, 1);
}

static void
test_close_when_full (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = g_strnfill (60 * 1024, 'x');

  while (ferry_link_send (fixture->link, 0, "long", one_string ("Text", text)))
    ;
  ferry_link_close (fixture->link);
  link_wait_settle ();
  g_assert_cmpuint (fixture->closed, ==, 0);
}

static void
test_send_too_long (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = g_strnfill (FERRY_FRAME_MAX, 'x');
  char byte;

  g_assert_false (ferry_link_send (fixture->link, 0, "long", one_string ("Text", text)));
  link_wait_settle ();
  g_assert_cmpint (recv (fixture->peer, &byte, 1, MSG_DONTWAIT), <, 0);
  g_assert_cmpuint (fixture->closed, ==, 0);

  /* The largest that fits goes through, there and back. */
  text[FERRY_FRAME_MAX - 64] = '\0';
  g_assert_true (ferry_link_send (fixture->link, 0, "long", one_string ("Text", text)));
  g_assert_true (ferry_link_send (fixture->link, 0, "short", NULL));
}

static gpointer
flood_thread (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (GByteArray) frame = make_frame (0, "flood", NULL);

  while (send (fixture->peer, frame->data, frame->len, MSG_NOSIGNAL) == (gssize) frame->len)
    ;
  return NULL;
}

static void
test_flood (void)
{
  Fixture fixture = { 0 };
  GThread *thread;
  gint64 start;
  gint64 seconds;

  set_up_bounded (&fixture, 50);
  thread = g_thread_new ("flood", flood_thread, &fixture);
  start = g_get_monotonic_time ();
  wait_until (fixture.kinds->len >= 120);
  seconds = (g_get_monotonic_time () - start) / G_USEC_PER_SEC;

  /* 50 at once, 50 after a second, the rest after another. */
  g_assert_cmpint (seconds, >=, 1);
  g_assert_cmpuint (fixture.kinds->len, <=, 150);
  ferry_link_close (fixture.link);
  g_thread_join (thread);
  tear_down (&fixture, NULL);
}

/* Long frames cost more of the same bound. */
static void
test_flood_of_long_frames (void)
{
  Fixture fixture = { 0 };
  g_autofree char *text = g_strnfill (40 * 1024, 'x');
  g_autoptr (GByteArray) frame = make_frame (0, "long", one_string ("Text", text));
  gint64 start = g_get_monotonic_time ();

  set_up_bounded (&fixture, 40);
  put (&fixture, frame->data, frame->len);
  put (&fixture, frame->data, frame->len);
  put (&fixture, frame->data, frame->len);
  wait_until (fixture.kinds->len == 1);
  link_wait_settle ();
  g_assert_cmpuint (fixture.kinds->len, ==, 1);
  wait_until (fixture.kinds->len == 2);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, G_USEC_PER_SEC / 2);
  tear_down (&fixture, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, data, function) g_test_add (path, Fixture, data, set_up, function, tear_down)
  ADD ("/link/bytes", NULL, test_bytes);
  ADD ("/link/partial", NULL, test_partial);
  ADD ("/link/too-long", NULL, test_too_long);
  ADD ("/link/absurd-length", NULL, test_absurd_length);
  ADD ("/link/empty", NULL, test_empty);
  ADD ("/link/malformed", NULL, test_malformed);
  ADD ("/link/bad-text", NULL, test_bad_text);
  ADD ("/link/peer-closes", NULL, test_peer_closes);
  ADD ("/link/peer-closes-midway", NULL, test_peer_closes_midway);
  ADD ("/link/close-in-message", NULL, test_close_in_message);
  ADD ("/link/free-in-message", "drop", test_close_in_message);
  ADD ("/link/peer-does-not-read", NULL, test_peer_does_not_read);
  ADD ("/link/close-when-full", NULL, test_close_when_full);
  ADD ("/link/send-too-long", NULL, test_send_too_long);
#undef ADD
  g_test_add_func ("/link/flipped-bytes", test_flipped_bytes);
  g_test_add_func ("/link/free-in-closed", test_free_in_closed);
  g_test_add_func ("/link/flood", test_flood);
  g_test_add_func ("/link/flood-of-long-frames", test_flood_of_long_frames);
  return g_test_run ();
}
