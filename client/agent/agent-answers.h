/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ferryd was answered, and what of that was wrong. */

#pragma once

#include "ferry-keyring.h"
#include "ferry-login-match.h"

G_BEGIN_DECLS

/**
 * AgentAnswer:
 * @request: of GetCredentials
 * @job: id of the job that asked
 * @proxy: whether it was for a proxy
 * @server: where the login is good
 * @item: (nullable): object path of the keyring's item, %NULL when a person has typed it
 * @ours: whether we saved @item
 * @fingerprint: (nullable): of @item and its secret
 * @wanted: (nullable): what the person wants saved once it was accepted
 */
typedef struct
{
  char *request; /* (owned) */
  char *job;     /* (owned) */
  gboolean proxy;
  char *certificate;        /* (owned) (nullable) */
  FerryLoginServer *server; /* (owned) */
  char *item;               /* (owned) (nullable) */
  gboolean ours;
  char *fingerprint;         /* (owned) (nullable) */
  FerryKeyringLogin *wanted; /* (owned) (nullable) */
} AgentAnswer;

/** Returns: (transfer full): an answer to @query without what was answered */
AgentAnswer *agent_answer_new (const char *request, const FerryLoginQuery *query);

void agent_answer_free (AgentAnswer *self);

typedef struct _AgentAnswers AgentAnswers;

AgentAnswers *agent_answers_new (void);

void agent_answers_free (AgentAnswers *self);

/** Remembers @answer (transfer full) until it is taken. Of very many the oldest is forgotten. */
void agent_answers_add (AgentAnswers *self, AgentAnswer *answer);

/** Returns: (transfer full) (nullable): the answer to @request, no longer remembered */
AgentAnswer *agent_answers_take (AgentAnswers *self, const char *request);

/** Returns: (transfer full) (nullable): the newest answer to the job of @query for that target, no longer remembered */
AgentAnswer *agent_answers_take_last (AgentAnswers *self, const FerryLoginQuery *query);

/** Forgets all answers, but not what was rejected. */
void agent_answers_clear (AgentAnswers *self);

/**
 * agent_answers_fingerprint:
 * @item: object path of a keyring's item
 * @secret: what it holds
 *
 * Returns: (transfer full): what tells this item with this secret from all others, and nothing else, in this process
 */
char *agent_answers_fingerprint (AgentAnswers *self, const char *item, SecretValue *secret);

/** What has @fingerprint is never to be answered again. */
void agent_answers_reject (AgentAnswers *self, const char *fingerprint);

gboolean agent_answers_is_rejected (AgentAnswers *self, const char *fingerprint);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AgentAnswer, agent_answer_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AgentAnswers, agent_answers_free)

G_END_DECLS
