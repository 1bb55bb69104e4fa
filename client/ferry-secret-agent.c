/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-secret-agent.h"

#include "ferry-error.h"
#include "ferry-interface-info.h"
#include "ferry-names.h"

#include <string.h>

/* The object that implements org.ferry.Transfer1.SecretAgent. */
#define OBJECT_PATH FERRY_ROOT_PATH "/SecretAgent"

struct _FerrySecretAgent
{
  GDBusConnection *bus; /* (owned) */
  FerrySecretAgentFuncs funcs;
  gpointer user_data;
  gboolean interactive;
  gboolean known;            /* by @owner, or refused by it */
  char *owner;               /* (owned) (nullable): of org.ferry.Transfer1 */
  GCancellable *registering; /* (owned): at @owner */
  GHashTable *requests;      /* (owned): id -> FerrySecretRequest, not owned */
  guint object;
  guint watch;
};

/* == requests == */

static void
request_free (FerrySecretRequest *request)
{
  g_hash_table_remove (request->agent->requests, request->id);
  g_clear_object (&request->invocation);
  ferry_login_query_free (request->query);
  g_object_unref (request->cancellable);
  g_free (request->id);
  g_free (request);
}

void
ferry_secret_request_fail (FerrySecretRequest *request, const GError *error)
{
  /* A ferryd that ends still listens: to it, "nobody knows" would be an answer, and the end of the job. */
  if (!request->unheard)
    g_dbus_method_invocation_return_gerror (g_steal_pointer (&request->invocation), error);
  request_free (request);
}

void
ferry_secret_request_fail_not_found (FerrySecretRequest *request, const char *why)
{
  g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_NOT_FOUND, why);

  ferry_secret_request_fail (request, error);
}

/* The bytes stay where @secret has them: memory that is never swapped, and wiped. */
static GVariant *
make_string (SecretValue *secret)
{
  const char *text = secret_value_get_text (secret);

  return g_variant_new_from_data (G_VARIANT_TYPE_STRING, text, strlen (text) + 1, TRUE,
                                  secret_value_unref, secret_value_ref (secret));
}

void
ferry_secret_request_answer (FerrySecretRequest *request, const char *scheme, const char *user,
                             SecretValue *secret, gboolean http)
{
  gboolean token = g_str_equal (scheme, "bearer");
  gboolean bare = ferry_login_scheme_is_bare (scheme);
  GVariantBuilder credentials;

  g_variant_builder_init (&credentials, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&credentials, "{sv}", "AuthScheme", g_variant_new_string (scheme));
  if (!bare)
    g_variant_builder_add (&credentials, "{sv}", "UserName", g_variant_new_string (user));
  g_variant_builder_add (&credentials, "{sv}", token ? "Token" : "Password", make_string (secret));
  g_variant_builder_add (&credentials, "{sv}", "AllowHttp", g_variant_new_boolean (http));

  g_dbus_method_invocation_return_value (g_steal_pointer (&request->invocation),
                                         g_variant_new ("(a{sv})", &credentials));
  request_free (request);
}

/* == calls == */

static void
get_credentials (FerrySecretAgent *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) dictionary = NULL;
  g_autoptr (FerryLoginQuery) query = NULL;
  FerrySecretRequest *request;
  const char *id;

  g_variant_get (parameters, "(&s@a{sv})", &id, &dictionary);
  query = ferry_login_query_parse (dictionary, &error);
  if (query != NULL && g_hash_table_contains (self->requests, id))
    g_set_error (&error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "that was asked already");
  if (error != NULL)
    {
      g_dbus_method_invocation_return_gerror (invocation, error);
      return;
    }

  request = g_new0 (FerrySecretRequest, 1);
  request->agent = self;
  request->id = g_strdup (id);
  request->query = g_steal_pointer (&query);
  request->cancellable = g_cancellable_new ();
  request->invocation = invocation;
  request->user_data = self->user_data;
  g_hash_table_insert (self->requests, request->id, request);
  self->funcs.asked (request, self->user_data);
}

static void
cancel_request (FerrySecretAgent *self, const char *id, const char *reason)
{
  FerrySecretRequest *request = g_hash_table_lookup (self->requests, id);

  if (request != NULL)
    g_cancellable_cancel (request->cancellable);
  self->funcs.cancelled (id, request, reason, self->user_data);
}

