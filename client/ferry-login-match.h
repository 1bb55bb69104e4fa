/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the logins in a keyring fits a question of ferryd. Knows attributes only: no bus, no secrets. */

#pragma once

#include "ferry-login-server.h"

G_BEGIN_DECLS

/* Attributes of the schema org.gnome.keyring.NetworkPassword. */
#define FERRY_LOGIN_USER      "user"
#define FERRY_LOGIN_DOMAIN    "domain"
#define FERRY_LOGIN_OBJECT    "object"
#define FERRY_LOGIN_PROTOCOL  "protocol"
#define FERRY_LOGIN_PORT      "port"
#define FERRY_LOGIN_SERVER    "server"
#define FERRY_LOGIN_AUTH_TYPE "authtype"

/* In the last one, of the password of a client certificate's key, which has the certificate's place as `object`. */
#define FERRY_LOGIN_TYPE_KEY "password"

/**
 * FerryLoginQuery:
 * @job: id of the job that wants it
 * @server: where it must be good
 * @proxy: whether @server is a proxy
 * @realm: empty when none
 * @path: of the file at a server, empty for a proxy
 * @certificate: (nullable): the password of this client certificate's key is wanted, for @server; else %NULL
 * @schemes: (array zero-terminated=1): as of GetCredentials, best first
 * @attempt: from 1; with more what was answered before was rejected
 * @interactive: whether a person may be asked
 */
typedef struct
{
  char *job;                /* (owned) */
  FerryLoginServer *server; /* (owned) */
  gboolean proxy;
  char *realm;       /* (owned) */
  char *path;        /* (owned) */
  char *certificate; /* (owned) (nullable) */
  char **schemes;    /* (owned) */
  guint attempt;
  gboolean interactive;
} FerryLoginQuery;

/**
 * ferry_login_query_parse:
 * @dictionary: `query` of org.ferry.Transfer1.SecretAgent.GetCredentials
 *
 * Returns: (transfer full) (nullable): the question; InvalidArgs when it makes no sense
 */
FerryLoginQuery *ferry_login_query_parse (GVariant *dictionary, GError **error);

void ferry_login_query_free (FerryLoginQuery *self);

/** Returns: whether @scheme is one that would be taken */
gboolean ferry_login_query_takes (const FerryLoginQuery *self, const char *scheme);

/** Returns: whether @scheme has a secret alone, and no user */
gboolean ferry_login_scheme_is_bare (const char *scheme);

/** Returns: (nullable): the best scheme of a user and a password; %NULL when only a secret alone would be taken */
const char *ferry_login_query_get_password_scheme (const FerryLoginQuery *self);

/** Returns: the scheme to answer by, one with a secret alone only if no other would be taken */
const char *ferry_login_query_get_scheme (const FerryLoginQuery *self);

/** Returns: whether that scheme shows the secret to everybody on the way to the server; to a proxy that is as it is */
gboolean ferry_login_query_is_readable (const FerryLoginQuery *self);

/** Returns: whether both want the same of the same server or proxy */
gboolean ferry_login_query_is_same_place (const FerryLoginQuery *self, gboolean proxy,
                                          const char *certificate, const FerryLoginServer *server);

/** Returns: whether @text can be a user name for the schemes of HTTP */
gboolean ferry_login_is_user (const char *text);

/**
 * ferry_login_match_scheme:
 * @attributes: (element-type utf8 utf8): of an item of the schema org.gnome.keyring.NetworkPassword
 *
 * Returns: (nullable): the scheme that the item's secret is for; %NULL when the item is not for @query at all
 */
const char *ferry_login_match_scheme (const FerryLoginQuery *query, GHashTable *attributes);

/**
 * ferry_login_match_rate:
 * @attributes: (element-type utf8 utf8): of an item for which ferry_login_match_scheme() has a scheme
 *
 * Returns: how much of it speaks of @query: the item with the higher number is meant
 */
guint ferry_login_match_rate (const FerryLoginQuery *query, GHashTable *attributes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryLoginQuery, ferry_login_query_free)

G_END_DECLS
