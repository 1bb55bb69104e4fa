/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the URLs and paths of the command line to what the service wants. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * FerryUrl:
 * @url: without user and password
 * @user: (nullable): decoded
 * @password: (nullable): decoded
 */
typedef struct
{
  char *url;      /* (owned) */
  char *user;     /* (owned) (nullable) */
  char *password; /* (owned) (nullable) */
} FerryUrl;

/**
 * ferry_url_parse:
 * @text: an absolute URL
 *
 * Takes `user:password@` out. What else is wrong with a URL, the service says.
 *
 * Returns: (transfer full) (nullable): the URL; InvalidArgs when @text is not absolute (never with the password)
 */
FerryUrl *ferry_url_parse (const char *text, GError **error);

void ferry_url_free (FerryUrl *self);

/**
 * ferry_url_get_credentials:
 * @target: `server` or `proxy`
 *
 * Returns: (transfer floating) (nullable): a (ssa{sv}) for the service, %NULL when there is no user
 */
GVariant *ferry_url_get_credentials (const FerryUrl *self, const char *target);

/**
 * ferry_target_name:
 * @url: a URL
 *
 * Returns: (transfer full): the last segment of its path, decoded where that gives a usable and harmless file
 *   name, else as it is; "index.html" when it has none
 */
char *ferry_target_name (const char *url);

/**
 * ferry_target_path:
 * @url: a URL
 * @output: (nullable): -o as typed
 * @directory: (nullable): -d as typed
 *
 * Returns: (transfer full) (nullable): the absolute path to write to; an error when @output cannot be one, or when its
 *   directory is not there
 */
char *ferry_target_path (const char *url, const char *output, const char *directory,
                         GError **error);

/**
 * ferry_target_reply:
 * @text: --reply as typed
 *
 * Returns: (transfer full) (nullable): the absolute path of a reply; an error as that of ferry_target_path()
 */
char *ferry_target_reply (const char *text, GError **error);

/** Returns: (transfer full): @path made absolute, without resolving links */
char *ferry_target_absolute (const char *path);

/** Returns: whether @text can go over the bus; InvalidArgs naming @what when it is not UTF-8 */
gboolean ferry_target_check_utf8 (const char *what, const char *text, GError **error);

/** Returns: the mode of a new file: 0666 less the umask of this process */
guint ferry_target_mode (void);

/**
 * ferry_target_read_list:
 * @path: a file, "-" = stdin
 * @what: what it holds, for messages
 *
 * Reads one entry a line; empty lines and those that begin with "#" are left out, spaces around an entry too.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1): the entries
 */
char **ferry_target_read_list (const char *path, const char *what, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryUrl, ferry_url_free)

/** Makes @place, (inout) (nullable) a client certificate as it was typed, what the service takes: a path becomes absolute. */
void ferry_target_make_certificate (char **place);

G_END_DECLS
