/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-transfer.h"

#include "ferry-board.h"
#include "ferry-error.h"
#include "ferry-explain.h"
#include "ferry-follow.h"
#include "ferry-format.h"
#include "ferry-join.h"
#include "ferry-json.h"
#include "ferry-login-agent.h"
#include "ferry-loop.h"
#include "ferry-names.h"
#include "ferry-print.h"
#include "ferry-resolve.h"

#include <stdio.h>
#include <unistd.h>

/* The service answers at most 32 calls of one connection at a time. */
#define MAX_SUBMITS 8

/* Jobs that are named when the command ends before them. */
#define MAX_NAMED 10

typedef struct
{
  FerryClient *client;                 /* (not owned) */
  GPtrArray *items;                    /* (not owned) (element-type FerryTransferItem) */
  const FerryTransferOptions *options; /* (not owned) */
  FerryBoard *board;                   /* (owned) */
  FerryFollow *follow;                 /* (owned) */
  FerryLoop *loop;                     /* (owned) */
  FerryLoginAgent *agent;              /* (owned) (nullable) */
  guint n_submitting;
  guint retry_timer;
  gboolean joining; /* what is there already is not known yet: nothing is handed over */
  gboolean held;    /* a limit was met: wait until a job has ended */
  gboolean stopped; /* nothing more is handed over */
  FerryExit status;
} Transfer;

typedef struct
{
  Transfer *self;          /* (not owned): outlives the call */
  FerryTransferItem *item; /* (not owned) */
} SubmitCall;

static void submit_more (Transfer *self);

static guint
count (Transfer *self, FerryTransferState state)
{
  guint n = 0;

  for (guint i = 0; i < self->items->len; i++)
    n += ((FerryTransferItem *) g_ptr_array_index (self->items, i))->state == state;

  return n;
}

static FerryTransferItem *
find_item (Transfer *self, const char *job_path)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      FerryTransferItem *item = g_ptr_array_index (self->items, i);

      if (item->state == FERRY_TRANSFER_FOLLOWED && g_strcmp0 (item->job_path, job_path) == 0)
        return item;
    }

  return NULL;
}

static void
end_item (Transfer *self, FerryTransferItem *item, FerryExit status)
{
  item->state = FERRY_TRANSFER_ENDED;
  if (item->job_path != NULL)
    ferry_follow_remove (self->follow, item->job_path);
  if (self->status == FERRY_EXIT_DONE)
    self->status = status;

  if (count (self, FERRY_TRANSFER_ENDED) == self->items->len)
    {
      ferry_loop_quit (self->loop, self->status);
      return;
    }
  self->held = FALSE;
  submit_more (self);
}

static void
report_item (Transfer *self, FerryTransferItem *item, const GError *error)
{
  ferry_board_remove (self->board, item->path);
  ferry_board_report (self->board, self->items->len > 1 ? item->label : NULL, error);
}

static const char *
get_id (const FerryTransferItem *item)
{
  return strrchr (item->job_path, '/') + 1;
}

/* The job as a JSON line; its last has the files too. */
static void
print_json (Transfer *self, FerryRemoteJob *job, gboolean last)
{
  g_autoptr (GVariant) files = last ? ferry_remote_files_load (self->client, job->path, NULL)
                                    : NULL;

  if (self->options->json)
    ferry_json_print (ferry_json_from_job (job, files), FALSE);
}

/* Another process of the user may have completed the job before its time. */
static gboolean
is_published (Transfer *self, FerryTransferItem *item, FerryRemoteJob *job)
{
  g_autoptr (GVariant) files = NULL;
  guint64 total = ferry_remote_job_get_number (job, "FilesTotal", 0);

  /* An upload cannot be completed before its time. */
  if (item->type != FERRY_JOB_TYPE_DOWNLOAD ||
      ferry_remote_job_get_number (job, "FilesTransferred", 0) >= total)
    return TRUE;

  files = ferry_remote_files_load (self->client, job->path, NULL);
  for (gsize i = 0; files != NULL && i < g_variant_n_children (files); i++)
    {
      g_autoptr (GVariant) file = g_variant_get_child_value (files, i);
      const char *path, *state;

      if (g_variant_lookup (file, "LocalPath", "&s", &path) && g_str_equal (path, item->path))
        return g_variant_lookup (file, "State", "&s", &state) && g_str_equal (state, "published");
    }

  return FALSE;
}

