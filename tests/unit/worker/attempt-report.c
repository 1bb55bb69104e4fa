/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "attempt-report.h"

#include <string.h>

char *
attempt_report_dup_error (GVariant *arguments)
{
  g_autoptr (GVariant) error = g_variant_lookup_value (arguments, "Error", G_VARIANT_TYPE_VARDICT);
  const char *name = NULL;
  const char *message = NULL;

  if (error == NULL)
    return NULL;
  g_assert_true (g_variant_lookup (error, "Name", "&s", &name));
  g_assert_true (g_variant_lookup (error, "Message", "&s", &message));
  g_test_message ("%s: %s", name, message);
  /* No error of ours holds an address. */
  g_assert_null (strstr (message, "://"));
  g_assert_true (g_str_has_prefix (name, "org.ferry.Transfer1.Error."));
  return g_strdup (name + strlen ("org.ferry.Transfer1.Error."));
}

void
attempt_report_assert_failed (const char *kind, GVariant *arguments, const char *name,
                              gboolean transient)
{
  g_autofree char *found = attempt_report_dup_error (arguments);
  gboolean is_transient = !transient;

  g_assert_cmpstr (kind, ==, "failed");
  g_assert_cmpstr (found, ==, name);
  g_assert_true (g_variant_lookup (arguments, "Transient", "b", &is_transient));
  g_assert_cmpint (is_transient, ==, transient);
}
