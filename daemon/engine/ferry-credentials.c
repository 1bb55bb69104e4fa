/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the owner gives for his servers. */

#include "ferry-engine-private.h"

/* A job that waits for them goes on. */
static void
given (FerryEngine *self, FerryJob *job)
{
  ferry_job_note_secrets (job);
  ferry_engine_job_edited (self, job);
  if (job->secrets == NULL)
    return;
  /* Nobody need be asked any more. That is no Resume of the owner: what was sent before is not sent again for it. */
  if (ferry_engine_is_asking (self, job))
    ferry_engine_resume_by_itself (self, job, NULL);
  else
    ferry_engine_resume_with_login (self, job);
}

void
ferry_engine_set_secret_headers (FerryEngine *self, FerryJob *job, const char *const *headers)
{
  ferry_secrets_set_headers (ferry_job_get_secrets (job), headers);
  given (self, job);
}

void
ferry_engine_set_credential (FerryEngine *self, FerryJob *job, FerryCredential *credential)
{
  ferry_secrets_set_credential (ferry_job_get_secrets (job), credential);
  given (self, job);
}

void
ferry_engine_remove_credential (FerryEngine *self, FerryJob *job, FerryCredentialTarget target,
                                FerryCredentialScheme scheme)
{
  if (job->secrets == NULL || !ferry_secrets_remove_credential (job->secrets, target, scheme))
    return;
  ferry_job_note_secrets (job);
  ferry_engine_job_edited (self, job);
}
