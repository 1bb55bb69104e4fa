/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the person at the terminal for one login: question after question. */

#pragma once

#include "ferry-keyring.h"
#include "ferry-login-match.h"

G_BEGIN_DECLS

/**
 * FerryLoginTried:
 * @FERRY_LOGIN_TRIED_NOTHING: it is the first question
 * @FERRY_LOGIN_TRIED_TYPED: what the person typed before was wrong
 * @FERRY_LOGIN_TRIED_OTHER: what somebody else knew was wrong
 */
typedef enum
{
  FERRY_LOGIN_TRIED_NOTHING,
  FERRY_LOGIN_TRIED_TYPED,
  FERRY_LOGIN_TRIED_OTHER,
} FerryLoginTried;

/**
 * FerryLoginDialogFunc:
 * @login: (transfer full) (nullable): what was typed; %NULL when the person does not want to
 * @keep: whether it is to be kept in the keyring, once it was right
 */
typedef void (*FerryLoginDialogFunc) (FerryKeyringLogin *login, gboolean keep, gpointer user_data);

typedef struct _FerryLoginDialog FerryLoginDialog;

/**
 * ferry_login_dialog_new:
 * @query: what is asked for; outlives the dialog
 * @tried: what became of the answer before
 * @user: (nullable): who it is, if just Enter is typed
 * @ask_keep: whether to ask about the keyring, if it is open
 * @func: called once, in the default main context; may free the dialog
 *
 * What would go over plain http, for all to read, is asked for only after that was said, and agreed to.
 */
FerryLoginDialog *ferry_login_dialog_new (const FerryLoginQuery *query, FerryLoginTried tried,
                                          const char *user, gboolean ask_keep,
                                          FerryLoginDialogFunc func, gpointer user_data);

/** Takes back what was not answered. */
void ferry_login_dialog_free (FerryLoginDialog *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryLoginDialog, ferry_login_dialog_free)

G_END_DECLS
