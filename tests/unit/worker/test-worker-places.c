/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories that go, come back, are others than before, are full, or are not the caller's. */

#include "ferry-error.h"
#include "sink-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEBIBYTE 1048576

static gboolean has_mounts = FALSE;

static gboolean
need_mounts (void)
{
  if (!has_mounts)
    g_test_skip ("no mount namespace: neither root nor user namespaces allowed");
  return has_mounts;
}

static void
mount_tmpfs (const char *path, const char *options)
{
  if (mount ("tmpfs", path, "tmpfs", 0, options) != 0)
    g_error ("cannot mount a tmpfs: %s", g_strerror (errno));
}

static void
unmount (const char *path)
{
  g_assert_cmpint (umount2 (path, MNT_DETACH), ==, 0);
}

static GVariant *
fetch_a_part (SinkFixture *self)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, NULL);

  sink_write (sink, "durable");
  return sink_get_resume (sink);
}

static void
assert_waits (SinkFixture *self, GVariant *resume)
{
  g_autoptr (GError) error = NULL, publish_error = NULL, remove_error = NULL;
  gboolean restarted = FALSE;

  g_assert_null (worker_sink_open (self->target, SINK_TEMPORARY, resume, &restarted, &error));
  g_assert_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);
  g_assert_false (restarted);

  g_assert_false (
      worker_publish (self->target, SINK_TEMPORARY, resume, FALSE, 0644, &publish_error));
  g_assert_error (publish_error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION);
  g_assert_true (worker_remove (self->target, SINK_TEMPORARY, resume, &remove_error));
  g_assert_no_error (remove_error);
}

static void
assert_goes_on (SinkFixture *self, GVariant *resume)
{
  g_autoptr (WorkerSink) sink = sink_fixture_open (self, resume);

  g_assert_cmpuint (worker_sink_get_position (sink), ==, 7);
}

static void
assert_starts_over (SinkFixture *self, GVariant *resume)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WorkerSink) sink = NULL;
  gboolean restarted = FALSE;

  sink = worker_sink_open (self->target, SINK_TEMPORARY, resume, &restarted, &error);
  g_assert_no_error (error);
  g_assert_true (restarted);
}

/* == there and away == */

static void
test_vanished (SinkFixture *self, gconstpointer unused)
{
  g_autofree char *away = g_strconcat (self->directory, ".away", NULL);
  g_autoptr (GVariant) resume = fetch_a_part (self);

  g_assert_cmpint (g_rename (self->directory, away), ==, 0);
  assert_waits (self, resume);
  assert_absent (self->directory);

  /* A file in its place. */
  make_file (self->directory, "");
  assert_waits (self, resume);
  g_assert_cmpint (g_unlink (self->directory), ==, 0);

  g_assert_cmpint (g_rename (away, self->directory), ==, 0);
  assert_goes_on (self, resume);
}

static void
test_made_anew (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = fetch_a_part (self);
  g_autofree char *away = g_strconcat (self->directory, ".away", NULL);

  g_assert_cmpint (g_rename (self->directory, away), ==, 0);
  g_assert_cmpint (g_mkdir (self->directory, 0700), ==, 0);
  assert_starts_over (self, resume);

  g_autofree char *old = g_build_filename (away, SINK_TEMPORARY, NULL);
  g_assert_cmpint (g_unlink (old), ==, 0);
  g_assert_cmpint (g_rmdir (away), ==, 0);
}

static void
test_closed (SinkFixture *self, gconstpointer unused)
{
  g_autofree char *inner = g_build_filename (self->directory, "inner", NULL);
  g_autoptr (GVariant) resume = NULL;

  g_assert_cmpint (g_mkdir (inner, 0700), ==, 0);
  sink_fixture_move (self, inner);
  resume = fetch_a_part (self);

  /* As a mount point that only its owner may enter. */
  g_assert_cmpint (g_chmod (self->directory, 0), ==, 0);
  drop_privileges ();
  assert_waits (self, resume);
  g_assert_cmpint (g_chmod (self->directory, 0700), ==, 0);
  assert_goes_on (self, resume);
  regain_privileges ();
}

