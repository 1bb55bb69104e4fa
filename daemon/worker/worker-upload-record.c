/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-upload-record.h"

#include "ferry-worker-protocol.h"

#include <stddef.h>

/* One row for each key, so that none is written that is not read. */
typedef struct
{
  const char *key;
  const char *type;
  gsize field;
} Row;

#define ROW(key, type, field)                                                                      \
  {                                                                                                \
    key, type, offsetof (WorkerUploadRecord, field)                                                \
  }

static const Row rows[] = {
  ROW (FERRY_RESUME_SESSION, "b", session),
  ROW ("Id", "s", id),
  ROW ("Total", "t", total),
  ROW ("Offset", "t", offset),
  ROW ("HighWater", "t", high_water),
  ROW ("Sent", "t", sent),
  ROW ("Fragment", "u", fragment),
  ROW ("FragmentMax", "u", fragment_max),
  ROW ("Restarts", "u", restarts),
  ROW ("Silent", "u", silent),
  ROW ("Expires", "x", expires),
  ROW ("Host", "s", host),
  ROW ("HostTime", "u", host_time),
  ROW ("HostFailed", "x", host_failed),
  ROW ("LastStart", "t", last_start),
  ROW ("ReplyUrl", "s", reply_url),
  ROW ("Closing", "b", closing),
  ROW ("Suspicious", "b", suspicious),
};

void
worker_upload_record_load (WorkerUploadRecord *self, GVariant *resume)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (resume);
  const char *protocol = NULL;

  *self = (WorkerUploadRecord){ .protocol = FERRY_UPLOAD_PROTOCOL_AUTO };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_variant_dict_lookup (&dict, rows[i].key, rows[i].type,
                           G_STRUCT_MEMBER_P (self, rows[i].field));
  g_variant_dict_lookup (&dict, "Protocol", "&s", &protocol);
  ferry_upload_protocol_from_string (protocol, &self->protocol);
}

void
worker_upload_record_save (const WorkerUploadRecord *self, GVariantDict *dict)
{
  if (self->protocol != FERRY_UPLOAD_PROTOCOL_AUTO)
    g_variant_dict_insert (dict, "Protocol", "s", ferry_upload_protocol_to_string (self->protocol));

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      gconstpointer field = G_STRUCT_MEMBER_P (self, rows[i].field);
      GVariant *value = NULL;

      switch (*rows[i].type)
        {
        case 'b':
          value = *(const gboolean *) field ? g_variant_new_boolean (TRUE) : NULL;
          break;
        case 'u':
          value = *(const guint32 *) field != 0 ? g_variant_new_uint32 (*(const guint32 *) field)
                                                : NULL;
          break;
        case 't':
          value = *(const guint64 *) field != 0 ? g_variant_new_uint64 (*(const guint64 *) field)
                                                : NULL;
          break;
        case 'x':
          value = *(const gint64 *) field != 0 ? g_variant_new_int64 (*(const gint64 *) field)
                                               : NULL;
          break;
        case 's':
          value = *(char *const *) field != NULL ? g_variant_new_string (*(char *const *) field)
                                                 : NULL;
          break;
        default:
          g_assert_not_reached ();
        }
      if (value != NULL)
        g_variant_dict_insert_value (dict, rows[i].key, value);
    }
}

void
worker_upload_record_clear (WorkerUploadRecord *self)
{
  g_clear_pointer (&self->id, g_free);
  g_clear_pointer (&self->host, g_free);
  g_clear_pointer (&self->reply_url, g_free);
}

void
worker_upload_record_drop_session (WorkerUploadRecord *self)
{
  worker_upload_record_clear (self);
  self->session = FALSE;
  self->offset = 0;
  self->sent = 0;
  self->silent = 0;
  self->expires = 0;
  self->host_time = 0;
  self->host_failed = 0;
  self->last_start = 0;
  self->closing = FALSE;
}

gboolean
worker_upload_record_acknowledge (WorkerUploadRecord *self, guint64 offset)
{
  self->offset = offset;
  if (offset <= self->high_water)
    return FALSE;

  self->high_water = offset;
  self->restarts = 0;
  self->suspicious = FALSE;
  return TRUE;
}

GVariant *
worker_upload_record_strip (GVariant *resume)
{
  g_auto (GVariantDict) kept = G_VARIANT_DICT_INIT (NULL);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  if (resume != NULL)
    {
      g_variant_iter_init (&iter, resume);
      while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
        if (g_str_has_prefix (key, "Directory") || g_str_equal (key, FERRY_RESUME_NO_SYMLINKS))
          g_variant_dict_insert_value (&kept, key, value);
    }
  return g_variant_ref_sink (g_variant_dict_end (&kept));
}
