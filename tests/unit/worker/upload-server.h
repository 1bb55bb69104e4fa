/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server that takes one file by the protocol that it is told to speak, as badly as it is told to. In a thread of its own. */

#pragma once

#include "ferry-enums.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/** Set the fields between attempts only. Counts are of pieces (fragments, PATCHes, PUTs with a body), from 1; 0 = never. */
typedef struct
{
  FerryUploadProtocol speaks; /* AUTO: nothing at all */

  GByteArray *kept;     /* (owned): what it has */
  gboolean whole;       /* the session was closed with all of it */
  gboolean cancelled;   /* ... or without */
  gboolean open;        /* there is a session */
  guint sessions;       /* that there ever were */
  GPtrArray *log;       /* (owned) (element-type utf8): "METHOD", with a packet's type */
  guint pieces;         /* that came */
  guint connections;    /* that requests came over, one after the other */
  guint last_port;      /* the other end of the last one */
  guint pieces_refused; /* with 401, 413 or 416 */

  guint drop_before;     /* this piece is not looked at, and the connection closed */
  guint drop_after;      /* this piece is kept, and not answered */
  guint keep_half;       /* of this piece half is kept, and it is not answered */
  guint lose_at;         /* the session is lost when this piece comes */
  gboolean lose_as_400;  /* said as gobits does */
  gboolean lose_always;  /* and each time again */
  guint unauthorized_at; /* 401 to this piece */
  gsize most;            /* longer pieces are 413 */
  gboolean strict;       /* 416 to pieces that do not fit; else what is new of them is kept */
  gboolean misspell;     /* the range's header, as gobits does */
  gint64 lie;            /* added to each offset that it tells */
  guint drop_create;     /* this many Create-Sessions or POSTs are not answered */
  guint drop_close;      /* this many closes are carried out and not answered */
  guint refuse;          /* this status for everything */
  gboolean away;         /* BITS: nor is the first Ping after a piece that was dropped answered */
  const char *session;   /* (nullable): BITS: its id, in place of the usual one */
  const char *host;      /* (nullable): BITS-Host-Id */
  guint head_status;     /* PUT: this status to each HEAD but the first @head_good */
  guint head_good;
  gboolean no_reply_url; /* of the last Ack */
  const char *reply_url; /* (nullable) */
  const char *method;    /* (nullable): PUT: what is taken in its place */
  gboolean ignore_range; /* of a PUT */
  gboolean early;        /* tus and PUT: success, with nothing kept */
} UploadSite;

typedef struct _UploadServer UploadServer;

UploadServer *upload_server_new (UploadSite *site);
void upload_server_free (UploadServer *self);

/** Returns: (transfer full) */
char *upload_server_dup_url (UploadServer *self, const char *path);

/** Returns: how many requests were @what */
guint upload_site_count (const UploadSite *site, const char *what);

G_END_DECLS
