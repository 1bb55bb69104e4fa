/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-method.h"

#include <string.h>

gboolean
ferry_method_is_token (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      if (!g_ascii_isalnum (text[i]) &&
          (text[i] == '\0' || strchr ("!#$%&'*+-.^_`|~", text[i]) == NULL))
        return FALSE;
    }

  return length > 0;
}

gboolean
ferry_method_is_idempotent (const char *method)
{
  static const char *const idempotent[] = { "",       "GET",    "HEAD",   "OPTIONS",
                                            "TRACE",  "PUT",    "DELETE", "PROPFIND",
                                            "REPORT", "SEARCH", NULL };

  return method == NULL || g_strv_contains (idempotent, method);
}

gboolean
ferry_method_wants_length (const char *method)
{
  static const char *const bare[] = { "GET", "HEAD", "OPTIONS", "DELETE", NULL };

  return !g_strv_contains (bare, method);
}
