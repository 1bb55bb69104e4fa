/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-policy-profile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Built into libdconf, which has no way to ask for it. */
#define DCONF_DIRECTORY "/etc/dconf"

/* How a database (a GVDB file) begins, whatever its byte order. */
#define DATABASE_MAGIC         "GVariant"
#define DATABASE_MAGIC_SWAPPED "raVGtnai"

/* Where libdconf looks, in its order; only absence leads to the next place. */
static char *
find_profile (const char *profile)
{
  const char *const *directories = g_get_system_data_dirs ();
  char *path;

  if (g_path_is_absolute (profile))
    return g_strdup (profile);

  path = g_build_filename (DCONF_DIRECTORY, "profile", profile, NULL);
  for (guint i = 0; directories[i] != NULL && access (path, F_OK) < 0 && errno == ENOENT; i++)
    {
      g_free (path);
      path = g_build_filename (directories[i], "dconf", "profile", profile, NULL);
    }

  return path;
}

static char *
check_database (const char *path)
{
  char magic[sizeof DATABASE_MAGIC - 1];
  gssize length;
  int number;
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    {
      if (errno == ENOENT)
        return NULL;
      return g_strdup_printf ("The dconf database %s cannot be read: %s", path, g_strerror (errno));
    }

  length = read (fd, magic, sizeof magic);
  number = errno;
  close (fd);
  if (length < 0)
    return g_strdup_printf ("The dconf database %s cannot be read: %s", path, g_strerror (number));
  if (length != sizeof magic || (memcmp (magic, DATABASE_MAGIC, sizeof magic) != 0 &&
                                 memcmp (magic, DATABASE_MAGIC_SWAPPED, sizeof magic) != 0))
    return g_strdup_printf ("%s is no dconf database", path);

  return NULL;
}

static char *
check_source (const char *source)
{
  g_autofree char *path = NULL;

  if (g_str_has_prefix (source, "system-db:"))
    path = g_build_filename (DCONF_DIRECTORY, "db", source + strlen ("system-db:"), NULL);
  else if (g_str_has_prefix (source, "file-db:"))
    path = g_strdup (source + strlen ("file-db:"));

  return path != NULL ? check_database (path) : NULL;
}

static char *
check_lines (const char *profile, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gboolean first = TRUE;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *problem;

      lines[i][strcspn (lines[i], "#")] = '\0';
      g_strstrip (lines[i]);
      if (lines[i][0] == '\0')
        continue;

      /* Without one dconf calls every key locked. */
      if (first && !g_str_has_prefix (lines[i], "user-db:"))
        return g_strdup_printf ("The first line of the dconf profile %s is \"%s\"; it must be a "
                                "user database, as in user-db:ferry",
                                profile, lines[i]);
      first = FALSE;
      problem = check_source (lines[i]);
      if (problem != NULL)
        return problem;
    }

  if (first)
    return g_strdup_printf ("The dconf profile %s names no database; its first line must be a "
                            "user database, as in user-db:ferry",
                            profile);
  return NULL;
}

char *
ferry_policy_profile_read (const char *profile, char **text)
{
  g_autofree char *path = find_profile (profile);
  g_autoptr (GError) error = NULL;

  *text = NULL;
  if (g_file_get_contents (path, text, NULL, &error))
    return check_lines (path, *text);
  if (g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return NULL;
  return g_strdup_printf ("The dconf profile cannot be read: %s", error->message);
}
