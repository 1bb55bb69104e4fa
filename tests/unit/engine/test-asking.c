/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs whose servers want credentials, and agents that know them or do not. */

#include "engine-world.h"

/* == agents that say what the test says == */

#define FAKE_TYPE_AGENTS (fake_agents_get_type ())
G_DECLARE_FINAL_TYPE (FakeAgents, fake_agents, FAKE, AGENTS, GObject)

struct _FakeAgents
{
  GObject parent_instance;

  gboolean there;
  GTask *question; /* (owned) (nullable): without an answer yet */
  GVariant *query; /* (owned) (nullable): of the last one */
  guint asked;
  GString *told; /* (owned): "accepted:REQUEST " */
};

static void fake_agents_iface_init (FerryAgentsInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FakeAgents, fake_agents, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (FERRY_TYPE_AGENTS, fake_agents_iface_init))

static gboolean
has_any (FerryAgents *agents, uid_t uid)
{
  return FAKE_AGENTS (agents)->there && uid == geteuid ();
}

static void
ask_async (FerryAgents *agents, uid_t uid, GVariant *query, GCancellable *cancellable,
           GAsyncReadyCallback callback, gpointer user_data)
{
  FakeAgents *self = FAKE_AGENTS (agents);

  g_assert_null (self->question);
  g_assert_cmpuint (uid, ==, geteuid ());
  g_clear_pointer (&self->query, g_variant_unref);
  self->query = g_variant_ref_sink (query);
  self->question = g_task_new (self, cancellable, callback, user_data);
  self->asked++;
}

static FerryCredential *
ask_finish (FerryAgents *agents, GAsyncResult *result, char **request, GError **error)
{
  FerryCredential *credential = g_task_propagate_pointer (G_TASK (result), error);

  if (credential != NULL)
    *request = g_strdup_printf ("r%u", FAKE_AGENTS (agents)->asked);
  return credential;
}

static void
tell (FerryAgents *agents, const char *request, gboolean accepted)
{
  g_string_append_printf (FAKE_AGENTS (agents)->told, "%s:%s ", accepted ? "accepted" : "rejected",
                          request);
}

static void
fake_agents_finalize (GObject *object)
{
  FakeAgents *self = FAKE_AGENTS (object);

  g_clear_object (&self->question);
  g_clear_pointer (&self->query, g_variant_unref);
  g_string_free (self->told, TRUE);
  G_OBJECT_CLASS (fake_agents_parent_class)->finalize (object);
}

static void
fake_agents_class_init (FakeAgentsClass *class)
{
  G_OBJECT_CLASS (class)->finalize = fake_agents_finalize;
}

static void
fake_agents_iface_init (FerryAgentsInterface *iface)
{
  iface->has_any = has_any;
  iface->ask_async = ask_async;
  iface->ask_finish = ask_finish;
  iface->tell = tell;
}

static void
fake_agents_init (FakeAgents *self)
{
  self->told = g_string_new (NULL);
}

/* == a world with them == */

typedef struct
{
  World *world;
  FakeAgents *agents;
  FerryJob *job;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->world = world_new ();
  fixture->agents = g_object_new (FAKE_TYPE_AGENTS, NULL);
  fixture->agents->there = TRUE;
  ferry_engine_set_agents (fixture->world->engine, FERRY_AGENTS (fixture->agents));
  fixture->job = world_submit (fixture->world, 1, TRUE, FALSE);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  ferry_engine_set_agents (fixture->world->engine, NULL);
  g_object_unref (fixture->agents);
  world_free (fixture->world);
}

/* The next attempt gets 401, or 407. */
static void
challenge (Fixture *fixture, const char *target)
{
  g_autofree char *text = g_strdup_printf (
      "{'Transient': <false>, 'Error': <{'Name': <'org.ferry.Transfer1.Error."
      "AuthenticationFailed'>, 'Context': <'remote-file'>, 'Message': <'The server answered "
      "401'>, 'HttpStatus': <uint32 401>}>, 'Challenge': <{'Target': <'%s'>, 'AuthSchemes': "
      "<['digest', 'basic']>, 'Realm': <'in here'>, 'Scheme': <'https'>, 'Host': "
      "<'files.example'>, 'Port': <uint32 443>, 'Path': <'/x'>}>}",
      target);

  world_report (fixture->world, world_take_start (fixture->world), "failed", text);
}

static void
challenge_and_wait (Fixture *fixture, const char *target)
{
  challenge (fixture, target);
  world_wait (fixture->agents->question != NULL);
}

