/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-text.h"

#include <string.h>

static gboolean
is_shown (gunichar c)
{
  if (c < 0x20 || (c >= 0x7f && c < 0xa0))
    return FALSE;

  /* Bidirectional overrides and isolates make text read as something else; line and paragraph
   * separators break the one line an error text is. */
  return !(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069) && c != 0x2028 &&
         c != 0x2029;
}

char *
ferry_text_clean (const char *text, gsize max)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  GString *clean = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      char buffer[6];
      int length = g_unichar_to_utf8 (is_shown (c) ? c : 0xfffd, buffer);

      if (clean->len + length > max)
        break;
      g_string_append_len (clean, buffer, length);
    }

  return g_string_free (clean, FALSE);
}

char *
ferry_text_new_hex (const guint8 *bytes, gsize size)
{
  GString *text = g_string_sized_new (2 * size);

  for (gsize i = 0; i < size; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  return g_string_free (text, FALSE);
}

void
ferry_text_wipe (char *text)
{
  if (text == NULL)
    return;
  explicit_bzero (text, strlen (text));
  g_free (text);
}

void
ferry_text_wipe_all (char **lines)
{
  for (guint i = 0; lines != NULL && lines[i] != NULL; i++)
    ferry_text_wipe (lines[i]);
  g_free (lines);
}