static void
finish_item (Transfer *self, FerryTransferItem *item, FerryRemoteJob *job)
{
  const char *made = item->type == FERRY_JOB_TYPE_DOWNLOAD ? item->path : item->reply;
  g_autoptr (GError) error = NULL;

  if (!is_published (self, item, job))
    {
      error = g_error_new (FERRY_ERROR, FERRY_ERROR_INVALID_STATE,
                           "the job was completed by somebody else before this file was fetched");
      report_item (self, item, error);
      end_item (self, item, FERRY_EXIT_FAILED);
      return;
    }

  ferry_board_finish (self->board, item->path);
  if (!self->options->json && made != NULL)
    ferry_board_print_path (self->board, made);
  end_item (self, item, FERRY_EXIT_DONE);
}

/* What is kept of a failed job, and what gets it going again. */
static char *
describe_kept (FerryRemoteJob *job)
{
  g_autofree char *id = ferry_resolve_short_id (job->id);
  g_autofree char *size = ferry_format_size (
      ferry_remote_job_get_number (job, "BytesTransferred", 0));
  char *remedy = ferry_explain_remedy (job, id, "`");

  if (remedy != NULL)
    return remedy;

  return g_strdup_printf ("%s are %s, `ferry resume %s` goes on", size,
                          ferry_remote_job_is_upload (job) ? "sent" : "kept", id);
}

/* A job that has nothing to lose is taken away; what was fetched or sent is kept. */
static GError *
dispose_failed (Transfer *self, const FerryTransferItem *item, FerryRemoteJob *stale,
                const GError *failure)
{
  g_autoptr (FerryRemoteJob) job = ferry_remote_job_load (self->client, stale->path, NULL);
  g_autoptr (GVariant) reply = NULL;
  g_autofree char *kept = NULL;

  if (job == NULL || ferry_remote_job_is_final (job))
    return g_error_copy (failure);

  if (ferry_remote_job_get_number (job, "BytesTransferred", 0) == 0)
    {
      reply = ferry_client_call_job (self->client, job->path, "Cancel", NULL, "()", NULL);
      /* Who gave a wrong one in the URL knows. */
      if (!ferry_login_agent_has_asked (self->agent) && item->url->user == NULL &&
          ferry_remote_job_waits_for (job, FERRY_WAIT_REASON_CREDENTIALS))
        return ferry_explain_failure (failure, FERRY_EXPLAIN_LOGIN);
      return g_error_copy (failure);
    }

  kept = describe_kept (job);
  return ferry_explain_failure (failure, kept);
}

static void
fail_item (Transfer *self, FerryTransferItem *item, FerryRemoteJob *job, const GError *failure)
{
  g_autoptr (GError) error = dispose_failed (self, item, job, failure);

  report_item (self, item, error);
  end_item (self, item, FERRY_EXIT_FAILED);
}

/* Whoever waits for an upload that cannot be continued knows it before it breaks. */
static void
tell_risk (Transfer *self, FerryTransferItem *item, FerryRemoteJob *job)
{
  if (item->told || !ferry_remote_job_starts_over (job))
    return;

  item->told = TRUE;
  ferry_board_print (self->board, FERRY_EXPLAIN_STARTS_OVER);
}

static void
on_changed (FerryFollow *follow, FerryRemoteJob *job, gpointer user_data)
{
  Transfer *self = user_data;
  FerryTransferItem *item = find_item (self, job->path);
  g_autoptr (GError) error = NULL;
  FerryOutcome outcome = ferry_remote_job_get_outcome (job, &error);

  if (item == NULL || ferry_login_agent_will_help (self->agent, job))
    return;

  ferry_board_update (self->board, item->path, item->label, job);
  print_json (self, job, outcome != FERRY_OUTCOME_PENDING);
  switch (outcome)
    {
    case FERRY_OUTCOME_PENDING:
      tell_risk (self, item, job);
      break;
    case FERRY_OUTCOME_DONE:
      finish_item (self, item, job);
      break;
    case FERRY_OUTCOME_FAILED:
      fail_item (self, item, job, error);
      break;
    }
}

