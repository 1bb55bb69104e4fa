/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker for tests. What it does is said by the file "mode" beside the socket that it is given; without one it says
 * hello and answers what it is asked. */

#include "ferry-config.h"
#include "ferry-link.h"

#include <gio/gunixsocketaddress.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As it was at the start, before GLib opened or ignored anything; "0 /dev/null;1 ...;" */
static char *descriptors;
static char *status;

static void
note_start (void)
{
  GString *text = g_string_new (NULL);

  for (int fd = 0; fd < 1024; fd++)
    {
      g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
      g_autofree char *target = g_file_read_link (path, NULL);

      if (target != NULL)
        g_string_append_printf (text, "%d %s;", fd, target);
    }
  descriptors = g_string_free (text, FALSE);
  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
}

/* All that a test wants to know of how it was started. */
static GVariant *
describe (void)
{
  g_autofree char *directory = g_get_current_dir ();
  g_auto (GStrv) environment = g_get_environ ();
  GVariantDict dict;
  sigset_t mask;
  mode_t mode = umask (0);
  guint blocked = 0;

  umask (mode);
  sigprocmask (SIG_SETMASK, NULL, &mask);
  for (int i = 1; i < 32; i++)
    blocked += sigismember (&mask, i) == 1;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Pid", "u", (guint32) getpid ());
  g_variant_dict_insert (&dict, "Status", "s", status);
  g_variant_dict_insert (&dict, "Descriptors", "s", descriptors);
  g_variant_dict_insert (&dict, "Environment", "^as", environment);
  g_variant_dict_insert (&dict, "Directory", "s", directory);
  g_variant_dict_insert (&dict, "Umask", "u", (guint32) mode);
  g_variant_dict_insert (&dict, "Blocked", "u", blocked);
  g_variant_dict_insert (&dict, "Leader", "b", getsid (0) == getpid () && getpgrp () == getpid ());
  g_variant_dict_insert (&dict, "CanReturn", "b", getuid () != 0 && setuid (0) == 0);
  return g_variant_dict_end (&dict);
}

static void
on_message (FerryLink *link, guint32 id, const char *kind, GVariant *arguments, gpointer data)
{
  const char *mode = data;

  if (g_str_equal (mode, "hang"))
    return;
  if (g_str_equal (mode, "unknown-id"))
    ferry_link_send (link, id + 1000, "reply", NULL);
  else if (g_str_equal (kind, "describe"))
    ferry_link_send (link, id, "reply", describe ());
  else if (g_str_equal (kind, "exit"))
    exit (42);
  else if (g_str_equal (kind, "fork"))
    {
      /* A child that outlives us, if it is let. */
      pid_t child = fork ();

      if (child == 0)
        for (;;)
          pause ();
      ferry_link_send (link, id, "reply", g_variant_new_parsed ("{'Pid': <%u>}", (guint32) child));
    }
  else
    ferry_link_send (link, id, "reply", arguments);
}

static void
on_closed (FerryLink *link, const GError *error, gpointer data)
{
  exit (0);
}

static GSocketConnection *
connect_to (const char *path)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address),
                                                           NULL, &error);

  if (connection == NULL)
    {
      fprintf (stderr, "fake-worker: %s: %s\n", path, error->message);
      exit (1);
    }
  return connection;
}

static void
send_garbage (GSocketConnection *connection)
{
  g_socket_send (g_socket_connection_get_socket (connection), "\xff\xff\xff\xff garbage", 12, NULL,
                 NULL);
}

static void
flood (FerryLink *link)
{
  for (;;)
    {
      ferry_link_send (link, 0, "progress", NULL);
      ferry_link_flush (link);
    }
}

int
main (int argc, char **argv)
{
  g_autofree char *directory = NULL;
  g_autofree char *mode_path = NULL;
  g_autofree char *mode = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (FerryLink) link = NULL;
  const char *version = FERRY_VERSION;

  note_start ();
  if (argc != 2 || !g_str_has_prefix (argv[1], "--socket="))
    return 2;
  directory = g_path_get_dirname (argv[1] + strlen ("--socket="));
  mode_path = g_build_filename (directory, "mode", NULL);
  if (!g_file_get_contents (mode_path, &mode, NULL, NULL))
    mode = g_strdup ("good");

  if (g_str_equal (mode, "crash"))
    raise (SIGKILL);
  if (g_str_equal (mode, "deaf"))
    {
      signal (SIGTERM, SIG_IGN);
      for (;;)
        pause ();
    }

  connection = connect_to (argv[1] + strlen ("--socket="));
  if (g_str_equal (mode, "garbage"))
    send_garbage (connection);
  if (g_str_equal (mode, "wrong-version"))
    version = "none";
  if (g_str_equal (mode, "hang"))
    signal (SIGTERM, SIG_IGN);
  link = ferry_link_new (connection, 0);
  ferry_link_run (link, on_message, on_closed, mode);
  if (!g_str_equal (mode, "silent"))
    ferry_link_send (link, 0, "hello", g_variant_new_parsed ("{'Version': <%s>}", version));
  if (g_str_equal (mode, "flood"))
    flood (link);

  for (;;)
    g_main_context_iteration (NULL, TRUE);
}
