/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chunks, whole and damaged. */

#include "worker-chunks.h"

#include "ferry-error.h"

#include <string.h>

typedef struct
{
  const char *text;
  const char *body;
  WorkerChunksState state; /* at the end */
  gboolean damaged;
} Row;

static const Row rows[] = {
  { "5\r\nabcde\r\n0\r\n\r\n", "abcde", WORKER_CHUNKS_ENDED, FALSE },
  { "5\r\nabcde\r\n3\r\nfgh\r\n000\r\n\r\n", "abcdefgh", WORKER_CHUNKS_ENDED, FALSE },
  { "0\r\n\r\n", "", WORKER_CHUNKS_ENDED, FALSE },
  { "00005\r\nabcde\r\n0\r\n\r\n", "abcde", WORKER_CHUNKS_ENDED, FALSE },
  { "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", WORKER_CHUNKS_ENDED,
    FALSE },
  { "5;name=\"v\"\r\nabcde\r\n0;x\r\n\r\n", "abcde", WORKER_CHUNKS_ENDED, FALSE },
  { "5  \r\nabcde\r\n0 \r\n\r\n", "abcde", WORKER_CHUNKS_ENDED, FALSE },
  { "5\nabcde\n0\n\n", "abcde", WORKER_CHUNKS_ENDED, FALSE },
  { "5\r\nabcde\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n", "abcde", WORKER_CHUNKS_ENDED, FALSE },
  { "5\r\nabcde\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n", "abcde", WORKER_CHUNKS_ENDED, FALSE },

  { "5\r\nabc", "abc", WORKER_CHUNKS_DATA, FALSE },
  { "5\r\nabcde", "abcde", WORKER_CHUNKS_DATA_END, FALSE },
  { "5\r\nabcde\r\n", "abcde", WORKER_CHUNKS_SIZE, FALSE },
  { "5\r\nabcde\r\n0", "abcde", WORKER_CHUNKS_SIZE, FALSE },
  { "5\r\nabcde\r\n0\r\n", "abcde", WORKER_CHUNKS_TRAILER, FALSE },
  { "5\r\nabcde\r\n0\r\nX-A: b\r\n", "abcde", WORKER_CHUNKS_TRAILER, FALSE },

  { "-5\r\nabcde\r\n0\r\n\r\n", "", WORKER_CHUNKS_SIZE, TRUE },
  { "+5\r\nabcde\r\n0\r\n\r\n", "", WORKER_CHUNKS_SIZE, TRUE },
  { "0x5\r\nabcde\r\n0\r\n\r\n", "", WORKER_CHUNKS_SIZE, TRUE },
  { "zz\r\nabcde\r\n0\r\n\r\n", "", WORKER_CHUNKS_SIZE, TRUE },
  { "\r\n5\r\nabcde\r\n0\r\n\r\n", "", WORKER_CHUNKS_SIZE, TRUE },
  { "ffffffffffffffff\r\nabcde\r\n", "", WORKER_CHUNKS_SIZE, TRUE },
  { "10000000000000005\r\nabcde\r\n0\r\n\r\n", "", WORKER_CHUNKS_SIZE, TRUE },
  { "5\rabcde\r\n0\r\n\r\n", "", WORKER_CHUNKS_EXTENSION, TRUE },
  { "3\r\nabcde\r\n0\r\n\r\n", "abc", WORKER_CHUNKS_DATA_END, TRUE },
  { "5\r\nabcde0\r\n\r\n", "abcde", WORKER_CHUNKS_DATA_END, TRUE },
  { "5\r\nabcde\r\n\r\n0\r\n\r\n", "abcde", WORKER_CHUNKS_SIZE, TRUE },
  { "5\r\nabcde\r\n\xff\r\nabcde\r\n0\r\n\r\n", "abcde", WORKER_CHUNKS_SIZE, TRUE },
};

/* Gives @row in pieces of @step bytes. */
static void
check (const Row *row, gsize step)
{
  g_autoptr (GString) body = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  WorkerChunks chunks = { 0 };
  gsize size = strlen (row->text);

  for (gsize at = 0; at < size && error == NULL; at += step)
    {
      gsize n = MIN (step, size - at);
      g_autofree guint8 *piece = g_memdup2 (row->text + at, n);
      gsize taken;
      gboolean fine = worker_chunks_take (&chunks, piece, n, &taken, &error);

      g_assert_cmpint (fine, ==, error == NULL);
      g_assert_cmpuint (taken, <=, n);
      g_string_append_len (body, (const char *) piece, (gssize) taken);
    }

  g_assert_cmpstr (body->str, ==, row->body);
  if (row->damaged)
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_SERVER_RESPONSE);
  else
    g_assert_no_error (error);
  if (!row->damaged)
    g_assert_cmpint (chunks.state, ==, row->state);
  else
    g_assert_cmpint (chunks.state, !=, WORKER_CHUNKS_ENDED);
}

static void
test_rows (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (gsize step = 1; step <= strlen (rows[i].text); step++)
      check (&rows[i], step);
}

/* A server that never ends a line must not be listened to for ever. */
static void
test_endless (void)
{
  static const char *const beginnings[] = { "5;", "0\r\n", "0\r\nX: y\r\n" };

  for (guint i = 0; i < G_N_ELEMENTS (beginnings); i++)
    {
      g_autofree guint8 *data = g_malloc (100000);
      g_autoptr (GError) error = NULL;
      WorkerChunks chunks = { 0 };
      gsize taken;

      memset (data, 'x', 100000);
      memcpy (data, beginnings[i], strlen (beginnings[i]));
      g_assert_false (worker_chunks_take (&chunks, data, 100000, &taken, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_INVALID_SERVER_RESPONSE);
      g_assert_cmpuint (taken, ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-chunks/rows", test_rows);
  g_test_add_func ("/worker-chunks/endless", test_endless);
  return g_test_run ();
}
