/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the agent remembers of its answers. */

#include "agent-answers.h"

#include <string.h>

static FerryLoginQuery *
make_query (const char *job, const char *host, gboolean proxy)
{
  FerryLoginQuery *query = g_new0 (FerryLoginQuery, 1);

  query->job = g_strdup (job);
  query->server = ferry_login_server_new ("https", host, 443, NULL);
  query->proxy = proxy;
  return query;
}

static void
add (AgentAnswers *answers, const char *request, const char *job, const char *host, gboolean proxy)
{
  g_autoptr (FerryLoginQuery) query = make_query (job, host, proxy);

  agent_answers_add (answers, agent_answer_new (request, query));
}

static void
assert_last (AgentAnswers *answers, const char *job, const char *host, gboolean proxy,
             const char *request)
{
  g_autoptr (FerryLoginQuery) query = make_query (job, host, proxy);
  g_autoptr (AgentAnswer) answer = agent_answers_take_last (answers, query);

  g_assert_cmpstr (answer != NULL ? answer->request : NULL, ==, request);
}

static void
test_taking (void)
{
  g_autoptr (AgentAnswers) answers = agent_answers_new ();
  g_autoptr (AgentAnswer) answer = NULL;

  add (answers, "1", "a", "h", FALSE);
  add (answers, "2", "a", "h", FALSE);
  add (answers, "3", "b", "h", FALSE);
  add (answers, "4", "a", "h", TRUE);
  add (answers, "5", "a", "other", FALSE);

  answer = agent_answers_take (answers, "3");
  g_assert_cmpstr (answer->job, ==, "b");
  g_assert_null (agent_answers_take (answers, "3"));
  assert_last (answers, "b", "h", FALSE, NULL);
  assert_last (answers, "a", "h", FALSE, "2");
  assert_last (answers, "a", "h", FALSE, "1");
  assert_last (answers, "a", "h", FALSE, NULL);
  assert_last (answers, "a", "h", TRUE, "4");
  agent_answers_clear (answers);
  assert_last (answers, "a", "other", FALSE, NULL);
}

static void
test_bound (void)
{
  g_autoptr (AgentAnswers) answers = agent_answers_new ();
  g_autoptr (AgentAnswer) newest = NULL;

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *request = g_strdup_printf ("%u", i);

      add (answers, request, "a", "h", FALSE);
    }
  g_assert_null (agent_answers_take (answers, "0"));
  newest = agent_answers_take (answers, "999");
  g_assert_nonnull (newest);
}

static void
test_fingerprints (void)
{
  g_autoptr (AgentAnswers) answers = agent_answers_new ();
  g_autoptr (AgentAnswers) others = agent_answers_new ();
  g_autoptr (SecretValue) one = secret_value_new ("one", -1, "text/plain");
  g_autoptr (SecretValue) two = secret_value_new ("two", -1, "text/plain");
  g_autofree char *first = agent_answers_fingerprint (answers, "/item/1", one);
  g_autofree char *again = agent_answers_fingerprint (answers, "/item/1", one);
  g_autofree char *item = agent_answers_fingerprint (answers, "/item/2", one);
  g_autofree char *secret = agent_answers_fingerprint (answers, "/item/1", two);
  g_autofree char *process = agent_answers_fingerprint (others, "/item/1", one);

  g_assert_cmpstr (first, ==, again);
  g_assert_cmpstr (first, !=, item);
  g_assert_cmpstr (first, !=, secret);
  g_assert_cmpstr (first, !=, process);

  g_assert_false (agent_answers_is_rejected (answers, first));
  agent_answers_reject (answers, first);
  agent_answers_clear (answers);
  g_assert_true (agent_answers_is_rejected (answers, again));
  g_assert_false (agent_answers_is_rejected (answers, item));
  g_assert_false (agent_answers_is_rejected (answers, secret));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent/answers/taking", test_taking);
  g_test_add_func ("/agent/answers/bound", test_bound);
  g_test_add_func ("/agent/answers/fingerprints", test_fingerprints);
  return g_test_run ();
}
