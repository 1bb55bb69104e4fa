/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units are followed by looking at them again whenever systemd says that something about them changed: nothing here
 * depends on which changes are told, in which order, or whether systemd itself was restarted in between. */

#include "ferry-systemd-launcher.h"
#include "ferry-unit-reason.h"

#define SYSTEMD_NAME      "org.freedesktop.systemd1"
#define SYSTEMD_PATH      "/org/freedesktop/systemd1"
#define UNIT_PATH         SYSTEMD_PATH "/unit/"
#define MANAGER_INTERFACE SYSTEMD_NAME ".Manager"
#define UNIT_INTERFACE    SYSTEMD_NAME ".Unit"
#define SERVICE_INTERFACE SYSTEMD_NAME ".Service"
#define PROPERTIES        "org.freedesktop.DBus.Properties"

/* What ListUnitsByNames gives: name, description, load state, active state, sub state, following, path, job id, job
 * type, job path. */
#define UNIT_LIST "(a(ssssssouso))"
#define UNIT_ITEM "(&s&s&s&s&s&s&ou&s&o)"

#define FERRY_TYPE_SYSTEMD_LAUNCHER (ferry_systemd_launcher_get_type ())
G_DECLARE_FINAL_TYPE (FerrySystemdLauncher, ferry_systemd_launcher, FERRY, SYSTEMD_LAUNCHER,
                      GObject)

struct _FerrySystemdLauncher
{
  GObject parent_instance;

  GDBusConnection *connection; /* (owned) */
  guint watch;                 /* of systemd's name */
  gboolean present;            /* systemd is on the bus, and sends us signals */
  GHashTable *units;           /* (owned) (element-type guint Unit): by uid, until "exited" */
};

/* A worker that was started and is not known to be gone. */
typedef struct
{
  FerrySystemdLauncher *launcher; /* (unowned) */
  uid_t uid;
  char *name;                /* (owned) */
  char *path;                /* (owned) */
  guint subscription;        /* to its changes */
  GCancellable *cancellable; /* (owned): of all calls; cancelled when this is freed */

  gboolean starting; /* the call is not answered; what the unit does is about the one before */
  gboolean stop_wanted;
  gboolean stopping;   /* the call is not answered */
  gboolean looking;    /* a look is under way */
  gboolean look_again; /* something changed meanwhile */
  gboolean failed;     /* it was seen to be */
  char *reason;        /* (owned) (nullable): why it is gone, or may be */
} Unit;

static void ferry_systemd_launcher_iface_init (FerryLauncherInterface *iface);

G_DEFINE_TYPE_WITH_CODE (FerrySystemdLauncher, ferry_systemd_launcher, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (FERRY_TYPE_LAUNCHER,
                                                ferry_systemd_launcher_iface_init))

static void look (Unit *unit);

/* == units == */

static void
unit_free (Unit *unit)
{
  g_cancellable_cancel (unit->cancellable);
  g_dbus_connection_signal_unsubscribe (unit->launcher->connection, unit->subscription);
  g_object_unref (unit->cancellable);
  g_free (unit->name);
  g_free (unit->path);
  g_free (unit->reason);
  g_free (unit);
}

static void
changed_cb (GDBusConnection *connection, const char *sender, const char *path,
            const char *interface, const char *member, GVariant *parameters, gpointer data)
{
  look (data);
}

/* All but letters and digits are written as _ and two hexadecimal digits. */
static char *
make_path (const char *name)
{
  GString *path = g_string_new (UNIT_PATH);

  for (const char *p = name; *p != '\0'; p++)
    {
      if (g_ascii_isalnum (*p))
        g_string_append_c (path, *p);
      else
        g_string_append_printf (path, "_%02x", (guchar) *p);
    }
  return g_string_free (path, FALSE);
}

static Unit *
unit_new (FerrySystemdLauncher *self, uid_t uid)
{
  Unit *unit = g_new0 (Unit, 1);

  unit->launcher = self;
  unit->uid = uid;
  unit->name = g_strdup_printf ("ferry-worker@%u.service", (guint) uid);
  unit->path = make_path (unit->name);
  unit->cancellable = g_cancellable_new ();
  unit->subscription = g_dbus_connection_signal_subscribe (
      self->connection, SYSTEMD_NAME, PROPERTIES, "PropertiesChanged", unit->path, UNIT_INTERFACE,
      G_DBUS_SIGNAL_FLAGS_NONE, changed_cb, unit, NULL);
  return unit;
}

