/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls from the bus to the engine and back. */

#include "ferry-access.h"
#include "ferry-call.h"
#include "ferry-config.h"
#include "ferry-interface-info.h"
#include "link-wait.h"
#include "served-bus.h"

#include <unistd.h>

/* Some value of type @type. */
static GVariant *
make_value (const GVariantType *type)
{
  g_autofree char *text = g_variant_type_dup_string (type);

  if (g_str_equal (text, "s"))
    return g_variant_new_string ("x");
  if (g_str_equal (text, "u"))
    return g_variant_new_uint32 (0);
  if (g_str_equal (text, "b"))
    return g_variant_new_boolean (FALSE);
  if (g_str_equal (text, "v"))
    return g_variant_new_variant (g_variant_new_string ("x"));
  g_assert_true (g_variant_type_is_array (type));
  return g_variant_new_array (g_variant_type_element (type), NULL, 0);
}

static GVariant *
make_parameters (const GDBusMethodInfo *method)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_TUPLE);
  for (GDBusArgInfo **arg = method->in_args; arg != NULL && *arg != NULL; arg++)
    g_variant_builder_add_value (&builder, make_value (G_VARIANT_TYPE ((*arg)->signature)));
  return g_variant_builder_end (&builder);
}

/* Whatever it answers, it is not that nobody may call it. */
static void
check_interface (Listener *client, const char *path, const GDBusInterfaceInfo *info)
{
  for (GDBusMethodInfo **method = info->methods; method != NULL && *method != NULL; method++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = served_call (client, path, info->name, (*method)->name,
                                                make_parameters (*method), &error);

      g_test_message ("%s.%s: %s", info->name, (*method)->name,
                      error != NULL ? error->message : "done");
      g_assert_false (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED));
      g_assert_false (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD));
      g_assert_false (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY));
    }
}

static void
test_every_member (void)
{
  Served served = { 0 };
  Listener *client;
  g_autofree char *path = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  path = served_create (client);
  check_interface (client, FERRY_ROOT_PATH, &org_ferry_transfer1_manager_interface);
  check_interface (client, FERRY_ROOT_PATH, &org_ferry_transfer1_policy_interface);
  check_interface (client, FERRY_ROOT_PATH, &org_freedesktop_dbus_object_manager_interface);
  check_interface (client, FERRY_ROOT_PATH, &org_freedesktop_dbus_properties_interface);
  check_interface (client, path, &org_freedesktop_dbus_properties_interface);
  check_interface (client, path, &org_ferry_transfer1_job_interface);
  listener_free (client);
  served_tear_down (&served);
}

/* The same answer for what is not there and what never could be. */
static void
test_unknown_objects (void)
{
  static const char *const ids[] = { "00000000000000000000000000000000", "x", "_" };
  Served served = { 0 };
  Listener *client;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autofree char *path = g_strconcat (FERRY_JOBS_PATH "/", ids[i], NULL);
      g_autofree char *wanted = g_strdup_printf ("You have no job %s.", ids[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) got = NULL;
      g_autoptr (GVariant) found = NULL;

      got = served_call (client, path, PROPERTIES, "Get",
                         g_variant_new ("(ss)", FERRY_JOB_INTERFACE, "NoSuchThing"), &error);
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT);
      g_dbus_error_strip_remote_error (error);
      g_assert_cmpstr (error->message, ==, wanted);
      g_clear_error (&error);

      found = served_call (client, FERRY_ROOT_PATH, FERRY_MANAGER_INTERFACE, "FindJob",
                           g_variant_new ("(s)", ids[i]), &error);
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT);
      g_dbus_error_strip_remote_error (error);
      g_assert_cmpstr (error->message, ==, wanted);
    }
  listener_free (client);
  served_tear_down (&served);
}

static guint
count_jobs (Served *served)
{
  g_autoptr (GPtrArray)
      jobs = ferry_queue_list_all (ferry_engine_get_queue (served->world->engine));

  return jobs->len;
}

