/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An org.ferry.Transfer1.SecretAgent on the system bus: what every program needs that answers ferryd. */

#pragma once

#include "ferry-login-match.h"

#include <libsecret/secret.h>

G_BEGIN_DECLS

typedef struct _FerrySecretAgent FerrySecretAgent;

/**
 * FerrySecretRequest: a GetCredentials that is not answered yet; ends with ferry_secret_request_answer() or
 *   ferry_secret_request_fail()
 * @id: names it
 * @query: what is asked for
 * @cancellable: cancelled when nobody waits for the answer any more; it must be ended all the same
 * @user_data: that of the agent
 */
typedef struct
{
  FerrySecretAgent *agent;           /* (not owned): outlives it */
  char *id;                          /* (owned) */
  FerryLoginQuery *query;            /* (owned) */
  GCancellable *cancellable;         /* (owned) */
  GDBusMethodInvocation *invocation; /* (owned) */
  gboolean unheard;                  /* who asked is gone */
  gpointer user_data;
} FerrySecretRequest;

/**
 * FerrySecretAgentFuncs:
 * @asked: @request (transfer full) is to be answered, now or later
 * @cancelled: nobody wants to know, nor says what the answer @id was worth; @request is %NULL when it was ended before,
 *   @reason is that of CancelRequest, %NULL when ferryd is gone
 * @judged: whether the answer @id was right
 * @gone: (nullable): ferryd, or the one before, is gone; after @cancelled for each open request
 * @registered: ferryd knows this agent, or with @error does not take it
 *
 * All are called in the default main context.
 */
typedef struct
{
  void (*asked) (FerrySecretRequest *request, gpointer user_data);
  void (*cancelled) (const char *id, FerrySecretRequest *request, const char *reason,
                     gpointer user_data);
  void (*judged) (const char *id, gboolean accepted, gpointer user_data);
  void (*gone) (gpointer user_data);
  void (*registered) (const GError *error, gpointer user_data);
} FerrySecretAgentFuncs;

/**
 * ferry_secret_agent_new:
 * @bus: the bus of ferryd
 * @interactive: whether it can ask a person
 * @funcs: copied
 *
 * Registers with every ferryd that comes, and starts none.
 *
 * Returns: (transfer full) (nullable): an agent that is asked from now on
 */
FerrySecretAgent *ferry_secret_agent_new (GDBusConnection *bus, gboolean interactive,
                                          const FerrySecretAgentFuncs *funcs, gpointer user_data,
                                          GError **error);

/** Is asked nothing any more; open requests are cancelled, and still to be ended. */
void ferry_secret_agent_close (FerrySecretAgent *self);

/** Frees one that has no open request any more. */
void ferry_secret_agent_free (FerrySecretAgent *self);

/** Registers again: jobs that wait for a login go on. Nothing when no ferryd is there. */
void ferry_secret_agent_register (FerrySecretAgent *self, gboolean interactive);

/** Returns: whether the ferryd that is there, or the one to come, has neither taken nor refused this agent yet */
gboolean ferry_secret_agent_is_registering (FerrySecretAgent *self);

/** Returns: whether there are open requests */
gboolean ferry_secret_agent_is_asked (FerrySecretAgent *self);

/**
 * ferry_secret_request_answer:
 * @request: (transfer full): what to answer
 * @scheme: one of those that the query has
 * @user: (nullable): %NULL for a token
 * @secret: the password or token
 * @http: whether it may be read by everybody on the way
 */
void ferry_secret_request_answer (FerrySecretRequest *request, const char *scheme, const char *user,
                                  SecretValue *secret, gboolean http);

/** Ends @request (transfer full) with an error of org.ferry.Transfer1.SecretAgent.GetCredentials. */
void ferry_secret_request_fail (FerrySecretRequest *request, const GError *error);

/** Ends @request (transfer full) with NotFound and a sentence. */
void ferry_secret_request_fail_not_found (FerrySecretRequest *request, const char *why);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySecretAgent, ferry_secret_agent_free)

G_END_DECLS
