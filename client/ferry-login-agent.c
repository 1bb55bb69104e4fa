/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-login-agent.h"

#include "ferry-error.h"
#include "ferry-given-logins.h"
#include "ferry-login-dialog.h"
#include "ferry-secret-agent.h"
#include "ferry-terminal.h"

#include <stdio.h>
#include <sys/prctl.h>

struct _FerryLoginAgent
{
  FerrySecretAgent *secrets; /* (owned) */
  FerryBoard *board;         /* (not owned) */
  FerryLoginAgentFuncs funcs;
  gpointer user_data;
  FerryGivenLogins *given;     /* (owned) */
  GQueue waiting;              /* (element-type FerrySecretRequest) (owned): to be answered */
  FerrySecretRequest *request; /* (owned) (nullable): what is being asked for */
  FerryLoginDialog *dialog;    /* (owned) (nullable): ... with */
  guint pending;               /* logins that are being kept */
  gboolean has_asked;
  gboolean closed;
};

static void ask_next (FerryLoginAgent *self);

/* == answers == */

/* Ends @request (transfer full). */
static void
answer (FerryLoginAgent *self, FerrySecretRequest *request, FerryGiven *given)
{
  g_autoptr (GError) error = NULL;

  if (given->state == FERRY_GIVEN_DISMISSED)
    {
      error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_AUTHORIZATION_DISMISSED,
                                   "the person does not want to log in");
      ferry_secret_request_fail (request, error);
      return;
    }

  ferry_given_logins_note_answer (self->given, request->id, given);
  ferry_secret_request_answer (request, ferry_login_query_get_scheme (request->query),
                               given->login->user, given->login->secret, given->readable);
}

/* Whether what was given before answers @query, too. */
static gboolean
is_good_for (const FerryGiven *given, const FerryLoginQuery *query)
{
  switch (given->state)
    {
    case FERRY_GIVEN_DISMISSED:
      return TRUE;
    case FERRY_GIVEN_TYPED:
      return given->readable || !ferry_login_query_is_readable (query);
    case FERRY_GIVEN_WRONG:
      return FALSE;
    }

  return FALSE;
}

/* == asking == */

static void
answered_cb (FerryKeyringLogin *login, gboolean keep, gpointer user_data)
{
  FerryLoginAgent *self = user_data;
  FerrySecretRequest *request = g_steal_pointer (&self->request);
  const FerryGiven *before = ferry_given_logins_find (self->given, request->query);
  FerryGiven *given;

  /* That was asked the first time. */
  keep |= before != NULL && before->keep;
  given = ferry_given_logins_add (self->given, request->query, login, keep);
  g_clear_pointer (&self->dialog, ferry_login_dialog_free);
  answer (self, request, given);
  ask_next (self);
}

/* Opens the dialog for @request (transfer full). */
static void
ask (FerryLoginAgent *self, FerrySecretRequest *request, const FerryGiven *given)
{
  FerryLoginTried tried = FERRY_LOGIN_TRIED_NOTHING;

  if (given != NULL && given->state == FERRY_GIVEN_WRONG)
    tried = FERRY_LOGIN_TRIED_TYPED;
  else if (request->query->attempt > 1)
    tried = FERRY_LOGIN_TRIED_OTHER;

  /* A password passes through: no core dump, no tracing by the user's other programs. Not before: ferryd looks at who
   * makes a job. */
  prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  ferry_board_hold (self->board);
  self->has_asked = TRUE;
  self->request = request;
  self->dialog = ferry_login_dialog_new (request->query, tried,
                                         given != NULL && given->login != NULL ? given->login->user
                                                                               : NULL,
                                         given == NULL, answered_cb, self);
}

static void
ask_next (FerryLoginAgent *self)
{
  while (self->request == NULL && !g_queue_is_empty (&self->waiting))
    {
      FerrySecretRequest *request = g_queue_pop_head (&self->waiting);
      FerryGiven *given = ferry_given_logins_find (self->given, request->query);

      /* It is ended when its turn comes. */
      if (g_cancellable_is_cancelled (request->cancellable))
        continue;
      if (given != NULL && is_good_for (given, request->query))
        answer (self, request, given);
      else if (!ferry_terminal_is_ours ())
        ferry_secret_request_fail_not_found (request, "the person is at something else");
      else
        ask (self, request, given);
    }

  if (self->request == NULL)
    ferry_board_release (self->board);
}

/* == calls == */

