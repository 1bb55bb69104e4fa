/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-unit-reason.h"
#include "ferry-text.h"

#include <signal.h>
#include <string.h>

/* With these systemd's own child ends when it cannot become the worker: systemd.exec(5), "Process Exit Codes". */
#define EXIT_SETUP_FIRST 200
#define EXIT_SETUP_LAST  245
#define EXIT_SETUP_EXEC  203
#define EXIT_SETUP_USER  217

static char *
reason_from_status (uid_t uid, int status)
{
  if (status == EXIT_SETUP_USER)
    return g_strdup_printf (
        "The worker could not be started: the user database has no usable entry for user %u",
        (guint) uid);
  if (status == EXIT_SETUP_EXEC)
    return g_strdup ("The worker could not be started: its program cannot be executed");
  if (status >= EXIT_SETUP_FIRST && status <= EXIT_SETUP_LAST)
    return g_strdup_printf ("The worker could not be started: systemd gave up with status %d; the "
                            "journal of ferry-worker@%u.service says why",
                            status, (guint) uid);
  return g_strdup_printf ("The worker exited with status %d", status);
}

static char *
reason_from_end (uid_t uid, int code, int status)
{
  if (code == CLD_EXITED)
    return reason_from_status (uid, status);
  if (code == CLD_KILLED || code == CLD_DUMPED)
    return g_strdup_printf ("The worker was killed by signal %d (%s)", status,
                            g_strsignal (status));
  return g_strdup ("The worker ended");
}

char *
ferry_unit_reason_from_properties (uid_t uid, GVariant *properties)
{
  static const struct
  {
    const char *result;
    const char *reason;
  } table[] = {
    { "oom-kill",
      "The worker was killed because it needed more memory than it may have, or than there is" },
    { "timeout", "The worker did not start or end in time and was killed" },
    { "watchdog", "The worker was killed by the watchdog of its unit" },
    { "resources", "The worker could not be started: systemd lacked resources" },
    { "start-limit-hit",
      "The worker could not be started: its unit has a limit of starts, which was reached" },
  };
  const char *result = "success";
  gint32 code = 0;
  gint32 status = 0;

  if (properties != NULL)
    {
      g_variant_lookup (properties, "Result", "&s", &result);
      g_variant_lookup (properties, "ExecMainCode", "i", &code);
      g_variant_lookup (properties, "ExecMainStatus", "i", &status);
    }

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++)
    {
      if (g_str_equal (result, table[i].result))
        return g_strdup (table[i].reason);
    }
  if (g_str_equal (result, "success") || code != 0)
    return reason_from_end (uid, code, status);

  {
    g_autofree char *clean = ferry_text_clean (result, 64);

    return g_strdup_printf ("The worker's unit failed: %s", clean);
  }
}

char *
ferry_unit_reason_from_error (uid_t uid, const GError *error)
{
  g_autofree char *name = NULL;
  g_autofree char *clean = NULL;
  g_autoptr (GError) copy = NULL;

  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
      g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN))
    return g_strdup ("The worker could not be started: there is no systemd on the bus; ferryd "
                     "--launcher=direct does without it");

  name = g_dbus_error_get_remote_error (error);
  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED) ||
      g_strcmp0 (name, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired") == 0)
    return g_strdup_printf ("The worker could not be started: ferryd may not start "
                            "ferry-worker@%u.service; is polkit there, with Ferry's rule?",
                            (guint) uid);
  if (g_strcmp0 (name, "org.freedesktop.systemd1.NoSuchUnit") == 0)
    return g_strdup ("The worker could not be started: the unit ferry-worker@.service is not "
                     "installed");
  if (g_strcmp0 (name, "org.freedesktop.systemd1.UnitMasked") == 0)
    return g_strdup_printf ("The worker could not be started: the administrator has masked "
                            "ferry-worker@%u.service",
                            (guint) uid);

  copy = g_error_copy (error);
  g_dbus_error_strip_remote_error (copy);
  clean = ferry_text_clean (copy->message, FERRY_TEXT_MAX);
  return g_strdup_printf ("The worker could not be started: %s", clean);
}
