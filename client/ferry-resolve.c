/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-resolve.h"

#include "ferry-exit.h"
#include "ferry-names.h"
#include "ferry-text.h"

#define ID_LENGTH 32

static gboolean
is_hex (const char *word)
{
  return *word != '\0' && strspn (word, "0123456789abcdef") == strlen (word);
}

gboolean
ferry_resolve_is_id (const char *word)
{
  return strlen (word) == ID_LENGTH && is_hex (word);
}

static void
set_ambiguous (GError **error, GPtrArray *found, const char *word)
{
  g_autoptr (GString) ids = g_string_new (NULL);
  g_autofree char *clean = ferry_text_clean (word, 256);
  guint length = ferry_resolve_short_length (found);

  for (guint i = 0; i < found->len; i++)
    {
      FerryRemoteJob *job = g_ptr_array_index (found, i);

      g_string_append_printf (ids, "%s%.*s", i > 0 ? ", " : "", (int) length, job->id);
    }
  ferry_exit_set_usage (error, "\"%s\" may mean any of %u jobs: %s", clean, found->len, ids->str);
}

/* The newest of @found when all have ended and are called @word; else it is not sure which is meant. */
static FerryRemoteJob *
find_newest (GPtrArray *found, const char *word)
{
  FerryRemoteJob *newest = NULL;
  guint64 newest_time = 0;

  for (guint i = 0; i < found->len; i++)
    {
      FerryRemoteJob *job = g_ptr_array_index (found, i);
      guint64 time = ferry_remote_job_get_number (job, "CreationTime", 0);

      if (!ferry_remote_job_is_final (job) ||
          !g_str_equal (ferry_remote_job_get_string (job, "DisplayName"), word))
        return NULL;
      /* They come oldest first: of two of the same time, the later one. */
      if (time >= newest_time)
        {
          newest = job;
          newest_time = time;
        }
    }

  return newest;
}

FerryRemoteJob *
ferry_resolve_pick (GPtrArray *jobs, const char *word, GError **error)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  FerryRemoteJob *newest;

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryRemoteJob *job = g_ptr_array_index (jobs, i);

      if (g_str_equal (job->id, word))
        return job;
      if ((is_hex (word) && g_str_has_prefix (job->id, word)) ||
          (*word != '\0' && g_str_equal (ferry_remote_job_get_string (job, "DisplayName"), word)))
        g_ptr_array_add (found, job);
    }

  if (found->len == 1)
    return g_ptr_array_index (found, 0);
  if (found->len == 0)
    {
      ferry_remote_set_no_job (error, word);
      return NULL;
    }

  newest = find_newest (found, word);
  if (newest == NULL)
    set_ambiguous (error, found, word);
  return newest;
}

/* Takes the job @word out of @jobs. */
static FerryRemoteJob *
steal_pick (GPtrArray *jobs, const char *word, GError **error)
{
  FerryRemoteJob *job = ferry_resolve_pick (jobs, word, error);
  guint index;

  if (job == NULL || !g_ptr_array_find (jobs, job, &index))
    return NULL;

  return g_ptr_array_steal_index (jobs, index);
}

FerryRemoteJob *
ferry_resolve_job (FerryClient *client, const char *word, GError **error)
{
  static const char *const final_states[] = { "acknowledged", "cancelled", NULL };
  g_autoptr (GPtrArray) jobs = NULL;
  g_autoptr (GPtrArray) final = NULL;
  g_autoptr (GError) local_error = NULL;
  FerryRemoteJob *job;

  /* A whole id needs no list, however long that may be. */
  if (ferry_resolve_is_id (word))
    {
      g_autofree char *path = g_strconcat (FERRY_JOBS_PATH "/", word, NULL);

      job = ferry_remote_job_load (client, path, &local_error);
      if (job == NULL && g_error_matches (local_error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
        ferry_remote_set_no_job (error, word);
      else if (job == NULL)
        g_propagate_error (error, g_steal_pointer (&local_error));
      return job;
    }

  jobs = ferry_remote_jobs_load (client, error);
  if (jobs == NULL)
    return NULL;
  job = steal_pick (jobs, word, &local_error);
  if (job != NULL)
    return job;
  if (!g_error_matches (local_error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  final = ferry_remote_jobs_load_states (client, final_states, error);
  return final != NULL ? steal_pick (final, word, error) : NULL;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

guint
ferry_resolve_short_length (GPtrArray *jobs)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();
  guint length = FERRY_SHORT_ID_MIN;

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryRemoteJob *job = g_ptr_array_index (jobs, i);

      g_ptr_array_add (ids, (gpointer) job->id);
    }

  /* Sorted, the id that shares the longest beginning with an id stands beside it. */
  g_ptr_array_sort (ids, compare_ids);
  for (guint i = 1; i < ids->len; i++)
    {
      const char *left = g_ptr_array_index (ids, i - 1);
      const char *right = g_ptr_array_index (ids, i);
      guint same = 0;

      while (left[same] != '\0' && left[same] == right[same])
        same++;
      length = MAX (length, MIN (same + 1, ID_LENGTH));
    }

  return length;
}

char *
ferry_resolve_short_id (const char *id)
{
  return g_strndup (id, 8);
}
