/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "agent.h"

#include "agent-answers.h"
#include "agent-keyring.h"
#include "agent-prompt.h"
#include "agent-registration.h"
#include "ferry-error.h"
#include "ferry-interface-info.h"
#include "ferry-names.h"

#include <string.h>

struct _Agent
{
  GDBusConnection *system;         /* (owned) */
  AgentRegistration *registration; /* (owned) */
  AgentAnswers *answers;           /* (owned) */
  GHashTable *requests;            /* (owned): id -> Request, which nobody owns but its callbacks */
  GCancellable *ending;            /* (owned): of what may wait for a person */
  guint pending;                   /* changes to the keyring that go on */
  guint object;
};

/* A GetCredentials that is not answered yet. */
typedef struct
{
  Agent *agent;
  GDBusMethodInvocation *invocation; /* (owned) (nullable) */
  FerryLoginQuery *query;            /* (owned) */
  GCancellable *cancellable;         /* (owned) */
  char *id;                          /* (owned) */
} Request;

/* == answers == */

static void
request_free (Request *request)
{
  g_hash_table_remove (request->agent->requests, request->id);
  g_clear_object (&request->invocation);
  ferry_login_query_free (request->query);
  g_object_unref (request->cancellable);
  g_free (request->id);
  g_free (request);
}

/* Ends @request (transfer full) with @error. */
static void
request_fail (Request *request, const GError *error)
{
  g_dbus_method_invocation_return_gerror (g_steal_pointer (&request->invocation), error);
  request_free (request);
}

static void
request_fail_not_found (Request *request, const char *why)
{
  g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_NOT_FOUND, why);

  request_fail (request, error);
}

/* The bytes stay where @secret has them: memory that is never swapped, and wiped. */
static GVariant *
make_string (SecretValue *secret)
{
  const char *text = secret_value_get_text (secret);

  return g_variant_new_from_data (G_VARIANT_TYPE_STRING, text, strlen (text) + 1, TRUE,
                                  secret_value_unref, secret_value_ref (secret));
}

/* Ends @request (transfer full) with @answer (transfer full) and what it is about. */
static void
request_answer (Request *request, AgentAnswer *answer, const char *scheme, const char *user,
                SecretValue *secret)
{
  gboolean token = g_str_equal (scheme, "bearer");
  /* Saved for plain http, or typed into a dialog that said so. */
  gboolean http = g_str_equal (request->query->server->scheme, "http");
  GVariantBuilder credentials;

  g_variant_builder_init (&credentials, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&credentials, "{sv}", "AuthScheme", g_variant_new_string (scheme));
  if (!token)
    g_variant_builder_add (&credentials, "{sv}", "UserName", g_variant_new_string (user));
  g_variant_builder_add (&credentials, "{sv}", token ? "Token" : "Password", make_string (secret));
  g_variant_builder_add (&credentials, "{sv}", "AllowHttp", g_variant_new_boolean (http));

  agent_answers_add (request->agent->answers, answer);
  g_dbus_method_invocation_return_value (g_steal_pointer (&request->invocation),
                                         g_variant_new ("(a{sv})", &credentials));
  request_free (request);
}

/* == asking == */

static void
prompt_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  g_autoptr (GError) error = NULL;
  gboolean remember = FALSE;
  g_autoptr (FerryKeyringLogin) login = agent_prompt_finish (result, &remember, &error);
  g_autoptr (SecretValue) secret = NULL;
  g_autofree char *user = NULL;
  const char *scheme;
  AgentAnswer *answer;

  if (login == NULL && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_AUTHORIZATION_DISMISSED))
    {
      request_fail (request, error);
      return;
    }
  if (login == NULL)
    {
      request_fail_not_found (request, "the person could not be asked");
      return;
    }

  secret = secret_value_ref (login->secret);
  user = g_strdup (login->user);
  scheme = login->scheme != NULL ? "bearer"
                                 : ferry_login_query_get_password_scheme (request->query);
  answer = agent_answer_new (request->id, request->query);
  if (remember)
    answer->wanted = g_steal_pointer (&login);
  request_answer (request, answer, scheme, user, secret);
}

static void
answer_candidate (Request *request, const AgentCandidate *candidate, char *fingerprint)
{
  AgentAnswer *answer = agent_answer_new (request->id, request->query);

  answer->item = g_strdup (candidate->path);
  answer->ours = candidate->item->ours;
  answer->fingerprint = g_strdup (fingerprint);
  request_answer (request, answer, candidate->scheme,
                  g_hash_table_lookup (candidate->item->attributes, FERRY_LOGIN_USER),
                  candidate->secret);
}

