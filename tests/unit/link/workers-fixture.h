/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FerryWorkers with a launcher that starts nothing: the test connects in the workers' place, as its own uid. */

#pragma once

#include "fake-clock.h"
#include "fake-launcher.h"
#include "ferry-link.h"
#include "ferry-workers.h"

G_BEGIN_DECLS

#define SECOND G_TIME_SPAN_SECOND

typedef struct
{
  char *directory;             /* (owned) */
  char *socket;                /* (owned) */
  FerryFakeClock *clock;       /* (owned) */
  FerryFakeLauncher *launcher; /* (owned) */
  FerryWorkers *workers;       /* (owned) */
  uid_t uid;                   /* ours */
  GString *log;                /* (owned): signals as they came */
  gboolean kill_on_message;
} WorkersFixture;

/* What the worker's end of a link got. */
typedef struct
{
  FerryLink *link;  /* (owned) */
  GArray *ids;      /* (owned) (element-type guint32) */
  GPtrArray *kinds; /* (owned) (element-type utf8) */
  gboolean closed;
} Peer;

void workers_fixture_set_up (WorkersFixture *fixture, gconstpointer data);
void workers_fixture_tear_down (WorkersFixture *fixture, gconstpointer data);
Peer *peer_connect (WorkersFixture *fixture);
void peer_free (Peer *peer);
void peer_hello (Peer *peer, const char *version);

/* A worker that is up. */
Peer *peer_up (WorkersFixture *fixture);
void workers_fixture_assert_log (WorkersFixture *fixture, const char *expected);
void workers_fixture_assert_starts (WorkersFixture *fixture, guint starts);
void workers_fixture_assert_stops (WorkersFixture *fixture, guint stops);
void workers_fixture_die (WorkersFixture *fixture, const char *reason);

/* Seconds until the next start; 0 = no backoff. */
gint64 workers_fixture_get_backoff (WorkersFixture *fixture);
void workers_fixture_on_reply (GObject *source, GAsyncResult *result, gpointer data);
void workers_fixture_ask (WorkersFixture *fixture, const char *kind, guint timeout,
                          GAsyncResult **result);
void workers_fixture_assert_failed (WorkersFixture *fixture, GAsyncResult *result,
                                    const char *message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Peer, peer_free)

G_END_DECLS
