/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fake-systemd.h"

#include <stdio.h>

#define NAME         "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define UNIT_PREFIX  MANAGER_PATH "/unit/"

static const char xml[] = "<node>"
                          " <interface name='org.freedesktop.systemd1.Manager'>"
                          "  <method name='Subscribe'/>"
                          "  <method name='ListUnitsByNames'>"
                          "   <arg type='as' direction='in'/>"
                          "   <arg type='a(ssssssouso)' direction='out'/>"
                          "  </method>"
                          "  <method name='RestartUnit'>"
                          "   <arg type='s' direction='in'/><arg type='s' direction='in'/>"
                          "   <arg type='o' direction='out'/>"
                          "  </method>"
                          "  <method name='StopUnit'>"
                          "   <arg type='s' direction='in'/><arg type='s' direction='in'/>"
                          "   <arg type='o' direction='out'/>"
                          "  </method>"
                          "  <method name='ResetFailedUnit'><arg type='s' direction='in'/></method>"
                          " </interface>"
                          " <interface name='org.freedesktop.systemd1.Service'>"
                          "  <property name='Result' type='s' access='read'/>"
                          "  <property name='ExecMainCode' type='i' access='read'/>"
                          "  <property name='ExecMainStatus' type='i' access='read'/>"
                          " </interface>"
                          "</node>";

typedef struct
{
  char *active_state; /* (owned) */
  guint32 job;
  char *result; /* (owned) */
  gint32 code;
  gint32 status;
} Unit;

struct _FakeSystemd
{
  BusFixture *bus;             /* (unowned) */
  GDBusNodeInfo *node;         /* (owned) */
  GDBusConnection *connection; /* (owned) (nullable): while on the bus */
  gboolean subscribed;
  GHashTable *units; /* (owned) (element-type utf8 Unit) */
  GString *calls;    /* (owned) */
  guint looks;
  char *refused_member;        /* (owned) (nullable) */
  char *refused_error;         /* (owned) (nullable) */
  char *held_member;           /* (owned) (nullable) */
  GDBusMethodInvocation *held; /* (owned) (nullable) */
  GVariant *held_reply;        /* (owned) (nullable): when it is known before the answer */
};

static void
unit_free (Unit *unit)
{
  g_free (unit->active_state);
  g_free (unit->result);
  g_free (unit);
}

static Unit *
ensure_unit (FakeSystemd *self, const char *name)
{
  Unit *unit = g_hash_table_lookup (self->units, name);

  if (unit == NULL)
    {
      unit = g_new0 (Unit, 1);
      unit->active_state = g_strdup ("inactive");
      unit->result = g_strdup ("success");
      g_hash_table_insert (self->units, g_strdup (name), unit);
    }
  return unit;
}

/* Names of systemd's paths are written by hand here, not by the code under test. */
static char *
make_path (const char *name)
{
  guint uid = 0;

  g_assert_cmpint (sscanf (name, "ferry-worker@%u.service", &uid), ==, 1);
  return g_strdup_printf (UNIT_PREFIX "ferry_2dworker_40%u_2eservice", uid);
}

/* == methods == */

static void
list_units (FakeSystemd *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  g_autofree const char **names = NULL;
  g_autoptr (GVariant) reply = NULL;
  GVariantBuilder list = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ssssssouso)"));

  self->looks++;
  g_variant_get (parameters, "(^a&s)", &names);
  for (guint i = 0; names[i] != NULL; i++)
    {
      Unit *unit = ensure_unit (self, names[i]);
      g_autofree char *path = make_path (names[i]);

      g_variant_builder_add (&list, "(ssssssouso)", names[i], "", "loaded", unit->active_state, "",
                             "", path, unit->job, unit->job != 0 ? "start" : "", "/");
    }
  reply = g_variant_ref_sink (g_variant_new ("(a(ssssssouso))", &list));
  if (g_strcmp0 (self->held_member, "ListUnitsByNames") == 0)
    {
      g_assert_null (self->held);
      self->held = invocation;
      self->held_reply = g_steal_pointer (&reply);
    }
  else
    {
      g_dbus_method_invocation_return_value (invocation, reply);
    }
}

