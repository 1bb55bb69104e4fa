/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-authority.h"

#include "ferry-error.h"
#include "ferry-names.h"

#define POLKIT_NAME              "org.freedesktop.PolicyKit1"
#define POLKIT_PATH              "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE         "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_ALLOW_INTERACTION 1u

#define BUS_NAME             "org.freedesktop.DBus"
#define BUS_PATH             "/org/freedesktop/DBus"
#define INTERACTION_REQUIRED "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

#define CHECK_TIMEOUT       (25 * 1000)     /* ms: a rule's program may run */
#define INTERACTIVE_TIMEOUT (5 * 60 * 1000) /* ms: a person types a password */
#define COMPLAINT_INTERVAL  (60 * G_USEC_PER_SEC)

/* One question that waits or was sent; task data of its GTask. */
typedef struct
{
  char *name; /* (owned) */
  uid_t uid;
  char *action;      /* (owned) */
  GVariant *details; /* (owned): a{ss} */
  gboolean interactive;
  char *key;        /* (owned): of the memory */
  char *cancel_id;  /* (owned) */
  guint generation; /* of the memory when it was sent */
  GError *refusal;  /* (owned) (nullable): the memory's answer */
} Check;

/* What polkit said, for a moment. */
typedef struct
{
  gint64 until;    /* boot time */
  GError *refusal; /* (owned) (nullable): %NULL is a yes */
} Kept;

/* A user who has questions, or had some in this second. */
typedef struct
{
  guint in_flight;
  gboolean dialog;   /* one of them may ask a person */
  guint started;     /* in this second */
  gint64 second_end; /* boot time */
} User;

struct _FerryAuthority
{
  GObject parent_instance;

  GDBusConnection *connection; /* (owned) */
  FerryClock *clock;           /* (owned) */
  GCancellable *cancellable;   /* (owned) */
  guint subscription;          /* polkit's Changed */
  GHashTable *kept;            /* (owned) (element-type utf8 Kept): by key */
  guint generation;            /* counts Changed: an answer from before it is not kept */
  GQueue waiting;              /* (owned) (element-type GTask) */
  GHashTable *users;           /* (owned) (element-type uint User): by uid */
  guint next_second;           /* timer: somebody's next second begins */
  guint in_flight;
  guint64 last_cancel_id;
  gboolean told_absence; /* the journal knows that there is no polkitd */
  gint64 last_complaint; /* boot time of the last line about a failure, 0 = none */
};

G_DEFINE_FINAL_TYPE (FerryAuthority, ferry_authority, G_TYPE_OBJECT)

static void start_waiting (FerryAuthority *self);

static void
check_free (Check *check)
{
  g_free (check->name);
  g_free (check->action);
  g_free (check->key);
  g_free (check->cancel_id);
  g_variant_unref (check->details);
  g_clear_error (&check->refusal);
  g_free (check);
}

/* What polkit/org.ferry.transfer1.policy grants everybody. */
static gboolean
is_granted_by_default (const char *action)
{
  static const char *const granted[] = { FERRY_ACTION_CREATE_JOB, FERRY_ACTION_UPLOAD,
                                         FERRY_ACTION_FOREGROUND, NULL };

  return g_strv_contains (granted, action);
}

static void
kept_free (Kept *kept)
{
  g_clear_error (&kept->refusal);
  g_free (kept);
}

static gboolean
is_past (gpointer key, gpointer value, gpointer user_data)
{
  return ((Kept *) value)->until <= *(gint64 *) user_data;
}

/* @refusal: (nullable): %NULL is a yes. A no is kept too: who asks for what he may not have, again and again, would keep
 * polkit from everybody else's questions. */
static void
keep (FerryAuthority *self, const Check *check, const GError *refusal)
{
  gint64 now = ferry_clock_get_boot (self->clock);
  gint64 seconds = refusal == NULL ? FERRY_AUTHORITY_KEEP : FERRY_AUTHORITY_KEEP_NO;
  Kept *kept;

  if (check->generation != self->generation || (refusal != NULL && check->interactive))
    return;

  /* What is past goes with the next one; there is no timer for it. */
  g_hash_table_foreach_remove (self->kept, is_past, &now);
  kept = g_new0 (Kept, 1);
  kept->until = now + seconds * G_USEC_PER_SEC;
  kept->refusal = refusal != NULL ? g_error_copy (refusal) : NULL;
  g_hash_table_insert (self->kept, g_strdup (check->key), kept);
}

