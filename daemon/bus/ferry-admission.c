/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-admission.h"

/* What a call costs beside its body: message, invocation, sources. */
#define CALL_OVERHEAD 2048

#define LIMITS_EXCEEDED "org.freedesktop.DBus.Error.LimitsExceeded"
#define UNKNOWN_METHOD  "org.freedesktop.DBus.Error.UnknownMethod"
#define INVALID_ARGS    "org.freedesktop.DBus.Error.InvalidArgs"

/* Marks our own refusals, which answer calls that were never counted. */
#define REFUSAL_KEY "ferry-refusal"

typedef struct
{
  guint32 serial;
  gboolean no_reply;
  gsize charge; /* bytes */
} Call;

typedef struct
{
  GArray *calls; /* (owned) (element-type Call): without an answer */
  gsize charge;  /* bytes of them */
} Sender;

struct _FerryAdmission
{
  gatomicrefcount ref_count;
  GMutex lock;         /* GDBus's thread and, in tests, others */
  GHashTable *senders; /* (owned) (element-type utf8 Sender): those with calls */
  gsize charge;        /* bytes of all calls */
};

static void
sender_free (Sender *sender)
{
  g_array_unref (sender->calls);
  g_free (sender);
}

FerryAdmission *
ferry_admission_new (void)
{
  FerryAdmission *self = g_new0 (FerryAdmission, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  self->senders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                         (GDestroyNotify) sender_free);
  return self;
}

FerryAdmission *
ferry_admission_ref (FerryAdmission *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
ferry_admission_unref (FerryAdmission *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_hash_table_unref (self->senders);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Small calls always fit. Beyond that a name may have a quarter of what is left, so that whoever
 * opens many connections gets less and less and never all. */
static gboolean
has_room (FerryAdmission *self, const Sender *sender, gsize charge)
{
  gsize wanted = (sender != NULL ? sender->charge : 0) + charge;
  gsize left = FERRY_ADMISSION_POOL_BYTES - MIN (self->charge, FERRY_ADMISSION_POOL_BYTES);

  return wanted <= FERRY_ADMISSION_FREE_BYTES + CALL_OVERHEAD || wanted <= left / 4;
}

const char *
ferry_admission_enter (FerryAdmission *self, const char *sender_name, guint32 serial, gsize size,
                       gboolean no_reply)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Sender *sender = g_hash_table_lookup (self->senders, sender_name);
  Call call = { serial, no_reply, size + CALL_OVERHEAD };

  if (size > FERRY_ADMISSION_MAX_BYTES)
    return "The message is larger than 1 MiB.";
  if (sender != NULL && sender->calls->len >= FERRY_ADMISSION_MAX_CALLS)
    return "This connection has 32 calls without an answer; wait for one.";
  if (!has_room (self, sender, call.charge))
    return "Too many large calls are without an answer; wait for one.";

  if (sender == NULL)
    {
      sender = g_new0 (Sender, 1);
      sender->calls = g_array_new (FALSE, FALSE, sizeof (Call));
      g_hash_table_insert (self->senders, g_strdup (sender_name), sender);
    }
  g_array_append_val (sender->calls, call);
  sender->charge += call.charge;
  self->charge += call.charge;
  return NULL;
}

gboolean
ferry_admission_leave (FerryAdmission *self, const char *destination, guint32 serial)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Sender *sender = g_hash_table_lookup (self->senders, destination);

  for (guint i = 0; sender != NULL && i < sender->calls->len; i++)
    {
      Call call = g_array_index (sender->calls, Call, i);

      if (call.serial != serial)
        continue;

      g_array_remove_index (sender->calls, i);
      sender->charge -= call.charge;
      self->charge -= call.charge;
      if (sender->calls->len == 0)
        g_hash_table_remove (self->senders, destination);
      return !call.no_reply;
    }

  return TRUE;
}

guint
ferry_admission_count (FerryAdmission *self, const char *sender_name)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  const Sender *sender = g_hash_table_lookup (self->senders, sender_name);

  return sender != NULL ? sender->calls->len : 0;
}

static void
refuse (GDBusConnection *connection, GDBusMessage *message, const char *name, const char *why)
{
  g_autoptr (GDBusMessage) reply = NULL;

  if (g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED)
    return;

  reply = g_dbus_message_new_method_error_literal (message, name, why);
  g_object_set_data (G_OBJECT (reply), REFUSAL_KEY, GINT_TO_POINTER (TRUE));
  g_dbus_connection_send_message (connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
}

/* Returns: (transfer full) (nullable): the call, answered by GDBus in any case, or %NULL when it was refused */
static GDBusMessage *
filter_call (FerryAdmission *self, GDBusConnection *connection, GDBusMessage *message)
{
  const char *sender = g_dbus_message_get_sender (message);
  GVariant *body = g_dbus_message_get_body (message);
  GDBusMessageFlags flags = g_dbus_message_get_flags (message);
  gboolean no_reply = (flags & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED) != 0;
  GDBusMessage *copy;
  const char *why;

  /* Everything on a bus has a sender. GIO's dispatch is not made for calls without an interface. */
  if (sender == NULL || g_dbus_message_get_interface (message) == NULL)
    {
      refuse (connection, message, UNKNOWN_METHOD, "A call must name its interface.");
      g_object_unref (message);
      return NULL;
    }

  /* A call keeps its descriptors as long as it lasts: some dozens of calls would take all that ferryd may have. */
  if (g_dbus_message_get_num_unix_fds (message) > 0)
    {
      refuse (connection, message, INVALID_ARGS, "No call here takes file descriptors.");
      g_object_unref (message);
      return NULL;
    }

  why = ferry_admission_enter (self, sender, g_dbus_message_get_serial (message),
                               body != NULL ? g_variant_get_size (body) : 0, no_reply);
  if (why != NULL)
    {
      refuse (connection, message, LIMITS_EXCEEDED, why);
      g_object_unref (message);
      return NULL;
    }
  if (!no_reply)
    return message;

  /* GDBus says nothing at the end of a call without a reply. So it is made to reply, which ends
   * the count, and the reply is dropped on its way out. */
  copy = g_dbus_message_copy (message, NULL);
  g_dbus_message_set_flags (copy, flags & ~G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_object_unref (message);
  return copy;
}

/* Returns: (transfer full) (nullable): the answer, or %NULL when nobody wants it */
static GDBusMessage *
filter_answer (FerryAdmission *self, GDBusMessage *message)
{
  const char *destination = g_dbus_message_get_destination (message);

  if (destination != NULL && g_object_get_data (G_OBJECT (message), REFUSAL_KEY) == NULL &&
      !ferry_admission_leave (self, destination, g_dbus_message_get_reply_serial (message)))
    g_clear_object (&message);

  return message;
}

static GDBusMessage *
filter (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer user_data)
{
  FerryAdmission *self = user_data;

  switch (g_dbus_message_get_message_type (message))
    {
    case G_DBUS_MESSAGE_TYPE_METHOD_CALL:
      return incoming ? filter_call (self, connection, message) : message;
    case G_DBUS_MESSAGE_TYPE_METHOD_RETURN:
    case G_DBUS_MESSAGE_TYPE_ERROR:
      return incoming ? message : filter_answer (self, message);
    case G_DBUS_MESSAGE_TYPE_SIGNAL:
    case G_DBUS_MESSAGE_TYPE_INVALID:
    default:
      return message;
    }
}

guint
ferry_admission_attach (FerryAdmission *self, GDBusConnection *connection)
{
  return g_dbus_connection_add_filter (connection, filter, ferry_admission_ref (self),
                                       (GDestroyNotify) ferry_admission_unref);
}
