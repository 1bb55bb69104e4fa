/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may put how many calls before ferryd: the counting, and the filter on a real bus. */

#include "bus-fixture.h"
#include "ferry-admission.h"
#include "link-wait.h"

#include <gio/gunixfdlist.h>

/* == the counting == */

static void
test_calls (void)
{
  g_autoptr (FerryAdmission) admission = ferry_admission_new ();

  for (guint serial = 1; serial <= FERRY_ADMISSION_MAX_CALLS; serial++)
    g_assert_null (ferry_admission_enter (admission, ":1.1", serial, 100, FALSE));
  g_assert_nonnull (ferry_admission_enter (admission, ":1.1", 99, 100, FALSE));
  g_assert_cmpuint (ferry_admission_count (admission, ":1.1"), ==, FERRY_ADMISSION_MAX_CALLS);

  /* Another connection has its own count. */
  g_assert_null (ferry_admission_enter (admission, ":1.2", 1, 100, FALSE));
  g_assert_true (ferry_admission_leave (admission, ":1.1", 7));
  g_assert_null (ferry_admission_enter (admission, ":1.1", 99, 100, FALSE));
  g_assert_nonnull (ferry_admission_enter (admission, ":1.1", 100, 100, FALSE));
}

/* A serial is the caller's word; using one for all calls must not make them one call. */
static void
test_same_serial (void)
{
  g_autoptr (FerryAdmission) admission = ferry_admission_new ();

  for (guint i = 0; i < FERRY_ADMISSION_MAX_CALLS; i++)
    g_assert_null (ferry_admission_enter (admission, ":1.1", 5, 0, FALSE));
  g_assert_nonnull (ferry_admission_enter (admission, ":1.1", 5, 0, FALSE));
  for (guint i = 0; i < FERRY_ADMISSION_MAX_CALLS; i++)
    g_assert_true (ferry_admission_leave (admission, ":1.1", 5));
  g_assert_cmpuint (ferry_admission_count (admission, ":1.1"), ==, 0);
}

static void
test_unknown_answers (void)
{
  g_autoptr (FerryAdmission) admission = ferry_admission_new ();

  g_assert_true (ferry_admission_leave (admission, ":1.1", 5));
  g_assert_null (ferry_admission_enter (admission, ":1.1", 5, 0, TRUE));
  g_assert_true (ferry_admission_leave (admission, ":1.1", 6));
  g_assert_cmpuint (ferry_admission_count (admission, ":1.1"), ==, 1);
  g_assert_false (ferry_admission_leave (admission, ":1.1", 5));
  g_assert_cmpuint (ferry_admission_count (admission, ":1.1"), ==, 0);
}

static void
test_size (void)
{
  g_autoptr (FerryAdmission) admission = ferry_admission_new ();

  g_assert_null (ferry_admission_enter (admission, ":1.1", 1, FERRY_ADMISSION_MAX_BYTES, FALSE));
  g_assert_nonnull (
      ferry_admission_enter (admission, ":1.2", 1, FERRY_ADMISSION_MAX_BYTES + 1, FALSE));
  g_assert_cmpuint (ferry_admission_count (admission, ":1.2"), ==, 0);
}

/* Whoever opens connection after connection gets less and less; others still get in with what is usual. */
static void
test_pool (void)
{
  g_autoptr (FerryAdmission) admission = ferry_admission_new ();
  gsize admitted = 0;

  for (guint connection = 0; connection < 256; connection++)
    {
      g_autofree char *name = g_strdup_printf (":1.%u", connection);

      for (guint serial = 1; serial <= FERRY_ADMISSION_MAX_CALLS; serial++)
        {
          if (ferry_admission_enter (admission, name, serial, FERRY_ADMISSION_MAX_BYTES, FALSE) ==
              NULL)
            admitted += FERRY_ADMISSION_MAX_BYTES;
        }
    }
  g_assert_cmpuint (admitted, <, FERRY_ADMISSION_POOL_BYTES);
  g_assert_null (ferry_admission_enter (admission, ":2.1", 1, FERRY_ADMISSION_FREE_BYTES, FALSE));
}

/* == the filter == */

#define SERVER_NAME "org.ferry.Test"
#define PATH        "/test"
#define INTERFACE   "org.ferry.Test"

typedef struct
{
  BusFixture *bus;           /* (owned) */
  GDBusConnection *server;   /* (owned) */
  GDBusConnection *client;   /* (owned) */
  FerryAdmission *admission; /* (owned) */
  GPtrArray *invocations;    /* (owned) (element-type GDBusMethodInvocation): not answered yet */
  guint filter;
  guint registration;
  guint answered; /* to the client */
  guint refused;
} Fixture;

