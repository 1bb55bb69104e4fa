/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real ferry-worker, told what to do by a double of ferryd. */

#include "ferry-config.h"
#include "ferry-link.h"
#include "ferry-worker-protocol.h"
#include "raw-server.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#include <signal.h>
#include <string.h>

#define TIMEOUT_SECONDS 60

typedef struct
{
  char *kind;
  guint32 id;
  GVariant *arguments;
} Message;

typedef struct
{
  char *directory;
  GSocketListener *listener;
  GSubprocess *process;
  FerryLink *link;
  GQueue messages; /* (element-type Message) */
  gboolean closed;
  guint32 last_id;
  guint64 last_attempt;
  RawServer *server;
} Fixture;

static void
free_message (gpointer data)
{
  Message *message = data;

  g_free (message->kind);
  g_variant_unref (message->arguments);
  g_free (message);
}

static void
message_cb (FerryLink *link, guint32 id, const char *kind, GVariant *arguments, gpointer data)
{
  Fixture *fixture = data;
  Message *message = g_new0 (Message, 1);

  message->kind = g_strdup (kind);
  message->id = id;
  message->arguments = g_variant_ref (arguments);
  g_queue_push_tail (&fixture->messages, message);
}

static void
closed_cb (FerryLink *link, const GError *error, gpointer data)
{
  Fixture *fixture = data;

  fixture->closed = TRUE;
}

static gboolean
timeout_cb (gpointer data)
{
  g_error ("Nothing came from the worker for %d s", TIMEOUT_SECONDS);
  return G_SOURCE_REMOVE;
}

/* Returns: (transfer full): the next message of @kind (and @id); those before it are dropped */
static GVariant *
wait_for (Fixture *fixture, const char *kind, guint32 id)
{
  guint timer = g_timeout_add_seconds (TIMEOUT_SECONDS, timeout_cb, NULL);

  while (TRUE)
    {
      Message *message = g_queue_pop_head (&fixture->messages);

      if (message == NULL)
        {
          g_assert_false (fixture->closed);
          g_main_context_iteration (NULL, TRUE);
          continue;
        }
      if (g_str_equal (message->kind, kind) && message->id == id)
        {
          GVariant *arguments = g_variant_ref (message->arguments);

          free_message (message);
          g_source_remove (timer);
          return arguments;
        }
      free_message (message);
    }
}

static GVariant *
request (Fixture *fixture, const char *kind, GVariant *arguments)
{
  guint32 id = ++fixture->last_id;

  g_assert_true (ferry_link_send (fixture->link, id, kind, arguments));
  return wait_for (fixture, "reply", id);
}

static void
accepted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection = NULL;

  connection = g_socket_listener_accept_finish (fixture->listener, result, NULL, &error);
  g_assert_no_error (error);
  fixture->link = ferry_link_new (connection, 0);
  ferry_link_run (fixture->link, message_cb, closed_cb, fixture);
}

static char *
content_new (gsize size)
{
  char *content = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    content[i] = (char) ((i * 2654435761u) >> 13);
  return content;
}

/* "/SIZE": that many bytes; "/hang": three bytes, then nothing. */
static gboolean
serve_cb (RawPeer *peer, const char *text, gpointer data)
{
  gsize size = g_ascii_strtoull (text + strlen ("GET /"), NULL, 10);
  g_autofree char *content = NULL;

  if (g_str_has_prefix (text, "GET /hang"))
    {
      raw_printf (peer, "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 1000\r\n\r\nabc");
      raw_wait_for_close (peer);
      return FALSE;
    }

  content = content_new (size);
  raw_printf (peer, "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n",
              size);
  raw_send (peer, content, size);
  return TRUE;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *option = NULL;
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GVariant) hello = NULL;
  const char *version;

  fixture->directory = g_dir_make_tmp ("ferry-test-XXXXXX", &error);
  g_assert_no_error (error);
  g_queue_init (&fixture->messages);
  fixture->server = raw_server_new (serve_cb, NULL);

  path = g_build_filename (fixture->directory, "socket", NULL);
  address = g_unix_socket_address_new (path);
  fixture->listener = g_socket_listener_new ();
  g_socket_listener_add_address (fixture->listener, address, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, &error);
  g_assert_no_error (error);
  g_socket_listener_accept_async (fixture->listener, NULL, accepted_cb, fixture);

  option = g_strdup_printf ("--socket=%s", path);
  fixture->process = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, g_getenv ("FERRY_WORKER"),
                                       option, NULL);
  g_assert_no_error (error);

  hello = wait_for (fixture, "hello", 0);
  g_assert_true (g_variant_lookup (hello, "Version", "&s", &version));
  g_assert_cmpstr (version, ==, FERRY_VERSION);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_remove (path);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  ferry_link_close (fixture->link);
  g_clear_object (&fixture->link);
  g_subprocess_wait (fixture->process, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (fixture->process));
  g_assert_cmpint (g_subprocess_get_exit_status (fixture->process), ==, 0);
  g_clear_object (&fixture->process);
  g_clear_object (&fixture->listener);
  g_queue_clear_full (&fixture->messages, free_message);
  raw_server_free (fixture->server);
  remove_tree (fixture->directory);
  g_free (fixture->directory);
}

