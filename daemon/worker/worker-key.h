/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certificates with their private keys, in files. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** A longer file is not read, bytes. */
#define WORKER_KEY_FILE_MAX (1024 * 1024)

/**
 * worker_key_load:
 * @path: absolute: PEM, certificates of its chain behind its own and the key anywhere (RFC 7468); or PKCS #12 (RFC 7292)
 * @password: (nullable): of the key
 * @wants_password: (out): whether the error is for want of another one
 *
 * Blocks.
 *
 * Returns: (transfer full) (nullable): %NULL with NO_FILE_ACCESS, TLS_ERROR when it holds something else, AUTHENTICATION_FAILED
 *   with @wants_password
 */
GTlsCertificate *worker_key_load (const char *path, const char *password, gboolean *wants_password,
                                  GError **error);

G_END_DECLS