static void
test_covered (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = NULL;

  if (!need_mounts ())
    return;

  resume = fetch_a_part (self);
  mount_tmpfs (self->directory, "size=1m");
  assert_waits (self, resume);
  g_assert_cmpuint (count_names (self->directory), ==, 0);
  unmount (self->directory);
  assert_goes_on (self, resume);
}

/* The one that matters most: what is under a mount point must not be filled. */
static void
test_unmounted (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = NULL, rebooted = NULL;
  int kept;

  if (!need_mounts ())
    return;

  mount_tmpfs (self->directory, "size=1m");
  kept = open (self->directory, O_PATH | O_CLOEXEC);
  resume = fetch_a_part (self);
  g_autofree char *origin = g_strdup_printf ("/proc/self/fd/%d", kept);
  g_assert_cmpint (umount2 (self->directory, 0), ==, -1);

  /* Moved away and back, so that the very file system returns. */
  g_autofree char *elsewhere = g_strconcat (self->directory, ".elsewhere", NULL);
  g_assert_cmpint (g_mkdir (elsewhere, 0700), ==, 0);
  g_assert_cmpint (mount (self->directory, elsewhere, NULL, MS_BIND, NULL), ==, 0);
  unmount (self->directory);
  assert_waits (self, resume);
  g_assert_cmpuint (count_names (self->directory), ==, 0);
  g_assert_cmpint (mount (elsewhere, self->directory, NULL, MS_BIND, NULL), ==, 0);
  assert_goes_on (self, resume);
  unmount (self->directory);

  /* Another one in its place: not now, but after a boot every tmpfs is another one. */
  mount_tmpfs (self->directory, "size=1m");
  assert_waits (self, resume);
  g_assert_cmpuint (count_names (self->directory), ==, 0);
  rebooted = sink_resume_with (resume, "DirectoryBoot", g_variant_new_string ("before"));
  assert_starts_over (self, rebooted);
  unmount (self->directory);

  unmount (elsewhere);
  close (kept);
  g_assert_cmpint (g_rmdir (elsewhere), ==, 0);
}

/* Where f_fsid says something else (XFS, after the disks were numbered anew) the file itself is
 * proof enough. */
static void
test_file_is_proof (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GVariant) resume = fetch_a_part (self);
  g_autoptr (GVariant)
      other = sink_resume_with (resume, "DirectoryFsid", g_variant_new_uint64 (12345));
  g_autoptr (GVariant)
      strange = sink_resume_with (other, "DirectoryBirthTime", g_variant_new_int64 (1));

  assert_goes_on (self, strange);
  g_assert_cmpint (g_unlink (self->temporary), ==, 0);
  assert_waits (self, strange);
  assert_starts_over (self, other);
}

typedef struct
{
  const char *what;
  WorkerResume seen;
  WorkerStat directory;
  WorkerFileSystem system;
  gboolean same;
} Place;

#define EXT4 EXT4_SUPER_MAGIC
/* Numbers of devices as makedev(3) puts them together. */
#define DISK(n) (0x800 + (n))
#define ANON(n) (n)

