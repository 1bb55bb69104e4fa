/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-digest.h"

#include "ferry-error.h"
#include "worker-cancellable.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

/* Buffers that wait to be hashed; more are left to be read back. */
#define QUEUE_MAX 8

#define READ_SIZE ((gsize) 64 * 1024)

#define HASH_MAX 64

typedef struct
{
  guint64 offset;
  gsize size;
  WorkerBuffer *buffer; /* (owned) */
} Piece;

struct _WorkerDigest
{
  gnutls_hash_hd_t hash; /* (owned): of the thread, once there is one */
  gsize size;            /* of the digest, bytes */
  guint8 expected[HASH_MAX];
  WorkerDigestRead read;
  gpointer data;   /* (unowned) */
  guint8 *scratch; /* (owned) (nullable): READ_SIZE bytes */

  GThread *
      thread; /* (owned) (nullable): started with the second piece, so that a small file needs none */

  GMutex lock;
  GCond changed;
  GQueue pieces;   /* (element-type Piece) (owned) */
  guint64 hashed;  /* bytes that were hashed */
  guint64 claimed; /* @hashed, and the piece that is being hashed */
  guint64 written; /* bytes that are in the file */
  gboolean stop;
  GError *error; /* (owned) (nullable): reading back failed */
};

static gboolean
parse_hex (const char *text, guint8 *bytes, gsize size)
{
  if (strlen (text) != 2 * size)
    return FALSE;
  for (gsize i = 0; i < 2 * size; i++)
    {
      int digit = g_ascii_xdigit_value (text[i]);

      if (digit < 0)
        return FALSE;
      bytes[i / 2] = (guint8) (i % 2 == 0 ? digit << 4 : bytes[i / 2] | digit);
    }
  return TRUE;
}

WorkerDigest *
worker_digest_new (const char *text, guint64 position, WorkerDigestRead read, gpointer data,
                   GError **error)
{
  g_autoptr (WorkerDigest) self = g_new0 (WorkerDigest, 1);
  gnutls_digest_algorithm_t algorithm = GNUTLS_DIG_UNKNOWN;

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->pieces);

  if (g_str_has_prefix (text, "sha256:"))
    algorithm = GNUTLS_DIG_SHA256;
  else if (g_str_has_prefix (text, "sha512:"))
    algorithm = GNUTLS_DIG_SHA512;
  if (algorithm != GNUTLS_DIG_UNKNOWN)
    self->size = gnutls_hash_get_len (algorithm);

  if (algorithm == GNUTLS_DIG_UNKNOWN || !parse_hex (text + 7, self->expected, self->size) ||
      gnutls_hash_init (&self->hash, algorithm) < 0)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED,
                           "The digest is not one of sha256:HEX and sha512:HEX");
      return NULL;
    }

  self->read = read;
  self->data = data;
  self->written = position;
  return g_steal_pointer (&self);
}

static void
free_piece (gpointer data)
{
  Piece *piece = data;

  worker_buffer_unref (piece->buffer);
  g_free (piece);
}

void
worker_digest_free (WorkerDigest *self)
{
  if (self == NULL)
    return;

  g_mutex_lock (&self->lock);
  self->stop = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (self->thread != NULL)
    g_thread_join (self->thread);

  g_queue_clear_full (&self->pieces, free_piece);
  if (self->hash != NULL)
    gnutls_hash_deinit (self->hash, NULL);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_clear_error (&self->error);
  g_free (self->scratch);
  g_free (self);
}

/* Hashes up to READ_SIZE of the @left bytes of the file at @offset. Without the lock. Returns: how
 * many, 0 with @error */
