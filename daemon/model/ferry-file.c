/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-file.h"

#include "ferry-worker-protocol.h"

FerryFile *
ferry_file_new (const char *remote_url, const char *local_path)
{
  FerryFile *self = g_new0 (FerryFile, 1);

  self->remote_url = g_strdup (remote_url);
  self->local_path = g_strdup (local_path);
  self->expected_size = FERRY_SIZE_UNKNOWN;
  self->bytes_total = FERRY_SIZE_UNKNOWN;
  self->mode = 0644;
  self->state = FERRY_FILE_STATE_PENDING;
  return self;
}

void
ferry_file_free (FerryFile *self)
{
  if (self == NULL)
    return;
  g_free (self->remote_url);
  g_free (self->local_path);
  g_clear_pointer (&self->ranges, g_array_unref);
  g_free (self->digest);
  g_free (self->validator);
  g_strfreev (self->response_headers);
  ferry_failure_free (self->error);
  g_clear_pointer (&self->resume, g_variant_unref);
  g_free (self);
}

char *
ferry_file_get_temporary_name (const FerryFile *self, const char *job_id)
{
  if (self->generation == 0)
    return g_strdup_printf (".ferry-%s-%u.part", job_id, self->index);
  return g_strdup_printf (".ferry-%s-%u.%u.part", job_id, self->index, self->generation);
}

char *
ferry_file_get_temporary_path (const FerryFile *self, const char *job_id)
{
  g_autofree char *directory = g_path_get_dirname (self->local_path);
  g_autofree char *name = ferry_file_get_temporary_name (self, job_id);

  return g_build_filename (directory, name, NULL);
}

gboolean
ferry_file_is_reply (const FerryFile *self)
{
  return self->index == FERRY_REPLY_INDEX;
}

gint64
ferry_file_get_shown_index (const FerryFile *self)
{
  return ferry_file_is_reply (self) ? -1 : (gint64) self->index;
}

static gboolean
get_flag (const FerryFile *self, const char *key)
{
  gboolean flag = FALSE;

  if (self->resume != NULL)
    g_variant_lookup (self->resume, key, "b", &flag);
  return flag;
}

gboolean
ferry_file_has_session (const FerryFile *self)
{
  return get_flag (self, FERRY_RESUME_SESSION);
}

void
ferry_file_set_resume (FerryFile *self, GVariant *resume)
{
  gboolean no_symlinks = get_flag (self, FERRY_RESUME_NO_SYMLINKS);
  gboolean says_so = FALSE;
  GVariantDict dict;

  g_clear_pointer (&self->resume, g_variant_unref);
  g_variant_lookup (resume, FERRY_RESUME_NO_SYMLINKS, "b", &says_so);
  if (!no_symlinks || says_so)
    {
      /* A copy of its own: the message it came in may be large. */
      self->resume = g_variant_get_normal_form (resume);
      return;
    }

  g_variant_dict_init (&dict, resume);
  g_variant_dict_insert (&dict, FERRY_RESUME_NO_SYMLINKS, "b", TRUE);
  self->resume = g_variant_ref_sink (g_variant_dict_end (&dict));
  /* Serialised it refers to the message no more. */
  g_variant_get_data (self->resume);
}

/* But for what is true of the path, and of what the server was asked, whatever becomes of the bytes. */
static void
drop_resume (FerryFile *self)
{
  static const char *const kept[] = { FERRY_RESUME_NO_SYMLINKS, FERRY_RESUME_ASKED };
  gboolean any = FALSE;
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    if (get_flag (self, kept[i]))
      {
        g_variant_dict_insert (&dict, kept[i], "b", TRUE);
        any = TRUE;
      }

  g_clear_pointer (&self->resume, g_variant_unref);
  if (any)
    self->resume = g_variant_ref_sink (g_variant_dict_end (&dict));
  else
    g_variant_dict_clear (&dict);
}

gboolean
ferry_file_was_asked (const FerryFile *self)
{
  return get_flag (self, FERRY_RESUME_ASKED);
}

gboolean
ferry_file_forget_asked (FerryFile *self)
{
  GVariantDict dict;

  if (!ferry_file_was_asked (self))
    return FALSE;
  g_variant_dict_init (&dict, self->resume);
  g_variant_dict_remove (&dict, FERRY_RESUME_ASKED);
  g_variant_unref (self->resume);
  self->resume = g_variant_ref_sink (g_variant_dict_end (&dict));
  return TRUE;
}

void
ferry_file_fail (FerryFile *self, FerryFailure *failure)
{
  self->state = FERRY_FILE_STATE_FAILED;
  ferry_failure_free (self->error);
  self->error = failure;
}

void
ferry_file_reset (FerryFile *self)
{
  self->state = FERRY_FILE_STATE_PENDING;
  /* A source is as large as it is, wherever it goes. */
  if (!self->is_source)
    self->bytes_total = self->expected_size;
  self->bytes_transferred = 0;
  g_clear_pointer (&self->validator, g_free);
  drop_resume (self);
}

gboolean
ferry_file_is_whole (const FerryFile *self)
{
  return self->state == FERRY_FILE_STATE_TRANSFERRED || self->state == FERRY_FILE_STATE_PUBLISHED;
}

GVariant *
ferry_file_get_ranges (const FerryFile *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(tt)"));
  for (guint i = 0; self->ranges != NULL && i < self->ranges->len; i++)
    {
      const FerryRange *range = &g_array_index (self->ranges, FerryRange, i);

      g_variant_builder_add (&builder, "(tt)", range->offset, range->length);
    }

  return g_variant_builder_end (&builder);
}

GVariant *
ferry_file_to_variant (const FerryFile *self, const char *job_id)
{
  static const char *const no_headers[] = { NULL };
  const char *const *headers = (const char *const *) self->response_headers;
  g_autofree char *temporary = ferry_file_get_temporary_path (self, job_id);
  gboolean has_none = self->is_source || self->state == FERRY_FILE_STATE_PUBLISHED;
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Index", "u", self->index);
  g_variant_dict_insert (&dict, "RemoteUrl", "s", self->remote_url);
  g_variant_dict_insert (&dict, "LocalPath", "s", self->local_path);
  g_variant_dict_insert (&dict, "TemporaryPath", "s", has_none ? "" : temporary);
  g_variant_dict_insert (&dict, "State", "s", ferry_file_state_to_string (self->state));
  g_variant_dict_insert (&dict, "BytesTotal", "t", self->bytes_total);
  g_variant_dict_insert (&dict, "BytesTransferred", "t", self->bytes_transferred);
  g_variant_dict_insert_value (&dict, "Ranges", ferry_file_get_ranges (self));
  g_variant_dict_insert (&dict, "Digest", "s", self->digest != NULL ? self->digest : "");
  g_variant_dict_insert (&dict, "Validator", "s", self->validator != NULL ? self->validator : "");
  g_variant_dict_insert (&dict, "HttpStatus", "u", (guint32) self->http_status);
  g_variant_dict_insert (&dict, "ResponseHeaders", "^as", headers != NULL ? headers : no_headers);
  g_variant_dict_insert (&dict, "Restarts", "u", (guint32) self->restarts);
  g_variant_dict_insert_value (&dict, "Error", ferry_failure_to_variant (self->error, TRUE));
  return g_variant_dict_end (&dict);
}
