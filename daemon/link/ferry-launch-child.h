/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From fork to exec: how a worker gets its final identity and loses everything else. */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* The child puts what it still needs below this number, and closes all from here on. */
#define FERRY_LAUNCH_FIRST_FREE_FD 5

/* All that the child needs, gathered before the fork: after it only async-signal-safe calls are
 * made. */
typedef struct
{
  uid_t uid;
  gid_t gid;
  const gid_t *groups; /* (unowned) */
  gsize n_groups;
  gboolean privileged; /* whether we may change identity; without it @uid is our own */
  pid_t parent;
  const char *path;        /* (unowned): absolute path of the program */
  const char *const *argv; /* (unowned) */
  const char *const *envp; /* (unowned) */
  /* Descriptors, all FERRY_LAUNCH_FIRST_FREE_FD or above: */
  int program; /* the program, opened: for a path that the owner cannot reach */
  int null;    /* /dev/null */
  int report;  /* takes a FerryLaunchFailure when the program cannot be executed */
} FerryLaunchPlan;

typedef struct
{
  char step[28]; /* the call that failed, NUL-terminated */
  gint32 number; /* errno */
} FerryLaunchFailure;

/** Becomes the worker of @plan, or reports why not and exits. */
G_NORETURN void ferry_launch_child_run (const FerryLaunchPlan *plan);

G_END_DECLS
