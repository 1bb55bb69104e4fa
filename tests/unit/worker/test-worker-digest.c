/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-error.h"
#include "worker-digest.h"

#include <string.h>

#define ABC_SHA256 "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_SHA512                                                                                 \
  "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                        \
  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
#define EMPTY_SHA256 "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"

static GCancellable *never;

/* What stands for the file: it grows with each feed. */
typedef struct
{
  GMutex lock;
  GByteArray *bytes;
  gsize n_read;
  gboolean broken;
} File;

static void
file_init (File *file)
{
  g_mutex_init (&file->lock);
  file->bytes = g_byte_array_new ();
  file->n_read = 0;
  file->broken = FALSE;
}

static void
file_clear (File *file)
{
  g_byte_array_unref (file->bytes);
  g_mutex_clear (&file->lock);
}

static gssize
read_cb (gpointer data, guint64 offset, gpointer buffer, gsize size, GError **error)
{
  File *file = data;
  gsize n = 0;

  g_mutex_lock (&file->lock);
  if (file->broken)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR, "broken");
  else if (offset < file->bytes->len)
    n = MIN (size, file->bytes->len - offset);
  if (n > 0)
    memcpy (buffer, file->bytes->data + offset, n);
  file->n_read += n;
  g_mutex_unlock (&file->lock);
  return file->broken ? -1 : (gssize) n;
}

static void
feed (WorkerDigest *digest, WorkerBuffers *buffers, File *file, gsize size)
{
  g_autoptr (WorkerBuffer) buffer = worker_buffers_take (buffers, never, NULL);

  for (gsize i = 0; i < size; i++)
    buffer->data[i] = (guint8) (file->bytes->len + i * 7);
  g_mutex_lock (&file->lock);
  g_byte_array_append (file->bytes, buffer->data, (guint) size);
  g_mutex_unlock (&file->lock);
  worker_digest_feed (digest, buffer, size);
}

static char *
expect (const char *kind, const guint8 *data, gsize size)
{
  GChecksumType type = g_str_equal (kind, "sha512") ? G_CHECKSUM_SHA512 : G_CHECKSUM_SHA256;
  g_autofree char *hex = g_compute_checksum_for_data (type, data, size);

  return g_strconcat (kind, ":", hex, NULL);
}

static void
test_known (void)
{
  static const char *const digests[] = { ABC_SHA256, ABC_SHA512 };
  WorkerBuffers *buffers = worker_buffers_new ();

  for (guint i = 0; i < G_N_ELEMENTS (digests); i++)
    {
      g_autoptr (WorkerDigest) digest = worker_digest_new (digests[i], 0, read_cb, NULL, NULL);
      g_autoptr (WorkerBuffer) buffer = worker_buffers_take (buffers, never, NULL);
      gboolean matches = FALSE;

      memcpy (buffer->data, "abc", 3);
      worker_digest_feed (digest, buffer, 3);
      g_assert_true (worker_digest_finish (digest, never, &matches, NULL));
      g_assert_true (matches);
    }
  worker_buffers_free (buffers);
}

static void
test_empty (void)
{
  g_autoptr (WorkerDigest) right = worker_digest_new (EMPTY_SHA256, 0, read_cb, NULL, NULL);
  g_autoptr (WorkerDigest) wrong = worker_digest_new (ABC_SHA256, 0, read_cb, NULL, NULL);
  gboolean matches;

  g_assert_true (worker_digest_finish (right, never, &matches, NULL));
  g_assert_true (matches);
  g_assert_true (worker_digest_finish (wrong, never, &matches, NULL));
  g_assert_false (matches);
}

