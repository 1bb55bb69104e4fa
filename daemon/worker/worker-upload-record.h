/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is remembered of an upload between two attempts: the worker's keys of its `Resume`. */

#pragma once

#include "ferry-enums.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Bytes of a session id, its host, a location or a reply's address that are taken from a server: with all else they have to
 * fit into a `Resume`. */
#define WORKER_UPLOAD_ID_MAX   512
#define WORKER_UPLOAD_HOST_MAX 255
#define WORKER_UPLOAD_URL_MAX  2200

/** Begins as worker_upload_record_load() of %NULL. */
typedef struct
{
  FerryUploadProtocol protocol; /* AUTO = not settled */
  gboolean session;             /* the server holds something of ours */
  char *id;                     /* (owned) (nullable): BITS: session id; tus: location */
  guint64 total;                /* bytes of the file */
  guint64 offset;               /* bytes that the server has acknowledged */
  guint64 high_water;           /* most that it ever has */
  guint64 sent;                 /* of a protocol that cannot resume: bytes of the last try */
  guint32
      fragment; /* bytes of the next request's body at most, 0 = the protocol's own first size */
  guint32 fragment_max; /* that the server is known to refuse more than, 0 = none */
  guint32 restarts;     /* sessions in a row that brought nothing new */
  guint32 silent;       /* breaks in a row of a server that is there */
  gint64 expires;       /* wall clock, s, when the server forgets it; 0 = not known */

  /* BITS */
  char *host;          /* (owned) (nullable): host, and maybe port, that has the session */
  guint32 host_time;   /* s after which the first host is asked again, 0 = never */
  gint64 host_failed;  /* wall clock, s, when @host could not be reached first; 0 = it can */
  guint64 last_start;  /* where the last fragment began */
  char *reply_url;     /* (owned) (nullable) */
  gboolean closing;    /* the session may be closed already */
  gboolean suspicious; /* an answer that may mean "no such session" was taken for that once */
} WorkerUploadRecord;

/** Reads the keys from @resume (nullable); what is absent or of another type has its empty value. */
void worker_upload_record_load (WorkerUploadRecord *self, GVariant *resume);
void worker_upload_record_save (const WorkerUploadRecord *self, GVariantDict *dict);
void worker_upload_record_clear (WorkerUploadRecord *self);

/** Forgets the session and its bytes; the protocol and the counts stay. */
void worker_upload_record_drop_session (WorkerUploadRecord *self);

/** Notes that the server has @offset bytes. Returns: whether that is more than ever before */
gboolean worker_upload_record_acknowledge (WorkerUploadRecord *self, guint64 offset);

/** Returns: (transfer full): what @resume (nullable) knows of the file's directory, and nothing else */
GVariant *worker_upload_record_strip (GVariant *resume);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WorkerUploadRecord, worker_upload_record_clear)

G_END_DECLS
