/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CreateJob and SubmitJob: read the arguments, find the caller's name, ask polkit, look at the limits, hand over. */

#include "ferry-bus-private.h"

#include "ferry-args.h"
#include "ferry-error.h"
#include "ferry-options.h"
#include "ferry-property.h"
#include "ferry-text.h"
#include "ferry-user.h"

/* State of the call. */
typedef struct
{
  FerryJob *job;    /* (owned) (nullable): until the caller's name is known there is none */
  GVariant *files;  /* (owned) (nullable): a(ssa{sv}) of SubmitJob */
  const char *name; /* (unowned): display_name, of the call's parameters */
  FerryJobType type;
  GVariant *properties; /* (owned): a{sv} */
} Creation;

typedef struct
{
  FerryBus *self;  /* (owned) */
  FerryCall *call; /* (owned) */
} Step;

static void
creation_free (Creation *creation)
{
  g_clear_object (&creation->job);
  g_clear_pointer (&creation->files, g_variant_unref);
  g_variant_unref (creation->properties);
  g_free (creation);
}

static Step *
step_new (FerryBus *self, FerryCall *call)
{
  Step *step = g_new0 (Step, 1);

  step->self = g_object_ref (self);
  step->call = call;
  return step;
}

static gboolean
parse_type (const char *word, FerryJobType *type, GError **error)
{
  g_autofree char *shown = NULL;

  if (ferry_job_type_from_string (word, type))
    return TRUE;

  shown = ferry_text_clean (word, 64);
  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
               "\"type\" was given as \"%s\", and one of download, upload, upload-reply is wanted.",
               shown);
  return FALSE;
}

static gboolean
take_credentials (FerryJob *job, FerryOptions *options, GError **error)
{
  g_autoptr (GVariant) list = NULL;

  if (!ferry_options_take_converted (options, "Credentials", "a(ssa{sv})", &list, error))
    return FALSE;

  for (gsize i = 0; list != NULL && i < g_variant_n_children (list); i++)
    {
      g_autoptr (GVariant) dict = NULL;
      FerryCredential *credential;
      const char *target, *scheme;

      g_variant_get_child (list, i, "(&s&s@a{sv})", &target, &scheme, &dict);
      credential = ferry_args_parse_credential (target, scheme, dict, error);
      if (credential == NULL)
        return FALSE;
      ferry_secrets_set_credential (ferry_job_get_secrets (job), credential);
    }
  return TRUE;
}

/* Keys that can be written and never read. */
static gboolean
take_secrets (FerryJob *job, FerryOptions *options, GError **error)
{
  g_autoptr (GVariant) headers = NULL;
  g_autofree const char **lines = NULL;

  if (!take_credentials (job, options, error) ||
      !ferry_options_take_converted (options, "CustomHeaders", "as", &headers, error))
    return FALSE;
  if (headers != NULL)
    {
      lines = g_variant_get_strv (headers, NULL);
      if (!ferry_args_check_headers ("CustomHeaders", lines, TRUE, error))
        return FALSE;
      ferry_secrets_set_headers (ferry_job_get_secrets (job), lines);
    }
  ferry_job_note_secrets (job);
  return TRUE;
}

static gboolean
set_properties (FerryJob *job, GVariant *dict, GError **error)
{
  g_autoptr (FerryOptions) options = ferry_options_new (dict, error);
  const FerryProperty *properties;
  guint n;

  if (options == NULL || !take_secrets (job, options, error))
    return FALSE;

  properties = ferry_property_list (&n);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GVariant) value = ferry_options_take (options, properties[i].name);

      if (value != NULL && !ferry_property_set (&properties[i], job, value, error))
        return FALSE;
    }

  return ferry_options_finish (options, error);
}

/* Returns: (transfer full) (nullable) */
static FerryJob *
make_job (const Creation *creation, uid_t uid, const char *user_name, GError **error)
{
  g_autoptr (FerryJob) job = ferry_job_new (creation->type, uid, user_name);
  g_autoptr (GVariant) name = g_variant_ref_sink (g_variant_new_string (creation->name));

  if (!set_properties (job, creation->properties, error) ||
      !ferry_property_set (ferry_property_lookup ("DisplayName"), job, name, error))
    return NULL;

  job->exempt = uid == 0;
  return g_steal_pointer (&job);
}