/* dbus-send without --print-reply asks for no reply; the call is made all the same. */
static void
test_no_reply (void)
{
  Served served = { 0 };
  Listener *client;
  g_autoptr (GDBusMessage) message = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  message = g_dbus_message_new_method_call (FERRY_BUS_NAME, FERRY_ROOT_PATH,
                                            FERRY_MANAGER_INTERFACE, "CreateJob");
  g_dbus_message_set_body (message, g_variant_new ("(ssa{sv})", "x", "download", NULL));
  g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_connection_send_message (client->connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                  NULL);
  world_wait (count_jobs (&served) == 1);
  world_wait (ferry_bus_is_idle (served.ferry));
  listener_free (client);
  served_tear_down (&served);
}

static void
on_refused_or_not (GObject *source, GAsyncResult *result, gpointer user_data)
{
  guint *counts = user_data; /* answered, refused */
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_LIMITS_EXCEEDED))
    counts[1]++;
  else
    counts[0]++;
}

/* However many connections one user has: so many of his calls are in handling and no more. */
static void
test_calls_of_a_user (void)
{
  Served served = { 0 };
  Listener *clients[4];
  guint counts[2] = { 0 };
  g_autofree char *path = NULL;

  if (!served_set_up (&served))
    return;

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    clients[i] = listener_new (&served);
  path = served_create (clients[0]);
  served.world->silent = TRUE;
  for (guint i = 0; i < 4 * 24; i++)
    {
      g_autofree char *target = g_strdup_printf ("/tmp/ferry-test-%u", i);

      g_dbus_connection_call (clients[i % 4]->connection, FERRY_BUS_NAME, path, FERRY_JOB_INTERFACE,
                              "AddFile",
                              g_variant_new ("(ssa{sv})", "http://127.0.0.1/x", target, NULL), NULL,
                              G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_refused_or_not, counts);
    }
  world_wait (counts[1] == 4 * 24 - FERRY_CALLS_MAX_PER_USER);
  g_assert_cmpuint (counts[0], ==, 0);
  g_assert_false (ferry_bus_is_idle (served.ferry));

  /* They end when the worker does and no other comes. */
  served.world->no_start = TRUE;
  world_drop_worker (served.world);
  world_wait ((ferry_fake_clock_advance (served.world->clock, SECOND),
               counts[0] == FERRY_CALLS_MAX_PER_USER));
  g_assert_cmpuint (counts[1], ==, 4 * 24 - FERRY_CALLS_MAX_PER_USER);
  served_rename (clients[3], path, "y");
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    listener_free (clients[i]);
  served_tear_down (&served);
}

/* A reply that the bus would cut us off for is an error instead, and the service goes on. */
static void
test_large_reply (void)
{
  Served served = { 0 };
  Listener *client;
  FerryJob *job;
  g_autofree char *path = NULL;
  g_autofree char *header = g_strnfill (1024 * 1024, 'x');
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  job = world_submit (served.world, 20, FALSE, FALSE);
  path = g_strconcat (FERRY_JOBS_PATH "/", job->id, NULL);
  for (guint i = 0; i < job->files->len; i++)
    {
      const char *const headers[] = { header, NULL };
      FerryFile *file = job->files->pdata[i];

      g_strfreev (file->response_headers);
      file->response_headers = g_strdupv ((char **) headers);
    }
  reply = served_call (client, path, FERRY_JOB_INTERFACE, "GetFiles", g_variant_new ("(uu)", 0, 0),
                       &error);
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_LIMITS_EXCEEDED);
  served_do (client, path, FERRY_JOB_INTERFACE, "GetFiles", g_variant_new ("(uu)", 3, 5));
  listener_free (client);
  served_tear_down (&served);
}

static void
test_last_call (void)
{
  Served served = { 0 };
  Listener *client;
  g_autofree char *path = NULL;
  gint64 start;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  start = ferry_clock_get_boot (FERRY_CLOCK (served.world->clock));
  g_assert_cmpint (ferry_bus_get_last_call (served.ferry), ==, start);
  ferry_fake_clock_advance (served.world->clock, 5 * SECOND);
  g_assert_cmpint (ferry_bus_get_last_call (served.ferry), ==, start);
  path = served_create (client);
  g_assert_cmpint (ferry_bus_get_last_call (served.ferry), ==, start + 5 * SECOND);
  listener_free (client);
  served_tear_down (&served);
}

