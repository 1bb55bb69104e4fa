/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "served-bus.h"

#include "link-wait.h"

gboolean
served_set_up (Served *self)
{
  g_autoptr (GError) error = NULL;

  self->bus = bus_fixture_start ();
  if (self->bus == NULL)
    return FALSE;

  self->world = world_new ();
  self->server = bus_fixture_connect (self->bus);
  self->ferry = ferry_bus_new (self->server, self->world->engine, &error);
  g_assert_no_error (error);
  bus_fixture_own_name (self->server, FERRY_BUS_NAME);
  return TRUE;
}

void
served_tear_down (Served *self)
{
  world_settle (self->world);
  g_assert_true (ferry_bus_is_idle (self->ferry));
  ferry_bus_close (self->ferry);
  link_wait_settle ();
  g_assert_finalize_object (self->ferry);
  bus_fixture_disconnect (self->server);
  world_free (self->world);
  bus_fixture_stop (self->bus);
}

static void
on_signal (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *member, GVariant *parameters, gpointer user_data)
{
  Listener *self = user_data;

  g_string_append_printf (self->heard, "%s ", member);
  g_ptr_array_add (self->parameters, g_variant_ref (parameters));
}

Listener *
listener_new (Served *served)
{
  Listener *self = g_new0 (Listener, 1);

  self->connection = bus_fixture_connect (served->bus);
  self->heard = g_string_new (NULL);
  self->parameters = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  self->subscription = g_dbus_connection_signal_subscribe (self->connection, FERRY_BUS_NAME, NULL,
                                                           NULL, NULL, NULL,
                                                           G_DBUS_SIGNAL_FLAGS_NONE, on_signal,
                                                           self, NULL);
  return self;
}

void
listener_free (Listener *self)
{
  g_dbus_connection_signal_unsubscribe (self->connection, self->subscription);
  bus_fixture_disconnect (self->connection);
  g_string_free (self->heard, TRUE);
  g_ptr_array_unref (self->parameters);
  g_free (self);
}

void
listener_forget (Listener *self)
{
  g_string_set_size (self->heard, 0);
  g_ptr_array_set_size (self->parameters, 0);
}

typedef struct
{
  gboolean done;
  GVariant *reply;
  GError *error;
} Answer;

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result,
                                                 &answer->error);
  answer->done = TRUE;
}

GVariant *
served_call (Listener *client, const char *path, const char *interface, const char *member,
             GVariant *parameters, GError **error)
{
  Answer answer = { 0 };

  g_dbus_connection_call (client->connection, FERRY_BUS_NAME, path, interface, member, parameters,
                          NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_reply, &answer);
  world_wait (answer.done);
  if (answer.error != NULL)
    g_propagate_error (error, answer.error);
  return answer.reply;
}

void
served_do (Listener *client, const char *path, const char *interface, const char *member,
           GVariant *parameters)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = served_call (client, path, interface, member, parameters, &error);

  g_assert_no_error (error);
}

char *
served_create (Listener *client)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = served_call (client, FERRY_ROOT_PATH, FERRY_MANAGER_INTERFACE, "CreateJob",
                           g_variant_new ("(ssa{sv})", "x", "download", NULL), &error);
  char *path;

  g_assert_no_error (error);
  g_variant_get (reply, "(o)", &path);
  return path;
}

void
served_rename (Listener *client, const char *path, const char *name)
{
  served_do (client, path, PROPERTIES, "Set",
             g_variant_new ("(ssv)", FERRY_JOB_INTERFACE, "DisplayName",
                            g_variant_new_string (name)));
}

void
served_settle (Served *self, Listener *client)
{
  world_settle (self->world);
  /* The clock does not move, but timers whose time has come are called. */
  ferry_fake_clock_advance (self->world->clock, 0);
  world_settle (self->world);
  bus_fixture_sync (self->server);
  bus_fixture_sync (client->connection);
  link_wait_settle ();
}