/* @callback gets @unit; when its call was cancelled @unit is gone. */
static void
call (Unit *unit, const char *path, const char *interface, const char *member, GVariant *parameters,
      const char *reply_type, GAsyncReadyCallback callback)
{
  g_dbus_connection_call (unit->launcher->connection, SYSTEMD_NAME, path, interface, member,
                          parameters, G_VARIANT_TYPE (reply_type), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                          -1, unit->cancellable, callback, unit);
}

/* Returns: (transfer full) (nullable): the reply, %NULL with @error */
static GVariant *
finish (GObject *source, GAsyncResult *result, GError **error)
{
  return g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, error);
}

static gboolean
was_cancelled (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Whether systemd may have done what it was asked: it did not answer, or was restarted meanwhile. */
static gboolean
is_uncertain (const GError *error)
{
  return g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_TIMED_OUT) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

/* The end of @unit. */
static void
tell_exited (Unit *unit, const char *reason)
{
  g_autoptr (FerrySystemdLauncher) self = g_object_ref (unit->launcher);
  g_autofree char *copy = g_strdup (reason);
  uid_t uid = unit->uid;

  g_hash_table_remove (self->units, GUINT_TO_POINTER (uid));
  ferry_launcher_emit_exited (FERRY_LAUNCHER (self), uid, copy);
}

static void
set_reason (Unit *unit, char *reason)
{
  g_free (unit->reason);
  unit->reason = reason;
}

/* == looking == */

static void
reset_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Unit *unit = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = finish (source, result, &error);

  if (was_cancelled (error))
    return;

  if (error != NULL)
    g_debug ("Cannot reset %s: %s", unit->name, error->message);
  tell_exited (unit, unit->reason);
}

static void
result_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Unit *unit = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = finish (source, result, &error);
  g_autoptr (GVariant) properties = NULL;

  if (was_cancelled (error))
    return;

  if (reply != NULL)
    g_variant_get (reply, "(@a{sv})", &properties);
  if (unit->reason == NULL)
    unit->reason = ferry_unit_reason_from_properties (unit->uid, properties);

  /* A unit that failed counts as something for the administrator to see to, until it is started again: a user who kills
   * his worker shall not make the machine look degraded. */
  if (unit->failed)
    call (unit, SYSTEMD_PATH, MANAGER_INTERFACE, "ResetFailedUnit",
          g_variant_new ("(s)", unit->name), "()", reset_cb);
  else
    tell_exited (unit, unit->reason);
}

static void
judge (Unit *unit, GVariant *reply)
{
  g_autoptr (GVariantIter) iter = NULL;
  const char *state = "inactive";
  guint32 job = 0;

  g_variant_get (reply, UNIT_LIST, &iter);
  g_variant_iter_next (iter, UNIT_ITEM, NULL, NULL, NULL, &state, NULL, NULL, NULL, &job, NULL,
                       NULL);
  unit->failed = g_str_equal (state, "failed");
  if (job == 0 && (unit->failed || g_str_equal (state, "inactive")))
    {
      /* For good: until "exited" only we start it, and what an administrator starts ends by itself. */
      unit->looking = TRUE;
      call (unit, unit->path, PROPERTIES, "GetAll", g_variant_new ("(s)", SERVICE_INTERFACE),
            "(a{sv})", result_cb);
    }
  else if (job == 0)
    {
      /* It runs, so what went wrong with a call did no harm. */
      set_reason (unit, NULL);
    }
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Unit *unit = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = finish (source, result, &error);

  if (was_cancelled (error))
    return;

  unit->looking = FALSE;
  /* We are off the bus, which ends ferryd: the worker still has to write its checkpoint. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return;

  if (unit->look_again || (error != NULL && is_uncertain (error)))
    look (unit);
  else if (reply != NULL)
    judge (unit, reply);
  else if (!g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
    {
      g_autofree char *reason = ferry_unit_reason_from_error (unit->uid, error);

      tell_exited (unit, reason);
    }
}

static void
look (Unit *unit)
{
  const char *names[] = { unit->name, NULL };

  /* Until it is there again, which makes us look. */
  if (unit->starting || !unit->launcher->present)
    return;

  unit->look_again = unit->looking;
  if (unit->looking)
    return;

  unit->looking = TRUE;
  call (unit, SYSTEMD_PATH, MANAGER_INTERFACE, "ListUnitsByNames", g_variant_new ("(^as)", names),
        UNIT_LIST, looked_cb);
}

/* == start and stop == */

static void
stopped_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Unit *unit = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = finish (source, result, &error);

  if (was_cancelled (error))
    return;

  /* It has lost its link and should end by itself. */
  if (error != NULL)
    g_debug ("Cannot stop %s: %s", unit->name, error->message);
  unit->stopping = FALSE;
  look (unit);
}

