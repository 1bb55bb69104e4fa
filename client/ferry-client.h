/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to the bus, and calls to ferryd. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * FerryClient:
 * @bus: (owned): the system bus
 * @flags: flags of every call
 * @timeout: of every call, milliseconds
 * @reached: whether the service has answered a call yet
 */
typedef struct
{
  GDBusConnection *bus; /* (owned) */
  GDBusCallFlags flags;
  int timeout;
  gboolean reached;
} FerryClient;

/**
 * ferry_client_new:
 *
 * Connects to the system bus. When stdin is a terminal, calls may ask the person for authorization
 * (and then wait for him).
 *
 * Returns: (transfer full) (nullable): a client; the error is always one of "no service"
 */
FerryClient *ferry_client_new (GError **error);

void ferry_client_free (FerryClient *self);

/**
 * ferry_client_call:
 * @path: object path
 * @arguments: (nullable): consumed when floating
 * @reply_type: (nullable): what the reply must be
 *
 * Calls and waits.
 *
 * Returns: (transfer full) (nullable): the reply's body
 */
GVariant *ferry_client_call (FerryClient *self, const char *path, const char *interface,
                             const char *method, GVariant *arguments, const char *reply_type,
                             GError **error);

/** Like ferry_client_call(); @callback calls g_dbus_connection_call_finish() on the source object. */
void ferry_client_call_async (FerryClient *self, const char *path, const char *interface,
                              const char *method, GVariant *arguments, const char *reply_type,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);

/** Calls a method of the Manager interface. */
GVariant *ferry_client_call_manager (FerryClient *self, const char *method, GVariant *arguments,
                                     const char *reply_type, GError **error);

/** Calls a method of the Job interface of the job at @path. */
GVariant *ferry_client_call_job (FerryClient *self, const char *path, const char *method,
                                 GVariant *arguments, const char *reply_type, GError **error);

/** Sets one property of the job at @path. */
gboolean ferry_client_set_property (FerryClient *self, const char *path, const char *name,
                                    GVariant *value, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryClient, ferry_client_free)

#define FERRY_PROPERTIES_INTERFACE     "org.freedesktop.DBus.Properties"
#define FERRY_OBJECT_MANAGER_INTERFACE "org.freedesktop.DBus.ObjectManager"

G_END_DECLS
