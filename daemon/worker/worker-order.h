/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What "start" of ferry-worker-protocol.h asks for, and what is remembered between two attempts at
 * a file. */

#pragma once

#include "ferry-enums.h"
#include "worker-login.h"
#include "worker-trust.h"
#include "worker-validator.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/** "start", or "start-upload" without what is of downloads alone. */
typedef struct
{
  gboolean upload; /* the file is sent */
  guint64 attempt;
  char *job; /* (owned) */
  guint32 file;
  char *url;    /* (owned) */
  char *method; /* (owned) (nullable): the owner's choice, %NULL = GET, or as the protocol has it */
  char *path;   /* (owned) */
  char *temporary_name;    /* (owned) (nullable): %NULL of an upload */
  GVariant *resume;        /* (owned): a{sv} */
  GVariant *ranges;        /* (owned) (nullable): a(tt) */
  char *digest;            /* (owned) (nullable) */
  guint64 size;            /* expected, FERRY_SIZE_UNKNOWN */
  guint64 maximum_size;    /* of the local file, FERRY_SIZE_UNKNOWN = no limit */
  gint64 final_mode;       /* of a file that is published next, -1 = not known to be */
  char *upload_url;        /* (owned) (nullable): of the upload that the file is the reply to */
  GVariant *upload_resume; /* (owned) (nullable): its `Resume` */

  FerryUploadProtocol protocol; /* of an upload */
  gboolean wants_reply;
  guint64 require_resumable_above; /* bytes, FERRY_SIZE_UNKNOWN = never */

  char **headers;        /* (owned) (nullable) */
  char **secret_headers; /* (owned) (nullable) */
  WorkerTrust trust;     /* (owned) */
  WorkerLogin login;     /* (owned) */
  FerryRedirectPolicy redirect_policy;
  char *proxy_usage;   /* (owned) (nullable) */
  char *proxy_uri;     /* (owned) (nullable) */
  char **proxy_bypass; /* (owned) (nullable) */
} WorkerOrder;

/**
 * worker_order_new:
 * @upload: whether @arguments are those of "start-upload"
 *
 * Returns: (transfer full) (nullable): %NULL when @arguments lack Attempt, Job, Url, Path, or, of a download,
 * TemporaryName
 */
WorkerOrder *worker_order_new (GVariant *arguments, gboolean upload);
/** Returns: (transfer full) (nullable): what "cancel-upload" tells of an upload; %NULL when @arguments lack Url */
WorkerOrder *worker_order_new_cancel (GVariant *arguments);
void worker_order_free (WorkerOrder *self);

/**
 * WorkerMemory:
 *
 * The worker's own keys of `Resume`; those of the sink are beside them.
 */
typedef struct
{
  guint64 total;             /* of the remote file, FERRY_SIZE_UNKNOWN */
  WorkerValidator validator; /* (owned): of the bytes that are held */
  guint32 restarts;          /* in a row, without a byte beyond @high_water */
  guint64 high_water;        /* most bytes of the file that were ever held */
  gboolean foreign; /* the bytes came by another method than GET: nothing can be joined to them */
  gboolean afresh;  /* a wrong digest was answered with a start without resuming already */
} WorkerMemory;

/** Reads the keys from @resume; what is absent or of another type has its empty value. */
void worker_memory_load (WorkerMemory *self, GVariant *resume);
void worker_memory_save (const WorkerMemory *self, GVariantDict *dict);
/** Forgets the bytes, not the counts. */
void worker_memory_drop_bytes (WorkerMemory *self);
void worker_memory_clear (WorkerMemory *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerOrder, worker_order_free)

G_END_DECLS
