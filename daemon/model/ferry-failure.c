/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-failure.h"

#include "ferry-text.h"

FerryFailure *
ferry_failure_new (FerryError code, FerryErrorContext context, gint64 file, guint http_status,
                   const char *message)
{
  FerryFailure *self = g_new0 (FerryFailure, 1);

  self->code = code;
  self->context = context;
  self->file = file;
  self->http_status = http_status;
  self->message = ferry_text_clean (message, FERRY_TEXT_MAX);
  return self;
}

FerryFailure *
ferry_failure_copy (const FerryFailure *self)
{
  if (self == NULL)
    return NULL;
  return ferry_failure_new (self->code, self->context, self->file, self->http_status,
                            self->message);
}

void
ferry_failure_free (FerryFailure *self)
{
  if (self == NULL)
    return;
  g_free (self->message);
  g_free (self);
}

FerryFailure *
ferry_failure_from_variant (GVariant *dict, gint64 file)
{
  const char *name = NULL;
  const char *context_word = NULL;
  const char *message = "";
  FerryErrorContext context = FERRY_ERROR_CONTEXT_GENERAL;
  guint32 index;
  guint32 status = 0;
  FerryError code;

  if (!g_variant_lookup (dict, "Name", "&s", &name) || !ferry_error_from_name (name, &code))
    return NULL;

  if (g_variant_lookup (dict, "Context", "&s", &context_word))
    ferry_error_context_from_string (context_word, &context);
  g_variant_lookup (dict, "Message", "&s", &message);
  g_variant_lookup (dict, "HttpStatus", "u", &status);
  if (file < 0 && g_variant_lookup (dict, "File", "u", &index))
    file = index;

  return ferry_failure_new (code, context, file, status, message);
}

GVariant *
ferry_failure_to_variant (const FerryFailure *self, gboolean with_message)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  if (self != NULL)
    {
      g_variant_dict_insert (&dict, "Name", "s", ferry_error_get_name (self->code));
      g_variant_dict_insert (&dict, "Context", "s", ferry_error_context_to_string (self->context));
      if (with_message)
        g_variant_dict_insert (&dict, "Message", "s", self->message);
      if (self->file >= 0)
        g_variant_dict_insert (&dict, "File", "u", (guint32) self->file);
      if (self->http_status != 0)
        g_variant_dict_insert (&dict, "HttpStatus", "u", (guint32) self->http_status);
    }

  return g_variant_dict_end (&dict);
}