static void
call_stop (Unit *unit)
{
  if (unit->starting || unit->stopping)
    return;

  unit->stopping = TRUE;
  call (unit, SYSTEMD_PATH, MANAGER_INTERFACE, "StopUnit",
        g_variant_new ("(ss)", unit->name, "replace"), "(o)", stopped_cb);
}

static void
started_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Unit *unit = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = finish (source, result, &error);

  if (was_cancelled (error))
    return;

  unit->starting = FALSE;
  if (error != NULL)
    {
      set_reason (unit, ferry_unit_reason_from_error (unit->uid, error));
      if (!is_uncertain (error))
        {
          g_message ("uid %u: %s", (guint) unit->uid, unit->reason);
          tell_exited (unit, unit->reason);
          return;
        }
    }

  if (unit->stop_wanted)
    call_stop (unit);
  look (unit);
}

/* A worker of a former ferryd may still be there: without a link it is of no use and about to end, but could hang. So
 * the unit is restarted, which is a start when it does not run. */
static void
ferry_systemd_launcher_start (FerryLauncher *launcher, uid_t uid)
{
  FerrySystemdLauncher *self = FERRY_SYSTEMD_LAUNCHER (launcher);
  Unit *unit;

  if (g_hash_table_contains (self->units, GUINT_TO_POINTER (uid)))
    return;

  unit = unit_new (self, uid);
  g_hash_table_insert (self->units, GUINT_TO_POINTER (uid), unit);
  unit->starting = TRUE;
  call (unit, SYSTEMD_PATH, MANAGER_INTERFACE, "RestartUnit",
        g_variant_new ("(ss)", unit->name, "replace"), "(o)", started_cb);
}

static void
ferry_systemd_launcher_stop (FerryLauncher *launcher, uid_t uid)
{
  FerrySystemdLauncher *self = FERRY_SYSTEMD_LAUNCHER (launcher);
  Unit *unit = g_hash_table_lookup (self->units, GUINT_TO_POINTER (uid));

  if (unit == NULL || unit->stop_wanted)
    return;

  unit->stop_wanted = TRUE;
  call_stop (unit);
}

/* == systemd == */

static void
appeared_cb (GDBusConnection *connection, const char *name, const char *owner, gpointer data)
{
  FerrySystemdLauncher *self = data;
  g_autoptr (GList) units = g_hash_table_get_values (self->units);

  /* Before the looks, so that no change is missed between. That it is refused, as we are known already, does not matter. */
  g_dbus_connection_call (connection, SYSTEMD_NAME, SYSTEMD_PATH, MANAGER_INTERFACE, "Subscribe",
                          NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
  self->present = TRUE;
  for (GList *l = units; l != NULL; l = l->next)
    {
      Unit *unit = l->data;

      if (unit->stop_wanted)
        call_stop (unit);
      look (unit);
    }
}

static void
vanished_cb (GDBusConnection *connection, const char *name, gpointer data)
{
  FERRY_SYSTEMD_LAUNCHER (data)->present = FALSE;
}

static void
ferry_systemd_launcher_dispose (GObject *object)
{
  FerrySystemdLauncher *self = FERRY_SYSTEMD_LAUNCHER (object);

  g_clear_handle_id (&self->watch, g_bus_unwatch_name);
  g_clear_pointer (&self->units, g_hash_table_unref);
  g_clear_object (&self->connection);
  G_OBJECT_CLASS (ferry_systemd_launcher_parent_class)->dispose (object);
}

static void
ferry_systemd_launcher_class_init (FerrySystemdLauncherClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ferry_systemd_launcher_dispose;
}

static void
ferry_systemd_launcher_init (FerrySystemdLauncher *self)
{
  self->units = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) unit_free);
}

static void
ferry_systemd_launcher_iface_init (FerryLauncherInterface *iface)
{
  iface->name = "systemd";
  iface->start = ferry_systemd_launcher_start;
  iface->stop = ferry_systemd_launcher_stop;
}

FerryLauncher *
ferry_systemd_launcher_new (GDBusConnection *connection)
{
  FerrySystemdLauncher *self = g_object_new (FERRY_TYPE_SYSTEMD_LAUNCHER, NULL);

  self->connection = g_object_ref (connection);
  self->watch = g_bus_watch_name_on_connection (connection, SYSTEMD_NAME,
                                                G_BUS_NAME_WATCHER_FLAGS_NONE, appeared_cb,
                                                vanished_cb, self, NULL);
  return FERRY_LAUNCHER (self);
}
