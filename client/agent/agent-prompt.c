/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The library says that its dialogs may change; it has been the one way to them since GNOME 3.4. */
#define GCR_API_SUBJECT_TO_CHANGE

#include "agent-prompt.h"

#include "ferry-error.h"
#include "ferry-text.h"

#include <gcr/gcr-base.h>

/* Of a dialog of somebody else, which nobody knows the end of. */
#define WAIT_FOR_EVER -1

typedef struct
{
  const FerryLoginQuery *query;
  FerryKeyringLogin *login; /* (owned) */
  GcrPrompt *prompt;        /* (owned) (nullable) */
  gboolean remember;
} Asking;

static void
asking_free (Asking *asking)
{
  g_clear_pointer (&asking->login, ferry_keyring_login_free);
  g_clear_object (&asking->prompt);
  g_free (asking);
}

static void ask (GTask *task);

/* Takes the dialog away. */
static void
close_prompt (Asking *asking)
{
  if (asking->prompt != NULL)
    gcr_system_prompt_close_async (GCR_SYSTEM_PROMPT (asking->prompt), NULL, NULL, NULL);
}

static void
fail (GTask *task, GError *error)
{
  close_prompt (g_task_get_task_data (task));
  g_task_return_error (task, error);
}

static void
password_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Asking *asking = g_task_get_task_data (task);
  GError *error = NULL;
  /* The dialog's, which wipes it. */
  const char *text = gcr_prompt_password_finish (asking->prompt, result, &error);

  if (error != NULL)
    {
      fail (task, error);
      return;
    }
  if (text == NULL)
    {
      fail (task, g_error_new (FERRY_ERROR, FERRY_ERROR_AUTHORIZATION_DISMISSED,
                               "the person does not want to log in"));
      return;
    }

  if (*text != '\0' && asking->login->user == NULL && asking->login->scheme == NULL)
    asking->login->user = g_strdup (text);
  else if (*text != '\0')
    asking->login->secret = secret_value_new (text, -1, "text/plain");

  /* Who gave nothing is asked again. */
  if (asking->login->secret == NULL)
    {
      ask (g_steal_pointer (&task));
      return;
    }
  asking->remember = gcr_prompt_get_choice_chosen (asking->prompt);
  close_prompt (asking);
  g_task_return_boolean (task, TRUE);
}

/* What the dialog says below its question. */
static char *
describe (const FerryLoginQuery *query)
{
  g_autofree char *place = ferry_login_server_describe (query->server);
  g_autofree char *realm = ferry_text_clean (query->realm, 256);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "A transfer of Ferry must log in at the %s %s",
                          query->proxy ? "proxy" : "server", place);
  if (query->certificate != NULL)
    {
      g_autofree char *certificate = ferry_text_clean (query->certificate, 256);

      g_string_append_printf (text, " with the client certificate %s, whose key has a password",
                              certificate);
    }
  if (*realm != '\0')
    g_string_append_printf (text, ", which calls itself “%s”", realm);
  g_string_append_c (text, '.');
  if (query->attempt > 1)
    g_string_append (text, " What it was given before was wrong.");
  if (g_str_equal (query->server->scheme, "http"))
    g_string_append (text, " The connection is not encrypted: others may read what you type.");
  return g_string_free (text, FALSE);
}

/* The next question; @task (transfer full) goes on when it was answered. */
static void
ask (GTask *task)
{
  Asking *asking = g_task_get_task_data (task);
  const FerryLoginQuery *query = asking->query;
  g_autofree char *host = ferry_text_clean (query->server->host, 256);
  g_autofree char *user = ferry_text_clean (asking->login->user, 256);
  g_autofree char *description = describe (query);
  g_autofree char *message = NULL;

  gcr_prompt_reset (asking->prompt);
  gcr_prompt_set_title (asking->prompt, "Ferry");
  gcr_prompt_set_description (asking->prompt, description);
  if (query->certificate != NULL)
    message = g_strdup ("Password of a certificate");
  else if (asking->login->scheme != NULL)
    message = g_strdup_printf ("Token for %s", host);
  else if (asking->login->user != NULL)
    message = g_strdup_printf ("Password of %s at %s", user, host);
  else
    message = g_strdup_printf ("Your user name at %s (it is not shown, either)", host);
  gcr_prompt_set_message (asking->prompt, message);
  if (asking->login->scheme != NULL || asking->login->user != NULL)
    gcr_prompt_set_choice_label (asking->prompt, "Save it in the keyring");

  gcr_prompt_password_async (asking->prompt, g_task_get_cancellable (task), password_cb, task);
}

static void
open_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Asking *asking = g_task_get_task_data (task);
  GError *error = NULL;

  asking->prompt = gcr_system_prompt_open_finish (result, &error);
  if (asking->prompt == NULL)
    fail (task, error);
  else
    ask (g_steal_pointer (&task));
}

void
agent_prompt_async (const FerryLoginQuery *query, const char *user, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Asking *asking = g_new0 (Asking, 1);

  asking->query = query;
  asking->login = ferry_keyring_login_new (query);
  if (asking->login->scheme == NULL)
    asking->login->user = g_strdup (user);
  g_task_set_task_data (task, asking, (GDestroyNotify) asking_free);

  gcr_system_prompt_open_async (WAIT_FOR_EVER, cancellable, open_cb, task);
}

FerryKeyringLogin *
agent_prompt_finish (GAsyncResult *result, gboolean *remember, GError **error)
{
  Asking *asking = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;

  *remember = asking->remember;
  return g_steal_pointer (&asking->login);
}
