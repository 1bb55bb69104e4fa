/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The objects and the steps of every call, in their order: who calls -> is it his -> does the table allow it ->
 * polkit, when the rule says so -> is it still his -> the handler.
 *
 * Jobs are one subtree that answers for every id there could be, in the same words for absent and foreign ones. GIO's own
 * Properties is not used, here and on the root: it checks names and types before anybody asked whose job it is. */

#include "ferry-bus-private.h"

#include "ferry-error.h"
#include "ferry-interface-info.h"
#include "ferry-wash.h"

static const FerryBusMethod *const root_tables[] = {
  ferry_bus_agents_methods, ferry_bus_create_methods,  ferry_bus_manager_methods,
  ferry_bus_policy_methods, ferry_bus_objects_methods, ferry_bus_root_properties_methods,
  ferry_bus_status_methods,
};

static const FerryBusMethod *const job_tables[] = {
  ferry_bus_job_methods,
  ferry_bus_files_methods,
  ferry_bus_reply_methods,
  ferry_bus_job_properties_methods,
};

static FerryBusHandler
find_handler (const FerryAccessRule *rule)
{
  const FerryBusMethod *const *tables = rule->object == FERRY_ACCESS_JOB ? job_tables : root_tables;
  gsize n = rule->object == FERRY_ACCESS_JOB ? G_N_ELEMENTS (job_tables)
                                             : G_N_ELEMENTS (root_tables);

  for (gsize i = 0; i < n; i++)
    {
      for (const FerryBusMethod *method = tables[i]; method->member != NULL; method++)
        {
          if (g_str_equal (method->interface, rule->interface) &&
              g_str_equal (method->member, rule->member))
            return method->handle;
        }
    }

  return NULL;
}

GError *
ferry_bus_unknown_object (const char *id)
{
  g_autofree char *path = g_strconcat (FERRY_JOBS_PATH "/", id, NULL);

  /* An id comes from the path, where it is short and plain, or from an argument, where it may be anything. */
  if (!g_variant_is_object_path (path) || strlen (id) > 64)
    return g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT, "You have no job of that id.");

  return g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT, "You have no job %s.", id);
}

FerryJob *
ferry_bus_look_up (FerryBus *self, FerryCall *call)
{
  FerryJob *job = ferry_queue_lookup (self->queue, call->uid, call->job_id);

  if (job == NULL)
    {
      ferry_call_return_error (call, ferry_bus_unknown_object (call->job_id));
      return NULL;
    }
  if (call->rule->kind == FERRY_ACCESS_CHANGE && ferry_job_state_is_final (job->state))
    {
      ferry_call_refuse_after_commit (call, self->store,
                                      g_error_new (FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                                                   "The job is %s and can only be read.",
                                                   ferry_job_state_to_string (job->state)));
      return NULL;
    }

  return job;
}

/* After polkit, when the rule asks it. */
static void
handle (FerryBus *self, FerryCall *call, FerryJob *job)
{
  FerryBusHandler handler = find_handler (call->rule);

  if (job != NULL)
    ferry_bus_notify_subscribe (self->notify, call->sender, call->uid, job);
  handler (self, call, job);
}

static void
handle_identified (FerryBus *self, FerryCall *call, FerryAccessObject object)
{
  const char *interface = g_dbus_method_invocation_get_interface_name (call->invocation);
  FerryJob *job = NULL;

  call->rule = ferry_access_lookup (object, interface, call->member);
  if (call->rule == NULL || find_handler (call->rule) == NULL)
    {
      ferry_call_return_error (call, g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                                                  "Nobody may call %s.", call->member));
      return;
    }
  if (object == FERRY_ACCESS_JOB && (job = ferry_bus_look_up (self, call)) == NULL)
    return;

  if (call->rule->kind == FERRY_ACCESS_AUTHORIZED)
    ferry_bus_authorize (self, call, call->rule->action, NULL, handle);
  else
    handle (self, call, job);
}

/* Takes @call. */
static void
identify (FerryBus *self, FerryCall *call, uid_t uid, pid_t pid)
{
  GError *error = NULL;

  if (!ferry_call_identify (call, uid, pid, &error))
    ferry_call_return_error (call, error);
  else
    handle_identified (self, call, call->job_id != NULL ? FERRY_ACCESS_JOB : FERRY_ACCESS_ROOT);
}

