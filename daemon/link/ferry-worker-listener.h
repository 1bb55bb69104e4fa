/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket that workers connect to. Anyone can: the kernel says who it is, and who is not
 * expected costs one accept. */

#pragma once

#include "ferry-clock.h"

#include <gio/gio.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct _FerryWorkerListener FerryWorkerListener;

/**
 * FerryWorkerListenerFunc:
 * @uid: who connected, as the kernel says
 * @socket: the connection; it closes when no reference is kept
 */
typedef void (*FerryWorkerListenerFunc) (uid_t uid, GSocket *socket, gpointer user_data);

/**
 * ferry_worker_listener_new:
 * @path: where the socket is made, mode 0666; what a former run left there is replaced
 *
 * Returns: (nullable): %NULL with @error
 */
FerryWorkerListener *ferry_worker_listener_new (const char *path, FerryClock *clock,
                                                FerryWorkerListenerFunc func, gpointer user_data,
                                                GError **error);

/** Closes the socket and removes it. */
void ferry_worker_listener_free (FerryWorkerListener *self);

G_END_DECLS
