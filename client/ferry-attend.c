/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-attend.h"

#include "ferry-board.h"
#include "ferry-explain.h"
#include "ferry-follow.h"
#include "ferry-format.h"
#include "ferry-json.h"
#include "ferry-login-agent.h"
#include "ferry-loop.h"
#include "ferry-names.h"
#include "ferry-print.h"
#include "ferry-resolve.h"

#include <stdio.h>
#include <unistd.h>

typedef struct
{
  FerryClient *client;    /* (not owned) */
  FerryBoard *board;      /* (owned) */
  FerryFollow *follow;    /* (owned) */
  FerryLoop *loop;        /* (owned) */
  FerryLoginAgent *agent; /* (owned) (nullable) */
  FerryAttendMode mode;
  gboolean endless;
  guint n_words;
  GHashTable *pending; /* (owned) (element-type utf8 utf8): paths still waited for */
  GHashTable *lines;   /* (owned) (element-type utf8 utf8): by path, the line printed last */
  GHashTable *told;    /* (owned) (element-type utf8 utf8): paths of uploads known to start over */
  FerryExit status;
} Attend;

static void
set_status (Attend *self, FerryExit status)
{
  if (self->status == FERRY_EXIT_DONE)
    self->status = status;
}

static void
print_line (Attend *self, FerryRemoteJob *job)
{
  g_autofree char *state = ferry_remote_job_get_text (job, "State");
  g_autofree char *label = ferry_remote_job_get_label (job);
  g_autofree char *size = ferry_format_size (
      ferry_remote_job_get_number (job, "BytesTransferred", 0));
  g_autofree char *id = ferry_resolve_short_id (job->id);
  g_autofree char *key = g_strconcat (state, ferry_remote_job_get_string (job, "DisplayName"),
                                      NULL);
  int percent = ferry_format_percent (ferry_remote_job_get_number (job, "BytesTransferred", 0),
                                      ferry_remote_job_get_number (job, "BytesTotal", G_MAXUINT64));

  /* Progress alone is no news for a log. */
  if (g_strcmp0 (g_hash_table_lookup (self->lines, job->path), key) == 0)
    return;

  g_hash_table_replace (self->lines, g_strdup (job->path), g_steal_pointer (&key));
  if (percent >= 0)
    printf ("%s  %s  %d%%  %s  %s\n", id, state, percent, size, label);
  else
    printf ("%s  %s  -  %s  %s\n", id, state, size, label);
  fflush (stdout);
}

static void
print_change (Attend *self, FerryRemoteJob *job)
{
  if (self->mode == FERRY_ATTEND_JSON)
    ferry_json_print (ferry_json_from_job (job, NULL), FALSE);
  else if (self->mode == FERRY_ATTEND_LINES && !isatty (STDOUT_FILENO))
    print_line (self, job);
}

/* Whoever watches an upload that cannot be continued knows it before it breaks. */
static void
tell_risk (Attend *self, FerryRemoteJob *job)
{
  g_autofree char *label = NULL;
  g_autofree char *line = NULL;

  if (!ferry_remote_job_starts_over (job) || !ferry_remote_job_is_alive (job) ||
      !g_hash_table_add (self->told, g_strdup (job->path)))
    return;

  label = ferry_remote_job_get_label (job);
  line = g_strdup_printf ("%s  " FERRY_EXPLAIN_STARTS_OVER, label);
  ferry_board_print (self->board,
                     self->endless || self->n_words > 1 ? line : FERRY_EXPLAIN_STARTS_OVER);
}

static void
end_job (Attend *self, FerryRemoteJob *job)
{
  g_autofree char *path = g_strdup (job->path);

  g_hash_table_remove (self->pending, path);
  ferry_follow_remove (self->follow, path);
  if (!self->endless && g_hash_table_size (self->pending) == 0)
    ferry_loop_quit (self->loop, self->status);
}

/* Whose failure it is, as far as that has to be said. */
static char *
make_error_label (Attend *self, FerryRemoteJob *job)
{
  g_autofree char *label = ferry_remote_job_get_label (job);
  g_autofree char *file = ferry_remote_job_load_failed_name (self->client, job);

  if (self->n_words <= 1 && !self->endless)
    return g_steal_pointer (&file);

  return file != NULL ? g_strdup_printf ("%s: %s", label, file) : g_steal_pointer (&label);
}

static void
show_end (Attend *self, FerryRemoteJob *job, FerryOutcome outcome, const GError *error)
{
  g_autofree char *label = NULL;
  g_autoptr (GError) helpful = NULL;

  if (outcome == FERRY_OUTCOME_DONE)
    {
      ferry_board_finish (self->board, job->path);
      return;
    }

  label = make_error_label (self, job);
  ferry_board_remove (self->board, job->path);
  if (self->endless)
    {
      g_autofree char *text = ferry_exit_describe (error);
      g_autofree char *line = g_strdup_printf ("%s  %s", label, text);

      ferry_board_print (self->board, line);
      return;
    }
  if (!ferry_login_agent_has_asked (self->agent) &&
      ferry_remote_job_waits_for (job, FERRY_WAIT_REASON_CREDENTIALS))
    {
      g_autofree char *id = ferry_resolve_short_id (job->id);
      g_autofree char *remedy = ferry_explain_remedy (job, id, "`");

      helpful = remedy != NULL ? ferry_explain_failure (error, remedy) : NULL;
    }
  ferry_board_report (self->board, label, helpful != NULL ? helpful : error);
  set_status (self, FERRY_EXIT_FAILED);
}