static void
call_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
         const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
         gpointer user_data)
{
  FerrySecretAgent *self = user_data;
  const char *id = NULL;

  if (self->owner == NULL || g_strcmp0 (self->owner, sender) != 0)
    {
      g_dbus_method_invocation_return_error (invocation, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                                             "Only the owner of %s may ask", FERRY_BUS_NAME);
      return;
    }
  if (g_str_equal (method, "GetCredentials"))
    {
      get_credentials (self, parameters, invocation);
      return;
    }

  g_variant_get_child (parameters, 0, "&s", &id);
  if (g_str_equal (method, "CancelRequest"))
    {
      const char *reason;

      g_variant_get_child (parameters, 1, "&s", &reason);
      cancel_request (self, id, reason);
    }
  else
    self->funcs.judged (id, g_str_equal (method, "CredentialsAccepted"), self->user_data);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

/* == registering == */

static void
registered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerrySecretAgent *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  self->known = TRUE;
  self->funcs.registered (error, self->user_data);
}

void
ferry_secret_agent_register (FerrySecretAgent *self, gboolean interactive)
{
  GVariantBuilder capabilities;

  self->interactive = interactive;
  if (self->owner == NULL)
    return;

  g_variant_builder_init (&capabilities, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&capabilities, "{sv}", "Interactive", g_variant_new_boolean (interactive));
  /* To its unique name: the call must not start another ferryd when this one ends. */
  g_dbus_connection_call (self->bus, self->owner, FERRY_ROOT_PATH, FERRY_AGENT_MANAGER_INTERFACE,
                          "RegisterAgent", g_variant_new ("(oa{sv})", OBJECT_PATH, &capabilities),
                          NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, self->registering,
                          registered_cb, self);
}

/* Nobody waits any more for what ferryd has asked. */
static void
cancel_all (FerrySecretAgent *self, gboolean unheard)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer id, request;

  g_hash_table_iter_init (&iter, self->requests);
  while (g_hash_table_iter_next (&iter, &id, &request))
    {
      FerrySecretRequest *open = request;

      open->unheard = unheard;
      /* None is taken up in place of another. */
      g_cancellable_cancel (open->cancellable);
      g_ptr_array_add (ids, g_strdup (id));
    }
  for (guint i = 0; i < ids->len; i++)
    cancel_request (self, g_ptr_array_index (ids, i), NULL);
}

static void
forget_owner (FerrySecretAgent *self, gboolean gone)
{
  if (self->owner == NULL)
    return;

  g_cancellable_cancel (self->registering);
  g_clear_object (&self->registering);
  g_clear_pointer (&self->owner, g_free);
  self->known = FALSE;
  cancel_all (self, gone);
  if (self->funcs.gone != NULL)
    self->funcs.gone (self->user_data);
}

static void
appeared_cb (GDBusConnection *connection, const char *name, const char *owner, gpointer user_data)
{
  FerrySecretAgent *self = user_data;

  forget_owner (self, TRUE);
  self->owner = g_strdup (owner);
  self->registering = g_cancellable_new ();
  ferry_secret_agent_register (self, self->interactive);
}

static void
vanished_cb (GDBusConnection *connection, const char *name, gpointer user_data)
{
  forget_owner (user_data, TRUE);
}

gboolean
ferry_secret_agent_is_registering (FerrySecretAgent *self)
{
  return !self->known;
}

gboolean
ferry_secret_agent_is_asked (FerrySecretAgent *self)
{
  return g_hash_table_size (self->requests) > 0;
}

/* == the agent == */

FerrySecretAgent *
ferry_secret_agent_new (GDBusConnection *bus, gboolean interactive,
                        const FerrySecretAgentFuncs *funcs, gpointer user_data, GError **error)
{
  static const GDBusInterfaceVTable vtable = { .method_call = call_cb };
  g_autoptr (FerrySecretAgent) self = g_new0 (FerrySecretAgent, 1);

  self->bus = g_object_ref (bus);
  self->funcs = *funcs;
  self->user_data = user_data;
  self->interactive = interactive;
  self->requests = g_hash_table_new (g_str_hash, g_str_equal);
  self->object = g_dbus_connection_register_object (
      bus, OBJECT_PATH, (GDBusInterfaceInfo *) &org_ferry_transfer1_secret_agent_interface, &vtable,
      self, NULL, error);
  if (self->object == 0)
    return NULL;

  self->watch = g_bus_watch_name_on_connection (bus, FERRY_BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                appeared_cb, vanished_cb, self, NULL);
  return g_steal_pointer (&self);
}

void
ferry_secret_agent_close (FerrySecretAgent *self)
{
  g_clear_handle_id (&self->watch, g_bus_unwatch_name);
  if (self->object != 0)
    g_dbus_connection_unregister_object (self->bus, self->object);
  self->object = 0;
  forget_owner (self, FALSE);
}

void
ferry_secret_agent_free (FerrySecretAgent *self)
{
  ferry_secret_agent_close (self);
  g_hash_table_unref (self->requests);
  g_object_unref (self->bus);
  g_free (self);
}
