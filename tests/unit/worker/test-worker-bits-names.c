/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that pass between us and a BITS server. */

#include "worker-upload-bits.h"

static void
test_names (void)
{
  g_autoptr (GUri) home = g_uri_parse ("https://h/up/f.bin?q", SOUP_HTTP_URI_FLAGS, NULL);
  static const char *const replies[][2] = {
    { "r\\{A}\\x", "https://h/up/r/%7BA%7D/x" },
    { "/r/%7BA%7D", "https://h/r/%7BA%7D" },
    { "https://other/x?y=z", "https://other/x?y=z" },
    { "http://h/x", NULL },
    { "javascript:alert(1)", NULL },
    { "https://u:p@h/x", NULL },
  };
  g_autofree char *clean = worker_bits_clean_name ("a\xC3\xA4:b\n.bin");

  g_assert_cmpstr (clean, ==, "a___b_.bin");
  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autofree char *url = worker_bits_resolve_reply (home, replies[i][0]);

      g_assert_cmpstr (url, ==, replies[i][1]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-bits-names/names", test_names);
  return g_test_run ();
}
