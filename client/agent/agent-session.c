/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "agent-session.h"

#include "agent-prompt.h"

#define KEYRING_NAME "org.freedesktop.secrets"

/* What a keyring says when it may have what it had not. */
static const struct
{
  const char *interface;
  const char *member;
} keyring_signals[] = {
  { "org.freedesktop.Secret.Collection", "ItemCreated" },
  { "org.freedesktop.Secret.Collection", "ItemChanged" },
  /* Unlocked, too. */
  { "org.freedesktop.Secret.Service", "CollectionChanged" },
};

struct _AgentSession
{
  GDBusConnection *bus; /* (owned) */
  gboolean startable;   /* whether the session can start a program that shows dialogs */
  gboolean shown;       /* whether one runs */
  gboolean keyring;     /* whether there is one */
  guint prompter_watch;
  guint keyring_watch;
  guint keyring_watches[G_N_ELEMENTS (keyring_signals)];
  void (*changed) (gpointer user_data);
  gpointer user_data;
};

gboolean
agent_session_is_interactive (AgentSession *self)
{
  return self->shown || self->startable;
}

static void
tell (AgentSession *self)
{
  self->changed (self->user_data);
}

static void
set_shown (AgentSession *self, gboolean shown)
{
  gboolean before = agent_session_is_interactive (self);

  self->shown = shown;
  if (agent_session_is_interactive (self) != before)
    tell (self);
}

static void
prompter_appeared_cb (GDBusConnection *connection, const char *name, const char *owner,
                      gpointer user_data)
{
  set_shown (user_data, TRUE);
}

static void
prompter_vanished_cb (GDBusConnection *connection, const char *name, gpointer user_data)
{
  set_shown (user_data, FALSE);
}

/* Somebody may just have saved what was wanted. */
static void
keyring_changed_cb (GDBusConnection *connection, const char *sender, const char *path,
                    const char *interface, const char *member, GVariant *arguments,
                    gpointer user_data)
{
  tell (user_data);
}

/* It may start after us, and be open then. */
static void
keyring_appeared_cb (GDBusConnection *connection, const char *name, const char *owner,
                     gpointer user_data)
{
  AgentSession *self = user_data;

  if (!self->keyring)
    tell (self);
  self->keyring = TRUE;
}

static void
keyring_vanished_cb (GDBusConnection *connection, const char *name, gpointer user_data)
{
  AgentSession *self = user_data;

  self->keyring = FALSE;
}

static GVariant *
call_bus (GDBusConnection *bus, const char *method, GVariant *arguments, const char *type)
{
  return g_dbus_connection_call_sync (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                      "org.freedesktop.DBus", method, arguments,
                                      G_VARIANT_TYPE (type), G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                                      NULL);
}

/* The watch tells later, and the first registration is to be right. */
static gboolean
has_owner (GDBusConnection *bus, const char *name)
{
  g_autoptr (GVariant) reply = call_bus (bus, "NameHasOwner", g_variant_new ("(s)", name), "(b)");
  gboolean has = FALSE;

  if (reply != NULL)
    g_variant_get (reply, "(b)", &has);
  return has;
}

/* One that can be started is of use only where it can show a window. */
static gboolean
is_startable (GDBusConnection *bus)
{
  g_autoptr (GVariant) reply = NULL;
  g_autofree const char **names = NULL;

  if (g_getenv ("WAYLAND_DISPLAY") == NULL && g_getenv ("DISPLAY") == NULL)
    return FALSE;

  reply = call_bus (bus, "ListActivatableNames", NULL, "(as)");
  if (reply == NULL)
    return FALSE;
  g_variant_get (reply, "(^a&s)", &names);
  return g_strv_contains (names, AGENT_PROMPTER_NAME);
}

AgentSession *
agent_session_new (GDBusConnection *bus, void (*changed) (gpointer user_data), gpointer user_data)
{
  AgentSession *self = g_new0 (AgentSession, 1);

  self->bus = g_object_ref (bus);
  self->startable = is_startable (bus);
  self->shown = has_owner (bus, AGENT_PROMPTER_NAME);
  self->keyring = has_owner (bus, KEYRING_NAME);
  self->changed = changed;
  self->user_data = user_data;
  self->prompter_watch = g_bus_watch_name_on_connection (bus, AGENT_PROMPTER_NAME,
                                                         G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                         prompter_appeared_cb, prompter_vanished_cb,
                                                         self, NULL);
  self->keyring_watch = g_bus_watch_name_on_connection (bus, KEYRING_NAME,
                                                        G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                        keyring_appeared_cb, keyring_vanished_cb,
                                                        self, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (keyring_signals); i++)
    self->keyring_watches[i] = g_dbus_connection_signal_subscribe (
        bus, KEYRING_NAME, keyring_signals[i].interface, keyring_signals[i].member, NULL, NULL,
        G_DBUS_SIGNAL_FLAGS_NONE, keyring_changed_cb, self, NULL);
  return self;
}

void
agent_session_free (AgentSession *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (self->keyring_watches); i++)
    g_dbus_connection_signal_unsubscribe (self->bus, self->keyring_watches[i]);
  g_bus_unwatch_name (self->keyring_watch);
  g_bus_unwatch_name (self->prompter_watch);
  g_object_unref (self->bus);
  g_free (self);
}