static void
on_restarted (FerryFollow *follow, FerryRemoteJob *job, const char *reason, gpointer user_data)
{
  Transfer *self = user_data;
  FerryTransferItem *item = find_item (self, job->path);
  g_autofree char *clean = ferry_print_clean (reason);
  g_autofree char *line = NULL;

  if (item == NULL)
    return;

  line = g_strdup_printf ("%s  starts over (%s)", item->label, clean);
  ferry_board_print (self->board, line);
}

static void
on_gone (FerryFollow *follow, FerryRemoteJob *job, const GError *error, gpointer user_data)
{
  Transfer *self = user_data;
  FerryTransferItem *item = find_item (self, job->path);

  if (item == NULL)
    return;

  report_item (self, item, error);
  end_item (self, item, FERRY_EXIT_FAILED);
}

static void
on_service (FerryFollow *follow, gboolean present, gpointer user_data)
{
  Transfer *self = user_data;

  ferry_board_set_notice (self->board,
                          present ? NULL : "waits: the service is away, it comes back");
}

static void
on_lost (FerryFollow *follow, const GError *error, gpointer user_data)
{
  Transfer *self = user_data;

  self->stopped = TRUE;
  ferry_loop_quit (self->loop, ferry_board_report (self->board, NULL, error));
}

/* The item has a job: print what --detach prints, or follow it. */
static void
adopt (Transfer *self, FerryTransferItem *item)
{
  item->state = FERRY_TRANSFER_FOLLOWED;
  if (!self->options->detach)
    {
      ferry_follow_add (self->follow, item->job_path);
      return;
    }

  if (self->options->json)
    {
      g_autoptr (FerryRemoteJob) job = ferry_remote_job_load (self->client, item->job_path, NULL);

      if (job != NULL)
        print_json (self, job, TRUE);
    }
  else
    {
      puts (get_id (item));
      fflush (stdout);
    }
  end_item (self, item, FERRY_EXIT_DONE);
}

static void
refuse_item (Transfer *self, FerryTransferItem *item, const GError *error)
{
  report_item (self, item, error);
  end_item (self, item, ferry_exit_from_error (error));
}

/* Whether the service has no room for more jobs until one of ours has ended. */
static gboolean
is_limit (const GError *error)
{
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_JOBS_PER_USER) ||
         g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_MANY_JOBS_PER_MACHINE);
}

static gboolean on_retry (gpointer user_data);

static void
retry_later (Transfer *self, FerryTransferItem *item)
{
  item->state = FERRY_TRANSFER_UNSURE;
  if (item->unsure_since == 0)
    item->unsure_since = g_get_monotonic_time ();
  if (self->retry_timer == 0)
    self->retry_timer = g_timeout_add_seconds (1, on_retry, self);
}

/* Whether it is too early to give the service up: it was there, and not long ago. */
static gboolean
is_expected_back (Transfer *self, const GError *error)
{
  gint64 since = 0;

  if (!ferry_exit_is_no_service (error))
    return FALSE;
  /* It answered a moment ago, or went away with the answer to this very question. */
  if (self->client->reached || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY))
    since = g_get_monotonic_time ();
  for (guint i = 0; i < self->items->len; i++)
    {
      FerryTransferItem *item = g_ptr_array_index (self->items, i);

      if (item->state == FERRY_TRANSFER_WAITING && item->unsure_since > 0)
        since = since > 0 ? MIN (since, item->unsure_since) : item->unsure_since;
    }

  return since > 0 && g_get_monotonic_time () - since < FERRY_FOLLOW_PATIENCE * G_USEC_PER_SEC;
}

