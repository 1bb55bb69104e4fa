/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which login of a keyring fits, and what a server is. */

#include "ferry-login-match.h"

#include <string.h>

/* "Key=value" words of one item. */
static GHashTable *
make_item (const char *text)
{
  GHashTable *attributes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  for (gsize i = 0; words[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (words[i], "=", 2);

      g_hash_table_insert (attributes, g_strdup (pair[0]), g_strdup (pair[1]));
    }
  return attributes;
}

static FerryLoginQuery *
make_query (const char *text)
{
  g_autoptr (GVariant) dictionary = g_variant_new_parsed (text);
  g_autoptr (GError) error = NULL;
  FerryLoginQuery *query;

  g_variant_ref_sink (dictionary);
  query = ferry_login_query_parse (dictionary, &error);
  g_assert_no_error (error);
  return query;
}

#define SERVER                                                                                     \
  "{'Scheme': <'https'>, 'Host': <'H.example'>, 'Port': <uint32 443>, 'Realm': <'r'>, "            \
  "'Path': <'/dir/file'>, 'AuthSchemes': <['digest', 'basic']>}"
#define OTHER_PORT                                                                                 \
  "{'Scheme': <'https'>, 'Host': <'h.example'>, 'Port': <uint32 8443>, "                           \
  "'AuthSchemes': <['basic']>}"
#define PROXY                                                                                      \
  "{'Target': <'proxy'>, 'Scheme': <'http'>, 'Host': <'p'>, 'Port': <uint32 3128>, "               \
  "'Realm': <'r'>, 'Path': <''>, 'AuthSchemes': <['bearer', 'basic']>}"
#define TOKENS                                                                                     \
  "{'Scheme': <'http'>, 'Host': <'::1'>, 'Port': <uint32 80>, 'AuthSchemes': <['bearer']>}"
#define KEY                                                                                        \
  "{'Target': <'certificate'>, 'Scheme': <'https'>, 'Host': <'h.example'>, 'Port': <uint32 443>, " \
  "'Realm': <''>, 'Path': <'/k.pem'>, 'AuthSchemes': <['password']>}"

static void
test_scheme (void)
{
  static const struct
  {
    const char *query;
    const char *item;
    const char *scheme;
  } rows[] = {
    { SERVER, "user=u protocol=https server=h.example port=443", "digest" },
    { SERVER, "user=u protocol=https server=h.example", "digest" },
    { SERVER, "user=u protocol=https server=h.example port=0", "digest" },
    { SERVER, "user=u protocol=HTTPS server=H.EXAMPLE", "digest" },
    { SERVER, "user=u protocol=https server=h.example authtype=Basic", "basic" },
    { SERVER, "user=u protocol=https server=h.example authtype=", "digest" },
    { SERVER, "user=u protocol=https server=h.example domain=r object=/dir", "digest" },
    { SERVER, "user=u protocol=https server=h.example object=r", "digest" },
    /* Another place. */
    { SERVER, "user=u protocol=http server=h.example port=443", NULL },
    { SERVER, "user=u protocol=https server=h.example port=80", NULL },
    { SERVER, "user=u protocol=https server=h.example port=443x", NULL },
    { SERVER, "user=u protocol=https server=h.example port=-443", NULL },
    { SERVER, "user=u protocol=https server=h.example port=70000", NULL },
    { SERVER, "user=u protocol=https server=example", NULL },
    { SERVER, "user=u protocol=https", NULL },
    { SERVER, "user=u server=h.example", NULL },
    { SERVER, "user=u protocol=https server=h.example domain=s", NULL },
    { SERVER, "user=u protocol=https server=h.example object=s", NULL },
    { SERVER, "user=u protocol=https server=h.example object=/other", NULL },
    /* Another way. */
    { SERVER, "user=u protocol=https server=h.example authtype=ntlm", NULL },
    { SERVER, "user=u protocol=https server=h.example authtype=bearer", NULL },
    { SERVER, "user=u protocol=https server=h.example authtype=proxy", NULL },
    { SERVER, "protocol=https server=h.example", NULL },
    { OTHER_PORT, "user=u protocol=https server=h.example port=8443", "basic" },
    { OTHER_PORT, "user=u protocol=https server=h.example", NULL },
    { OTHER_PORT, "user=u protocol=https server=h.example port=8443 domain=r", NULL },
    { PROXY, "user=u protocol=http server=p port=3128", "basic" },
    { PROXY, "user=u protocol=http server=p port=3128 object=r authtype=proxy", "basic" },
    { PROXY, "protocol=http server=p port=3128 authtype=bearer", "bearer" },
    { PROXY, "user=u protocol=http server=p port=3128 object=/", NULL },
    { TOKENS, "protocol=http server=::1 authtype=bearer", "bearer" },
    { TOKENS, "user=u protocol=http server=::1", NULL },
    /* The key of a certificate. */
    { KEY, "protocol=https server=h.example object=/k.pem authtype=password", "password" },
    { KEY, "protocol=https server=h.example object=/other.pem authtype=password", NULL },
    { KEY, "protocol=https server=other object=/k.pem authtype=password", NULL },
    { KEY, "protocol=https server=h.example object=/k.pem", NULL },
    { KEY, "user=u protocol=https server=h.example", NULL },
    { SERVER, "user=u protocol=https server=h.example object=/dir authtype=password", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (FerryLoginQuery) query = make_query (rows[i].query);
      g_autoptr (GHashTable) item = make_item (rows[i].item);

      g_test_message ("%s", rows[i].item);
      g_assert_cmpstr (ferry_login_match_scheme (query, item), ==, rows[i].scheme);
    }
}

/* Each says more than the one before. */
static void
test_rate (void)
{
  static const char *const items[] = {
    "user=u protocol=https server=h.example",
    "user=u protocol=https server=h.example object=/",
    "user=u protocol=https server=h.example object=/dir",
    "user=u protocol=https server=h.example authtype=basic",
    "user=u protocol=https server=h.example authtype=basic object=/",
    "user=u protocol=https server=h.example domain=r",
    "user=u protocol=https server=h.example domain=r authtype=basic object=/dir",
    "user=u protocol=https server=h.example port=443",
    "user=u protocol=https server=h.example port=443 object=r",
  };
  g_autoptr (FerryLoginQuery) query = make_query (SERVER);
  guint before = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (items); i++)
    {
      g_autoptr (GHashTable) item = make_item (items[i]);
      guint rate = ferry_login_match_rate (query, item);

      g_test_message ("%s", items[i]);
      g_assert_nonnull (ferry_login_match_scheme (query, item));
      if (i > 0)
        g_assert_cmpuint (rate, >, before);
      before = rate;
    }
}

static void
test_query (void)
{
  static const char *const bad[] = {
    "@a{sv} {}",
    "{'Scheme': <'ftp'>, 'Host': <'h'>, 'Port': <uint32 21>, 'AuthSchemes': <['basic']>}",
    "{'Scheme': <'http'>, 'Host': <''>, 'Port': <uint32 80>, 'AuthSchemes': <['basic']>}",
    "{'Scheme': <'http'>, 'Host': <'h'>, 'Port': <uint32 0>, 'AuthSchemes': <['basic']>}",
    "{'Scheme': <'http'>, 'Host': <'h'>, 'Port': <uint32 65536>, 'AuthSchemes': <['basic']>}",
    "{'Scheme': <'http'>, 'Host': <'h'>, 'Port': <uint32 80>, 'AuthSchemes': <@as []>}",
    "{'Scheme': <'http'>, 'Host': <'h'>, 'Port': <'80'>, 'AuthSchemes': <['basic']>}",
  };
  g_autoptr (FerryLoginQuery) query = make_query (PROXY);

  g_assert_true (query->proxy);
  g_assert_cmpuint (query->attempt, ==, 1);
  g_assert_false (query->interactive);
  g_assert_cmpstr (ferry_login_query_get_password_scheme (query), ==, "basic");
  g_assert_true (ferry_login_query_takes (query, "bearer"));
  g_assert_false (ferry_login_query_takes (query, "digest"));

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GVariant) dictionary = g_variant_ref_sink (g_variant_new_parsed (bad[i]));
      g_autoptr (GError) error = NULL;

      g_assert_null (ferry_login_query_parse (dictionary, &error));
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
    }
}

