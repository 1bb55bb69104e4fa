/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-judge.h"

#include "ferry-config.h"
#include "ferry-exit.h"
#include "ferry-format.h"
#include "ferry-names.h"
#include "ferry-resolve.h"
#include "ferry-text.h"

/* Bytes. Below these something is about to go wrong: a commit of the store, any file worth fetching. */
#define STATE_SPACE_MIN (G_GUINT64_CONSTANT (64) * 1000 * 1000)
#define HOME_SPACE_MIN  (G_GUINT64_CONSTANT (100) * 1000 * 1000)

/* Things that are named before the others are only counted. */
#define NAMED_MAX 3

/* == words == */

/* Returns: (transfer full): a string of a dictionary, clean; "" when it is not there */
static char *
get_text (GVariant *dictionary, const char *key)
{
  const char *text = "";

  g_variant_lookup (dictionary, key, "&s", &text);
  return ferry_text_clean (text, FERRY_TEXT_MAX);
}

/* Returns: (transfer full): "a, b, c and 4 more" */
static char *
name_some (GPtrArray *names)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < MIN (names->len, NAMED_MAX); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "",
                            (const char *) g_ptr_array_index (names, i));
  if (names->len > NAMED_MAX)
    g_string_append_printf (text, " and %u more", names->len - NAMED_MAX);
  return g_string_free (text, FALSE);
}

/* == the service == */

void
ferry_judge_version (GPtrArray *checks, const char *version)
{
  g_autofree char *clean = ferry_text_clean (version, 64);

  if (g_str_equal (version, FERRY_VERSION))
    ferry_checks_add (checks, "version", FERRY_CHECK_OK, g_steal_pointer (&clean), NULL);
  else
    ferry_checks_add (
        checks, "version", FERRY_CHECK_PROBLEM,
        g_strdup_printf ("the service is %s, this program " FERRY_VERSION, clean),
        "After an upgrade restart the service: `systemctl restart ferryd`; jobs go on.");
}

static void
judge_workers (GPtrArray *checks, GVariant *status)
{
  g_autofree char *launcher = get_text (status, "Launcher");
  g_autofree char *error = get_text (status, "WorkerError");

  if (*error == '\0')
    ferry_checks_add (checks, "workers", FERRY_CHECK_OK,
                      g_strdup_printf ("started by %s", g_str_equal (launcher, "direct")
                                                            ? "ferryd itself"
                                                            : launcher),
                      NULL);
  else
    ferry_checks_add (
        checks, "workers", FERRY_CHECK_PROBLEM, g_strdup_printf ("yours failed: %s", error),
        "It is started again when there is something to do; if that does not help, look at "
        "`journalctl FERRY_EVENT=worker-failed`.");
}

static void
judge_network (GPtrArray *checks, GVariant *status)
{
  gboolean available = TRUE;

  g_variant_lookup (status, "NetworkAvailable", "b", &available);
  if (available)
    ferry_checks_add (checks, "network", FERRY_CHECK_OK, g_strdup ("available"), NULL);
  else
    ferry_checks_add (checks, "network", FERRY_CHECK_PROBLEM,
                      g_strdup ("no route leads out of this machine"),
                      "Connect it; jobs wait for that, and go on by themselves.");
}

static void
judge_store (GPtrArray *checks, GVariant *status)
{
  g_autofree char *directory = get_text (status, "StateDirectory");
  g_autofree char *error = get_text (status, "StoreError");
  g_autofree char *size = NULL;
  guint64 space = G_MAXUINT64;

  g_variant_lookup (status, "StateSpace", "t", &space);
  size = ferry_format_size (space);
  if (*error != '\0')
    {
      g_autofree char *advice = g_strdup_printf (
          "Look at the disk of %s; until it works no job can be "
          "made or changed.",
          directory);

      ferry_checks_add (checks, "store", FERRY_CHECK_PROBLEM, g_steal_pointer (&error), advice);
    }
  else if (space < STATE_SPACE_MIN)
    {
      g_autofree char *advice = g_strdup_printf (
          "Make room on the disk of %s, where the jobs are stored.", directory);

      ferry_checks_add (checks, "store", FERRY_CHECK_PROBLEM,
                        g_strdup_printf ("only %s free in %s", size, directory), advice);
    }
  else
    ferry_checks_add (checks, "store", FERRY_CHECK_OK,
                      space == G_MAXUINT64 ? g_steal_pointer (&directory)
                                           : g_strdup_printf ("%s free in %s", size, directory),
                      NULL);
}

void
ferry_judge_status (GPtrArray *checks, GVariant *status)
{
  judge_workers (checks, status);
  judge_network (checks, status);
  judge_store (checks, status);
}

/* == policy == */

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

