/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of http and https addresses by more than one program. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Returns: the port of @scheme, `http` or `https`, when an address names none */
guint ferry_uri_get_default_port (const char *scheme);

/** Returns: the port that @uri stands for, said or not */
guint ferry_uri_get_port (GUri *uri);

/** Both have a host. Returns: whether they have the same scheme, host and port (RFC 6454, 4), so that secrets for one may go to
 * the other */
gboolean ferry_uri_same_origin (GUri *a, GUri *b);

G_END_DECLS
