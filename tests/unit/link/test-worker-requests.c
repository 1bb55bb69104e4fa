/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-config.h"
#include "ferry-error.h"
#include "ferry-worker-protocol.h"
#include "link-wait.h"
#include "workers-fixture.h"

static void
test_request (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  guint number = 0;

  /* It starts the worker and keeps it until the answer is there. */
  workers_fixture_ask (fixture, "check-targets", 30, &first);
  workers_fixture_ask (fixture, "remove", 30, &second);
  workers_fixture_assert_starts (fixture, 1);
  peer = peer_up (fixture);
  wait_until (peer->ids->len == 2);
  ferry_fake_clock_advance (fixture->clock, 29 * SECOND);
  workers_fixture_assert_stops (fixture, 0);

  /* Answered in another order. */
  ferry_link_send (peer->link, g_array_index (peer->ids, guint32, 1), "reply",
                   g_variant_new_parsed ("{'Error': <{'Name': <'org.ferry.Transfer1.Error."
                                         "TargetExists'>, 'Message': <'no\\nway'>}>, "
                                         "'Index': <uint32 5>}"));
  wait_until (second != NULL);
  g_assert_false (ferry_workers_request_finish (fixture->workers, second, &reply, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TARGET_EXISTS);
  g_assert_cmpstr (error->message, ==, "no\uFFFDway");
  g_assert_true (g_variant_lookup (reply, "Index", "u", &number));
  g_assert_cmpuint (number, ==, 5);
  g_clear_pointer (&reply, g_variant_unref);
  g_clear_error (&error);

  ferry_link_send (peer->link, g_array_index (peer->ids, guint32, 0), "reply",
                   g_variant_new_parsed ("{'Resume': <'x'>}"));
  wait_until (first != NULL);
  g_assert_true (ferry_workers_request_finish (fixture->workers, first, &reply, &error));
  g_assert_no_error (error);
  g_assert_true (g_variant_lookup (reply, "Resume", "&s", NULL));
  ferry_fake_clock_advance (fixture->clock, 10 * SECOND);
  workers_fixture_assert_stops (fixture, 1);
}

/* What a worker calls its error must not reach the caller as something that ferryd or the bus says. */
static void
test_reply_errors (WorkersFixture *fixture, gconstpointer data)
{
  static const char *const errors[] = {
    "<{'Name': <'org.freedesktop.DBus.Error.UnknownObject'>, 'Message': <'m'>}>",
    "<{'Name': <'org.freedesktop.DBus.Error.AccessDenied'>, 'Message': <'m'>}>",
    "<{'Name': <'nonsense'>, 'Message': <'m'>}>",
    "<{'Name': <uint32 7>, 'Message': <'m'>}>",
    "<{'Message': <'m'>}>",
    "<@a{sv} {}>",
    "<'text'>",
    "<uint32 0>",
  };
  g_autoptr (Peer) peer = NULL;

  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_up (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      g_autoptr (GAsyncResult) result = NULL;
      g_autofree char *text = g_strdup_printf ("{'Error': %s}", errors[i]);
      g_autoptr (GVariant) reply = g_variant_parse (NULL, text, NULL, NULL, NULL);

      workers_fixture_ask (fixture, "publish", 30, &result);
      wait_until (peer->ids->len == i + 1);
      ferry_link_send (peer->link, g_array_index (peer->ids, guint32, i), "reply", reply);
      wait_until (result != NULL);
      workers_fixture_assert_failed (fixture, result, i < 5 ? "m" : "The worker gave no reason");
    }
}

static void
test_request_late (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;
  g_autoptr (GAsyncResult) late = NULL;
  g_autoptr (GAsyncResult) other = NULL;

  /* The time runs from when the worker is up. */
  workers_fixture_ask (fixture, "publish", 7, &late);
  workers_fixture_ask (fixture, "remove", 700, &other);
  ferry_fake_clock_advance (fixture->clock, 20 * SECOND);
  peer = peer_up (fixture);
  wait_until (peer->ids->len == 2);
  ferry_fake_clock_advance (fixture->clock, 7 * SECOND - 1);
  workers_fixture_assert_stops (fixture, 0);
  ferry_fake_clock_advance (fixture->clock, 1);
  workers_fixture_assert_stops (fixture, 1);
  wait_until (peer->closed);

  /* As long as it lives it may still do it: no answer before it is gone. */
  link_wait_settle ();
  g_assert_null (late);
  g_assert_null (other);
  workers_fixture_die (fixture, "The worker was killed by signal 9");
  wait_until (late != NULL && other != NULL);
  workers_fixture_assert_failed (fixture, late, "The worker did not answer 'publish' within 7 s");
  workers_fixture_assert_failed (fixture, other, "The worker did not answer 'publish' within 7 s");
  workers_fixture_assert_log (fixture, "up;down:The worker did not answer 'publish' within 7 s;");
}

static void
test_request_over_a_sleep (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_up (fixture);
  workers_fixture_ask (fixture, "publish", 7, &result);
  wait_until (peer->ids->len == 1);
  ferry_fake_clock_advance (fixture->clock, 5 * SECOND);
  ferry_fake_clock_sleep (fixture->clock, 3600 * SECOND);
  ferry_fake_clock_advance (fixture->clock, 2 * SECOND - 1);
  workers_fixture_assert_stops (fixture, 0);
  ferry_fake_clock_advance (fixture->clock, 1);
  workers_fixture_assert_stops (fixture, 1);
  wait_until (peer->closed);
  workers_fixture_die (fixture, "The worker was killed by signal 9");
  wait_until (result != NULL);
  workers_fixture_assert_failed (fixture, result, "The worker did not answer 'publish' within 7 s");
}

static void
test_stuck (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GAsyncResult) third = NULL;

  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_up (fixture);
  workers_fixture_ask (fixture, "publish", 7, &first);
  wait_until (peer->ids->len == 1);
  ferry_fake_clock_advance (fixture->clock, 7 * SECOND);
  workers_fixture_ask (fixture, "remove", 7, &second);
  ferry_fake_clock_advance (fixture->clock, 10 * SECOND);
  wait_until (first != NULL && second != NULL);
  workers_fixture_ask (fixture, "remove", 7, &third);
  wait_until (third != NULL);
  workers_fixture_assert_failed (
      fixture, third, "The worker was killed but does not end, as if its disk or file server hung");
  workers_fixture_assert_starts (fixture, 1);
  g_assert_cmpstr (fixture->log->str, ==, "up;");
  workers_fixture_die (fixture, "The worker was killed by signal 9");
  g_assert_cmpint (workers_fixture_get_backoff (fixture), ==, 1);
}

