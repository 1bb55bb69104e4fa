/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-error.h"
#include "ferry-uri.h"
#include "worker-redirect.h"

#include <string.h>

#define NO_ERROR (-1)

static const struct
{
  const char *url;
  const char *parsed;
  int error;
} urls[] = {
  { "http://example.org/a", "http://example.org/a", NO_ERROR },
  { "https://example.org/a?b=c", "https://example.org/a?b=c", NO_ERROR },
  { "http://example.org/a#fragment", "http://example.org/a", NO_ERROR },
  { "http://[::1]:8080/", "http://[::1]:8080/", NO_ERROR },
  { "ftp://example.org/a", NULL, FERRY_ERROR_UNSUPPORTED_SCHEME },
  { "file:///etc/passwd", NULL, FERRY_ERROR_UNSUPPORTED_SCHEME },
  { "http://user:secret@example.org/", NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE },
  { "http://user@example.org/", NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE },
  { "http:///a", NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE },
  { "not a url", NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE },
  { "", NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE },
};

static void
test_parse (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GUri) uri = worker_uri_parse (urls[i].url, &error);
      g_autofree char *text = uri != NULL ? g_uri_to_string (uri) : NULL;

      g_test_message ("'%s'", urls[i].url);
      g_assert_cmpstr (text, ==, urls[i].parsed);
      if (urls[i].error == NO_ERROR)
        g_assert_no_error (error);
      else
        {
          g_assert_error (error, FERRY_ERROR, urls[i].error);
          g_assert_null (strstr (error->message, "secret"));
        }
    }
}

static const struct
{
  const char *from;
  const char *location;
  guint count;
  const char *to;
  int error;
} redirects[] = {
  { "http://a.example/x/y", "http://b.example/z", 0, "http://b.example/z", NO_ERROR },
  { "http://a.example/x/y", "/z", 0, "http://a.example/z", NO_ERROR },
  { "http://a.example/x/y", "z", 0, "http://a.example/x/z", NO_ERROR },
  { "http://a.example/x/y", "//b.example/z", 0, "http://b.example/z", NO_ERROR },
  { "http://a.example/x/y", "https://a.example/x/y", 0, "https://a.example/x/y", NO_ERROR },
  { "http://a.example/x/y", "?q=1", 0, "http://a.example/x/y?q=1", NO_ERROR },
  { "http://a.example/x", "/z#top", 0, "http://a.example/z", NO_ERROR },
  { "http://a.example/x", "/z", 9, "http://a.example/z", NO_ERROR },
  { "http://a.example/x", "/z", 10, NULL, FERRY_ERROR_TOO_MANY_REDIRECTS },
  { "http://a.example/x", NULL, 0, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE },
  { "http://a.example/x", "http://[broken/", 0, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE },
  { "https://a.example/x", "http://a.example/x", 0, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE },
  { "https://a.example/x", "HTTP://a.example/x", 0, NULL, FERRY_ERROR_INVALID_SERVER_RESPONSE },
  { "http://a.example/x", "http://u:secret@b.example/", 0, NULL,
    FERRY_ERROR_INVALID_SERVER_RESPONSE },
  { "http://a.example/x", "ftp://b.example/secret", 0, NULL, FERRY_ERROR_UNSUPPORTED_SCHEME },
  { "http://a.example/x", "file:///etc/secret", 0, NULL, FERRY_ERROR_UNSUPPORTED_SCHEME },
  { "http://a.example/x", "data:,secret", 0, NULL, FERRY_ERROR_UNSUPPORTED_SCHEME },
};

static void
test_resolve (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (redirects); i++)
    {
      g_autoptr (GUri) from = worker_uri_parse (redirects[i].from, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (GUri) to = worker_redirect_resolve (from, redirects[i].location,
                                                     redirects[i].count, FALSE, &error);
      g_autofree char *text = to != NULL ? g_uri_to_string (to) : NULL;

      g_test_message ("'%s' -> '%s'", redirects[i].from, redirects[i].location);
      g_assert_cmpstr (text, ==, redirects[i].to);
      if (redirects[i].error == NO_ERROR)
        g_assert_no_error (error);
      else
        {
          g_assert_error (error, FERRY_ERROR, redirects[i].error);
          g_assert_null (strstr (error->message, "secret"));
          g_assert_null (strstr (error->message, "example"));
        }
    }
}