/* What a handler was told must hold when its turn has come: the job is cancelled while the worker checks a target. */
static void
test_cancelled_meanwhile (void)
{
  Served served = { 0 };
  Listener *client;
  guint counts[2] = { 0 };
  g_autofree char *path = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  path = served_create (client);
  served.world->silent = TRUE;
  g_dbus_connection_call (client->connection, FERRY_BUS_NAME, path, FERRY_JOB_INTERFACE, "AddFile",
                          g_variant_new ("(ssa{sv})", "http://127.0.0.1/x", "/tmp/ferry-test",
                                         NULL),
                          NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_refused_or_not, counts);
  g_variant_unref (world_take_order (served.world, "check-targets"));
  served_do (client, path, FERRY_JOB_INTERFACE, "Cancel", NULL);
  world_answer (served.world);
  world_wait (counts[0] == 1);
  listener_free (client);
  served_tear_down (&served);
}

/* Returns: (transfer full): a member of GetStatus, printed */
static char *
get_status (Listener *client, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = served_call (client, FERRY_ROOT_PATH, FERRY_MANAGER_INTERFACE,
                                            "GetStatus", NULL, &error);
  g_autoptr (GVariant) status = NULL;
  g_autoptr (GVariant) value = NULL;

  g_assert_no_error (error);
  status = g_variant_get_child_value (reply, 0);
  value = g_variant_lookup_value (status, name, NULL);
  g_assert_nonnull (value);
  return g_variant_print (value, FALSE);
}

static void
assert_status (Listener *client, const char *name, const char *expected)
{
  g_autofree char *text = get_status (client, name);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_status (void)
{
  Served served = { 0 };
  Listener *client;
  g_autofree char *directory = NULL;
  g_autofree char *space = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  directory = g_strdup_printf ("'%s'", served.world->directory);
  assert_status (client, "Version", "'" FERRY_VERSION "'");
  assert_status (client, "Launcher", "'other'");
  assert_status (client, "NetworkAvailable", "true");
  assert_status (client, "StateDirectory", directory);
  assert_status (client, "StoreError", "''");
  assert_status (client, "WorkerError", "''");
  space = get_status (client, "StateSpace");
  g_assert_cmpuint (g_ascii_strtoull (space, NULL, 10), >, 0);
  g_assert_cmpuint (g_ascii_strtoull (space, NULL, 10), <, G_MAXUINT64);
  world_set_network (served.world, FALSE);
  assert_status (client, "NetworkAvailable", "false");
  world_set_network (served.world, TRUE);

  /* Until another one is up. */
  world_submit (served.world, 1, TRUE, FALSE);
  world_take_start (served.world);
  served.world->no_start = TRUE;
  world_drop_worker (served.world);
  world_wait (ferry_workers_get_failure (served.world->workers, geteuid ()) != NULL);
  assert_status (client, "WorkerError", "'it ended'");
  g_assert_null (ferry_workers_get_failure (served.world->workers, geteuid () + 1));
  served.world->no_start = FALSE;
  world_wait ((ferry_fake_clock_advance (served.world->clock, SECOND),
               world_has_order (served.world, "start")));
  assert_status (client, "WorkerError", "''");
  listener_free (client);
  served_tear_down (&served);
}

/* == uploads == */

static char *
create_upload (Listener *client, const char *type)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = served_call (client, FERRY_ROOT_PATH, FERRY_MANAGER_INTERFACE, "CreateJob",
                           g_variant_new ("(ssa{sv})", "x", type, NULL), &error);
  char *path;

  g_assert_no_error (error);
  g_variant_get (reply, "(o)", &path);
  return path;
}

static GVariant *
set_reply_path (Listener *client, const char *path, GVariant *value, GError **error)
{
  GVariant *reply = served_call (client, path, PROPERTIES, "Set",
                                 g_variant_new ("(ssv)", FERRY_JOB_INTERFACE, "ReplyPath", value),
                                 error);

  if (error != NULL && *error != NULL)
    g_dbus_error_strip_remote_error (*error);
  return reply;
}