/* What is answered at once has a job by then; of what was held back the test says what became. */
static void
queue_job (FakeSystemd *self, const char *member, GVariant *parameters)
{
  const char *name;

  if (!g_str_equal (member, "RestartUnit") || g_strcmp0 (member, self->refused_member) == 0)
    return;

  g_variant_get (parameters, "(&s&s)", &name, NULL);
  ensure_unit (self, name)->job = 1;
}

static void
answer (FakeSystemd *self, GDBusMethodInvocation *invocation)
{
  const char *member = g_dbus_method_invocation_get_method_name (invocation);

  if (self->held_reply != NULL)
    g_dbus_method_invocation_return_value (invocation, self->held_reply);
  else if (g_strcmp0 (member, self->refused_member) == 0)
    g_dbus_method_invocation_return_dbus_error (invocation, self->refused_error, "No, says a test");
  else if (g_str_equal (member, "RestartUnit") || g_str_equal (member, "StopUnit"))
    g_dbus_method_invocation_return_value (invocation,
                                           g_variant_new ("(o)", MANAGER_PATH "/job/1"));
  else
    g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
on_call (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
         const char *member, GVariant *parameters, GDBusMethodInvocation *invocation, gpointer data)
{
  FakeSystemd *self = data;

  if (g_str_equal (member, "ListUnitsByNames"))
    {
      list_units (self, parameters, invocation);
      return;
    }

  if (g_str_equal (member, "Subscribe"))
    {
      self->subscribed = TRUE;
    }
  else
    {
      g_string_append (self->calls, member);
      for (gsize i = 0; i < g_variant_n_children (parameters); i++)
        {
          g_autoptr (GVariant) child = g_variant_get_child_value (parameters, i);

          g_string_append_printf (self->calls, " %s", g_variant_get_string (child, NULL));
        }
      g_string_append_c (self->calls, ';');
    }

  if (g_strcmp0 (member, self->held_member) == 0)
    {
      g_assert_null (self->held);
      self->held = invocation;
    }
  else
    {
      queue_job (self, member, parameters);
      answer (self, invocation);
    }
}

static GVariant *
on_get (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
        const char *property, GError **error, gpointer data)
{
  FakeSystemd *self = data;
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, self->units);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      g_autofree char *unit_path = make_path (name);
      Unit *unit = value;

      if (!g_str_equal (path, unit_path))
        continue;
      if (g_str_equal (property, "Result"))
        return g_variant_new_string (unit->result);
      return g_variant_new_int32 (g_str_equal (property, "ExecMainCode") ? unit->code
                                                                         : unit->status);
    }
  g_assert_not_reached ();
}

/* == units are a subtree == */

static char **
on_enumerate (GDBusConnection *connection, const char *sender, const char *path, gpointer data)
{
  return g_new0 (char *, 1);
}

static GDBusInterfaceInfo **
on_introspect (GDBusConnection *connection, const char *sender, const char *path, const char *node,
               gpointer data)
{
  FakeSystemd *self = data;
  GDBusInterfaceInfo **infos = g_new0 (GDBusInterfaceInfo *, 2);

  infos[0] = g_dbus_interface_info_ref (self->node->interfaces[1]);
  return infos;
}

static const GDBusInterfaceVTable *
on_dispatch (GDBusConnection *connection, const char *sender, const char *path,
             const char *interface, const char *node, gpointer *out_data, gpointer data)
{
  static const GDBusInterfaceVTable vtable = { .get_property = on_get };

  *out_data = data;
  return &vtable;
}