static void
answer (Fixture *fixture, gboolean proxy, const char *password)
{
  g_autoptr (GTask) question = g_steal_pointer (&fixture->agents->question);

  if (password == NULL)
    g_task_return_new_error (question, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "None");
  else
    g_task_return_pointer (question,
                           ferry_credential_new (proxy ? FERRY_CREDENTIAL_FOR_PROXY
                                                       : FERRY_CREDENTIAL_FOR_SERVER,
                                                 FERRY_CREDENTIAL_DIGEST, g_strdup ("ada"),
                                                 g_strdup (password), FALSE),
                           (GDestroyNotify) ferry_credential_free);
}

static guint32
get_attempt (Fixture *fixture)
{
  guint32 attempt = 0;

  g_assert_true (g_variant_lookup (fixture->agents->query, "Attempt", "u", &attempt));
  return attempt;
}

static gboolean
waits_for_credentials (FerryJob *job)
{
  g_auto (GStrv) reasons = ferry_job_get_wait_reasons (job);

  return g_strv_length (reasons) == 1 && g_str_equal (reasons[0], "credentials");
}

static void
assert_failed (Fixture *fixture)
{
  world_wait (fixture->job->state == FERRY_JOB_STATE_ERROR);
  g_assert_cmpint (fixture->job->error->code, ==, FERRY_ERROR_AUTHENTICATION_FAILED);
  g_assert_true (waits_for_credentials (fixture->job));
  world_settle (fixture->world);
  g_assert_cmpstr (fixture->world->events->str, ==, "failed ");
  g_string_truncate (fixture->world->events, 0);
}

/* Takes the next start, whose order must hold @password. */
static guint64
take_start_with (Fixture *fixture, const char *password)
{
  g_autoptr (GVariant) order = world_take_order (fixture->world, "start");
  g_autoptr (GVariant) list = g_variant_lookup_value (order, "Credentials", NULL);
  g_autofree char *text = g_variant_print (list, FALSE);
  guint64 attempt = 0;

  g_assert_nonnull (strstr (text, password));
  g_assert_true (g_variant_lookup (order, "Attempt", "t", &attempt));
  return attempt;
}

/* == */

static void
test_answered (Fixture *fixture, gconstpointer data)
{
  const char *host, *realm, *job;
  guint64 attempt;

  challenge_and_wait (fixture, "server");
  g_assert_cmpint (fixture->job->state, ==, FERRY_JOB_STATE_TRANSIENT_ERROR);
  g_assert_true (waits_for_credentials (fixture->job));
  g_assert_true (g_variant_lookup (fixture->agents->query, "Host", "&s", &host));
  g_assert_true (g_variant_lookup (fixture->agents->query, "Realm", "&s", &realm));
  g_assert_true (g_variant_lookup (fixture->agents->query, "Job", "&s", &job));
  g_assert_cmpstr (host, ==, "files.example");
  g_assert_cmpstr (realm, ==, "in here");
  g_assert_cmpstr (job, ==, fixture->job->id);
  g_assert_cmpuint (get_attempt (fixture), ==, 1);

  answer (fixture, FALSE, "sesame");
  attempt = take_start_with (fixture, "sesame");
  g_assert_cmpstr (fixture->agents->told->str, ==, "");
  world_report (fixture->world, attempt, "response", "{'Total': <uint64 10>}");
  world_wait (fixture->agents->told->len > 0);
  world_report (fixture->world, attempt, "done", "{'Bytes': <uint64 10>}");
  world_wait (fixture->job->state == FERRY_JOB_STATE_TRANSFERRED);
  g_assert_cmpstr (fixture->agents->told->str, ==, "accepted:r1 ");
  /* It need not be given again by its owner after a restart. */
  g_assert_false (fixture->job->had_secrets);
}

static void
test_rejected (Fixture *fixture, gconstpointer data)
{
  for (guint i = 1; i <= 3; i++)
    {
      challenge_and_wait (fixture, "server");
      g_assert_cmpuint (get_attempt (fixture), ==, i);
      answer (fixture, FALSE, "wrong");
    }
  challenge (fixture, "server");
  assert_failed (fixture);
  g_assert_cmpstr (fixture->agents->told->str, ==, "rejected:r1 rejected:r2 rejected:r3 ");
  g_assert_null (fixture->job->secrets);
}