static void
on_submitted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Step *step = user_data;
  g_autoptr (FerryBus) self = step->self;
  FerryCall *call = step->call;
  Creation *creation = call->state;
  g_autofree char *path = g_strconcat (FERRY_JOBS_PATH "/", creation->job->id, NULL);
  GError *error = NULL;

  g_free (step);
  if (!ferry_engine_submit_finish (FERRY_ENGINE (source), result, &error))
    {
      ferry_call_return_error (call, error);
      return;
    }

  ferry_bus_notify_subscribe (self->notify, call->sender, call->uid, creation->job);
  ferry_call_return (call, g_variant_new ("(o)", path));
}

static void
submit (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  Creation *creation = call->state;
  GPtrArray *files = NULL;
  GError *error = NULL;

  if (creation->files != NULL)
    {
      files = ferry_bus_parse_files (creation->type, creation->files, &error);
      if (files == NULL)
        {
          ferry_call_return_error (call, error);
          return;
        }
    }

  ferry_engine_submit_async (self->engine, creation->job, files, call->pid, files != NULL,
                             on_submitted, step_new (self, call));
}

static void
submit_exempt (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  Creation *creation = call->state;

  creation->job->exempt = TRUE;
  submit (self, call, NULL);
}

/* polkit said yes to all there was to ask. The limits come before the files are looked at. */
static void
check_limits (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  Creation *creation = call->state;
  guint n_files = creation->files != NULL ? (guint) g_variant_n_children (creation->files) : 0;
  guint most_ranges = creation->files != NULL ? ferry_bus_count_ranges (creation->files) : 0;
  GError *limit = NULL;

  if (ferry_engine_check_limits (self->engine, creation->job, TRUE, n_files, most_ranges, &limit))
    submit (self, call, NULL);
  else
    ferry_bus_exempt (self, call, limit, submit_exempt);
}

/* What polkit's rules may look at. */
static GVariant *
get_details (const FerryJob *job)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", "type", ferry_job_type_to_string (job->type));
  g_variant_builder_add (&builder, "{ss}", "priority", ferry_priority_to_string (job->priority));
  g_variant_builder_add (&builder, "{ss}", "application-id", job->application_id);
  return g_variant_builder_end (&builder);
}

static void
ask_foreground (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  Creation *creation = call->state;

  if (creation->job->priority == FERRY_PRIORITY_FOREGROUND)
    ferry_bus_authorize (self, call, FERRY_ACTION_FOREGROUND, NULL, check_limits);
  else
    check_limits (self, call, NULL);
}

static void
ask_upload (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  Creation *creation = call->state;

  if (ferry_job_is_upload (creation->job))
    ferry_bus_authorize (self, call, FERRY_ACTION_UPLOAD, get_details (creation->job),
                         ask_foreground);
  else
    ask_foreground (self, call, NULL);
}

static void
on_user (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Step *step = user_data;
  g_autoptr (FerryBus) self = step->self;
  FerryCall *call = step->call;
  Creation *creation = call->state;
  GError *error = NULL;
  g_autofree char *user_name = ferry_user_lookup_finish (result, &error);

  g_free (step);
  if (user_name != NULL)
    creation->job = make_job (creation, call->uid, user_name, &error);
  if (creation->job == NULL)
    ferry_call_return_error (call, error);
  else
    ferry_bus_authorize (self, call, FERRY_ACTION_CREATE_JOB, get_details (creation->job),
                         ask_upload);
}

static void
handle_create_job (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  gboolean with_files = g_str_equal (call->member, "SubmitJob");
  Creation *creation = g_new0 (Creation, 1);
  GError *error = NULL;
  const char *type;

  g_variant_get_child (call->parameters, 0, "&s", &creation->name);
  g_variant_get_child (call->parameters, 1, "&s", &type);
  if (with_files)
    creation->files = g_variant_get_child_value (call->parameters, 2);
  creation->properties = g_variant_get_child_value (call->parameters, with_files ? 3 : 2);
  ferry_call_set_state (call, creation, (GDestroyNotify) creation_free);

  if (!parse_type (type, &creation->type, &error))
    ferry_call_return_error (call, error);
  else if (with_files && g_variant_n_children (creation->files) == 0)
    ferry_call_return_error (call, g_error_new (FERRY_ERROR, FERRY_ERROR_EMPTY_JOB,
                                                "\"files\" is empty; there is nothing to start."));
  else
    ferry_user_lookup_async (call->uid, on_user, step_new (self, call));
}

const FerryBusMethod ferry_bus_create_methods[] = {
  { FERRY_MANAGER_INTERFACE, "CreateJob", handle_create_job },
  { FERRY_MANAGER_INTERFACE, "SubmitJob", handle_create_job },
  { NULL, NULL, NULL },
};
