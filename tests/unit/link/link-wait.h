/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for something to become true while the main loop runs, never for a time to pass. */

#pragma once

#include <glib.h>

/* Runs the main loop until @condition holds; that it never does is a failure after a minute. */
#define wait_until(condition)                                                                      \
  G_STMT_START                                                                                     \
  {                                                                                                \
    GSource *link_wait_alarm = link_wait_alarm_new (G_STRLOC ": never came true: " #condition);    \
                                                                                                   \
    while (!(condition))                                                                           \
      g_main_context_iteration (NULL, TRUE);                                                       \
    g_source_destroy (link_wait_alarm);                                                            \
    g_source_unref (link_wait_alarm);                                                              \
  }                                                                                                \
  G_STMT_END

/** Returns: (transfer full): a source that ends the test with @message after a minute */
GSource *link_wait_alarm_new (const char *message);

/** Lets the main loop do all that is ready now. */
void link_wait_settle (void);
