/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers ferryd for the jobs that this process attends, from the person at its terminal. */

#pragma once

#include "ferry-board.h"
#include "ferry-client.h"

G_BEGIN_DECLS

typedef struct _FerryLoginAgent FerryLoginAgent;

/**
 * FerryLoginAgentFuncs:
 * @attends: whether the job with that id is one of this process
 * @registered: jobs that had failed for want of a login go on now, if there is an agent: look at them again
 */
typedef struct
{
  gboolean (*attends) (const char *id, gpointer user_data);
  void (*registered) (gpointer user_data);
} FerryLoginAgentFuncs;

/**
 * ferry_login_agent_new:
 * @client: outlives the agent
 * @board: what else is shown on the terminal, out of the way while somebody is asked; outlives the agent
 * @funcs: copied
 *
 * Questions come one after the other. What was typed for a place is good for all jobs of this process there, until it was
 * wrong.
 *
 * Returns: (transfer full) (nullable): %NULL when there is no terminal to ask on
 */
FerryLoginAgent *ferry_login_agent_new (FerryClient *client, FerryBoard *board,
                                        const FerryLoginAgentFuncs *funcs, gpointer user_data);

/* Without an agent (%NULL) the next three say no, and do nothing. */

/** Returns: whether @job has failed for want of a login, and is going to be asked for once the agent is registered */
gboolean ferry_login_agent_will_help (FerryLoginAgent *self, FerryRemoteJob *job);

/** Returns: whether the person was asked for anything */
gboolean ferry_login_agent_has_asked (FerryLoginAgent *self);

/** Asks nothing any more; takes back a question that is open. */
void ferry_login_agent_close (FerryLoginAgent *self);

/** Frees it, once what is being kept in the keyring is there. */
void ferry_login_agent_free (FerryLoginAgent *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryLoginAgent, ferry_login_agent_free)

G_END_DECLS
