/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kerberos without Kerberos: what is not for a KDC to show. */

#include "worker-negotiate.h"

#include "ferry-error.h"
#include "no-threads.h"

/* The second one does not wait for a thread that there is not. */
static void
test_no_thread (void)
{
  g_autoptr (WorkerNegotiate) negotiate = worker_negotiate_new ("user", "password");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  no_threads_set (TRUE);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (worker_negotiate_get_token (negotiate, "host", cancellable, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED);
      g_assert_cmpstr (error->message, ==, "No thread can be started");
    }
  no_threads_set (FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-negotiate/no-thread", test_no_thread);
  return g_test_run ();
}
