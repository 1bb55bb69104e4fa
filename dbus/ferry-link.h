/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One end of the connection between ferryd and a worker: frames of a 32-bit little-endian length
 * and a GVariant (FERRY_MESSAGE_TYPE, little endian, checked for normal form) on a stream socket. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_TYPE_LINK (ferry_link_get_type ())
G_DECLARE_FINAL_TYPE (FerryLink, ferry_link, FERRY, LINK, GObject)

/**
 * FerryLinkFunc:
 * @link: the link
 * @id: 0, or what the reply must carry
 * @kind: the message's kind
 * @arguments: an a{sv}
 * @user_data: data
 *
 * Called for each message, in order. The next frame is read only after it has returned.
 */
typedef void (*FerryLinkFunc) (FerryLink *link, guint32 id, const char *kind, GVariant *arguments,
                               gpointer user_data);

/**
 * FerryLinkClosedFunc:
 * @error: (nullable): why; %NULL when the other side just closed
 *
 * Called once, never from within a call of ours. A frame that is too long, malformed or of another
 * type closes the link.
 */
typedef void (*FerryLinkClosedFunc) (FerryLink *link, const GError *error, gpointer user_data);

/**
 * ferry_link_new:
 * @connection: a connected stream socket
 * @max_frames_per_second: how many frames a second are read at the most, 0 = no bound; a peer that
 *   sends more just waits. A frame counts once for every KiB that it begins, as the work that it
 *   makes grows with its length
 *
 * Messages are read in the thread-default main context, at %G_PRIORITY_DEFAULT_IDLE so that bus
 * calls go first, once ferry_link_run() was called. A link that reads or writes keeps itself alive:
 * who no longer wants it must call ferry_link_close(), dropping the reference is not enough.
 */
FerryLink *ferry_link_new (GSocketConnection *connection, guint max_frames_per_second);

/** Starts reading. The functions are not called after ferry_link_close(), which may be called from within them. */
void ferry_link_run (FerryLink *self, FerryLinkFunc on_message, FerryLinkClosedFunc on_closed,
                     gpointer user_data);

/**
 * ferry_link_send:
 * @id: 0, or an id
 * @arguments: (nullable): an a{sv}; consumed when floating
 *
 * Queues one message; never blocks. When more than 4 MiB wait for a peer that does not read, the link closes.
 *
 * Returns: whether it was queued; %FALSE when the link is closed or the message is longer than %FERRY_FRAME_MAX
 */
gboolean ferry_link_send (FerryLink *self, guint32 id, const char *kind, GVariant *arguments);

/** Closes at once; what was not sent is dropped. */
void ferry_link_close (FerryLink *self);

/** Waits until all that was queued has been written (for a process about to exit), or the link is closed. */
void ferry_link_flush (FerryLink *self);

G_END_DECLS
