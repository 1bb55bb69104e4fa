/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.freedesktop.DBus.ObjectManager of the root object: the caller's own jobs. */

#include "ferry-bus-private.h"

#include "ferry-property.h"

static void
handle_get_managed_objects (FerryBus *self, FerryCall *call, FerryJob *unused)
{
  g_autoptr (GPtrArray) jobs = ferry_queue_list (self->queue, call->uid);
  GVariantBuilder builder;

  ferry_bus_notify_subscribe_all (self->notify, call->sender, call->uid);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{oa{sa{sv}}}"));
  for (guint i = 0; i < jobs->len; i++)
    {
      FerryJob *job = jobs->pdata[i];
      g_autofree char *path = g_strconcat (FERRY_JOBS_PATH "/", job->id, NULL);

      g_variant_builder_open (&builder, G_VARIANT_TYPE ("{oa{sa{sv}}}"));
      g_variant_builder_add (&builder, "o", path);
      g_variant_builder_open (&builder, G_VARIANT_TYPE ("a{sa{sv}}"));
      g_variant_builder_add (&builder, "{s@a{sv}}", FERRY_JOB_INTERFACE,
                             ferry_property_get_all (self->engine, job, FALSE));
      g_variant_builder_close (&builder);
      g_variant_builder_close (&builder);
    }

  ferry_call_return_after_commit (call, self->store, g_variant_new ("(a{oa{sa{sv}}})", &builder));
}

const FerryBusMethod ferry_bus_objects_methods[] = {
  { FERRY_OBJECT_MANAGER_INTERFACE, "GetManagedObjects", handle_get_managed_objects },
  { NULL, NULL, NULL },
};
