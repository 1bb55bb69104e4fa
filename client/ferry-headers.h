/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Request headers of the command line. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * ferry_headers_expand:
 * @words: (nullable) (array zero-terminated=1): headers, "Name: value" each; "@FILE" stands for the lines of a file, "@-" for
 *   those of stdin, so that a secret need not stand on the command line
 *
 * Returns: (transfer full) (nullable): the headers; InvalidArgs when one is none (its value is not repeated)
 */
char **ferry_headers_expand (char **words, GError **error);

/**
 * ferry_headers_split:
 * @headers: (array zero-terminated=1): headers
 * @plain: (out) (transfer full): those that are known to hold no secret, like Accept
 * @secret: (out) (transfer full): all others
 */
void ferry_headers_split (char **headers, char ***plain, char ***secret);

G_END_DECLS