static void
test_changed (Fixture *fixture, gconstpointer data)
{
  guint64 attempt;

  challenge_and_wait (fixture, "server");
  answer (fixture, FALSE, "old");
  attempt = take_start_with (fixture, "old");
  world_report (fixture->world, attempt, "response", "{'Total': <uint64 10>}");
  world_wait (fixture->agents->told->len > 0);
  world_fail (fixture->world, attempt, "");
  world_wait (fixture->job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  ferry_fake_clock_advance (fixture->world->clock, DAY);

  challenge_and_wait (fixture, "server");
  g_assert_cmpuint (get_attempt (fixture), ==, 2);
  g_assert_cmpstr (fixture->agents->told->str, ==, "accepted:r1 rejected:r1 ");
  answer (fixture, FALSE, "new");
  take_start_with (fixture, "new");
}

/* Who has passed the proxy gets to the server. */
static void
test_both (Fixture *fixture, gconstpointer data)
{
  challenge_and_wait (fixture, "proxy");
  answer (fixture, TRUE, "first");
  challenge_and_wait (fixture, "server");
  g_assert_cmpuint (get_attempt (fixture), ==, 1);
  g_assert_cmpstr (fixture->agents->told->str, ==, "accepted:r1 ");
  answer (fixture, FALSE, "second");
  take_start_with (fixture, "first");
  g_assert_cmpuint (fixture->job->secrets->credentials->len, ==, 2);
}

static void
test_nobody_knows (Fixture *fixture, gconstpointer data)
{
  challenge_and_wait (fixture, "server");
  answer (fixture, FALSE, NULL);
  assert_failed (fixture);
  g_assert_false (ferry_engine_is_idle (fixture->world->engine));

  /* Another one comes. */
  ferry_agents_emit_registered (FERRY_AGENTS (fixture->agents), geteuid () + 1);
  g_assert_cmpint (fixture->job->state, ==, FERRY_JOB_STATE_ERROR);
  ferry_agents_emit_registered (FERRY_AGENTS (fixture->agents), geteuid ());
  challenge_and_wait (fixture, "server");
  answer (fixture, FALSE, "sesame");
  take_start_with (fixture, "sesame");
}

static void
test_nobody_there (Fixture *fixture, gconstpointer data)
{
  static const char *const headers[] = { "Authorization: x", NULL };

  fixture->agents->there = FALSE;
  challenge (fixture, "server");
  assert_failed (fixture);
  g_assert_cmpuint (fixture->agents->asked, ==, 0);

  ferry_engine_set_credential (fixture->world->engine, fixture->job,
                               ferry_credential_new (FERRY_CREDENTIAL_FOR_SERVER,
                                                     FERRY_CREDENTIAL_BASIC, g_strdup ("ada"),
                                                     g_strdup ("mine"), FALSE));
  challenge (fixture, "server");
  assert_failed (fixture);
  ferry_engine_set_secret_headers (fixture->world->engine, fixture->job, headers);
  world_take_start (fixture->world);
}

/* The owner's own word is not asked about. */
static void
test_given (Fixture *fixture, gconstpointer data)
{
  ferry_engine_set_credential (fixture->world->engine, fixture->job,
                               ferry_credential_new (FERRY_CREDENTIAL_FOR_SERVER,
                                                     FERRY_CREDENTIAL_BASIC, g_strdup ("ada"),
                                                     g_strdup ("mine"), FALSE));
  challenge (fixture, "server");
  assert_failed (fixture);
  g_assert_cmpuint (fixture->agents->asked, ==, 0);
  g_assert_true (fixture->job->had_secrets);
}

/* Then the agent need not answer any more. */
static void
test_given_while_asked (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GTask) question = NULL;

  challenge_and_wait (fixture, "server");
  question = g_steal_pointer (&fixture->agents->question);
  ferry_engine_set_credential (fixture->world->engine, fixture->job,
                               ferry_credential_new (FALSE, FERRY_CREDENTIAL_BASIC,
                                                     g_strdup ("ada"), g_strdup ("mine"), FALSE));
  g_assert_true (g_cancellable_is_cancelled (g_task_get_cancellable (question)));
  g_assert_true (g_task_return_error_if_cancelled (question));
  take_start_with (fixture, "mine");
}

