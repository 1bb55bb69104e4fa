/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-launch-owner.h"

#include <errno.h>
#include <gio/gio.h>
#include <grp.h>
#include <pwd.h>

/* The kernel takes no more for one process (NGROUPS_MAX). */
#define GROUPS_MAX 65536
#define ENTRY_MAX  (1024 * 1024)

/* The machine's proxy, and what test runs and sanitizers need to reach the worker too. */
static const char *const passed_variables[] = {
  "http_proxy",   "https_proxy",  "all_proxy",     "no_proxy",
  "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "G_DEBUG",
};

static gboolean
read_groups (FerryLaunchOwner *self, const char *name, GError **error)
{
  int room = 64;

  for (;;)
    {
      int count = room;

      self->groups = g_renew (gid_t, self->groups, room);
      if (getgrouplist (name, self->gid, self->groups, &count) >= 0)
        {
          self->n_groups = (gsize) count;
          return TRUE;
        }
      if (room >= GROUPS_MAX)
        break;
      room *= 2;
    }

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "User %u is in more than %d groups",
               (guint) self->uid, GROUPS_MAX);
  return FALSE;
}

static void
add_variable (GPtrArray *environment, const char *name, const char *value)
{
  g_ptr_array_add (environment, g_strconcat (name, "=", value, NULL));
}

static char **
make_environment (const struct passwd *entry)
{
  GPtrArray *environment = g_ptr_array_new ();

  add_variable (environment, "HOME", entry->pw_dir);
  add_variable (environment, "USER", entry->pw_name);
  add_variable (environment, "LOGNAME", entry->pw_name);
  add_variable (environment, "PATH", "/usr/local/bin:/usr/bin:/bin");
  add_variable (environment, "LANG", "C.UTF-8");
  for (gsize i = 0; i < G_N_ELEMENTS (passed_variables); i++)
    {
      const char *value = g_getenv (passed_variables[i]);

      if (value != NULL)
        add_variable (environment, passed_variables[i], value);
    }
  g_ptr_array_add (environment, NULL);
  return (char **) g_ptr_array_free (environment, FALSE);
}

FerryLaunchOwner *
ferry_launch_owner_new (uid_t uid, GError **error)
{
  g_autoptr (FerryLaunchOwner) self = g_new0 (FerryLaunchOwner, 1);
  g_autofree char *buffer = NULL;
  struct passwd storage;
  struct passwd *entry = NULL;
  int result;

  for (gsize size = 4096;; size *= 2)
    {
      buffer = g_realloc (buffer, size);
      result = getpwuid_r (uid, &storage, buffer, size, &entry);
      if (result != ERANGE || size >= ENTRY_MAX)
        break;
    }

  /* Some modules of the name service say "not found" with an error number. */
  if (entry == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "The user database has no entry for user %u%s%s", (guint) uid,
                   result != 0 ? ": " : "", result != 0 ? g_strerror (result) : "");
      return NULL;
    }

  self->uid = uid;
  self->gid = entry->pw_gid;
  if (!read_groups (self, entry->pw_name, error))
    return NULL;
  self->environment = make_environment (entry);
  return g_steal_pointer (&self);
}

void
ferry_launch_owner_free (FerryLaunchOwner *self)
{
  g_free (self->groups);
  g_strfreev (self->environment);
  g_free (self);
}
