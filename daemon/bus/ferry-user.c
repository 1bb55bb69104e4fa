/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-user.h"

#include <errno.h>
#include <pwd.h>

/* systemd's range, UIDS-GIDS.md */
#define DYNAMIC_FIRST 61184
#define DYNAMIC_LAST  65519

/* Bytes that a passwd entry may need at most. */
#define ENTRY_MAX (1024 * 1024)

gboolean
ferry_user_is_dynamic (uid_t uid)
{
  return uid >= DYNAMIC_FIRST && uid <= DYNAMIC_LAST;
}

static void
look_up (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  uid_t uid = GPOINTER_TO_UINT (task_data);
  int status = ERANGE;

  for (gsize size = 1024; status == ERANGE && size <= ENTRY_MAX; size *= 4)
    {
      g_autofree char *buffer = g_malloc (size);
      struct passwd entry, *found = NULL;

      status = getpwuid_r (uid, &entry, buffer, size, &found);
      if (status == 0 && found != NULL)
        {
          g_task_return_pointer (task, g_strdup (found->pw_name), g_free);
          return;
        }
    }

  g_task_return_new_error (
      task, G_DBUS_ERROR, G_DBUS_ERROR_NOT_SUPPORTED,
      "uid %u has no user name, so its next holder could not be told from you; "
      "jobs are for users of the user database.",
      (guint) uid);
}

void
ferry_user_lookup_async (uid_t uid, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, ferry_user_lookup_async);
  g_task_set_task_data (task, GUINT_TO_POINTER (uid), NULL);
  if (ferry_user_is_dynamic (uid))
    {
      g_task_return_new_error (task, G_DBUS_ERROR, G_DBUS_ERROR_NOT_SUPPORTED,
                               "uid %u is one that systemd gives to one service after another "
                               "(DynamicUser); jobs are for lasting users.",
                               (guint) uid);
      return;
    }

  g_task_run_in_thread (task, look_up);
}

char *
ferry_user_lookup_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
