/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-client.h"

#include "ferry-error.h"
#include "ferry-names.h"
#include "ferry-text.h"

#include <unistd.h>

/* Long enough for a file system that hangs (ferryd answers after 10 s) on a busy machine. */
#define CALL_TIMEOUT_MS 60000

/* Long enough for a person to find an administrator's password. */
#define INTERACTIVE_TIMEOUT_MS 600000

FerryClient *
ferry_client_new (GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &local_error);
  FerryClient *self;

  if (bus == NULL)
    {
      g_autofree char *why = ferry_text_clean (local_error->message, FERRY_TEXT_MAX);

      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_SERVER,
                   "there is no system bus to reach the Ferry service by (%s); start dbus, or set "
                   "DBUS_SYSTEM_BUS_ADDRESS",
                   why);
      return NULL;
    }

  /* The default is to die by a signal without a word. */
  g_dbus_connection_set_exit_on_close (bus, FALSE);
  /* The errors of our domain keep their codes when they come back. */
  (void) FERRY_ERROR;

  self = g_new0 (FerryClient, 1);
  self->bus = g_steal_pointer (&bus);
  self->timeout = CALL_TIMEOUT_MS;
  if (isatty (STDIN_FILENO))
    {
      self->flags = G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION;
      self->timeout = INTERACTIVE_TIMEOUT_MS;
    }

  return self;
}

void
ferry_client_free (FerryClient *self)
{
  g_clear_object (&self->bus);
  g_free (self);
}

GVariant *
ferry_client_call (FerryClient *self, const char *path, const char *interface, const char *method,
                   GVariant *arguments, const char *reply_type, GError **error)
{
  g_autoptr (GVariantType) type = reply_type != NULL ? g_variant_type_new (reply_type) : NULL;
  GVariant *reply = g_dbus_connection_call_sync (self->bus, FERRY_BUS_NAME, path, interface, method,
                                                 arguments, type, self->flags, self->timeout, NULL,
                                                 error);

  self->reached |= reply != NULL;
  return reply;
}

void
ferry_client_call_async (FerryClient *self, const char *path, const char *interface,
                         const char *method, GVariant *arguments, const char *reply_type,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GVariantType) type = reply_type != NULL ? g_variant_type_new (reply_type) : NULL;

  g_dbus_connection_call (self->bus, FERRY_BUS_NAME, path, interface, method, arguments, type,
                          self->flags, self->timeout, cancellable, callback, user_data);
}

GVariant *
ferry_client_call_manager (FerryClient *self, const char *method, GVariant *arguments,
                           const char *reply_type, GError **error)
{
  return ferry_client_call (self, FERRY_ROOT_PATH, FERRY_MANAGER_INTERFACE, method, arguments,
                            reply_type, error);
}

GVariant *
ferry_client_call_job (FerryClient *self, const char *path, const char *method, GVariant *arguments,
                       const char *reply_type, GError **error)
{
  return ferry_client_call (self, path, FERRY_JOB_INTERFACE, method, arguments, reply_type, error);
}

gboolean
ferry_client_set_property (FerryClient *self, const char *path, const char *name, GVariant *value,
                           GError **error)
{
  g_autoptr (GVariant)
      reply = ferry_client_call (self, path, FERRY_PROPERTIES_INTERFACE, "Set",
                                 g_variant_new ("(ssv)", FERRY_JOB_INTERFACE, name, value), "()",
                                 error);

  return reply != NULL;
}
