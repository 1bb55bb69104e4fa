/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manager methods that find, list and control jobs. */

#include "ferry-bus-private.h"

#include "ferry-error.h"
#include "ferry-filter.h"
#include "ferry-property.h"
#include "ferry-text.h"
#include "ferry-user.h"

static GVariant *
new_path_reply (const char *id)
{
  g_autofree char *path = g_strconcat (FERRY_JOBS_PATH "/", id, NULL);

  return g_variant_new ("(o)", path);
}

static void
handle_find_job (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  FerryJob *job;
  const char *id;

  g_variant_get (call->parameters, "(&s)", &id);
  job = ferry_queue_lookup (self->queue, call->uid, id);
  if (job == NULL)
    {
      ferry_call_return_error (call, ferry_bus_unknown_object (id));
      return;
    }

  ferry_bus_notify_subscribe (self->notify, call->sender, call->uid, job);
  ferry_call_return_after_commit (call, self->store, new_path_reply (job->id));
}

static void
handle_list_jobs (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  g_autoptr (GVariant) dict = g_variant_get_child_value (call->parameters, 0);
  g_autoptr (FerryFilter) filter = NULL;
  g_autoptr (GPtrArray) jobs = NULL;
  GVariantBuilder builder;
  GError *error = NULL;

  filter = ferry_filter_new (dict, FALSE, &error);
  if (filter == NULL)
    {
      ferry_call_return_error (call, error);
      return;
    }

  ferry_bus_notify_subscribe_all (self->notify, call->sender, call->uid);
  jobs = ferry_queue_list (self->queue, call->uid);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ao"));
  for (guint i = 0; i < jobs->len; i++)
    {
      const FerryJob *job = jobs->pdata[i];
      g_autofree char *path = g_strconcat (FERRY_JOBS_PATH "/", job->id, NULL);

      if (ferry_filter_matches (filter, job))
        g_variant_builder_add (&builder, "o", path);
    }

  ferry_call_return_after_commit (call, self->store, g_variant_new ("(ao)", &builder));
}

static void
handle_list_all_jobs (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  g_autoptr (GVariant) dict = g_variant_get_child_value (call->parameters, 0);
  g_autoptr (FerryFilter) filter = NULL;
  g_autoptr (GPtrArray) jobs = NULL;
  GVariantBuilder builder;
  GError *error = NULL;

  filter = ferry_filter_new (dict, TRUE, &error);
  if (filter == NULL)
    {
      ferry_call_return_error (call, error);
      return;
    }

  jobs = ferry_queue_list_all (self->queue);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sua{sv})"));
  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = jobs->pdata[i];

      if (ferry_filter_matches (filter, job))
        g_variant_builder_add (&builder, "(su@a{sv})", job->id, (guint32) job->owner,
                               ferry_property_get_all (self->engine, job, TRUE));
    }

  ferry_call_return_after_commit (call, self->store, g_variant_new ("(a(sua{sv}))", &builder));
}

/* == ControlJob == */

static void
on_controlled_complete (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  guint published, discarded;

  if (!ferry_engine_complete_finish (FERRY_ENGINE (source), result, &published, &discarded, &error))
    ferry_call_return_error (user_data, error);
  else
    ferry_call_return (user_data, NULL);
}

static void
control_complete (FerryBus *self, FerryCall *call, FerryJob *job)
{
  ferry_engine_complete_async (self->engine, job, on_controlled_complete, call);
}

static const struct
{
  const char *word;
  FerryBusHandler control;
} controls[] = {
  { "suspend", ferry_bus_suspend },
  { "resume", ferry_bus_resume },
  { "complete", control_complete },
  { "cancel", ferry_bus_cancel },
};

static FerryBusHandler
find_control (const char *word)
{
  for (gsize i = 0; i < G_N_ELEMENTS (controls); i++)
    {
      if (g_str_equal (controls[i].word, word))
        return controls[i].control;
    }

  return NULL;
}

