/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-policy-dconf.h"

#include "ferry-names.h"
#include "ferry-policy-keys.h"
#include "ferry-policy-profile.h"

#include <client/dconf-client.h>
#include <common/dconf-paths.h>

/* Anyone on the bus can forge dconf's signal. */
#define READ_INTERVAL_MS 1000

struct _FerryPolicyDconf
{
  FerryPolicyDconfFunc changed;
  gpointer user_data;  /* (unowned) */
  DConfClient *client; /* (owned) (nullable): %NULL without a readable profile */
  char *profile_text;  /* (owned) (nullable): of the profile that @client has read */
  gint64 last_read;    /* monotonic µs */
  guint timeout;       /* source, 0 = none */
};

void
ferry_policy_snapshot_free (FerryPolicySnapshot *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->unknown);
  g_ptr_array_unref (self->problems);
  g_free (self);
}

static gboolean
timeout_cb (gpointer data)
{
  FerryPolicyDconf *self = data;

  self->timeout = 0;
  self->changed (self->user_data);
  return G_SOURCE_REMOVE;
}

static void
client_changed_cb (FerryPolicyDconf *self)
{
  gint64 passed = (g_get_monotonic_time () - self->last_read) / 1000;

  if (self->timeout == 0)
    self->timeout = g_timeout_add ((guint) CLAMP (READ_INTERVAL_MS - passed, 0, READ_INTERVAL_MS),
                                   timeout_cb, self);
}

static void
drop_client (FerryPolicyDconf *self)
{
  if (self->client != NULL)
    g_signal_handlers_disconnect_by_data (self->client, self);
  g_clear_object (&self->client);
  g_clear_pointer (&self->profile_text, g_free);
}

/* libdconf reads the profile once for each client. */
static void
take_profile (FerryPolicyDconf *self, char *text)
{
  if (self->client != NULL && g_strcmp0 (self->profile_text, text) == 0)
    {
      g_free (text);
      return;
    }

  drop_client (self);
  self->profile_text = text;
  self->client = dconf_client_new ();
  /* "writability-changed" is always followed by "changed". */
  g_signal_connect_swapped (self->client, "changed", G_CALLBACK (client_changed_cb), self);
  /* It waits for the bus: what changes after the values were read is heard of. */
  dconf_client_watch_sync (self->client, FERRY_POLICY_PATH);
}

FerryPolicyDconf *
ferry_policy_dconf_new (FerryPolicyDconfFunc changed, gpointer user_data)
{
  FerryPolicyDconf *self = g_new0 (FerryPolicyDconf, 1);

  self->changed = changed;
  self->user_data = user_data;
  return self;
}

void
ferry_policy_dconf_free (FerryPolicyDconf *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->timeout, g_source_remove);
  drop_client (self);
  g_free (self);
}

static void
read_key (FerryPolicyDconf *self, FerryPolicySnapshot *snapshot, FerryPolicyKey key)
{
  FerryPolicyReading *reading = &snapshot->readings[key];
  g_autofree char *path = g_strconcat (FERRY_POLICY_PATH, ferry_policy_key_to_string (key), NULL);
  g_autoptr (GVariant) value = dconf_client_read (self->client, path);
  g_autoptr (GError) error = NULL;

  /* The user database of the profile is ours and empty: not writable means locked. */
  reading->locked = !dconf_client_is_writable (self->client, path);
  reading->set = value != NULL;
  reading->valid = value == NULL || ferry_policy_key_parse (key, value, &reading->value, &error);
  if (!reading->valid)
    g_ptr_array_add (snapshot->problems, g_strdup_printf ("In dconf, %s", error->message));
}

static void
read_unknown (FerryPolicyDconf *self, FerryPolicySnapshot *snapshot)
{
  g_auto (GStrv) names = dconf_client_list (self->client, FERRY_POLICY_PATH, NULL);
  FerryPolicyKey key;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = NULL;
      GVariant *value;

      if (ferry_policy_key_from_string (names[i], &key))
        continue;

      path = g_strconcat (FERRY_POLICY_PATH, names[i], NULL);
      g_ptr_array_add (snapshot->problems,
                       g_strdup_printf ("In dconf, %s is no policy of Ferry", path));
      value = dconf_is_key (path, NULL) ? dconf_client_read (self->client, path) : NULL;
      if (value != NULL)
        g_hash_table_insert (snapshot->unknown, g_strdup (names[i]), value);
    }
}

FerryPolicySnapshot *
ferry_policy_dconf_read (FerryPolicyDconf *self)
{
  FerryPolicySnapshot *snapshot = g_new0 (FerryPolicySnapshot, 1);
  const char *profile = g_getenv ("DCONF_PROFILE");
  char *text = NULL;
  /* Without ferry_policy_prepare_environment() there is no dconf. */
  char *problem = profile != NULL ? ferry_policy_profile_read (profile, &text) : NULL;

  self->last_read = g_get_monotonic_time ();
  snapshot->unknown = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                             (GDestroyNotify) g_variant_unref);
  snapshot->problems = g_ptr_array_new_with_free_func (g_free);
  snapshot->readable = problem == NULL;
  if (problem != NULL)
    g_ptr_array_add (snapshot->problems, problem);

  /* With a bad profile too: only a client hears when it is made good. */
  if (text == NULL)
    drop_client (self);
  else
    take_profile (self, text);

  for (guint key = 0; key < FERRY_N_POLICY_KEYS && snapshot->readable; key++)
    {
      if (self->client != NULL)
        read_key (self, snapshot, key);
      else
        snapshot->readings[key].valid = TRUE;
    }
  if (self->client != NULL && snapshot->readable)
    read_unknown (self, snapshot);
  return snapshot;
}