/* Returns: (transfer none) (nullable): what answers @check */
static const Kept *
find_kept (FerryAuthority *self, const Check *check)
{
  const Kept *kept = g_hash_table_lookup (self->kept, check->key);

  if (kept == NULL || ferry_clock_get_boot (self->clock) >= kept->until)
    return NULL;
  /* The person may say otherwise. */
  return kept->refusal == NULL || !check->interactive ? kept : NULL;
}

/* Returns: (transfer none) */
static User *
ensure_user (FerryAuthority *self, uid_t uid)
{
  gint64 now = ferry_clock_get_boot (self->clock);
  User *user = g_hash_table_lookup (self->users, GUINT_TO_POINTER (uid));

  if (user == NULL)
    {
      user = g_new0 (User, 1);
      g_hash_table_insert (self->users, GUINT_TO_POINTER (uid), user);
    }
  if (now >= user->second_end)
    {
      user->started = 0;
      user->second_end = now + G_USEC_PER_SEC;
    }
  return user;
}

static void
count_start (FerryAuthority *self, const Check *check)
{
  User *user = ensure_user (self, check->uid);

  self->in_flight++;
  user->in_flight++;
  user->started++;
  user->dialog |= check->interactive;
}

static void
count_end (FerryAuthority *self, const Check *check)
{
  User *user = ensure_user (self, check->uid);

  self->in_flight--;
  user->in_flight--;
  if (check->interactive)
    user->dialog = FALSE;
}

static gboolean
is_quiet (gpointer key, gpointer value, gpointer user_data)
{
  const User *user = value;

  return user->in_flight == 0 && user->second_end <= *(gint64 *) user_data;
}

static void
next_second_cb (gpointer user_data)
{
  FerryAuthority *self = user_data;
  gint64 now = ferry_clock_get_boot (self->clock);

  self->next_second = 0;
  g_hash_table_foreach_remove (self->users, is_quiet, &now);
  start_waiting (self);
}

/* Ends @task, which counts as in flight, with @error (transfer full) or, without one, a yes. */
static void
finish_check (FerryAuthority *self, GTask *task, GError *error)
{
  count_end (self, g_task_get_task_data (task));
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
  start_waiting (self);
}

static GError *
refusal (const Check *check, const char *why)
{
  return g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_AUTHORIZED, "Not authorized for %s: %s.",
                      check->action, why);
}

/* There is no polkitd, and none can be started: the defaults of the actions hold. */
static void
finish_without_polkit (FerryAuthority *self, GTask *task)
{
  const Check *check = g_task_get_task_data (task);

  if (!self->told_absence)
    g_message ("There is no polkitd on the bus: what everybody may do by default is granted, the "
               "rest is refused to all but root");
  self->told_absence = TRUE;
  finish_check (self, task,
                is_granted_by_default (check->action)
                    ? NULL
                    : refusal (check, "there is no polkitd to ask"));
}

static void
on_activatable_names (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  FerryAuthority *self = g_task_get_source_object (task);
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  g_autofree const char **names = NULL;

  if (reply != NULL)
    g_variant_get (reply, "(^a&s)", &names);
  if (names != NULL && !g_strv_contains (names, POLKIT_NAME))
    finish_without_polkit (self, task);
  else
    finish_check (self, task, refusal (g_task_get_task_data (task), "polkit did not answer"));
}

static void
on_has_owner (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  FerryAuthority *self = g_task_get_source_object (task);
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  gboolean has_owner = TRUE;

  if (reply != NULL)
    g_variant_get (reply, "(b)", &has_owner);
  if (has_owner)
    {
      finish_check (self, task, refusal (g_task_get_task_data (task), "polkit did not answer"));
      return;
    }

  g_dbus_connection_call (self->connection, BUS_NAME, BUS_PATH, BUS_NAME, "ListActivatableNames",
                          NULL, G_VARIANT_TYPE ("(as)"), G_DBUS_CALL_FLAGS_NONE, -1,
                          self->cancellable, on_activatable_names, g_steal_pointer (&task));
}

