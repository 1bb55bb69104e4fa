/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-remote-job.h"

#include "ferry-names.h"
#include "ferry-text.h"

FerryRemoteJob *
ferry_remote_job_new (const char *path)
{
  FerryRemoteJob *self = g_new0 (FerryRemoteJob, 1);
  const char *slash;

  self->path = g_strdup (path);
  slash = strrchr (self->path, '/');
  self->id = slash != NULL ? slash + 1 : self->path;
  self->properties = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                            (GDestroyNotify) g_variant_unref);

  return self;
}

void
ferry_remote_job_free (FerryRemoteJob *self)
{
  g_free (self->path);
  g_hash_table_unref (self->properties);
  g_free (self);
}

void
ferry_remote_job_update (FerryRemoteJob *self, GVariant *properties)
{
  GVariantIter iter;
  char *name;
  GVariant *value;

  g_variant_iter_init (&iter, properties);
  while (g_variant_iter_next (&iter, "{sv}", &name, &value))
    g_hash_table_replace (self->properties, name, value);
}

static GVariant *
lookup (FerryRemoteJob *self, const char *name, const GVariantType *type)
{
  GVariant *value = g_hash_table_lookup (self->properties, name);

  return value != NULL && g_variant_is_of_type (value, type) ? value : NULL;
}

const char *
ferry_remote_job_get_string (FerryRemoteJob *self, const char *name)
{
  GVariant *value = lookup (self, name, G_VARIANT_TYPE_STRING);

  return value != NULL ? g_variant_get_string (value, NULL) : "";
}

char *
ferry_remote_job_get_text (FerryRemoteJob *self, const char *name)
{
  return ferry_text_clean (ferry_remote_job_get_string (self, name), FERRY_TEXT_MAX);
}

guint64
ferry_remote_job_get_number (FerryRemoteJob *self, const char *name, guint64 fallback)
{
  GVariant *value;

  if ((value = lookup (self, name, G_VARIANT_TYPE_UINT64)) != NULL)
    return g_variant_get_uint64 (value);
  if ((value = lookup (self, name, G_VARIANT_TYPE_UINT32)) != NULL)
    return g_variant_get_uint32 (value);

  return fallback;
}

gboolean
ferry_remote_job_get_boolean (FerryRemoteJob *self, const char *name)
{
  GVariant *value = lookup (self, name, G_VARIANT_TYPE_BOOLEAN);

  return value != NULL && g_variant_get_boolean (value);
}

FerryJobState
ferry_remote_job_get_state (FerryRemoteJob *self)
{
  FerryJobState state = FERRY_JOB_STATE_QUEUED;

  ferry_job_state_from_string (ferry_remote_job_get_string (self, "State"), &state);
  return state;
}

FerryJobType
ferry_remote_job_get_job_type (FerryRemoteJob *self)
{
  FerryJobType type = FERRY_JOB_TYPE_DOWNLOAD;

  ferry_job_type_from_string (ferry_remote_job_get_string (self, "Type"), &type);
  return type;
}

gboolean
ferry_remote_job_is_upload (FerryRemoteJob *self)
{
  return ferry_remote_job_get_job_type (self) != FERRY_JOB_TYPE_DOWNLOAD;
}

gboolean
ferry_remote_job_starts_over (FerryRemoteJob *self)
{
  const char *protocol = ferry_remote_job_get_string (self, "ResolvedUploadProtocol");
  GVariant *resumable = lookup (self, "Resumable", G_VARIANT_TYPE_BOOLEAN);

  /* Until a protocol is settled nobody knows. */
  return ferry_remote_job_is_upload (self) && *protocol != '\0' &&
         !g_str_equal (protocol, ferry_upload_protocol_to_string (FERRY_UPLOAD_PROTOCOL_AUTO)) &&
         resumable != NULL && !g_variant_get_boolean (resumable);
}

