/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fake-launcher.h"

struct _FerryFakeLauncher
{
  GObject parent_instance;

  GHashTable *starts;  /* (owned) (element-type guint guint): by uid */
  GHashTable *stops;   /* (owned) (element-type guint guint): by uid */
  GHashTable *running; /* (owned) (element-type guint): uids */
};

static void ferry_fake_launcher_iface_init (FerryLauncherInterface *iface);

G_DEFINE_TYPE_WITH_CODE (FerryFakeLauncher, ferry_fake_launcher, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (FERRY_TYPE_LAUNCHER,
                                                ferry_fake_launcher_iface_init))

static void
ferry_fake_launcher_finalize (GObject *object)
{
  FerryFakeLauncher *self = FERRY_FAKE_LAUNCHER (object);

  g_hash_table_unref (self->starts);
  g_hash_table_unref (self->stops);
  g_hash_table_unref (self->running);
  G_OBJECT_CLASS (ferry_fake_launcher_parent_class)->finalize (object);
}

static void
ferry_fake_launcher_class_init (FerryFakeLauncherClass *class)
{
  G_OBJECT_CLASS (class)->finalize = ferry_fake_launcher_finalize;
}

static void
ferry_fake_launcher_init (FerryFakeLauncher *self)
{
  self->starts = g_hash_table_new (NULL, NULL);
  self->stops = g_hash_table_new (NULL, NULL);
  self->running = g_hash_table_new (NULL, NULL);
}

static guint
get_count (GHashTable *table, uid_t uid)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (table, GUINT_TO_POINTER (uid)));
}

static void
count (GHashTable *table, uid_t uid)
{
  g_hash_table_insert (table, GUINT_TO_POINTER (uid),
                       GUINT_TO_POINTER (get_count (table, uid) + 1));
}

static void
ferry_fake_launcher_start (FerryLauncher *launcher, uid_t uid)
{
  FerryFakeLauncher *self = FERRY_FAKE_LAUNCHER (launcher);

  count (self->starts, uid);
  /* Two processes of a user at one time would work on the same files. */
  g_assert_true (g_hash_table_add (self->running, GUINT_TO_POINTER (uid)));
}

static void
ferry_fake_launcher_stop (FerryLauncher *launcher, uid_t uid)
{
  FerryFakeLauncher *self = FERRY_FAKE_LAUNCHER (launcher);

  count (self->stops, uid);
  g_assert_true (g_hash_table_contains (self->running, GUINT_TO_POINTER (uid)));
}

static void
ferry_fake_launcher_iface_init (FerryLauncherInterface *iface)
{
  iface->start = ferry_fake_launcher_start;
  iface->stop = ferry_fake_launcher_stop;
}

FerryFakeLauncher *
ferry_fake_launcher_new (void)
{
  return g_object_new (FERRY_TYPE_FAKE_LAUNCHER, NULL);
}

guint
ferry_fake_launcher_get_n_starts (FerryFakeLauncher *self, uid_t uid)
{
  return get_count (self->starts, uid);
}

guint
ferry_fake_launcher_get_n_stops (FerryFakeLauncher *self, uid_t uid)
{
  return get_count (self->stops, uid);
}

void
ferry_fake_launcher_exit (FerryFakeLauncher *self, uid_t uid, const char *reason)
{
  g_assert_true (g_hash_table_remove (self->running, GUINT_TO_POINTER (uid)));
  ferry_launcher_emit_exited (FERRY_LAUNCHER (self), uid, reason);
}
