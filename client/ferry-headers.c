/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-headers.h"

#include "ferry-exit.h"
#include "ferry-target.h"

/* A job that has only these survives a restart of the service without its owner: they may be stored. */
static const char *const plain_names[] = {
  "Accept", "Accept-Charset", "Accept-Language", "Cache-Control", "DNT", "Pragma", "User-Agent"
};

static gboolean
check_header (const char *header, GError **error)
{
  const char *colon = strchr (header, ':');

  if (!g_utf8_validate (header, -1, NULL))
    {
      ferry_exit_set_usage (error, "a header is not UTF-8, and nothing else can go over the bus");
      return FALSE;
    }
  if (colon == NULL || colon == header)
    {
      ferry_exit_set_usage (error, "a header must look like \"Name: value\"; one has no %s",
                            colon == NULL ? "colon" : "name");
      return FALSE;
    }

  return TRUE;
}

char **
ferry_headers_expand (char **words, GError **error)
{
  g_autoptr (GPtrArray) headers = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; words != NULL && words[i] != NULL; i++)
    {
      g_auto (GStrv) lines = NULL;

      if (*words[i] == '@')
        {
          lines = ferry_target_read_list (words[i] + 1, "headers", error);
          if (lines == NULL)
            return NULL;
        }
      else
        {
          lines = g_new0 (char *, 2);
          lines[0] = g_strdup (words[i]);
        }
      for (gsize j = 0; lines[j] != NULL; j++)
        {
          if (!check_header (lines[j], error))
            return NULL;
          g_ptr_array_add (headers, g_strdup (lines[j]));
        }
    }

  g_ptr_array_add (headers, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&headers), FALSE);
}

static gboolean
is_plain (const char *header)
{
  gsize length = strcspn (header, ":");

  for (gsize i = 0; i < G_N_ELEMENTS (plain_names); i++)
    {
      if (strlen (plain_names[i]) == length &&
          g_ascii_strncasecmp (header, plain_names[i], length) == 0)
        return TRUE;
    }

  return FALSE;
}

void
ferry_headers_split (char **headers, char ***plain, char ***secret)
{
  GPtrArray *lists[] = { g_ptr_array_new (), g_ptr_array_new () };

  for (gsize i = 0; headers[i] != NULL; i++)
    g_ptr_array_add (lists[is_plain (headers[i]) ? 0 : 1], g_strdup (headers[i]));

  g_ptr_array_add (lists[0], NULL);
  g_ptr_array_add (lists[1], NULL);
  *plain = (char **) g_ptr_array_free (lists[0], FALSE);
  *secret = (char **) g_ptr_array_free (lists[1], FALSE);
}