/* Finds jobs for the items that wait; without a service, which is expected back, that is done later. */
static gboolean
join_existing (Transfer *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  FerryTransferItem *failed = NULL;

  self->joining = TRUE;
  while (!ferry_join_find (self->client, self->items, self->options, &failed, &local_error))
    {
      if (is_expected_back (self, local_error))
        {
          for (guint i = 0; i < self->items->len; i++)
            {
              FerryTransferItem *item = g_ptr_array_index (self->items, i);

              if (item->state == FERRY_TRANSFER_WAITING)
                retry_later (self, item);
            }
          break;
        }
      if (failed == NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      /* One that cannot be joined does not keep the others. */
      refuse_item (self, failed, local_error);
      g_clear_error (&local_error);
    }

  self->joining = FALSE;
  return TRUE;
}

/* The service went away with an answer: the job may be there or not. */
static gboolean
on_retry (gpointer user_data)
{
  Transfer *self = user_data;
  g_autoptr (GError) error = NULL;

  self->retry_timer = 0;
  for (guint i = 0; i < self->items->len; i++)
    {
      FerryTransferItem *item = g_ptr_array_index (self->items, i);

      if (item->state == FERRY_TRANSFER_UNSURE)
        item->state = FERRY_TRANSFER_WAITING;
    }

  if (join_existing (self, &error))
    submit_more (self);
  else
    on_lost (self->follow, error, self);
  return G_SOURCE_REMOVE;
}

static void
handle_refusal (Transfer *self, FerryTransferItem *item, const GError *error)
{
  if (ferry_exit_is_no_service (error))
    {
      retry_later (self, item);
      return;
    }
  if (is_limit (error) && !self->options->detach &&
      count (self, FERRY_TRANSFER_FOLLOWED) + self->n_submitting > 0)
    {
      item->state = FERRY_TRANSFER_WAITING;
      self->held = TRUE;
      return;
    }

  refuse_item (self, item, error);
}

static void
on_submitted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree SubmitCall *submit = user_data;
  Transfer *self = submit->self;
  FerryTransferItem *item = submit->item;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  self->n_submitting--;
  if (reply == NULL)
    handle_refusal (self, item, error);
  else
    {
      g_variant_get (reply, "(o)", &item->job_path);
      item->unsure_since = 0;
      adopt (self, item);
    }
  submit_more (self);
}

static void
submit (Transfer *self, FerryTransferItem *item)
{
  g_autoptr (GError) error = NULL;
  GVariant *arguments = ferry_transfer_make_arguments (item, self->options, &error);
  SubmitCall *call;

  if (arguments == NULL)
    {
      refuse_item (self, item, error);
      return;
    }

  call = g_new0 (SubmitCall, 1);
  call->self = self;
  call->item = item;
  item->state = FERRY_TRANSFER_SUBMITTING;
  if (item->submitted == 0)
    item->submitted = g_get_real_time ();
  self->n_submitting++;
  ferry_client_call_async (self->client, FERRY_ROOT_PATH, FERRY_MANAGER_INTERFACE, "SubmitJob",
                           arguments, "(o)", NULL, on_submitted, call);
}

static void
submit_more (Transfer *self)
{
  for (guint i = 0; i < self->items->len && self->n_submitting < MAX_SUBMITS; i++)
    {
      FerryTransferItem *item = g_ptr_array_index (self->items, i);

      if (self->joining || self->held || self->stopped)
        return;
      if (item->state != FERRY_TRANSFER_WAITING)
        continue;
      if (item->job_path != NULL)
        adopt (self, item);
      else
        submit (self, item);
    }
}

