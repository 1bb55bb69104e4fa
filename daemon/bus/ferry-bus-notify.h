/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The only file that emits signals. Nothing about a job is ever broadcast. */

#pragma once

#include "ferry-engine.h"
#include "ferry-peers.h"

G_BEGIN_DECLS

#define FERRY_TYPE_BUS_NOTIFY (ferry_bus_notify_get_type ())
G_DECLARE_FINAL_TYPE (FerryBusNotify, ferry_bus_notify, FERRY, BUS_NOTIFY, GObject)

/** References are taken to all. Follows the engine's signals. */
FerryBusNotify *ferry_bus_notify_new (GDBusConnection *connection, FerryEngine *engine,
                                      FerryPeers *peers);

/** From now on @name, a connection of @uid, hears of @job, its own. */
void ferry_bus_notify_subscribe (FerryBusNotify *self, const char *name, uid_t uid, FerryJob *job);

/** From now on @name hears of all jobs of @uid. */
void ferry_bus_notify_subscribe_all (FerryBusNotify *self, const char *name, uid_t uid);

/** @job was @old_owner's until now: his connections hear that it is gone, the new owner's that it is there. */
void ferry_bus_notify_owner_changed (FerryBusNotify *self, FerryJob *job, uid_t old_owner);

/** Whether something is waiting to be told. */
gboolean ferry_bus_notify_is_busy (FerryBusNotify *self);

/** Tells what waits to be told and stops following. */
void ferry_bus_notify_close (FerryBusNotify *self);

G_END_DECLS
