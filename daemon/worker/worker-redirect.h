/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a redirect leads, and what may go along. Pure. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Redirects followed for one request. */
#define WORKER_MAX_REDIRECTS 10

/**
 * worker_uri_parse:
 * @text: the URL of a file
 *
 * Returns: (transfer full): the URL without its fragment, or %NULL with UNSUPPORTED_SCHEME (not
 * http
 *   or https) or INVALID_SERVER_RESPONSE (anything else that cannot be asked for)
 */
GUri *worker_uri_parse (const char *text, GError **error);

/** Returns: whether @status is a redirect that is followed (301, 302, 303, 307, 308) */
gboolean worker_redirect_is (guint status);

/**
 * worker_redirect_follows:
 * @status: of a redirect
 * @method: (nullable): of the request, %NULL = GET
 * @own: whether that is its owner's choice, and no protocol's
 * @body: whether it sends a file
 * @as_get: (out): whether the next request is a GET
 *
 * RFC 9110, 15.4: 303 means GET, and so do 301 and 302 of a POST. For a protocol a GET would mean nothing, and with a 301 or
 * 302 the file would have gone nowhere: then the redirect is the answer.
 *
 * Returns: whether the redirect is followed
 */
gboolean worker_redirect_follows (guint status, const char *method, gboolean own, gboolean body,
                                  gboolean *as_get);

/**
 * worker_redirect_resolve:
 * @from: the URL that was asked
 * @location: (nullable): the header Location, as sent
 * @count: redirects followed so far
 * @may_fall: whether https may lead to http
 *
 * Errors, which never hold the URL: TOO_MANY_REDIRECTS; UNSUPPORTED_SCHEME; INVALID_SERVER_RESPONSE
 * (no or a malformed Location, https to http, user name or password in it).
 *
 * Returns: (transfer full): the URL to ask next, or %NULL
 */
GUri *worker_redirect_resolve (GUri *from, const char *location, guint count, gboolean may_fall,
                               GError **error);

/** Returns: (transfer full): scheme, host and port of @uri as one string, for a table of hosts */
char *worker_uri_get_origin (GUri *uri);

G_END_DECLS
