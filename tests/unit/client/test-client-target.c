/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of URLs, paths, lists, headers and proxy variables. */

#include "ferry-error.h"
#include "ferry-headers.h"
#include "ferry-proxy.h"
#include "ferry-target.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static void
test_name (void)
{
  static const char *const rows[][2] = {
    { "http://h/a.iso", "a.iso" },
    { "http://h/dir/a.iso?x=/y#z", "a.iso" },
    { "http://h", "index.html" },
    { "http://h/", "index.html" },
    { "http://h/dir/", "index.html" },
    { "http://h?x=1", "index.html" },
    { "http://h/a%20b.txt", "a b.txt" },
    { "http://h/%C3%A9t%C3%A9", "été" },
    /* What would be a path, a hidden trap or an escape sequence stays as it was sent. */
    { "http://h/..%2F..%2Fetc%2Fpasswd", "..%2F..%2Fetc%2Fpasswd" },
    { "http://h/a%1b%5b31m", "a%1b%5b31m" },
    { "http://h/a%00b", "a%00b" },
    { "http://h/a%ff", "a%ff" },
    { "http://h/100%", "100%" },
    { "http://h/..", "index.html" },
    { "http://h/.", "index.html" },
    { "http://h/%2e%2e", "%2e%2e" },
    { "http://user@h/x@y", "x@y" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *name = ferry_target_name (rows[i][0]);

      g_assert_cmpstr (name, ==, rows[i][1]);
    }
}

static void
test_credentials (void)
{
  static const char *const rows[][4] = {
    { "https://h/x", "https://h/x", NULL, NULL },
    { "https://u:p@h:8080/x?a=b@c", "https://h:8080/x?a=b@c", "u", "p" },
    { "https://u@h/x", "https://h/x", "u", "" },
    { "https://u:@h/x", "https://h/x", "u", "" },
    { "https://a%40b:p%3Aq%2F@h/", "https://h/", "a@b", "p:q/" },
    /* Passwords as people paste them. */
    { "https://u:p@ss@h/x", "https://h/x", "u", "p@ss" },
    { "https://u:50%@h/x", "https://h/x", "u", "50%" },
    { "https://u:a:b@h/x", "https://h/x", "u", "a:b" },
    { "https://@h/x", "https://h/x", NULL, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryUrl) url = ferry_url_parse (rows[i][0], &error);
      GVariant *credentials;

      g_assert_no_error (error);
      g_assert_cmpstr (url->url, ==, rows[i][1]);
      g_assert_cmpstr (url->user, ==, rows[i][2]);
      g_assert_cmpstr (url->password, ==, rows[i][3]);
      credentials = ferry_url_get_credentials (url, "server");
      g_assert_true ((credentials != NULL) == (url->user != NULL));
      if (credentials != NULL)
        g_variant_unref (g_variant_ref_sink (credentials));
    }
}

static void
test_bad_urls (void)
{
  static const char *const rows[] = { "",        "example.org/x", "/etc/passwd", "http:",
                                      "http://", "http:///x",     "http:x",      "\xff://h" };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ferry_url_parse (rows[i], &error));
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
    }
}

static void
test_bad_url_hides_password (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_url_parse ("user:secret@example.org/x", &error));
  g_assert_null (strstr (error->message, "secret"));
}

