/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Job methods about its files. */

#include "ferry-bus-private.h"

#include "ferry-args.h"
#include "ferry-error.h"

guint
ferry_bus_count_ranges (GVariant *files)
{
  GVariantIter iter;
  GVariant *options;
  gsize most = 0;

  g_variant_iter_init (&iter, files);
  while (g_variant_iter_next (&iter, "(&s&s@a{sv})", NULL, NULL, &options))
    {
      g_autoptr (GVariant) ranges = g_variant_lookup_value (options, "Ranges", NULL);

      if (ranges != NULL && g_variant_is_of_type (ranges, G_VARIANT_TYPE_ARRAY))
        most = MAX (most, g_variant_n_children (ranges));
      g_variant_unref (options);
    }

  return (guint) MIN (most, G_MAXUINT);
}

GPtrArray *
ferry_bus_parse_files (FerryJobType type, GVariant *variant, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_file_free);

  if (g_variant_n_children (variant) == 0)
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "\"files\" is empty.");
      return NULL;
    }

  for (gsize i = 0; i < g_variant_n_children (variant); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (variant, i);
      g_autoptr (GVariant) options = g_variant_get_child_value (entry, 2);
      const char *url, *path;
      FerryFile *file;

      g_variant_get_child (entry, 0, "&s", &url);
      g_variant_get_child (entry, 1, "&s", &path);
      file = type == FERRY_JOB_TYPE_DOWNLOAD
                 ? ferry_args_parse_file (url, path, options, error)
                 : ferry_args_parse_source (url, path, options, type == FERRY_JOB_TYPE_UPLOAD_REPLY,
                                            error);
      if (file == NULL)
        {
          if (g_variant_n_children (variant) > 1)
            g_prefix_error (error, "File %" G_GSIZE_FORMAT ": ", i);
          return NULL;
        }
      g_ptr_array_add (files, file);
    }

  return g_steal_pointer (&files);
}

static void
on_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerryCall *call = user_data;
  GError *error = NULL;
  gint64 index = ferry_engine_add_files_finish (FERRY_ENGINE (source), result, &error);

  if (index < 0)
    ferry_call_return_error (call, error);
  else
    ferry_call_return (call, g_variant_new ("(u)", (guint) index));
}

/* The state of the call is the a(ssa{sv}); limits were looked at. */
static void
add_parsed (FerryBus *self, FerryCall *call, FerryJob *job, gboolean exempt)
{
  GError *error = NULL;
  GPtrArray *files = ferry_bus_parse_files (job->type, call->state, &error);

  if (files == NULL)
    {
      ferry_call_return_error (call, error);
      return;
    }

  /* Not before the files were understood: bad ones change nothing. */
  if (exempt)
    {
      job->exempt = TRUE;
      ferry_job_touch (job, FERRY_CHANGE_JOB);
    }
  ferry_engine_add_files_async (self->engine, job, files, call->pid, on_added, call);
}

static void
add_exempt (FerryBus *self, FerryCall *call, FerryJob *job)
{
  add_parsed (self, call, job, TRUE);
}

/* @files: (transfer full): an a(ssa{sv}). The number is held against the limits before anything costs. */
static void
add_files (FerryBus *self, FerryCall *call, FerryJob *job, GVariant *files)
{
  guint n_files = (guint) g_variant_n_children (files);
  guint most_ranges = ferry_bus_count_ranges (files);
  GError *limit = NULL;

  ferry_call_set_state (call, files, (GDestroyNotify) g_variant_unref);
  if (ferry_engine_check_limits (self->engine, job, FALSE, n_files, most_ranges, &limit))
    add_parsed (self, call, job, FALSE);
  else
    ferry_bus_exempt (self, call, limit, add_exempt);
}

static void
handle_add_file (FerryBus *self, FerryCall *call, FerryJob *job)
{
  GVariant *entry = call->parameters;

  add_files (self, call, job, g_variant_ref_sink (g_variant_new_array (NULL, &entry, 1)));
}

static void
handle_add_files (FerryBus *self, FerryCall *call, FerryJob *job)
{
  add_files (self, call, job, g_variant_get_child_value (call->parameters, 0));
}

static void
handle_remove_file (FerryBus *self, FerryCall *call, FerryJob *job)
{
  GError *error = NULL;
  guint index;

  g_variant_get (call->parameters, "(u)", &index);
  if (!ferry_engine_remove_file (self->engine, job, index, &error))
    ferry_call_return_error (call, error);
  else
    ferry_call_return_after_commit (call, self->store, NULL);
}