/* What goes on without us, and how to get at it. */
static void
report_left (Transfer *self, FerryExit status)
{
  const char *word = status == FERRY_EXIT_TIMEOUT ? "Timeout" : "Interrupted";
  guint n = 0;

  for (guint i = 0; i < self->items->len; i++)
    {
      FerryTransferItem *item = g_ptr_array_index (self->items, i);
      g_autofree char *label = ferry_print_clean (item->label);
      g_autofree char *id = NULL;

      if (item->state != FERRY_TRANSFER_FOLLOWED || n++ >= MAX_NAMED)
        continue;
      id = ferry_resolve_short_id (get_id (item));
      fprintf (stderr,
               "ferry: %s: job %s (%s) goes on in the service; `ferry watch %s` follows it, "
               "`ferry cancel %s` ends it\n",
               word, get_id (item), label, id, id);
    }
  if (n > MAX_NAMED)
    fprintf (stderr, "ferry: %s: %u more go on in the service, see `ferry list`\n", word,
             n - MAX_NAMED);

  n = count (self, FERRY_TRANSFER_WAITING) + count (self, FERRY_TRANSFER_UNSURE);
  if (n > 0)
    fprintf (stderr, "ferry: %s: %u of %u %s not handed over to the service\n", word, n,
             self->items->len, self->items->len == 1 ? "file" : "URLs");
}

static gboolean
on_attends (const char *id, gpointer user_data)
{
  g_autofree char *path = g_strconcat (FERRY_JOBS_PATH "/", id, NULL);

  return find_item (user_data, path) != NULL;
}

static void
on_registered (gpointer user_data)
{
  Transfer *self = user_data;

  ferry_follow_refresh (self->follow);
}

/* Without somebody who waits, or with a program that reads, nobody is asked. */
static void
start_agent (Transfer *self)
{
  static const FerryLoginAgentFuncs funcs = { .attends = on_attends, .registered = on_registered };

  if (!self->options->detach && !self->options->json)
    self->agent = ferry_login_agent_new (self->client, self->board, &funcs, self);
}

static gboolean
on_answers_late (gpointer user_data)
{
  gboolean *late = user_data;

  *late = TRUE;
  return G_SOURCE_REMOVE;
}

/* Jobs that are being created now must be named too. */
static void
await_answers (Transfer *self)
{
  gboolean late = FALSE;
  guint timer = g_timeout_add_seconds (5, on_answers_late, &late);

  while (self->n_submitting > 0 && !late)
    g_main_context_iteration (NULL, TRUE);
  if (!late)
    g_source_remove (timer);
}

static FerryExit
run (Transfer *self)
{
  g_autoptr (GError) error = NULL;
  FerryExit status;

  self->loop = ferry_loop_new (self->options->timeout);
  if (!join_existing (self, &error))
    return ferry_board_report (self->board, NULL, error);

  for (guint i = 0; i < self->items->len && !self->options->detach; i++)
    {
      FerryTransferItem *item = g_ptr_array_index (self->items, i);

      if (item->state == FERRY_TRANSFER_WAITING)
        ferry_board_update (self->board, item->path, item->label, NULL);
    }
  submit_more (self);
  status = ferry_loop_run (self->loop);
  self->stopped = TRUE;
  ferry_login_agent_close (self->agent);
  await_answers (self);
  ferry_board_clear (self->board);
  if (status == FERRY_EXIT_INTERRUPTED || status == FERRY_EXIT_TIMEOUT)
    report_left (self, status);

  return status;
}

FerryExit
ferry_transfer_run (FerryClient *client, GPtrArray *items, const FerryTransferOptions *options)
{
  static const FerryFollowFuncs funcs = { .changed = on_changed,
                                          .restarted = on_restarted,
                                          .gone = on_gone,
                                          .service = on_service,
                                          .lost = on_lost };
  Transfer self = { .client = client, .items = items, .options = options };
  FerryExit status;

  /* JSON lines on the same terminal would be drawn over. */
  self.board = ferry_board_new (!options->json || !isatty (STDOUT_FILENO));
  /* Before any job is made: not one of its signals is missed. */
  self.follow = ferry_follow_new (client, &funcs, &self);

  start_agent (&self);

  status = run (&self);

  g_clear_pointer (&self.agent, ferry_login_agent_free);
  ferry_follow_free (self.follow);
  ferry_board_free (self.board);
  g_clear_pointer (&self.loop, ferry_loop_free);
  g_clear_handle_id (&self.retry_timer, g_source_remove);
  return status;
}
