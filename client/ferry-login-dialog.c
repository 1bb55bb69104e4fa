/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-login-dialog.h"

#include "ferry-terminal.h"
#include "ferry-text.h"

#include <stdio.h>
#include <string.h>

/* Of what comes from the other side, bytes. */
#define SHOWN_MAX 128

struct _FerryLoginDialog
{
  const FerryLoginQuery *query; /* (not owned) */
  FerryKeyringLogin *login;     /* (owned) (nullable): as far as it is typed */
  char *user;                   /* (owned) (nullable): if just Enter is typed */
  gboolean ask_keep;
  FerryTerminal *terminal;   /* (owned) (nullable): the question that is open */
  GCancellable *cancellable; /* (owned): of what is asked of the keyring */
  FerryLoginDialogFunc func;
  gpointer user_data;
};

static void ask_user (FerryLoginDialog *self);
static void ask_secret (FerryLoginDialog *self);

/* == the end == */

/* The dialog is gone after this. */
static void
finish (FerryLoginDialog *self, gboolean keep)
{
  self->func (g_steal_pointer (&self->login), keep, self->user_data);
}

static void
dismiss (FerryLoginDialog *self)
{
  g_clear_pointer (&self->login, ferry_keyring_login_free);
  finish (self, FALSE);
}

static gboolean
is_yes (const char *line)
{
  return line != NULL && (*line == 'y' || *line == 'Y');
}

static void
ask (FerryLoginDialog *self, const char *question, gboolean echo, FerryTerminalFunc func)
{
  g_clear_pointer (&self->terminal, ferry_terminal_free);
  self->terminal = ferry_terminal_ask (question, echo, func, self);
}

/* == the keyring == */

static void
keep_cb (const char *line, gsize length, gpointer user_data)
{
  finish (user_data, is_yes (line));
}

static void
is_open_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerryLoginDialog *self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean open = ferry_keyring_is_open_finish (result, &error);

  /* The dialog is gone. */
  if (error != NULL)
    return;

  if (open)
    ask (self, "Keep it in the keyring for next time? [y/N] ", TRUE, keep_cb);
  else
    finish (self, FALSE);
}

/* == the secret == */

/* No header carries control characters, and no keyring what is no text. */
static gboolean
is_secret (const char *line, gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      if (g_ascii_iscntrl (line[i]))
        return FALSE;
    }

  return g_utf8_validate (line, (gssize) length, NULL);
}

static void
secret_cb (const char *line, gsize length, gpointer user_data)
{
  FerryLoginDialog *self = user_data;

  if (line == NULL || (length == 0 && self->login->user == NULL))
    {
      dismiss (self);
      return;
    }
  if (length >= FERRY_TERMINAL_MAX || !is_secret (line, length))
    {
      fprintf (stderr, "That is %s.\n",
               length >= FERRY_TERMINAL_MAX ? "longer than can be typed here" : "no text");
      ask_secret (self);
      return;
    }

  self->login->secret = secret_value_new (line, (gssize) length, "text/plain");
  if (self->ask_keep)
    ferry_keyring_is_open_async (self->cancellable, is_open_cb, self);
  else
    finish (self, FALSE);
}

static void
ask_secret (FerryLoginDialog *self)
{
  g_autofree char *place = ferry_text_clean (self->query->certificate, SHOWN_MAX);
  g_autofree char *question = NULL;

  if (self->query->certificate != NULL)
    question = g_strdup_printf ("Password of %s: ", place);
  else
    question = g_strdup (self->login->user != NULL ? "Password: " : "Token: ");
  ask (self, question, FALSE, secret_cb);
}

/* == the user == */

static void
user_cb (const char *line, gsize length, gpointer user_data)
{
  FerryLoginDialog *self = user_data;
  g_autofree char *typed = line != NULL ? g_strstrip (g_strdup (line)) : NULL;

  if (typed == NULL || (*typed == '\0' && self->user == NULL))
    {
      dismiss (self);
      return;
    }
  if (*typed != '\0' && (length >= FERRY_TERMINAL_MAX || !ferry_login_is_user (typed)))
    {
      fprintf (stderr, "That is no user name: it must be text without a colon.\n");
      ask_user (self);
      return;
    }

  self->login->user = g_strdup (*typed != '\0' ? typed : self->user);
  ask_secret (self);
}

static void
ask_user (FerryLoginDialog *self)
{
  g_autofree char *clean = ferry_text_clean (self->user, SHOWN_MAX);
  g_autofree char *question = self->user != NULL ? g_strdup_printf ("User name [%s]: ", clean)
                                                 : g_strdup ("User name: ");

  ask (self, question, TRUE, user_cb);
}

static void
ask_login (FerryLoginDialog *self)
{
  if (ferry_login_query_get_password_scheme (self->query) != NULL)
    ask_user (self);
  else
    ask_secret (self);
}

/* == the beginning == */

static void
readable_cb (const char *line, gsize length, gpointer user_data)
{
  if (is_yes (line))
    ask_login (user_data);
  else
    dismiss (user_data);
}

static const char *
name_want (const FerryLoginQuery *query)
{
  if (query->certificate != NULL)
    return "client certificate, whose key has a password";

  return ferry_login_query_get_password_scheme (query) != NULL ? "login" : "token";
}

/* Who wants what. */
static void
greet (const FerryLoginQuery *query, FerryLoginTried tried)
{
  g_autofree char *url = ferry_login_server_describe (query->server);
  g_autofree char *realm = ferry_text_clean (query->realm, SHOWN_MAX);
  g_autoptr (GString) text = g_string_new (NULL);

  switch (tried)
    {
    case FERRY_LOGIN_TRIED_NOTHING:
      break;
    case FERRY_LOGIN_TRIED_TYPED:
      g_string_append (text, "That was not right. ");
      break;
    case FERRY_LOGIN_TRIED_OTHER:
      g_string_append (text, "What was known was not right. ");
      break;
    }
  g_string_append_printf (text, "%s%s (%s", query->proxy ? "The proxy " : "",
                          strstr (url, "://") + 3, query->server->scheme);
  if (*realm != '\0')
    g_string_append_printf (text, ", \"%s\"", realm);
  g_string_append_printf (text, ") wants a %s.", name_want (query));
  fprintf (stderr, "%s\n", text->str);
}

FerryLoginDialog *
ferry_login_dialog_new (const FerryLoginQuery *query, FerryLoginTried tried, const char *user,
                        gboolean ask_keep, FerryLoginDialogFunc func, gpointer user_data)
{
  FerryLoginDialog *self = g_new0 (FerryLoginDialog, 1);

  self->query = query;
  self->login = ferry_keyring_login_new (query);
  self->user = g_strdup (user);
  self->ask_keep = ask_keep;
  self->cancellable = g_cancellable_new ();
  self->func = func;
  self->user_data = user_data;

  greet (query, tried);
  if (ferry_login_query_is_readable (query))
    ask (self, "It is sent unencrypted: everybody on the way could read it. Go on? [y/N] ", TRUE,
         readable_cb);
  else
    ask_login (self);
  return self;
}

void
ferry_login_dialog_free (FerryLoginDialog *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_clear_pointer (&self->terminal, ferry_terminal_free);
  g_clear_pointer (&self->login, ferry_keyring_login_free);
  g_free (self->user);
  g_free (self);
}