static void
test_request_crash (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) sent = NULL;
  g_autoptr (GAsyncResult) unsent = NULL;
  g_autoptr (Peer) next = NULL;

  ferry_workers_hold (fixture->workers, fixture->uid);
  {
    g_autoptr (Peer) peer = peer_up (fixture);

    workers_fixture_ask (fixture, "publish", 30, &sent);
    wait_until (peer->ids->len == 1);
  }
  wait_until (!ferry_workers_is_up (fixture->workers, fixture->uid));
  workers_fixture_assert_stops (fixture, 1);
  workers_fixture_ask (fixture, "remove", 30, &unsent);
  workers_fixture_die (fixture, "The worker was killed by signal 9 (Killed)");
  wait_until (sent != NULL);
  workers_fixture_assert_failed (fixture, sent, "The worker was killed by signal 9 (Killed)");
  workers_fixture_assert_log (fixture, "up;down:The worker was killed by signal 9 (Killed);");

  /* What it never heard of goes to the next one. */
  ferry_fake_clock_advance (fixture->clock, 1 * SECOND);
  workers_fixture_assert_starts (fixture, 2);
  next = peer_up (fixture);
  wait_until (next->ids->len == 1);
  g_assert_null (unsent);
  ferry_link_send (next->link, g_array_index (next->ids, guint32, 0), "reply", NULL);
  wait_until (unsent != NULL);
}

static void
test_request_cannot_start (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) later = NULL;

  workers_fixture_ask (fixture, "publish", 30, &first);
  workers_fixture_die (fixture, "The worker could not be started: no such user");
  wait_until (first != NULL);
  workers_fixture_assert_failed (fixture, first, "The worker could not be started: no such user");

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GAsyncResult) result = NULL;

      workers_fixture_ask (fixture, "publish", 30, &result);
      ferry_fake_clock_advance (fixture->clock, 4 * SECOND);
      workers_fixture_die (fixture, "gone");
      wait_until (result != NULL);
    }

  /* Backed off for 8 s by now: nobody waits that long without knowing. */
  workers_fixture_ask (fixture, "publish", 30, &later);
  wait_until (later != NULL);
  workers_fixture_assert_failed (fixture, later, "gone; it is started again in 8 s");
}

