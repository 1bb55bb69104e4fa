/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The caller's *_proxy variables as properties of a job. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * FerryProxy:
 * @usage: `default`, `none` or `override`
 * @uri: (nullable): with `override`: the proxy, without user and password
 * @bypass: hosts that are reached without it
 * @credentials: (nullable): a (ssa{sv}) for the proxy
 */
typedef struct
{
  const char *usage;
  char *uri;             /* (owned) (nullable) */
  char **bypass;         /* (owned) */
  GVariant *credentials; /* (owned) (nullable) */
} FerryProxy;

/**
 * ferry_proxy_from_environment:
 * @url: what is to be fetched
 * @environment: (array zero-terminated=1): "NAME=value" entries
 *
 * http_proxy or https_proxy, by the scheme of @url, else all_proxy; no_proxy. Names in capitals too,
 * but for HTTP_PROXY, which a CGI program's client can set by a header.
 *
 * Returns: (transfer full) (nullable): what the variables say; an error when one cannot be understood
 */
FerryProxy *ferry_proxy_from_environment (const char *url, char **environment, GError **error);

void ferry_proxy_free (FerryProxy *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryProxy, ferry_proxy_free)

G_END_DECLS
