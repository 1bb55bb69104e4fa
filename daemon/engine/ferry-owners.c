/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A uid is given to another person when its first holder is gone. His jobs must not be. */

#include "ferry-engine-private.h"

#include <pwd.h>

/* Whether @job's owner is still who made it. In doubt, as when the users' directory does not answer, he is. */
static gboolean
is_same_owner (FerryJob *job)
{
  g_autofree char *buffer = g_malloc (FERRY_PASSWD_MAX);
  struct passwd entry, *found = NULL;

  if (getpwuid_r (job->owner, &entry, buffer, FERRY_PASSWD_MAX, &found) != 0)
    return TRUE;
  return found != NULL && g_str_equal (found->pw_name, job->owner_name);
}

/* Nobody is to read it any more, not even as a cancelled job: it goes at once, and its files after it. */
static void
remove_job (FerryEngine *self, FerryJob *job)
{
  ferry_engine_record_orphan (self, job);
  for (guint i = 0; i < job->files->len; i++)
    {
      FerryFile *file = g_ptr_array_index (job->files, i);

      if (file->state != FERRY_FILE_STATE_PUBLISHED)
        ferry_engine_drop_file (self, job, file);
    }
  ferry_queue_remove (self->queue, job);
}

void
ferry_engine_check_owners (FerryEngine *self)
{
  g_autoptr (GHashTable) same = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) jobs = ferry_queue_list_all (self->queue);

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);
      gpointer key = GUINT_TO_POINTER (job->owner);
      const char *name = g_hash_table_lookup (same, key);

      if (name != NULL && g_str_equal (name, job->owner_name))
        continue;
      if (is_same_owner (job))
        g_hash_table_insert (same, key, job->owner_name);
      else
        remove_job (self, job);
    }
}
