/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-queue.h"

/* What one user has. The counts are kept, not made: limits are asked with each new job. */
typedef struct
{
  GSequence *jobs; /* (owned): by sequence, unowned */
  guint n_counted; /* not final and not exempt */
  guint n_final;
} Owner;

struct _FerryQueue
{
  GObject parent_instance;

  GHashTable *by_id;    /* (owned) (element-type utf8 FerryJob): keys belong to the jobs */
  GHashTable *by_owner; /* (owned) (element-type guint Owner) */
  guint n_counted;      /* of all owners */
  guint64 last_sequence;
};

G_DEFINE_TYPE (FerryQueue, ferry_queue, G_TYPE_OBJECT)

enum
{
  SIGNAL_JOB_ADDED,
  SIGNAL_JOB_REMOVED,
  SIGNAL_JOB_CHANGED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void
owner_free (gpointer data)
{
  Owner *owner = data;

  g_sequence_free (owner->jobs);
  g_free (owner);
}

static Owner *
get_owner (FerryQueue *self, uid_t uid)
{
  return g_hash_table_lookup (self->by_owner, GUINT_TO_POINTER (uid));
}

/* Moves @job from the count it is in to the one it belongs to. */
static void
recount (FerryQueue *self, FerryJob *job, FerryJobCount count)
{
  Owner *owner = get_owner (self, job->owner);

  if (job->count == count)
    return;

  self->n_counted -= job->count == FERRY_JOB_COUNT_LIMITED;
  owner->n_counted -= job->count == FERRY_JOB_COUNT_LIMITED;
  owner->n_final -= job->count == FERRY_JOB_COUNT_FINAL;
  job->count = count;
  self->n_counted += job->count == FERRY_JOB_COUNT_LIMITED;
  owner->n_counted += job->count == FERRY_JOB_COUNT_LIMITED;
  owner->n_final += job->count == FERRY_JOB_COUNT_FINAL;
}

static FerryJobCount
get_count (FerryJob *job)
{
  if (ferry_job_state_is_final (job->state))
    return FERRY_JOB_COUNT_FINAL;
  return job->exempt ? FERRY_JOB_COUNT_NONE : FERRY_JOB_COUNT_LIMITED;
}

static void
job_changed_cb (FerryJob *job, guint change, gpointer data)
{
  /* Its state, or whether it is exempt. */
  if (change & (FERRY_CHANGE_STATE | FERRY_CHANGE_JOB))
    recount (data, job, get_count (job));
  g_signal_emit (data, signals[SIGNAL_JOB_CHANGED], 0, job, change);
}

static void
ferry_queue_dispose (GObject *object)
{
  FerryQueue *self = FERRY_QUEUE (object);
  GHashTableIter iter;
  gpointer job;

  g_hash_table_iter_init (&iter, self->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &job))
    g_signal_handlers_disconnect_by_func (job, job_changed_cb, self);
  g_hash_table_remove_all (self->by_owner);
  g_hash_table_remove_all (self->by_id);
  G_OBJECT_CLASS (ferry_queue_parent_class)->dispose (object);
}

static void
ferry_queue_finalize (GObject *object)
{
  FerryQueue *self = FERRY_QUEUE (object);

  g_hash_table_unref (self->by_owner);
  g_hash_table_unref (self->by_id);
  G_OBJECT_CLASS (ferry_queue_parent_class)->finalize (object);
}

static void
ferry_queue_class_init (FerryQueueClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_queue_dispose;
  G_OBJECT_CLASS (class)->finalize = ferry_queue_finalize;

  signals[SIGNAL_JOB_ADDED] = g_signal_new ("job-added", FERRY_TYPE_QUEUE, G_SIGNAL_RUN_LAST, 0,
                                            NULL, NULL, NULL, G_TYPE_NONE, 1, FERRY_TYPE_JOB);
  signals[SIGNAL_JOB_REMOVED] = g_signal_new ("job-removed", FERRY_TYPE_QUEUE, G_SIGNAL_RUN_LAST, 0,
                                              NULL, NULL, NULL, G_TYPE_NONE, 1, FERRY_TYPE_JOB);
  signals[SIGNAL_JOB_CHANGED] = g_signal_new ("job-changed", FERRY_TYPE_QUEUE, G_SIGNAL_RUN_LAST, 0,
                                              NULL, NULL, NULL, G_TYPE_NONE, 2, FERRY_TYPE_JOB,
                                              G_TYPE_UINT);
}

static void
ferry_queue_init (FerryQueue *self)
{
  self->by_id = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
  self->by_owner = g_hash_table_new_full (NULL, NULL, NULL, owner_free);
}

