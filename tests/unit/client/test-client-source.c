/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which file is sent, and to which URL. */

#include "ferry-source.h"

#include "ferry-error.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void
test_url (void)
{
  static const struct
  {
    const char *url;
    const char *protocol;
    const char *wanted;
  } rows[] = {
    { "http://h/up/", "put", "http://h/up/a%20b.txt" },
    { "http://h/up/", "put-range", "http://h/up/a%20b.txt" },
    { "http://h", "put", "http://h/a%20b.txt" },
    { "http://h?x=/", "put", "http://h/a%20b.txt?x=/" },
    { "http://h/up/?key=1#there", "put", "http://h/up/a%20b.txt?key=1#there" },
    { "http://h/name", "put", "http://h/name" },
    { "http://h/name?dir=/", "put", "http://h/name?dir=/" },
    /* These are posted to, and auto may turn out to be one of them. */
    { "http://h/up/", NULL, "http://h/up/" },
    { "http://h/up/", "auto", "http://h/up/" },
    { "http://h/up/", "tus", "http://h/up/" },
    { "http://h/up/", "bits", "http://h/up/" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *url = ferry_source_url (rows[i].url, "/home/a b.txt", rows[i].protocol);

      g_assert_cmpstr (url, ==, rows[i].wanted);
    }
}

/* What would end or change the path does not; what is no ASCII is UTF-8. */
static void
test_url_escapes (void)
{
  static const char *const rows[][2] = {
    { "/x/100%?#.txt", "http://h/100%25%3F%23.txt" },
    { "/x/été", "http://h/%C3%A9t%C3%A9" },
    { "/x/a+b@c:d", "http://h/a+b@c:d" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *url = ferry_source_url ("http://h/", rows[i][0], "put");

      g_assert_cmpstr (url, ==, rows[i][1]);
    }
}

typedef struct
{
  char *directory; /* (owned): real path */
  char *before;    /* (owned): where we came from */
} Fixture;

static void
fixture_set_up (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *made = g_dir_make_tmp ("ferry-source-XXXXXX", NULL);

  fixture->directory = realpath (made, NULL);
  fixture->before = g_get_current_dir ();
  g_assert_cmpint (g_chdir (fixture->directory), ==, 0);
  g_assert_true (g_file_set_contents ("file", "one", -1, NULL));
  g_assert_cmpint (mkdir ("sub", 0700), ==, 0);
  g_assert_cmpint (mkdir ("sub/deep", 0700), ==, 0);
  g_assert_true (g_file_set_contents ("sub/file", "two", -1, NULL));
  g_assert_cmpint (symlink ("sub/deep", "link"), ==, 0);
  g_assert_cmpint (symlink ("file", "alias"), ==, 0);
  g_assert_cmpint (mkfifo ("fifo", 0600), ==, 0);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer user_data)
{
  static const char *const names[] = {
    "fifo", "alias", "link", "sub/file", "sub/deep", "sub", "file",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpint (g_remove (names[i]), ==, 0);
  g_assert_cmpint (g_chdir (fixture->before), ==, 0);
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  free (fixture->directory);
  g_free (fixture->before);
}

static void
test_path (Fixture *fixture, gconstpointer user_data)
{
  /* A link stays what it is called: the service reads what is behind it then. */
  static const char *const rows[][2] = {
    { "file", "file" },
    { "./file", "file" },
    { "sub/../file", "file" },
    { "alias", "alias" },
    { "link/../deep/../file", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = ferry_source_path (rows[i][0], &error);
      g_autofree char *wanted = rows[i][1] != NULL
                                    ? g_build_filename (fixture->directory, rows[i][1], NULL)
                                    : NULL;

      g_assert_cmpstr (path, ==, wanted);
      if (wanted == NULL)
        g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
    }
}

static void
test_path_refused (Fixture *fixture, gconstpointer user_data)
{
  static const struct
  {
    const char *text;
    const char *message;
    gboolean usage;
  } rows[] = {
    { "-", "standard input", TRUE },
    { "", "empty", TRUE },
    { "absent", "\"absent\" cannot be read: No such file", FALSE },
    { "sub", "\"sub\" is a directory", FALSE },
    { "fifo", "\"fifo\" is not a regular file", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ferry_source_path (rows[i].text, &error));
      if (rows[i].usage)
        g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
      else
        g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
      g_assert_nonnull (strstr (error->message, rows[i].message));
    }
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/source/url", test_url);
  g_test_add_func ("/client/source/url-escapes", test_url_escapes);
  ADD ("/client/source/path", test_path);
  ADD ("/client/source/path-refused", test_path_refused);
  return g_test_run ();
}
