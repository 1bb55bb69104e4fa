/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-policy-keys.h"

#include "ferry-enums.h"

/* How deep a value may be boxed; more is mischief. */
#define BOXES_MAX 8

static const char *
get_tls_flag (guint bit)
{
  return ferry_tls_flag_to_string (bit);
}

static const FerryPolicyKeyInfo infos[] = {
  [FERRY_POLICY_MAX_JOBS_PER_USER] = {
    "max-jobs-per-user", 60, 1, 1000000, "jobs",
    "Jobs that a user may have",
    "A user who has this many jobs that are not yet completed or cancelled cannot create another "
    "one; suspended and transferred jobs count. Who is authorized for "
    "org.ferry.transfer1.exceed-limits is not held by it.",
  },
  [FERRY_POLICY_MAX_JOBS_PER_MACHINE] = {
    "max-jobs-per-machine", 300, 1, 1000000, "jobs",
    "Jobs that all users together may have",
    "When all users together have this many jobs that are not yet completed or cancelled, nobody "
    "can create another one; suspended and transferred jobs count. Who is authorized for "
    "org.ferry.transfer1.exceed-limits is not held by it.",
  },
  [FERRY_POLICY_MAX_FILES_PER_JOB] = {
    "max-files-per-job", 200, 1, 1000000, "files",
    "Files that a job may have",
    "A job that has this many files takes no more. Who is authorized for "
    "org.ferry.transfer1.exceed-limits is not held by it.",
  },
  [FERRY_POLICY_MAX_RANGES_PER_FILE] = {
    "max-ranges-per-file", 500, 1, 2000, "ranges",
    "Ranges that may be fetched of a file",
    "A file of a job may name this many ranges of bytes to fetch. Who is authorized for "
    "org.ferry.transfer1.exceed-limits is not held by it.",
  },
  [FERRY_POLICY_JOB_INACTIVITY_TIMEOUT] = {
    "job-inactivity-timeout", 90, 1, 999, "days",
    "Days after which an idle job is cancelled",
    "A job that made no progress and was not changed for this many days is cancelled, whatever "
    "its state, and what it has fetched but not handed over is removed.",
  },
  [FERRY_POLICY_MAX_DOWNLOAD_TIME] = {
    "max-download-time", 7776000, 1, 315360000, "seconds",
    "Time for which a job may download",
    "A download that was connecting or transferring for this many seconds in all fails. A job "
    "may set a shorter time of its own.",
  },
  [FERRY_POLICY_MAX_ACTIVE_JOBS] = {
    "max-active-jobs", 4, 1, 1000, "jobs",
    "Background jobs that transfer at a time",
    "This many jobs of priority high, normal and low transfer at the same time, those of all "
    "users together. Foreground jobs come on top.",
  },
  [FERRY_POLICY_FINISHED_JOB_RETENTION] = {
    "finished-job-retention", 86400, 0, 31536000, "seconds",
    "Time for which a finished job can still be read",
    "The owner of a completed or cancelled job can still read it for this many seconds; with 0 "
    "it is forgotten at once.",
  },
  [FERRY_POLICY_REQUIRE_RESUMABLE_UPLOADS_ABOVE] = {
    "require-resumable-uploads-above", G_MAXUINT64, 0, G_MAXUINT64, "bytes",
    "Size above which an upload must be resumable",
    "A file of more bytes than this is sent only in a way that can go on after a break: an upload "
    "that its server takes by a plain PUT alone fails with UploadNotSupported. With the largest "
    "value nothing is refused.",
  },
  [FERRY_POLICY_ALLOW_INSECURE_TLS] = {
    "allow-insecure-tls", 0, 0, (1u << FERRY_N_TLS_FLAGS) - 1, "",
    "What of a server's TLS a job may overlook",
    "A job's TlsFlags act only when they are in this list: ignore-unknown-ca, ignore-hostname, "
    "ignore-expiry, allow-https-to-http. Without any of them every server has to prove who it is.",
    get_tls_flag,
  },
};

G_STATIC_ASSERT (G_N_ELEMENTS (infos) == FERRY_N_POLICY_KEYS);

const FerryPolicyKeyInfo *
ferry_policy_key_get_info (FerryPolicyKey key)
{
  return &infos[key];
}

const char *
ferry_policy_key_to_string (FerryPolicyKey key)
{
  return infos[key].name;
}

gboolean
ferry_policy_key_from_string (const char *name, FerryPolicyKey *key)
{
  for (guint i = 0; i < G_N_ELEMENTS (infos); i++)
    {
      if (g_strcmp0 (name, infos[i].name) == 0)
        {
          *key = i;
          return TRUE;
        }
    }

  return FALSE;
}

static gboolean
get_signed (GVariant *value, gint64 *number)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT16))
    *number = g_variant_get_int16 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT32))
    *number = g_variant_get_int32 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    *number = g_variant_get_int64 (value);
  else
    return FALSE;
  return TRUE;
}

