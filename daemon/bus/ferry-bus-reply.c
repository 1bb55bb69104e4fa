/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reply of an upload-reply: GetReplyData, and Set of ReplyPath, which asks the owner's worker. */

#include "ferry-bus-private.h"

#include "ferry-options.h"
#include "ferry-property.h"

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerryCall *call = user_data;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = ferry_engine_read_reply_finish (FERRY_ENGINE (source), result, &error);

  if (bytes == NULL)
    ferry_call_return_error (call, error);
  else
    ferry_call_return (call,
                       g_variant_new ("(@ay)", g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING,
                                                                         bytes, TRUE)));
}

static void
handle_get_reply_data (FerryBus *self, FerryCall *call, FerryJob *job)
{
  ferry_engine_read_reply_async (self->engine, job, on_read, call);
}

static void
on_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerryCall *call = user_data;
  GError *error = NULL;

  if (!ferry_engine_set_reply_path_finish (FERRY_ENGINE (source), result, &error))
    ferry_call_return_error (call, error);
  else
    ferry_call_return (call, NULL);
}

void
ferry_bus_set_reply_path (FerryBus *self, FerryCall *call, FerryJob *job, GVariant *value)
{
  GError *error = NULL;
  g_autoptr (GVariant) text = ferry_options_convert ("ReplyPath", value, "s", &error);
  const char *path = text != NULL ? g_variant_get_string (text, NULL) : NULL;

  if (path == NULL || !ferry_property_check_reply_path (job, path, &error))
    ferry_call_return_error (call, error);
  else
    ferry_engine_set_reply_path_async (self->engine, job, path, call->pid, on_set, call);
}

const FerryBusMethod ferry_bus_reply_methods[] = {
  { FERRY_JOB_INTERFACE, "GetReplyData", handle_get_reply_data },
  { NULL, NULL, NULL },
};