static const Place places[] = {
  { "the same directory, its disk numbered anew",
    { .directory_inode = 5, .directory_birth_time = 9, .directory_system = { XFS_SUPER_MAGIC, 1 } },
    { .inode = 5, .birth_time = 9 },
    { XFS_SUPER_MAGIC, 2 },
    TRUE },
  { "another directory born with the same inode number",
    { .directory_inode = 5, .directory_birth_time = 9, .directory_system = { XFS_SUPER_MAGIC, 1 } },
    { .inode = 5, .birth_time = 8 },
    { XFS_SUPER_MAGIC, 2 },
    FALSE },
  { "no birth times, same inode number, another fsid",
    { .directory_inode = 5, .directory_system = { EXT4, 1 } },
    { .inode = 5 },
    { EXT4, 2 },
    FALSE },
  { "made anew on the same file system",
    { .directory_inode = 5, .directory_birth_time = 9, .directory_system = { EXT4, 1 } },
    { .inode = 6, .birth_time = 10 },
    { EXT4, 1 },
    TRUE },
  { "no fsid, same device",
    { .directory_inode = 5, .directory_device = DISK (1), .directory_system = { EXT4, 0 } },
    { .inode = 6, .device = DISK (1) },
    { EXT4, 0 },
    TRUE },
  { "no fsid, another disk",
    { .directory_device = DISK (1), .directory_system = { EXT4, 0 } },
    { .device = DISK (2) },
    { EXT4, 0 },
    FALSE },
  { "a FUSE file system mounted again",
    { .directory_device = ANON (40), .directory_system = { FUSE_SUPER_MAGIC, 0 } },
    { .device = ANON (41) },
    { FUSE_SUPER_MAGIC, 0 },
    TRUE },
  { "a FUSE file system that is not mounted, on NFS",
    { .directory_device = ANON (40), .directory_system = { FUSE_SUPER_MAGIC, 0 } },
    { .device = ANON (41) },
    { NFS_SUPER_MAGIC, 0 },
    FALSE },
  { "a memory stick, after a boot",
    { .directory_system = { MSDOS_SUPER_MAGIC, 1 }, .boot = "before" },
    { .inode = 1 },
    { MSDOS_SUPER_MAGIC, 2 },
    TRUE },
  { "a memory stick that is not in, after a boot",
    { .directory_system = { MSDOS_SUPER_MAGIC, 1 }, .boot = "before" },
    { .inode = 1 },
    { EXT4, 2 },
    FALSE },
  { "another disk, after a boot",
    { .directory_system = { EXT4, 1 }, .boot = "before" },
    { .inode = 1 },
    { EXT4, 2 },
    FALSE },
};

static void
test_same_place (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      const Place *place = &places[i];

      if (worker_resume_is_same_place (&place->seen, &place->directory, &place->system) !=
          place->same)
        g_error ("%s: %s the same place", place->what, place->same ? "is not" : "is");
    }
}

/* == full, read-only == */

