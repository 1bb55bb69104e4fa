/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One remote/local pair of a job. No I/O. */

#pragma once

#include "ferry-failure.h"

#include "ferry-worker-protocol.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 offset;
  guint64 length; /* FERRY_SIZE_UNKNOWN: to the end */
} FerryRange;

/* Index of the reply of an upload-reply: no owner ever hears of it. */
#define FERRY_REPLY_INDEX (G_MAXUINT32 - 1)

/**
 * FerryFile:
 *
 * One that a download fetches, the one that an upload sends (@is_source), or the reply to it (ferry_file_is_reply()).
 *
 * May be read anywhere in ferryd; written by FerryJob's functions, the engine and the store's
 * loader, which then call ferry_job_touch_file().
 */
typedef struct
{
  guint index;
  gboolean
      is_source; /* of an upload: read only, whatever happens; set by the job when it gets the file */
  char *remote_url; /* (owned): without fragment and userinfo; of a reply "" until it is known */
  char *local_path; /* (owned) (type filename): absolute, a path of the host */

  /* options of AddFile */
  GArray *ranges;        /* (owned) (nullable) (element-type FerryRange) */
  char *digest;          /* (owned) (nullable): "sha256:<lowercase hex>" or "sha512:..." */
  guint64 expected_size; /* bytes, FERRY_SIZE_UNKNOWN */
  gboolean replace;
  guint32 mode;

  FerryFileState state;
  guint64 bytes_total;       /* FERRY_SIZE_UNKNOWN until known */
  guint64 bytes_transferred; /* written; what is durable is in @resume */
  char *validator;           /* (owned) (nullable): shown only */
  guint http_status;         /* of the last answer, 0 = none */
  char **response_headers;   /* (owned) (nullable): of the last answer */
  guint restarts;
  FerryFailure *error; /* (owned) (nullable) */

  guint generation; /* of the temporary name */
  GVariant *resume; /* (owned) (nullable): the worker's a{sv} */

  /* of this run of ferryd only */
  guint64 most_bytes; /* that @bytes_transferred ever was: what comes again is no news */
  guint64 most_kept;  /* the same of what the server of an upload has acknowledged */
  guint unstored;     /* commits that must come before anything is made under the temporary name */
  guint64 attempt;    /* the worker's attempt on this file, 0 = none */
  gboolean stopping;  /* "stop" was sent for @attempt */
} FerryFile;

/** Returns: (transfer full): a pending file with no options */
FerryFile *ferry_file_new (const char *remote_url, const char *local_path);
void ferry_file_free (FerryFile *self);

/** Returns: (transfer full): name of the temporary file beside the target, DESIGN section 5 */
char *ferry_file_get_temporary_name (const FerryFile *self, const char *job_id);

/** Returns: (transfer full): its path */
char *ferry_file_get_temporary_path (const FerryFile *self, const char *job_id);

/** Whether it is the reply to an upload. */
gboolean ferry_file_is_reply (const FerryFile *self);

/** Returns: the index that the owner is told, -1 for a reply */
gint64 ferry_file_get_shown_index (const FerryFile *self);

/** Takes a worker's record over (not consumed). What ferryd itself has in it stays: see FERRY_RESUME_NO_SYMLINKS. */
void ferry_file_set_resume (FerryFile *self, GVariant *resume);

/** Whether the server of an upload is to be told when nobody wants it any more. */
gboolean ferry_file_has_session (const FerryFile *self);

/** Whether a request for it went out, or may have gone out, that must not be sent twice. */
gboolean ferry_file_was_asked (const FerryFile *self);

/** Its owner wants it sent again all the same. Returns: whether there was anything to forget */
gboolean ferry_file_forget_asked (FerryFile *self);

/** It has failed, with @failure (transfer full) as its error. */
void ferry_file_fail (FerryFile *self, FerryFailure *failure);

/** Forgets all bytes: pending, offset 0, no validator; no resume record but for what is true without them. */
void ferry_file_reset (FerryFile *self);

/** Returns: whether all its bytes are there (transferred or published) */
gboolean ferry_file_is_whole (const FerryFile *self);

/** Returns: (transfer floating): a(tt) */
GVariant *ferry_file_get_ranges (const FerryFile *self);

/** Returns: (transfer floating): the dictionary of GetFiles */
GVariant *ferry_file_to_variant (const FerryFile *self, const char *job_id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryFile, ferry_file_free)

G_END_DECLS
