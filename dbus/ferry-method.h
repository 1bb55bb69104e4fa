/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods of requests (RFC 9110, 9), as far as ferryd, the worker and the command line must agree on them. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Characters of a method. */
#define FERRY_METHOD_MAX 32

/** Returns: whether the first @length bytes of @text are a token (RFC 9110, 5.6.2); none are no token */
gboolean ferry_method_is_token (const char *text, gsize length);

/** @method: (nullable): %NULL and "" are the job type's own. Returns: whether a request of it may be sent again when nobody
 * knows what became of the first (RFC 9110, 9.2.2, and those of WebDAV that only read) */
gboolean ferry_method_is_idempotent (const char *method);

/** Returns: whether a request of @method without a body has `Content-Length: 0` (RFC 9110, 8.6): not where nobody expects one */
gboolean ferry_method_wants_length (const char *method);

G_END_DECLS
