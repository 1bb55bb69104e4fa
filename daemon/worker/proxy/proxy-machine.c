/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The environment: of the unit, of systemd's DefaultEnvironment=, or of ferryd. */

#include "proxy-libproxy.h"
#include "proxy-setting.h"

#include <string.h>

/* Stands for the script while hosts are looked for that need no proxy. */
#define ASK_SCRIPT "http://use-script.invalid:1"

/* That of libproxy; `all_proxy`, of which it does not know, comes last. */
static const char *const of_https[] = { "https_proxy", "HTTPS_PROXY" };
static const char *const of_all[] = { "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY" };

static const char *
get_first (const char *const *names, gsize n_names)
{
  for (gsize i = 0; i < n_names; i++)
    if (g_getenv (names[i]) != NULL)
      return g_getenv (names[i]);
  return NULL;
}

/* Returns: (transfer full) (nullable): the variable that is for @url */
static char *
get_value (const char *url)
{
  const char *value = NULL;

  if (g_str_has_prefix (url, "https:"))
    value = get_first (of_https, G_N_ELEMENTS (of_https));
  if (value == NULL)
    value = get_first (of_all, G_N_ELEMENTS (of_all));
  if (value == NULL || *value == '\0')
    return g_strdup (value);
  /* "proxy:3128" has been good enough for everybody else. */
  return strstr (value, "://") != NULL ? g_strdup (value) : g_strconcat ("http://", value, NULL);
}

void
proxy_setting_read_machine (const char *url, ProxySetting *self)
{
  g_autofree char *value = get_value (url);
  const char *script = NULL;

  if (value != NULL && g_str_has_prefix (value, "pac+"))
    script = value + strlen ("pac+");
  else if (value != NULL && g_str_has_prefix (value, "wpad:"))
    script = "";

  self->proxies = proxy_libproxy_ask (script != NULL ? ASK_SCRIPT : value, url);
  if (script == NULL || self->proxies == NULL ||
      !g_strv_contains ((const char *const *) self->proxies, ASK_SCRIPT))
    return;
  g_clear_pointer (&self->proxies, g_strfreev);
  self->script = g_strdup (script);
}
