/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ferry-proxy-lookup: which proxies are for an address. A process of its own, because settings, scripts and their engine may
 * hang, grow and crash; ferry-worker starts one, and ends it. What passes between them is in worker-proxy-child.h.
 *
 * It is in the worker's unit, and counts there: it gets little memory (proxy-memory.h), and when the kernel ends it for want of
 * more, the unit goes on (OOMPolicy= in ferry-worker@.service). */

#include "ferry-text.h"
#include "proxy-memory.h"
#include "proxy-script.h"
#include "proxy-setting.h"
#include "worker-proxy-child.h"

#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Seconds after which nobody waits any more. */
#define LIFETIME 60

#define URL_MAX 4096

/* Libraries put addresses into what they log. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  return G_LOG_WRITER_HANDLED;
}

/* Returns: (transfer full) (nullable): what is asked for; %NULL when it is no address, or one that a script's engine could take
 * for something else */
static char *
read_url (void)
{
  char line[URL_MAX];
  g_autoptr (GUri) uri = NULL;

  if (fgets (line, sizeof line, stdin) == NULL)
    return NULL;
  g_strchomp (line);
  uri = g_uri_parse (line, G_URI_FLAGS_NONE, NULL);
  if (uri == NULL || g_uri_get_host (uri) == NULL || strpbrk (line, "\"\\") != NULL ||
      !g_str_is_ascii (line))
    return NULL;
  return g_strdup (line);
}

/* Returns: (transfer full) (nullable) */
static char **
find (const char *url, GError **error)
{
  ProxySetting setting = { 0 };
  g_autofree char *place = NULL;
  g_autofree char *script = NULL;
  char **proxies;

  if (!proxy_setting_read_desktop (url, &setting))
    proxy_setting_read_machine (url, &setting);
  if (setting.script != NULL)
    {
      script = proxy_script_load (setting.script, &place, error);
      proxies = script != NULL ? proxy_script_ask (script, place, url, error) : NULL;
    }
  else
    {
      proxies = g_steal_pointer (&setting.proxies);
      if (proxies == NULL)
        g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                             "The proxy setting cannot be understood");
      else if (proxies[0] == NULL)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                               "The proxy setting names no proxy that Ferry can use");
          g_clear_pointer (&proxies, g_strfreev);
        }
    }
  proxy_setting_clear (&setting);
  return proxies;
}

int
main (void)
{
  g_autofree char *url = NULL;
  g_auto (GStrv) proxies = NULL;
  g_autoptr (GError) error = NULL;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  alarm (LIFETIME);
  umask (0077);
  g_log_set_writer_func (write_log, NULL, NULL);
  proxy_setting_init_process ();
  /* Compiled scripts need memory that is written and executed, which the worker's unit forbids. */
  g_setenv ("JSC_useJIT", "false", TRUE);
  proxy_memory_limit ();

  url = read_url ();
  if (url == NULL)
    return EXIT_FAILURE;
  proxies = find (url, &error);
  if (proxies != NULL)
    {
      for (gsize i = 0; proxies[i] != NULL && i < WORKER_PROXIES_MAX; i++)
        printf ("proxy %s\n", proxies[i]);
    }
  else
    {
      g_autofree char *sentence = ferry_text_clean (error->message, FERRY_TEXT_MAX);

      printf ("error %s\n", sentence);
    }
  printf ("end\n");
  fflush (stdout);
  /* What libraries have still to tidy up is of no interest. */
  _exit (EXIT_SUCCESS);
}
