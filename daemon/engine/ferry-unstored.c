/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A name first goes to the store, then to the worker. */

#include "ferry-engine-private.h"

typedef struct
{
  FerryEngine *engine; /* (owned) */
  FerryJob *job;       /* (owned) */
  guint index;
} Hold;

static void
held_cb (const GError *error, gpointer data)
{
  Hold *hold = data;
  FerryEngine *self = hold->engine;
  FerryFile *file = ferry_job_get_file (hold->job, hold->index);

  /* After a failed commit the model was read anew, and this job is not of it any more; the last commit may come after our
   * end. */
  if (error == NULL && file != NULL && self->queue != NULL &&
      ferry_queue_lookup_any (self->queue, hold->job->id) == hold->job && --file->unstored == 0)
    {
      ferry_engine_feed (self, hold->job);
      ferry_engine_reschedule (self);
    }

  g_object_unref (hold->engine);
  g_object_unref (hold->job);
  g_free (hold);
}

void
ferry_engine_hold_file (FerryEngine *self, FerryJob *job, FerryFile *file)
{
  Hold *hold = g_new0 (Hold, 1);

  hold->engine = g_object_ref (self);
  hold->job = g_object_ref (job);
  hold->index = file->index;
  file->unstored++;
  ferry_store_after_commit (self->store, held_cb, hold);
}

void
ferry_engine_rename_file (FerryEngine *self, FerryJob *job, FerryFile *file)
{
  file->generation++;
  ferry_job_touch_file (job, file, FERRY_CHANGE_PROGRESS);
  ferry_engine_hold_file (self, job, file);
}
