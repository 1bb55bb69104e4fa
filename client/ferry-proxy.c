/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-proxy.h"

#include "ferry-exit.h"
#include "ferry-target.h"

/* The variable @name, or, where that is safe, the same in capitals. */
static const char *
get_variable (char **environment, const char *name)
{
  const char *value = g_environ_getenv (environment, name);
  g_autofree char *capitals = NULL;

  if (value != NULL || g_str_equal (name, "http_proxy"))
    return value;

  capitals = g_ascii_strup (name, -1);
  return g_environ_getenv (environment, capitals);
}

static char **
split_bypass (const char *text)
{
  GPtrArray *hosts = g_ptr_array_new ();
  g_auto (GStrv) parts = g_strsplit_set (text != NULL ? text : "", ", \t", -1);

  for (gsize i = 0; parts[i] != NULL; i++)
    {
      if (*parts[i] != '\0')
        g_ptr_array_add (hosts, g_strdup (parts[i]));
    }
  g_ptr_array_add (hosts, NULL);

  return (char **) g_ptr_array_free (hosts, FALSE);
}

FerryProxy *
ferry_proxy_from_environment (const char *url, char **environment, GError **error)
{
  g_autoptr (FerryProxy) self = g_new0 (FerryProxy, 1);
  g_autoptr (FerryUrl) parsed = NULL;
  g_autoptr (GError) local_error = NULL;
  g_autofree char *scheme = g_uri_parse_scheme (url);
  g_autofree char *name = scheme != NULL ? g_strconcat (scheme, "_proxy", NULL) : NULL;
  g_autofree char *absolute = NULL;
  const char *value = name != NULL ? get_variable (environment, name) : NULL;

  self->usage = "default";
  self->bypass = split_bypass (NULL);
  if (value == NULL)
    value = get_variable (environment, "all_proxy");
  if (value == NULL)
    return g_steal_pointer (&self);

  g_strfreev (self->bypass);
  self->bypass = split_bypass (get_variable (environment, "no_proxy"));
  /* Set but empty: the caller wants none, whatever the machine's default is. */
  if (*value == '\0' || g_strv_contains ((const char *const *) self->bypass, "*"))
    {
      self->usage = "none";
      g_strfreev (self->bypass);
      self->bypass = split_bypass (NULL);
      return g_steal_pointer (&self);
    }

  /* "proxy:3128" has been good enough for everybody else. */
  absolute = strstr (value, "://") != NULL ? g_strdup (value)
                                           : g_strconcat ("http://", value, NULL);
  parsed = ferry_url_parse (absolute, &local_error);
  if (parsed == NULL)
    {
      ferry_exit_set_usage (error, "the proxy in the environment cannot be used: %s",
                            local_error->message);
      return NULL;
    }

  self->usage = "override";
  self->uri = g_steal_pointer (&parsed->url);
  self->credentials = ferry_url_get_credentials (parsed, "proxy");
  if (self->credentials != NULL)
    g_variant_ref_sink (self->credentials);
  return g_steal_pointer (&self);
}

void
ferry_proxy_free (FerryProxy *self)
{
  g_free (self->uri);
  g_strfreev (self->bypass);
  g_clear_pointer (&self->credentials, g_variant_unref);
  g_free (self);
}
