/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-sink-error.h"

#include "ferry-error.h"
#include "ferry-text.h"

#include <errno.h>

GQuark
worker_sink_error_quark (void)
{
  return g_quark_from_static_string ("worker-sink-error-quark");
}

static gint
get_code (int errsv)
{
  switch (errsv)
    {
    case ENOSPC:
    case EDQUOT:
      return FERRY_ERROR_DISK_FULL;

    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return FERRY_ERROR_NO_FILE_ACCESS;

    default:
      return FERRY_ERROR_FILE_SYSTEM_ERROR;
    }
}

/* A disk pulled out, a FUSE program that ended, a server out of reach. */
static gboolean
is_gone (int errsv)
{
  return errsv == ENODEV || errsv == ENXIO || errsv == ENOMEDIUM || errsv == ENOTCONN ||
         errsv == ECONNABORTED || errsv == ESTALE || errsv == EHOSTDOWN || errsv == EHOSTUNREACH;
}

void
worker_sink_set_errno (GError **error, int errsv, const char *what, const char *display)
{
  if (errsv == ENOKEY)
    g_set_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION,
                 "Cannot %s %s: its directory is encrypted and locked", what, display);
  else if (is_gone (errsv))
    g_set_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION,
                 "Cannot %s %s: its file system is gone: %s", what, display, g_strerror (errsv));
  else
    g_set_error (error, FERRY_ERROR, get_code (errsv), "Cannot %s %s: %s", what, display,
                 g_strerror (errsv));
}

gboolean
worker_sink_deny_destination (GError **error)
{
  if (error != NULL && g_error_matches (*error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION))
    {
      (*error)->domain = FERRY_ERROR;
      (*error)->code = FERRY_ERROR_NO_FILE_ACCESS;
    }

  return FALSE;
}

char *
worker_sink_display (const char *path)
{
  return ferry_text_clean (path, FERRY_TEXT_MAX / 2);
}
