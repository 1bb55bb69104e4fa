/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is behind a unique name, on a real bus. */

#include "bus-fixture.h"
#include "ferry-peers.h"
#include "link-wait.h"

#include <unistd.h>

typedef struct
{
  BusFixture *bus;         /* (owned) */
  GDBusConnection *server; /* (owned) */
  FerryPeers *peers;       /* (owned) */
  GString *vanished;       /* (owned): names, each followed by a space */
} Fixture;

typedef struct
{
  gboolean done;
  gboolean found;
  uid_t uid;
  pid_t pid;
  GError *error;    /* (owned) (nullable) */
  GPtrArray *names; /* (owned) (nullable) */
} Answer;

static void
on_vanished (FerryPeers *peers, const char *name, Fixture *fixture)
{
  g_string_append_printf (fixture->vanished, "%s ", name);
}

static gboolean
set_up (Fixture *fixture)
{
  fixture->bus = bus_fixture_start ();
  if (fixture->bus == NULL)
    return FALSE;

  fixture->server = bus_fixture_connect (fixture->bus);
  fixture->peers = ferry_peers_new (fixture->server);
  fixture->vanished = g_string_new (NULL);
  g_signal_connect (fixture->peers, "vanished", G_CALLBACK (on_vanished), fixture);
  return TRUE;
}

static void
tear_down (Fixture *fixture)
{
  g_assert_false (ferry_peers_is_busy (fixture->peers));
  ferry_peers_close (fixture->peers);
  g_assert_finalize_object (fixture->peers);
  bus_fixture_disconnect (fixture->server);
  bus_fixture_stop (fixture->bus);
  g_string_free (fixture->vanished, TRUE);
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->found = ferry_peers_lookup_finish (FERRY_PEERS (source), result, &answer->uid,
                                             &answer->pid, &answer->error);
  answer->done = TRUE;
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->names = ferry_peers_list_finish (FERRY_PEERS (source), result, &answer->error);
  answer->done = TRUE;
}

static void
assert_finds_us (Fixture *fixture, const char *name)
{
  Answer answer = { 0 };

  ferry_peers_lookup_async (fixture->peers, name, on_found, &answer);
  g_assert_false (answer.done);
  wait_until (answer.done);
  g_assert_no_error (answer.error);
  g_assert_true (answer.found);
  g_assert_cmpuint (answer.uid, ==, getuid ());
  g_assert_cmpint (answer.pid, ==, getpid ());
}

static void
test_lookup (void)
{
  Fixture fixture = { 0 };
  Answer first = { 0 }, second = { 0 };
  GDBusConnection *client;
  g_autofree char *name = NULL;
  uid_t uid;
  pid_t pid;

  if (!set_up (&fixture))
    return;

  client = bus_fixture_connect (fixture.bus);
  name = g_strdup (g_dbus_connection_get_unique_name (client));

  /* Two that ask at once get one answer each; the next one's is there already. */
  ferry_peers_lookup_async (fixture.peers, name, on_found, &first);
  ferry_peers_lookup_async (fixture.peers, name, on_found, &second);
  while (!second.done)
    {
      g_assert_false (ferry_peers_get (fixture.peers, name, &uid, &pid));
      g_main_context_iteration (NULL, TRUE);
    }
  g_assert_true (first.done);
  g_assert_true (first.found && second.found);
  assert_finds_us (&fixture, name);
  g_assert_true (ferry_peers_get (fixture.peers, name, &uid, &pid));
  g_assert_cmpuint (uid, ==, getuid ());
  g_assert_cmpint (pid, ==, getpid ());
  g_assert_cmpstr (fixture.vanished->str, ==, "");

  bus_fixture_disconnect (client);
  wait_until (fixture.vanished->len > 0);
  g_assert_cmpstr (g_strchomp (fixture.vanished->str), ==, name);
  g_assert_false (ferry_peers_get (fixture.peers, name, &uid, &pid));
  tear_down (&fixture);
}

static void
test_absent (void)
{
  Fixture fixture = { 0 };
  Answer answer = { 0 };

  if (!set_up (&fixture))
    return;

  ferry_peers_lookup_async (fixture.peers, ":9.99", on_found, &answer);
  wait_until (answer.done);
  g_assert_false (answer.found);
  g_assert_error (answer.error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER);
  g_clear_error (&answer.error);
  tear_down (&fixture);
}