static gsize
hash_from_file (WorkerDigest *self, guint64 offset, guint64 left, GError **error)
{
  gssize n;

  if (self->scratch == NULL)
    self->scratch = g_malloc (READ_SIZE);
  n = self->read (self->data, offset, self->scratch, (gsize) MIN (READ_SIZE, left), error);
  if (n == 0)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_FILE_SYSTEM_ERROR,
                         "The temporary file is shorter than what was written to it");
  if (n <= 0)
    return 0;
  gnutls_hash (self->hash, self->scratch, (gsize) n);
  return (gsize) n;
}

/* Hashes the next bytes, from the queue or from the file. Called with the lock, which it leaves
 * meanwhile. */
static void
hash_next_locked (WorkerDigest *self)
{
  Piece *piece = g_queue_peek_head (&self->pieces);
  g_autoptr (GError) error = NULL;
  guint64 offset = self->hashed;
  guint64 end = piece != NULL ? piece->offset : self->written;
  gsize n;

  if (piece != NULL && piece->offset == offset)
    {
      g_queue_pop_head (&self->pieces);
      self->claimed = offset + piece->size;
      g_mutex_unlock (&self->lock);
      gnutls_hash (self->hash, piece->buffer->data, piece->size);
      n = piece->size;
      free_piece (piece);
    }
  else
    {
      g_mutex_unlock (&self->lock);
      n = hash_from_file (self, offset, end - offset, &error);
    }

  g_mutex_lock (&self->lock);
  self->hashed += n;
  self->claimed = self->hashed;
  if (error == NULL)
    return;
  self->error = g_steal_pointer (&error);
  g_queue_clear_full (&self->pieces, free_piece);
}

static gpointer
run (gpointer data)
{
  WorkerDigest *self = data;

  g_mutex_lock (&self->lock);
  while (!self->stop)
    {
      if (self->error == NULL && self->hashed < self->written)
        {
          hash_next_locked (self);
          continue;
        }
      g_cond_broadcast (&self->changed);
      g_cond_wait (&self->changed, &self->lock);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* Buffers are kept only where nothing has to be read back before them: the file may take its time,
 * or for ever, and they are all that the worker's other files have. */
static gboolean
wants_buffer_locked (WorkerDigest *self)
{
  const Piece *last = g_queue_peek_tail (&self->pieces);
  guint64 end = last != NULL ? last->offset + last->size : self->claimed;

  return self->error == NULL && end == self->written && self->pieces.length < QUEUE_MAX;
}

void
worker_digest_feed (WorkerDigest *self, WorkerBuffer *buffer, gsize size)
{
  g_mutex_lock (&self->lock);
  if (self->thread == NULL && self->written > 0)
    self->thread = g_thread_new ("digest", run, self);

  if (wants_buffer_locked (self))
    {
      Piece *piece = g_new0 (Piece, 1);

      piece->offset = self->written;
      piece->size = size;
      piece->buffer = worker_buffer_ref (buffer);
      g_queue_push_tail (&self->pieces, piece);
    }
  self->written += size;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* Waits for the thread, or does its work when there is none. */
static void
wait_for_end (WorkerDigest *self, GCancellable *cancellable)
{
  WorkerWake wake;

  worker_wake_begin (&wake, cancellable, &self->lock, &self->changed);
  g_mutex_lock (&self->lock);
  while (!g_cancellable_is_cancelled (cancellable) && self->error == NULL &&
         self->hashed < self->written)
    {
      if (self->thread == NULL)
        hash_next_locked (self);
      else
        g_cond_wait (&self->changed, &self->lock);
    }
  g_mutex_unlock (&self->lock);
  worker_wake_end (&wake);
}

gboolean
worker_digest_finish (WorkerDigest *self, GCancellable *cancellable, gboolean *matches,
                      GError **error)
{
  guint8 digest[HASH_MAX];

  wait_for_end (self, cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (self->error != NULL)
    {
      g_propagate_error (error, g_error_copy (self->error));
      return FALSE;
    }

  gnutls_hash_output (self->hash, digest);
  *matches = memcmp (digest, self->expected, self->size) == 0;
  return TRUE;
}
