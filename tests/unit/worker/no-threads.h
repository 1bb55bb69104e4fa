/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A system that has no more threads. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** From now on no thread of this program can be started, or all can. */
void no_threads_set (gboolean none);

G_END_DECLS