static void
cancel_check (FerryAuthority *self, const Check *check)
{
  g_dbus_connection_call (self->connection, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                          "CancelCheckAuthorization", g_variant_new ("(s)", check->cancel_id), NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
}

/* Once a minute at most: a client that leaves while polkit thinks about it is such a failure too. */
static void
complain (FerryAuthority *self, const Check *check, const GError *error)
{
  gint64 now = ferry_clock_get_boot (self->clock);

  if (self->last_complaint != 0 && now - self->last_complaint < COMPLAINT_INTERVAL)
    return;

  self->last_complaint = now;
  g_message ("polkit did not decide about %s for uid %u: %s", check->action, (guint) check->uid,
             error->message);
}

static void
handle_failure (FerryAuthority *self, GTask *task, const GError *error)
{
  const Check *check = g_task_get_task_data (task);

  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN))
    {
      /* The bus says so when it knows no such service; an error by polkit itself could look alike. */
      g_dbus_connection_call (self->connection, BUS_NAME, BUS_PATH, BUS_NAME, "NameHasOwner",
                              g_variant_new ("(s)", POLKIT_NAME), G_VARIANT_TYPE ("(b)"),
                              G_DBUS_CALL_FLAGS_NONE, -1, self->cancellable, on_has_owner,
                              g_object_ref (task));
      return;
    }

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    cancel_check (self, check);
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    complain (self, check, error);
  finish_check (self, task, refusal (check, "polkit did not decide"));
}

/* Returns: (transfer full) (nullable): %NULL is a yes */
static GError *
read_answer (const Check *check, GVariant *reply)
{
  g_autoptr (GVariant) details = NULL;
  gboolean authorized, challenge;
  const char *dismissed = NULL;

  g_variant_get (reply, "((bb@a{ss}))", &authorized, &challenge, &details);
  if (authorized)
    return NULL;

  if (g_variant_lookup (details, "polkit.dismissed", "&s", &dismissed))
    return g_error_new (FERRY_ERROR, FERRY_ERROR_AUTHORIZATION_DISMISSED,
                        "The person asked about %s refused.", check->action);
  if (challenge && !check->interactive)
    return g_dbus_error_new_for_dbus_error (
        INTERACTION_REQUIRED, "A person must be asked about this, and the call does not allow it.");
  if (challenge)
    return refusal (check,
                    "nobody could be asked; call as root, or from a session with a polkit agent");
  return refusal (check, "this machine's polkit rules do not allow it");
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  FerryAuthority *self = g_task_get_source_object (task);
  const Check *check = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  GError *answer;

  if (reply == NULL)
    {
      handle_failure (self, task, error);
      return;
    }

  answer = read_answer (check, reply);
  keep (self, check, answer);
  finish_check (self, task, answer);
}

