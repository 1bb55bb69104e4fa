/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "agent-registration.h"

#include "agent-prompt.h"
#include "ferry-names.h"
#include "ferry-text.h"

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

struct _AgentRegistration
{
  GDBusConnection *system;  /* (owned) */
  GDBusConnection *session; /* (owned) */
  char *owner;              /* (owned) (nullable): of org.ferry.Transfer1 */
  gboolean startable;       /* whether the session can start a program that shows dialogs */
  gboolean shown;           /* whether one runs */
  gboolean keyring;         /* whether there is one */
  guint service_watch;
  guint prompter_watch;
  guint keyring_watch;
  guint keyring_watches[G_N_ELEMENTS (keyring_signals)];
  void (*gone) (gpointer user_data);
  gpointer user_data;
};

gboolean
agent_registration_is_service (AgentRegistration *self, const char *sender)
{
  return self->owner != NULL && g_strcmp0 (self->owner, sender) == 0;
}

gboolean
agent_registration_is_interactive (AgentRegistration *self)
{
  return self->shown || self->startable;
}

static void
registered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autofree char *clean = NULL;

  if (reply != NULL)
    return;

  clean = ferry_text_clean (error->message, FERRY_TEXT_MAX);
  g_printerr ("ferry-agent: ferryd does not take this agent: %s\n", clean);
}

static void
register_agent (AgentRegistration *self)
{
  GVariantBuilder capabilities;

  if (self->owner == NULL)
    return;

  g_variant_builder_init (&capabilities, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&capabilities, "{sv}", "Interactive",
                         g_variant_new_boolean (agent_registration_is_interactive (self)));
  /* To its unique name: the call must not start another ferryd when this one ends. */
  g_dbus_connection_call (self->system, self->owner, FERRY_ROOT_PATH, FERRY_AGENT_MANAGER_INTERFACE,
                          "RegisterAgent", g_variant_new ("(oa{sv})", AGENT_PATH, &capabilities),
                          NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, registered_cb, NULL);
}

static void
forget_owner (AgentRegistration *self)
{
  if (self->owner == NULL)
    return;

  g_clear_pointer (&self->owner, g_free);
  self->gone (self->user_data);
}

static void
service_appeared_cb (GDBusConnection *connection, const char *name, const char *owner,
                     gpointer user_data)
{
  AgentRegistration *self = user_data;

  forget_owner (self);
  self->owner = g_strdup (owner);
  register_agent (self);
}

static void
service_vanished_cb (GDBusConnection *connection, const char *name, gpointer user_data)
{
  forget_owner (user_data);
}

static void
set_shown (AgentRegistration *self, gboolean shown)
{
  gboolean before = agent_registration_is_interactive (self);

  self->shown = shown;
  if (agent_registration_is_interactive (self) != before)
    register_agent (self);
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

/* A new registration lets jobs go on that wait for a login: somebody may just have saved it. */
static void
keyring_changed_cb (GDBusConnection *connection, const char *sender, const char *path,
                    const char *interface, const char *member, GVariant *arguments,
                    gpointer user_data)
{
  register_agent (user_data);
}

/* It may start after us, and be open then. */
static void
keyring_appeared_cb (GDBusConnection *connection, const char *name, const char *owner,
                     gpointer user_data)
{
  AgentRegistration *self = user_data;

  if (!self->keyring)
    register_agent (self);
  self->keyring = TRUE;
}

static void
keyring_vanished_cb (GDBusConnection *connection, const char *name, gpointer user_data)
{
  AgentRegistration *self = user_data;

  self->keyring = FALSE;
}

static GVariant *
call_bus (GDBusConnection *session, const char *method, GVariant *arguments, const char *type)
{
  return g_dbus_connection_call_sync (session, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                      "org.freedesktop.DBus", method, arguments,
                                      G_VARIANT_TYPE (type), G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                                      NULL);
}

/* The watch tells later, and the first registration is to be right. */
static gboolean
has_owner (GDBusConnection *session, const char *name)
{
  g_autoptr (GVariant)
      reply = call_bus (session, "NameHasOwner", g_variant_new ("(s)", name), "(b)");
  gboolean has = FALSE;

  if (reply != NULL)
    g_variant_get (reply, "(b)", &has);
  return has;
}

/* One that can be started is of use only where it can show a window. */
static gboolean
is_startable (GDBusConnection *session)
{
  g_autoptr (GVariant) reply = NULL;
  g_autofree const char **names = NULL;

  if (g_getenv ("WAYLAND_DISPLAY") == NULL && g_getenv ("DISPLAY") == NULL)
    return FALSE;

  reply = call_bus (session, "ListActivatableNames", NULL, "(as)");
  if (reply == NULL)
    return FALSE;
  g_variant_get (reply, "(^a&s)", &names);
  return g_strv_contains (names, AGENT_PROMPTER_NAME);
}

AgentRegistration *
agent_registration_new (GDBusConnection *system, GDBusConnection *session,
                        void (*gone) (gpointer user_data), gpointer user_data)
{
  AgentRegistration *self = g_new0 (AgentRegistration, 1);

  self->system = g_object_ref (system);
  self->session = g_object_ref (session);
  self->startable = is_startable (session);
  self->shown = has_owner (session, AGENT_PROMPTER_NAME);
  self->keyring = has_owner (session, KEYRING_NAME);
  self->gone = gone;
  self->user_data = user_data;
  self->prompter_watch = g_bus_watch_name_on_connection (session, AGENT_PROMPTER_NAME,
                                                         G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                         prompter_appeared_cb, prompter_vanished_cb,
                                                         self, NULL);
  self->service_watch = g_bus_watch_name_on_connection (system, FERRY_BUS_NAME,
                                                        G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                        service_appeared_cb, service_vanished_cb,
                                                        self, NULL);
  self->keyring_watch = g_bus_watch_name_on_connection (session, KEYRING_NAME,
                                                        G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                        keyring_appeared_cb, keyring_vanished_cb,
                                                        self, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (keyring_signals); i++)
    self->keyring_watches[i] = g_dbus_connection_signal_subscribe (
        session, KEYRING_NAME, keyring_signals[i].interface, keyring_signals[i].member, NULL, NULL,
        G_DBUS_SIGNAL_FLAGS_NONE, keyring_changed_cb, self, NULL);
  return self;
}

void
agent_registration_free (AgentRegistration *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (self->keyring_watches); i++)
    g_dbus_connection_signal_unsubscribe (self->session, self->keyring_watches[i]);
  g_bus_unwatch_name (self->keyring_watch);
  g_bus_unwatch_name (self->prompter_watch);
  g_bus_unwatch_name (self->service_watch);
  g_object_unref (self->system);
  g_object_unref (self->session);
  g_free (self->owner);
  g_free (self);
}
