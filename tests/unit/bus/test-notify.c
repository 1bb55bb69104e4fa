/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals: who hears what, and how often. */

#include "link-wait.h"
#include "served-bus.h"

#include <unistd.h>

#define HALF_SECOND (SECOND / 2) /* the default NotificationInterval */

static void
assert_heard (Served *served, Listener *listener, const char *wanted)
{
  served_settle (served, listener);
  g_assert_cmpstr (listener->heard->str, ==, wanted);
}

/* Whether the last PropertiesChanged says so. */
static gboolean
says (Listener *listener, const char *property, const char *wanted)
{
  g_autoptr (GVariant) changed = NULL;
  const char *value;

  g_assert_cmpuint (listener->parameters->len, >, 0);
  changed = g_variant_get_child_value (listener->parameters->pdata[listener->parameters->len - 1],
                                       1);
  return g_variant_lookup (changed, property, "&s", &value) && g_str_equal (value, wanted);
}

static void
get_all (Listener *client, const char *path)
{
  served_do (client, path, PROPERTIES, "GetAll", g_variant_new ("(s)", FERRY_JOB_INTERFACE));
}

/* One signal in an interval, with the last values; the first one at once. */
static void
test_interval (void)
{
  Served served = { 0 };
  Listener *client;
  g_autofree char *path = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  path = served_create (client);
  served_rename (client, path, "a");
  assert_heard (&served, client, "PropertiesChanged ");
  g_assert_true (says (client, "DisplayName", "a"));

  served_rename (client, path, "b");
  served_rename (client, path, "c");
  assert_heard (&served, client, "PropertiesChanged ");
  ferry_fake_clock_advance (served.world->clock, HALF_SECOND - 1);
  assert_heard (&served, client, "PropertiesChanged ");
  ferry_fake_clock_advance (served.world->clock, 1);
  assert_heard (&served, client, "PropertiesChanged PropertiesChanged ");
  g_assert_true (says (client, "DisplayName", "c"));
  ferry_fake_clock_advance (served.world->clock, 10 * SECOND);
  assert_heard (&served, client, "PropertiesChanged PropertiesChanged ");
  listener_free (client);
  served_tear_down (&served);
}

/* A change of state does not wait, and takes along what does. */
static void
test_state_at_once (void)
{
  Served served = { 0 };
  Listener *client;
  g_autofree char *path = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  path = served_create (client);
  served_rename (client, path, "a");
  served_settle (&served, client);
  listener_forget (client);
  served_rename (client, path, "b");
  assert_heard (&served, client, "");
  served_do (client, path, FERRY_JOB_INTERFACE, "Cancel", NULL);
  assert_heard (&served, client, "PropertiesChanged ");
  g_assert_true (says (client, "State", "cancelled"));
  g_assert_true (says (client, "DisplayName", "b"));
  listener_free (client);
  served_tear_down (&served);
}

/* Who did not ask does not hear; who read does; who listed hears of new ones too. */
static void
test_subscribers (void)
{
  Served served = { 0 };
  Listener *maker, *reader, *lister, *bystander;
  g_autofree char *path = NULL;
  g_autofree char *other = NULL;

  if (!served_set_up (&served))
    return;

  maker = listener_new (&served);
  reader = listener_new (&served);
  lister = listener_new (&served);
  bystander = listener_new (&served);
  path = served_create (maker);
  get_all (reader, path);
  served_do (lister, FERRY_ROOT_PATH, FERRY_MANAGER_INTERFACE, "ListJobs",
             g_variant_new ("(a{sv})", NULL));
  served_do (bystander, FERRY_ROOT_PATH, FERRY_POLICY_INTERFACE, "GetEffective", NULL);

  served_rename (maker, path, "a");
  assert_heard (&served, maker, "PropertiesChanged ");
  assert_heard (&served, reader, "PropertiesChanged ");
  assert_heard (&served, lister, "PropertiesChanged ");
  assert_heard (&served, bystander, "");

  other = served_create (maker);
  assert_heard (&served, maker, "PropertiesChanged ");
  assert_heard (&served, reader, "PropertiesChanged ");
  assert_heard (&served, lister, "PropertiesChanged InterfacesAdded ");
  assert_heard (&served, bystander, "");

  listener_free (maker);
  listener_free (reader);
  listener_free (lister);
  listener_free (bystander);
  served_tear_down (&served);
}