void
fake_systemd_enter (FakeSystemd *self)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_call };
  static const GDBusSubtreeVTable subtree = { on_enumerate, on_introspect, on_dispatch };
  g_autoptr (GError) error = NULL;

  g_assert_null (self->connection);
  self->connection = bus_fixture_connect (self->bus);
  g_dbus_connection_register_object (self->connection, MANAGER_PATH, self->node->interfaces[0],
                                     &vtable, self, NULL, &error);
  g_assert_no_error (error);
  g_dbus_connection_register_subtree (self->connection, MANAGER_PATH "/unit", &subtree,
                                      G_DBUS_SUBTREE_FLAGS_DISPATCH_TO_UNENUMERATED_NODES, self,
                                      NULL, &error);
  g_assert_no_error (error);
  bus_fixture_own_name (self->connection, NAME);
}

void
fake_systemd_leave (FakeSystemd *self)
{
  g_clear_object (&self->held);
  g_clear_pointer (&self->held_reply, g_variant_unref);
  self->subscribed = FALSE;
  bus_fixture_disconnect (g_steal_pointer (&self->connection));
}

FakeSystemd *
fake_systemd_new (BusFixture *bus)
{
  FakeSystemd *self = g_new0 (FakeSystemd, 1);

  self->bus = bus;
  self->node = g_dbus_node_info_new_for_xml (xml, NULL);
  g_assert_nonnull (self->node);
  self->units = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) unit_free);
  self->calls = g_string_new (NULL);
  return self;
}

void
fake_systemd_free (FakeSystemd *self)
{
  if (self->connection != NULL)
    fake_systemd_leave (self);
  g_dbus_node_info_unref (self->node);
  g_hash_table_unref (self->units);
  g_string_free (self->calls, TRUE);
  g_free (self->refused_member);
  g_free (self->refused_error);
  g_free (self->held_member);
  g_free (self);
}

void
fake_systemd_sync (FakeSystemd *self)
{
  if (self->connection != NULL)
    bus_fixture_sync (self->connection);
}

const char *
fake_systemd_get_calls (FakeSystemd *self)
{
  return self->calls->str;
}

void
fake_systemd_forget_calls (FakeSystemd *self)
{
  g_string_set_size (self->calls, 0);
}

guint
fake_systemd_get_looks (FakeSystemd *self)
{
  return self->looks;
}

void
fake_systemd_refuse (FakeSystemd *self, const char *member, const char *error)
{
  g_free (self->refused_member);
  g_free (self->refused_error);
  self->refused_member = error != NULL ? g_strdup (member) : NULL;
  self->refused_error = g_strdup (error);
}

void
fake_systemd_hold (FakeSystemd *self, const char *member)
{
  g_free (self->held_member);
  self->held_member = g_strdup (member);
}

gboolean
fake_systemd_is_holding (FakeSystemd *self)
{
  return self->held != NULL;
}

void
fake_systemd_answer (FakeSystemd *self)
{
  answer (self, g_steal_pointer (&self->held));
  g_clear_pointer (&self->held_reply, g_variant_unref);
}

void
fake_systemd_set (FakeSystemd *self, const char *name, const char *active_state, guint32 job)
{
  Unit *unit = ensure_unit (self, name);
  g_autofree char *path = make_path (name);
  g_autoptr (GError) error = NULL;

  g_free (unit->active_state);
  unit->active_state = g_strdup (active_state);
  unit->job = job;
  if (self->connection == NULL || !self->subscribed)
    return;

  g_dbus_connection_emit_signal (
      self->connection, NULL, path, "org.freedesktop.DBus.Properties", "PropertiesChanged",
      g_variant_new ("(sa{sv}as)", "org.freedesktop.systemd1.Unit", NULL, NULL), &error);
  g_assert_no_error (error);
}

void
fake_systemd_set_result (FakeSystemd *self, const char *name, const char *result, gint32 code,
                         gint32 status)
{
  Unit *unit = ensure_unit (self, name);

  g_free (unit->result);
  unit->result = g_strdup (result);
  unit->code = code;
  unit->status = status;
}
