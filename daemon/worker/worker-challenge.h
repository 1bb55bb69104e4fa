/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a server or a proxy wants to know of who asks (RFC 9110, 11.6 and 11.7). */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * worker_challenge_parse:
 * @value: a list of challenges, as in WWW-Authenticate
 * @proxy: whether it is a proxy's
 * @realm: (out) (transfer full): of the first scheme that we know; "" when none
 *
 * Returns: (transfer full): the schemes in it that we know, best first: digest, basic, bearer, ntlm, negotiate; may be empty
 */
char **worker_challenge_parse (const char *value, gboolean proxy, char **realm);

/**
 * worker_challenge_new:
 * @message: answered
 * @home: only its origin is told anything about the job's owner
 *
 * Returns: (transfer full) (nullable): `Challenge` of ferry-worker-protocol.h; %NULL when the answer is none to 401 by @home or
 *   407 by a proxy, or wants nothing that could be given
 */
GVariant *worker_challenge_new (SoupMessage *message, GUri *home);

/** @place: of the certificate that @home is to see. Returns: (transfer full): `Challenge`, for the password of its key */
GVariant *worker_challenge_new_for_key (GUri *home, const char *place);

G_END_DECLS