gboolean
ferry_remote_job_is_final (FerryRemoteJob *self)
{
  FerryJobState state = ferry_remote_job_get_state (self);

  return state == FERRY_JOB_STATE_ACKNOWLEDGED || state == FERRY_JOB_STATE_CANCELLED;
}

gboolean
ferry_remote_job_is_alive (FerryRemoteJob *self)
{
  switch (ferry_remote_job_get_state (self))
    {
    case FERRY_JOB_STATE_QUEUED:
    case FERRY_JOB_STATE_CONNECTING:
    case FERRY_JOB_STATE_TRANSFERRING:
    case FERRY_JOB_STATE_TRANSIENT_ERROR:
      return TRUE;
    case FERRY_JOB_STATE_SUSPENDED:
    case FERRY_JOB_STATE_ERROR:
    case FERRY_JOB_STATE_TRANSFERRED:
    case FERRY_JOB_STATE_ACKNOWLEDGED:
    case FERRY_JOB_STATE_CANCELLED:
      return FALSE;
    }

  return FALSE;
}

gboolean
ferry_remote_job_waits_for (FerryRemoteJob *self, FerryWaitReason reason)
{
  GVariant *reasons = g_hash_table_lookup (self->properties, "WaitReasons");
  g_autofree const char **words = NULL;

  if (reasons == NULL || !g_variant_is_of_type (reasons, G_VARIANT_TYPE_STRING_ARRAY))
    return FALSE;

  words = g_variant_get_strv (reasons, NULL);
  return g_strv_contains (words, ferry_wait_reason_to_string (reason));
}

FerryOutcome
ferry_remote_job_get_outcome (FerryRemoteJob *self, GError **error)
{
  GError *failure;

  switch (ferry_remote_job_get_state (self))
    {
    case FERRY_JOB_STATE_QUEUED:
    case FERRY_JOB_STATE_CONNECTING:
    case FERRY_JOB_STATE_TRANSFERRING:
    case FERRY_JOB_STATE_SUSPENDED:
    case FERRY_JOB_STATE_TRANSIENT_ERROR:
      return FERRY_OUTCOME_PENDING;
    case FERRY_JOB_STATE_TRANSFERRED:
      /* One that completes itself is about to. */
      return ferry_remote_job_get_boolean (self, "AutoComplete") ? FERRY_OUTCOME_PENDING
                                                                 : FERRY_OUTCOME_DONE;
    case FERRY_JOB_STATE_ACKNOWLEDGED:
      return FERRY_OUTCOME_DONE;
    case FERRY_JOB_STATE_ERROR:
    case FERRY_JOB_STATE_CANCELLED:
      break;
    }

  failure = ferry_remote_job_get_error (self);
  if (failure == NULL)
    failure = g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_FAILED, "the job was cancelled");
  g_propagate_error (error, failure);
  return FERRY_OUTCOME_FAILED;
}

GError *
ferry_remote_error_new (GVariant *error)
{
  const char *name = NULL;
  const char *message = NULL;

  if (error == NULL || !g_variant_is_of_type (error, G_VARIANT_TYPE_VARDICT))
    return NULL;
  if (!g_variant_lookup (error, "Name", "&s", &name))
    return NULL;
  /* Jobs of other users come without it. */
  if (!g_variant_lookup (error, "Message", "&s", &message))
    message = "the reason is told to the owner only";

  return g_dbus_error_new_for_dbus_error (name, message);
}

GError *
ferry_remote_job_get_error (FerryRemoteJob *self)
{
  return ferry_remote_error_new (g_hash_table_lookup (self->properties, "Error"));
}

char *
ferry_remote_job_get_label (FerryRemoteJob *self)
{
  char *label = ferry_remote_job_get_text (self, "DisplayName");

  if (*label != '\0')
    return label;

  g_free (label);
  return g_strdup (self->id);
}

