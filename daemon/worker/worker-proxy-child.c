/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-proxy-child.h"

#include "ferry-config.h"
#include "ferry-error.h"
#include "ferry-text.h"

#include <errno.h>
#include <gio/gunixinputstream.h>
#include <string.h>
#include <unistd.h>

static const char *const schemes[] = { WORKER_PROXY_SCHEMES, NULL };

/* What libraries print holds settings with passwords, and would be in the journal. Sanitizers tell there what they found. */
#define SILENCE (FERRY_SANITIZED ? G_SUBPROCESS_FLAGS_NONE : G_SUBPROCESS_FLAGS_STDERR_SILENCE)

GSubprocess *
worker_proxy_child_start (const char *program, GError **error)
{
  const char *const argv[] = { program, NULL };
  g_autoptr (GError) local_error = NULL;
  GSubprocess *self = g_subprocess_newv (
      argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE | SILENCE, &local_error);

  if (self == NULL)
    {
      g_autofree char *cause = ferry_text_clean (local_error->message, FERRY_TEXT_MAX);

      g_set_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                   "The program that looks for a proxy cannot be started: %s", cause);
    }
  return self;
}

/* Reads what is there. Returns: whether more may come */
static gboolean
read_more (int fd, GString *answer)
{
  char block[4096];
  ssize_t got = read (fd, block, sizeof block);

  if (got > 0)
    g_string_append_len (answer, block, got);
  return got > 0 || (got < 0 && errno == EINTR);
}

/* Returns: (transfer full) (nullable): all that it says until it closes, or until it says too much */
static GString *
read_answer (int fd, gint64 deadline, GCancellable *cancellable, GError **error)
{
  GString *answer = g_string_new (NULL);
  GPollFD fds[2] = { { .fd = fd, .events = G_IO_IN } };
  guint n_fds = g_cancellable_make_pollfd (cancellable, &fds[1]) ? 2 : 1;
  gboolean more = TRUE;

  while (more && answer->len <= WORKER_PROXY_ANSWER_MAX)
    {
      gint64 left = deadline - g_get_monotonic_time ();

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        break;
      if (left <= 0)
        {
          g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                               "The proxy setting did not answer in time");
          break;
        }
      fds[0].revents = 0;
      if (g_poll (fds, n_fds, (gint) MIN (left / 1000 + 1, G_MAXINT)) > 0 && fds[0].revents != 0)
        more = read_more (fd, answer);
    }
  if (n_fds == 2)
    g_cancellable_release_fd (cancellable);
  if (!more || answer->len > WORKER_PROXY_ANSWER_MAX)
    return answer;
  g_string_free (answer, TRUE);
  return NULL;
}

static gboolean
is_proxy (const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);

  for (const char *at = text; *at != '\0'; at++)
    if (!g_ascii_isgraph (*at))
      return FALSE;
  if (uri == NULL || !g_strv_contains (schemes, g_uri_get_scheme (uri)))
    return FALSE;
  return g_str_equal (g_uri_get_scheme (uri), "direct") ||
         (g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0');
}

/* Returns: (transfer full) (nullable): the proxies in @lines before `end`; %NULL without @error when there is anything else */
static char **
parse_lines (char **lines, GError **error)
{
  g_autoptr (GPtrArray) proxies = g_ptr_array_new_with_free_func (g_free);
  gsize i;

  for (i = 0; lines[i] != NULL && !g_str_equal (lines[i], "end"); i++)
    {
      const char *said = strchr (lines[i], ' ');

      if (g_str_has_prefix (lines[i], "error "))
        {
          g_autofree char *sentence = ferry_text_clean (said + 1, FERRY_TEXT_MAX);

          g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CONNECT_FAILED, sentence);
          return NULL;
        }
      if (!g_str_has_prefix (lines[i], "proxy ") || !is_proxy (said + 1) ||
          proxies->len == WORKER_PROXIES_MAX)
        return NULL;
      g_ptr_array_add (proxies, g_strdup (said + 1));
    }
  if (lines[i] == NULL || proxies->len == 0)
    return NULL;
  g_ptr_array_add (proxies, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&proxies), FALSE);
}

static char **
parse (const GString *answer, GError **error)
{
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) local_error = NULL;
  char **proxies = NULL;

  if (answer->len <= WORKER_PROXY_ANSWER_MAX && g_utf8_validate (answer->str, answer->len, NULL))
    {
      lines = g_strsplit (answer->str, "\n", -1);
      proxies = parse_lines (lines, &local_error);
    }
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else if (proxies == NULL)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                         "The program that looks for a proxy gave no answer that makes sense");
  return proxies;
}

char **
worker_proxy_child_ask (GSubprocess *self, const char *url, gint64 deadline,
                        GCancellable *cancellable, GError **error)
{
  GOutputStream *input = g_subprocess_get_stdin_pipe (self);
  GInputStream *output = g_subprocess_get_stdout_pipe (self);
  g_autofree char *line = g_strconcat (url, "\n", NULL);
  GString *answer;
  char **proxies = NULL;

  /* A new pipe takes it all at once. When nobody reads, the answer tells. */
  g_output_stream_write_all (input, line, strlen (line), NULL, NULL, NULL);
  g_output_stream_close (input, NULL, NULL);
  answer = read_answer (g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (output)), deadline,
                        cancellable, error);
  g_subprocess_force_exit (self);
  if (answer != NULL)
    {
      proxies = parse (answer, error);
      g_string_free (answer, TRUE);
    }
  return proxies;
}
