/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-upload-bits.h"

#include "worker-redirect.h"

#include <string.h>

#define NAME_MAX_CHARACTERS 260

char *
worker_bits_clean_name (const char *name)
{
  char *clean = g_strndup (name, NAME_MAX_CHARACTERS);

  for (char *c = clean; *c != '\0'; c++)
    if (!g_ascii_isprint (*c) || strchr ("\\/:*?\"<>|", *c) != NULL)
      *c = '_';
  return clean;
}

char *
worker_bits_resolve_reply (GUri *home, const char *value)
{
  g_autofree char *slashes = g_strdelimit (g_strdup (value), "\\", '/');
  /* What is escaped stays so; braces and the like become it. */
  g_autofree char *escaped = g_uri_escape_string (slashes,
                                                  "%?#[]" G_URI_RESERVED_CHARS_ALLOWED_IN_PATH,
                                                  FALSE);
  g_autoptr (GUri) uri = worker_redirect_resolve (home, escaped, 0, FALSE, NULL);
  char *text;

  if (uri == NULL)
    return NULL;
  text = g_uri_to_string (uri);
  if (strlen (text) > WORKER_UPLOAD_URL_MAX)
    g_clear_pointer (&text, g_free);
  return text;
}
