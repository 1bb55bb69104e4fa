/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-fixture.h"

#include <glib/gstdio.h>

#define CONFIG                                                                                     \
  "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"           \
  " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"                            \
  "<busconfig>\n"                                                                                  \
  "  <type>system</type>\n"                                                                        \
  "  <listen>unix:path=%s/socket</listen>\n"                                                       \
  "  <auth>EXTERNAL</auth>\n"                                                                      \
  "  <policy context=\"default\">\n"                                                               \
  "    <allow user=\"*\"/><allow own=\"*\"/>\n"                                                    \
  "    <allow send_destination=\"*\"/><allow receive_sender=\"*\"/>\n"                             \
  "  </policy>\n"                                                                                  \
  "</busconfig>\n"

struct _BusFixture
{
  char *directory;     /* (owned) */
  char *address;       /* (owned) */
  GSubprocess *daemon; /* (owned) */
};

BusFixture *
bus_fixture_start (void)
{
  g_autofree char *program = g_find_program_in_path ("dbus-daemon");
  g_autoptr (GError) error = NULL;
  g_autofree char *config = NULL;
  g_autofree char *text = NULL;
  g_autofree char *option = NULL;
  g_autofree char *line = NULL;
  g_autoptr (GDataInputStream) output = NULL;
  BusFixture *self;

  if (program == NULL)
    {
      g_test_skip ("there is no dbus-daemon");
      return NULL;
    }

  self = g_new0 (BusFixture, 1);
  self->directory = g_dir_make_tmp ("ferry-bus-XXXXXX", &error);
  g_assert_no_error (error);
  config = g_build_filename (self->directory, "bus.conf", NULL);
  text = g_strdup_printf (CONFIG, self->directory);
  g_file_set_contents (config, text, -1, &error);
  g_assert_no_error (error);

  option = g_strconcat ("--config-file=", config, NULL);
  self->daemon = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, option,
                                   "--nofork", "--print-address", NULL);
  g_assert_no_error (error);
  output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->daemon));
  line = g_data_input_stream_read_line (output, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (line);
  self->address = g_steal_pointer (&line);
  return self;
}

void
bus_fixture_stop (BusFixture *self)
{
  static const char *const files[] = { "bus.conf", "socket" };

  g_subprocess_force_exit (self->daemon);
  g_subprocess_wait (self->daemon, NULL, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (self->directory, files[i], NULL);

      g_remove (path);
    }
  g_rmdir (self->directory);
  g_object_unref (self->daemon);
  g_free (self->directory);
  g_free (self->address);
  g_free (self);
}

GDBusConnection *
bus_fixture_connect (BusFixture *self)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_for_address_sync (
      self->address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
          G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);

  g_assert_no_error (error);
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  return connection;
}

static GVariant *
call_bus (GDBusConnection *connection, const char *member, GVariant *parameters)
{
  g_autoptr (GError) error = NULL;
  GVariant *reply = g_dbus_connection_call_sync (connection, "org.freedesktop.DBus",
                                                 "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                                 member, parameters, NULL, G_DBUS_CALL_FLAGS_NONE,
                                                 -1, NULL, &error);

  g_assert_no_error (error);
  return reply;
}

void
bus_fixture_own_name (GDBusConnection *connection, const char *name)
{
  g_autoptr (GVariant)
      reply = call_bus (connection, "RequestName", g_variant_new ("(su)", name, 4u));
  guint result;

  g_variant_get (reply, "(u)", &result);
  g_assert_cmpuint (result, ==, 1);
}

void
bus_fixture_sync (GDBusConnection *connection)
{
  g_variant_unref (call_bus (connection, "GetId", NULL));
}

void
bus_fixture_disconnect (GDBusConnection *connection)
{
  g_autoptr (GError) error = NULL;

  g_dbus_connection_close_sync (connection, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (connection);
}
