/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the BITS upload protocol does to names and addresses. Pure. */

#pragma once

#include "worker-upload.h"

G_BEGIN_DECLS

/**
 * worker_bits_clean_name:
 * @name: (type filename): last component of the local path
 *
 * Returns: (transfer full): what can be sent as Content-Name: at most 260 printable ASCII characters, none that Windows
 * forbids in a name
 */
char *worker_bits_clean_name (const char *name);

/**
 * worker_bits_resolve_reply:
 * @home: the upload's URL
 * @value: BITS-Reply-URL as sent: maybe relative, with backslashes and raw braces
 *
 * Returns: (transfer full) (nullable): the absolute URL, %NULL when it is of no use (malformed, too long, not http or
 * https, http when the upload was https, with a password)
 */
char *worker_bits_resolve_reply (GUri *home, const char *value);

G_END_DECLS