/* How it is answered, and who can read that on the way. */
static void
test_answer (void)
{
  static const struct
  {
    const char *query;
    const char *scheme;
    gboolean readable;
  } rows[] = {
    { "{'Scheme': <'https'>, 'AuthSchemes': <['digest', 'basic', 'bearer']>}", "digest", FALSE },
    { "{'Scheme': <'http'>, 'AuthSchemes': <['digest', 'basic', 'bearer']>}", "digest", FALSE },
    { "{'Scheme': <'http'>, 'AuthSchemes': <['bearer', 'basic']>}", "basic", TRUE },
    { "{'Scheme': <'http'>, 'AuthSchemes': <['bearer']>}", "bearer", TRUE },
    { "{'Scheme': <'https'>, 'AuthSchemes': <['bearer']>}", "bearer", FALSE },
    { "{'Scheme': <'http'>, 'Target': <'proxy'>, 'AuthSchemes': <['basic']>}", "basic", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GVariant) dictionary = g_variant_parse (NULL, rows[i].query, NULL, NULL, NULL);
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (dictionary);
      g_autoptr (GVariant) whole = NULL;
      g_autoptr (FerryLoginQuery) query = NULL;

      g_variant_dict_insert (&dict, "Host", "s", "h");
      g_variant_dict_insert (&dict, "Port", "u", 8000);
      whole = g_variant_ref_sink (g_variant_dict_end (&dict));
      query = ferry_login_query_parse (whole, NULL);
      g_assert_cmpstr (ferry_login_query_get_scheme (query), ==, rows[i].scheme);
      g_assert_cmpint (ferry_login_query_is_readable (query), ==, rows[i].readable);
    }
}

