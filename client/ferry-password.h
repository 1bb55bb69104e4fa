/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A password on its way from a person or a file. */

#pragma once

#include <libsecret/secret.h>

G_BEGIN_DECLS

/**
 * ferry_password_ask:
 * @question: what to print before the cursor
 *
 * Asks on the terminal that is standard input, and shows nothing of what is typed. A signal ends the program, with the
 * terminal as it was.
 *
 * Returns: (transfer full) (nullable): what was typed, without the end of its line; an error at the end of the input
 */
SecretValue *ferry_password_ask (const char *question, GError **error);

/**
 * ferry_password_read:
 * @path: a file, "-" = stdin
 *
 * Returns: (transfer full) (nullable): the first line of the file; InvalidArgs when that is empty or no text
 */
SecretValue *ferry_password_read (const char *path, GError **error);

G_END_DECLS
