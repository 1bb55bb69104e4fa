/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GetStatus: what the service alone knows of how it gets on. */

#include "ferry-bus-private.h"

#include "ferry-config.h"
#include "ferry-text.h"

#include <sys/statvfs.h>

/* Returns: bytes, FERRY_SIZE_UNKNOWN */
static guint64
get_space (const char *directory)
{
  struct statvfs info;

  if (statvfs (directory, &info) != 0)
    return FERRY_SIZE_UNKNOWN;
  return (guint64) info.f_bavail * info.f_frsize;
}

static void
add_text (GVariantDict *dict, const char *key, const char *text)
{
  g_autofree char *clean = ferry_text_clean (text, FERRY_TEXT_MAX);

  g_variant_dict_insert (dict, key, "s", clean);
}

static void
handle_get_status (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  FerryWorkers *workers = ferry_engine_get_workers (self->engine);
  const char *directory = ferry_store_get_directory (self->store);
  const char *store_problem = ferry_store_get_problem (self->store);
  const char *failure = ferry_workers_get_failure (workers, call->uid);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Version", "s", FERRY_VERSION);
  add_text (&dict, "Launcher", ferry_launcher_get_name (ferry_workers_get_launcher (workers)));
  g_variant_dict_insert (&dict, "NetworkAvailable", "b",
                         ferry_network_is_available (ferry_engine_get_network (self->engine)));
  add_text (&dict, "StateDirectory", directory);
  g_variant_dict_insert (&dict, "StateSpace", "t", get_space (directory));
  add_text (&dict, "StoreError", store_problem != NULL ? store_problem : "");
  add_text (&dict, "WorkerError", failure != NULL ? failure : "");
  ferry_call_return (call, g_variant_new ("(@a{sv})", g_variant_dict_end (&dict)));
}

const FerryBusMethod ferry_bus_status_methods[] = {
  { FERRY_MANAGER_INTERFACE, "GetStatus", handle_get_status },
  { NULL, NULL, NULL },
};