static guint64
lookup_size (GVariant *arguments, const char *key)
{
  guint64 value = 0;

  g_assert_true (g_variant_lookup (arguments, key, "t", &value));
  return value;
}

static GVariant *
check_target (Fixture *fixture, const char *path)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) resumes = NULL;
  GVariantDict dict;
  GVariantBuilder paths;

  g_variant_builder_init (&paths, G_VARIANT_TYPE ("a(sb)"));
  g_variant_builder_add (&paths, "(sb)", path, FALSE);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Pid", "u", 0);
  g_variant_dict_insert_value (&dict, "Paths", g_variant_builder_end (&paths));
  reply = request (fixture, "check-targets", g_variant_dict_end (&dict));
  g_assert_false (g_variant_lookup (reply, "Error", "@a{sv}", NULL));
  resumes = g_variant_lookup_value (reply, "Resume", G_VARIANT_TYPE ("aa{sv}"));
  g_assert_nonnull (resumes);
  g_assert_cmpuint (g_variant_n_children (resumes), ==, 1);
  return g_variant_get_child_value (resumes, 0);
}

static guint64
start (Fixture *fixture, const char *url_path, const char *path, GVariant *resume)
{
  g_autofree char *url = raw_server_dup_url (fixture->server, url_path);
  g_autofree char *name = g_strdup_printf (".ferry-test-%s.part", strrchr (path, '/') + 1);
  GVariantDict dict;
  guint64 attempt = ++fixture->last_attempt;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Attempt", "t", attempt);
  g_variant_dict_insert (&dict, "Job", "s", "00112233445566778899aabbccddeeff");
  g_variant_dict_insert (&dict, "File", "u", 0);
  g_variant_dict_insert (&dict, "Url", "s", url);
  g_variant_dict_insert (&dict, "Path", "s", path);
  g_variant_dict_insert (&dict, "TemporaryName", "s", name);
  g_variant_dict_insert_value (&dict, "Resume", resume);
  g_assert_true (ferry_link_send (fixture->link, 0, "start", g_variant_dict_end (&dict)));
  return attempt;
}

static GVariant *
file_request (Fixture *fixture, const char *kind, const char *path, GVariant *end)
{
  g_autofree char *name = g_strdup_printf (".ferry-test-%s.part", strrchr (path, '/') + 1);
  g_autoptr (GVariant) resume = g_variant_lookup_value (end, "Resume", G_VARIANT_TYPE_VARDICT);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Path", "s", path);
  g_variant_dict_insert (&dict, "TemporaryName", "s", name);
  g_variant_dict_insert_value (&dict, "Resume", resume);
  g_variant_dict_insert (&dict, "Replace", "b", FALSE);
  g_variant_dict_insert (&dict, "Mode", "u", 0640);
  return request (fixture, kind, g_variant_dict_end (&dict));
}

static void
assert_success (GVariant *reply)
{
  g_autoptr (GVariant) error = g_variant_lookup_value (reply, "Error", NULL);

  if (error != NULL)
    {
      g_autofree char *text = g_variant_print (error, FALSE);

      g_error ("%s", text);
    }
}

