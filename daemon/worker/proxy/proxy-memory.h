/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much memory this process may have. It shares the worker's, and so a script could take that of all of the user's transfers.
 * Limits of the kernel's (RLIMIT_DATA, RLIMIT_AS) count what is only reserved: the engine of scripts does not even begin. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Most bytes that it may have written to; an engine without a greedy script has less than 10 MiB. */
#define PROXY_MEMORY_MAX (64 * 1024 * 1024)

/** Makes this process the first one that the kernel ends when memory is short, and has it end itself, with an answer, when it
 * has more than PROXY_MEMORY_MAX. To be called once, before it reads anything; starts a thread, which has no part in the
 * environment. */
void proxy_memory_limit (void);

G_END_DECLS