void
ferry_judge_policy (GPtrArray *checks, GVariant *policy)
{
  g_autoptr (GPtrArray) invalid = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *named = NULL;
  gsize n_keys = g_variant_n_children (policy);
  guint n_set = 0;

  for (gsize i = 0; i < n_keys; i++)
    {
      g_autoptr (GVariant) entry = NULL;
      const char *key;
      const char *source = "";

      g_variant_get_child (policy, i, "{&s@a{sv}}", &key, &entry);
      g_variant_lookup (entry, "Source", "&s", &source);
      if (g_str_equal (source, "invalid"))
        g_ptr_array_add (invalid, ferry_text_clean (key, 64));
      n_set += !g_str_equal (source, "default");
    }

  g_ptr_array_sort (invalid, compare_names);
  named = name_some (invalid);
  if (invalid->len > 0)
    ferry_checks_add (
        checks, "policy", FERRY_CHECK_PROBLEM,
        g_strdup_printf ("not in force, because dconf has something wrong: %s", named),
        "`journalctl FERRY_EVENT=policy-problem` says what; correct it and run `dconf update`.");
  else
    ferry_checks_add (checks, "policy", FERRY_CHECK_OK,
                      n_set == 0
                          ? g_strdup_printf ("%u settings, all at their defaults", (guint) n_keys)
                          : g_strdup_printf ("%u settings, %u of them set", (guint) n_keys, n_set),
                      NULL);
}

void
ferry_judge_dconf (GPtrArray *checks, const char *path)
{
  g_autofree char *clean = ferry_text_clean (path, FERRY_TEXT_MAX);

  if (path != NULL)
    ferry_checks_add (checks, "dconf", FERRY_CHECK_OK, g_strdup_printf ("profile %s", clean), NULL);
  else
    ferry_checks_add (checks, "dconf", FERRY_CHECK_PROBLEM,
                      g_strdup ("there is no profile '" FERRY_DCONF_PROFILE "'"),
                      "Install it as " FERRY_DATADIR "/dconf/profile/" FERRY_DCONF_PROFILE
                      "; without it no limit that is set in dconf is in force.");
}

/* == polkit == */

static gboolean
has_action (GVariant *actions, const char *wanted)
{
  for (gsize i = 0; i < g_variant_n_children (actions); i++)
    {
      g_autoptr (GVariant) action = g_variant_get_child_value (actions, i);
      const char *id;

      g_variant_get_child (action, 0, "&s", &id);
      if (g_str_equal (id, wanted))
        return TRUE;
    }

  return FALSE;
}

void
ferry_judge_polkit (GPtrArray *checks, GVariant *actions)
{
  static const char *const wanted[] = {
    FERRY_ACTION_CREATE_JOB,     FERRY_ACTION_UPLOAD,        FERRY_ACTION_FOREGROUND,
    FERRY_ACTION_EXCEED_LIMITS,  FERRY_ACTION_LIST_ALL_JOBS, FERRY_ACTION_CONTROL_ALL_JOBS,
    FERRY_ACTION_TAKE_OWNERSHIP, FERRY_ACTION_SET_POLICY,
  };
  g_autoptr (GPtrArray) missing = g_ptr_array_new ();
  g_autofree char *named = NULL;

  if (actions == NULL)
    {
      ferry_checks_add (
          checks, "polkit", FERRY_CHECK_PROBLEM, g_strdup ("it is not on the bus"),
          "Install or start polkit; without it nobody but root can administer Ferry, and "
          "rules of yours do not count.");
      return;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      if (!has_action (actions, wanted[i]))
        g_ptr_array_add (missing, (gpointer) wanted[i]);
    }
  named = name_some (missing);
  if (missing->len > 0)
    ferry_checks_add (checks, "polkit", FERRY_CHECK_PROBLEM,
                      g_strdup_printf ("it does not know %s", named),
                      "Install " FERRY_DATADIR
                      "/polkit-1/actions/org.ferry.transfer1.policy; until then "
                      "these are refused.");
  else
    ferry_checks_add (checks, "polkit", FERRY_CHECK_OK,
                      g_strdup_printf ("it knows all %u actions", (guint) G_N_ELEMENTS (wanted)),
                      NULL);
}

/* == systemd == */