FerryRemoteJob *
ferry_remote_job_load (FerryClient *client, const char *path, GError **error)
{
  g_autoptr (GVariant)
      reply = ferry_client_call (client, path, FERRY_PROPERTIES_INTERFACE, "GetAll",
                                 g_variant_new ("(s)", FERRY_JOB_INTERFACE), "(a{sv})", error);
  g_autoptr (GVariant) properties = NULL;
  FerryRemoteJob *job;

  if (reply == NULL)
    return NULL;

  job = ferry_remote_job_new (path);
  properties = g_variant_get_child_value (reply, 0);
  ferry_remote_job_update (job, properties);
  return job;
}

static int
compare_age (gconstpointer a, gconstpointer b)
{
  FerryRemoteJob *left = *(FerryRemoteJob *const *) a;
  FerryRemoteJob *right = *(FerryRemoteJob *const *) b;
  guint64 left_time = ferry_remote_job_get_number (left, "CreationTime", 0);
  guint64 right_time = ferry_remote_job_get_number (right, "CreationTime", 0);

  if (left_time != right_time)
    return left_time < right_time ? -1 : 1;

  return g_strcmp0 (left->id, right->id);
}

GPtrArray *
ferry_remote_jobs_load (FerryClient *client, GError **error)
{
  g_autoptr (GVariant)
      reply = ferry_client_call (client, FERRY_ROOT_PATH, FERRY_OBJECT_MANAGER_INTERFACE,
                                 "GetManagedObjects", NULL, "(a{oa{sa{sv}}})", error);
  g_autoptr (GVariantIter) iter = NULL;
  g_autoptr (GPtrArray) jobs = NULL;
  const char *path;
  GVariant *interfaces;

  if (reply == NULL)
    return NULL;

  jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_remote_job_free);
  g_variant_get (reply, "(a{oa{sa{sv}}})", &iter);
  while (g_variant_iter_loop (iter, "{&o@a{sa{sv}}}", &path, &interfaces))
    {
      g_autoptr (GVariant) properties = g_variant_lookup_value (interfaces, FERRY_JOB_INTERFACE,
                                                                G_VARIANT_TYPE_VARDICT);
      g_autoptr (FerryRemoteJob) job = NULL;

      if (properties == NULL)
        continue;
      job = ferry_remote_job_new (path);
      ferry_remote_job_update (job, properties);
      if (!ferry_remote_job_is_final (job))
        g_ptr_array_add (jobs, g_steal_pointer (&job));
    }

  g_ptr_array_sort (jobs, compare_age);
  return g_steal_pointer (&jobs);
}

GPtrArray *
ferry_remote_jobs_load_states (FerryClient *client, const char *const *states, GError **error)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) iter = NULL;
  g_autoptr (GPtrArray) jobs = NULL;
  GVariantBuilder filter;
  const char *path;

  if (states == NULL)
    return ferry_remote_jobs_load (client, error);

  g_variant_builder_init (&filter, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&filter, "{sv}", "States", g_variant_new_strv (states, -1));
  reply = ferry_client_call_manager (client, "ListJobs", g_variant_new ("(a{sv})", &filter), "(ao)",
                                     error);
  if (reply == NULL)
    return NULL;

  jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_remote_job_free);
  g_variant_get (reply, "(ao)", &iter);
  while (g_variant_iter_next (iter, "&o", &path))
    {
      g_autoptr (GError) local_error = NULL;
      FerryRemoteJob *job = ferry_remote_job_load (client, path, &local_error);

      if (job != NULL)
        g_ptr_array_add (jobs, job);
      else if (!g_error_matches (local_error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
        {
          /* One that has just gone is not in the list any more; anything else is an error. */
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
    }

  return g_steal_pointer (&jobs);
}

GPtrArray *
ferry_remote_jobs_load_foreign (FerryClient *client, GVariant *filter, GError **error)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariantIter) iter = NULL;
  GPtrArray *jobs;
  const char *id;
  guint32 owner;
  GVariant *properties;

  if (filter == NULL)
    filter = g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);

  reply = ferry_client_call_manager (client, "ListAllJobs", g_variant_new ("(@a{sv})", filter),
                                     "(a(sua{sv}))", error);
  if (reply == NULL)
    return NULL;

  jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_remote_job_free);
  g_variant_get (reply, "(a(sua{sv}))", &iter);
  while (g_variant_iter_loop (iter, "(&su@a{sv})", &id, &owner, &properties))
    {
      g_autofree char *path = g_strconcat (FERRY_JOBS_PATH "/", id, NULL);
      FerryRemoteJob *job = ferry_remote_job_new (path);

      ferry_remote_job_update (job, properties);
      g_hash_table_replace (job->properties, g_strdup ("Owner"),
                            g_variant_ref_sink (g_variant_new_uint32 (owner)));
      g_hash_table_replace (job->properties, g_strdup ("Id"),
                            g_variant_ref_sink (g_variant_new_string (id)));
      g_ptr_array_add (jobs, job);
    }

  return jobs;
}