static void
test_is_redirect (void)
{
  for (guint status = 100; status < 600; status++)
    {
      gboolean is = status == 301 || status == 302 || status == 303 || status == 307 ||
                    status == 308;

      g_assert_cmpint (worker_redirect_is (status), ==, is);
    }
}

static const struct
{
  const char *a;
  const char *b;
  gboolean same;
} origins[] = {
  { "http://a.example/x", "http://a.example/y", TRUE },
  { "http://a.example/x", "http://A.EXAMPLE:80/y", TRUE },
  { "https://a.example/x", "https://a.example:443/", TRUE },
  { "http://a.example/x", "https://a.example/x", FALSE },
  { "http://a.example/x", "http://a.example:8080/x", FALSE },
  { "http://a.example/x", "http://b.a.example/x", FALSE },
  { "http://a.example/x", "http://a.example.evil/x", FALSE },
};

static void
test_origins (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (origins); i++)
    {
      g_autoptr (GUri) a = worker_uri_parse (origins[i].a, NULL);
      g_autoptr (GUri) b = worker_uri_parse (origins[i].b, NULL);
      g_autofree char *origin_a = worker_uri_get_origin (a);
      g_autofree char *origin_b = worker_uri_get_origin (b);

      g_test_message ("'%s', '%s'", origins[i].a, origins[i].b);
      g_assert_cmpint (ferry_uri_same_origin (a, b), ==, origins[i].same);
      g_assert_cmpint (g_str_equal (origin_a, origin_b), ==, origins[i].same);
    }
}

static const struct
{
  guint status;
  const char *method;
  gboolean own;
  gboolean body;
  gboolean followed;
  gboolean as_get;
} turns[] = {
  /* GET stays so. */
  { 301, NULL, FALSE, FALSE, TRUE, FALSE },
  { 303, NULL, FALSE, FALSE, TRUE, FALSE },
  { 307, NULL, FALSE, FALSE, TRUE, FALSE },
  /* To a protocol a GET says nothing. */
  { 303, "HEAD", FALSE, FALSE, FALSE, TRUE },
  { 303, "PUT", FALSE, TRUE, FALSE, TRUE },
  { 301, "POST", FALSE, FALSE, TRUE, FALSE },
  { 302, "PUT", FALSE, TRUE, TRUE, FALSE },
  { 308, "PATCH", FALSE, TRUE, TRUE, FALSE },
  /* What the owner chose is as with browsers. */
  { 301, "POST", TRUE, FALSE, TRUE, TRUE },
  { 302, "POST", TRUE, FALSE, TRUE, TRUE },
  { 303, "POST", TRUE, FALSE, TRUE, TRUE },
  { 307, "POST", TRUE, FALSE, TRUE, FALSE },
  { 302, "PROPFIND", TRUE, FALSE, TRUE, FALSE },
  { 303, "PROPFIND", TRUE, FALSE, TRUE, TRUE },
  /* But a file does not vanish. */
  { 301, "POST", TRUE, TRUE, FALSE, TRUE },
  { 302, "POST", TRUE, TRUE, FALSE, TRUE },
  { 303, "POST", TRUE, TRUE, TRUE, TRUE },
  { 308, "POST", TRUE, TRUE, TRUE, FALSE },
  { 302, "PATCH", TRUE, TRUE, TRUE, FALSE },
};

static void
test_follows (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (turns); i++)
    {
      gboolean as_get;
      gboolean followed = worker_redirect_follows (turns[i].status, turns[i].method, turns[i].own,
                                                   turns[i].body, &as_get);

      g_test_message ("%u of %s", turns[i].status, turns[i].method);
      g_assert_cmpint (followed, ==, turns[i].followed);
      g_assert_cmpint (as_get, ==, turns[i].as_get);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-redirect/parse", test_parse);
  g_test_add_func ("/worker-redirect/resolve", test_resolve);
  g_test_add_func ("/worker-redirect/is-redirect", test_is_redirect);
  g_test_add_func ("/worker-redirect/origins", test_origins);
  g_test_add_func ("/worker-redirect/follows", test_follows);
  return g_test_run ();
}
