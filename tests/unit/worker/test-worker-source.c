/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file that an upload sends. */

#include "worker-sink.h"
#include "worker-source.h"

#include "ferry-error.h"
#include "ferry-worker-protocol.h"

#include <glib/gstdio.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#define SIZE 600000

typedef struct
{
  char *directory;
  char *path;
  char *other;
  char *content;
  WorkerBuffers *buffers;
  GVariant *resume;
} Fixture;

static void
write_file (const char *path, const char *content, gsize size)
{
  g_assert_true (g_file_set_contents_full (path, content, (gssize) size, G_FILE_SET_CONTENTS_NONE,
                                           0600, NULL));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->directory = g_dir_make_tmp ("ferry-test-XXXXXX", &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (fixture->directory, 0755), ==, 0);
  fixture->path = g_build_filename (fixture->directory, "source", NULL);
  fixture->other = g_build_filename (fixture->directory, "other", NULL);
  fixture->buffers = worker_buffers_new ();
  fixture->content = g_malloc (SIZE);
  for (guint i = 0; i < SIZE; i++)
    fixture->content[i] = (char) ((i * 2654435761u) >> 13);
  write_file (fixture->path, fixture->content, SIZE);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->resume, g_variant_unref);
  worker_buffers_free (fixture->buffers);
  g_remove (fixture->path);
  g_remove (fixture->other);
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->directory);
  g_free (fixture->path);
  g_free (fixture->other);
  g_free (fixture->content);
}

static void
check (Fixture *fixture, gboolean no_symlinks, int code)
{
  g_autoptr (GError) error = NULL;
  guint64 size = 0;

  g_clear_pointer (&fixture->resume, g_variant_unref);
  fixture->resume = worker_source_check (fixture->path, 0, no_symlinks, &size, &error);
  if (code < 0)
    {
      g_assert_no_error (error);
      g_assert_cmpuint (size, ==, SIZE);
      return;
    }
  g_assert_error (error, FERRY_ERROR, code);
  g_test_message ("%s", error->message);
}

/* Opens it, and pins it in the fixture's `Resume`. */
static WorkerSource *
open_pinned (Fixture *fixture)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GError) error = NULL;
  WorkerSource *source;

  check (fixture, FALSE, -1);
  source = worker_source_open (fixture->path, fixture->resume, NULL, &error);
  g_assert_no_error (error);
  worker_source_add_resume (source, &dict);
  g_variant_unref (fixture->resume);
  fixture->resume = g_variant_ref_sink (g_variant_dict_end (&dict));
  return source;
}

static void
assert_open (Fixture *fixture, GQuark domain, int code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WorkerSource)
      source = worker_source_open (fixture->path, fixture->resume, NULL, &error);

  if (domain == 0)
    g_assert_no_error (error);
  else
    g_assert_error (error, domain, code);
}

static void
assert_changed (Fixture *fixture, WorkerSource *source)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (worker_source_verify (source, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_LOCAL_FILE_CHANGED);
  assert_open (fixture, FERRY_ERROR, FERRY_ERROR_LOCAL_FILE_CHANGED);
}

static void
test_check (Fixture *fixture, gconstpointer data)
{
  check (fixture, FALSE, -1);
  /* What only we may read is not for somebody else to have sent. */
  check (fixture, TRUE, FERRY_ERROR_NO_FILE_ACCESS);
  g_assert_cmpint (g_chmod (fixture->path, 0604), ==, 0);
  check (fixture, TRUE, -1);

  g_remove (fixture->path);
  check (fixture, FALSE, FERRY_ERROR_NO_FILE_ACCESS);
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  check (fixture, FALSE, FERRY_ERROR_NO_FILE_ACCESS);
  g_assert_cmpint (g_rmdir (fixture->path), ==, 0);
  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  check (fixture, FALSE, FERRY_ERROR_NO_FILE_ACCESS);
}

