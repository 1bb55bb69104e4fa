/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process that keeps the privilege to become another user, and does nothing else with it. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * FerryLaunchHelperSetup:
 * @socket: end of the SOCK_SEQPACKET pair
 * @program: the worker program, opened
 * @lock: file that is locked while workers of this helper live, so that those of a helper whose
 * ferryd was killed are gone before ours touch the same files
 * @path: absolute path of the worker program
 * @worker_socket: absolute path of the socket that workers connect to
 */
typedef struct
{
  int socket;
  int program;
  int lock;
  const char *path;          /* (unowned) */
  const char *worker_socket; /* (unowned) */
} FerryLaunchHelperSetup;

/**
 * ferry_launch_helper_run:
 *
 * Serves until the other end of the socket closes, kills the workers that are left and exits. To be
 * called in a process of one thread. Without root it serves its own uid only.
 */
G_NORETURN void ferry_launch_helper_run (const FerryLaunchHelperSetup *setup);

G_END_DECLS