static void
on_method_call (GDBusConnection *connection, const char *sender, const char *path,
                const char *interface, const char *method, GVariant *parameters,
                GDBusMethodInvocation *invocation, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_ptr_array_add (fixture->invocations, invocation);
}

static void
set_up (Fixture *fixture)
{
  static const GDBusInterfaceVTable vtable = { on_method_call, NULL, NULL, { 0 } };
  g_autoptr (GDBusNodeInfo)
      info = g_dbus_node_info_new_for_xml ("<node><interface name='" INTERFACE
                                           "'><method name='Wait'><arg type='s' direction='in'/>"
                                           "</method></interface></node>",
                                           NULL);
  g_autoptr (GError) error = NULL;

  fixture->bus = bus_fixture_start ();
  if (fixture->bus == NULL)
    return;

  fixture->server = bus_fixture_connect (fixture->bus);
  fixture->client = bus_fixture_connect (fixture->bus);
  fixture->invocations = g_ptr_array_new ();
  fixture->admission = ferry_admission_new ();
  fixture->filter = ferry_admission_attach (fixture->admission, fixture->server);
  fixture->registration = g_dbus_connection_register_object (fixture->server, PATH,
                                                             info->interfaces[0], &vtable, fixture,
                                                             NULL, &error);
  g_assert_no_error (error);
  bus_fixture_own_name (fixture->server, SERVER_NAME);
}

static void
tear_down (Fixture *fixture)
{
  if (fixture->bus == NULL)
    return;

  g_dbus_connection_unregister_object (fixture->server, fixture->registration);
  g_dbus_connection_remove_filter (fixture->server, fixture->filter);
  ferry_admission_unref (fixture->admission);
  bus_fixture_disconnect (fixture->client);
  bus_fixture_disconnect (fixture->server);
  g_assert_cmpuint (fixture->invocations->len, ==, 0);
  g_ptr_array_unref (fixture->invocations);
  bus_fixture_stop (fixture->bus);
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (reply != NULL)
    {
      fixture->answered++;
    }
  else
    {
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_LIMITS_EXCEEDED);
      fixture->refused++;
    }
}

static void
call_wait (Fixture *fixture, const char *text)
{
  g_dbus_connection_call (fixture->client, SERVER_NAME, PATH, INTERFACE, "Wait",
                          g_variant_new ("(s)", text), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                          on_reply, fixture);
}

static void
answer_all (Fixture *fixture)
{
  for (guint i = 0; i < fixture->invocations->len; i++)
    g_dbus_method_invocation_return_value (fixture->invocations->pdata[i], NULL);
  g_ptr_array_set_size (fixture->invocations, 0);
}

static guint
count (Fixture *fixture)
{
  return ferry_admission_count (fixture->admission,
                                g_dbus_connection_get_unique_name (fixture->client));
}

static void
test_filter_calls (void)
{
  Fixture fixture = { 0 };

  set_up (&fixture);
  if (fixture.bus == NULL)
    return;

  for (guint i = 0; i < FERRY_ADMISSION_MAX_CALLS + 8; i++)
    call_wait (&fixture, "x");
  wait_until (fixture.refused == 8 && fixture.invocations->len == FERRY_ADMISSION_MAX_CALLS);
  g_assert_cmpuint (fixture.answered, ==, 0);
  g_assert_cmpuint (count (&fixture), ==, FERRY_ADMISSION_MAX_CALLS);

  answer_all (&fixture);
  wait_until (fixture.answered == FERRY_ADMISSION_MAX_CALLS);
  g_assert_cmpuint (count (&fixture), ==, 0);

  call_wait (&fixture, "x");
  wait_until (fixture.invocations->len == 1);
  answer_all (&fixture);
  wait_until (fixture.answered == FERRY_ADMISSION_MAX_CALLS + 1);
  g_assert_cmpuint (fixture.refused, ==, 8);
  tear_down (&fixture);
}

static void
send_no_reply (Fixture *fixture, const char *path)
{
  g_autoptr (GDBusMessage)
      message = g_dbus_message_new_method_call (SERVER_NAME, path, INTERFACE, "Wait");

  g_dbus_message_set_body (message, g_variant_new ("(s)", "x"));
  g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_connection_send_message (fixture->client, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                  NULL);
}

static GDBusMessage *
count_replies (GDBusConnection *connection, GDBusMessage *message, gboolean incoming,
               gpointer user_data)
{
  if (incoming && g_strcmp0 (g_dbus_message_get_sender (message), "org.freedesktop.DBus") != 0)
    g_atomic_int_inc ((int *) user_data);
  return message;
}

