/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One attempt after another at one file, against a site that misbehaves as told. */

#pragma once

#include "raw-server.h"
#include "worker-attempt.h"

G_BEGIN_DECLS

/** How a site sends a body. */
typedef enum
{
  BODY_LENGTH,          /* with Content-Length */
  BODY_LENGTH_CLOSE,    /* the same, with Connection: close */
  BODY_CHUNKED,         /* in chunks, connection kept */
  BODY_CHUNKED_CLOSE,   /* in chunks, then closed */
  BODY_CHUNKED_UNENDED, /* in chunks, closed without the last one */
  BODY_CLOSE,           /* without length, ended by close */
} BodyKind;

/** A site with one file, under every path. Set its fields between attempts. */
typedef struct
{
  guint8 *content; /* (owned) */
  gsize size;
  const char *etag;          /* (nullable) */
  const char *last_modified; /* (nullable) */
  const char *date;          /* (nullable) */
  const char *more_headers;  /* (nullable): complete lines */
  BodyKind body;
  gboolean no_ranges;       /* answers 200 to a Range */
  gboolean ignore_if_range; /* answers 206 to any If-Range */
  gboolean refuse_if_range; /* answers 200 to any If-Range */
  gsize cut;                /* close after that many bytes of a body, 0 = do not */
  gboolean reset;           /* and with a reset */
  gboolean hang;            /* wait there for the other side to close */
  gsize at_most;            /* longest part that is sent, 0 = no limit */
  const char *say;          /* (nullable): this instead of everything, then close */
  guint say_times;          /* for that many requests, 0 = for ever */
  const char *redirect;     /* (nullable): 302 to this */
  gsize body_sent;          /* bytes of bodies in all */
} Site;

typedef struct
{
  char *kind;          /* (owned) */
  GVariant *arguments; /* (owned) */
} FixtureReport;

typedef struct
{
  char *directory;
  char *path;
  char *part;
  WorkerSessions *sessions;
  SoupSession *session;
  WorkerBuffers *buffers;
  Site site;
  RawServer *server;

  GMutex lock;
  GPtrArray *reports;     /* (element-type FixtureReport): of the last attempt */
  GVariant *resume;       /* (nullable): what the last attempt left */
  char *last_url;         /* (nullable): as the worker keeps it */
  WorkerAttempt *attempt; /* (unowned) (nullable): the last one that was prepared */
  guint confirmed;        /* reports in all that wanted to be confirmed, and were */

  /* What the next attempts are told. */
  const char *url;          /* (nullable): the site when %NULL */
  const char *method;       /* (nullable) */
  gboolean upload;          /* the file at @path is sent */
  gboolean stop_at_confirm; /* in place of the confirmation */
  const char *ranges;
  char *digest;
  guint64 size;
  guint64 maximum_size;
  const char *const *headers;
  const char *const *secret_headers;
  const char *const *tls_flags;
  const char *const *tls_flags_forbidden;
  const char *const *server_pins;
  const char *redirect_policy;
  const char *credentials; /* (nullable): text of an a(ssa{sv}) */
  const char *netrc;       /* (nullable): path of the user's ~/.netrc; absent when %NULL */
} Fixture;

void fixture_set_up (Fixture *fixture, gconstpointer data);
void fixture_tear_down (Fixture *fixture, gconstpointer data);

/** Has the next attempts give up on servers after @times. */
void fixture_set_times (Fixture *fixture, const WorkerTimes *times);

/** Fills the site with @size bytes that differ with @seed. */
void fixture_fill (Fixture *fixture, gsize size, guint seed);

/** Serves @data, a Site */
gboolean site_serve_cb (RawPeer *peer, const char *request, gpointer data);

/** Makes an attempt that goes on from the last. The caller runs it, or fixture_run() does. */
WorkerAttempt *fixture_prepare (Fixture *fixture);

/** Runs @attempt (transfer full) to its end, in this thread. Returns: (transfer none): the kind of its last report */
const char *fixture_finish (Fixture *fixture, WorkerAttempt *attempt);

/** Both. */
const char *fixture_run (Fixture *fixture);

/** Returns: (transfer none): the arguments of the last report */
GVariant *fixture_get_end (Fixture *fixture);

/** Returns: how many reports of @kind there were */
guint fixture_count (Fixture *fixture, const char *kind);

/** Returns: (transfer none) (nullable): the reason of the only "restarted"; %NULL when there was none */
const char *fixture_get_restart (Fixture *fixture);

guint64 fixture_get_size (GVariant *arguments, const char *key);

/** Asserts that the temporary file holds these bytes. */
void fixture_assert_file (Fixture *fixture, const void *content, gsize size);
/** Asserts a "done" with the site's content. */
void fixture_assert_done (Fixture *fixture, const char *end);
/** Asserts a "failed" with error @name ("ConnectionClosed"). */
void fixture_assert_failed (Fixture *fixture, const char *end, const char *name,
                            gboolean transient);

/** Returns: (transfer full): "sha256:..." of the site's content */
char *fixture_dup_digest (Fixture *fixture);

/** Returns: (transfer full) (nullable): header @name of the site's request @number */
char *fixture_dup_request_header (Fixture *fixture, guint number, const char *name);

G_END_DECLS
