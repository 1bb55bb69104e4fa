/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text from outside: servers, errno, workers. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Default bound of ferry_text_clean(), bytes. */
#define FERRY_TEXT_MAX 1024

/**
 * ferry_text_clean:
 * @text: (nullable): anything
 * @max: most bytes of the result, without its NUL
 *
 * Every string that a server, a worker or the C library gave passes here before it is shown, logged or stored:
 * the result is valid UTF-8 without control characters (C0, DEL, C1, and the bidirectional
 * overrides, each replaced by U+FFFD), cut at a character boundary.
 *
 * Returns: (transfer full): the clean text, "" for %NULL
 */
char *ferry_text_clean (const char *text, gsize max);

/** Frees @text (transfer full) (nullable), a secret, of which nothing is left. */
void ferry_text_wipe (char *text);

/** The same for all of a %NULL-terminated list (transfer full) (nullable). */
void ferry_text_wipe_all (char **lines);

/** Returns: (transfer full): two lower-case digits for each of @size @bytes */
char *ferry_text_new_hex (const guint8 *bytes, gsize size);

G_END_DECLS