static void
asked_cb (FerrySecretRequest *request, gpointer user_data)
{
  FerryLoginAgent *self = user_data;
  FerryGiven *given = ferry_given_logins_find (self->given, request->query);

  if (!self->funcs.attends (request->query->job, self->user_data))
    ferry_secret_request_fail_not_found (request, "that job is not attended here");
  else if (request->query->interactive)
    {
      g_queue_push_tail (&self->waiting, request);
      ask_next (self);
    }
  /* First those are asked that know without a person. */
  else if (given != NULL && given->login != NULL && is_good_for (given, request->query))
    answer (self, request, given);
  else
    ferry_secret_request_fail_not_found (request, "nobody has typed that yet");
}

/* What the person is told whose answer is not waited for. */
static const char *
explain (const char *reason)
{
  if (reason == NULL)
    return "The service went away; it asks again when it is back.";

  return g_str_equal (reason, "timeout") ? "That took too long." : "Not needed any more.";
}

static void
cancelled_cb (const char *id, FerrySecretRequest *request, const char *reason, gpointer user_data)
{
  FerryLoginAgent *self = user_data;

  if (request == NULL)
    return;

  if (request == self->request)
    {
      self->request = NULL;
      g_clear_pointer (&self->dialog, ferry_login_dialog_free);
      if (!self->closed)
        fprintf (stderr, "%s\n", explain (reason));
    }
  else
    g_queue_remove (&self->waiting, request);
  ferry_secret_request_fail_not_found (request, "the question was taken back");
  ask_next (self);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerryLoginAgent *self = user_data;
  g_autoptr (GError) error = NULL;

  self->pending--;
  if (!ferry_keyring_save_finish (result, &error))
    ferry_board_report (self->board, NULL, error);
}

static void
judged_cb (const char *id, gboolean accepted, gpointer user_data)
{
  FerryLoginAgent *self = user_data;
  FerryGiven *given = ferry_given_logins_judge (self->given, id, accepted);

  if (!accepted || given == NULL || !given->keep || given->kept == given->number)
    return;

  given->kept = given->number;
  self->pending++;
  ferry_keyring_save_async (ferry_keyring_login_copy (given->login), NULL, saved_cb, self);
}

static void
registered_cb (const GError *error, gpointer user_data)
{
  FerryLoginAgent *self = user_data;

  /* One that is not taken is as none. */
  self->funcs.registered (self->user_data);
}

/* == the agent == */

FerryLoginAgent *
ferry_login_agent_new (FerryClient *client, FerryBoard *board, const FerryLoginAgentFuncs *funcs,
                       gpointer user_data)
{
  static const FerrySecretAgentFuncs calls = {
    .asked = asked_cb, .cancelled = cancelled_cb, .judged = judged_cb, .registered = registered_cb
  };
  FerryLoginAgent *self;

  if (!ferry_terminal_is_there ())
    return NULL;

  self = g_new0 (FerryLoginAgent, 1);
  self->board = board;
  self->funcs = *funcs;
  self->user_data = user_data;
  self->given = ferry_given_logins_new ();
  g_queue_init (&self->waiting);
  self->secrets = ferry_secret_agent_new (client->bus, TRUE, &calls, self, NULL);
  if (self->secrets == NULL)
    g_clear_pointer (&self, ferry_login_agent_free);
  return self;
}

gboolean
ferry_login_agent_will_help (FerryLoginAgent *self, FerryRemoteJob *job)
{
  return self != NULL && ferry_secret_agent_is_registering (self->secrets) &&
         ferry_remote_job_get_state (job) == FERRY_JOB_STATE_ERROR &&
         ferry_remote_job_waits_for (job, FERRY_WAIT_REASON_CREDENTIALS);
}

gboolean
ferry_login_agent_has_asked (FerryLoginAgent *self)
{
  return self != NULL && self->has_asked;
}

void
ferry_login_agent_close (FerryLoginAgent *self)
{
  if (self == NULL)
    return;

  self->closed = TRUE;
  if (self->secrets != NULL)
    ferry_secret_agent_close (self->secrets);
}

void
ferry_login_agent_free (FerryLoginAgent *self)
{
  ferry_login_agent_close (self);
  while (self->pending > 0)
    g_main_context_iteration (NULL, TRUE);
  g_clear_pointer (&self->secrets, ferry_secret_agent_free);
  ferry_given_logins_free (self->given);
  g_free (self);
}