void
ferry_judge_units (GPtrArray *checks, GVariant *units)
{
  g_autoptr (GPtrArray) failed = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *named = NULL;
  g_autofree char *daemon = NULL;

  for (gsize i = 0; units != NULL && i < g_variant_n_children (units); i++)
    {
      g_autoptr (GVariant) unit = g_variant_get_child_value (units, i);
      const char *name, *state;

      g_variant_get_child (unit, 0, "&s", &name);
      g_variant_get_child (unit, 3, "&s", &state);
      if (g_str_equal (state, "failed"))
        g_ptr_array_add (failed, ferry_text_clean (name, 64));
      if (g_str_equal (name, "ferryd.service"))
        daemon = ferry_text_clean (state, 64);
    }

  g_ptr_array_sort (failed, compare_names);
  named = name_some (failed);
  if (units == NULL)
    ferry_checks_add (checks, "units", FERRY_CHECK_NOTE,
                      g_strdup ("there is no systemd on the bus"), NULL);
  else if (failed->len > 0)
    {
      g_autofree char *advice = g_strdup_printf ("`systemctl status %s` says why; `systemctl "
                                                 "reset-failed` forgets it.",
                                                 (const char *) g_ptr_array_index (failed, 0));

      ferry_checks_add (checks, "units", FERRY_CHECK_PROBLEM, g_strdup_printf ("failed: %s", named),
                        advice);
    }
  else if (daemon == NULL)
    ferry_checks_add (checks, "units", FERRY_CHECK_NOTE,
                      g_strdup ("systemd has not loaded ferryd.service"), NULL);
  else
    ferry_checks_add (checks, "units", FERRY_CHECK_OK,
                      g_strdup_printf ("ferryd.service is %s, none has failed", daemon), NULL);
}

/* == the user == */

void
ferry_judge_home (GPtrArray *checks, const char *directory, guint64 bytes)
{
  g_autofree char *clean = ferry_text_clean (directory, FERRY_TEXT_MAX);
  g_autofree char *size = ferry_format_size (bytes);

  if (bytes == G_MAXUINT64)
    ferry_checks_add (checks, "home", FERRY_CHECK_NOTE, g_strdup_printf ("there is no %s", clean),
                      NULL);
  else if (bytes < HOME_SPACE_MIN)
    ferry_checks_add (checks, "home", FERRY_CHECK_PROBLEM,
                      g_strdup_printf ("only %s free in %s", size, clean),
                      "Make room; jobs that need it wait, and go on by themselves.");
  else
    ferry_checks_add (checks, "home", FERRY_CHECK_OK,
                      g_strdup_printf ("%s free in %s", size, clean), NULL);
}

/* Returns: (transfer full) (nullable): "3f2a (NotFound)", when @job has an error */
static char *
name_error (FerryRemoteJob *job, guint length)
{
  g_autoptr (GError) error = ferry_remote_job_get_error (job);
  g_autofree char *name = error != NULL ? ferry_exit_get_name (error) : NULL;
  g_autofree char *word = NULL;
  const char *dot;

  if (name == NULL)
    return NULL;
  dot = strrchr (name, '.');
  word = ferry_text_clean (dot != NULL ? dot + 1 : name, 64);
  return g_strdup_printf ("%.*s (%s)", (int) length, job->id, word);
}

/* What stands still until somebody does something, and what is tried again by itself. */
static void
sort_errors (GPtrArray *jobs, GPtrArray *failed, GPtrArray *tried_again)
{
  guint length = ferry_resolve_short_length (jobs);

  for (guint i = 0; i < jobs->len; i++)
    {
      FerryRemoteJob *job = g_ptr_array_index (jobs, i);
      FerryJobState state = ferry_remote_job_get_state (job);
      char *named = name_error (job, length);

      if (named != NULL && (state == FERRY_JOB_STATE_ERROR || state == FERRY_JOB_STATE_TRANSFERRED))
        g_ptr_array_add (failed, named);
      else if (named != NULL && state == FERRY_JOB_STATE_TRANSIENT_ERROR)
        g_ptr_array_add (tried_again, named);
      else
        g_free (named);
    }
}

void
ferry_judge_jobs (GPtrArray *checks, GPtrArray *jobs, gboolean everybody)
{
  g_autoptr (GPtrArray) failed = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) tried_again = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *named = NULL;

  sort_errors (jobs, failed, tried_again);
  named = name_some (failed->len > 0 ? failed : tried_again);
  if (failed->len > 0)
    ferry_checks_add (checks, "jobs", FERRY_CHECK_PROBLEM,
                      g_strdup_printf ("%u of %u failed: %s", failed->len, jobs->len, named),
                      everybody ? "`ferry list --all-users` says what helps."
                                : "`ferry list` says what helps.");
  else if (tried_again->len > 0)
    ferry_checks_add (checks, "jobs", FERRY_CHECK_NOTE,
                      g_strdup_printf ("%u of %u failed for now, to be tried again: %s",
                                       tried_again->len, jobs->len, named),
                      NULL);
  else if (jobs->len > 0)
    ferry_checks_add (checks, "jobs", FERRY_CHECK_OK,
                      g_strdup_printf ("%u, none failed", jobs->len), NULL);
  else
    ferry_checks_add (checks, "jobs", FERRY_CHECK_OK, g_strdup ("none"), NULL);
}
