/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-store-notes.h"

#include "ferry-store-rows.h"

struct _FerryStoreNotes
{
  GFunc noted;
  gpointer user_data; /* (unowned) */
  FerryQueue *queue;  /* (unowned) (nullable) */
  gulong handlers[3];
  GPtrArray *ops;    /* (owned) (element-type FerryOp) */
  GHashTable *dirty; /* (owned) (element-type FerryJob): set of jobs with changes */
  /* (owned) (element-type FerryJob GArray): of each job the indexes (guint, ascending) of the files
   * that have rows; keys unowned */
  GHashTable *written;
  gboolean muted;
};

static GPtrArray *
op_array_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_op_free);
}

FerryStoreNotes *
ferry_store_notes_new (GFunc noted, gpointer user_data)
{
  FerryStoreNotes *self = g_new0 (FerryStoreNotes, 1);

  self->noted = noted;
  self->user_data = user_data;
  self->ops = op_array_new ();
  self->dirty = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->written = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_array_unref);
  return self;
}

void
ferry_store_notes_free (FerryStoreNotes *self)
{
  if (self == NULL)
    return;
  ferry_store_notes_drop (self);
  ferry_store_notes_unwatch (self);
  g_ptr_array_unref (self->ops);
  g_hash_table_unref (self->dirty);
  g_hash_table_unref (self->written);
  g_free (self);
}

void
ferry_store_notes_add (FerryStoreNotes *self, FerryOp *op)
{
  if (self->muted)
    {
      ferry_op_free (op);
      return;
    }

  g_ptr_array_add (self->ops, op);
  self->noted (self, self->user_data);
}

static void
note_job (FerryStoreNotes *self, FerryJob *job)
{
  if (self->muted)
    return;
  if (!g_hash_table_contains (self->dirty, job))
    g_hash_table_add (self->dirty, g_object_ref (job));
  self->noted (self, self->user_data);
}

/* Deletes the rows of files that the job has no more; both lists ascend. */
static void
delete_removed_files (FerryStoreNotes *self, FerryJob *job, GArray *written)
{
  guint position = 0;

  for (guint i = 0; i < written->len; i++)
    {
      guint index = g_array_index (written, guint, i);
      const FerryFile *file = NULL;

      while (position < job->files->len)
        {
          file = g_ptr_array_index (job->files, position);
          if (file->index >= index)
            break;
          position++;
        }
      if (position == job->files->len || file->index != index)
        g_ptr_array_add (self->ops, ferry_rows_delete (FERRY_STATEMENT_DELETE_FILE,
                                                       (gint64) job->sequence, index));
    }
}

static GArray *
list_indexes (FerryJob *job)
{
  GArray *indexes = g_array_sized_new (FALSE, FALSE, sizeof (guint), job->files->len);

  for (guint i = 0; i < job->files->len; i++)
    g_array_append_val (indexes, ((FerryFile *) g_ptr_array_index (job->files, i))->index);
  return indexes;
}

/* Whether the job's files are those that have rows. An index is never used twice, so that the count and the last one tell;
 * but for that of a reply, which comes with one other file. */
static gboolean
has_same_files (FerryJob *job, GArray *written)
{
  const FerryFile *first, *last;

  if (written->len != job->files->len)
    return FALSE;
  if (written->len == 0)
    return TRUE;

  first = g_ptr_array_index (job->files, 0);
  last = g_ptr_array_index (job->files, job->files->len - 1);
  return first->index == g_array_index (written, guint, 0) &&
         last->index == g_array_index (written, guint, written->len - 1);
}

/* Turns what is marked in @job into calls, from its fields as they are now. */
static void
write_job (FerryStoreNotes *self, FerryJob *job)
{
  GArray *written = g_hash_table_lookup (self->written, job);
  GHashTableIter iter;
  gpointer file;

  if (job->dirty)
    g_ptr_array_add (self->ops, ferry_rows_put_job (job));
  job->dirty = FALSE;

  if (!has_same_files (job, written))
    {
      delete_removed_files (self, job, written);
      g_hash_table_insert (self->written, job, list_indexes (job));
    }
  if (job->dirty_files == NULL)
    return;

  g_hash_table_iter_init (&iter, job->dirty_files);
  while (g_hash_table_iter_next (&iter, &file, NULL))
    g_ptr_array_add (self->ops, ferry_rows_put_file (job, file));
  g_hash_table_remove_all (job->dirty_files);
}

