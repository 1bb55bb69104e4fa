/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials that a server or a proxy wants, or the password of a certificate's key, and a job does not have are asked of its owner's agents. Meanwhile the job waits as
 * after a passing error, with reason `credentials`; without an answer it fails, and goes on once an agent comes. */

#include "ferry-engine-private.h"

#include "ferry-text.h"

/* Answers that were wrong, before it is given up. */
#define MAX_ATTEMPTS 3

/* One job's: from the first challenge until it is done or gives up. */
typedef struct
{
  GVariant *challenge; /* (owned) (nullable): to be asked about, or being asked about */
  FerryFailure
      *failure; /* (owned) (nullable): with @challenge: how the job fails without an answer */
  GCancellable *cancellable;    /* (owned) (nullable): while it is being asked */
  char *request;                /* (owned) (nullable): whose answer is in use */
  FerryCredentialTarget target; /* ... for this one */
  gboolean accepted;            /* ... and was right */
  guint attempt;                /* of the next question, from 1 */
} Asking;

typedef struct
{
  FerryEngine *engine;       /* (owned) */
  FerryJob *job;             /* (owned) */
  GCancellable *cancellable; /* (owned) */
} Question;

void
ferry_engine_asking_free (gpointer data)
{
  Asking *asking = data;

  g_cancellable_cancel (asking->cancellable);
  g_clear_object (&asking->cancellable);
  g_clear_pointer (&asking->challenge, g_variant_unref);
  g_clear_pointer (&asking->failure, ferry_failure_free);
  g_free (asking->request);
  g_free (asking);
}

static void
question_free (Question *question)
{
  g_object_unref (question->engine);
  g_object_unref (question->job);
  g_object_unref (question->cancellable);
  g_free (question);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Question, question_free)

/* == the question == */

static void
copy_text (GVariantDict *to, GVariant *from, const char *key)
{
  g_autofree char *clean = NULL;
  const char *text = "";

  g_variant_lookup (from, key, "&s", &text);
  clean = ferry_text_clean (text, FERRY_TEXT_MAX);
  g_variant_dict_insert (to, key, "s", clean);
}

static GVariant *
build_query (FerryJob *job, const Asking *asking)
{
  static const char *const texts[] = { "Target", "Scheme", "Host", "Realm", "Path" };
  g_autoptr (GVariant) schemes = g_variant_lookup_value (asking->challenge, "AuthSchemes",
                                                         G_VARIANT_TYPE_STRING_ARRAY);
  guint32 port = 0;
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "Job", "s", job->id);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    copy_text (&dict, asking->challenge, texts[i]);
  g_variant_lookup (asking->challenge, "Port", "u", &port);
  g_variant_dict_insert (&dict, "Port", "u", port);
  g_variant_dict_insert_value (&dict, "AuthSchemes", schemes);
  g_variant_dict_insert (&dict, "Attempt", "u", asking->attempt);
  return g_variant_dict_end (&dict);
}

/* Nobody knows. */
static void
give_up (FerryEngine *self, FerryJob *job, Asking *asking)
{
  FerryFailure *failure = g_steal_pointer (&asking->failure);
  FerryFile *file = ferry_job_get_file (job, (guint) failure->file);

  g_hash_table_remove (self->askings, job);
  if (file != NULL && file->state == FERRY_FILE_STATE_PENDING)
    file->state = FERRY_FILE_STATE_FAILED;
  ferry_engine_fail (self, job, failure);
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Question) question = data;
  FerryEngine *self = question->engine;
  FerryJob *job = question->job;
  g_autoptr (FerryCredential) credential = NULL;
  g_autofree char *request = NULL;
  Asking *asking;

  credential = ferry_agents_ask_finish (FERRY_AGENTS (source), result, &request, NULL);
  /* Whoever cancelled it has looked after the rest. */
  asking = g_hash_table_lookup (self->askings, job);
  if (asking == NULL || asking->cancellable != question->cancellable)
    return;
  g_clear_object (&asking->cancellable);
  g_clear_pointer (&asking->challenge, g_variant_unref);
  if (credential == NULL)
    {
      give_up (self, job, asking);
      return;
    }

  g_clear_pointer (&asking->failure, ferry_failure_free);
  asking->request = g_steal_pointer (&request);
  asking->target = credential->target;
  asking->accepted = FALSE;
  credential->asked = TRUE;
  ferry_secrets_set_credential (ferry_job_get_secrets (job), g_steal_pointer (&credential));
  ferry_engine_move (self, job, FERRY_JOB_EVENT_RETRY);
}

static void
ask (FerryEngine *self, FerryJob *job, Asking *asking)
{
  Question *question = g_new0 (Question, 1);

  asking->cancellable = g_cancellable_new ();
  question->engine = g_object_ref (self);
  question->job = g_object_ref (job);
  question->cancellable = g_object_ref (asking->cancellable);
  ferry_agents_ask_async (self->agents, job->owner, build_query (job, asking), asking->cancellable,
                          on_answered, question);
}

/* == what happens to the job == */

/* What was answered before, for the same target, is no good, or not any more. Who has come to the next one has passed the other.
 * Sets the number of the next question. */
