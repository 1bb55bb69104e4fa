/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-chores.h"

/* Long enough for work that does not hang, on a busy machine; what hangs here waits for the test. */
#define PATIENCE 100

typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean open; /* what hangs may end */
  guint started;
  guint answered; /* with a reply */
  guint refused;  /* without */
  guint freed;
  WorkerChores *chores;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_mutex_init (&fixture->lock);
  g_cond_init (&fixture->changed);
  fixture->chores = worker_chores_new (PATIENCE);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  worker_chores_free (fixture->chores);
  g_mutex_clear (&fixture->lock);
  g_cond_clear (&fixture->changed);
}

static GVariant *
quick (gpointer data)
{
  Fixture *fixture = data;

  g_mutex_lock (&fixture->lock);
  fixture->started++;
  g_mutex_unlock (&fixture->lock);
  return g_variant_ref_sink (g_variant_new_boolean (TRUE));
}

static GVariant *
hang (gpointer data)
{
  Fixture *fixture = data;

  g_mutex_lock (&fixture->lock);
  fixture->started++;
  while (!fixture->open)
    g_cond_wait (&fixture->changed, &fixture->lock);
  g_mutex_unlock (&fixture->lock);
  return g_variant_ref_sink (g_variant_new_boolean (TRUE));
}

static void
freed_cb (gpointer data)
{
  Fixture *fixture = data;

  g_mutex_lock (&fixture->lock);
  fixture->freed++;
  g_mutex_unlock (&fixture->lock);
}

static void
done_cb (GVariant *reply, gpointer data)
{
  Fixture *fixture = data;

  if (reply != NULL)
    fixture->answered++;
  else
    fixture->refused++;
}

static void
push (Fixture *fixture, gboolean deadline, WorkerChoreFunc func)
{
  worker_chores_push (fixture->chores, deadline, func, fixture, freed_cb, done_cb, fixture);
}

static void
let_go (Fixture *fixture)
{
  g_mutex_lock (&fixture->lock);
  fixture->open = TRUE;
  g_cond_broadcast (&fixture->changed);
  g_mutex_unlock (&fixture->lock);
}

static guint
get_freed (Fixture *fixture)
{
  guint n;

  g_mutex_lock (&fixture->lock);
  n = fixture->freed;
  g_mutex_unlock (&fixture->lock);
  return n;
}

static void
test_quick (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 100; i++)
    push (fixture, i % 2 == 0, quick);
  while (fixture->answered < 100)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->refused, ==, 0);
  g_assert_cmpuint (get_freed (fixture), ==, 100);
}

/* One that hangs is told of when it has a deadline, and only once. */
static void
test_deadline (Fixture *fixture, gconstpointer data)
{
  push (fixture, TRUE, hang);
  while (fixture->refused == 0)
    g_main_context_iteration (NULL, TRUE);
  let_go (fixture);
  while (get_freed (fixture) == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->answered, ==, 0);
  g_assert_cmpuint (fixture->refused, ==, 1);
}

/* One without a deadline is answered when it is done, however late. */
static void
test_patient (Fixture *fixture, gconstpointer data)
{
  push (fixture, FALSE, hang);
  push (fixture, TRUE, hang);
  while (fixture->refused == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->answered, ==, 0);
  let_go (fixture);
  while (fixture->answered == 0 || get_freed (fixture) < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->refused, ==, 1);
}

/* Many that hang do not stop the others. */
static void
test_not_exhausted (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 5 * WORKER_MAX_CHORES; i++)
    push (fixture, i % 2 == 0, hang);
  for (guint i = 0; i < 10; i++)
    push (fixture, TRUE, quick);
  while (fixture->answered < 10)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->started, ==, 5 * WORKER_MAX_CHORES + 10);

  let_go (fixture);
  while (get_freed (fixture) < 5 * WORKER_MAX_CHORES + 10)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->answered + fixture->refused, ==, 5 * WORKER_MAX_CHORES + 10);
}

/* With too many no thread more is given to chance, until one comes back. */
static void
test_bound (Fixture *fixture, gconstpointer data)
{
  const guint n = WORKER_MAX_HUNG_CHORES + WORKER_MAX_CHORES;

  for (guint i = 0; i < n; i++)
    push (fixture, TRUE, hang);
  while (fixture->refused < n)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->started, <=, n);

  push (fixture, TRUE, quick);
  push (fixture, FALSE, quick);
  g_assert_cmpuint (fixture->refused, ==, n + 1);
  let_go (fixture);
  while (fixture->answered < 1)
    g_main_context_iteration (NULL, TRUE);
  while (get_freed (fixture) < n + 2)
    g_main_context_iteration (NULL, TRUE);
}

/* What hangs at the end does not hold it up, and is freed when it comes back. */
static void
test_free (Fixture *fixture, gconstpointer data)
{
  push (fixture, TRUE, hang);
  push (fixture, FALSE, hang);
  while (fixture->refused == 0)
    g_main_context_iteration (NULL, TRUE);
  g_clear_pointer (&fixture->chores, worker_chores_free);
  let_go (fixture);
  while (get_freed (fixture) < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->answered, ==, 0);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/worker-chores/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("quick", test_quick);
  ADD ("deadline", test_deadline);
  ADD ("patient", test_patient);
  ADD ("not-exhausted", test_not_exhausted);
  ADD ("bound", test_bound);
  ADD ("free", test_free);
  return g_test_run ();
}
