/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was typed, and for what else it is good. */

#include "ferry-given-logins.h"

static FerryLoginQuery *
make_query (const char *scheme, const char *realm, gboolean proxy, const char *auth)
{
  FerryLoginQuery *query = g_new0 (FerryLoginQuery, 1);

  query->server = ferry_login_server_new (scheme, "h", 8000, NULL);
  query->proxy = proxy;
  query->realm = g_strdup (realm);
  query->schemes = g_strsplit (auth, " ", -1);
  return query;
}

static FerryKeyringLogin *
make_login (const char *user, const char *secret)
{
  FerryKeyringLogin *login = g_new0 (FerryKeyringLogin, 1);

  login->user = g_strdup (user);
  login->secret = secret_value_new (secret, -1, "text/plain");
  return login;
}

static void
test_places (void)
{
  g_autoptr (FerryGivenLogins) logins = ferry_given_logins_new ();
  g_autoptr (FerryLoginQuery) query = make_query ("https", "in here", FALSE, "digest basic");
  g_autoptr (FerryLoginQuery) same = make_query ("https", "in here", FALSE, "basic");
  static const struct
  {
    const char *scheme;
    const char *realm;
    gboolean proxy;
    const char *auth;
  } others[] = {
    { "http", "in here", FALSE, "basic" },
    { "https", "out there", FALSE, "basic" },
    { "https", "in here", TRUE, "basic" },
    { "https", "in here", FALSE, "bearer" },
  };
  FerryGiven *given;

  g_assert_null (ferry_given_logins_find (logins, query));
  given = ferry_given_logins_add (logins, query, make_login ("alice", "x"), FALSE);
  g_assert_true (ferry_given_logins_find (logins, same) == given);
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (FerryLoginQuery)
          other = make_query (others[i].scheme, others[i].realm, others[i].proxy, others[i].auth);

      g_assert_null (ferry_given_logins_find (logins, other));
    }
}

static void
test_worth (void)
{
  g_autoptr (FerryGivenLogins) logins = ferry_given_logins_new ();
  g_autoptr (FerryLoginQuery) query = make_query ("https", "", FALSE, "basic");
  FerryGiven *given = ferry_given_logins_add (logins, query, make_login ("alice", "x"), TRUE);

  ferry_given_logins_note_answer (logins, "1", given);
  ferry_given_logins_note_answer (logins, "2", given);
  g_assert_true (ferry_given_logins_judge (logins, "1", TRUE) == given);
  g_assert_cmpint (given->state, ==, FERRY_GIVEN_TYPED);
  g_assert_null (ferry_given_logins_judge (logins, "3", FALSE));
  g_assert_true (ferry_given_logins_judge (logins, "1", FALSE) == given);
  g_assert_cmpint (given->state, ==, FERRY_GIVEN_WRONG);

  /* What was wrong before says nothing of what is typed now. */
  g_assert_true (ferry_given_logins_add (logins, query, make_login ("bob", "y"), TRUE) == given);
  g_assert_null (ferry_given_logins_judge (logins, "2", FALSE));
  g_assert_cmpint (given->state, ==, FERRY_GIVEN_TYPED);
  g_assert_cmpstr (given->login->user, ==, "bob");

  ferry_given_logins_add (logins, query, NULL, FALSE);
  g_assert_cmpint (given->state, ==, FERRY_GIVEN_DISMISSED);
  g_assert_null (given->login);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/given/places", test_places);
  g_test_add_func ("/client/given/worth", test_worth);
  return g_test_run ();
}