static void
find_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  Agent *self = request->agent;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) candidates = agent_keyring_find_finish (result, &error);
  const char *user = NULL;

  if (g_cancellable_is_cancelled (request->cancellable))
    {
      request_fail_not_found (request, "the question was taken back");
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

  if (request->query->interactive && agent_registration_is_interactive (self->registration))
    agent_prompt_async (request->query, user, request->cancellable, prompt_cb, request);
  else
    request_fail_not_found (request,
                            error != NULL ? error->message : "the keyring has no login that fits");
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
  if (!agent_keyring_save_finish (result, &error))
    g_printerr ("ferry-agent: a login could not be saved\n");
}

static void
accept_answer (Agent *self, AgentAnswer *answer)
{
  if (answer != NULL && answer->wanted != NULL)
    {
      self->pending++;
      agent_keyring_save_async (g_steal_pointer (&answer->wanted), self->ending, saved_cb, self);
    }
  g_clear_pointer (&answer, agent_answer_free);
}

/* == calls == */

static void
get_credentials (Agent *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) dictionary = NULL;
  FerryLoginQuery *query;
  const char *id;
  Request *request;

  g_variant_get (parameters, "(&s@a{sv})", &id, &dictionary);
  query = ferry_login_query_parse (dictionary, &error);
  if (query == NULL || g_hash_table_contains (self->requests, id))
    {
      if (query != NULL)
        g_set_error (&error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "that was asked already");
      g_clear_pointer (&query, ferry_login_query_free);
      g_dbus_method_invocation_return_gerror (invocation, error);
      return;
    }

  request = g_new0 (Request, 1);
  request->agent = self;
  request->invocation = invocation;
  request->query = query;
  request->cancellable = g_cancellable_new ();
  request->id = g_strdup (id);
  g_hash_table_insert (self->requests, request->id, request);

  /* That a job asks again says it, too. */
  if (query->attempt > 1)
    reject_answer (self, agent_answers_take_last (self->answers, query));
  agent_keyring_find_async (query, request->cancellable, find_cb, request);
}

static void
cancel_request (Agent *self, const char *id)
{
  Request *request = g_hash_table_lookup (self->requests, id);
  AgentAnswer *answer = agent_answers_take (self->answers, id);

  g_clear_pointer (&answer, agent_answer_free);
  if (request != NULL)
    g_cancellable_cancel (request->cancellable);
}

static void
call_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
         const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
         gpointer user_data)
{
  Agent *self = user_data;
  const char *id = NULL;

  if (!agent_registration_is_service (self->registration, sender))
    {
      g_dbus_method_invocation_return_error (invocation, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                                             "Only the owner of %s may ask", FERRY_BUS_NAME);
      return;
    }
  if (g_str_equal (method, "GetCredentials"))
    {
      get_credentials (self, parameters, invocation);
      return;
    }

  g_variant_get_child (parameters, 0, "&s", &id);
  if (g_str_equal (method, "CredentialsAccepted"))
    accept_answer (self, agent_answers_take (self->answers, id));
  else if (g_str_equal (method, "CredentialsRejected"))
    reject_answer (self, agent_answers_take (self->answers, id));
  else
    cancel_request (self, id);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

/* == the agent == */

/* Nobody waits any more for what the ferryd that is gone has asked. */
static void
gone_cb (gpointer user_data)
{
  Agent *self = user_data;
  GHashTableIter iter;
  gpointer request;

  g_hash_table_iter_init (&iter, self->requests);
  while (g_hash_table_iter_next (&iter, NULL, &request))
    g_cancellable_cancel (((Request *) request)->cancellable);
  agent_answers_clear (self->answers);
}

Agent *
agent_new (GDBusConnection *system, GDBusConnection *session, GError **error)
{
  static const GDBusInterfaceVTable vtable = { .method_call = call_cb };
  g_autoptr (Agent) self = g_new0 (Agent, 1);

  self->system = g_object_ref (system);
  self->answers = agent_answers_new ();
  self->ending = g_cancellable_new ();
  self->requests = g_hash_table_new (g_str_hash, g_str_equal);
  self->object = g_dbus_connection_register_object (
      system, AGENT_PATH, (GDBusInterfaceInfo *) &org_ferry_transfer1_secret_agent_interface,
      &vtable, self, NULL, error);
  if (self->object == 0)
    return NULL;

  self->registration = agent_registration_new (system, session, gone_cb, self);
  return g_steal_pointer (&self);
}

void
agent_free (Agent *self)
{
  g_clear_pointer (&self->registration, agent_registration_free);
  if (self->object != 0)
    g_dbus_connection_unregister_object (self->system, self->object);
  gone_cb (self);
  g_cancellable_cancel (self->ending);
  while (g_hash_table_size (self->requests) > 0 || self->pending > 0)
    g_main_context_iteration (NULL, TRUE);

  g_hash_table_unref (self->requests);
  agent_answers_free (self->answers);
  g_object_unref (self->ending);
  g_object_unref (self->system);
  g_free (self);
}
