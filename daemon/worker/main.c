/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ferry-worker: HTTP and files of one user, on behalf of ferryd. */

#include "ferry-config.h"
#include "ferry-link.h"
#include "ferry-worker-protocol.h"
#include "worker-chores.h"
#include "worker-session.h"
#include "worker.h"

#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Threads share this many heaps: each has its own waste, and ours mostly wait. */
#define MALLOC_ARENAS 2

#define EXIT_USAGE 2

/* What it takes to end in order. */
typedef struct
{
  FerryLink *link; /* (unowned) */
  Worker *worker;  /* (unowned) */
} Ending;

/* Libraries may put an address or a header into what they log; of theirs only the fact is told. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  const char *message = NULL;
  const char *domain = NULL;

  for (gsize i = 0; i < n_fields; i++)
    {
      if (g_str_equal (fields[i].key, "MESSAGE"))
        message = fields[i].value;
      else if (g_str_equal (fields[i].key, "GLIB_DOMAIN"))
        domain = fields[i].value;
    }

  if (level & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG))
    return G_LOG_WRITER_HANDLED;
  if (domain == NULL || g_str_has_prefix (domain, "GLib"))
    fprintf (stderr, "ferry-worker: %s\n", message != NULL ? message : "");
  else
    fprintf (stderr, "ferry-worker: a message of %s was left out\n", domain);
  return G_LOG_WRITER_HANDLED;
}

/* Everything that this process is for its user's other programs and for the kernel, before anything
 * is read. */
static gboolean
secure_process (void)
{
  if (getuid () != geteuid () || getgid () != getegid () || getauxval (AT_SECURE) != 0)
    {
      fprintf (stderr, "ferry-worker: must not be installed set-user-id or set-group-id\n");
      return FALSE;
    }
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    {
      perror ("ferry-worker: cannot give up privileges");
      return FALSE;
    }

  umask (0);
  signal (SIGPIPE, SIG_IGN);
  mallopt (M_ARENA_MAX, MALLOC_ARENAS);
  mallopt (M_MMAP_THRESHOLD, 128 * 1024);
  worker_sessions_init_process ();
  return TRUE;
}

/* At once, whatever the threads do: what they write from now on nobody will hear of, and it is
 * fetched again. */
static void
closed_cb (FerryLink *link, const GError *error, gpointer data)
{
  _exit (EXIT_SUCCESS);
}

static void
ended_cb (gpointer data)
{
  ferry_link_flush (data);
  _exit (EXIT_SUCCESS);
}

/* systemd stops us, or the machine: what was fetched is kept. ferryd closes the link first. */
static gboolean
terminate_cb (gpointer data)
{
  Ending *ending = data;

  worker_end (ending->worker, ended_cb, ending->link);
  return G_SOURCE_CONTINUE;
}

static GSocketConnection *
connect_to_ferryd (const char *path, GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);

  g_socket_client_set_enable_proxy (client, FALSE);
  return g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, error);
}

static char *
parse_options (int *argc, char ***argv)
{
  char *path = NULL;
  const GOptionEntry entries[] = {
    { "socket", 0, 0, G_OPTION_ARG_FILENAME, &path, "Socket of ferryd", "PATH" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, &error))
    fprintf (stderr, "ferry-worker: %s\n", error->message);
  else if (path == NULL || *argc > 1)
    fprintf (stderr, "ferry-worker: usage: ferry-worker --socket=PATH (started by ferryd)\n");
  else
    return path;
  g_free (path);
  return NULL;
}

int
main (int argc, char **argv)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GMainLoop) loop = NULL;
  g_autoptr (FerryLink) link = NULL;
  Ending ending;

  if (!secure_process ())
    return EXIT_FAILURE;
  g_log_set_writer_func (write_log, NULL, NULL);
  path = parse_options (&argc, &argv);
  if (path == NULL)
    return EXIT_USAGE;

  connection = connect_to_ferryd (path, &error);
  if (connection == NULL)
    {
      fprintf (stderr, "ferry-worker: %s\n", error->message);
      return EXIT_FAILURE;
    }

  loop = g_main_loop_new (NULL, FALSE);
  link = ferry_link_new (connection, 0);
  ending = (Ending){ link, worker_new (link, WORKER_CHORE_PATIENCE, NULL) };
  g_unix_signal_add (SIGTERM, terminate_cb, &ending);
  ferry_link_run (link, worker_handle, closed_cb, ending.worker);
  ferry_link_send (link, 0, "hello", g_variant_new_parsed ("{'Version': <%s>}", FERRY_VERSION));
  g_main_loop_run (loop);
  return EXIT_SUCCESS;
}
