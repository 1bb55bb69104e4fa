/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Job methods about the job as a whole. */

#include "ferry-bus-private.h"

#include "ferry-args.h"
#include "ferry-error.h"

static void
on_completed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerryCall *call = user_data;
  GError *error = NULL;
  guint published, discarded;

  if (!ferry_engine_complete_finish (FERRY_ENGINE (source), result, &published, &discarded, &error))
    ferry_call_return_error (call, error);
  else
    ferry_call_return (call, g_variant_new ("(uu)", published, discarded));
}

static void
handle_complete (FerryBus *self, FerryCall *call, FerryJob *job)
{
  ferry_engine_complete_async (self->engine, job, on_completed, call);
}

static void
handle_set_custom_headers (FerryBus *self, FerryCall *call, FerryJob *job)
{
  g_autofree const char **headers = NULL;
  GError *error = NULL;

  g_variant_get (call->parameters, "(^a&s)", &headers);
  if (!ferry_args_check_headers ("headers", headers, TRUE, &error))
    {
      ferry_call_return_error (call, error);
      return;
    }

  ferry_engine_set_secret_headers (self->engine, job, headers);
  ferry_call_return_after_commit (call, self->store, NULL);
}

static void
handle_set_credentials (FerryBus *self, FerryCall *call, FerryJob *job)
{
  g_autoptr (GVariant) dict = NULL;
  FerryCredential *credential;
  GError *error = NULL;
  const char *target, *scheme;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &target, &scheme, &dict);
  credential = ferry_args_parse_credential (target, scheme, dict, &error);
  if (credential == NULL)
    {
      ferry_call_return_error (call, error);
      return;
    }

  ferry_engine_set_credential (self->engine, job, credential);
  ferry_call_return_after_commit (call, self->store, NULL);
}

static void
handle_remove_credentials (FerryBus *self, FerryCall *call, FerryJob *job)
{
  FerryCredentialScheme scheme;
  GError *error = NULL;
  const char *target_word, *word;
  FerryCredentialTarget target;

  g_variant_get (call->parameters, "(&s&s)", &target_word, &word);
  if (!ferry_args_check_target (target_word, &target, &error) ||
      !ferry_args_check_scheme (word, &scheme, &error))
    {
      ferry_call_return_error (call, error);
      return;
    }

  ferry_engine_remove_credential (self->engine, job, target, scheme);
  ferry_call_return_after_commit (call, self->store, NULL);
}

const FerryBusMethod ferry_bus_job_methods[] = {
  { FERRY_JOB_INTERFACE, "Resume", ferry_bus_resume },
  { FERRY_JOB_INTERFACE, "Suspend", ferry_bus_suspend },
  { FERRY_JOB_INTERFACE, "Cancel", ferry_bus_cancel },
  { FERRY_JOB_INTERFACE, "Complete", handle_complete },
  { FERRY_JOB_INTERFACE, "SetCustomHeaders", handle_set_custom_headers },
  { FERRY_JOB_INTERFACE, "SetCredentials", handle_set_credentials },
  { FERRY_JOB_INTERFACE, "RemoveCredentials", handle_remove_credentials },
  { NULL, NULL, NULL },
};