static void
test_life (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "target", NULL);
  g_autoptr (GVariant) resume = check_target (fixture, path);
  g_autoptr (GVariant) done = NULL;
  g_autoptr (GVariant) checked = NULL;
  g_autoptr (GVariant) published = NULL;
  g_autofree char *expected = content_new (65536);
  g_autofree char *found = NULL;
  gsize length;
  guint64 bytes;
  guint32 status;
  GStatBuf info;

  start (fixture, "/65536", path, resume);
  done = wait_for (fixture, "done", 0);
  g_assert_true (g_variant_lookup (done, "Bytes", "t", &bytes));
  g_assert_cmpuint (bytes, ==, 65536);
  g_assert_true (g_variant_lookup (done, "HttpStatus", "u", &status));
  g_assert_cmpuint (status, ==, 200);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));

  checked = file_request (fixture, "check-publish", path, done);
  assert_success (checked);
  published = file_request (fixture, "publish", path, done);
  assert_success (published);
  g_assert_true (g_file_get_contents (path, &found, &length, NULL));
  g_assert_cmpmem (found, length, expected, 65536);
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 07777, ==, 0640);
}

static void
test_remove (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "target", NULL);
  g_autofree char *part = g_build_filename (fixture->directory, ".ferry-test-target.part", NULL);
  g_autoptr (GVariant) resume = check_target (fixture, path);
  g_autoptr (GVariant) done = NULL;
  g_autoptr (GVariant) removed = NULL;

  start (fixture, "/100000", path, resume);
  done = wait_for (fixture, "done", 0);
  g_assert_true (g_file_test (part, G_FILE_TEST_EXISTS));
  removed = file_request (fixture, "remove", path, done);
  assert_success (removed);
  g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
}

/* What was fetched can be read back before it has its name. */
static void
test_read (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "target", NULL);
  g_autoptr (GVariant) resume = check_target (fixture, path);
  g_autoptr (GVariant) done = NULL;
  g_autofree char *expected = content_new (65536);
  const guint64 offsets[] = { 0, 65530, 65536 };
  const gsize sizes[] = { FERRY_READ_MAX, 6, 0 };

  start (fixture, "/65536", path, resume);
  done = wait_for (fixture, "done", 0);
  for (guint i = 0; i < G_N_ELEMENTS (offsets); i++)
    {
      g_autoptr (GVariant) left = g_variant_lookup_value (done, "Resume", G_VARIANT_TYPE_VARDICT);
      g_autoptr (GVariant) reply = NULL;
      g_autoptr (GVariant) bytes = NULL;
      gconstpointer found;
      gsize n;
      GVariantDict dict;

      g_variant_dict_init (&dict, NULL);
      g_variant_dict_insert (&dict, "Path", "s", path);
      g_variant_dict_insert (&dict, "TemporaryName", "s", ".ferry-test-target.part");
      g_variant_dict_insert_value (&dict, "Resume", left);
      g_variant_dict_insert (&dict, "Offset", "t", offsets[i]);
      g_variant_dict_insert (&dict, "Size", "u", G_MAXUINT32);
      reply = request (fixture, "read", g_variant_dict_end (&dict));
      assert_success (reply);
      bytes = g_variant_lookup_value (reply, "Data", G_VARIANT_TYPE_BYTESTRING);
      found = g_variant_get_fixed_array (bytes, &n, 1);
      g_assert_cmpmem (found, n, expected + offsets[i], sizes[i]);
    }
}

static void
test_sources (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "source", NULL);
  const char *paths[] = { path, NULL, NULL };
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) refusal = NULL;
  g_autoptr (GVariant) sizes = NULL;
  guint64 size;
  guint32 index;

  g_assert_true (g_file_set_contents (path, "12345", 5, NULL));
  reply = request (fixture, "check-sources", g_variant_new_parsed ("{'Paths': <%^as>}", paths));
  assert_success (reply);
  sizes = g_variant_lookup_value (reply, "Sizes", G_VARIANT_TYPE ("at"));
  g_variant_get_child (sizes, 0, "t", &size);
  g_assert_cmpuint (size, ==, 5);

  paths[1] = fixture->directory;
  refusal = request (fixture, "check-sources", g_variant_new_parsed ("{'Paths': <%^as>}", paths));
  g_assert_true (g_variant_lookup (refusal, "Index", "u", &index));
  g_assert_cmpuint (index, ==, 1);
}

