/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-targets.h"

#include "ferry-worker-protocol.h"

#include <string.h>

/* Bytes of paths in one question, well below a frame. Paths have at most 4 KiB. */
#define BATCH_MAX (32 * 1024)

typedef struct
{
  uid_t uid;
  pid_t pid;
  gboolean foreign;
  GPtrArray *files; /* (owned) (element-type FerryFile) */
  guint asked;      /* files before this one were asked about */
  guint answered;
} Check;

static void ask_next (GTask *task);

static void
check_free (gpointer data)
{
  Check *check = data;

  g_ptr_array_unref (check->files);
  g_free (check);
}

/* Returns: (transfer full) (nullable): a list of the answer, when it has as many elements as there were questions */
static GVariant *
get_list (Check *check, GVariant *reply, const char *key, const char *type)
{
  g_autoptr (GVariant) list = g_variant_lookup_value (reply, key, G_VARIANT_TYPE (type));

  if (list == NULL || g_variant_n_children (list) != check->asked - check->answered)
    return NULL;
  return g_steal_pointer (&list);
}

static gboolean
take_record (FerryFile *file, GVariant *record)
{
  if (g_variant_get_size (record) > FERRY_RESUME_MAX)
    return FALSE;
  ferry_file_set_resume (file, record);
  return TRUE;
}

static gboolean
take_records (Check *check, GVariant *reply)
{
  const FerryFile *first = g_ptr_array_index (check->files, check->answered);
  g_autoptr (GVariant) records = get_list (check, reply, "Resume", "aa{sv}");
  g_autoptr (GVariant) sizes = get_list (check, reply, "Sizes", "at");

  if (records == NULL || (first->is_source && sizes == NULL))
    return FALSE;

  for (guint i = 0; i < g_variant_n_children (records); i++)
    {
      FerryFile *file = g_ptr_array_index (check->files, check->answered + i);
      g_autoptr (GVariant) record = g_variant_get_child_value (records, i);

      if (!take_record (file, record))
        return FALSE;
      if (!file->is_source)
        continue;
      g_variant_get_child (sizes, i, "t", &file->expected_size);
      file->bytes_total = file->expected_size;
    }

  check->answered = check->asked;
  return TRUE;
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Check *check = g_task_get_task_data (task);
  g_autoptr (GVariant) reply = NULL;
  GError *error = NULL;

  if (!ferry_workers_request_finish (FERRY_WORKERS (source), result, &reply, &error))
    g_task_return_error (task, error);
  else if (!take_records (check, reply))
    g_task_return_new_error (task, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                             "The worker's answer about the files was not complete");
  else if (check->answered == check->files->len)
    g_task_return_boolean (task, TRUE);
  else
    ask_next (task);
}

/* Those that follow, as many as one question holds; all of them sources, or none. */
static GVariant *
take_paths (Check *check, gboolean sources)
{
  GVariantBuilder paths;
  gsize size = 0;

  g_variant_builder_init (&paths, G_VARIANT_TYPE (sources ? "as" : "a(sb)"));
  while (check->asked < check->files->len && size < BATCH_MAX)
    {
      const FerryFile *file = g_ptr_array_index (check->files, check->asked);

      if (file->is_source != sources)
        break;
      if (sources)
        g_variant_builder_add (&paths, "s", file->local_path);
      else
        g_variant_builder_add (&paths, "(sb)", file->local_path, file->replace);
      size += strlen (file->local_path) + 16;
      check->asked++;
    }

  return g_variant_builder_end (&paths);
}

static void
ask_next (GTask *task)
{
  FerryEngine *engine = g_task_get_source_object (task);
  Check *check = g_task_get_task_data (task);
  const FerryFile *first = g_ptr_array_index (check->files, check->asked);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Pid", "u", (guint32) check->pid);
  if (check->foreign)
    g_variant_dict_insert (&dict, FERRY_RESUME_NO_SYMLINKS, "b", TRUE);
  g_variant_dict_insert_value (&dict, "Paths", take_paths (check, first->is_source));
  ferry_workers_request (engine->workers, check->uid,
                         first->is_source ? "check-sources" : "check-targets",
                         g_variant_dict_end (&dict), FERRY_CHECK_TIMEOUT, NULL, answered_cb,
                         g_object_ref (task));
}

void
ferry_targets_check_async (FerryEngine *engine, uid_t uid, pid_t pid, gboolean foreign,
                           GPtrArray *files, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (engine, NULL, callback, user_data);
  Check *check = g_new0 (Check, 1);

  check->uid = uid;
  check->pid = pid;
  check->foreign = foreign;
  check->files = g_ptr_array_ref (files);
  g_task_set_task_data (task, check, check_free);
  if (files->len == 0)
    g_task_return_boolean (task, TRUE);
  else
    ask_next (task);
}

gboolean
ferry_targets_check_finish (FerryEngine *engine, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, engine), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
ferry_targets_check_owner (FerryJob *job, uid_t uid, GError **error)
{
  if (job->owner == uid)
    return TRUE;

  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                       "The job was given to another user meanwhile");
  return FALSE;
}
