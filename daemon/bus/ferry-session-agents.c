/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-session-agents.h"

#include "ferry-args.h"
#include "ferry-error.h"
#include "ferry-names.h"
#include "ferry-wash.h"

/* Milliseconds that an agent has, alone and with a person. */
#define TIMEOUT             25000
#define TIMEOUT_INTERACTIVE 300000

typedef struct
{
  uid_t uid;
  char *sender; /* (owned) */
  char *path;   /* (owned) */
  gboolean interactive;
} Agent;

struct _FerrySessionAgents
{
  GObject parent_instance;

  GDBusConnection *connection; /* (owned) */
  FerryPeers *peers;           /* (owned) */
  GPtrArray *agents;           /* (owned) (element-type Agent): the last comes first */
  GHashTable *answers;         /* (owned) (element-type utf8 Agent): by request, who answered */
  guint64 last_request;
};

static void ferry_session_agents_iface_init (FerryAgentsInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FerrySessionAgents, ferry_session_agents, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (FERRY_TYPE_AGENTS,
                                                      ferry_session_agents_iface_init))

/* One job's question, as it goes from agent to agent: all without a person first, then those with one. */
typedef struct
{
  uid_t uid;
  GVariant *query;             /* (owned) */
  GPtrArray *agents;           /* (owned) (element-type Agent): still to be asked */
  GPtrArray *later;            /* (owned) (element-type Agent): with a person */
  Agent *agent;                /* (owned) (nullable): being asked */
  gboolean interactive;        /* now */
  char *request;               /* (owned) (nullable): of this question to @agent */
  FerryCredential *credential; /* (owned) (nullable) */
} Question;

static void ask_next (GTask *task);

static Agent *
agent_new (uid_t uid, const char *sender, const char *path, gboolean interactive)
{
  Agent *agent = g_new0 (Agent, 1);

  agent->uid = uid;
  agent->sender = g_strdup (sender);
  agent->path = g_strdup (path);
  agent->interactive = interactive;
  return agent;
}

static Agent *
agent_copy (const Agent *agent)
{
  return agent_new (agent->uid, agent->sender, agent->path, agent->interactive);
}

static void
agent_free (gpointer data)
{
  Agent *agent = data;

  if (agent == NULL)
    return;
  g_free (agent->sender);
  g_free (agent->path);
  g_free (agent);
}

static void
question_free (gpointer data)
{
  Question *question = data;

  g_variant_unref (question->query);
  g_ptr_array_unref (question->agents);
  g_ptr_array_unref (question->later);
  agent_free (question->agent);
  g_free (question->request);
  if (question->credential != NULL)
    ferry_credential_free (question->credential);
  g_free (question);
}

/* == who is there == */

static Agent *
find (FerrySessionAgents *self, const char *sender, const char *path, guint *index)
{
  for (guint i = 0; i < self->agents->len; i++)
    {
      Agent *agent = g_ptr_array_index (self->agents, i);

      if (g_str_equal (agent->sender, sender) && g_str_equal (agent->path, path))
        {
          *index = i;
          return agent;
        }
    }

  return NULL;
}

static guint
count (FerrySessionAgents *self, uid_t uid)
{
  guint n = 0;

  for (guint i = 0; i < self->agents->len; i++)
    n += ((Agent *) g_ptr_array_index (self->agents, i))->uid == uid;
  return n;
}

gboolean
ferry_session_agents_add (FerrySessionAgents *self, uid_t uid, const char *sender, const char *path,
                          gboolean interactive, GError **error)
{
  ferry_session_agents_remove (self, sender, path);
  if (count (self, uid) >= FERRY_AGENTS_MAX)
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_LIMITS_EXCEEDED,
                   "You have %d agents already, which is the most.", FERRY_AGENTS_MAX);
      return FALSE;
    }

  g_ptr_array_insert (self->agents, 0, agent_new (uid, sender, path, interactive));
  ferry_agents_emit_registered (FERRY_AGENTS (self), uid);
  return TRUE;
}