static void
reject (FerryEngine *self, FerryJob *job, Asking *asking, FerryCredentialTarget target)
{
  if (asking->request != NULL && asking->target != target)
    ferry_engine_note_accepted (self, job);
  else if (asking->request != NULL)
    ferry_agents_tell (self->agents, asking->request, FALSE);

  if (asking->request == NULL || asking->target != target)
    asking->attempt = 1;
  else
    asking->attempt = asking->accepted ? 2 : asking->attempt + 1;
  g_clear_pointer (&asking->request, g_free);
  if (job->secrets == NULL)
    return;
  ferry_secrets_drop_asked (job->secrets, target);
  ferry_job_note_secrets (job);
}

gboolean
ferry_engine_take_challenge (FerryEngine *self, FerryJob *job, GVariant *arguments,
                             const FerryFailure *failure)
{
  Asking *asking = g_hash_table_lookup (self->askings, job);
  g_autoptr (GVariant)
      challenge = g_variant_lookup_value (arguments, "Challenge", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) schemes = NULL;
  FerryCredentialTarget target;
  const char *word = "";

  if (challenge == NULL || self->agents == NULL ||
      failure->code != FERRY_ERROR_AUTHENTICATION_FAILED)
    return FALSE;
  schemes = g_variant_lookup_value (challenge, "AuthSchemes", G_VARIANT_TYPE_STRING_ARRAY);
  g_variant_lookup (challenge, "Target", "&s", &word);
  if (!ferry_credential_target_from_string (word, &target) || schemes == NULL ||
      g_variant_n_children (schemes) == 0)
    return FALSE;

  if (asking == NULL)
    {
      asking = g_new0 (Asking, 1);
      g_hash_table_insert (self->askings, job, asking);
    }
  /* Another of its files met the same. */
  if (asking->challenge == NULL)
    {
      reject (self, job, asking, target);
      if (ferry_secrets_has_given (job->secrets, target) || asking->attempt > MAX_ATTEMPTS ||
          !ferry_agents_has_any (self->agents, job->owner))
        {
          g_hash_table_remove (self->askings, job);
          return FALSE;
        }
      asking->challenge = g_variant_ref (challenge);
      asking->failure = ferry_failure_copy (failure);
    }
  ferry_engine_fail_transient (self, job, NULL, FALSE, 0, "credentials");
  return TRUE;
}

/* Tried with each file of a job, a wrong password would lock the owner's account. */
void
ferry_engine_refuse_alike (FerryJob *job, FerryFile *file, const FerryFailure *failure)
{
  if (failure->code != FERRY_ERROR_AUTHENTICATION_FAILED ||
      !ferry_secrets_has_any_given (job->secrets))
    return;

  for (guint i = 0; i < job->files->len; i++)
    {
      FerryFile *other = g_ptr_array_index (job->files, i);
      FerryFailure *same;

      if (other->state != FERRY_FILE_STATE_PENDING || other->attempt != 0 ||
          !ferry_engine_is_same_origin (file->remote_url, other->remote_url))
        continue;
      same = ferry_failure_copy (failure);
      same->file = ferry_file_get_shown_index (other);
      ferry_file_fail (other, same);
      ferry_job_touch_file (job, other, FERRY_CHANGE_PROGRESS);
    }
}

void
ferry_engine_note_accepted (FerryEngine *self, FerryJob *job)
{
  Asking *asking = g_hash_table_lookup (self->askings, job);

  if (asking == NULL || asking->request == NULL || asking->accepted)
    return;
  asking->accepted = TRUE;
  ferry_agents_tell (self->agents, asking->request, TRUE);
}

void
ferry_engine_asking_moved (FerryEngine *self, FerryJob *job)
{
  Asking *asking = g_hash_table_lookup (self->askings, job);

  if (asking == NULL)
    return;
  if (job->state == FERRY_JOB_STATE_TRANSIENT_ERROR)
    {
      if (asking->challenge != NULL && asking->cancellable == NULL)
        ask (self, job, asking);
      return;
    }

  /* It went on, or ended, while it was asked for. */
  if (asking->cancellable != NULL)
    {
      g_cancellable_cancel (asking->cancellable);
      g_clear_object (&asking->cancellable);
      g_clear_pointer (&asking->challenge, g_variant_unref);
      g_clear_pointer (&asking->failure, ferry_failure_free);
    }
  if (ferry_job_state_is_final (job->state) || job->state == FERRY_JOB_STATE_ERROR ||
      job->state == FERRY_JOB_STATE_TRANSFERRED)
    g_hash_table_remove (self->askings, job);
}

gboolean
ferry_engine_is_asking (FerryEngine *self, FerryJob *job)
{
  const Asking *asking = g_hash_table_lookup (self->askings, job);

  return asking != NULL && asking->cancellable != NULL;
}

/* == agents come == */

static void
registered_cb (FerryAgents *agents, guint uid, gpointer data)
{
  FerryEngine *self = data;
  g_autoptr (GPtrArray) jobs = ferry_queue_list (self->queue, uid);

  for (guint i = 0; i < jobs->len; i++)
    ferry_engine_resume_with_login (self, g_ptr_array_index (jobs, i));
}

void
ferry_engine_resume_with_login (FerryEngine *self, FerryJob *job)
{
  if (ferry_job_lacks_login (job))
    ferry_engine_resume_by_itself (self, job, NULL);
}

void
ferry_engine_set_agents (FerryEngine *self, FerryAgents *agents)
{
  if (self->agents != NULL)
    g_signal_handlers_disconnect_by_data (self->agents, self);
  g_hash_table_remove_all (self->askings);
  g_set_object (&self->agents, agents);
  if (agents != NULL)
    g_signal_connect (agents, "registered", G_CALLBACK (registered_cb), self);
}
