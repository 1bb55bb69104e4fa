/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a login is good: a server or a proxy, as keyrings know it. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * FerryLoginServer:
 * @scheme: `http` or `https`
 * @host: in lower case, an IPv6 address without brackets
 * @port: never 0
 */
typedef struct
{
  char *scheme; /* (owned) */
  char *host;   /* (owned) */
  guint port;
} FerryLoginServer;

/**
 * ferry_login_server_new:
 * @scheme: how it is spoken to
 * @host: its name or address, however it was written
 * @port: its port
 *
 * Returns: (transfer full) (nullable): the server; InvalidArgs when @scheme is neither `http` nor `https`, @host is
 *   empty, or @port is none
 */
FerryLoginServer *ferry_login_server_new (const char *scheme, const char *host, guint port,
                                          GError **error);

/**
 * ferry_login_server_parse:
 * @url: a URL at the server, as typed
 *
 * Returns: (transfer full) (nullable): the server; InvalidArgs when @url is no URL or holds a user
 */
FerryLoginServer *ferry_login_server_parse (const char *url, GError **error);

/** Returns: (transfer full): "https://files.example", with the port where it is not the default; clean */
char *ferry_login_server_describe (const FerryLoginServer *self);

/** Returns: (transfer full): the same again */
FerryLoginServer *ferry_login_server_copy (const FerryLoginServer *self);

gboolean ferry_login_server_equal (const FerryLoginServer *self, const FerryLoginServer *other);

void ferry_login_server_free (FerryLoginServer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryLoginServer, ferry_login_server_free)

G_END_DECLS
