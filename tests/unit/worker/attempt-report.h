/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an attempt says at its end, of a download or an upload. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Returns: (transfer full) (nullable): the error's name ("ConnectionClosed") in a report's @arguments; %NULL = no error */
char *attempt_report_dup_error (GVariant *arguments);

/** Asserts that a report of @kind is a "failed" with error @name. */
void attempt_report_assert_failed (const char *kind, GVariant *arguments, const char *name,
                                   gboolean transient);

G_END_DECLS