static void
test_user (void)
{
  g_assert_true (ferry_login_is_user ("al\303\257ce smith"));
  g_assert_false (ferry_login_is_user (""));
  g_assert_false (ferry_login_is_user ("a:b"));
  g_assert_false (ferry_login_is_user ("a\033b"));
  g_assert_false (ferry_login_is_user ("a\377"));
}

static void
test_server (void)
{
  static const char *const rows[][2] = {
    { "https://Files.Example/x?y#z", "https://files.example" },
    { "https://h:443", "https://h" },
    { "HTTP://h:443/", "http://h:443" },
    { "http://h:80/", "http://h" },
    { "http://[::1]:8080/", "http://[::1]:8080" },
    { "ftp://h/", NULL },
    { "h/x", NULL },
    { "https:///x", NULL },
    { "https://h:0/", NULL },
    { "https://h:99999/", NULL },
    { "https://u@h/", NULL },
    { "https://u:swordfish@h/", NULL },
    { "u:swordfish@h", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryLoginServer) server = ferry_login_server_parse (rows[i][0], &error);
      g_autofree char *text = server != NULL ? ferry_login_server_describe (server) : NULL;

      g_assert_cmpstr (text, ==, rows[i][1]);
      if (server != NULL)
        continue;
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
      g_assert_null (strstr (error->message, "swordfish"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/login/scheme", test_scheme);
  g_test_add_func ("/client/login/rate", test_rate);
  g_test_add_func ("/client/login/query", test_query);
  g_test_add_func ("/client/login/answer", test_answer);
  g_test_add_func ("/client/login/user", test_user);
  g_test_add_func ("/client/login/server", test_server);
  return g_test_run ();
}
