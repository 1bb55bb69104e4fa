/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ferryd and its launching helper say to each other: one struct per record of a SOCK_SEQPACKET
 * pair. Both ends are the same program, so layout and byte order agree. */

#pragma once

#include <glib.h>

typedef enum
{
  FERRY_LAUNCH_START = 1,
  FERRY_LAUNCH_STOP = 2,
} FerryLaunchCommand;

/* From ferryd. */
typedef struct
{
  guint32 command; /* FerryLaunchCommand */
  guint32 uid;
} FerryLaunchRequest;

/* From the helper: the worker of @uid is gone or could not be started. */
typedef struct
{
  guint32 uid;
  char reason[252]; /* one sentence, NUL-terminated */
} FerryLaunchExit;
