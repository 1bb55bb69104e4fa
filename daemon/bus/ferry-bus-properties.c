/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.freedesktop.DBus.Properties of the root object and of jobs. */

#include "ferry-bus-private.h"

#include "ferry-config.h"
#include "ferry-property.h"
#include "ferry-text.h"

/* Bytes of a stranger's word in an error text. */
#define SHOWN_MAX 64

static GError *
no_such (const char *what, const char *name)
{
  g_autofree char *shown = ferry_text_clean (name, SHOWN_MAX);

  return g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "There is no %s \"%s\" here.", what,
                      shown);
}

/* An empty name stands for the object's own interface. */
static gboolean
is_interface (const char *name, const char *own)
{
  return *name == '\0' || g_str_equal (name, own);
}

/* Interfaces that are there and have no properties. */
static gboolean
is_bare (const char *name)
{
  static const char *const bare[] = { FERRY_PROPERTIES_INTERFACE,
                                      "org.freedesktop.DBus.Introspectable",
                                      "org.freedesktop.DBus.Peer", NULL };

  return g_strv_contains (bare, name);
}

/* == root == */

static void
handle_root_get (FerryBus *self, FerryCall *call, FerryJob *job)
{
  const char *interface, *name;

  g_variant_get (call->parameters, "(&s&s)", &interface, &name);
  if (!is_interface (interface, FERRY_MANAGER_INTERFACE) || !g_str_equal (name, "Version"))
    ferry_call_return_error (call, no_such ("property", name));
  else
    ferry_call_return (call, g_variant_new ("(v)", g_variant_new_string (FERRY_VERSION)));
}

static void
handle_root_get_all (FerryBus *self, FerryCall *call, FerryJob *job)
{
  GVariantBuilder builder;
  const char *interface;

  g_variant_get (call->parameters, "(&s)", &interface);
  if (!is_interface (interface, FERRY_MANAGER_INTERFACE) && !is_bare (interface) &&
      !g_str_equal (interface, FERRY_POLICY_INTERFACE) &&
      !g_str_equal (interface, FERRY_OBJECT_MANAGER_INTERFACE))
    {
      ferry_call_return_error (call, no_such ("interface", interface));
      return;
    }

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (is_interface (interface, FERRY_MANAGER_INTERFACE))
    g_variant_builder_add (&builder, "{sv}", "Version", g_variant_new_string (FERRY_VERSION));
  ferry_call_return (call, g_variant_new ("(a{sv})", &builder));
}

static void
handle_root_set (FerryBus *self, FerryCall *call, FerryJob *job)
{
  const char *name;

  g_variant_get (call->parameters, "(s&sv)", NULL, &name, NULL);
  if (g_str_equal (name, "Version"))
    ferry_call_return_error (call, g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                                                "Version can only be read."));
  else
    ferry_call_return_error (call, no_such ("property", name));
}

const FerryBusMethod ferry_bus_root_properties_methods[] = {
  { FERRY_PROPERTIES_INTERFACE, "Get", handle_root_get },
  { FERRY_PROPERTIES_INTERFACE, "GetAll", handle_root_get_all },
  { FERRY_PROPERTIES_INTERFACE, "Set", handle_root_set },
  { NULL, NULL, NULL },
};

/* == jobs == */

static const FerryProperty *
find_property (const char *interface, const char *name, GError **error)
{
  const FerryProperty *property = NULL;

  if (!is_interface (interface, FERRY_JOB_INTERFACE))
    g_propagate_error (error, no_such ("interface", interface));
  else if ((property = ferry_property_lookup (name)) == NULL)
    g_propagate_error (error, no_such ("property", name));

  return property;
}

static void
handle_get (FerryBus *self, FerryCall *call, FerryJob *job)
{
  const FerryProperty *property;
  const char *interface, *name;
  GError *error = NULL;

  g_variant_get (call->parameters, "(&s&s)", &interface, &name);
  property = find_property (interface, name, &error);
  if (property == NULL)
    ferry_call_return_error (call, error);
  else
    ferry_call_return_after_commit (call, self->store,
                                    g_variant_new ("(v)", property->get (self->engine, job)));
}

static void
handle_get_all (FerryBus *self, FerryCall *call, FerryJob *job)
{
  const char *interface;

  g_variant_get (call->parameters, "(&s)", &interface);
  if (is_interface (interface, FERRY_JOB_INTERFACE))
    ferry_call_return_after_commit (
        call, self->store,
        g_variant_new ("(@a{sv})", ferry_property_get_all (self->engine, job, FALSE)));
  else if (is_bare (interface))
    ferry_call_return (call, g_variant_new ("(a{sv})", NULL));
  else
    ferry_call_return_error (call, no_such ("interface", interface));
}

/* Whoever may make foreground jobs was asked. */
static void
set_authorized (FerryBus *self, FerryCall *call, FerryJob *job)
{
  g_autoptr (GVariant) value = NULL;
  const FerryProperty *property;
  const char *interface, *name;
  GError *error = NULL;

  g_variant_get (call->parameters, "(&s&sv)", &interface, &name, &value);
  property = find_property (interface, name, &error);
  if (property == NULL || !ferry_property_set (property, job, value, &error))
    {
      ferry_call_return_error (call, error);
      return;
    }

  ferry_engine_job_edited (self->engine, job);
  ferry_call_return_after_commit (call, self->store, NULL);
}

static void
handle_set (FerryBus *self, FerryCall *call, FerryJob *job)
{
  g_autoptr (GVariant) value = NULL;
  const char *interface, *name;

  g_variant_get (call->parameters, "(&s&sv)", &interface, &name, &value);
  if (g_str_equal (name, "ReplyPath") && is_interface (interface, FERRY_JOB_INTERFACE))
    ferry_bus_set_reply_path (self, call, job, value);
  else if (g_str_equal (name, "Priority") && job->priority != FERRY_PRIORITY_FOREGROUND &&
           g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) &&
           g_str_equal (g_variant_get_string (value, NULL), "foreground"))
    ferry_bus_authorize (self, call, FERRY_ACTION_FOREGROUND, NULL, set_authorized);
  else
    set_authorized (self, call, job);
}

const FerryBusMethod ferry_bus_job_properties_methods[] = {
  { FERRY_PROPERTIES_INTERFACE, "Get", handle_get },
  { FERRY_PROPERTIES_INTERFACE, "GetAll", handle_get_all },
  { FERRY_PROPERTIES_INTERFACE, "Set", handle_set },
  { NULL, NULL, NULL },
};
