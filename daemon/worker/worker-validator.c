/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-validator.h"

#include <libsoup/soup.h>

#include <string.h>

/* Seconds that a change must be older than the answer for its validator to be strong. */
#define ETAG_AGE 2
#define DATE_AGE 60

static gboolean
is_printable (const char *text)
{
  gsize length = strlen (text);

  if (length == 0 || length > WORKER_VALIDATOR_MAX)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isprint (text[i]))
      return FALSE;
  return TRUE;
}

/* Returns: whether the change was @age seconds before the answer; FALSE for dates that say
 * nothing. */
static gboolean
is_older (const char *last_modified, const char *date, gint64 now, gint64 age)
{
  g_autoptr (GDateTime) changed = soup_date_time_new_from_http_string (last_modified);
  g_autoptr (GDateTime) answered = date != NULL ? soup_date_time_new_from_http_string (date) : NULL;

  if (changed == NULL)
    return FALSE;
  return (answered != NULL ? g_date_time_to_unix (answered) : now) -
             g_date_time_to_unix (changed) >=
         age;
}

WorkerValidator
worker_validator_parse (const char *etag, const char *last_modified, const char *date, gint64 now)
{
  WorkerValidator validator = WORKER_VALIDATOR_NONE;

  if (etag != NULL && is_printable (etag))
    {
      validator.text = g_strdup (etag);
      validator.strong = g_ascii_strncasecmp (etag, "W/", 2) != 0 &&
                         (last_modified == NULL || is_older (last_modified, date, now, ETAG_AGE));
    }
  else if (last_modified != NULL && is_printable (last_modified))
    {
      validator.text = g_strdup (last_modified);
      validator.is_date = TRUE;
      validator.strong = is_older (last_modified, date, now, DATE_AGE);
    }

  return validator;
}

void
worker_validator_clear (WorkerValidator *self)
{
  g_clear_pointer (&self->text, g_free);
  self->is_date = FALSE;
  self->strong = FALSE;
}

WorkerValidator
worker_validator_copy (const WorkerValidator *self)
{
  return (WorkerValidator){ g_strdup (self->text), self->is_date, self->strong };
}

gboolean
worker_validator_proves (const WorkerValidator *a, const WorkerValidator *b)
{
  return a->strong && b->strong && a->is_date == b->is_date && g_str_equal (a->text, b->text);
}
