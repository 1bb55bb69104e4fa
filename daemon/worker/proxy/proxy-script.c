/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proxy-script.h"

#include "ferry-error.h"
#include "proxy-address.h"
#include "proxy-libproxy.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* libproxy says "direct" when there is no engine, when the script throws, and when it has no function of that name. So the
 * function is wrapped: what it says comes as the path of a proxy that is none, "=" and the answer, or "!" when it threw. Plain
 * old JavaScript, for the engines are. */
#define SAID "http://said.invalid:1/"
#define HEAD "if (typeof alert == 'undefined') { alert = function () {}; } "
#define TAIL                                                                                       \
  "\n;(function (find) { FindProxyForURL = function (url, host) { var said; try {"                 \
  " said = find (url, host); said = said == null ? '=' : typeof said == 'string' ? '=' + said"     \
  " : '!'; } catch (e) { said = '!'; } return 'PROXY said.invalid:1/'"                             \
  " + encodeURIComponent (said.substring (0, 4096)); }; }) (FindProxyForURL);"

#define HTTP_PORT  80
#define SOCKS_PORT 1080

/* Has the engine of libproxy run @script. Returns: (transfer full) (nullable): what was said, %NULL when nothing came back */
static char *
run (const char *script, const char *url)
{
  g_autofree char *wrapped = g_strconcat (HEAD, script, TAIL, NULL);
  g_autofree char *address = NULL;
  g_auto (GStrv) proxies = NULL;
  /* It takes files alone, of whatever size. */
  int fd = memfd_create ("script", MFD_CLOEXEC);
  gsize size = strlen (wrapped);

  if (fd < 0)
    return NULL;
  /* What was written in part is not what was meant, but no script either. */
  if (write (fd, wrapped, size) == (gssize) size)
    {
      address = g_strdup_printf ("pac+file:///proc/self/fd/%d", fd);
      g_unsetenv ("no_proxy");
      g_unsetenv ("NO_PROXY");
      proxies = proxy_libproxy_ask (address, url);
    }
  close (fd);
  if (proxies == NULL || proxies[0] == NULL || !g_str_has_prefix (proxies[0], SAID))
    return NULL;
  return g_uri_unescape_string (proxies[0] + strlen (SAID), NULL);
}

static gboolean
has_engine (void)
{
  g_autofree char *said = run ("function FindProxyForURL (url, host) { return 'DIRECT'; }",
                               "http://localhost/");

  return said != NULL;
}

/* Adds @server, a host and maybe a port, unless it is neither. */
static void
add (GPtrArray *proxies, const char *scheme, const char *server, int port)
{
  char *address = proxy_address_new (scheme, server, port);

  if (address != NULL)
    g_ptr_array_add (proxies, address);
}

static void
add_entry (GPtrArray *proxies, const char *entry)
{
  gsize length = strcspn (entry, " \t\n\r");
  g_autofree char *kind = g_ascii_strdown (entry, (gssize) length);
  g_autofree char *server = g_strstrip (g_strdup (entry + length));

  if (g_str_equal (kind, "direct"))
    {
      g_ptr_array_add (proxies, g_strdup ("direct://"));
    }
  else if (g_str_equal (kind, "proxy") || g_str_equal (kind, "http"))
    {
      add (proxies, "http", server, HTTP_PORT);
    }
  else if (g_str_equal (kind, "socks"))
    {
      add (proxies, "socks5", server, SOCKS_PORT);
      add (proxies, "socks4a", server, SOCKS_PORT);
      add (proxies, "socks4", server, SOCKS_PORT);
    }
  else if (g_str_equal (kind, "socks5") || g_str_equal (kind, "socks4") ||
           g_str_equal (kind, "socks4a"))
    {
      add (proxies, kind, server, SOCKS_PORT);
    }
}

char **
proxy_script_parse (const char *answer)
{
  GPtrArray *proxies = g_ptr_array_new ();
  g_auto (GStrv) entries = g_strsplit (answer, ";", -1);
  gboolean empty = TRUE;

  for (gsize i = 0; entries[i] != NULL; i++)
    {
      g_strstrip (entries[i]);
      empty = empty && *entries[i] == '\0';
      add_entry (proxies, entries[i]);
    }
  if (empty)
    g_ptr_array_add (proxies, g_strdup ("direct://"));
  g_ptr_array_add (proxies, NULL);
  return (char **) g_ptr_array_free (proxies, FALSE);
}

char **
proxy_script_ask (const char *script, const char *place, const char *url, GError **error)
{
  g_autofree char *said = *script != '\0' ? run (script, url) : g_strdup ("=");
  g_auto (GStrv) proxies = NULL;

  if (said == NULL && !has_engine ())
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_CONNECT_FAILED,
                   "%s needs the package libproxy1-plugin-webkit", place);
      return NULL;
    }
  if (said == NULL || *said != '=')
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_CONNECT_FAILED, "%s is a script that fails",
                   place);
      return NULL;
    }
  proxies = proxy_script_parse (said + 1);
  if (proxies[0] != NULL)
    return g_steal_pointer (&proxies);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_CONNECT_FAILED,
               "%s names no proxy that Ferry can use", place);
  return NULL;
}
