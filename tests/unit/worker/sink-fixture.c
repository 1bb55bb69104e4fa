/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sink-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void
sink_fixture_set_up (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  umask (0);
  self->directory = g_dir_make_tmp ("ferry-sink-XXXXXX", &error);
  g_assert_no_error (error);
  self->target = g_build_filename (self->directory, "target", NULL);
  self->temporary = g_build_filename (self->directory, SINK_TEMPORARY, NULL);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) directory = NULL;
  const char *name;

  /* Not through links, and not on other file systems: those end with the namespace. */
  if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    {
      g_chmod (path, 0700);
      directory = g_dir_open (path, 0, NULL);
      while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
        {
          g_autofree char *child = g_build_filename (path, name, NULL);

          remove_tree (child);
        }
    }
  g_remove (path);
}

void
sink_fixture_tear_down (SinkFixture *self, gconstpointer unused)
{
  remove_tree (self->directory);
  g_free (self->directory);
  g_free (self->target);
  g_free (self->temporary);
}

void
sink_fixture_move (SinkFixture *self, const char *directory)
{
  g_free (self->target);
  g_free (self->temporary);
  self->target = g_build_filename (directory, "target", NULL);
  self->temporary = g_build_filename (directory, SINK_TEMPORARY, NULL);
}

/* == sinks == */

WorkerSink *
sink_fixture_open (SinkFixture *self, GVariant *resume)
{
  g_autoptr (GError) error = NULL;
  gboolean restarted = TRUE;
  WorkerSink *sink = worker_sink_open (self->target, SINK_TEMPORARY, resume, &restarted, &error);

  g_assert_no_error (error);
  g_assert_nonnull (sink);
  g_assert_false (restarted);
  return sink;
}

void
sink_fixture_open_fails (SinkFixture *self, GVariant *resume, GQuark domain, gint code)
{
  g_autoptr (GError) error = NULL;
  gboolean restarted = FALSE;

  g_assert_null (worker_sink_open (self->target, SINK_TEMPORARY, resume, &restarted, &error));
  g_assert_error (error, domain, code);
  g_assert_false (restarted);
}

void
sink_write (WorkerSink *sink, const char *text)
{
  g_autoptr (GError) error = NULL;

  worker_sink_write (sink, text, strlen (text), &error);
  g_assert_no_error (error);
  worker_sink_checkpoint (sink, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (worker_sink_get_durable (sink), ==, worker_sink_get_position (sink));
}

GVariant *
sink_get_resume (WorkerSink *sink)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  worker_sink_add_resume (sink, &dict);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
sink_fixture_fetch (SinkFixture *self)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);
  g_autoptr (GError) error = NULL;

  sink_write (sink, "whole");
  worker_sink_finish (sink, &error);
  g_assert_no_error (error);
  return sink_get_resume (sink);
}

GVariant *
sink_resume_with (GVariant *resume, const char *key, GVariant *value)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (resume);

  g_variant_dict_insert_value (&dict, key, value);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* == files == */

void
assert_content (const char *path, const char *text)
{
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_file_get_contents (path, &content, &length, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (content, length, text, strlen (text));
}

void
assert_absent (const char *path)
{
  struct stat st;

  g_assert_cmpint (lstat (path, &st), ==, -1);
  g_assert_cmpint (errno, ==, ENOENT);
}

guint
count_names (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) directory = g_dir_open (path, 0, &error);
  guint count = 0;

  g_assert_no_error (error);
  while (g_dir_read_name (directory) != NULL)
    count++;
  return count;
}

void
make_file (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  close (fd);
}

/* == privileges == */

static void
set_effective (gboolean all)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

  g_assert_cmpint (syscall (SYS_capget, &header, data), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (data); i++)
    data[i].effective = all ? data[i].permitted : 0;
  g_assert_cmpint (syscall (SYS_capset, &header, data), ==, 0);
}

static gboolean is_alone = FALSE;

void
drop_privileges (void)
{
  set_effective (FALSE);
}

void
regain_privileges (void)
{
  set_effective (TRUE);
}

gboolean
need_other_users (void)
{
  /* In a user namespace of our own there is nobody else. */
  if (getuid () == 0 && !is_alone)
    return TRUE;

  g_test_skip ("not root: cannot make files of another user");
  return FALSE;
}

/* == mounts == */

static gboolean
write_text (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean written = fd >= 0 && write (fd, text, strlen (text)) == (gssize) strlen (text);

  if (fd >= 0)
    close (fd);
  return written;
}

/* Our user and group are root's in there. */
static gboolean
write_maps (guint uid, guint gid)
{
  g_autofree char *users = g_strdup_printf ("0 %u 1", uid);
  g_autofree char *groups = g_strdup_printf ("0 %u 1", gid);

  return write_text ("/proc/self/setgroups", "deny") && write_text ("/proc/self/uid_map", users) &&
         write_text ("/proc/self/gid_map", groups);
}

gboolean
enter_mount_namespace (void)
{
  guint uid = getuid (), gid = getgid ();

  if (uid == 0 && unshare (CLONE_NEWNS) != 0)
    return FALSE;
  is_alone = uid != 0;
  if (uid != 0 && (unshare (CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write_maps (uid, gid)))
    return FALSE;

  return mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}
