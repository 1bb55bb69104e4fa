/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ferry-agent: answers ferryd from the keyring of its user's session. */

#include "agent.h"
#include "ferry-config.h"
#include "ferry-error.h"
#include "ferry-text.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#define EXIT_USAGE 2

/* On the session bus: who has it is the session's one agent. */
#define AGENT_NAME "org.ferry.Transfer1.Agent"

#define REQUEST_NAME_DO_NOT_QUEUE  4u
#define REQUEST_NAME_PRIMARY_OWNER 1u

typedef struct
{
  GMainLoop *loop; /* (owned) */
  int status;
} Life;

/* What libraries say about what passes through them is nobody's business, whatever G_MESSAGES_DEBUG says. */
static GLogWriterOutput
writer_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  const char *domain = "a library";

  for (gsize i = 0; i < n_fields; i++)
    {
      if (g_str_equal (fields[i].key, "GLIB_DOMAIN"))
        domain = fields[i].value;
    }
  if ((level & G_LOG_LEVEL_MASK) <= G_LOG_LEVEL_WARNING)
    fprintf (stderr, "ferry-agent: a message of %s was left out\n", domain);
  return G_LOG_WRITER_HANDLED;
}

/* Before anything is read: no core dump, no tracing by the user's other programs, nothing logged. */
static void
secure_process (void)
{
  prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  g_log_set_writer_func (writer_cb, NULL, NULL);
  /* GLib would print every message on the bus. */
  g_unsetenv ("G_DBUS_DEBUG");
}

/* Returns: (nullable): the options; %NULL when the program is to end with @status */
static gboolean
parse (int argc, char **argv, int *status)
{
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "print the version", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_set_summary (context,
                                "Answers the Ferry service from the keyring of the session");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 1)
    {
      fprintf (stderr, "ferry-agent: %s\n",
               error != NULL ? error->message : "it takes no arguments");
      *status = EXIT_USAGE;
      return FALSE;
    }
  if (version)
    printf ("ferry-agent %s\n", FERRY_VERSION);
  *status = EXIT_SUCCESS;
  return !version;
}

/* Returns: (transfer full) (nullable): %NULL when that was said */
static GDBusConnection *
connect_to (GBusType type)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *bus = g_bus_get_sync (type, NULL, &error);
  g_autofree char *why = NULL;

  if (bus != NULL)
    {
      g_dbus_connection_set_exit_on_close (bus, FALSE);
      return bus;
    }

  why = ferry_text_clean (error->message, FERRY_TEXT_MAX);
  fprintf (stderr, "ferry-agent: there is no %s bus: %s\n",
           type == G_BUS_TYPE_SYSTEM ? "system" : "session", why);
  return NULL;
}

static gboolean
is_the_one (GDBusConnection *session)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      session, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "RequestName", g_variant_new ("(su)", AGENT_NAME, REQUEST_NAME_DO_NOT_QUEUE),
      G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
  guint code = 0;

  if (reply != NULL)
    g_variant_get (reply, "(u)", &code);
  return code == REQUEST_NAME_PRIMARY_OWNER;
}

/* The session is over. */
static void
session_closed_cb (GDBusConnection *bus, gboolean vanished, GError *error, gpointer user_data)
{
  g_main_loop_quit (((Life *) user_data)->loop);
}

/* The bus of the machine was started again: so must we be. */
static void
system_closed_cb (GDBusConnection *bus, gboolean vanished, GError *error, gpointer user_data)
{
  Life *life = user_data;

  life->status = EXIT_FAILURE;
  g_main_loop_quit (life->loop);
}

static gboolean
signal_cb (gpointer user_data)
{
  g_main_loop_quit (((Life *) user_data)->loop);
  return G_SOURCE_CONTINUE;
}

static int
serve (GDBusConnection *system, GDBusConnection *session)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Agent) agent = agent_new (system, session, &error);
  Life life = { g_main_loop_new (NULL, FALSE), EXIT_SUCCESS };
  guint sources[] = {
    g_unix_signal_add (SIGTERM, signal_cb, &life),
    g_unix_signal_add (SIGINT, signal_cb, &life),
  };
  gulong system_closed = g_signal_connect (system, "closed", G_CALLBACK (system_closed_cb), &life);
  gulong session_closed = g_signal_connect (session, "closed", G_CALLBACK (session_closed_cb),
                                            &life);

  if (agent != NULL)
    g_main_loop_run (life.loop);
  else
    {
      fprintf (stderr, "ferry-agent: %s\n", error->message);
      life.status = EXIT_FAILURE;
    }

  g_signal_handler_disconnect (system, system_closed);
  g_signal_handler_disconnect (session, session_closed);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  g_main_loop_unref (life.loop);
  return life.status;
}

int
main (int argc, char **argv)
{
  g_autoptr (GDBusConnection) system = NULL;
  g_autoptr (GDBusConnection) session = NULL;
  int status;

  secure_process ();
  setlocale (LC_ALL, "");
  g_set_prgname ("ferry-agent");
  if (!parse (argc, argv, &status))
    return status;

  /* The errors of our domain have their names on the bus. */
  (void) FERRY_ERROR;
  session = connect_to (G_BUS_TYPE_SESSION);
  system = session != NULL ? connect_to (G_BUS_TYPE_SYSTEM) : NULL;
  if (system == NULL)
    return EXIT_FAILURE;
  /* The desktop and systemd may both have started one. */
  return is_the_one (session) ? serve (system, session) : EXIT_SUCCESS;
}