static void
test_path (void)
{
  g_autofree char *directory = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (directory, "f", NULL);
  g_autofree char *below_file = g_build_filename (file, "x", NULL);
  g_autofree char *wanted = g_build_filename (directory, "a.iso", NULL);
  g_autofree char *given = NULL, *named = NULL, *relative = NULL;
  g_autofree char *old = g_get_current_dir ();
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  given = ferry_target_path ("http://h/x", wanted, NULL, &error);
  g_assert_cmpstr (given, ==, wanted);
  named = ferry_target_path ("http://h/a.iso", NULL, directory, &error);
  g_assert_cmpstr (named, ==, wanted);
  g_assert_cmpint (g_chdir (directory), ==, 0);
  relative = ferry_target_path ("http://h/x", "./b/../a.iso", NULL, &error);
  g_assert_cmpstr (relative, ==, wanted);
  g_assert_cmpint (g_chdir (old), ==, 0);

  g_assert_null (ferry_target_path ("http://h/x", "-", NULL, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  g_clear_error (&error);
  g_assert_null (ferry_target_path ("http://h/x", directory, NULL, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  g_clear_error (&error);
  g_assert_null (ferry_target_path ("http://h/x", "/nonexistent/x", NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
  g_assert_nonnull (strstr (error->message, "/nonexistent"));
  g_clear_error (&error);
  g_assert_null (ferry_target_path ("http://h/x", below_file, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
  g_clear_error (&error);
  g_assert_null (ferry_target_path ("http://h/x", "/tmp/\xff", NULL, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);

  g_assert_cmpint (g_unlink (file), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

/* What was typed behind --reply is told by that name. */
static void
test_reply (void)
{
  static const struct
  {
    const char *text;
    const char *message;
  } refused[] = {
    { "-", "--reply - is not supported" },
    { "", "--reply takes the name of a file" },
    { "/tmp", "--reply takes the name of a file, \"/tmp\" is a directory" },
    { "/nonexistent/x", "/nonexistent" },
  };
  g_autofree char *current = g_get_current_dir ();
  g_autofree char *wanted = g_build_filename (current, "receipt", NULL);
  g_autofree char *path = ferry_target_reply ("./b/../receipt", NULL);

  g_assert_cmpstr (path, ==, wanted);
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ferry_target_reply (refused[i].text, &error));
      g_assert_nonnull (strstr (error->message, refused[i].message));
    }
}

static void
test_mode (void)
{
  mode_t old = umask (027);

  g_assert_cmpuint (ferry_target_mode (), ==, 0640);
  /* It was only asked for. */
  g_assert_cmpuint (umask (old), ==, 027);
}

static char *
write_list (const char *text)
{
  char *path = NULL;
  int fd = g_file_open_tmp ("ferry-test-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static void
test_list (void)
{
  g_autofree char *path = write_list ("# comment\n\n  http://h/a \r\nhttp://h/b#fragment");
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) entries = ferry_target_read_list (path, "URLs", &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (entries), ==, 2);
  g_assert_cmpstr (entries[0], ==, "http://h/a");
  g_assert_cmpstr (entries[1], ==, "http://h/b#fragment");
  g_unlink (path);

  g_assert_null (ferry_target_read_list (path, "URLs", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR);
}

static void
test_headers (void)
{
  g_autofree char *path = write_list ("Cookie: a=b\n");
  g_autofree char *reference = g_strconcat ("@", path, NULL);
  char *words[] = { (char *) "accept: text/html", (char *) "X-Key: 1", reference, NULL };
  char *bad[] = { (char *) "Authorization Bearer secret", NULL };
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) headers = ferry_headers_expand (words, &error);
  g_auto (GStrv) plain = NULL;
  g_auto (GStrv) secret = NULL;
  g_auto (GStrv) none = ferry_headers_expand (NULL, NULL);

  g_assert_no_error (error);
  ferry_headers_split (headers, &plain, &secret);
  g_assert_cmpuint (g_strv_length (plain), ==, 1);
  g_assert_cmpstr (plain[0], ==, "accept: text/html");
  g_assert_cmpuint (g_strv_length (secret), ==, 2);
  g_assert_cmpstr (secret[1], ==, "Cookie: a=b");
  g_assert_cmpuint (g_strv_length (none), ==, 0);
  g_unlink (path);

  g_assert_null (ferry_headers_expand (bad, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  g_assert_null (strstr (error->message, "secret"));
}

static FerryProxy *
get_proxy (const char *url, const char *variables)
{
  g_auto (GStrv) environment = g_strsplit (variables, "|", -1);
  g_autoptr (GError) error = NULL;
  FerryProxy *proxy = ferry_proxy_from_environment (url, environment, &error);

  g_assert_no_error (error);
  return proxy;
}

static void
test_proxy (void)
{
  static const char *const rows[][4] = {
    /* URL, environment, usage, URI */
    { "http://h/", "", "default", NULL },
    { "http://h/", "http_proxy=http://p:3128", "override", "http://p:3128" },
    { "https://h/", "http_proxy=http://p:3128", "default", NULL },
    { "https://h/", "https_proxy=p:3128", "override", "http://p:3128" },
    { "https://h/", "HTTPS_PROXY=http://q", "override", "http://q" },
    { "https://h/", "HTTPS_PROXY=http://q|https_proxy=http://p", "override", "http://p" },
    /* A client of a CGI program can set it. */
    { "http://h/", "HTTP_PROXY=http://evil", "default", NULL },
    { "http://h/", "ALL_PROXY=socks5://s:1080", "override", "socks5://s:1080" },
    { "http://h/", "http_proxy=http://p|all_proxy=http://a", "override", "http://p" },
    { "http://h/", "http_proxy=|all_proxy=http://a", "none", NULL },
    { "http://h/", "http_proxy=http://p|no_proxy=*", "none", NULL },
    { "http://h/", "no_proxy=h", "default", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (FerryProxy) proxy = get_proxy (rows[i][0], rows[i][1]);

      g_assert_cmpstr (proxy->usage, ==, rows[i][2]);
      g_assert_cmpstr (proxy->uri, ==, rows[i][3]);
      g_assert_null (proxy->credentials);
    }
}

static void
test_proxy_details (void)
{
  g_autoptr (FerryProxy) proxy = get_proxy (
      "http://h/",
      "http_proxy=http://u:secret@p:3128/|NO_PROXY=localhost, .example.org ,10.0.0.0/8");
  char *broken[] = { (char *) "http_proxy=http://", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (proxy->uri, ==, "http://p:3128/");
  g_assert_nonnull (proxy->credentials);
  g_assert_cmpuint (g_strv_length (proxy->bypass), ==, 3);
  g_assert_cmpstr (proxy->bypass[1], ==, ".example.org");

  g_assert_null (ferry_proxy_from_environment ("http://h/", broken, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/target/name", test_name);
  g_test_add_func ("/client/target/credentials", test_credentials);
  g_test_add_func ("/client/target/bad-urls", test_bad_urls);
  g_test_add_func ("/client/target/bad-url-hides-password", test_bad_url_hides_password);
  g_test_add_func ("/client/target/path", test_path);
  g_test_add_func ("/client/target/reply", test_reply);
  g_test_add_func ("/client/target/mode", test_mode);
  g_test_add_func ("/client/target/list", test_list);
  g_test_add_func ("/client/target/headers", test_headers);
  g_test_add_func ("/client/target/proxy", test_proxy);
  g_test_add_func ("/client/target/proxy-details", test_proxy_details);
  return g_test_run ();
}