/* Gone between the question and the answer: an answer all the same, and nothing is kept. */
static void
test_leaves_meanwhile (void)
{
  Fixture fixture = { 0 };
  Answer answer = { 0 };
  GDBusConnection *client;
  g_autofree char *name = NULL;

  if (!set_up (&fixture))
    return;

  client = bus_fixture_connect (fixture.bus);
  name = g_strdup (g_dbus_connection_get_unique_name (client));
  assert_finds_us (&fixture, name);
  bus_fixture_disconnect (client);
  wait_until (fixture.vanished->len > 0);
  ferry_peers_lookup_async (fixture.peers, name, on_found, &answer);
  wait_until (answer.done);
  g_assert_false (answer.found);
  g_clear_error (&answer.error);
  tear_down (&fixture);
}

static gboolean
has_name (const Answer *answer, const char *name)
{
  for (guint i = 0; i < answer->names->len; i++)
    {
      if (g_str_equal (answer->names->pdata[i], name))
        return TRUE;
    }

  return FALSE;
}

static void
assert_list (Fixture *fixture, uid_t uid, GDBusConnection *const *clients, guint n)
{
  Answer answer = { 0 };

  ferry_peers_list_async (fixture->peers, uid, on_listed, &answer);
  wait_until (answer.done);
  g_assert_no_error (answer.error);
  g_assert_cmpuint (answer.names->len, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_true (has_name (&answer, g_dbus_connection_get_unique_name (clients[i])));
  g_assert_false (has_name (&answer, g_dbus_connection_get_unique_name (fixture->server)));
  g_ptr_array_unref (answer.names);
}

/* All connections of a user, whether they ever called us or not; more than are asked about at a time. */
static void
test_list (void)
{
  Fixture fixture = { 0 };
  GDBusConnection *clients[40];

  if (!set_up (&fixture))
    return;

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    clients[i] = bus_fixture_connect (fixture.bus);
  assert_list (&fixture, getuid (), clients, G_N_ELEMENTS (clients));
  assert_list (&fixture, getuid () + 1, clients, 0);

  /* Who comes and goes while all are watched is known without another question. */
  ferry_peers_hold (fixture.peers);
  assert_list (&fixture, getuid (), clients, G_N_ELEMENTS (clients));
  bus_fixture_disconnect (clients[39]);
  bus_fixture_sync (fixture.server);
  link_wait_settle ();
  assert_list (&fixture, getuid (), clients, G_N_ELEMENTS (clients) - 1);
  clients[39] = bus_fixture_connect (fixture.bus);
  bus_fixture_sync (fixture.server);
  link_wait_settle ();
  assert_list (&fixture, getuid (), clients, G_N_ELEMENTS (clients));
  ferry_peers_release (fixture.peers);

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    bus_fixture_disconnect (clients[i]);
  assert_list (&fixture, getuid (), clients, 0);
  g_assert_cmpstr (fixture.vanished->str, ==, "");
  tear_down (&fixture);
}

/* A caller stays known when the crowd is forgotten. */
static void
test_caller_and_crowd (void)
{
  Fixture fixture = { 0 };
  GDBusConnection *clients[2];
  g_autofree char *name = NULL;

  if (!set_up (&fixture))
    return;

  clients[0] = bus_fixture_connect (fixture.bus);
  clients[1] = bus_fixture_connect (fixture.bus);
  name = g_strdup (g_dbus_connection_get_unique_name (clients[0]));
  assert_finds_us (&fixture, name);
  assert_list (&fixture, getuid (), clients, 2);
  bus_fixture_disconnect (clients[1]);
  bus_fixture_disconnect (clients[0]);
  wait_until (fixture.vanished->len > 0);
  g_assert_cmpstr (g_strchomp (fixture.vanished->str), ==, name);
  tear_down (&fixture);
}

static void
test_close (void)
{
  Fixture fixture = { 0 };
  Answer lookup = { 0 }, list = { 0 };

  if (!set_up (&fixture))
    return;

  ferry_peers_lookup_async (fixture.peers, ":1.0", on_found, &lookup);
  ferry_peers_list_async (fixture.peers, 0, on_listed, &list);
  ferry_peers_close (fixture.peers);
  wait_until (lookup.done && list.done);
  g_assert_false (lookup.found);
  g_assert_null (list.names);
  g_clear_error (&lookup.error);
  g_clear_error (&list.error);
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/peers/lookup", test_lookup);
  g_test_add_func ("/peers/absent", test_absent);
  g_test_add_func ("/peers/leaves-meanwhile", test_leaves_meanwhile);
  g_test_add_func ("/peers/list", test_list);
  g_test_add_func ("/peers/caller-and-crowd", test_caller_and_crowd);
  g_test_add_func ("/peers/close", test_close);
  return g_test_run ();
}
