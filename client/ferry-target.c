/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-target.h"

#include "ferry-error.h"
#include "ferry-exit.h"
#include "ferry-text.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

/* Finds the authority of @url ("user:password@host:port"), which ends before @end. */
static gboolean
find_authority (const char *url, const char **start, const char **end)
{
  g_autofree char *scheme = g_uri_parse_scheme (url);
  const char *p;

  if (scheme == NULL)
    return FALSE;
  p = url + strlen (scheme);
  if (!g_str_has_prefix (p, "://"))
    return FALSE;

  *start = p + 3;
  *end = *start + strcspn (*start, "/?#");
  return *end > *start;
}

static char *
unescape (const char *start, const char *end)
{
  char *text = g_uri_unescape_segment (start, end, NULL);

  /* A stray "%" stands for itself, as in the passwords that people paste. */
  return text != NULL ? text : g_strndup (start, end - start);
}

gboolean
ferry_target_check_utf8 (const char *what, const char *text, GError **error)
{
  g_autofree char *clean = NULL;

  if (g_utf8_validate (text, -1, NULL))
    return TRUE;

  clean = ferry_text_clean (text, 256);
  ferry_exit_set_usage (error, "%s \"%s\" is not UTF-8, and nothing else can go over the bus", what,
                        clean);
  return FALSE;
}

FerryUrl *
ferry_url_parse (const char *text, GError **error)
{
  const char *start, *end, *at;
  FerryUrl *self;

  if (!ferry_target_check_utf8 ("the URL", text, error))
    return NULL;
  if (!find_authority (text, &start, &end))
    {
      /* What looks like a password is not repeated. */
      g_autofree char *clean = ferry_text_clean (strchr (text, '@') == NULL ? text : "(hidden)",
                                                 256);

      ferry_exit_set_usage (error, "\"%s\" is not a URL: it must look like https://HOST/PATH",
                            clean);
      return NULL;
    }

  self = g_new0 (FerryUrl, 1);
  at = g_strrstr_len (start, end - start, "@");
  if (at == NULL)
    {
      self->url = g_strdup (text);
      return self;
    }

  self->url = g_strdup_printf ("%.*s%s", (int) (start - text), text, at + 1);
  if (at > start)
    {
      const char *colon = memchr (start, ':', at - start);

      self->user = unescape (start, colon != NULL ? colon : at);
      self->password = colon != NULL ? unescape (colon + 1, at) : g_strdup ("");
    }

  return self;
}

void
ferry_url_free (FerryUrl *self)
{
  g_free (self->url);
  g_free (self->user);
  g_free (self->password);
  g_free (self);
}

GVariant *
ferry_url_get_credentials (const FerryUrl *self, const char *target)
{
  GVariantBuilder credentials;

  if (self->user == NULL)
    return NULL;

  g_variant_builder_init (&credentials, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&credentials, "{sv}", "UserName", g_variant_new_string (self->user));
  g_variant_builder_add (&credentials, "{sv}", "Password", g_variant_new_string (self->password));
  /* Who types http:// with a password wants it sent so, as with every other program. */
  g_variant_builder_add (&credentials, "{sv}", "AllowHttp", g_variant_new_boolean (TRUE));
  return g_variant_new ("(ssa{sv})", target, "basic", &credentials);
}

/* Whether @name is one file's name that harms neither the directory nor the terminal. */
static gboolean
is_usable (const char *name)
{
  g_autofree char *clean = NULL;

  if (*name == '\0' || g_str_equal (name, ".") || g_str_equal (name, "..") ||
      strchr (name, '/') != NULL)
    return FALSE;

  clean = ferry_text_clean (name, FERRY_TEXT_MAX);
  return g_str_equal (clean, name);
}

char *
ferry_target_name (const char *url)
{
  const char *start, *end;
  g_autofree char *path = NULL;
  g_autofree char *decoded = NULL;
  const char *slash, *segment;

  if (!find_authority (url, &start, &end) || *end != '/')
    return g_strdup ("index.html");

  path = g_strndup (end, strcspn (end, "?#"));
  slash = strrchr (path, '/');
  segment = slash + 1;
  decoded = g_uri_unescape_string (segment, NULL);
  if (decoded != NULL && is_usable (decoded))
    return g_steal_pointer (&decoded);
  if (is_usable (segment))
    return g_strdup (segment);

  return g_strdup ("index.html");
}