gboolean
ferry_session_agents_remove (FerrySessionAgents *self, const char *sender, const char *path)
{
  guint index;

  if (find (self, sender, path, &index) == NULL)
    return FALSE;
  g_ptr_array_remove_index (self->agents, index);
  return TRUE;
}

static gboolean
is_of (gpointer key, gpointer value, gpointer sender)
{
  return g_str_equal (((Agent *) value)->sender, sender);
}

/* What it is being asked fails by the bus itself. */
static void
vanished_cb (FerryPeers *peers, const char *name, gpointer data)
{
  FerrySessionAgents *self = data;

  for (guint i = self->agents->len; i > 0; i--)
    {
      if (is_of (NULL, g_ptr_array_index (self->agents, i - 1), (gpointer) name))
        g_ptr_array_remove_index (self->agents, i - 1);
    }
  g_hash_table_foreach_remove (self->answers, is_of, (gpointer) name);
}

static gboolean
has_any (FerryAgents *agents, uid_t uid)
{
  return count (FERRY_SESSION_AGENTS (agents), uid) > 0;
}

/* == asking == */

/* No answer is expected. */
static void
send (FerrySessionAgents *self, const Agent *agent, const char *member, GVariant *arguments)
{
  g_autoptr (GDBusMessage)
      message = g_dbus_message_new_method_call (agent->sender, agent->path,
                                                FERRY_SECRET_AGENT_INTERFACE, member);

  g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED |
                                         G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
  g_dbus_message_set_body (message, arguments);
  g_dbus_connection_send_message (self->connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                  NULL);
}

/* Returns: (transfer full) (nullable): what @reply says, if it is one of what was asked for */
static FerryCredential *
parse (const Question *question, GVariant *reply, GError **error)
{
  g_autoptr (GVariant) values = g_variant_get_child_value (reply, 0);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (values);
  g_auto (GStrv) wanted = NULL;
  g_autoptr (GVariant) rest = NULL;
  g_autofree char *scheme = NULL;
  const char *target;

  g_variant_lookup (question->query, "AuthSchemes", "^as", &wanted);
  g_variant_lookup (question->query, "Target", "&s", &target);
  if (!g_variant_dict_lookup (&dict, "AuthScheme", "s", &scheme))
    scheme = g_strdup (wanted[0]);
  g_variant_dict_remove (&dict, "AuthScheme");
  if (!g_strv_contains ((const char *const *) wanted, scheme))
    {
      g_set_error_literal (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                           "\"AuthScheme\" is none of those that were asked for.");
      return NULL;
    }
  rest = g_variant_ref_sink (g_variant_dict_end (&dict));
  return ferry_args_parse_credential (target, scheme, rest, error);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  FerrySessionAgents *self = g_task_get_source_object (task);
  Question *question = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (reply != NULL)
    {
      ferry_wash (self->connection, reply);
      question->credential = parse (question, reply, &error);
    }
  if (question->credential != NULL)
    {
      g_hash_table_insert (self->answers, g_strdup (question->request),
                           g_steal_pointer (&question->agent));
      g_task_return_boolean (task, TRUE);
      return;
    }

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    send (self, question->agent, "CancelRequest",
          g_variant_new ("(ss)", question->request,
                         error->code == G_IO_ERROR_TIMED_OUT ? "timeout" : "not-needed"));
  if (reply != NULL)
    g_message ("An agent of uid %u gave what cannot be used", (guint) question->uid);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_AUTHORIZATION_DISMISSED))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  ask_next (g_steal_pointer (&task));
}

static GVariant *
new_arguments (const Question *question)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (question->query);

  g_variant_dict_insert (&dict, "Interactive", "b", question->interactive);
  return g_variant_new ("(s@a{sv})", question->request, g_variant_dict_end (&dict));
}

