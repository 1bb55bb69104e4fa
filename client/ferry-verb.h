/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What suspend, resume, complete and cancel have in common: jobs named on the command line, one's own or others'. */

#pragma once

#include "ferry-exit.h"
#include "ferry-remote-job.h"

G_BEGIN_DECLS

/** FerryVerbFunc: does the verb to a job of the caller */
typedef gboolean (*FerryVerbFunc) (FerryClient *client, FerryRemoteJob *job, gpointer user_data,
                                   GError **error);

/**
 * ferry_verb_run:
 * @words: (array zero-terminated=1): what was typed for each job
 * @action: the action for ControlJob
 * @own: for jobs of the caller
 *
 * Goes through all of @words whatever happens, and reports each error. A whole id that is not the caller's goes to
 * ControlJob.
 *
 * Returns: %FERRY_EXIT_DONE, or the status of the first error
 */
FerryExit ferry_verb_run (FerryClient *client, char **words, const char *action, FerryVerbFunc own,
                          gpointer user_data);

/** Calls ControlJob; an error says that the job is not the caller's. */
gboolean ferry_verb_control (FerryClient *client, const char *id, const char *action,
                             GError **error);

/** A whole command without options that calls @method of each job. */
FerryExit ferry_verb_command (int argc, char **argv, const char *name, const char *method);

G_END_DECLS