/* Its owner may send what he may read, by whatever name; for somebody else's wish only the one name counts. */
static void
test_names (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (g_chmod (fixture->path, 0644), ==, 0);
  g_assert_cmpint (g_rename (fixture->path, fixture->other), ==, 0);
  g_assert_cmpint (symlink (fixture->other, fixture->path), ==, 0);
  check (fixture, FALSE, -1);
  check (fixture, TRUE, FERRY_ERROR_NO_FILE_ACCESS);

  g_remove (fixture->path);
  g_assert_cmpint (link (fixture->other, fixture->path), ==, 0);
  check (fixture, FALSE, -1);
  check (fixture, TRUE, FERRY_ERROR_NO_FILE_ACCESS);
}

/* Nor one in a directory that is not for everybody. */
static void
test_closed_directory (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (g_chmod (fixture->path, 0644), ==, 0);
  g_assert_cmpint (g_chmod (fixture->directory, 0755), ==, 0);
  check (fixture, TRUE, -1);
  g_assert_cmpint (g_chmod (fixture->directory, 0700), ==, 0);
  check (fixture, TRUE, FERRY_ERROR_NO_FILE_ACCESS);
  check (fixture, FALSE, -1);
}

static void
test_unreadable (Fixture *fixture, gconstpointer data)
{
  if (geteuid () == 0)
    {
      g_test_skip ("root may read everything");
      return;
    }
  g_assert_cmpint (g_chmod (fixture->path, 0), ==, 0);
  check (fixture, FALSE, FERRY_ERROR_NO_FILE_ACCESS);
}

static void
test_same (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WorkerSource) source = open_pinned (fixture);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (worker_source_get_size (source), ==, SIZE);
  g_assert_cmpstr (worker_source_get_name (source), ==, "source");
  g_assert_true (worker_source_verify (source, &error));
  g_assert_no_error (error);
  /* Who may read it is no business of ours. */
  g_assert_cmpint (g_chmod (fixture->path, 0444), ==, 0);
  g_assert_true (worker_source_verify (source, NULL));
  assert_open (fixture, 0, 0);
}

static void
test_rewritten (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WorkerSource) source = open_pinned (fixture);

  fixture->content[0] ^= 1;
  write_file (fixture->path, fixture->content, SIZE);
  assert_changed (fixture, source);
}

static void
test_touched (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WorkerSource) source = open_pinned (fixture);
  const struct utimbuf times = { 1000000000, 1000000000 };

  g_assert_cmpint (utime (fixture->path, &times), ==, 0);
  assert_changed (fixture, source);
}

/* Another file of the same size and time. */
static void
test_replaced (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WorkerSource) source = NULL;
  const struct utimbuf times = { 1000000000, 1000000000 };

  g_assert_cmpint (utime (fixture->path, &times), ==, 0);
  source = open_pinned (fixture);
  write_file (fixture->other, fixture->content, SIZE);
  g_assert_cmpint (utime (fixture->other, &times), ==, 0);
  g_assert_cmpint (g_rename (fixture->other, fixture->path), ==, 0);
  assert_changed (fixture, source);
}

static void
test_gone (Fixture *fixture, gconstpointer data)
{
  g_autofree char *away = g_strconcat (fixture->directory, "-away", NULL);
  g_autoptr (WorkerSource) source = open_pinned (fixture);

  g_assert_cmpint (g_rename (fixture->directory, away), ==, 0);
  assert_open (fixture, WORKER_SINK_ERROR, WORKER_SINK_ERROR_SOURCE);
  g_assert_cmpint (g_rename (away, fixture->directory), ==, 0);
  assert_open (fixture, 0, 0);
  g_remove (fixture->path);
  assert_changed (fixture, source);
}

static void
test_stream (Fixture *fixture, gconstpointer data)
{
  static const gsize pieces[][2] = { { 0, SIZE }, { 1, 1 }, { 300000, 270000 }, { SIZE, 0 } };
  g_autoptr (WorkerSource) source = open_pinned (fixture);
  g_autofree char *buffer = g_malloc (SIZE);

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      g_autoptr (GInputStream)
          stream = worker_source_new_stream (source, pieces[i][0], pieces[i][1], fixture->buffers);
      gsize n = 0;

      g_assert_true (g_input_stream_read_all (stream, buffer, SIZE, &n, NULL, NULL));
      g_assert_cmpuint (n, ==, pieces[i][1]);
      g_assert_true (n == 0 || memcmp (buffer, fixture->content + pieces[i][0], n) == 0);
    }
}

