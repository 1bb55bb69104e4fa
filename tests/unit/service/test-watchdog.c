/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-watchdog.h"
#include "link-wait.h"

#define PERIOD (200 * G_TIME_SPAN_MILLISECOND)
#define ARM    "WATCHDOG=1\nWATCHDOG_USEC=200000;"
#define FEED   "WATCHDOG=1;"
#define DISARM "WATCHDOG_USEC=0;"

static void
on_notify (const char *state, gpointer data)
{
  g_string_append_printf (data, "%s;", state);
}

/* Returns: ms for which the main loop would sleep, -1 = until something happens */
static int
get_sleep (void)
{
  GMainContext *context = g_main_context_default ();
  GPollFD fds[16];
  int priority, timeout;

  g_assert_true (g_main_context_acquire (context));
  g_main_context_prepare (context, &priority);
  g_main_context_query (context, priority, &timeout, fds, G_N_ELEMENTS (fds));
  g_main_context_release (context);
  return timeout;
}

static void
test_quiet (void)
{
  g_autoptr (GString) said = g_string_new (NULL);
  g_autoptr (FerryWatchdog) watchdog = ferry_watchdog_new (PERIOD, on_notify, said);

  /* The first turn: something happened. */
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpstr (said->str, ==, ARM);
  g_assert_cmpint (get_sleep (), >, 0);

  /* Nothing more does. The last turn is the one in which it finds that out. */
  while (g_str_equal (said->str, ARM) || g_str_has_suffix (said->str, FEED))
    {
      g_main_context_iteration (NULL, TRUE);
      get_sleep ();
    }
  g_assert_true (g_str_has_suffix (said->str, DISARM));
  g_assert_cmpint (get_sleep (), ==, -1);

  /* The next turn is work again. */
  g_string_set_size (said, 0);
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpstr (said->str, ==, ARM);
}

/* Whatever is dispatched first in a turn, the watchdog was armed before. */
static gboolean
urgent_cb (gpointer data)
{
  GString *said = data;

  g_assert_cmpstr (said->str, ==, ARM);
  g_string_append (said, "urgent;");
  return G_SOURCE_REMOVE;
}

static void
test_armed_first (void)
{
  g_autoptr (GString) said = g_string_new (NULL);
  g_autoptr (FerryWatchdog) watchdog = ferry_watchdog_new (PERIOD, on_notify, said);

  g_idle_add_full (G_PRIORITY_HIGH, urgent_cb, said, NULL);
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpstr (said->str, ==, ARM "urgent;");
}

static gboolean
work_cb (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* As long as the loop works it is fed and stays armed, and no longer when it hangs. */
static void
test_work (void)
{
  g_autoptr (GString) said = g_string_new (NULL);
  g_autoptr (FerryWatchdog) watchdog = ferry_watchdog_new (PERIOD, on_notify, said);
  guint source = g_idle_add (work_cb, NULL);

  wait_until (g_str_equal (said->str, ARM FEED FEED));
  g_source_remove (source);
}

static void
test_freed (void)
{
  g_autoptr (GString) said = g_string_new (NULL);
  FerryWatchdog *watchdog = ferry_watchdog_new (PERIOD, on_notify, said);

  g_main_context_iteration (NULL, FALSE);
  ferry_watchdog_free (watchdog);
  g_assert_cmpint (get_sleep (), ==, -1);
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpstr (said->str, ==, ARM);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/service/watchdog/quiet", test_quiet);
  g_test_add_func ("/service/watchdog/armed-first", test_armed_first);
  g_test_add_func ("/service/watchdog/work", test_work);
  g_test_add_func ("/service/watchdog/freed", test_freed);
  return g_test_run ();
}