/* polkit said yes before: only administrators get to any difference between ids. */
static void
handle_control_job (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  const char *id, *word;
  FerryBusHandler control;
  FerryJob *job;

  g_variant_get (call->parameters, "(&s&s)", &id, &word);
  control = find_control (word);
  job = ferry_queue_lookup_any (self->queue, id);
  if (control == NULL)
    {
      g_autofree char *shown = ferry_text_clean (word, 64);

      ferry_call_return_error (
          call,
          g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                       "\"action\" was given as \"%s\", and one of suspend, resume, complete, "
                       "cancel is wanted.",
                       shown));
    }
  else if (job == NULL)
    ferry_call_return_error (call, ferry_bus_unknown_object (id));
  else if (ferry_job_state_is_final (job->state))
    ferry_call_refuse_after_commit (call, self->store,
                                    g_error_new (FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                                                 "The job is %s and can only be read.",
                                                 ferry_job_state_to_string (job->state)));
  else
    control (self, call, job);
}

/* == TakeOwnership == */

typedef struct
{
  FerryBus *self;  /* (owned) */
  FerryCall *call; /* (owned) */
  char *name;      /* (owned) (nullable): user name of the caller */
  uid_t old_owner;
} Taking;

static void start_taking (Taking *taking, gboolean exempt);

static void
taking_fail (Taking *taking, GError *error)
{
  ferry_call_return_error (taking->call, error);
  g_object_unref (taking->self);
  g_free (taking->name);
  g_free (taking);
}

/* The limit was hit, and the caller may exceed it. */
static void
take_exempt (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  Taking *taking = g_new0 (Taking, 1);

  taking->self = g_object_ref (self);
  taking->call = call;
  taking->name = g_strdup (call->state);
  start_taking (taking, TRUE);
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Taking *taking = user_data;
  g_autoptr (FerryBus) self = taking->self;
  g_autofree char *name = taking->name;
  FerryCall *call = taking->call;
  uid_t old_owner = taking->old_owner;
  GError *error = NULL;
  FerryJob *job;
  const char *id;

  g_free (taking);
  g_variant_get (call->parameters, "(&s)", &id);
  if (!ferry_engine_take_finish (FERRY_ENGINE (source), result, &error))
    {
      /* Asked once only: the state of the call is set on the way to the second try. */
      if (ferry_bus_is_limit (error) && call->state == NULL)
        {
          ferry_call_set_state (call, g_steal_pointer (&name), g_free);
          ferry_bus_exempt (self, call, error, take_exempt);
          return;
        }
      ferry_call_return_error (call, error);
      return;
    }

  job = ferry_queue_lookup (self->queue, call->uid, id);
  if (job != NULL)
    {
      ferry_bus_notify_owner_changed (self->notify, job, old_owner);
      ferry_bus_notify_subscribe (self->notify, call->sender, call->uid, job);
    }
  ferry_call_return (call, new_path_reply (id));
}

/* Looks the job up; nothing was promised about it before. Takes @taking. */
static void
start_taking (Taking *taking, gboolean exempt)
{
  FerryBus *self = taking->self;
  const char *id;
  FerryJob *job;

  g_variant_get (taking->call->parameters, "(&s)", &id);
  job = ferry_queue_lookup_any (self->queue, id);
  if (job == NULL)
    taking_fail (taking, ferry_bus_unknown_object (id));
  else if (ferry_job_state_is_final (job->state))
    taking_fail (taking, g_error_new (FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                                      "The job is %s and can only be read.",
                                      ferry_job_state_to_string (job->state)));
  else
    {
      taking->old_owner = job->owner;
      ferry_engine_take_async (self->engine, job, taking->call->uid, taking->name,
                               exempt || taking->call->uid == 0, on_taken, taking);
    }
}

static void
on_user (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Taking *taking = user_data;
  GError *error = NULL;

  taking->name = ferry_user_lookup_finish (result, &error);
  if (taking->name == NULL)
    taking_fail (taking, error);
  else
    start_taking (taking, FALSE);
}

static void
handle_take_ownership (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  Taking *taking = g_new0 (Taking, 1);

  taking->self = g_object_ref (self);
  taking->call = call;
  ferry_user_lookup_async (call->uid, on_user, taking);
}

const FerryBusMethod ferry_bus_manager_methods[] = {
  { FERRY_MANAGER_INTERFACE, "FindJob", handle_find_job },
  { FERRY_MANAGER_INTERFACE, "ListJobs", handle_list_jobs },
  { FERRY_MANAGER_INTERFACE, "ListAllJobs", handle_list_all_jobs },
  { FERRY_MANAGER_INTERFACE, "ControlJob", handle_control_job },
  { FERRY_MANAGER_INTERFACE, "TakeOwnership", handle_take_ownership },
  { NULL, NULL, NULL },
};