static void
test_managed_objects (void)
{
  Served served = { 0 };
  Listener *client, *lister;
  g_autofree char *path = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) objects = NULL;
  g_autoptr (GVariant) interfaces = NULL;
  g_autoptr (GError) error = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  lister = listener_new (&served);
  path = served_create (client);
  reply = served_call (lister, FERRY_ROOT_PATH, "org.freedesktop.DBus.ObjectManager",
                       "GetManagedObjects", NULL, &error);
  g_assert_no_error (error);
  objects = g_variant_get_child_value (reply, 0);
  g_assert_cmpuint (g_variant_n_children (objects), ==, 1);
  interfaces = g_variant_lookup_value (objects, path, NULL);
  g_assert_nonnull (interfaces);
  served_rename (client, path, "a");
  assert_heard (&served, lister, "PropertiesChanged ");
  listener_free (client);
  listener_free (lister);
  served_tear_down (&served);
}

/* A final job whose retention is over is gone, for those who heard of it. */
static void
test_removed (void)
{
  Served served = { 0 };
  Listener *client, *bystander;
  g_autofree char *path = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  bystander = listener_new (&served);
  path = served_create (client);
  served_do (client, path, FERRY_JOB_INTERFACE, "Cancel", NULL);
  served_settle (&served, client);
  listener_forget (client);
  ferry_queue_remove (ferry_engine_get_queue (served.world->engine),
                      ferry_queue_lookup (ferry_engine_get_queue (served.world->engine), geteuid (),
                                          strrchr (path, '/') + 1));
  assert_heard (&served, client, "InterfacesRemoved ");
  assert_heard (&served, bystander, "");
  listener_free (client);
  listener_free (bystander);
  served_tear_down (&served);
}

/* Transferred goes to every connection of the owner, and after the state that it tells of. */
static void
test_transferred (void)
{
  Served served = { 0 };
  Listener *client, *bystander;
  FerryJob *job;
  g_autofree char *path = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  bystander = listener_new (&served);
  job = world_submit (served.world, 1, TRUE, FALSE);
  path = g_strconcat (FERRY_JOBS_PATH "/", job->id, NULL);
  get_all (client, path);
  world_finish_file (served.world, 1000);
  world_wait (strstr (bystander->heard->str, "Transferred") != NULL);
  assert_heard (&served, bystander, "Transferred ");
  served_settle (&served, client);
  g_assert_true (g_str_has_suffix (client->heard->str, "Transferred "));
  g_assert_nonnull (strstr (client->heard->str, "FileTransferred "));
  g_assert_nonnull (strstr (client->heard->str, "PropertiesChanged "));
  listener_free (client);
  listener_free (bystander);
  served_tear_down (&served);
}

/* Somebody who has left is told nothing, and nothing is kept for him. */
static void
test_listener_leaves (void)
{
  Served served = { 0 };
  Listener *client, *reader;
  g_autofree char *path = NULL;

  if (!served_set_up (&served))
    return;

  client = listener_new (&served);
  reader = listener_new (&served);
  path = served_create (client);
  get_all (reader, path);
  listener_free (client);
  served_rename (reader, path, "a");
  assert_heard (&served, reader, "PropertiesChanged ");
  listener_free (reader);
  served_tear_down (&served);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/notify/interval", test_interval);
  g_test_add_func ("/notify/state-at-once", test_state_at_once);
  g_test_add_func ("/notify/subscribers", test_subscribers);
  g_test_add_func ("/notify/managed-objects", test_managed_objects);
  g_test_add_func ("/notify/removed", test_removed);
  g_test_add_func ("/notify/transferred", test_transferred);
  g_test_add_func ("/notify/listener-leaves", test_listener_leaves);
  return g_test_run ();
}
