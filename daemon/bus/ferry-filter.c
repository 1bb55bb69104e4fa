/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-filter.h"

#include "ferry-options.h"
#include "ferry-text.h"

struct _FerryFilter
{
  guint states;         /* bit (1 << FerryJobState) for each that is wanted */
  char *application_id; /* (owned) (nullable) */
  char *display_name;   /* (owned) (nullable) */
  gboolean has_owner;
  uid_t owner;
};

static guint
get_default_states (void)
{
  guint states = 0;

  for (guint state = 0; state < FERRY_N_JOB_STATES; state++)
    {
      if (!ferry_job_state_is_final (state))
        states |= 1u << state;
    }

  return states;
}

static gboolean
read_states (FerryFilter *self, GVariant *words, GError **error)
{
  GVariantIter iter;
  const char *word;
  FerryJobState state;

  self->states = 0;
  g_variant_iter_init (&iter, words);
  while (g_variant_iter_next (&iter, "&s", &word))
    {
      if (!ferry_job_state_from_string (word, &state))
        {
          g_autofree char *shown = ferry_text_clean (word, 64);

          g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                       "\"States\" holds \"%s\", which is no state of a job.", shown);
          return FALSE;
        }
      self->states |= 1u << state;
    }

  return TRUE;
}

FerryFilter *
ferry_filter_new (GVariant *dict, gboolean owner_too, GError **error)
{
  g_autoptr (FerryFilter) self = g_new0 (FerryFilter, 1);
  g_autoptr (FerryOptions) options = ferry_options_new (dict, error);
  g_autoptr (GVariant) states = NULL;
  g_autoptr (GVariant) application_id = NULL;
  g_autoptr (GVariant) display_name = NULL;
  g_autoptr (GVariant) owner = NULL;

  if (options == NULL || !ferry_options_take_converted (options, "States", "as", &states, error) ||
      !ferry_options_take_converted (options, "ApplicationId", "s", &application_id, error) ||
      !ferry_options_take_converted (options, "DisplayName", "s", &display_name, error) ||
      (owner_too && !ferry_options_take_converted (options, "Owner", "u", &owner, error)) ||
      !ferry_options_finish (options, error))
    return NULL;

  self->states = get_default_states ();
  if (states != NULL && !read_states (self, states, error))
    return NULL;
  if (application_id != NULL)
    self->application_id = g_variant_dup_string (application_id, NULL);
  if (display_name != NULL)
    self->display_name = g_variant_dup_string (display_name, NULL);
  self->has_owner = owner != NULL;
  self->owner = owner != NULL ? g_variant_get_uint32 (owner) : 0;
  return g_steal_pointer (&self);
}

void
ferry_filter_free (FerryFilter *self)
{
  g_free (self->application_id);
  g_free (self->display_name);
  g_free (self);
}

gboolean
ferry_filter_matches (const FerryFilter *self, const FerryJob *job)
{
  return (self->states & (1u << job->state)) != 0 &&
         (self->application_id == NULL ||
          g_str_equal (self->application_id, job->application_id)) &&
         (self->display_name == NULL || g_str_equal (self->display_name, job->display_name)) &&
         (!self->has_owner || self->owner == job->owner);
}
