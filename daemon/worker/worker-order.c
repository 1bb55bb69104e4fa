/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-order.h"

#include "ferry-text.h"
#include "ferry-worker-protocol.h"

static guint64
lookup_size (GVariantDict *dict, const char *key)
{
  guint64 value = FERRY_SIZE_UNKNOWN;

  g_variant_dict_lookup (dict, key, "t", &value);
  return value;
}

static void
read_upload (WorkerOrder *self, GVariantDict *dict)
{
  g_autofree char *protocol = NULL;

  g_variant_dict_lookup (dict, "Protocol", "s", &protocol);
  ferry_upload_protocol_from_string (protocol, &self->protocol);
  g_variant_dict_lookup (dict, "Reply", "b", &self->wants_reply);
  self->require_resumable_above = lookup_size (dict, "RequireResumableAbove");
}

static void
read_reply (WorkerOrder *self, GVariantDict *dict)
{
  g_autoptr (GVariant)
      upload = g_variant_dict_lookup_value (dict, "Upload", G_VARIANT_TYPE_VARDICT);

  if (upload == NULL)
    return;
  g_variant_lookup (upload, "Url", "s", &self->upload_url);
  self->upload_resume = g_variant_lookup_value (upload, "Resume", G_VARIANT_TYPE_VARDICT);
}

static void
read_resume (WorkerOrder *self, GVariantDict *dict)
{
  self->resume = g_variant_dict_lookup_value (dict, "Resume", G_VARIANT_TYPE_VARDICT);
  if (self->resume == NULL)
    self->resume = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
}

/* How to ask a server, and with which headers. */
static void
read_connection (WorkerOrder *self, GVariantDict *dict)
{
  g_autofree char *redirect_policy = NULL;

  g_variant_dict_lookup (dict, "Headers", "^as", &self->headers);
  g_variant_dict_lookup (dict, "SecretHeaders", "^as", &self->secret_headers);
  worker_trust_load (&self->trust, dict);
  worker_login_load (&self->login, dict);
  g_variant_dict_lookup (dict, "RedirectPolicy", "s", &redirect_policy);
  ferry_redirect_policy_from_string (redirect_policy, &self->redirect_policy);
  g_variant_dict_lookup (dict, "ProxyUsage", "s", &self->proxy_usage);
  g_variant_dict_lookup (dict, "ProxyUri", "s", &self->proxy_uri);
  g_variant_dict_lookup (dict, "ProxyBypass", "^as", &self->proxy_bypass);
}

WorkerOrder *
worker_order_new_cancel (GVariant *arguments)
{
  g_autoptr (WorkerOrder) self = g_new0 (WorkerOrder, 1);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (arguments);

  self->upload = TRUE;
  read_resume (self, &dict);
  read_connection (self, &dict);
  return g_variant_dict_lookup (&dict, "Url", "s", &self->url) ? g_steal_pointer (&self) : NULL;
}

WorkerOrder *
worker_order_new (GVariant *arguments, gboolean upload)
{
  g_autoptr (WorkerOrder) self = g_new0 (WorkerOrder, 1);
  /* Looking for so many keys one by one takes longer than sorting them. */
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (arguments);
  guint32 mode;

  self->upload = upload;
  g_variant_dict_lookup (&dict, "Attempt", "t", &self->attempt);
  g_variant_dict_lookup (&dict, "Job", "s", &self->job);
  g_variant_dict_lookup (&dict, "File", "u", &self->file);
  g_variant_dict_lookup (&dict, "Url", "s", &self->url);
  g_variant_dict_lookup (&dict, "Method", "s", &self->method);
  g_variant_dict_lookup (&dict, "Path", "s", &self->path);
  g_variant_dict_lookup (&dict, "TemporaryName", "s", &self->temporary_name);
  if (self->attempt == 0 || self->job == NULL || self->url == NULL || self->path == NULL ||
      (self->temporary_name == NULL && !upload))
    return NULL;

  read_resume (self, &dict);
  self->ranges = g_variant_dict_lookup_value (&dict, "Ranges", G_VARIANT_TYPE ("a(tt)"));
  g_variant_dict_lookup (&dict, "Digest", "s", &self->digest);
  if (self->digest != NULL && *self->digest == '\0')
    g_clear_pointer (&self->digest, g_free);
  self->size = lookup_size (&dict, "Size");
  self->maximum_size = lookup_size (&dict, "MaximumSize");
  read_upload (self, &dict);
  read_reply (self, &dict);
  self->final_mode = g_variant_dict_lookup (&dict, "FinalMode", "u", &mode) ? (gint64) mode : -1;
  read_connection (self, &dict);
  return g_steal_pointer (&self);
}

void
worker_order_free (WorkerOrder *self)
{
  if (self == NULL)
    return;

  g_free (self->job);
  g_free (self->url);
  g_free (self->method);
  g_free (self->path);
  g_free (self->temporary_name);
  g_clear_pointer (&self->resume, g_variant_unref);
  g_clear_pointer (&self->ranges, g_variant_unref);
  g_free (self->digest);
  g_free (self->upload_url);
  g_clear_pointer (&self->upload_resume, g_variant_unref);
  g_strfreev (self->headers);
  ferry_text_wipe_all (self->secret_headers);
  worker_trust_clear (&self->trust);
  worker_login_clear (&self->login);
  g_free (self->proxy_usage);
  g_free (self->proxy_uri);
  g_strfreev (self->proxy_bypass);
  g_free (self);
}

void
worker_memory_load (WorkerMemory *self, GVariant *resume)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (resume);

  *self = (WorkerMemory){ 0 };
  self->total = lookup_size (&dict, "Total");
  g_variant_dict_lookup (&dict, "Validator", "s", &self->validator.text);
  if (self->validator.text != NULL)
    {
      g_variant_dict_lookup (&dict, "ValidatorStrong", "b", &self->validator.strong);
      g_variant_dict_lookup (&dict, "ValidatorIsDate", "b", &self->validator.is_date);
    }
  g_variant_dict_lookup (&dict, "Restarts", "u", &self->restarts);
  g_variant_dict_lookup (&dict, "HighWater", "t", &self->high_water);
  g_variant_dict_lookup (&dict, "Afresh", "b", &self->afresh);
  g_variant_dict_lookup (&dict, "Foreign", "b", &self->foreign);
}

void
worker_memory_save (const WorkerMemory *self, GVariantDict *dict)
{
  if (self->total != FERRY_SIZE_UNKNOWN)
    g_variant_dict_insert (dict, "Total", "t", self->total);
  if (self->validator.text != NULL)
    {
      g_variant_dict_insert (dict, "Validator", "s", self->validator.text);
      g_variant_dict_insert (dict, "ValidatorStrong", "b", self->validator.strong);
      g_variant_dict_insert (dict, "ValidatorIsDate", "b", self->validator.is_date);
    }
  if (self->restarts > 0)
    g_variant_dict_insert (dict, "Restarts", "u", self->restarts);
  g_variant_dict_insert (dict, "HighWater", "t", self->high_water);
  if (self->afresh)
    g_variant_dict_insert (dict, "Afresh", "b", TRUE);
  if (self->foreign)
    g_variant_dict_insert (dict, "Foreign", "b", TRUE);
}

void
worker_memory_drop_bytes (WorkerMemory *self)
{
  self->total = FERRY_SIZE_UNKNOWN;
  worker_validator_clear (&self->validator);
}

void
worker_memory_clear (WorkerMemory *self)
{
  worker_validator_clear (&self->validator);
}