GVariant *
ferry_remote_files_load (FerryClient *client, const char *path, GError **error)
{
  g_autoptr (GVariant)
      reply = ferry_client_call_job (client, path, "GetFiles", g_variant_new ("(uu)", 0, 0),
                                     "(aa{sv})", error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

char *
ferry_remote_job_load_failed_name (FerryClient *client, FerryRemoteJob *job)
{
  GVariant *error = g_hash_table_lookup (job->properties, "Error");
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) files = NULL;
  g_autoptr (GVariant) file = NULL;
  g_autofree char *name = NULL;
  const char *path, *message;
  guint32 index, found;

  if (error == NULL || !g_variant_is_of_type (error, G_VARIANT_TYPE_VARDICT) ||
      !g_variant_lookup (error, "File", "u", &index) ||
      ferry_remote_job_get_number (job, "FilesTotal", 0) < 2)
    return NULL;

  reply = ferry_client_call_job (client, job->path, "GetFiles", g_variant_new ("(uu)", index, 1),
                                 "(aa{sv})", NULL);
  files = reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
  if (files == NULL || g_variant_n_children (files) == 0)
    return NULL;

  /* When the file was removed meanwhile, the next one comes. */
  file = g_variant_get_child_value (files, 0);
  if (!g_variant_lookup (file, "Index", "u", &found) || found != index ||
      !g_variant_lookup (file, "LocalPath", "&s", &path))
    return NULL;
  /* "/home/alice/a.zip exists" names it already. */
  if (g_variant_lookup (error, "Message", "&s", &message) && strstr (message, path) != NULL)
    return NULL;

  name = g_path_get_basename (path);
  return ferry_text_clean (name, FERRY_TEXT_MAX);
}

void
ferry_remote_job_name_failure (FerryClient *client, FerryRemoteJob *job)
{
  g_autofree char *name = NULL;
  g_autofree char *text = NULL;
  GVariantDict dict;
  const char *message;

  /* Of one that goes on, no more than the error's name is shown. */
  if (ferry_remote_job_is_alive (job))
    return;
  name = ferry_remote_job_load_failed_name (client, job);
  if (name == NULL)
    return;

  g_variant_dict_init (&dict, g_hash_table_lookup (job->properties, "Error"));
  if (g_variant_dict_lookup (&dict, "Message", "&s", &message))
    {
      text = g_strdup_printf ("%s: %s", name, message);
      g_variant_dict_insert (&dict, "Message", "s", text);
    }
  g_hash_table_replace (job->properties, g_strdup ("Error"),
                        g_variant_ref_sink (g_variant_dict_end (&dict)));
}

void
ferry_remote_set_no_job (GError **error, const char *word)
{
  g_autofree char *clean = ferry_text_clean (word, 256);

  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT,
               "you have no job with the id, beginning of an id or name \"%s\"; `ferry list` shows "
               "yours",
               clean);
}
