/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-temporary-files.h"

#include "ferry-store.h"

#include <linux/magic.h>

/* Their inode numbers are made up at each mount. */
static gboolean
invents_inodes (GVariant *resume)
{
  guint64 type = 0;

  g_variant_lookup (resume, "DirectoryType", "t", &type);
  return type == FUSE_SUPER_MAGIC || type == MSDOS_SUPER_MAGIC || type == EXFAT_SUPER_MAGIC;
}

static void
add (GString *list, uid_t owner, const char *owner_name, GVariant *resume, const char *path)
{
  guint64 directory = 0;
  guint64 inode = 0;

  if (resume != NULL && !invents_inodes (resume))
    {
      g_variant_lookup (resume, "DirectoryInode", "t", &directory);
      g_variant_lookup (resume, "Inode", "t", &inode);
    }

  g_string_append_printf (list, "%u%c%s%c%" G_GUINT64_FORMAT "%c%" G_GUINT64_FORMAT "%c%s%c", owner,
                          0, owner_name, 0, directory, 0, inode, 0, path, 0);
}

static void
add_job (GString *list, FerryJob *job)
{
  if (ferry_job_state_is_final (job->state))
    return;

  for (guint i = 0; i < job->files->len; i++)
    {
      const FerryFile *file = g_ptr_array_index (job->files, i);
      g_autofree char *path = NULL;

      /* What an upload sends was there before us. */
      if (file->is_source || file->state == FERRY_FILE_STATE_PUBLISHED)
        continue;
      path = ferry_file_get_temporary_path (file, job->id);
      add (list, job->owner, job->owner_name, file->resume, path);
    }
}

static void
add_duty (GString *list, const FerryDuty *duty)
{
  g_autofree char *directory = NULL;
  g_autofree char *path = NULL;

  if (duty->kind != FERRY_DUTY_REMOVE)
    return;
  directory = g_path_get_dirname (duty->path);
  path = g_build_filename (directory, duty->temporary_name, NULL);
  add (list, duty->owner, "", duty->resume, path);
}

GBytes *
ferry_temporary_files_list (const char *state_directory, GError **error)
{
  g_autoptr (FerryStore) store = ferry_store_new (state_directory, error);
  g_autoptr (FerryQueue) queue = ferry_queue_new ();
  g_autoptr (GPtrArray) duties = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_duty_free);
  g_autoptr (GPtrArray) jobs = NULL;
  GString *list;

  if (store == NULL || !ferry_store_load (store, queue, duties, error))
    return NULL;

  list = g_string_new (NULL);
  jobs = ferry_queue_list_all (queue);
  for (guint i = 0; i < jobs->len; i++)
    add_job (list, g_ptr_array_index (jobs, i));
  for (guint i = 0; i < duties->len; i++)
    add_duty (list, g_ptr_array_index (duties, i));

  ferry_store_close (store);
  return g_string_free_to_bytes (list);
}