char *
ferry_target_absolute (const char *path)
{
  return g_canonicalize_filename (path, NULL);
}

void
ferry_target_make_certificate (char **place)
{
  char *absolute;

  if (*place == NULL || g_str_has_prefix (*place, "pkcs11:"))
    return;
  absolute = ferry_target_absolute (*place);
  g_free (*place);
  *place = absolute;
}

/* The service checks again, as the same user; but here the answer can speak of what was typed. */
static gboolean
check_directory (const char *directory, GError **error)
{
  g_autofree char *clean = ferry_text_clean (directory, FERRY_TEXT_MAX);
  struct stat status;

  if (stat (directory, &status) != 0)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                   "the directory \"%s\" cannot be used: %s", clean, g_strerror (errno));
      return FALSE;
    }
  if (!S_ISDIR (status.st_mode))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS, "\"%s\" is not a directory",
                   clean);
      return FALSE;
    }

  return TRUE;
}

/* The path of one file to be written, as typed behind @option. */
static char *
resolve_output (const char *option, const char *output, const char *hint, GError **error)
{
  g_autofree char *clean = NULL;

  if (g_str_equal (output, "-"))
    {
      ferry_exit_set_usage (error,
                            "%s - is not supported: the service writes files, it has no way to "
                            "your standard output",
                            option);
      return NULL;
    }
  if (*output == '\0' || g_str_has_suffix (output, "/") || g_file_test (output, G_FILE_TEST_IS_DIR))
    {
      clean = ferry_text_clean (output, FERRY_TEXT_MAX);
      ferry_exit_set_usage (error, "%s takes the name of a file, \"%s\" is a directory%s", option,
                            clean, hint);
      return NULL;
    }

  return ferry_target_absolute (output);
}

static gboolean
check_path (const char *path, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);

  return ferry_target_check_utf8 ("the path", path, error) && check_directory (parent, error);
}

char *
ferry_target_path (const char *url, const char *output, const char *directory, GError **error)
{
  g_autofree char *path = NULL;

  if (output != NULL)
    path = resolve_output ("-o", output, "; use -d", error);
  else
    {
      g_autofree char *base = ferry_target_absolute (directory != NULL ? directory : ".");
      g_autofree char *name = ferry_target_name (url);

      path = g_build_filename (base, name, NULL);
    }
  if (path == NULL || !check_path (path, error))
    return NULL;

  return g_steal_pointer (&path);
}

char *
ferry_target_reply (const char *text, GError **error)
{
  g_autofree char *path = resolve_output ("--reply", text, "", error);

  if (path == NULL || !check_path (path, error))
    return NULL;

  return g_steal_pointer (&path);
}

guint
ferry_target_mode (void)
{
  mode_t mask = umask (0);

  umask (mask);
  return 0666 & ~mask;
}

static char *
read_stdin (gsize *length, GError **error)
{
  GString *text = g_string_new (NULL);
  char buffer[4096];
  gsize n;

  while ((n = fread (buffer, 1, sizeof buffer, stdin)) > 0)
    g_string_append_len (text, buffer, n);
  if (ferror (stdin))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR,
                   "standard input cannot be read: %s", g_strerror (errno));
      g_string_free (text, TRUE);
      return NULL;
    }

  *length = text->len;
  return g_string_free (text, FALSE);
}

char **
ferry_target_read_list (const char *path, const char *what, GError **error)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) local_error = NULL;
  GPtrArray *entries;
  gsize length;

  if (g_str_equal (path, "-"))
    text = read_stdin (&length, error);
  else if (!g_file_get_contents (path, &text, &length, &local_error))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR,
                 "the list of %s cannot be read: %s", what, local_error->message);
  if (text == NULL)
    return NULL;

  if (strlen (text) != length || !g_utf8_validate (text, length, NULL))
    {
      ferry_exit_set_usage (error, "the list of %s is not a UTF-8 text", what);
      return NULL;
    }

  lines = g_strsplit (text, "\n", -1);
  entries = g_ptr_array_new ();
  for (gsize i = 0; lines[i] != NULL; i++)
    {
      g_strstrip (lines[i]);
      if (*lines[i] != '\0' && *lines[i] != '#')
        g_ptr_array_add (entries, g_strdup (lines[i]));
    }
  g_ptr_array_add (entries, NULL);

  return (char **) g_ptr_array_free (entries, FALSE);
}
