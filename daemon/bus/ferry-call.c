/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-call.h"

struct _FerryCallCount
{
  grefcount ref_count;
  GHashTable *users; /* (owned) (element-type uint uint): uid -> calls in handling */
  guint total;
};

FerryCallCount *
ferry_call_count_new (void)
{
  FerryCallCount *self = g_new0 (FerryCallCount, 1);

  g_ref_count_init (&self->ref_count);
  self->users = g_hash_table_new (NULL, NULL);
  return self;
}

void
ferry_call_count_unref (FerryCallCount *self)
{
  if (!g_ref_count_dec (&self->ref_count))
    return;

  g_hash_table_unref (self->users);
  g_free (self);
}

guint
ferry_call_count_get (FerryCallCount *self)
{
  return self->total;
}

static void
count_user (FerryCallCount *self, uid_t uid, int step)
{
  gpointer key = GUINT_TO_POINTER (uid);
  guint calls = GPOINTER_TO_UINT (g_hash_table_lookup (self->users, key)) + step;

  if (calls > 0)
    g_hash_table_insert (self->users, key, GUINT_TO_POINTER (calls));
  else
    g_hash_table_remove (self->users, key);
}

FerryCall *
ferry_call_new (GDBusMethodInvocation *invocation, FerryCallCount *count, const char *job_id)
{
  FerryCall *self = g_new0 (FerryCall, 1);

  self->invocation = invocation;
  self->sender = g_dbus_method_invocation_get_sender (invocation);
  self->member = g_dbus_method_invocation_get_method_name (invocation);
  self->parameters = g_dbus_method_invocation_get_parameters (invocation);
  self->job_id = g_strdup (job_id);
  self->count = count;
  g_ref_count_inc (&count->ref_count);
  count->total++;
  return self;
}

static void
ferry_call_free (FerryCall *self)
{
  if (self->free_state != NULL && self->state != NULL)
    self->free_state (self->state);
  if (self->identified)
    count_user (self->count, self->uid, -1);
  self->count->total--;
  ferry_call_count_unref (self->count);
  g_free (self->job_id);
  g_free (self);
}

gboolean
ferry_call_identify (FerryCall *self, uid_t uid, pid_t pid, GError **error)
{
  guint calls = GPOINTER_TO_UINT (g_hash_table_lookup (self->count->users, GUINT_TO_POINTER (uid)));

  if (calls >= FERRY_CALLS_MAX_PER_USER)
    {
      g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_LIMITS_EXCEEDED,
                   "This user has %u calls without an answer; wait for one.", calls);
      return FALSE;
    }

  self->identified = TRUE;
  self->uid = uid;
  self->pid = pid;
  count_user (self->count, uid, +1);
  return TRUE;
}

gboolean
ferry_call_is_interactive (FerryCall *self)
{
  GDBusMessage *message = g_dbus_method_invocation_get_message (self->invocation);

  return (g_dbus_message_get_flags (message) &
          G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
}

void
ferry_call_set_state (FerryCall *self, gpointer state, GDestroyNotify free_state)
{
  self->state = state;
  self->free_state = free_state;
}

void
ferry_call_return (FerryCall *self, GVariant *value)
{
  g_autoptr (GVariant) held = value != NULL ? g_variant_ref_sink (value) : NULL;

  if (held != NULL && g_variant_get_size (held) > FERRY_REPLY_MAX_BYTES)
    {
      g_dbus_method_invocation_return_error (self->invocation, G_DBUS_ERROR,
                                             G_DBUS_ERROR_LIMITS_EXCEEDED,
                                             "The reply would have %" G_GSIZE_FORMAT
                                             " bytes, and at most %d are sent; ask for less.",
                                             g_variant_get_size (held), FERRY_REPLY_MAX_BYTES);
    }
  else
    {
      g_dbus_method_invocation_return_value (self->invocation, held);
    }
  ferry_call_free (self);
}

void
ferry_call_return_error (FerryCall *self, GError *error)
{
  g_autofree char *name = g_dbus_error_get_remote_error (error);

  /* A name that GLib has no code for; GDBus would put its own in its place. */
  if (name != NULL && error->domain != FERRY_ERROR)
    {
      g_dbus_error_strip_remote_error (error);
      g_dbus_method_invocation_return_dbus_error (self->invocation, name, error->message);
    }
  else
    {
      g_dbus_method_invocation_return_gerror (self->invocation, error);
    }
  g_error_free (error);
  ferry_call_free (self);
}

typedef struct
{
  FerryCall *call; /* (owned) */
  GVariant *value; /* (owned) (nullable) */
  GError *refusal; /* (owned) (nullable): the answer instead */
} Answer;

static void
on_committed (const GError *error, gpointer user_data)
{
  Answer *answer = user_data;
  g_autoptr (GVariant) value = answer->value;
  GError *refusal = answer->refusal;
  FerryCall *call = answer->call;

  g_free (answer);
  if (refusal != NULL)
    ferry_call_return_error (call, refusal);
  else if (error != NULL)
    ferry_call_return_error (call, g_error_copy (error));
  else
    ferry_call_return (call, value);
}

void
ferry_call_return_after_commit (FerryCall *self, FerryStore *store, GVariant *value)
{
  Answer *answer = g_new0 (Answer, 1);

  answer->call = self;
  answer->value = value != NULL ? g_variant_ref_sink (value) : NULL;
  ferry_store_after_commit (store, on_committed, answer);
}

void
ferry_call_refuse_after_commit (FerryCall *self, FerryStore *store, GError *refusal)
{
  Answer *answer = g_new0 (Answer, 1);

  answer->call = self;
  answer->refusal = refusal;
  ferry_store_after_commit (store, on_committed, answer);
}
