/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "agent-answers.h"

#include <string.h>
#include <sys/random.h>

/* ferryd says of every answer what became of it; this is for one that does not. */
#define MAX_ANSWERS 128

#define KEY_BYTES 32

struct _AgentAnswers
{
  GQueue answers;       /* (element-type AgentAnswer) (owned): oldest first */
  GHashTable *rejected; /* (owned): set of fingerprints */
  guint8 key[KEY_BYTES];
};

AgentAnswer *
agent_answer_new (const char *request, const FerryLoginQuery *query)
{
  AgentAnswer *self = g_new0 (AgentAnswer, 1);

  self->request = g_strdup (request);
  self->job = g_strdup (query->job);
  self->proxy = query->proxy;
  self->certificate = g_strdup (query->certificate);
  self->server = ferry_login_server_copy (query->server);
  return self;
}

void
agent_answer_free (AgentAnswer *self)
{
  g_free (self->request);
  g_free (self->job);
  g_free (self->certificate);
  ferry_login_server_free (self->server);
  g_free (self->item);
  g_free (self->fingerprint);
  g_clear_pointer (&self->wanted, ferry_keyring_login_free);
  g_free (self);
}

AgentAnswers *
agent_answers_new (void)
{
  AgentAnswers *self = g_new0 (AgentAnswers, 1);

  g_queue_init (&self->answers);
  self->rejected = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  /* Up to 256 bytes come whole or not at all; without them a fingerprint would be worth guessing at. */
  if (getrandom (self->key, sizeof self->key, 0) != (gssize) sizeof self->key)
    g_error ("the kernel has no random numbers");
  return self;
}

void
agent_answers_free (AgentAnswers *self)
{
  agent_answers_clear (self);
  g_hash_table_unref (self->rejected);
  explicit_bzero (self->key, sizeof self->key);
  g_free (self);
}

void
agent_answers_add (AgentAnswers *self, AgentAnswer *answer)
{
  g_queue_push_tail (&self->answers, answer);
  if (g_queue_get_length (&self->answers) > MAX_ANSWERS)
    agent_answer_free (g_queue_pop_head (&self->answers));
}

AgentAnswer *
agent_answers_take (AgentAnswers *self, const char *request)
{
  for (GList *link = self->answers.head; link != NULL; link = link->next)
    {
      AgentAnswer *answer = link->data;

      if (g_str_equal (answer->request, request))
        {
          g_queue_delete_link (&self->answers, link);
          return answer;
        }
    }

  return NULL;
}

AgentAnswer *
agent_answers_take_last (AgentAnswers *self, const FerryLoginQuery *query)
{
  for (GList *link = self->answers.tail; link != NULL; link = link->prev)
    {
      AgentAnswer *answer = link->data;

      if (g_str_equal (answer->job, query->job) &&
          ferry_login_query_is_same_place (query, answer->proxy, answer->certificate,
                                           answer->server))
        {
          g_queue_delete_link (&self->answers, link);
          return answer;
        }
    }

  return NULL;
}

void
agent_answers_clear (AgentAnswers *self)
{
  g_queue_clear_full (&self->answers, (GDestroyNotify) agent_answer_free);
}

char *
agent_answers_fingerprint (AgentAnswers *self, const char *item, SecretValue *secret)
{
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, self->key, sizeof self->key);
  gsize length;
  const char *bytes = secret_value_get (secret, &length);

  g_hmac_update (hmac, (const guchar *) item, (gssize) strlen (item) + 1);
  g_hmac_update (hmac, (const guchar *) bytes, (gssize) length);
  return g_strdup (g_hmac_get_string (hmac));
}

void
agent_answers_reject (AgentAnswers *self, const char *fingerprint)
{
  g_hash_table_add (self->rejected, g_strdup (fingerprint));
}

gboolean
agent_answers_is_rejected (AgentAnswers *self, const char *fingerprint)
{
  return g_hash_table_contains (self->rejected, fingerprint);
}