static void
on_changed (FerryFollow *follow, FerryRemoteJob *job, gpointer user_data)
{
  Attend *self = user_data;
  g_autoptr (GError) error = NULL;
  FerryOutcome outcome = ferry_remote_job_get_outcome (job, &error);

  if (ferry_login_agent_will_help (self->agent, job))
    return;

  ferry_board_update (self->board, job->path, NULL, job);
  print_change (self, job);
  tell_risk (self, job);

  /* Following all, a job stays on the board while anything can still become of it. */
  if (self->endless ? ferry_remote_job_is_final (job) : outcome != FERRY_OUTCOME_PENDING)
    {
      show_end (self, job, outcome, error);
      end_job (self, job);
    }
}

static void
on_gone (FerryFollow *follow, FerryRemoteJob *job, const GError *error, gpointer user_data)
{
  Attend *self = user_data;

  ferry_board_remove (self->board, job->path);
  if (!self->endless)
    {
      ferry_board_report (self->board, NULL, error);
      set_status (self, FERRY_EXIT_NO_JOB);
    }
  end_job (self, job);
}

static void
on_service (FerryFollow *follow, gboolean present, gpointer user_data)
{
  Attend *self = user_data;

  ferry_board_set_notice (self->board,
                          present ? NULL : "waits: the service is away, it comes back");
}

static void
on_lost (FerryFollow *follow, const GError *error, gpointer user_data)
{
  Attend *self = user_data;

  ferry_loop_quit (self->loop, ferry_board_report (self->board, NULL, error));
}

static gboolean
on_attends (const char *id, gpointer user_data)
{
  Attend *self = user_data;
  g_autofree char *path = g_strconcat (FERRY_JOBS_PATH "/", id, NULL);

  return g_hash_table_contains (self->pending, path);
}

static void
on_registered (gpointer user_data)
{
  Attend *self = user_data;

  ferry_follow_refresh (self->follow);
}

/* Who watches everything waits for nothing, and a program that reads is no person. */
static void
start_agent (Attend *self)
{
  static const FerryLoginAgentFuncs funcs = { .attends = on_attends, .registered = on_registered };

  if (!self->endless && self->mode != FERRY_ATTEND_JSON)
    self->agent = ferry_login_agent_new (self->client, self->board, &funcs, self);
}

static gboolean
follow_words (Attend *self, char **words, GError **error)
{
  for (gsize i = 0; words[i] != NULL; i++)
    {
      g_autoptr (FerryRemoteJob) job = ferry_resolve_job (self->client, words[i], error);

      if (job == NULL)
        return FALSE;
      g_hash_table_add (self->pending, g_strdup (job->path));
      ferry_follow_add (self->follow, job->path);
      self->n_words++;
    }

  return TRUE;
}

static FerryExit
run (Attend *self, char **words, guint timeout)
{
  g_autoptr (GError) error = NULL;
  FerryExit status;
  gboolean ok;

  /* Until the first news are asked for, a signal ends the process as usual. */
  if (self->endless)
    ok = ferry_follow_add_all (self->follow, &error);
  else
    ok = follow_words (self, words, &error);
  if (!ok)
    return ferry_board_report (self->board, NULL, error);

  self->loop = ferry_loop_new (timeout);
  status = ferry_loop_run (self->loop);
  ferry_login_agent_close (self->agent);
  ferry_board_clear (self->board);
  if (status == FERRY_EXIT_TIMEOUT)
    {
      g_autofree char *time = ferry_format_count (timeout, "second");

      g_set_error (&error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT, "%s passed; %s in the service", time,
                   self->n_words == 1 ? "the job goes on" : "the jobs go on");
      (void) ferry_exit_report (error);
    }

  return status;
}

FerryExit
ferry_attend_jobs (FerryClient *client, char **words, FerryAttendMode mode, guint timeout)
{
  static const FerryFollowFuncs funcs = {
    .changed = on_changed, .gone = on_gone, .service = on_service, .lost = on_lost
  };
  Attend self = { .client = client, .mode = mode, .endless = words[0] == NULL };
  FerryExit status;

  self.pending = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self.lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self.told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  /* JSON lines on the same terminal would be drawn over. */
  self.board = ferry_board_new (mode != FERRY_ATTEND_JSON || !isatty (STDOUT_FILENO));
  self.follow = ferry_follow_new (client, &funcs, &self);

  start_agent (&self);

  status = run (&self, words, timeout);

  g_clear_pointer (&self.agent, ferry_login_agent_free);
  ferry_follow_free (self.follow);
  ferry_board_free (self.board);
  g_clear_pointer (&self.loop, ferry_loop_free);
  g_hash_table_unref (self.pending);
  g_hash_table_unref (self.lines);
  g_hash_table_unref (self.told);
  return status;
}