static void
add_wrote (gsize size, gpointer data)
{
  *(gsize *) data += size;
}

/* What is large goes out directly but for its end, what is not is read as ever. */
static void
test_write_to (Fixture *fixture, gconstpointer data)
{
  static const gsize pieces[][2] = {
    { 0, SIZE }, { 1, 2 * WORKER_BUFFER_SIZE }, { 0, WORKER_BUFFER_SIZE + 1 }, { 5, 100 }
  };
  g_autoptr (WorkerSource) source = open_pinned (fixture);
  g_autofree char *buffer = g_malloc (SIZE);

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      const gsize last = (pieces[i][1] - 1) % WORKER_BUFFER_SIZE + 1;
      g_autoptr (GOutputStream) out = g_memory_output_stream_new_resizable ();
      g_autoptr (GInputStream)
          stream = worker_source_new_stream (source, pieces[i][0], pieces[i][1], fixture->buffers);
      gsize wrote = 0;
      gsize n;

      worker_source_stream_write_to (stream, out, add_wrote, &wrote);
      g_assert_true (g_input_stream_read_all (stream, buffer, SIZE, &n, NULL, NULL));
      g_assert_cmpuint (n, ==, last);
      g_assert_cmpuint (wrote, ==, pieces[i][1] - last);
      g_assert_true (g_output_stream_write_all (out, buffer, n, NULL, NULL, NULL));
      g_assert_cmpmem (g_memory_output_stream_get_data (G_MEMORY_OUTPUT_STREAM (out)), pieces[i][1],
                       fixture->content + pieces[i][0], pieces[i][1]);
    }
}

static void
test_write_to_nobody (Fixture *fixture, gconstpointer data)
{
  static char little[1000];
  g_autoptr (WorkerSource) source = open_pinned (fixture);
  g_autoptr (GInputStream) stream = worker_source_new_stream (source, 0, SIZE, fixture->buffers);
  g_autoptr (GOutputStream) out = g_memory_output_stream_new (little, sizeof little, NULL, NULL);
  g_autoptr (GError) error = NULL;
  gsize wrote = 0;
  char byte;

  worker_source_stream_write_to (stream, out, add_wrote, &wrote);
  g_assert_cmpint (g_input_stream_read (stream, &byte, 1, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpuint (wrote, ==, sizeof little);
}

static void
test_cut_short (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WorkerSource) source = open_pinned (fixture);
  g_autoptr (GInputStream) stream = worker_source_new_stream (source, 0, SIZE, fixture->buffers);
  g_autofree char *buffer = g_malloc (SIZE);
  g_autoptr (GError) error = NULL;
  gsize n;

  g_assert_true (g_input_stream_read_all (stream, buffer, 1000, &n, NULL, NULL));
  g_assert_cmpint (truncate (fixture->path, 300000), ==, 0);
  g_assert_false (g_input_stream_read_all (stream, buffer, SIZE, &n, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_LOCAL_FILE_CHANGED);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*func) (Fixture *, gconstpointer);
  } cases[] = {
    { "/worker-source/check", test_check },
    { "/worker-source/names", test_names },
    { "/worker-source/closed-directory", test_closed_directory },
    { "/worker-source/unreadable", test_unreadable },
    { "/worker-source/same", test_same },
    { "/worker-source/rewritten", test_rewritten },
    { "/worker-source/touched", test_touched },
    { "/worker-source/replaced", test_replaced },
    { "/worker-source/gone", test_gone },
    { "/worker-source/stream", test_stream },
    { "/worker-source/write-to", test_write_to },
    { "/worker-source/write-to-nobody", test_write_to_nobody },
    { "/worker-source/cut-short", test_cut_short },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_test_add (cases[i].path, Fixture, NULL, set_up, cases[i].func, tear_down);
  return g_test_run ();
}