/* To give what one file lacks is no order to send another one's request again, which may have been carried out. */
static void
test_given_beside_asked (Fixture *fixture, gconstpointer data)
{
  World *world = fixture->world;
  FerryJob *job = world_submit (world, 2, FALSE, FALSE);
  FerryFile *broken = ferry_job_get_file (job, 0);
  g_autoptr (GTask) question = NULL;
  guint64 attempt;

  world_report (world, world_take_start (world), "done", "{'Bytes': <uint64 1>}");
  g_free (job->http_method);
  job->http_method = g_strdup ("POST");
  g_assert_true (ferry_engine_resume (world->engine, job, NULL));
  attempt = world_take_start (world);
  world_report (world, attempt, "failed",
                "{'Error': <{'Name': <'org.ferry.Transfer1.Error.ConnectionClosed'>, 'Context': "
                "<'transport'>, 'Message': <'It broke'>}>, 'Transient': <false>, "
                "'Resume': <{'Asked': <true>}>}");
  fixture->job = job;
  challenge_and_wait (fixture, "server");
  g_assert_cmpint (broken->state, ==, FERRY_FILE_STATE_FAILED);

  question = g_steal_pointer (&fixture->agents->question);
  ferry_engine_set_credential (world->engine, job,
                               ferry_credential_new (FERRY_CREDENTIAL_FOR_SERVER,
                                                     FERRY_CREDENTIAL_BASIC, g_strdup ("ada"),
                                                     g_strdup ("mine"), FALSE));
  g_assert_true (g_task_return_error_if_cancelled (question));
  world_finish_file (world, 10);
  world_wait (job->state == FERRY_JOB_STATE_ERROR);
  g_assert_true (ferry_file_was_asked (broken));
  g_assert_cmpint (broken->state, ==, FERRY_FILE_STATE_FAILED);
  g_assert_false (world_has_order (world, "start"));
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GTask) question = NULL;

  challenge_and_wait (fixture, "server");
  question = g_steal_pointer (&fixture->agents->question);
  world_cancel (fixture->world, fixture->job);
  g_assert_true (g_cancellable_is_cancelled (g_task_get_cancellable (question)));
  g_task_return_pointer (question,
                         ferry_credential_new (FERRY_CREDENTIAL_FOR_SERVER, FERRY_CREDENTIAL_DIGEST,
                                               g_strdup ("ada"), g_strdup ("late"), FALSE),
                         (GDestroyNotify) ferry_credential_free);
  world_settle (fixture->world);
  g_assert_cmpint (fixture->job->state, ==, FERRY_JOB_STATE_CANCELLED);
  g_assert_null (fixture->job->secrets);
}

/* A network that comes and goes is no answer. */
static void
test_network (Fixture *fixture, gconstpointer data)
{
  challenge_and_wait (fixture, "server");
  world_set_network (fixture->world, FALSE);
  world_set_network (fixture->world, TRUE);
  world_settle (fixture->world);
  g_assert_cmpint (fixture->job->state, ==, FERRY_JOB_STATE_TRANSIENT_ERROR);
  g_assert_cmpuint (fixture->agents->asked, ==, 1);
  answer (fixture, FALSE, "sesame");
  take_start_with (fixture, "sesame");
}

/* A server that sends us elsewhere does not choose who gets the secrets, not even when the owner wants to know where that is. */
static void
test_report (Fixture *fixture, gconstpointer data)
{
  static const char *const headers[] = { "Authorization: x", NULL };
  const char *const away = "{'Total': <uint64 10>, 'Bytes': <uint64 10>, 'FinalUrl': "
                           "<'https://elsewhere.example/x'>}";
  FerryFile *file = g_ptr_array_index (fixture->job->files, 0);
  g_autofree char *url = g_strdup (file->remote_url);
  guint64 attempt = world_take_start (fixture->world);

  fixture->job->redirect_policy = FERRY_REDIRECT_POLICY_REPORT;
  world_report (fixture->world, attempt, "response", away);
  world_fail (fixture->world, attempt, ", 'FinalUrl': <'https://elsewhere.example/x'>");
  world_wait (fixture->job->state == FERRY_JOB_STATE_TRANSIENT_ERROR);
  g_assert_cmpstr (file->remote_url, ==, url);

  ferry_engine_set_secret_headers (fixture->world->engine, fixture->job, headers);
  ferry_fake_clock_advance (fixture->world->clock, DAY);
  world_report (fixture->world, world_take_start (fixture->world), "done", away);
  world_wait (fixture->job->state == FERRY_JOB_STATE_TRANSFERRED);
  g_assert_cmpstr (file->remote_url, ==, url);
}

static void
test_report_without_secrets (Fixture *fixture, gconstpointer data)
{
  const FerryFile *file = g_ptr_array_index (fixture->job->files, 0);

  fixture->job->redirect_policy = FERRY_REDIRECT_POLICY_REPORT;
  world_report (fixture->world, world_take_start (fixture->world), "done",
                "{'Bytes': <uint64 10>, 'FinalUrl': <'https://elsewhere.example/x'>}");
  world_wait (fixture->job->state == FERRY_JOB_STATE_TRANSFERRED);
  g_assert_cmpstr (file->remote_url, ==, "https://elsewhere.example/x");
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*func) (Fixture *, gconstpointer);
  } cases[] = {
    { "/asking/answered", test_answered },
    { "/asking/rejected", test_rejected },
    { "/asking/changed", test_changed },
    { "/asking/both", test_both },
    { "/asking/nobody-knows", test_nobody_knows },
    { "/asking/nobody-there", test_nobody_there },
    { "/asking/given", test_given },
    { "/asking/given-while-asked", test_given_while_asked },
    { "/asking/given-beside-asked", test_given_beside_asked },
    { "/asking/cancelled", test_cancelled },
    { "/asking/network", test_network },
    { "/asking/report", test_report },
    { "/asking/report-without-secrets", test_report_without_secrets },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_test_add (cases[i].path, Fixture, NULL, set_up, cases[i].func, tear_down);
  return g_test_run ();
}
