/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many jobs over one connection, with several calls on their way at a time, as a program does that has many things to
 * fetch. A command a line on standard input, fields apart by tabs; the answer is one JSON value a line.
 *
 *   run-all LIST           LIST: a file with "URL<tab>PATH" a line; answers null when all have said Transferred
 *   create COUNT URL DIR   makes suspended jobs of one file; answers their object paths
 *   time-get-all STEP      one GetAll for every STEPth job that was created; answers the seconds of each
 */

#include "ferry-names.h"

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>

/* ferryd takes 32 unanswered calls of a connection. */
#define IN_FLIGHT 24

#define TIMEOUT 60000 /* ms */

/** What is still to be called. */
typedef struct
{
  char *path; /* (owned) */
  const char *interface;
  const char *method;
  GVariant *parameters; /* (owned) */
} Call;

typedef struct
{
  GDBusConnection *connection; /* (owned) */
  GMainLoop *loop;             /* (owned) */
  GPtrArray *calls;            /* (owned) (element-type Call) */
  guint next;
  guint unanswered;
  guint unfinished;   /* jobs that have not said Transferred */
  GPtrArray *created; /* (owned) (element-type utf8): object paths that calls answered */
} Peer;

static void
call_free (gpointer data)
{
  Call *call = data;

  g_free (call->path);
  g_variant_unref (call->parameters);
  g_free (call);
}

static void
add_call (Peer *peer, const char *path, const char *interface, const char *method,
          GVariant *parameters)
{
  Call *call = g_new0 (Call, 1);

  call->path = g_strdup (path);
  call->interface = interface;
  call->method = method;
  call->parameters = g_variant_ref_sink (parameters);
  g_ptr_array_add (peer->calls, call);
}

static void
look (Peer *peer)
{
  if (peer->unanswered == 0 && peer->unfinished == 0 && peer->next == peer->calls->len)
    g_main_loop_quit (peer->loop);
}

static void call_next (Peer *peer);

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Peer *peer = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (reply == NULL)
    g_error ("%s", error->message);
  if (g_variant_is_of_type (reply, G_VARIANT_TYPE ("(o)")))
    {
      char *path;

      g_variant_get (reply, "(o)", &path);
      g_ptr_array_add (peer->created, path);
    }
  peer->unanswered--;
  call_next (peer);
  look (peer);
}

static void
call_next (Peer *peer)
{
  const Call *call;

  if (peer->next == peer->calls->len)
    return;
  call = g_ptr_array_index (peer->calls, peer->next++);
  peer->unanswered++;
  g_dbus_connection_call (peer->connection, FERRY_BUS_NAME, call->path, call->interface,
                          call->method, call->parameters, NULL, G_DBUS_CALL_FLAGS_NONE, TIMEOUT,
                          NULL, answered_cb, peer);
}

/* A few at a time, until all are answered and no job is unfinished. */
static void
call_all (Peer *peer)
{
  peer->next = 0;
  for (guint i = 0; i < IN_FLIGHT; i++)
    call_next (peer);
  g_main_loop_run (peer->loop);
  g_ptr_array_set_size (peer->calls, 0);
}

static void
signal_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *signal, GVariant *parameters, gpointer data)
{
  Peer *peer = data;

  if (g_str_equal (signal, "Failed"))
    g_error ("Job %s failed", path);
  if (!g_str_equal (signal, "Transferred"))
    return;
  peer->unfinished--;
  look (peer);
}

static void
run_all (Peer *peer, const char *list)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (list, &text, NULL, NULL))
    g_error ("Cannot read %s", list);
  lines = g_strsplit (g_strchomp (text), "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) fields = g_strsplit (lines[i], "\t", 2);

      add_call (peer, FERRY_ROOT_PATH, FERRY_MANAGER_INTERFACE, "SubmitJob",
                g_variant_new_parsed ("('small', 'download', [(%s, %s, @a{sv} {})], "
                                      "{'AutoComplete': <true>})",
                                      fields[0], fields[1]));
    }
  peer->unfinished = g_strv_length (lines);
  call_all (peer);
  g_ptr_array_set_size (peer->created, 0);
  g_print ("null\n");
}

static void
create (Peer *peer, guint count, const char *url, const char *folder)
{
  for (guint i = 0; i < count; i++)
    add_call (peer, FERRY_ROOT_PATH, FERRY_MANAGER_INTERFACE, "CreateJob",
              g_variant_new_parsed ("('stored', 'download', @a{sv} {})"));
  call_all (peer);
  for (guint i = 0; i < peer->created->len; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/file-%u", folder, i);

      add_call (peer, g_ptr_array_index (peer->created, i), FERRY_JOB_INTERFACE, "AddFile",
                g_variant_new_parsed ("(%s, %s, @a{sv} {})", url, path));
    }
  call_all (peer);
  g_print ("%u\n", peer->created->len);
}

static void
time_get_all (Peer *peer, guint step)
{
  for (guint i = 0; i < peer->created->len; i += step)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = NULL;
      gint64 begin = g_get_monotonic_time ();

      reply = g_dbus_connection_call_sync (peer->connection, FERRY_BUS_NAME,
                                           g_ptr_array_index (peer->created, i),
                                           "org.freedesktop.DBus.Properties", "GetAll",
                                           g_variant_new ("(s)", FERRY_JOB_INTERFACE), NULL,
                                           G_DBUS_CALL_FLAGS_NONE, TIMEOUT, NULL, &error);
      if (reply == NULL)
        g_error ("%s", error->message);
      g_print ("%s%.6f", i == 0 ? "[" : ", ",
               (g_get_monotonic_time () - begin) / (double) G_USEC_PER_SEC);
    }
  g_print ("]\n");
}

static void
obey (Peer *peer, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, "\t", -1);
  guint n = g_strv_length (words);

  if (n == 2 && g_str_equal (words[0], "run-all"))
    run_all (peer, words[1]);
  else if (n == 4 && g_str_equal (words[0], "create"))
    create (peer, (guint) atoi (words[1]), words[2], words[3]);
  else if (n == 2 && g_str_equal (words[0], "time-get-all"))
    time_get_all (peer, (guint) atoi (words[1]));
  else
    g_error ("Unknown command: %s", line);
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  char line[4096];
  Peer peer = { 0 };

  g_assert (argc == 2);
  peer.connection = g_dbus_connection_new_for_address_sync (
      argv[1],
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
          G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);
  if (peer.connection == NULL)
    g_error ("%s", error->message);
  peer.loop = g_main_loop_new (NULL, FALSE);
  peer.calls = g_ptr_array_new_with_free_func (call_free);
  peer.created = g_ptr_array_new_with_free_func (g_free);
  g_dbus_connection_signal_subscribe (peer.connection, FERRY_BUS_NAME, FERRY_JOB_INTERFACE, NULL,
                                      NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, signal_cb, &peer, NULL);

  while (fgets (line, sizeof line, stdin) != NULL)
    obey (&peer, g_strchomp (line));

  g_ptr_array_unref (peer.calls);
  g_ptr_array_unref (peer.created);
  g_main_loop_unref (peer.loop);
  g_object_unref (peer.connection);
  return EXIT_SUCCESS;
}
