/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `ferry login`: saves a login in the user's keyring, where ferry-agent finds it. */

#include "ferry-command-line.h"
#include "ferry-commands.h"
#include "ferry-keyring.h"
#include "ferry-login-match.h"
#include "ferry-password.h"
#include "ferry-target.h"
#include "ferry-text.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#define USER_MAX_BYTES 256

typedef struct
{
  char *user;   /* (owned) (nullable) */
  char *file;   /* (owned) (nullable) */
  char *scheme; /* (owned) (nullable) */
} LoginOptions;

static void
login_options_clear (LoginOptions *options)
{
  g_free (options->user);
  g_free (options->file);
  g_free (options->scheme);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LoginOptions, login_options_clear)

static gboolean
check_options (const LoginOptions *options, GError **error)
{
  static const char *const schemes[] = { "basic", "digest", "bearer", NULL };
  gboolean token = g_strcmp0 (options->scheme, "bearer") == 0;
  g_autofree char *clean = NULL;

  if (options->scheme != NULL && !g_strv_contains (schemes, options->scheme))
    {
      clean = ferry_text_clean (options->scheme, 64);
      ferry_exit_set_usage (error, "--scheme cannot be \"%s\": it must be basic, digest or bearer",
                            clean);
      return FALSE;
    }
  if (token && options->user != NULL)
    {
      ferry_exit_set_usage (error, "--user does not go with --scheme bearer: a token has no user");
      return FALSE;
    }
  if (options->user != NULL && (*options->user == '\0' || strchr (options->user, ':') != NULL))
    {
      ferry_exit_set_usage (error, "--user cannot be empty or hold a colon");
      return FALSE;
    }
  if (options->user != NULL && !ferry_target_check_utf8 ("the user", options->user, error))
    return FALSE;
  if (isatty (STDIN_FILENO) || (options->file != NULL && (token || options->user != NULL)))
    return TRUE;

  ferry_exit_set_usage (error, "without a terminal nobody can be asked: %s",
                        token ? "give the token by --password-file"
                              : "give --user and --password-file");
  return FALSE;
}

static char *
ask_user (const char *place, GError **error)
{
  char line[USER_MAX_BYTES];

  fprintf (stderr, "User name at %s: ", place);
  fflush (stderr);
  if (fgets (line, sizeof line, stdin) == NULL)
    line[0] = '\0';
  g_strstrip (line);
  if (!ferry_login_is_user (line))
    {
      ferry_exit_set_usage (error, "a user name cannot be empty or hold a colon");
      return NULL;
    }

  return g_strdup (line);
}

static gboolean
complete (FerryKeyringLogin *login, const LoginOptions *options, GError **error)
{
  g_autofree char *place = ferry_login_server_describe (login->server);
  g_autofree char *question = NULL;
  gboolean token = g_strcmp0 (login->scheme, "bearer") == 0;

  if (!token)
    login->user = options->user != NULL ? g_strdup (options->user) : ask_user (place, error);
  if (!token && login->user == NULL)
    return FALSE;

  question = token ? g_strdup_printf ("Token for %s: ", place)
                   : g_strdup_printf ("Password of %s at %s: ", login->user, place);
  login->secret = options->file != NULL ? ferry_password_read (options->file, error)
                                        : ferry_password_ask (question, error);
  return login->secret != NULL;
}

/* Whether the item is the one that a save of @login has written or replaced. */
static gboolean
is_same (const FerryKeyringItem *item, const FerryKeyringLogin *login)
{
  return g_strcmp0 (g_hash_table_lookup (item->attributes, FERRY_LOGIN_USER), login->user) == 0 &&
         g_strcmp0 (g_hash_table_lookup (item->attributes, FERRY_LOGIN_DOMAIN), login->realm) ==
             0 &&
         g_strcmp0 (g_hash_table_lookup (item->attributes, FERRY_LOGIN_AUTH_TYPE), login->scheme) ==
             0;
}

/* Who logs in means this login from now on, not one that was saved before. */
static gboolean
replace (const FerryKeyringLogin *login, GError **error)
{
  g_autoptr (GPtrArray) items = NULL;

  if (!ferry_keyring_save (login, NULL, error))
    return FALSE;
  items = ferry_keyring_find (login->server, FALSE, NULL, NULL, error);
  if (items == NULL)
    return FALSE;

  for (guint i = 0; i < items->len; i++)
    {
      FerryKeyringItem *item = g_ptr_array_index (items, i);

      if (item->ours && ferry_keyring_item_is_at (item, login->server) && !is_same (item, login) &&
          !ferry_keyring_item_remove (item, error))
        return FALSE;
    }
  return TRUE;
}

FerryExit
ferry_command_login (int argc, char **argv)
{
  g_auto (LoginOptions) options = { NULL };
  const GOptionEntry entries[] = {
    { "user", 0, 0, G_OPTION_ARG_STRING, &options.user, "the user name at the server", "NAME" },
    { "password-file", 0, 0, G_OPTION_ARG_FILENAME, &options.file,
      "read the password or token from the first line of this file, - is standard input", "FILE" },
    { "scheme", 0, 0, G_OPTION_ARG_STRING, &options.scheme,
      "send it by this scheme only: basic, digest or bearer (a token)", "SCHEME" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryKeyringLogin) login = g_new0 (FerryKeyringLogin, 1);

  /* A password passes through: no core dump, no tracing by the user's other programs. */
  prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (!ferry_command_line_parse ("login", entries, 1, 1, &argc, &argv, &error))
    return ferry_exit_report (error);
  login->server = ferry_login_server_parse (argv[1], &error);
  if (login->server == NULL || !check_options (&options, &error))
    return ferry_exit_report (error);

  login->scheme = g_strdup (options.scheme);
  if (!complete (login, &options, &error) || !replace (login, &error))
    return ferry_exit_report (error);

  return FERRY_EXIT_DONE;
}
