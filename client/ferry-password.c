/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-password.h"

#include "ferry-error.h"
#include "ferry-exit.h"
#include "ferry-terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Longer than any password, and than any token that a server takes in a header. */
#define LINE_MAX_BYTES 16384

/* What a question waits for. */
typedef struct
{
  GMainLoop *loop;    /* (not owned) */
  SecretValue *value; /* (owned) (nullable) */
  GError **error;     /* (not owned) */
} Asking;

/* Reads up to the end of a line, which is not stored.
 * Returns: the length, -1 when there was an error (errno) */
static gssize
read_line (int fd, char *line, gsize size)
{
  gsize length = 0;

  while (length < size)
    {
      gssize n = read (fd, line + length, 1);

      if (n < 0)
        return -1;
      if (n == 0 || line[length] == '\n')
        break;
      length++;
    }

  if (length > 0 && line[length - 1] == '\r')
    length--;
  return (gssize) length;
}

/* Returns: (transfer full) (nullable): @line as a secret, if it is one and shorter than @max bytes */
static SecretValue *
make_value (const char *line, gsize length, gsize max, const char *what, GError **error)
{
  if (length == 0)
    ferry_exit_set_usage (error, "%s is empty", what);
  else if (length >= max)
    ferry_exit_set_usage (error, "%s is longer than %" G_GSIZE_FORMAT " bytes", what, max - 1);
  else if (!g_utf8_validate (line, (gssize) length, NULL))
    ferry_exit_set_usage (error, "%s is not a UTF-8 text", what);
  else
    return secret_value_new (line, (gssize) length, "text/plain");

  return NULL;
}

static void
answered_cb (const char *line, gsize length, gpointer user_data)
{
  Asking *asking = user_data;

  asking->value = make_value (line, length, FERRY_TERMINAL_MAX, "what was typed", asking->error);
  g_main_loop_quit (asking->loop);
}

SecretValue *
ferry_password_ask (const char *question, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Asking asking = { .loop = loop, .error = error };
  g_autoptr (FerryTerminal) terminal = ferry_terminal_ask (question, FALSE, answered_cb, &asking);

  g_main_loop_run (loop);
  return asking.value;
}

SecretValue *
ferry_password_read (const char *path, GError **error)
{
  gboolean standard = g_str_equal (path, "-");
  int fd = standard ? STDIN_FILENO : open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  char line[LINE_MAX_BYTES];
  gssize length = fd >= 0 ? read_line (fd, line, sizeof line) : -1;
  int code = errno;
  SecretValue *value;

  if (fd >= 0 && !standard)
    close (fd);
  if (length < 0)
    {
      explicit_bzero (line, sizeof line);
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR,
                   "the password file cannot be read: %s", g_strerror (code));
      return NULL;
    }

  value = make_value (line, (gsize) length, sizeof line, "the first line of the password file",
                      error);
  explicit_bzero (line, sizeof line);
  return value;
}
