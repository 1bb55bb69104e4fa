/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What servers want to know, in all the ways to say it. */

#include "worker-challenge.h"

static void
test_parse (void)
{
  static const char *const rows[][3] = {
    { "Basic realm=\"in here\"", "basic", "in here" },
    { "basic realm=plain", "basic", "plain" },
    { "BASIC realm = \"a, b\", charset=\"UTF-8\"", "basic", "a, b" },
    { "Basic", "basic", "" },
    { "Basic realm=\"x\", Digest realm=\"y\", nonce=\"a==\", qop=\"auth\"", "digest basic", "x" },
    { "Negotiate", "negotiate", "" },
    { "Negotiate YII=, Basic realm=\"z\"", "basic negotiate", "z" },
    { "Negotiate, NTLM", "ntlm negotiate", "" },
    { "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Bearer realm=\"simple\"",
      "bearer", "simple" },
    { "Bearer realm=\"a\", error=\"invalid_token\", error_description=\"Basic realm=b\"", "bearer",
      "a" },
    { "Digest nonce=\"n\"", "digest", "" },
    { "realm=\"x\"", "", "" },
    { ", ,Basic realm=\"\"", "basic", "" },
    { "Basic realm=\"never closed", "basic", NULL },
    { "", "", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *realm = NULL;
      g_auto (GStrv) schemes = worker_challenge_parse (rows[i][0], FALSE, &realm);
      g_autofree char *all = g_strjoinv (" ", schemes);

      g_test_message ("%s", rows[i][0]);
      g_assert_cmpstr (all, ==, rows[i][1]);
      g_assert_nonnull (realm);
      if (rows[i][2] != NULL)
        g_assert_cmpstr (realm, ==, rows[i][2]);
    }
}

static void
test_proxy (void)
{
  g_autofree char *realm = NULL;
  g_auto (GStrv)
      schemes = worker_challenge_parse ("Negotiate, NTLM, Bearer, Basic realm=\"x\"", TRUE, &realm);
  g_autofree char *all = g_strjoinv (" ", schemes);

  g_assert_cmpstr (all, ==, "basic ntlm negotiate");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-challenge/parse", test_parse);
  g_test_add_func ("/worker-challenge/proxy", test_proxy);
  return g_test_run ();
}
