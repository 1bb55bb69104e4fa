/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-exit.h"

#include "ferry-error.h"
#include "ferry-names.h"
#include "ferry-text.h"

#include <stdio.h>

#define DBUS_ERROR "org.freedesktop.DBus.Error."

static const struct
{
  const char *name;
  FerryExit status;
} statuses[] = {
  { DBUS_ERROR "InvalidArgs", FERRY_EXIT_USAGE },
  { FERRY_ERROR_PREFIX "NotAuthorized", FERRY_EXIT_REFUSED },
  { FERRY_ERROR_PREFIX "AuthorizationDismissed", FERRY_EXIT_REFUSED },
  { FERRY_ERROR_PREFIX "PolicyLocked", FERRY_EXIT_REFUSED },
  { FERRY_ERROR_PREFIX "TooManyJobsPerUser", FERRY_EXIT_REFUSED },
  { FERRY_ERROR_PREFIX "TooManyJobsPerMachine", FERRY_EXIT_REFUSED },
  { FERRY_ERROR_PREFIX "TooManyFilesInJob", FERRY_EXIT_REFUSED },
  { FERRY_ERROR_PREFIX "TooManyRangesInFile", FERRY_EXIT_REFUSED },
  { FERRY_ERROR_PREFIX "TooManyFiles", FERRY_EXIT_REFUSED },
  { DBUS_ERROR "InteractiveAuthorizationRequired", FERRY_EXIT_REFUSED },
  { DBUS_ERROR "AccessDenied", FERRY_EXIT_REFUSED },
  { DBUS_ERROR "AuthFailed", FERRY_EXIT_REFUSED },
  { DBUS_ERROR "LimitsExceeded", FERRY_EXIT_REFUSED },
  { DBUS_ERROR "ServiceUnknown", FERRY_EXIT_NO_SERVICE },
  { DBUS_ERROR "NameHasNoOwner", FERRY_EXIT_NO_SERVICE },
  { DBUS_ERROR "NoReply", FERRY_EXIT_NO_SERVICE },
  { DBUS_ERROR "Timeout", FERRY_EXIT_NO_SERVICE },
  { DBUS_ERROR "TimedOut", FERRY_EXIT_NO_SERVICE },
  { DBUS_ERROR "Disconnected", FERRY_EXIT_NO_SERVICE },
  { DBUS_ERROR "NoServer", FERRY_EXIT_NO_SERVICE },
  { DBUS_ERROR "UnknownObject", FERRY_EXIT_NO_JOB },
};

/* The bus, or systemd for it, could not start the service: families of names of their own. */
static gboolean
is_start_error (const char *name)
{
  return g_str_has_prefix (name, DBUS_ERROR "Spawn.") ||
         g_str_has_prefix (name, "org.freedesktop.systemd1.");
}

FerryExit
ferry_exit_from_name (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      if (g_strcmp0 (statuses[i].name, name) == 0)
        return statuses[i].status;
    }

  return name != NULL && is_start_error (name) ? FERRY_EXIT_NO_SERVICE : FERRY_EXIT_FAILED;
}

char *
ferry_exit_get_name (const GError *error)
{
  char *name = g_dbus_error_get_remote_error (error);

  if (name != NULL)
    return name;
  if (error->domain == FERRY_ERROR || error->domain == G_DBUS_ERROR)
    return g_dbus_error_encode_gerror (error);
  if (error->domain == G_OPTION_ERROR)
    return g_strdup (DBUS_ERROR "InvalidArgs");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return g_strdup (DBUS_ERROR "NoReply");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return g_strdup (DBUS_ERROR "Disconnected");

  return g_strdup (DBUS_ERROR "Failed");
}

FerryExit
ferry_exit_from_error (const GError *error)
{
  g_autofree char *name = ferry_exit_get_name (error);

  return ferry_exit_from_name (name);
}

gboolean
ferry_exit_is_no_service (const GError *error)
{
  return ferry_exit_from_error (error) == FERRY_EXIT_NO_SERVICE;
}

/* What to say instead of the bus's own words, which are true but help nobody. */
static const char *
get_advice (const char *name)
{
  if (g_str_equal (name, DBUS_ERROR "ServiceUnknown") ||
      g_str_equal (name, DBUS_ERROR "NameHasNoOwner") || is_start_error (name))
    return "the Ferry service is not running and the bus cannot start it; install it or look at "
           "`systemctl status ferryd`";
  if (g_str_equal (name, DBUS_ERROR "NoReply") || g_str_equal (name, DBUS_ERROR "TimedOut"))
    return "the Ferry service did not answer; try again or look at `systemctl status ferryd`";

  return NULL;
}

/* What can be done about it, to be said behind the service's own words. */
static const char *
get_hint (const char *name)
{
  if (g_str_equal (name, DBUS_ERROR "InteractiveAuthorizationRequired"))
    return "; run this as root, or on a terminal of a session with a polkit agent";
  if (g_str_equal (name, FERRY_ERROR_PREFIX "TooManyFiles"))
    return "; `ferry put` makes a job of its own for each file";
  if (g_str_equal (name, FERRY_ERROR_PREFIX "ReplyTooLarge"))
    return "; the whole reply is in the file of the job's ReplyPath, once it is complete";

  return "";
}

/* @text without the full stop of a whole sentence, when something is to follow. */
static void
open_end (char *text)
{
  gsize length = strlen (text);

  if (length > 0 && text[length - 1] == '.')
    text[length - 1] = '\0';
}

char *
ferry_exit_describe (const GError *error)
{
  g_autofree char *name = ferry_exit_get_name (error);
  g_autoptr (GError) stripped = g_error_copy (error);
  g_autofree char *text = NULL;
  const char *advice = get_advice (name);
  const char *hint = get_hint (name);
  const char *dot = strrchr (name, '.');

  if (advice != NULL && g_dbus_error_is_remote_error (error))
    return g_strdup_printf ("%s: %s", dot != NULL ? dot + 1 : name, advice);

  g_dbus_error_strip_remote_error (stripped);
  text = ferry_text_clean (stripped->message, FERRY_TEXT_MAX);
  if (*hint != '\0')
    open_end (text);

  return g_strdup_printf ("%s: %s%s", dot != NULL ? dot + 1 : name, text, hint);
}

FerryExit
ferry_exit_report (const GError *error)
{
  g_autofree char *text = ferry_exit_describe (error);

  fprintf (stderr, "ferry: %s\n", text);
  return ferry_exit_from_error (error);
}

void
ferry_exit_set_usage (GError **error, const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);

  g_set_error_literal (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, text);
}
