/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the person typed since the program was started, and what it was worth. */

#pragma once

#include "ferry-keyring.h"
#include "ferry-login-match.h"

G_BEGIN_DECLS

/**
 * FerryGivenState:
 * @FERRY_GIVEN_DISMISSED: the person does not want to
 * @FERRY_GIVEN_TYPED: it may be right
 * @FERRY_GIVEN_WRONG: it was wrong
 */
typedef enum
{
  FERRY_GIVEN_DISMISSED,
  FERRY_GIVEN_TYPED,
  FERRY_GIVEN_WRONG,
} FerryGivenState;

/**
 * FerryGiven: of one place: a server or a proxy, and a realm there
 * @login: what was typed; %NULL when nothing was
 * @keep: whether it is to be kept in the keyring
 * @readable: whether it was agreed to that others can read it
 */
typedef struct
{
  FerryLoginServer *server; /* (owned) */
  gboolean proxy;
  char *certificate; /* (owned) (nullable) */
  gboolean token;
  char *realm; /* (owned) */
  FerryGivenState state;
  FerryKeyringLogin *login; /* (owned) (nullable) */
  gboolean keep;
  gboolean readable;
  guint number; /* how often something was typed */
  guint kept;   /* the @number of what is in the keyring; 0 = none */
} FerryGiven;

typedef struct _FerryGivenLogins FerryGivenLogins;

FerryGivenLogins *ferry_given_logins_new (void);

void ferry_given_logins_free (FerryGivenLogins *self);

/** Returns: (transfer none) (nullable): what was given to such a question */
FerryGiven *ferry_given_logins_find (FerryGivenLogins *self, const FerryLoginQuery *query);

/**
 * ferry_given_logins_add:
 * @login: (transfer full) (nullable): what was typed; %NULL when the person does not want to
 * @keep: whether it is to be kept in the keyring
 *
 * Remembers it in place of what was given to such a question before.
 *
 * Returns: (transfer none): what was given
 */
FerryGiven *ferry_given_logins_add (FerryGivenLogins *self, const FerryLoginQuery *query,
                                    FerryKeyringLogin *login, gboolean keep);

/** Remembers that @request was answered by what @given is now. */
void ferry_given_logins_note_answer (FerryGivenLogins *self, const char *request,
                                     FerryGiven *given);

/**
 * ferry_given_logins_judge:
 * @request: that was answered
 * @accepted: whether the answer was right
 *
 * Returns: (transfer none) (nullable): what was given, unless the answer is not known, or something else was given since
 */
FerryGiven *ferry_given_logins_judge (FerryGivenLogins *self, const char *request,
                                      gboolean accepted);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryGivenLogins, ferry_given_logins_free)

G_END_DECLS
