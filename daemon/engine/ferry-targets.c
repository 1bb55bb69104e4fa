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

static gboolean
take_records (Check *check, GVariant *reply)
{
  g_autoptr (GVariant)
      records = g_variant_lookup_value (reply, "Resume", G_VARIANT_TYPE ("aa{sv}"));
  guint n = check->asked - check->answered;

  if (records == NULL || g_variant_n_children (records) != n)
    return FALSE;

  for (guint i = 0; i < n; i++)
    {
      FerryFile *file = g_ptr_array_index (check->files, check->answered + i);
      g_autoptr (GVariant) record = g_variant_get_child_value (records, i);

      if (g_variant_get_size (record) > FERRY_RESUME_MAX)
        return FALSE;
      g_clear_pointer (&file->resume, g_variant_unref);
      file->resume = g_variant_get_normal_form (record);
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
                             "The worker's answer about the targets was not complete");
  else if (check->answered == check->files->len)
    g_task_return_boolean (task, TRUE);
  else
    ask_next (task);
}

static void
ask_next (GTask *task)
{
  FerryEngine *engine = g_task_get_source_object (task);
  Check *check = g_task_get_task_data (task);
  GVariantBuilder paths;
  GVariantDict dict;
  gsize size = 0;

  g_variant_builder_init (&paths, G_VARIANT_TYPE ("a(sb)"));
  while (check->asked < check->files->len && size < BATCH_MAX)
    {
      const FerryFile *file = g_ptr_array_index (check->files, check->asked++);

      g_variant_builder_add (&paths, "(sb)", file->local_path, file->replace);
      size += strlen (file->local_path) + 16;
    }

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Pid", "u", (guint32) check->pid);
  if (check->foreign)
    g_variant_dict_insert (&dict, FERRY_RESUME_NO_SYMLINKS, "b", TRUE);
  g_variant_dict_insert_value (&dict, "Paths", g_variant_builder_end (&paths));
  ferry_workers_request (engine->workers, check->uid, "check-targets", g_variant_dict_end (&dict),
                         FERRY_CHECK_TIMEOUT, NULL, answered_cb, g_object_ref (task));
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