static void
test_malformed (void)
{
  static const char *const texts[] = {
    "",
    "sha256",
    "sha256:",
    "sha256:00",
    "md5:d41d8cd98f00b204e9800998ecf8427e",
    "sha1:00",
    "sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ABC_SHA256 "0",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("'%s'", texts[i]);
      g_assert_null (worker_digest_new (texts[i], 0, read_cb, NULL, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED);
    }
}

/* Many pieces faster than they are hashed: some are read back, and the order stays. */
static void
test_stream (void)
{
  WorkerBuffers *buffers = worker_buffers_new ();
  g_autofree char *text = NULL;

  for (guint round = 0; round < 2; round++)
    {
      File file;
      g_autoptr (WorkerDigest) digest = NULL;
      gboolean matches = FALSE;

      /* The first round only makes the model. */
      file_init (&file);
      digest = worker_digest_new (round == 0 ? ABC_SHA512 : text, 0, read_cb, &file, NULL);
      for (guint i = 0; i < 100; i++)
        feed (digest, buffers, &file, WORKER_BUFFER_SIZE - i);
      g_assert_true (worker_digest_finish (digest, never, &matches, NULL));
      g_assert_cmpint (matches, ==, round == 1);
      g_free (text);
      text = expect ("sha512", file.bytes->data, file.bytes->len);
      file_clear (&file);
    }
  worker_buffers_free (buffers);
}

/* What an earlier run left is read back, while new bytes come. */
static void
test_resume (void)
{
  WorkerBuffers *buffers = worker_buffers_new ();
  g_autoptr (WorkerDigest) digest = NULL;
  g_autofree char *text = NULL;
  g_autofree guint8 *content = g_malloc (1000000);
  gboolean matches = FALSE;
  File file;

  file_init (&file);
  for (gsize i = 0; i < 1000000; i++)
    content[i] = (guint8) (i * 31 >> 3);
  text = expect ("sha256", content, 1000000);
  g_byte_array_append (file.bytes, content, 700000);

  digest = worker_digest_new (text, 700000, read_cb, &file, NULL);
  for (gsize at = 700000; at < 1000000; at += 100000)
    {
      g_autoptr (WorkerBuffer) buffer = worker_buffers_take (buffers, never, NULL);

      memcpy (buffer->data, content + at, 100000);
      g_mutex_lock (&file.lock);
      g_byte_array_append (file.bytes, content + at, 100000);
      g_mutex_unlock (&file.lock);
      worker_digest_feed (digest, buffer, 100000);
    }
  g_assert_true (worker_digest_finish (digest, never, &matches, NULL));
  g_assert_true (matches);
  g_assert_cmpuint (file.n_read, >=, 700000);
  file_clear (&file);
  worker_buffers_free (buffers);
}

static void
test_read_error (void)
{
  g_autoptr (WorkerDigest) digest = NULL;
  g_autoptr (GError) error = NULL;
  gboolean matches;
  File file;

  file_init (&file);
  file.broken = TRUE;
  digest = worker_digest_new (ABC_SHA256, 100, read_cb, &file, NULL);
  g_assert_false (worker_digest_finish (digest, never, &matches, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR);
  file_clear (&file);
}

/* A file that is shorter than what was written to it (someone cut it) must not hang us. */
static void
test_short_file (void)
{
  g_autoptr (WorkerDigest) digest = NULL;
  g_autoptr (GError) error = NULL;
  gboolean matches;
  File file;

  file_init (&file);
  g_byte_array_append (file.bytes, (const guint8 *) "abc", 3);
  digest = worker_digest_new (ABC_SHA256, 4, read_cb, &file, NULL);
  g_assert_false (worker_digest_finish (digest, never, &matches, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR);
  file_clear (&file);
}

static void
test_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (WorkerDigest) digest = NULL;
  g_autoptr (GError) error = NULL;
  gboolean matches;
  File file;

  file_init (&file);
  digest = worker_digest_new (ABC_SHA256, 100, read_cb, &file, NULL);
  g_cancellable_cancel (cancellable);
  g_assert_false (worker_digest_finish (digest, cancellable, &matches, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  file_clear (&file);
}

static gpointer
take_in_thread (gpointer data)
{
  return worker_buffers_take (data, never, NULL);
}

/* The pool is bounded; who waits gets the buffer that comes back, or an error when cancelled. */
static void
test_pool (void)
{
  WorkerBuffers *buffers = worker_buffers_new ();
  WorkerBuffer *taken[WORKER_BUFFERS_MAX];
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  WorkerBuffer *late;
  GThread *thread;

  for (guint i = 0; i < WORKER_BUFFERS_MAX; i++)
    taken[i] = worker_buffers_take (buffers, never, NULL);
  g_cancellable_cancel (cancellable);
  g_assert_null (worker_buffers_take (buffers, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  thread = g_thread_new ("taker", take_in_thread, buffers);
  worker_buffer_unref (taken[3]);
  late = g_thread_join (thread);
  g_assert_true (late == taken[3]);

  for (guint i = 0; i < WORKER_BUFFERS_MAX; i++)
    worker_buffer_unref (taken[i]);
  worker_buffers_trim (buffers);
  worker_buffers_free (buffers);
}

/* A file that cannot be read back, or not now, must not keep the buffers that all files share. */
static void
check_pool_is_free (WorkerBuffers *buffers)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  WorkerBuffer *taken[WORKER_BUFFERS_MAX];

  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < WORKER_BUFFERS_MAX; i++)
    {
      taken[i] = worker_buffers_take (buffers, cancellable, NULL);
      g_assert_nonnull (taken[i]);
    }
  for (guint i = 0; i < WORKER_BUFFERS_MAX; i++)
    worker_buffer_unref (taken[i]);
}

static void
test_hung_file (void)
{
  WorkerBuffers *buffers = worker_buffers_new ();
  WorkerDigest *digest;
  File file;

  file_init (&file);
  digest = worker_digest_new (ABC_SHA256, 100, read_cb, &file, NULL);
  g_mutex_lock (&file.lock);
  for (guint i = 0; i < 12; i++)
    {
      g_autoptr (WorkerBuffer) buffer = worker_buffers_take (buffers, never, NULL);

      worker_digest_feed (digest, buffer, 1000);
    }
  check_pool_is_free (buffers);
  g_mutex_unlock (&file.lock);

  worker_digest_free (digest);
  file_clear (&file);
  worker_buffers_free (buffers);
}

static void
test_broken_file (void)
{
  WorkerBuffers *buffers = worker_buffers_new ();
  g_autoptr (GError) error = NULL;
  WorkerDigest *digest;
  gboolean matches;
  File file;

  file_init (&file);
  file.broken = TRUE;
  digest = worker_digest_new (ABC_SHA256, 100, read_cb, &file, NULL);
  for (guint i = 0; i < 12; i++)
    {
      g_autoptr (WorkerBuffer) buffer = worker_buffers_take (buffers, never, NULL);

      worker_digest_feed (digest, buffer, 1000);
    }
  g_assert_false (worker_digest_finish (digest, never, &matches, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR);
  check_pool_is_free (buffers);

  worker_digest_free (digest);
  file_clear (&file);
  worker_buffers_free (buffers);
}

int
main (int argc, char **argv)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  never = cancellable;
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-digest/known", test_known);
  g_test_add_func ("/worker-digest/empty", test_empty);
  g_test_add_func ("/worker-digest/malformed", test_malformed);
  g_test_add_func ("/worker-digest/stream", test_stream);
  g_test_add_func ("/worker-digest/resume", test_resume);
  g_test_add_func ("/worker-digest/read-error", test_read_error);
  g_test_add_func ("/worker-digest/short-file", test_short_file);
  g_test_add_func ("/worker-digest/cancelled", test_cancelled);
  g_test_add_func ("/worker-digest/pool", test_pool);
  g_test_add_func ("/worker-digest/hung-file", test_hung_file);
  g_test_add_func ("/worker-digest/broken-file", test_broken_file);
  return g_test_run ();
}