static void
assert_property (Listener *client, const char *path, const char *name, const char *wanted)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = served_call (client, path, PROPERTIES, "Get",
                           g_variant_new ("(ss)", FERRY_JOB_INTERFACE, name), &error);
  g_autoptr (GVariant) boxed = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  g_variant_get (reply, "(v)", &boxed);
  text = g_variant_print (boxed, FALSE);
  g_assert_cmpstr (text, ==, wanted);
}

/* Only when its owner's worker has seen the place. */
static void
test_reply_path (void)
{
  Served served = { 0 };
  Listener *client;
  g_autofree char *path = NULL;
  g_autoptr (GVariant) set = NULL;
  g_autoptr (GVariant) refused = NULL;
  g_autoptr (GVariant) wrong = NULL;
  g_autoptr (GError) error = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  path = create_upload (client, "upload-reply");
  set = set_reply_path (client, path, g_variant_new_string ("/target/a"), &error);
  g_assert_no_error (error);
  g_variant_unref (world_take_order (served.world, "check-targets"));
  assert_property (client, path, "ReplyPath", "'/target/a'");

  served.world->refuse = "check-targets";
  refused = set_reply_path (client, path, g_variant_new_string ("/target/b"), &error);
  g_assert_nonnull (strstr (error->message, "It is there"));
  g_clear_error (&error);
  wrong = set_reply_path (client, path, g_variant_new_uint32 (5), &error);
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  assert_property (client, path, "ReplyPath", "'/target/a'");
  listener_free (client);
  served_tear_down (&served);
}

/* From AddFile to the reply, which GetFiles knows nothing of. */
static void
test_upload (void)
{
  Served served = { 0 };
  Listener *client;
  g_autofree char *path = NULL;
  g_autoptr (GVariant) files = NULL;
  g_autoptr (GVariant) list = NULL;
  g_autoptr (GVariant) data = NULL;
  g_autoptr (GVariant) bytes = NULL;
  g_autoptr (GError) error = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  path = create_upload (client, "upload-reply");
  served_do (client, path, FERRY_JOB_INTERFACE, "AddFile",
             g_variant_new ("(ssa{sv})", "http://server.example/put", WORLD_SOURCE, NULL));
  served_do (client, path, FERRY_JOB_INTERFACE, "Resume", NULL);
  world_report (served.world, world_take_upload (served.world), "done",
                "{'Bytes': <uint64 1000>, 'ReplyUrl': <'http://server.example/reply'>}");
  world_finish_file (served.world, 7);
  world_settle (served.world);
  assert_property (client, path, "State", "'transferred'");
  assert_property (client, path, "FilesTotal", "1");
  assert_property (client, path, "FilesTransferred", "1");
  assert_property (client, path, "BytesTotal", "1000");
  assert_property (client, path, "ReplyBytesTotal", "7");

  files = served_call (client, path, FERRY_JOB_INTERFACE, "GetFiles", g_variant_new ("(uu)", 0, 0),
                       &error);
  g_assert_no_error (error);
  list = g_variant_get_child_value (files, 0);
  g_assert_cmpuint (g_variant_n_children (list), ==, 1);

  served.world->reply = "it came";
  data = served_call (client, path, FERRY_JOB_INTERFACE, "GetReplyData", NULL, &error);
  g_assert_no_error (error);
  bytes = g_variant_get_child_value (data, 0);
  g_assert_cmpmem (g_variant_get_data (bytes), g_variant_get_size (bytes), "it came", 7);
  listener_free (client);
  served_tear_down (&served);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/every-member", test_every_member);
  g_test_add_func ("/bus/unknown-objects", test_unknown_objects);
  g_test_add_func ("/bus/no-reply", test_no_reply);
  g_test_add_func ("/bus/calls-of-a-user", test_calls_of_a_user);
  g_test_add_func ("/bus/large-reply", test_large_reply);
  g_test_add_func ("/bus/last-call", test_last_call);
  g_test_add_func ("/bus/status", test_status);
  g_test_add_func ("/bus/cancelled-meanwhile", test_cancelled_meanwhile);
  g_test_add_func ("/bus/reply-path", test_reply_path);
  g_test_add_func ("/bus/upload", test_upload);
  return g_test_run ();
}