static void
test_cancel_upload (Fixture *fixture, gconstpointer data)
{
  g_autofree char *url = raw_server_dup_url (fixture->server, "/5");
  g_autoptr (GVariant) nothing = NULL;
  g_autoptr (GVariant) told = NULL;
  g_autoptr (GVariant) bad = NULL;
  g_autofree char *asked = NULL;

  nothing = request (fixture, "cancel-upload", g_variant_new_parsed ("{'Url': <%s>}", url));
  assert_success (nothing);
  g_assert_cmpuint (raw_server_get_n_requests (fixture->server), ==, 0);

  told = request (fixture, "cancel-upload",
                  g_variant_new_parsed ("{'Url': <%s>, 'Resume': <{'Protocol': <'tus'>, "
                                        "'Session': <true>, 'Id': <%s>}>}",
                                        url, url));
  assert_success (told);
  asked = raw_server_dup_request (fixture->server, 0);
  g_assert_true (g_str_has_prefix (asked, "DELETE /5 "));

  bad = request (fixture, "cancel-upload", NULL);
  g_assert_true (g_variant_lookup (bad, "Error", "@a{sv}", NULL));
}

/* Asks for checkpoints until one tells of bytes. */
static guint64
checkpoint_until_bytes (Fixture *fixture)
{
  guint64 bytes = 0;

  while (bytes == 0)
    {
      g_autoptr (GVariant) reply = NULL;
      guint32 id = ++fixture->last_id;
      Message *message;

      g_assert_true (ferry_link_send (fixture->link, id, "checkpoint", NULL));
      while ((message = g_queue_peek_tail (&fixture->messages)) == NULL || message->id != id)
        g_main_context_iteration (NULL, TRUE);
      while (!g_str_equal ((message = g_queue_pop_head (&fixture->messages))->kind, "reply"))
        {
          if (g_str_equal (message->kind, "checkpoint"))
            g_assert_true (g_variant_lookup (message->arguments, "Bytes", "t", &bytes));
          free_message (message);
        }
      assert_success (message->arguments);
      free_message (message);
    }
  return bytes;
}

static void
test_stop (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "target", NULL);
  g_autoptr (GVariant) resume = check_target (fixture, path);
  g_autoptr (GVariant) stopped = NULL;
  guint64 attempt = start (fixture, "/hang", path, resume);
  guint64 bytes;
  GVariantDict dict;

  g_assert_cmpuint (checkpoint_until_bytes (fixture), ==, 3);

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Attempt", "t", attempt);
  g_assert_true (ferry_link_send (fixture->link, 0, "stop", g_variant_dict_end (&dict)));
  stopped = wait_for (fixture, "stopped", 0);
  g_assert_true (g_variant_lookup (stopped, "Bytes", "t", &bytes));
  g_assert_cmpuint (bytes, ==, 3);
}

static void
test_refused_target (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "absent", "target", NULL);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) error = NULL;
  GVariantBuilder paths;
  GVariantDict dict;
  const char *name;
  guint32 index;

  g_variant_builder_init (&paths, G_VARIANT_TYPE ("a(sb)"));
  g_variant_builder_add (&paths, "(sb)", path, FALSE);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert_value (&dict, "Paths", g_variant_builder_end (&paths));
  reply = request (fixture, "check-targets", g_variant_dict_end (&dict));
  g_assert_true (g_variant_lookup (reply, "Index", "u", &index));
  g_assert_cmpuint (index, ==, 0);
  error = g_variant_lookup_value (reply, "Error", G_VARIANT_TYPE_VARDICT);
  g_assert_nonnull (error);
  g_assert_true (g_variant_lookup (error, "Name", "&s", &name));
  g_assert_cmpstr (name, ==, "org.ferry.Transfer1.Error.NoFileAccess");
}

static void
test_unknown_request (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) reply = request (fixture, "juggle", NULL);
  g_autoptr (GVariant) error = g_variant_lookup_value (reply, "Error", G_VARIANT_TYPE_VARDICT);

  g_assert_nonnull (error);
}

/* What came before a server fell silent is made durable without being asked. */
static void
test_silence (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "target", NULL);
  g_autoptr (GVariant) resume = check_target (fixture, path);
  g_autoptr (GVariant) checkpoint = NULL;

  start (fixture, "/hang", path, resume);
  checkpoint = wait_for (fixture, "checkpoint", 0);
  g_assert_cmpuint (lookup_size (checkpoint, "Bytes"), ==, 3);
}

