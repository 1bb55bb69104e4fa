/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-reply.h"

#include "ferry-text.h"
#include "worker-sink.h"

GVariant *
worker_reply_new (void)
{
  return g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
}

GVariant *
worker_reply_new_error (const GError *error, gint64 index)
{
  WorkerFailure failure = worker_failure_from_error (error);

  return worker_reply_new_failure (&failure, error, index);
}

GVariant *
worker_reply_new_failure (const WorkerFailure *failure, const GError *error, gint64 index)
{
  g_auto (GVariantDict) reply = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *message = ferry_text_clean (error->message, FERRY_TEXT_MAX);

  g_variant_dict_insert (&dict, "Name", "s", ferry_error_get_name (failure->code));
  g_variant_dict_insert (&dict, "Context", "s", ferry_error_context_to_string (failure->context));
  g_variant_dict_insert (&dict, "Message", "s", message);
  g_variant_dict_insert_value (&reply, "Error", g_variant_dict_end (&dict));
  if (failure->transient)
    g_variant_dict_insert (&reply, "Transient", "b", TRUE);
  if (failure->wait_reason != NULL)
    g_variant_dict_insert (&reply, "WaitReason", "s", failure->wait_reason);
  if (index >= 0)
    g_variant_dict_insert (&reply, "Index", "u", (guint32) index);
  if (g_error_matches (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_LOST))
    g_variant_dict_insert (&reply, "Lost", "b", TRUE);
  return g_variant_ref_sink (g_variant_dict_end (&reply));
}
