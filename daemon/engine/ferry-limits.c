/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The four limits. DESIGN section 7. */

#include "ferry-engine-private.h"

/* "12 suspended, 3 queued" */
static char *
describe_jobs (FerryEngine *self, uid_t uid)
{
  g_autoptr (GPtrArray) jobs = ferry_queue_list (self->queue, uid);
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  guint counts[FERRY_N_JOB_STATES] = { 0 };

  for (guint i = 0; i < jobs->len; i++)
    {
      const FerryJob *job = g_ptr_array_index (jobs, i);

      if (!job->exempt)
        counts[job->state]++;
    }
  for (guint state = 0; state < FERRY_N_JOB_STATES; state++)
    {
      if (counts[state] > 0 && !ferry_job_state_is_final (state))
        g_ptr_array_add (parts, g_strdup_printf ("%u %s", counts[state],
                                                 ferry_job_state_to_string (state)));
    }

  if (parts->len == 0)
    return g_strdup ("none");
  g_ptr_array_add (parts, NULL);
  return g_strjoinv (", ", (char **) parts->pdata);
}

/* Returns: whether @count more fit */
static gboolean
check (FerryEngine *self, FerryJob *job, FerryPolicyKey key, guint64 would_be, FerryError code,
       GError **error)
{
  guint64 limit = ferry_policy_get (self->policy, key);
  FerryPolicySource source = ferry_policy_get_source (self->policy, key);
  g_autofree char *jobs = NULL;

  if (would_be <= limit)
    return TRUE;

  jobs = describe_jobs (self, job->owner);
  g_set_error (error, FERRY_ERROR, code,
               "The limit %s is %" G_GUINT64_FORMAT
               " (source: %s) and this would make it %" G_GUINT64_FORMAT "; your jobs: %s",
               ferry_policy_key_to_string (key), limit, ferry_policy_source_to_string (source),
               would_be, jobs);
  return FALSE;
}

/* The same for the machine, without a number that tells of other users. */
static gboolean
check_machine (FerryEngine *self, FerryJob *job, GError **error)
{
  FerryPolicyKey key = FERRY_POLICY_MAX_JOBS_PER_MACHINE;
  guint64 limit = ferry_policy_get (self->policy, key);
  g_autofree char *jobs = NULL;

  if (ferry_queue_count_all (self->queue) < limit)
    return TRUE;

  jobs = describe_jobs (self, job->owner);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_JOBS_PER_MACHINE,
               "The limit %s is %" G_GUINT64_FORMAT " (source: %s) and is reached; your jobs: %s",
               ferry_policy_key_to_string (key), limit,
               ferry_policy_source_to_string (ferry_policy_get_source (self->policy, key)), jobs);
  return FALSE;
}

gboolean
ferry_engine_check_limits (FerryEngine *self, FerryJob *job, gboolean new_job, guint n_files,
                           guint most_ranges, GError **error)
{
  if (job->exempt || job->owner == 0)
    return TRUE;

  if (new_job)
    {
      guint64 jobs = (guint64) ferry_queue_count_user (self->queue, job->owner) + 1;

      if (!check (self, job, FERRY_POLICY_MAX_JOBS_PER_USER, jobs,
                  FERRY_ERROR_TOO_MANY_JOBS_PER_USER, error) ||
          !check_machine (self, job, error))
        return FALSE;
    }

  return (n_files == 0 || check (self, job, FERRY_POLICY_MAX_FILES_PER_JOB,
                                 (guint64) ferry_job_count_files (job) + n_files,
                                 FERRY_ERROR_TOO_MANY_FILES_IN_JOB, error)) &&
         check (self, job, FERRY_POLICY_MAX_RANGES_PER_FILE, most_ranges,
                FERRY_ERROR_TOO_MANY_RANGES_IN_FILE, error);
}
