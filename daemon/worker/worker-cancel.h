/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Telling a server that nobody wants the rest of an upload. */

#pragma once

#include "ferry-link.h"
#include "worker-chores.h"
#include "worker-session.h"

G_BEGIN_DECLS

/**
 * worker_cancel_upload:
 * @link: (unowned): where the reply to @id goes
 * @arguments: of "cancel-upload" of ferry-worker-protocol.h
 * @chores: (unowned): lives longer
 * @sessions: (unowned): lives longer
 *
 * In the main thread; does not block.
 */
void worker_cancel_upload (FerryLink *link, guint32 id, GVariant *arguments, WorkerChores *chores,
                           WorkerSessions *sessions);

G_END_DECLS
