/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "agent.h"

#include "agent-answers.h"
#include "agent-keyring.h"
#include "agent-prompt.h"
#include "agent-session.h"
#include "ferry-error.h"
#include "ferry-secret-agent.h"
#include "ferry-text.h"

struct _Agent
{
  FerrySecretAgent *secrets; /* (owned) */
  AgentSession *session;     /* (owned) */
  AgentAnswers *answers;     /* (owned) */
  GCancellable *ending;      /* (owned): of what may wait for a person */
  guint pending;             /* changes to the keyring that go on */
};

/* Ends @request (transfer full) with @answer (transfer full) and what it is about. */
static void
answer_request (FerrySecretRequest *request, AgentAnswer *answer, const char *scheme,
                const char *user, SecretValue *secret)
{
  Agent *self = request->user_data;
  /* Saved for plain http, or typed into a dialog that said so. */
  gboolean http = g_str_equal (request->query->server->scheme, "http");

  agent_answers_add (self->answers, answer);
  ferry_secret_request_answer (request, scheme, user, secret, http);
}

/* == asking == */

static void
prompt_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerrySecretRequest *request = user_data;
  g_autoptr (GError) error = NULL;
  gboolean remember = FALSE;
  g_autoptr (FerryKeyringLogin) login = agent_prompt_finish (result, &remember, &error);
  g_autoptr (SecretValue) secret = NULL;
  g_autofree char *user = NULL;
  const char *scheme;
  AgentAnswer *answer;

  if (login == NULL && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_AUTHORIZATION_DISMISSED))
    {
      ferry_secret_request_fail (request, error);
      return;
    }
  if (login == NULL)
    {
      ferry_secret_request_fail_not_found (request, "the person could not be asked");
      return;
    }

  secret = secret_value_ref (login->secret);
  user = g_strdup (login->user);
  scheme = ferry_login_query_get_scheme (request->query);
  answer = agent_answer_new (request->id, request->query);
  if (remember)
    answer->wanted = g_steal_pointer (&login);
  answer_request (request, answer, scheme, user, secret);
}

static void
answer_candidate (FerrySecretRequest *request, const AgentCandidate *candidate, char *fingerprint)
{
  AgentAnswer *answer = agent_answer_new (request->id, request->query);

  answer->item = g_strdup (candidate->path);
  answer->ours = candidate->item->ours;
  answer->fingerprint = g_strdup (fingerprint);
  answer_request (request, answer, candidate->scheme,
                  g_hash_table_lookup (candidate->item->attributes, FERRY_LOGIN_USER),
                  candidate->secret);
}

static void
find_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerrySecretRequest *request = user_data;
  Agent *self = request->user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) candidates = agent_keyring_find_finish (result, &error);
  const char *user = NULL;

  if (g_cancellable_is_cancelled (request->cancellable))
    {
      ferry_secret_request_fail_not_found (request, "the question was taken back");
      return;
    }
  for (guint i = 0; candidates != NULL && i < candidates->len; i++)
    {
      const AgentCandidate *candidate = g_ptr_array_index (candidates, i);
      g_autofree char *fingerprint = agent_answers_fingerprint (self->answers, candidate->path,
                                                                candidate->secret);

      if (!agent_answers_is_rejected (self->answers, fingerprint))
        {
          answer_candidate (request, candidate, fingerprint);
          return;
        }
      /* Its password is wrong; the user is likely right. */
      if (user == NULL)
        user = g_hash_table_lookup (candidate->item->attributes, FERRY_LOGIN_USER);
    }

  if (request->query->interactive && agent_session_is_interactive (self->session))
    agent_prompt_async (request->query, user, request->cancellable, prompt_cb, request);
  else
    ferry_secret_request_fail_not_found (request, error != NULL
                                                      ? error->message
                                                      : "the keyring has no login that fits");
}

/* == what became of them == */

/* A wrong answer that is to go from the keyring. */
typedef struct
{
  Agent *agent;
  AgentAnswer *answer;   /* (owned) */
  GPtrArray *candidates; /* (owned) (nullable): what the keyring has of it now */
} Forgetting;

static void
forgetting_free (Forgetting *forgetting)
{
  forgetting->agent->pending--;
  agent_answer_free (forgetting->answer);
  g_clear_pointer (&forgetting->candidates, g_ptr_array_unref);
  g_free (forgetting);
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  if (!secret_item_delete_finish (SECRET_ITEM (source), result, NULL))
    g_printerr ("ferry-agent: a login that was rejected could not be removed\n");
  forgetting_free (user_data);
}

/* Whether the item holds what was rejected: another password may have been saved in it meanwhile. */
static gboolean
is_meant (Agent *self, const AgentCandidate *candidate, const AgentAnswer *answer)
{
  g_autofree char *fingerprint = agent_answers_fingerprint (self->answers, candidate->path,
                                                            candidate->secret);

  return g_str_equal (fingerprint, answer->fingerprint);
}

