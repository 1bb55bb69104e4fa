/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-source.h"

#include "ferry-error.h"
#include "ferry-exit.h"
#include "ferry-target.h"
#include "ferry-text.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opened, because permissions alone do not tell: a list of rights, a read-only mount of somebody else. */
static gboolean
open_regular (const char *path, const char *clean, struct stat *status, GError **error)
{
  /* A FIFO must not hold us. */
  int fd = g_open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  gboolean opened = fd >= 0 && fstat (fd, status) == 0;
  int saved = errno;

  if (fd >= 0)
    close (fd);
  if (!opened)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                   "the file \"%s\" cannot be read: %s", clean, g_strerror (saved));
      return FALSE;
    }
  if (!S_ISREG (status->st_mode))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                   S_ISDIR (status->st_mode) ? "\"%s\" is a directory: one file can be sent"
                                             : "\"%s\" is not a regular file",
                   clean);
      return FALSE;
    }

  return TRUE;
}

/* "link/../file" is not what stands beside the link: nothing else may be sent than what was named. */
static gboolean
check_same (const char *path, const struct stat *typed, const char *clean, GError **error)
{
  struct stat status;

  if (stat (path, &status) == 0 && status.st_dev == typed->st_dev && status.st_ino == typed->st_ino)
    return TRUE;

  ferry_exit_set_usage (error,
                        "\"%s\" leads through a symbolic link and back by \"..\": give it "
                        "without \"..\"",
                        clean);
  return FALSE;
}

char *
ferry_source_path (const char *text, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *clean = ferry_text_clean (text, FERRY_TEXT_MAX);
  struct stat status;

  if (g_str_equal (text, "-"))
    {
      ferry_exit_set_usage (error, "- is not supported: the service sends files, it has no way to "
                                   "your standard input");
      return NULL;
    }
  if (*text == '\0')
    {
      ferry_exit_set_usage (error, "which file? Its name is empty");
      return NULL;
    }

  path = ferry_target_absolute (text);
  if (!ferry_target_check_utf8 ("the path", path, error) ||
      !open_regular (text, clean, &status, error) || !check_same (path, &status, clean, error))
    return NULL;

  return g_steal_pointer (&path);
}

char *
ferry_source_url (const char *url, const char *path, const char *protocol)
{
  g_autofree char *name = NULL;
  g_autofree char *escaped = NULL;
  const char *authority = strstr (url, "://");
  const char *end;
  gboolean bare;

  if (authority == NULL ||
      (g_strcmp0 (protocol, "put") != 0 && g_strcmp0 (protocol, "put-range") != 0))
    return g_strdup (url);

  authority += strlen ("://");
  end = authority + strcspn (authority, "?#");
  bare = memchr (authority, '/', end - authority) == NULL;
  if (!bare && end[-1] != '/')
    return g_strdup (url);

  name = g_path_get_basename (path);
  escaped = g_uri_escape_string (name, G_URI_RESERVED_CHARS_ALLOWED_IN_PATH_ELEMENT, FALSE);
  return g_strdup_printf ("%.*s%s%s%s", (int) (end - url), url, bare ? "/" : "", escaped, end);
}