static void
test_full (SinkFixture *self, gconstpointer unused)
{
  g_autofree char *data = g_malloc0 (2 * MEBIBYTE);
  g_autoptr (GError) error = NULL;
  g_autoptr (WorkerSink) sink = NULL;
  g_autoptr (GVariant) resume = NULL;

  if (!need_mounts ())
    return;

  mount_tmpfs (self->directory, "size=1m");
  sink = sink_fixture_open (self, NULL);
  g_assert_false (worker_sink_expect (sink, 2 * MEBIBYTE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_DISK_FULL);
  g_clear_error (&error);

  /* Size not known: seen when a write finds no room. From then on it is of no use. */
  sink_write (sink, "durable");
  g_assert_false (worker_sink_write (sink, data, 2 * MEBIBYTE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_DISK_FULL);
  g_clear_error (&error);
  g_assert_false (worker_sink_write (sink, data, 1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_DISK_FULL);
  g_clear_error (&error);
  g_assert_false (worker_sink_checkpoint (sink, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_DISK_FULL);
  g_assert_false (worker_sink_finish (sink, NULL));
  g_assert_false (worker_sink_restart (sink, NULL));
  g_assert_cmpint (worker_sink_read (sink, 0, data, 1, NULL), ==, -1);
  g_assert_cmpuint (worker_sink_get_durable (sink), ==, 7);
  resume = sink_get_resume (sink);
  g_clear_pointer (&sink, worker_sink_free);

  assert_goes_on (self, resume);
  unmount (self->directory);
}

/* Room goes between the check and the taking: nothing is damaged, a checkpoint still works. */
static void
test_full_while_taking (SinkFixture *self, gconstpointer unused)
{
  g_autofree char *data = g_malloc0 (3 * MEBIBYTE);
  g_autofree char *other = g_build_filename (self->directory, "other", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (WorkerSink) sink = NULL;

  if (!need_mounts ())
    return;

  mount_tmpfs (self->directory, "size=4m");
  sink = sink_fixture_open (self, NULL);
  sink_write (sink, "abc");
  worker_sink_expect (sink, 3 * MEBIBYTE, &error);
  g_assert_no_error (error);
  g_file_set_contents (other, data, 2 * MEBIBYTE, &error);
  g_assert_no_error (error);

  g_assert_false (worker_sink_write (sink, data, MEBIBYTE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_DISK_FULL);
  g_clear_error (&error);
  g_assert_cmpuint (worker_sink_get_position (sink), ==, 3);
  worker_sink_checkpoint (sink, &error);
  g_assert_no_error (error);

  g_assert_cmpint (g_unlink (other), ==, 0);
  worker_sink_write (sink, data, MEBIBYTE, &error);
  g_assert_no_error (error);
  g_clear_pointer (&sink, worker_sink_free);
  unmount (self->directory);
}

/* A full disk is nothing to refuse a job for. */
static void
test_full_target (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) resume = NULL;

  if (!need_mounts ())
    return;

  mount_tmpfs (self->directory, "nr_inodes=1");
  resume = worker_target_check (self->target, SINK_TEMPORARY, 0, FALSE, FALSE, &error);
  g_assert_no_error (error);
  sink_fixture_open_fails (self, resume, FERRY_ERROR, FERRY_ERROR_DISK_FULL);
  unmount (self->directory);
}

static void
test_read_only (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) resume = NULL;

  if (!need_mounts ())
    return;

  resume = sink_fixture_fetch (self);
  g_assert_cmpint (mount (self->directory, self->directory, NULL, MS_BIND, NULL), ==, 0);
  g_assert_cmpint (mount (NULL, self->directory, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), ==,
                   0);

  g_assert_null (worker_target_check (self->target, SINK_TEMPORARY, 0, FALSE, FALSE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
  g_clear_error (&error);
  g_assert_false (worker_publish_check (self->target, SINK_TEMPORARY, resume, FALSE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
  g_clear_error (&error);
  g_assert_false (worker_publish (self->target, SINK_TEMPORARY, resume, FALSE, 0644, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
  sink_fixture_open_fails (self, resume, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);

  unmount (self->directory);
  assert_content (self->temporary, "whole");
}

/* == the caller's view == */

typedef void (*ViewFunc) (const char *directory);

/* Starts a process that lives in another world. Returns: its pid, -1 when it cannot */
static GPid
start_caller (ViewFunc change, const char *directory, int *stop)
{
  int ready[2], go[2];
  char byte;

  g_assert_cmpint (pipe2 (ready, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (go, O_CLOEXEC), ==, 0);

  GPid pid = fork ();
  if (pid == 0)
    {
      close (go[1]);
      if (change != NULL)
        change (directory);
      if (write (ready[1], "", 1) != 1 || read (go[0], &byte, 1) != 0)
        _exit (1);
      _exit (0);
    }

  close (ready[1]);
  close (go[0]);
  *stop = go[1];
  g_assert_cmpint (read (ready[0], &byte, 1), ==, 1);
  close (ready[0]);
  return pid;
}

static void
stop_caller (GPid pid, int stop)
{
  close (stop);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
}

static void
must (gboolean done)
{
  if (!done)
    _exit (2);
}

static void
cover_directory (const char *directory)
{
  must (unshare (CLONE_NEWNS) == 0 && mount ("tmpfs", directory, "tmpfs", 0, NULL) == 0);
}

static void
cover_parent (const char *directory)
{
  g_autofree char *parent = g_path_get_dirname (directory);

  must (unshare (CLONE_NEWNS) == 0 && mount ("tmpfs", parent, "tmpfs", 0, NULL) == 0);
}

/* A sandbox that shows the same directory, as Flatpak does with --filesystem=host. */
static void
enter_flatpak (const char *directory)
{
  g_autofree char *own = g_build_filename (directory, "own", NULL);
  g_autofree char *inside = g_strconcat (own, directory, NULL);

  must (unshare (CLONE_NEWNS) == 0 && g_mkdir (own, 0700) == 0 &&
        mount ("tmpfs", own, "tmpfs", 0, NULL) == 0 && g_mkdir_with_parents (inside, 0700) == 0 &&
        mount (directory, inside, NULL, MS_BIND, NULL) == 0 && chdir (own) == 0 &&
        g_file_set_contents (".flatpak-info", "", 0, NULL) && chroot (".") == 0);
}

/* A link to the same place by way of its own root. */
static void
enter_own_root (const char *directory)
{
  g_autofree char *own = g_build_filename (directory, "own", NULL);
  g_autofree char *inside = g_strconcat (own, "/there", NULL);
  g_autofree char *parent = g_path_get_dirname (directory);
  g_autofree char *link_path = g_strconcat (own, directory, NULL);
  g_autofree char *link_parent = g_strconcat (own, parent, NULL);

  must (unshare (CLONE_NEWNS) == 0 && g_mkdir (own, 0700) == 0 &&
        mount ("tmpfs", own, "tmpfs", 0, NULL) == 0 && g_mkdir (inside, 0700) == 0 &&
        mount (directory, inside, NULL, MS_BIND, NULL) == 0 &&
        g_mkdir_with_parents (link_parent, 0700) == 0 && symlink ("/there", link_path) == 0 &&
        chroot (own) == 0);
}

static void
check_view (SinkFixture *self, ViewFunc change, const char *objection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) resume = NULL;
  int stop;
  GPid pid = start_caller (change, self->directory, &stop);

  resume = worker_target_check (self->target, SINK_TEMPORARY, pid, FALSE, FALSE, &error);
  stop_caller (pid, stop);

  if (objection == NULL)
    {
      g_assert_no_error (error);
      return;
    }
  g_assert_null (resume);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS);
  if (strstr (error->message, objection) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, objection);
}

static void
test_views (SinkFixture *self, gconstpointer unused)
{
  if (!need_mounts ())
    return;

  check_view (self, NULL, NULL);
  check_view (self, cover_directory, "private /tmp");
  check_view (self, cover_parent, "private /tmp");
  check_view (self, enter_own_root, NULL);
}

static void
test_view_flatpak (SinkFixture *self, gconstpointer unused)
{
  if (need_mounts ())
    check_view (self, enter_flatpak, "Flatpak");
}

/* Where we may not look, or nobody is there any more, the path is the host's. */
static void
test_view_closed (SinkFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) closed = NULL, gone = NULL;
  int stop;
  GPid pid;

  if (!need_mounts ())
    return;

  pid = start_caller (cover_directory, self->directory, &stop);
  drop_privileges ();
  g_autofree char *root = g_strdup_printf ("/proc/%d/root", (int) pid);
  g_assert_cmpint (open (root, O_PATH | O_CLOEXEC), ==, -1);
  g_assert_cmpint (errno, ==, EACCES);
  closed = worker_target_check (self->target, SINK_TEMPORARY, pid, FALSE, FALSE, &error);
  regain_privileges ();
  g_assert_no_error (error);

  stop_caller (pid, stop);
  gone = worker_target_check (self->target, SINK_TEMPORARY, pid, FALSE, FALSE, &error);
  g_assert_no_error (error);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/worker/places/" path, SinkFixture, NULL, sink_fixture_set_up, function,            \
              sink_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  has_mounts = enter_mount_namespace ();

  ADD ("vanished", test_vanished);
  ADD ("made-anew", test_made_anew);
  ADD ("closed", test_closed);
  ADD ("covered", test_covered);
  ADD ("unmounted", test_unmounted);
  ADD ("file-is-proof", test_file_is_proof);
  g_test_add_func ("/worker/places/same-place", test_same_place);
  ADD ("full", test_full);
  ADD ("full/while-taking", test_full_while_taking);
  ADD ("full/target", test_full_target);
  ADD ("read-only", test_read_only);
  ADD ("view", test_views);
  ADD ("view/flatpak", test_view_flatpak);
  ADD ("view/closed", test_view_closed);

  return g_test_run ();
}
