/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory of a target: opened once by path, used by descriptor from then on. */

#pragma once

#include "worker-identity.h"

G_BEGIN_DECLS

/**
 * WorkerDirectory:
 *
 * All fields may be read, none written by others.
 */
typedef struct
{
  int fd;               /* (owned) */
  gboolean can_sync;    /* FALSE: fd is O_PATH, because we may write here but not list */
  gboolean no_symlinks; /* none was followed on the way to it */
  char *path;           /* (owned) the target's path, to look whether it is there still */
  char *name;           /* (owned) the target's last component */
  char *temporary;      /* (owned) name of the temporary file */
  char *display;        /* (owned) the target's path for error sentences */
  WorkerStat stat;
  WorkerFileSystem system;
} WorkerDirectory;

/**
 * worker_directory_open:
 * @path: (type filename): absolute path of the target
 * @temporary_name: (type filename): name of the temporary file, beside it
 * @resume: (nullable): what was seen there before
 *
 * Opens the directory part of @path, following links as open(2) does; the last component is only
 * taken apart. With a @resume that has seen the directory, its absence or another file system
 * under its path is #WORKER_SINK_ERROR_DESTINATION. Other errors: NO_FILE_ACCESS,
 * FILE_SYSTEM_ERROR.
 */
WorkerDirectory *worker_directory_open (const char *path, const char *temporary_name,
                                        const WorkerResume *resume, GError **error);

/** @self may be %NULL. */
void worker_directory_free (WorkerDirectory *self);

/**
 * worker_directory_is_gone:
 *
 * Whether the path now leads nowhere, or to another file system than when it was opened.
 */
gboolean worker_directory_is_gone (WorkerDirectory *self);

/**
 * worker_directory_sync:
 * @file: a file in the directory, or -1: with it also a directory that cannot be read is synced
 *
 * Makes the names in the directory durable.
 */
gboolean worker_directory_sync (WorkerDirectory *self, int file, GError **error);

/**
 * worker_directory_sync_absence:
 *
 * Makes durable that a name is not there: a process that was killed may have removed it, and not
 * have come to the sync. Costs nothing when this one has synced the directory since.
 */
gboolean worker_directory_sync_absence (WorkerDirectory *self, GError **error);

/** Removes @name from the directory, until the next sync for now only. Returns: 0 or an errno */
int worker_directory_unlink (WorkerDirectory *self, const char *name);

/**
 * worker_directory_create:
 *
 * Creates the temporary file, O_EXCL and O_NOFOLLOW, mode 0600.
 *
 * Returns: a descriptor, or -1 with errno set
 */
int worker_directory_create (WorkerDirectory *self);

/**
 * worker_directory_open_temporary:
 * @found: what worker_stat_at() said of the temporary name: a regular file
 *
 * Opens just that file for reading and writing.
 *
 * Returns: a descriptor, or -1 with errno set (EBUSY: the name holds another file by now)
 */
int worker_directory_open_temporary (WorkerDirectory *self, const WorkerStat *found);

/**
 * WorkerProbe:
 *
 * A file made only to see whether and how files are made in a directory.
 */
typedef struct
{
  int fd;                     /* (owned) */
  WorkerDirectory *directory; /* (not owned) */
  char *name;                 /* (owned) (nullable) to be removed; NULL = it has no name */
} WorkerProbe;

#define WORKER_PROBE_INIT                                                                          \
  {                                                                                                \
    .fd = -1                                                                                       \
  }

/**
 * worker_probe_open:
 * @self: initialised with %WORKER_PROBE_INIT
 * @mode: permissions as for open(2)
 *
 * Makes the file, without a name where that can be done.
 *
 * Returns: 0, or an errno
 */
int worker_probe_open (WorkerProbe *self, WorkerDirectory *directory, guint32 mode);

/** Removes the file. */
void worker_probe_clear (WorkerProbe *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WorkerProbe, worker_probe_clear)

/** Removes probes with names that a power cut left behind, of this target and of checks. One that is in use has no name
 * then, which does no harm. */
void worker_directory_remove_probes (WorkerDirectory *self);

/**
 * worker_kind_to_string:
 * @mode: an st_mode
 *
 * Returns: (transfer none): "a directory" and the like, for error sentences
 */
const char *worker_kind_to_string (guint32 mode);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerDirectory, worker_directory_free)

G_END_DECLS