/* More at a time than there is room for is refused, and may be tried again. */
static void
test_too_many (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) failed = NULL;
  gboolean transient;

  for (guint i = 0; i <= FERRY_WORKER_MAX_ATTEMPTS; i++)
    {
      g_autofree char *name = g_strdup_printf ("target-%u", i);
      g_autofree char *path = g_build_filename (fixture->directory, name, NULL);
      g_autoptr (GVariant) resume = check_target (fixture, path);

      start (fixture, "/hang", path, resume);
    }
  failed = wait_for (fixture, "failed", 0);
  g_assert_cmpuint (lookup_size (failed, "Attempt"), ==, FERRY_WORKER_MAX_ATTEMPTS + 1);
  g_assert_true (g_variant_lookup (failed, "Transient", "b", &transient));
  g_assert_true (transient);
}

/* systemd stops it: what came is made durable, and told, before it goes; tear_down() sees how. */
static void
test_terminated (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "target", NULL);
  g_autoptr (GVariant) resume = check_target (fixture, path);
  guint64 attempt = start (fixture, "/hang", path, resume);
  g_autoptr (GVariant) progress = wait_for (fixture, "progress", 0);
  g_autoptr (GVariant) checkpoint = NULL;

  g_assert_cmpuint (lookup_size (progress, "Bytes"), ==, 3);
  g_subprocess_send_signal (fixture->process, SIGTERM);
  checkpoint = wait_for (fixture, "checkpoint", 0);
  g_assert_cmpuint (lookup_size (checkpoint, "Attempt"), ==, attempt);
  g_assert_cmpuint (lookup_size (checkpoint, "Bytes"), ==, 3);
  while (!fixture->closed)
    g_main_context_iteration (NULL, TRUE);
}

/* When ferryd goes, so does the worker, whatever it was at: tear_down() waits for it. */
static void
test_link_lost (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "target", NULL);
  g_autoptr (GVariant) resume = check_target (fixture, path);

  start (fixture, "/hang", path, resume);
  g_assert_cmpuint (checkpoint_until_bytes (fixture), ==, 3);
}

/* An order that makes no sense is a failure of that attempt, not of the worker. */
static void
test_bad_order (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) failed = NULL;
  g_autoptr (GVariant) reply = NULL;

  g_assert_true (ferry_link_send (fixture->link, 0, "start",
                                  g_variant_new_parsed ("{'Attempt': <uint64 5>}")));
  failed = wait_for (fixture, "failed", 0);
  g_assert_cmpuint (lookup_size (failed, "Attempt"), ==, 5);
  reply = request (fixture, "checkpoint", NULL);
  assert_success (reply);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/worker-process/life", Fixture, NULL, set_up, test_life, tear_down);
  g_test_add ("/worker-process/remove", Fixture, NULL, set_up, test_remove, tear_down);
  g_test_add ("/worker-process/read", Fixture, NULL, set_up, test_read, tear_down);
  g_test_add ("/worker-process/sources", Fixture, NULL, set_up, test_sources, tear_down);
  g_test_add ("/worker-process/cancel-upload", Fixture, NULL, set_up, test_cancel_upload,
              tear_down);
  g_test_add ("/worker-process/stop", Fixture, NULL, set_up, test_stop, tear_down);
  g_test_add ("/worker-process/refused-target", Fixture, NULL, set_up, test_refused_target,
              tear_down);
  g_test_add ("/worker-process/unknown-request", Fixture, NULL, set_up, test_unknown_request,
              tear_down);
  g_test_add ("/worker-process/silence", Fixture, NULL, set_up, test_silence, tear_down);
  g_test_add ("/worker-process/too-many", Fixture, NULL, set_up, test_too_many, tear_down);
  g_test_add ("/worker-process/link-lost", Fixture, NULL, set_up, test_link_lost, tear_down);
  g_test_add ("/worker-process/terminated", Fixture, NULL, set_up, test_terminated, tear_down);
  g_test_add ("/worker-process/bad-order", Fixture, NULL, set_up, test_bad_order, tear_down);
  return g_test_run ();
}