static void
write_jobs (FerryStoreNotes *self)
{
  GHashTableIter iter;
  gpointer job;

  g_hash_table_iter_init (&iter, self->dirty);
  while (g_hash_table_iter_next (&iter, &job, NULL))
    write_job (self, job);
  g_hash_table_remove_all (self->dirty);
}

static void
job_added_cb (FerryQueue *queue, FerryJob *job, FerryStoreNotes *self)
{
  g_hash_table_insert (self->written, job, g_array_new (FALSE, FALSE, sizeof (guint)));
  /* A row that could not be read may have had the same number. */
  ferry_store_notes_add (self, ferry_rows_delete (FERRY_STATEMENT_DELETE_FILES,
                                                  (gint64) job->sequence, -1));
  job->dirty = TRUE;
  if (job->dirty_files == NULL)
    job->dirty_files = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < job->files->len; i++)
    g_hash_table_add (job->dirty_files, g_ptr_array_index (job->files, i));
  note_job (self, job);
}

static void
job_removed_cb (FerryQueue *queue, FerryJob *job, FerryStoreNotes *self)
{
  g_hash_table_remove (self->written, job);
  g_hash_table_remove (self->dirty, job);
  ferry_store_notes_add (self, ferry_rows_delete (FERRY_STATEMENT_DELETE_JOB,
                                                  (gint64) job->sequence, -1));
  ferry_store_notes_add (self, ferry_rows_delete (FERRY_STATEMENT_DELETE_FILES,
                                                  (gint64) job->sequence, -1));
}

static void
job_changed_cb (FerryQueue *queue, FerryJob *job, guint change, FerryStoreNotes *self)
{
  if ((change & (FERRY_CHANGE_JOB | FERRY_CHANGE_FILES)) != 0)
    note_job (self, job);
}

void
ferry_store_notes_watch (FerryStoreNotes *self, FerryQueue *queue)
{
  g_autoptr (GPtrArray) jobs = ferry_queue_list_all (queue);

  g_return_if_fail (self->queue == NULL);

  self->queue = queue;
  self->handlers[0] = g_signal_connect (queue, "job-added", G_CALLBACK (job_added_cb), self);
  self->handlers[1] = g_signal_connect (queue, "job-removed", G_CALLBACK (job_removed_cb), self);
  self->handlers[2] = g_signal_connect (queue, "job-changed", G_CALLBACK (job_changed_cb), self);

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = g_ptr_array_index (jobs, i);

      g_hash_table_insert (self->written, job, list_indexes (job));
    }
}

void
ferry_store_notes_unwatch (FerryStoreNotes *self)
{
  if (self->queue == NULL)
    return;

  /* The jobs may be gone when the next commit comes. */
  write_jobs (self);
  for (guint i = 0; i < G_N_ELEMENTS (self->handlers); i++)
    g_clear_signal_handler (&self->handlers[i], self->queue);
  self->queue = NULL;
  g_hash_table_remove_all (self->written);
}

void
ferry_store_notes_set_muted (FerryStoreNotes *self, gboolean muted)
{
  self->muted = muted;
}

gboolean
ferry_store_notes_are_there (FerryStoreNotes *self)
{
  return self->ops->len > 0 || g_hash_table_size (self->dirty) > 0;
}

GPtrArray *
ferry_store_notes_take (FerryStoreNotes *self)
{
  GPtrArray *taken;

  write_jobs (self);
  taken = g_steal_pointer (&self->ops);
  self->ops = op_array_new ();
  return taken;
}

void
ferry_store_notes_drop (FerryStoreNotes *self)
{
  g_ptr_array_set_size (self->ops, 0);
  g_hash_table_remove_all (self->dirty);
}
