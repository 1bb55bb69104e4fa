/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user's keyring, through libsecret: logins as GNOME's programs save them. What is not _async() waits, maybe for a
 * person. */

#pragma once

#include "ferry-login-match.h"

#include <libsecret/secret.h>

G_BEGIN_DECLS

/**
 * FerryKeyringItem:
 * @attributes: (element-type utf8 utf8): see ferry-login-match.h
 * @ours: whether `ferry login` or ferry-agent saved it
 */
typedef struct
{
  SecretService *service; /* (owned): without it @item, which does not hold it, is of no use */
  SecretItem *item;       /* (owned) */
  GHashTable *attributes; /* (owned) */
  gboolean ours;
} FerryKeyringItem;

/**
 * FerryKeyringLogin:
 * @server: where it is good
 * @user: (nullable): %NULL for a token
 * @realm: (nullable): %NULL = any
 * @scheme: (nullable): of GetCredentials; %NULL = whatever takes a user and a password
 * @certificate: (nullable): whose key has the password, of scheme `password`
 * @secret: the password or token
 */
typedef struct
{
  FerryLoginServer *server; /* (owned) */
  char *user;               /* (owned) (nullable) */
  char *realm;              /* (owned) (nullable) */
  char *scheme;             /* (owned) (nullable) */
  char *certificate;        /* (owned) (nullable) */
  SecretValue *secret;      /* (owned) */
} FerryKeyringLogin;

/**
 * ferry_keyring_find:
 * @unlock: whether to have a person unlock what is locked
 * @locked: (out) (optional): whether there are items that are locked still, and therefore not returned
 *
 * Returns: (transfer full) (element-type FerryKeyringItem) (nullable): the logins for the host and the scheme of @server,
 *   for whatever port, the newest first; an error when the keyring cannot be asked
 */
GPtrArray *ferry_keyring_find (const FerryLoginServer *server, gboolean unlock, gboolean *locked,
                               GCancellable *cancellable, GError **error);

/** Returns: (transfer full): what @query asks for, without user and secret */
FerryKeyringLogin *ferry_keyring_login_new (const FerryLoginQuery *query);

/** Returns: (transfer full) (nullable): the item's secret, %NULL with @error also when it is no text */
SecretValue *ferry_keyring_item_load (FerryKeyringItem *self, GCancellable *cancellable,
                                      GError **error);

/** Removes the item from the keyring; a locked keyring asks the person. */
gboolean ferry_keyring_item_remove (FerryKeyringItem *self, GError **error);

/** Returns: whether the item is for that very port */
gboolean ferry_keyring_item_is_at (const FerryKeyringItem *self, const FerryLoginServer *server);

/** Returns: (transfer full): "alice", or "a token" when it has no user; clean */
char *ferry_keyring_item_describe (const FerryKeyringItem *self);

void ferry_keyring_item_free (FerryKeyringItem *self);

/**
 * ferry_keyring_save:
 *
 * Saves @login in the default keyring, marked as ours, in place of an item of ours with the same attributes. A locked
 * keyring asks the person.
 */
gboolean ferry_keyring_save (const FerryKeyringLogin *login, GCancellable *cancellable,
                             GError **error);

/** The same for @login (transfer full), in a thread. */
void ferry_keyring_save_async (FerryKeyringLogin *login, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);

/** Returns: whether it is saved */
gboolean ferry_keyring_save_finish (GAsyncResult *result, GError **error);

/** Asks whether something can be saved now, without starting a keyring, or having a person unlock it. */
void ferry_keyring_is_open_async (GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);

/** Returns: whether it can; an error only when it was cancelled */
gboolean ferry_keyring_is_open_finish (GAsyncResult *result, GError **error);

/** Returns: (transfer full): the same again; the secret is there once */
FerryKeyringLogin *ferry_keyring_login_copy (const FerryKeyringLogin *self);

void ferry_keyring_login_free (FerryKeyringLogin *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryKeyringItem, ferry_keyring_item_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryKeyringLogin, ferry_keyring_login_free)

G_END_DECLS