static void
test_request_cancelled (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *results[3] = { NULL };

  ferry_workers_request (fixture->workers, fixture->uid, "unsent", NULL, 30, cancellable,
                         workers_fixture_on_reply, &results[0]);
  g_cancellable_cancel (cancellable);
  wait_until (results[0] != NULL);
  ferry_workers_request (fixture->workers, fixture->uid, "never", NULL, 30, cancellable,
                         workers_fixture_on_reply, &results[1]);
  wait_until (results[1] != NULL);

  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_up (fixture);
  g_cancellable_reset (cancellable);
  ferry_workers_request (fixture->workers, fixture->uid, "sent", NULL, 30, cancellable,
                         workers_fixture_on_reply, &results[2]);
  wait_until (peer->ids->len == 1);
  g_assert_cmpstr (peer->kinds->pdata[0], ==, "sent");
  g_cancellable_cancel (cancellable);
  wait_until (results[2] != NULL);

  /* Its answer may still come, and is no lie; a second one is. */
  ferry_link_send (peer->link, g_array_index (peer->ids, guint32, 0), "reply", NULL);
  ferry_link_send (peer->link, 0, "progress", NULL);
  wait_until (g_str_equal (fixture->log->str, "up;progress;"));
  ferry_link_send (peer->link, g_array_index (peer->ids, guint32, 0), "reply", NULL);
  wait_until (peer->closed);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (ferry_workers_request_finish (fixture->workers, results[i], NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_object_unref (results[i]);
    }
}

static void
test_request_window (WorkersFixture *fixture, gconstpointer data)
{
  g_autoptr (Peer) peer = NULL;
  g_autofree char *long_text = g_strnfill (FERRY_FRAME_MAX, 'x');
  g_autoptr (GAsyncResult) too_long = NULL;
  g_autoptr (GError) error = NULL;
  GAsyncResult *results[300] = { NULL };
  char *text = g_strnfill (60 * 1024, 'x');

  ferry_workers_hold (fixture->workers, fixture->uid);
  peer = peer_up (fixture);
  ferry_workers_request (fixture->workers, fixture->uid, "long",
                         g_variant_new_parsed ("{'Text': <%s>}", long_text), 30, NULL,
                         workers_fixture_on_reply, &too_long);
  wait_until (too_long != NULL);
  g_assert_false (ferry_workers_request_finish (fixture->workers, too_long, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_FAILED);

  /* 18 MB of questions do not look like a worker that does not read. */
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    ferry_workers_request (fixture->workers, fixture->uid, "remove",
                           g_variant_new_parsed ("{'Text': <%s>}", text), 30, NULL,
                           workers_fixture_on_reply, &results[i]);
  g_free (text);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      wait_until (peer->ids->len > i);
      g_assert_cmpuint (peer->ids->len, <=, i + 32);
      ferry_link_send (peer->link, g_array_index (peer->ids, guint32, i), "reply", NULL);
      wait_until (results[i] != NULL);
      g_assert_true (ferry_workers_request_finish (fixture->workers, results[i], NULL, NULL));
      g_object_unref (results[i]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, function)                                                                        \
  g_test_add (path, WorkersFixture, NULL, workers_fixture_set_up, function,                        \
              workers_fixture_tear_down)
  ADD ("/workers/request", test_request);
  ADD ("/workers/reply-errors", test_reply_errors);
  ADD ("/workers/request-late", test_request_late);
  ADD ("/workers/request-over-sleep", test_request_over_a_sleep);
  ADD ("/workers/stuck", test_stuck);
  ADD ("/workers/request-crash", test_request_crash);
  ADD ("/workers/request-cannot-start", test_request_cannot_start);
  ADD ("/workers/request-cancelled", test_request_cancelled);
  ADD ("/workers/request-window", test_request_window);
#undef ADD
  return g_test_run ();
}