static void
load_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Forgetting *forgetting = user_data;
  const AgentCandidate *candidate = NULL;

  forgetting->candidates = agent_keyring_find_finish (result, NULL);
  if (forgetting->candidates != NULL && forgetting->candidates->len > 0)
    candidate = g_ptr_array_index (forgetting->candidates, 0);

  if (candidate != NULL && is_meant (forgetting->agent, candidate, forgetting->answer))
    secret_item_delete (candidate->item->item, NULL, removed_cb, forgetting);
  else
    forgetting_free (forgetting);
}

/* Does with @answer (transfer full) (nullable) what follows from its being wrong. */
static void
reject_answer (Agent *self, AgentAnswer *answer)
{
  Forgetting *forgetting;

  if (answer != NULL && answer->fingerprint != NULL)
    agent_answers_reject (self->answers, answer->fingerprint);
  if (answer == NULL || !answer->ours)
    {
      g_clear_pointer (&answer, agent_answer_free);
      return;
    }

  forgetting = g_new0 (Forgetting, 1);
  forgetting->agent = self;
  forgetting->answer = answer;
  self->pending++;
  agent_keyring_load_async (answer->server, answer->item, load_cb, forgetting);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Agent *self = user_data;
  g_autoptr (GError) error = NULL;

  self->pending--;
  if (!ferry_keyring_save_finish (result, &error))
    g_printerr ("ferry-agent: a login could not be saved\n");
}

static void
accept_answer (Agent *self, AgentAnswer *answer)
{
  if (answer != NULL && answer->wanted != NULL)
    {
      self->pending++;
      ferry_keyring_save_async (g_steal_pointer (&answer->wanted), self->ending, saved_cb, self);
    }
  g_clear_pointer (&answer, agent_answer_free);
}

/* == calls == */

static void
asked_cb (FerrySecretRequest *request, gpointer user_data)
{
  Agent *self = user_data;

  /* That a job asks again says it, too. */
  if (request->query->attempt > 1)
    reject_answer (self, agent_answers_take_last (self->answers, request->query));
  agent_keyring_find_async (request->query, request->cancellable, find_cb, request);
}

static void
cancelled_cb (const char *id, FerrySecretRequest *request, const char *reason, gpointer user_data)
{
  Agent *self = user_data;
  AgentAnswer *answer = agent_answers_take (self->answers, id);

  g_clear_pointer (&answer, agent_answer_free);
}

static void
judged_cb (const char *id, gboolean accepted, gpointer user_data)
{
  Agent *self = user_data;
  AgentAnswer *answer = agent_answers_take (self->answers, id);

  if (accepted)
    accept_answer (self, answer);
  else
    reject_answer (self, answer);
}

static void
gone_cb (gpointer user_data)
{
  Agent *self = user_data;

  agent_answers_clear (self->answers);
}

static void
registered_cb (const GError *error, gpointer user_data)
{
  g_autofree char *clean = NULL;

  if (error == NULL)
    return;

  clean = ferry_text_clean (error->message, FERRY_TEXT_MAX);
  g_printerr ("ferry-agent: ferryd does not take this agent: %s\n", clean);
}

/* A new registration lets jobs go on that wait for a login: somebody may just have saved it. */
static void
changed_cb (gpointer user_data)
{
  Agent *self = user_data;

  ferry_secret_agent_register (self->secrets, agent_session_is_interactive (self->session));
}

/* == the agent == */

Agent *
agent_new (GDBusConnection *system, GDBusConnection *session, GError **error)
{
  static const FerrySecretAgentFuncs funcs = { .asked = asked_cb,
                                               .cancelled = cancelled_cb,
                                               .judged = judged_cb,
                                               .gone = gone_cb,
                                               .registered = registered_cb };
  g_autoptr (Agent) self = g_new0 (Agent, 1);

  self->answers = agent_answers_new ();
  self->ending = g_cancellable_new ();
  self->session = agent_session_new (session, changed_cb, self);
  self->secrets = ferry_secret_agent_new (system, agent_session_is_interactive (self->session),
                                          &funcs, self, error);
  return self->secrets != NULL ? g_steal_pointer (&self) : NULL;
}

void
agent_free (Agent *self)
{
  agent_session_free (self->session);
  if (self->secrets != NULL)
    ferry_secret_agent_close (self->secrets);
  g_cancellable_cancel (self->ending);
  while (self->pending > 0 ||
         (self->secrets != NULL && ferry_secret_agent_is_asked (self->secrets)))
    g_main_context_iteration (NULL, TRUE);

  g_clear_pointer (&self->secrets, ferry_secret_agent_free);
  agent_answers_free (self->answers);
  g_object_unref (self->ending);
  g_free (self);
}