/* Sends the question of @task (transfer full). */
static void
send_check (FerryAuthority *self, GTask *task)
{
  Check *check = g_task_get_task_data (task);
  GVariantBuilder subject;

  count_start (self, check);
  check->generation = self->generation;
  check->cancel_id = g_strdup_printf ("%" G_GUINT64_FORMAT, ++self->last_cancel_id);

  g_variant_builder_init (&subject, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&subject, "{sv}", "name", g_variant_new_string (check->name));
  g_dbus_connection_call (self->connection, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                          "CheckAuthorization",
                          g_variant_new ("((sa{sv})s@a{ss}us)", "system-bus-name", &subject,
                                         check->action, check->details,
                                         check->interactive ? POLKIT_ALLOW_INTERACTION : 0u,
                                         check->cancel_id),
                          G_VARIANT_TYPE ("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE,
                          check->interactive ? INTERACTIVE_TIMEOUT : CHECK_TIMEOUT,
                          self->cancellable, on_checked, task);
}

static gboolean
may_send (FerryAuthority *self, const Check *check)
{
  User *user = ensure_user (self, check->uid);

  if (user->started >= FERRY_AUTHORITY_MAX_USER_RATE)
    {
      if (self->next_second == 0)
        self->next_second = ferry_clock_add (self->clock, user->second_end, next_second_cb, self);
      return FALSE;
    }
  if (self->in_flight >= FERRY_AUTHORITY_MAX_CHECKS ||
      user->in_flight >= FERRY_AUTHORITY_MAX_USER_CHECKS)
    return FALSE;

  /* One dialog at a time: the second question would only hide the first. */
  return !check->interactive || !user->dialog;
}

/* Starts what may start, oldest first; who waits for his own earlier questions is passed by. */
static void
start_waiting (FerryAuthority *self)
{
  /* A callback may ask the next question at once: it must not find the queue half walked. */
  g_autoptr (GPtrArray) answered = g_ptr_array_new_with_free_func (g_object_unref);
  GList *next;

  for (GList *link = self->waiting.head; link != NULL; link = next)
    {
      GTask *task = link->data;
      Check *check = g_task_get_task_data (task);
      const Kept *kept = find_kept (self, check);

      next = link->next;
      if (kept != NULL)
        {
          check->refusal = kept->refusal != NULL ? g_error_copy (kept->refusal) : NULL;
          g_queue_delete_link (&self->waiting, link);
          g_ptr_array_add (answered, task);
        }
      else if (may_send (self, check))
        {
          g_queue_delete_link (&self->waiting, link);
          send_check (self, task);
        }
    }

  for (guint i = 0; i < answered->len; i++)
    {
      Check *check = g_task_get_task_data (answered->pdata[i]);

      if (check->refusal != NULL)
        g_task_return_error (answered->pdata[i], g_steal_pointer (&check->refusal));
      else
        g_task_return_boolean (answered->pdata[i], TRUE);
    }
}

void
ferry_authority_check_async (FerryAuthority *self, const char *name, uid_t uid, const char *action,
                             GVariant *details, gboolean interactive, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  g_autofree char *printed = NULL;
  Check *check = g_new0 (Check, 1);

  g_task_set_source_tag (task, ferry_authority_check_async);
  g_task_set_task_data (task, check, (GDestroyNotify) check_free);
  if (details == NULL)
    details = g_variant_new_array (G_VARIANT_TYPE ("{ss}"), NULL, 0);
  check->name = g_strdup (name);
  check->uid = uid;
  check->action = g_strdup (action);
  check->details = g_variant_ref_sink (details);
  check->interactive = interactive;
  printed = g_variant_print (details, FALSE);
  check->key = g_strjoin ("\n", name, action, printed, NULL);

  if (uid == 0)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }

  g_queue_push_tail (&self->waiting, task);
  start_waiting (self);
}

gboolean
ferry_authority_check_finish (FerryAuthority *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_changed (GDBusConnection *connection, const char *sender, const char *path,
            const char *interface, const char *signal, GVariant *parameters, gpointer user_data)
{
  FerryAuthority *self = user_data;

  self->generation++;
  g_hash_table_remove_all (self->kept);
}

void
ferry_authority_close (FerryAuthority *self)
{
  GTask *task;

  if (self->subscription != 0)
    g_dbus_connection_signal_unsubscribe (self->connection, self->subscription);
  self->subscription = 0;
  ferry_clock_clear (self->clock, &self->next_second);
  g_cancellable_cancel (self->cancellable);
  while ((task = g_queue_pop_head (&self->waiting)) != NULL)
    {
      g_task_return_error (task, refusal (g_task_get_task_data (task), "the service is stopping"));
      g_object_unref (task);
    }
}

static void
ferry_authority_dispose (GObject *object)
{
  FerryAuthority *self = FERRY_AUTHORITY (object);

  ferry_authority_close (self);

  G_OBJECT_CLASS (ferry_authority_parent_class)->dispose (object);
}

static void
ferry_authority_finalize (GObject *object)
{
  FerryAuthority *self = FERRY_AUTHORITY (object);

  g_hash_table_unref (self->kept);
  g_hash_table_unref (self->users);
  g_object_unref (self->cancellable);
  g_object_unref (self->clock);
  g_object_unref (self->connection);

  G_OBJECT_CLASS (ferry_authority_parent_class)->finalize (object);
}

static void
ferry_authority_class_init (FerryAuthorityClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_authority_dispose;
  object_class->finalize = ferry_authority_finalize;
}

static void
ferry_authority_init (FerryAuthority *self)
{
  self->cancellable = g_cancellable_new ();
  self->kept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) kept_free);
  self->users = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_queue_init (&self->waiting);
}

FerryAuthority *
ferry_authority_new (GDBusConnection *connection, FerryClock *clock)
{
  FerryAuthority *self = g_object_new (FERRY_TYPE_AUTHORITY, NULL);

  self->connection = g_object_ref (connection);
  self->clock = g_object_ref (clock);
  self->subscription = g_dbus_connection_signal_subscribe (connection, POLKIT_NAME,
                                                           POLKIT_INTERFACE, "Changed", POLKIT_PATH,
                                                           NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                                           on_changed, self, NULL);
  return self;
}