static gboolean
get_unsigned (GVariant *value, guint64 *number)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTE))
    *number = g_variant_get_byte (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT16))
    *number = g_variant_get_uint16 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    *number = g_variant_get_uint32 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    *number = g_variant_get_uint64 (value);
  else
    return FALSE;
  return TRUE;
}

static gboolean
get_number (GVariant *value, guint64 *number)
{
  gint64 with_sign;

  if (!get_signed (value, &with_sign))
    return get_unsigned (value, number);
  if (with_sign < 0)
    return FALSE;

  *number = (guint64) with_sign;
  return TRUE;
}

const GVariantType *
ferry_policy_key_get_value_type (FerryPolicyKey key)
{
  if (infos[key].word != NULL)
    return G_VARIANT_TYPE_STRING_ARRAY;
  return infos[key].maximum > G_MAXUINT32 ? G_VARIANT_TYPE_UINT64 : G_VARIANT_TYPE_UINT32;
}

/* Returns: (transfer floating): the words of the bits in @value */
static GVariant *
new_words (const FerryPolicyKeyInfo *info, guint64 value)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint bit = 0; info->word (bit) != NULL; bit++)
    {
      if (value & G_GUINT64_CONSTANT (1) << bit)
        g_variant_builder_add (&builder, "s", info->word (bit));
    }
  return g_variant_builder_end (&builder);
}

GVariant *
ferry_policy_key_get_choices (FerryPolicyKey key)
{
  const FerryPolicyKeyInfo *info = &infos[key];
  GVariantBuilder builder;

  if (info->word == NULL)
    return NULL;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint bit = 0; info->word (bit) != NULL; bit++)
    g_variant_builder_add (&builder, "v", g_variant_new_string (info->word (bit)));
  return g_variant_builder_end (&builder);
}

GVariant *
ferry_policy_key_new_value (FerryPolicyKey key, guint64 value)
{
  if (infos[key].word != NULL)
    return new_words (&infos[key], value);
  if (g_variant_type_equal (ferry_policy_key_get_value_type (key), G_VARIANT_TYPE_UINT64))
    return g_variant_new_uint64 (value);
  return g_variant_new_uint32 ((guint32) value);
}

static gboolean
get_bit (const FerryPolicyKeyInfo *info, const char *word, guint64 *bits)
{
  for (guint bit = 0; info->word (bit) != NULL; bit++)
    {
      if (g_str_equal (info->word (bit), word))
        {
          *bits |= G_GUINT64_CONSTANT (1) << bit;
          return TRUE;
        }
    }

  return FALSE;
}

/* Returns: whether @value is a list of words of @info; an empty one of any type is none of them */
static gboolean
get_words (const FerryPolicyKeyInfo *info, GVariant *value, guint64 *bits)
{
  g_autofree const char **words = NULL;

  *bits = 0;
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_ARRAY) && g_variant_n_children (value) == 0)
    return TRUE;
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    return FALSE;

  words = g_variant_get_strv (value, NULL);
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (!get_bit (info, words[i], bits))
        return FALSE;
    }
  return TRUE;
}

static char *
describe_wanted (const FerryPolicyKeyInfo *info)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (info->word == NULL)
    return g_strdup_printf ("an integer from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " (%s)",
                            info->minimum, info->maximum, info->unit);
  g_string_append (text, "a list of words:");
  for (guint bit = 0; info->word (bit) != NULL; bit++)
    g_string_append_printf (text, "%s %s", bit > 0 ? "," : "", info->word (bit));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
get_value (const FerryPolicyKeyInfo *info, GVariant *given, guint64 *value)
{
  if (info->word != NULL)
    return get_words (info, given, value);
  return get_number (given, value) && *value >= info->minimum && *value <= info->maximum;
}

gboolean
ferry_policy_key_parse (FerryPolicyKey key, GVariant *given, guint64 *value, GError **error)
{
  const FerryPolicyKeyInfo *info = &infos[key];
  g_autoptr (GVariant) inner = g_variant_ref (given);
  g_autofree char *text = NULL;
  g_autofree char *wanted = NULL;
  guint64 number;

  for (guint i = 0; i < BOXES_MAX && g_variant_is_of_type (inner, G_VARIANT_TYPE_VARIANT); i++)
    {
      GVariant *boxed = inner;

      inner = g_variant_get_variant (boxed);
      g_variant_unref (boxed);
    }

  if (get_value (info, inner, &number))
    {
      *value = number;
      return TRUE;
    }

  text = g_variant_print (inner, FALSE);
  if (g_utf8_strlen (text, -1) > 80)
    {
      g_free (text);
      text = g_strdup_printf ("a long value of type %s", g_variant_get_type_string (inner));
    }
  wanted = describe_wanted (info);
  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "%s was given as %s; it must be %s",
               info->name, text, wanted);
  return FALSE;
}