/* They are handled, counted while they are, and nothing is sent for them. */
static void
test_filter_no_reply (void)
{
  Fixture fixture = { 0 };
  int heard = 0;
  guint filter;

  set_up (&fixture);
  if (fixture.bus == NULL)
    return;

  filter = g_dbus_connection_add_filter (fixture.client, count_replies, &heard, NULL);
  for (guint i = 0; i < 5; i++)
    send_no_reply (&fixture, PATH);
  send_no_reply (&fixture, "/nowhere");
  wait_until (fixture.invocations->len == 5);
  /* Behind the answers in the same queue. */
  bus_fixture_sync (fixture.server);
  g_assert_cmpuint (count (&fixture), ==, 5);
  answer_all (&fixture);
  bus_fixture_sync (fixture.server);
  g_assert_cmpuint (count (&fixture), ==, 0);

  bus_fixture_sync (fixture.client);
  g_assert_cmpint (g_atomic_int_get (&heard), ==, 0);
  g_dbus_connection_remove_filter (fixture.client, filter);
  tear_down (&fixture);
}

/* Answers that GDBus gives without asking anybody end the count too. */
static void
test_filter_gdbus_answers (void)
{
  static const struct
  {
    const char *path;
    const char *interface;
    const char *member;
  } calls[] = {
    { PATH, INTERFACE, "Wait" }, /* without its argument */
    { PATH, INTERFACE, "NoSuchThing" },
    { PATH, "a.b", "C" },
    { "/nowhere", INTERFACE, "Wait" },
    { "/nowhere", "org.freedesktop.DBus.Peer", "Ping" },
    { PATH, "org.freedesktop.DBus.Introspectable", "Introspect" },
  };
  Fixture fixture = { 0 };

  set_up (&fixture);
  if (fixture.bus == NULL)
    return;

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (
          SERVER_NAME, calls[i % G_N_ELEMENTS (calls)].path,
          calls[i % G_N_ELEMENTS (calls)].interface, calls[i % G_N_ELEMENTS (calls)].member);
      g_autoptr (GDBusMessage) reply = NULL;
      g_autoptr (GError) error = NULL;

      reply = g_dbus_connection_send_message_with_reply_sync (fixture.client, message,
                                                              G_DBUS_SEND_MESSAGE_FLAGS_NONE, -1,
                                                              NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (g_dbus_message_get_error_name (reply), !=,
                       "org.freedesktop.DBus.Error.LimitsExceeded");
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
  g_assert_cmpuint (count (&fixture), ==, 0);
  tear_down (&fixture);
}

static void
test_filter_size (void)
{
  Fixture fixture = { 0 };
  g_autofree char *large = g_strnfill (FERRY_ADMISSION_MAX_BYTES + 1, 'x');

  set_up (&fixture);
  if (fixture.bus == NULL)
    return;

  call_wait (&fixture, large);
  wait_until (fixture.refused == 1);
  g_assert_cmpuint (fixture.invocations->len, ==, 0);
  g_assert_cmpuint (count (&fixture), ==, 0);
  tear_down (&fixture);
}

/* Descriptors are not kept, whatever the call. */
static void
test_filter_descriptors (void)
{
  Fixture fixture = { 0 };
  g_autoptr (GDBusMessage) message = NULL;
  g_autoptr (GDBusMessage) reply = NULL;
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  g_autoptr (GError) error = NULL;

  set_up (&fixture);
  if (fixture.bus == NULL)
    return;

  g_unix_fd_list_append (list, 0, &error);
  g_assert_no_error (error);
  message = g_dbus_message_new_method_call (SERVER_NAME, PATH, INTERFACE, "Wait");
  g_dbus_message_set_body (message, g_variant_new ("(s)", "x"));
  g_dbus_message_set_unix_fd_list (message, list);
  reply = g_dbus_connection_send_message_with_reply_sync (fixture.client, message,
                                                          G_DBUS_SEND_MESSAGE_FLAGS_NONE, -1, NULL,
                                                          NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_dbus_message_get_error_name (reply), ==,
                   "org.freedesktop.DBus.Error.InvalidArgs");
  g_assert_cmpuint (count (&fixture), ==, 0);
  g_assert_cmpuint (fixture.invocations->len, ==, 0);
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/admission/calls", test_calls);
  g_test_add_func ("/admission/same-serial", test_same_serial);
  g_test_add_func ("/admission/unknown-answers", test_unknown_answers);
  g_test_add_func ("/admission/size", test_size);
  g_test_add_func ("/admission/pool", test_pool);
  g_test_add_func ("/admission/filter/calls", test_filter_calls);
  g_test_add_func ("/admission/filter/no-reply", test_filter_no_reply);
  g_test_add_func ("/admission/filter/gdbus-answers", test_filter_gdbus_answers);
  g_test_add_func ("/admission/filter/size", test_filter_size);
  g_test_add_func ("/admission/filter/descriptors", test_filter_descriptors);
  return g_test_run ();
}
