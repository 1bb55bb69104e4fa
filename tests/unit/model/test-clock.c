/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's clock; the fake one is held to the same order. */

#include "fake-clock.h"

#define MILLISECOND G_GINT64_CONSTANT (1000)

typedef struct
{
  GString *notes; /* (unowned) */
  char letter;
} Note;

static void
note_cb (gpointer data)
{
  const Note *note = data;

  g_string_append_c (note->notes, note->letter);
}

static void
run_until (GString *notes, gsize length)
{
  gint64 end = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;

  while (notes->len < length)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_main_context_iteration (NULL, TRUE);
    }
}

static void
test_order (void)
{
  g_autoptr (FerryClock) clock = ferry_system_clock_new ();
  g_autoptr (GString) notes = g_string_new (NULL);
  Note late = { notes, 'c' }, early = { notes, 'a' }, middle = { notes, 'b' };
  gint64 now = ferry_clock_get_boot (clock);

  ferry_clock_add (clock, now + 30 * MILLISECOND, note_cb, &late);
  ferry_clock_add (clock, now + 10 * MILLISECOND, note_cb, &early);
  ferry_clock_add (clock, now + 20 * MILLISECOND, note_cb, &middle);
  run_until (notes, 3);
  g_assert_cmpstr (notes->str, ==, "abc");
  g_assert_cmpint (ferry_clock_get_boot (clock), >=, now + 30 * MILLISECOND);
}

static void
test_past_deadline (void)
{
  g_autoptr (FerryClock) clock = ferry_system_clock_new ();
  g_autoptr (GString) notes = g_string_new (NULL);
  Note past = { notes, 'p' };

  ferry_clock_add (clock, 0, note_cb, &past);
  g_assert_cmpstr (notes->str, ==, "");
  run_until (notes, 1);
}

static void
test_removed (void)
{
  g_autoptr (FerryClock) clock = ferry_system_clock_new ();
  g_autoptr (GString) notes = g_string_new (NULL);
  Note never = { notes, 'n' }, kept = { notes, 'k' };
  gint64 now = ferry_clock_get_boot (clock);
  guint id = ferry_clock_add (clock, now + MILLISECOND, note_cb, &never);

  ferry_clock_add (clock, now + 20 * MILLISECOND, note_cb, &kept);
  ferry_clock_clear (clock, &id);
  g_assert_cmpuint (id, ==, 0);
  run_until (notes, 1);
  g_assert_cmpstr (notes->str, ==, "k");
}

typedef struct
{
  FerryClock *clock;
  guint left;
} Chain;

static void
again_cb (gpointer data)
{
  Chain *chain = data;

  if (--chain->left > 0)
    ferry_clock_add (chain->clock, ferry_clock_get_boot (chain->clock), again_cb, chain);
}

static void
test_added_from_within (void)
{
  g_autoptr (FerryClock) clock = ferry_system_clock_new ();
  Chain chain = { clock, 5 };

  ferry_clock_add (clock, 0, again_cb, &chain);
  while (chain.left > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_awake (void)
{
  g_autoptr (FerryClock) clock = ferry_system_clock_new ();
  gint64 awake = ferry_clock_get_awake (clock);

  g_assert_cmpint (awake, <=, g_get_monotonic_time ());
  g_assert_cmpint (awake, <=, ferry_clock_get_boot (clock));
  g_assert_cmpint (g_get_monotonic_time () - awake, <, 60 * G_USEC_PER_SEC);
}

static void
test_fake (void)
{
  g_autoptr (FerryFakeClock) fake = ferry_fake_clock_new ();
  FerryClock *clock = FERRY_CLOCK (fake);
  g_autoptr (GString) notes = g_string_new (NULL);
  Note second = { notes, 'b' }, first = { notes, 'a' };
  gint64 boot = ferry_clock_get_boot (clock);
  gint64 wall = ferry_clock_get_wall (clock);

  ferry_clock_add (clock, boot + 20, note_cb, &second);
  ferry_clock_add (clock, boot + 10, note_cb, &first);
  ferry_fake_clock_advance (fake, 19);
  g_assert_cmpstr (notes->str, ==, "a");
  ferry_fake_clock_advance (fake, 1);
  g_assert_cmpstr (notes->str, ==, "ab");
  ferry_fake_clock_jump_wall (fake, -5);
  g_assert_cmpint (ferry_clock_get_boot (clock), ==, boot + 20);
  g_assert_cmpint (ferry_clock_get_wall (clock), ==, wall + 15);
  g_assert_cmpint (ferry_clock_get_awake (clock), ==, boot + 20);
  ferry_fake_clock_sleep (fake, 100);
  g_assert_cmpint (ferry_clock_get_boot (clock), ==, boot + 120);
  g_assert_cmpint (ferry_clock_get_awake (clock), ==, boot + 20);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock/order", test_order);
  g_test_add_func ("/clock/past", test_past_deadline);
  g_test_add_func ("/clock/removed", test_removed);
  g_test_add_func ("/clock/from-within", test_added_from_within);
  g_test_add_func ("/clock/awake", test_awake);
  g_test_add_func ("/clock/fake", test_fake);
  return g_test_run ();
}
