/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The certificate by which a job proves to its server who its owner is (TLS client authentication, RFC 8446, 4.4.2). */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _WorkerCertificate WorkerCertificate;

/**
 * worker_certificate_new:
 * @place: an absolute path, of PEM with the private key in the same file or of PKCS #12; or a URI of PKCS #11 (RFC 7512)
 * @password: (nullable): of the key; of a token the PIN
 */
WorkerCertificate *worker_certificate_new (const char *place, const char *password);
/** @self may be %NULL. */
void worker_certificate_free (WorkerCertificate *self);

/** @busy: (nullable): monotonic µs since when a file call is under way, 0 = none; lives longer */
void worker_certificate_watch (WorkerCertificate *self, _Atomic gint64 *busy);

/** Returns: (transfer none): the place */
const char *worker_certificate_get_place (const WorkerCertificate *self);

/**
 * worker_certificate_prepare:
 * @message: to the server that it is for; @self outlives it
 *
 * Has @message's connection, if it is a new one, show the certificate to a server that asks for one. Reads it, when called
 * first. Blocks, also while another attempt tries the PIN of a token; of one thread alone.
 *
 * Returns: %FALSE with NO_FILE_ACCESS when it cannot be read, TLS_ERROR when it is none, AUTHENTICATION_FAILED when its key needs
 *   another password
 */
gboolean worker_certificate_prepare (WorkerCertificate *self, SoupMessage *message, GError **error);

/** To be called, in the same thread, when the message that was prepared last was sent, whatever came of it. */
void worker_certificate_end (WorkerCertificate *self);

/** Returns: whether @message was prepared with it */
gboolean worker_certificate_is_for (WorkerCertificate *self, SoupMessage *message);

/** @error: (inout): of a message: it becomes AUTHENTICATION_FAILED when a token needs another PIN. Returns: whether it did */
gboolean worker_certificate_explain (WorkerCertificate *self, GError **error);

/** Returns: whether the last error was for want of a password */
gboolean worker_certificate_wants_password (const WorkerCertificate *self);

G_END_DECLS