static void
handle_get_files (FerryBus *self, FerryCall *call, FerryJob *job)
{
  GVariantBuilder builder;
  guint n_files = ferry_job_count_files (job);
  guint first, count, taken = 0;

  g_variant_get (call->parameters, "(uu)", &first, &count);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < n_files && (count == 0 || taken < count); i++)
    {
      const FerryFile *file = job->files->pdata[i];

      if (file->index < first)
        continue;
      g_variant_builder_add_value (&builder, ferry_file_to_variant (file, job->id));
      taken++;
    }

  ferry_call_return_after_commit (call, self->store, g_variant_new ("(aa{sv})", &builder));
}

static void
handle_set_remote_url (FerryBus *self, FerryCall *call, FerryJob *job)
{
  g_autofree char *checked = NULL;
  GError *error = NULL;
  const char *url;
  guint index;

  g_variant_get (call->parameters, "(u&s)", &index, &url);
  checked = ferry_args_check_url (url, &error);
  if (checked == NULL || !ferry_engine_set_remote_url (self->engine, job, index, checked, &error))
    ferry_call_return_error (call, error);
  else
    ferry_call_return_after_commit (call, self->store, NULL);
}

/* What was sent was sent there. */
static gboolean
can_move (const FerryFile *file)
{
  return file->is_source ? !ferry_file_is_whole (file) : file->state != FERRY_FILE_STATE_PUBLISHED;
}

/* Returns: (transfer full) (nullable) (element-type utf8): the new URL of each file, %NULL for one that stays */
static GPtrArray *
replace_prefix (FerryJob *job, const char *old, const char *new, guint *changed, GError **error)
{
  g_autoptr (GPtrArray) urls = g_ptr_array_new_with_free_func (g_free);
  guint n_files = ferry_job_count_files (job);

  *changed = 0;
  for (guint i = 0; i < n_files; i++)
    {
      const FerryFile *file = job->files->pdata[i];
      g_autofree char *url = NULL;
      char *checked = NULL;

      if (g_str_has_prefix (file->remote_url, old) && can_move (file))
        {
          url = g_strconcat (new, file->remote_url + strlen (old), NULL);
          checked = ferry_args_check_url (url, error);
          if (checked == NULL)
            return NULL;
          (*changed)++;
        }
      g_ptr_array_add (urls, checked);
    }

  return g_steal_pointer (&urls);
}

static void
handle_replace_remote_prefix (FerryBus *self, FerryCall *call, FerryJob *job)
{
  g_autoptr (GPtrArray) urls = NULL;
  GError *error = NULL;
  const char *old, *new;
  guint changed = 0;

  /* All are checked before the first is set: all or nothing. */
  g_variant_get (call->parameters, "(&s&s)", &old, &new);
  if (*old == '\0')
    g_set_error (&error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "\"old\" is empty.");
  else
    urls = replace_prefix (job, old, new, &changed, &error);
  for (guint i = 0; urls != NULL && error == NULL && i < urls->len; i++)
    {
      const FerryFile *file = job->files->pdata[i];

      if (urls->pdata[i] != NULL)
        ferry_engine_set_remote_url (self->engine, job, file->index, urls->pdata[i], &error);
    }

  if (error != NULL)
    ferry_call_return_error (call, error);
  else
    ferry_call_return_after_commit (call, self->store, g_variant_new ("(u)", changed));
}

static void
handle_set_file_valid (FerryBus *self, FerryCall *call, FerryJob *job)
{
  GError *error = NULL;
  gboolean valid;
  guint index;

  g_variant_get (call->parameters, "(ub)", &index, &valid);
  if (!ferry_engine_set_file_valid (self->engine, job, index, valid, &error))
    ferry_call_return_error (call, error);
  else
    ferry_call_return_after_commit (call, self->store, NULL);
}

const FerryBusMethod ferry_bus_files_methods[] = {
  { FERRY_JOB_INTERFACE, "AddFile", handle_add_file },
  { FERRY_JOB_INTERFACE, "AddFiles", handle_add_files },
  { FERRY_JOB_INTERFACE, "RemoveFile", handle_remove_file },
  { FERRY_JOB_INTERFACE, "GetFiles", handle_get_files },
  { FERRY_JOB_INTERFACE, "SetRemoteUrl", handle_set_remote_url },
  { FERRY_JOB_INTERFACE, "ReplaceRemotePrefix", handle_replace_remote_prefix },
  { FERRY_JOB_INTERFACE, "SetFileValid", handle_set_file_valid },
  { NULL, NULL, NULL },
};