/* Takes @task. */
static void
ask_next (GTask *task)
{
  FerrySessionAgents *self = g_task_get_source_object (task);
  Question *question = g_task_get_task_data (task);

  if (question->agents->len == 0)
    {
      g_clear_pointer (&question->agents, g_ptr_array_unref);
      question->agents = g_steal_pointer (&question->later);
      question->later = g_ptr_array_new_with_free_func (agent_free);
      question->interactive = TRUE;
    }
  if (question->agents->len == 0)
    {
      g_task_return_new_error (task, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                               "No agent has such credentials");
      g_object_unref (task);
      return;
    }

  agent_free (question->agent);
  question->agent = g_ptr_array_steal_index (question->agents, 0);
  g_free (question->request);
  question->request = g_strdup_printf ("%" G_GUINT64_FORMAT, ++self->last_request);
  g_dbus_connection_call (self->connection, question->agent->sender, question->agent->path,
                          FERRY_SECRET_AGENT_INTERFACE, "GetCredentials", new_arguments (question),
                          G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                          question->interactive ? TIMEOUT_INTERACTIVE : TIMEOUT,
                          g_task_get_cancellable (task), on_answer, task);
}

static void
ask_async (FerryAgents *agents, uid_t uid, GVariant *query, GCancellable *cancellable,
           GAsyncReadyCallback callback, gpointer user_data)
{
  FerrySessionAgents *self = FERRY_SESSION_AGENTS (agents);
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Question *question = g_new0 (Question, 1);

  question->uid = uid;
  question->query = g_variant_ref_sink (query);
  question->agents = g_ptr_array_new_with_free_func (agent_free);
  question->later = g_ptr_array_new_with_free_func (agent_free);
  for (guint i = 0; i < self->agents->len; i++)
    {
      const Agent *agent = g_ptr_array_index (self->agents, i);

      if (agent->uid != uid)
        continue;
      g_ptr_array_add (question->agents, agent_copy (agent));
      if (agent->interactive)
        g_ptr_array_add (question->later, agent_copy (agent));
    }
  g_task_set_task_data (task, question, question_free);
  ask_next (task);
}

static FerryCredential *
ask_finish (FerryAgents *agents, GAsyncResult *result, char **request, GError **error)
{
  Question *question = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  *request = g_strdup (question->request);
  return g_steal_pointer (&question->credential);
}

static void
tell (FerryAgents *agents, const char *request, gboolean accepted)
{
  FerrySessionAgents *self = FERRY_SESSION_AGENTS (agents);
  const Agent *agent = g_hash_table_lookup (self->answers, request);

  if (agent == NULL)
    return;
  send (self, agent, accepted ? "CredentialsAccepted" : "CredentialsRejected",
        g_variant_new ("(s)", request));
  if (!accepted)
    g_hash_table_remove (self->answers, request);
}

/* == object == */

static void
ferry_session_agents_dispose (GObject *object)
{
  FerrySessionAgents *self = FERRY_SESSION_AGENTS (object);

  if (self->peers != NULL)
    g_signal_handlers_disconnect_by_data (self->peers, self);
  g_clear_object (&self->peers);
  g_clear_object (&self->connection);
  g_clear_pointer (&self->agents, g_ptr_array_unref);
  g_clear_pointer (&self->answers, g_hash_table_unref);
  G_OBJECT_CLASS (ferry_session_agents_parent_class)->dispose (object);
}

static void
ferry_session_agents_class_init (FerrySessionAgentsClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_session_agents_dispose;
  /* An agent may be the first to name an error, and names are known from the first use of their domain on. */
  ferry_error_quark ();
}

static void
ferry_session_agents_iface_init (FerryAgentsInterface *iface)
{
  iface->has_any = has_any;
  iface->ask_async = ask_async;
  iface->ask_finish = ask_finish;
  iface->tell = tell;
}

static void
ferry_session_agents_init (FerrySessionAgents *self)
{
  self->agents = g_ptr_array_new_with_free_func (agent_free);
  self->answers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, agent_free);
}

FerrySessionAgents *
ferry_session_agents_new (GDBusConnection *connection, FerryPeers *peers)
{
  FerrySessionAgents *self = g_object_new (FERRY_TYPE_SESSION_AGENTS, NULL);

  self->connection = g_object_ref (connection);
  self->peers = g_object_ref (peers);
  g_signal_connect (peers, "vanished", G_CALLBACK (vanished_cb), self);
  return self;
}