typedef struct
{
  FerryBus *self;  /* (owned) */
  FerryCall *call; /* (owned) */
} Arrival;

static void
on_identified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Arrival *arrival = user_data;
  g_autoptr (FerryBus) self = arrival->self;
  FerryCall *call = arrival->call;
  GError *error = NULL;
  uid_t uid;
  pid_t pid;

  g_free (arrival);
  if (ferry_peers_lookup_finish (FERRY_PEERS (source), result, &uid, &pid, &error))
    identify (self, call, uid, pid);
  else
    ferry_call_return_error (call, error);
}

static void
method_call (GDBusConnection *connection, const char *sender, const char *path,
             const char *interface, const char *member, GVariant *parameters,
             GDBusMethodInvocation *invocation, gpointer user_data)
{
  FerryBus *self = user_data;
  const char *job_id = g_str_has_prefix (path, FERRY_JOBS_PATH "/")
                           ? path + strlen (FERRY_JOBS_PATH "/")
                           : NULL;
  FerryCall *call = ferry_call_new (invocation, self->calls, job_id);
  Arrival *arrival;
  uid_t uid;
  pid_t pid;

  self->last_call = ferry_clock_get_boot (self->clock);
  if (ferry_wash_needs (member, parameters))
    ferry_wash (connection, parameters);
  if (ferry_peers_get (self->peers, sender, &uid, &pid))
    {
      identify (self, call, uid, pid);
      return;
    }

  arrival = g_new0 (Arrival, 1);
  arrival->self = g_object_ref (self);
  arrival->call = call;
  ferry_peers_lookup_async (self->peers, sender, on_identified, arrival);
}

static const GDBusInterfaceVTable vtable = { method_call, NULL, NULL, { 0 } };

static char **
enumerate (GDBusConnection *connection, const char *sender, const char *path, gpointer user_data)
{
  return g_new0 (char *, 1);
}

static GDBusInterfaceInfo **
introspect (GDBusConnection *connection, const char *sender, const char *path, const char *node,
            gpointer user_data)
{
  GPtrArray *interfaces = g_ptr_array_new ();

  if (node == NULL)
    {
      g_ptr_array_unref (interfaces);
      return NULL;
    }

  g_ptr_array_add (interfaces, (gpointer) &org_ferry_transfer1_job_interface);
  g_ptr_array_add (interfaces, (gpointer) &org_freedesktop_dbus_properties_interface);
  g_ptr_array_add (interfaces, NULL);
  return (GDBusInterfaceInfo **) g_ptr_array_free (interfaces, FALSE);
}

static const GDBusInterfaceVTable *
dispatch (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
          const char *node, gpointer *out_user_data, gpointer user_data)
{
  /* The bus, not the job: when the call is handled the job may be gone. */
  *out_user_data = user_data;
  return &vtable;
}

static const GDBusSubtreeVTable subtree_vtable = { enumerate, introspect, dispatch, { 0 } };

gboolean
ferry_bus_tree_register (FerryBus *self, GError **error)
{
  const GDBusInterfaceInfo *const interfaces[] = {
    &org_ferry_transfer1_manager_interface,       &org_ferry_transfer1_policy_interface,
    &org_ferry_transfer1_agent_manager_interface, &org_freedesktop_dbus_object_manager_interface,
    &org_freedesktop_dbus_properties_interface,
  };

  self->subtree = g_dbus_connection_register_subtree (
      self->connection, FERRY_JOBS_PATH, &subtree_vtable,
      G_DBUS_SUBTREE_FLAGS_DISPATCH_TO_UNENUMERATED_NODES, self, NULL, error);
  if (self->subtree == 0)
    return FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (interfaces); i++)
    {
      guint id = g_dbus_connection_register_object (self->connection, FERRY_ROOT_PATH,
                                                    (GDBusInterfaceInfo *) interfaces[i], &vtable,
                                                    self, NULL, error);

      if (id == 0)
        return FALSE;
      g_array_append_val (self->registrations, id);
    }

  return TRUE;
}

void
ferry_bus_tree_unregister (FerryBus *self)
{
  if (self->subtree != 0)
    g_dbus_connection_unregister_subtree (self->connection, self->subtree);
  self->subtree = 0;
  for (guint i = 0; i < self->registrations->len; i++)
    g_dbus_connection_unregister_object (self->connection,
                                         g_array_index (self->registrations, guint, i));
  g_array_set_size (self->registrations, 0);
}