FerryQueue *
ferry_queue_new (void)
{
  return g_object_new (FERRY_TYPE_QUEUE, NULL);
}

static int
compare_sequence (gconstpointer a, gconstpointer b, gpointer data)
{
  const FerryJob *left = a;
  const FerryJob *right = b;

  return left->sequence < right->sequence ? -1 : left->sequence > right->sequence;
}

static void
insert_by_owner (FerryQueue *self, FerryJob *job)
{
  Owner *owner = get_owner (self, job->owner);

  if (owner == NULL)
    {
      owner = g_new0 (Owner, 1);
      owner->jobs = g_sequence_new (NULL);
      g_hash_table_insert (self->by_owner, GUINT_TO_POINTER (job->owner), owner);
    }
  g_sequence_insert_sorted (owner->jobs, job, compare_sequence, NULL);
  recount (self, job, get_count (job));
}

static void
remove_by_owner (FerryQueue *self, FerryJob *job)
{
  Owner *owner = get_owner (self, job->owner);

  recount (self, job, FERRY_JOB_COUNT_NONE);
  g_sequence_remove (g_sequence_lookup (owner->jobs, job, compare_sequence, NULL));
  if (g_sequence_is_empty (owner->jobs))
    g_hash_table_remove (self->by_owner, GUINT_TO_POINTER (job->owner));
}

void
ferry_queue_add (FerryQueue *self, FerryJob *job)
{
  g_return_if_fail (!g_hash_table_contains (self->by_id, job->id));

  if (job->sequence == 0)
    job->sequence = self->last_sequence + 1;
  self->last_sequence = MAX (self->last_sequence, job->sequence);

  g_hash_table_insert (self->by_id, job->id, g_object_ref (job));
  insert_by_owner (self, job);
  g_signal_connect (job, "changed", G_CALLBACK (job_changed_cb), self);
  g_signal_emit (self, signals[SIGNAL_JOB_ADDED], 0, job);
}

void
ferry_queue_remove (FerryQueue *self, FerryJob *job)
{
  g_autoptr (FerryJob) held = g_object_ref (job);

  g_return_if_fail (ferry_queue_lookup_any (self, job->id) == job);

  g_signal_handlers_disconnect_by_func (job, job_changed_cb, self);
  remove_by_owner (self, job);
  g_hash_table_remove (self->by_id, job->id);
  g_signal_emit (self, signals[SIGNAL_JOB_REMOVED], 0, held);
}

void
ferry_queue_set_owner (FerryQueue *self, FerryJob *job, uid_t owner, const char *owner_name)
{
  remove_by_owner (self, job);
  job->owner = owner;
  g_free (job->owner_name);
  job->owner_name = g_strdup (owner_name);
  insert_by_owner (self, job);
  ferry_job_touch (job, FERRY_CHANGE_JOB | FERRY_CHANGE_SETTINGS);
}

FerryJob *
ferry_queue_lookup_any (FerryQueue *self, const char *id)
{
  return id != NULL ? g_hash_table_lookup (self->by_id, id) : NULL;
}

FerryJob *
ferry_queue_lookup (FerryQueue *self, uid_t uid, const char *id)
{
  FerryJob *job = ferry_queue_lookup_any (self, id);

  return job != NULL && job->owner == uid ? job : NULL;
}

static void
append_cb (gpointer job, gpointer data)
{
  g_ptr_array_add (data, g_object_ref (job));
}

GPtrArray *
ferry_queue_list (FerryQueue *self, uid_t uid)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_object_unref);
  Owner *owner = get_owner (self, uid);

  if (owner != NULL)
    g_sequence_foreach (owner->jobs, append_cb, list);
  return list;
}

static int
compare_pointers (gconstpointer a, gconstpointer b)
{
  return compare_sequence (*(FerryJob *const *) a, *(FerryJob *const *) b, NULL);
}

GPtrArray *
ferry_queue_list_all (FerryQueue *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer job;

  g_hash_table_iter_init (&iter, self->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &job))
    g_ptr_array_add (list, g_object_ref (job));
  g_ptr_array_sort (list, compare_pointers);
  return list;
}

guint
ferry_queue_count_user (FerryQueue *self, uid_t uid)
{
  Owner *owner = get_owner (self, uid);

  return owner != NULL ? owner->n_counted : 0;
}

guint
ferry_queue_count_all (FerryQueue *self)
{
  return self->n_counted;
}

guint
ferry_queue_count_final (FerryQueue *self, uid_t uid)
{
  Owner *owner = get_owner (self, uid);

  return owner != NULL ? owner->n_final : 0;
}
