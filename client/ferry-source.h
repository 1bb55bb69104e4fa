/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file that is sent, and where to. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * ferry_source_path:
 * @text: a path as typed
 *
 * The service looks again, as the same user; but here the answer can speak of what was typed.
 *
 * Returns: (transfer full) (nullable): the absolute path, links not resolved; an error when there is no regular file
 *   that can be read
 */
char *ferry_source_path (const char *text, GError **error);

/**
 * ferry_source_url:
 * @url: a URL without user and password
 * @path: what is sent to it
 * @protocol: (nullable): a word of UploadProtocol
 *
 * A PUT names the file that it makes: where @url names a directory, the name of @path is put behind it. The other
 * protocols post to @url, which may well be a directory; so may it be with `auto`.
 *
 * Returns: (transfer full): the URL to give to the service
 */
char *ferry_source_url (const char *url, const char *path, const char *protocol);

G_END_DECLS
