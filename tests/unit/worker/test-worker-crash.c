/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker that is killed at any moment, again and again, with a store that hears of everything
 * late: bytes of two versions of a file must never be joined. */

#include "ferry-error.h"
#include "sink-fixture.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLS     200
#define FILE_SIZE 200000
#define CHUNK     7000

/* Calls that are left to this process; 0 = it is killed from outside. */
static guint life = 0;

static void
live (void)
{
  if (life > 0 && --life == 0)
    raise (SIGKILL);
}

/* What ferryd knows: which version the bytes are of, under which name, and how to go on. */
typedef struct
{
  guint32 version;
  guint32 name;
  gboolean is_done;
  GVariant *resume; /* (owned) */
} Store;

static char *
get_store_path (SinkFixture *self)
{
  return g_build_filename (self->directory, "store", NULL);
}

static void
store_load (SinkFixture *self, Store *store)
{
  g_autofree char *path = get_store_path (self);
  g_autofree char *text = NULL;
  g_autoptr (GVariant) all = NULL;

  *store = (Store){ 0 };
  if (!g_file_get_contents (path, &text, NULL, NULL))
    {
      store->resume = g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));
      return;
    }
  all = g_variant_parse (G_VARIANT_TYPE ("(uuba{sv})"), text, NULL, NULL, NULL);
  g_variant_get (all, "(uub@a{sv})", &store->version, &store->name, &store->is_done,
                 &store->resume);
}

static void
store_save (SinkFixture *self, const Store *store)
{
  g_autofree char *path = get_store_path (self);
  g_autoptr (GVariant) all = g_variant_ref_sink (
      g_variant_new ("(uub@a{sv})", store->version, store->name, store->is_done, store->resume));
  g_autofree char *text = g_variant_print (all, TRUE);

  /* Written beside and renamed: old or new, as a transaction. */
  if (!g_file_set_contents (path, text, -1, NULL))
    _exit (10);
}

/* A byte tells of which version and place it is. */
static char
get_byte (guint32 version, guint64 place)
{
  return (char) (version * 41 + place / 256 + place * 3);
}

static gboolean
is_of_version (const char *data, gsize size, guint32 version, guint64 place)
{
  for (gsize i = 0; i < size; i++)
    if (data[i] != get_byte (version, place + i))
      return FALSE;
  return TRUE;
}

static void
write_chunk (WorkerSink *sink, guint32 version)
{
  char data[CHUNK];
  guint64 place = worker_sink_get_position (sink);
  gsize size = MIN (CHUNK, FILE_SIZE - place);

  for (gsize i = 0; i < size; i++)
    data[i] = get_byte (version, place + i);
  if (!worker_sink_write (sink, data, size, NULL))
    _exit (11);
}

static void
check_held (WorkerSink *sink, guint32 version)
{
  g_autofree char *data = g_malloc (FILE_SIZE);
  gssize size = worker_sink_read (sink, 0, data, FILE_SIZE, NULL);

  if (size < 0 || (guint64) size != worker_sink_get_position (sink) ||
      !is_of_version (data, size, version, 0))
    _exit (1);
}

static WorkerSink *
open_any (SinkFixture *self, Store *store)
{
  for (;;)
    {
      g_autofree char *name = g_strdup_printf (".ferry-%u.part", store->name);
      g_autoptr (GError) error = NULL;
      gboolean restarted;
      WorkerSink *sink = worker_sink_open (self->target, name, store->resume, &restarted, &error);

      if (sink != NULL)
        return sink;
      if (!g_error_matches (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_NOT_OURS))
        _exit (12);

      store->name++;
      g_clear_pointer (&store->resume, g_variant_unref);
      store->resume = g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));
      store_save (self, store);
    }
}

static void
publish (SinkFixture *self, Store *store)
{
  g_autofree char *name = g_strdup_printf (".ferry-%u.part", store->name);
  g_autofree char *data = NULL;
  gsize size;

  if (!worker_publish (self->target, name, store->resume, FALSE, 0644, NULL))
    _exit (13);
  live ();
  if (!g_file_get_contents (self->target, &data, &size, NULL) || size != FILE_SIZE ||
      !is_of_version (data, size, store->version, 0))
    _exit (2);
  store->version++;
  store->name++;
  store->is_done = FALSE;
  g_clear_pointer (&store->resume, g_variant_unref);
  store->resume = g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));
  store_save (self, store);
}

static void
fetch (SinkFixture *self, Store *store, GRand *random)
{
  WorkerSink *sink = open_any (self, store);
  gboolean is_told = TRUE;

  /* The one before, checked already. */
  g_unlink (self->target);
  if (worker_sink_get_position (sink) == 0)
    store->version++;
  check_held (sink, store->version);

  while (worker_sink_get_position (sink) < FILE_SIZE)
    {
      write_chunk (sink, store->version);
      live ();
      if (g_rand_int_range (random, 0, 12) == 0)
        {
          /* The remote file changed; the store hears of it only with the next checkpoint but one. */
          store->version++;
          is_told = FALSE;
          if (!worker_sink_restart (sink, NULL))
            _exit (14);
          live ();
        }
      if (g_rand_int_range (random, 0, 3) == 0)
        {
          if (!worker_sink_checkpoint (sink, NULL))
            _exit (15);
          live ();
          if (is_told)
            {
              g_clear_pointer (&store->resume, g_variant_unref);
              store->resume = sink_get_resume (sink);
              store_save (self, store);
            }
          is_told = TRUE;
        }
    }

  if (!worker_sink_finish (sink, NULL))
    _exit (16);
  g_clear_pointer (&store->resume, g_variant_unref);
  store->resume = sink_get_resume (sink);
  store->is_done = TRUE;
  store_save (self, store);
  worker_sink_free (sink);
}

/* Never returns: exit status 1 for mixed bytes that were held, 2 for published ones. */
static void
work (SinkFixture *self, guint32 seed, guint calls)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  Store store;

  life = calls;
  store_load (self, &store);
  for (;;)
    {
      if (!store.is_done)
        fetch (self, &store, random);
      publish (self, &store);
    }
}

static void
test_kills (SinkFixture *self, gconstpointer unused)
{
  for (guint i = 0; i < KILLS; i++)
    {
      guint32 seed = (guint32) g_test_rand_int ();
      /* Every second one between two calls, where most can go wrong; the others anywhere. */
      guint calls = i % 2 == 0 ? (guint) g_test_rand_int_range (1, 60) : 0;
      gulong lifetime = (gulong) g_test_rand_int_range (0, 10000);
      int status;
      GPid pid = fork ();

      if (pid == 0)
        work (self, seed, calls);
      if (calls == 0)
        {
          g_usleep (lifetime);
          kill (pid, SIGKILL);
        }
      g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
      if (!WIFSIGNALED (status) || WTERMSIG (status) != SIGKILL)
        g_error ("worker %u ended by itself with status %#x", i, (guint) status);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/worker/crash/kills", SinkFixture, NULL, sink_fixture_set_up, test_kills,
              sink_fixture_tear_down);
  return g_test_run ();
}
