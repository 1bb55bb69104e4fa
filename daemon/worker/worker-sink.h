/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file side of one download: a temporary file beside its target, held by directory fd and file
 * fd. Paths are looked at only when it is opened. All calls may block on the file system and belong
 * in the transfer's own thread, never in the main loop. One thread at a time. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WorkerSinkError:
 * @WORKER_SINK_ERROR_DESTINATION: the directory that was seen before is absent, or another device
 *   is under its path; it may come back (wait reason "destination")
 * @WORKER_SINK_ERROR_NOT_OURS: the temporary name holds something that is not ours, or must not be
 *   used again (see worker_sink_restart()); start over under another name
 * @WORKER_SINK_ERROR_SOURCE: the same of a file that is to be sent (wait reason "upload-source")
 * @WORKER_SINK_ERROR_LOST: neither the temporary file nor the published target is there
 *
 * Besides these the functions give #FERRY_ERROR NO_FILE_ACCESS, TARGET_EXISTS, DISK_FULL,
 * FILE_SYSTEM_ERROR, with a sentence that names the file.
 */
typedef enum
{
  WORKER_SINK_ERROR_DESTINATION,
  WORKER_SINK_ERROR_NOT_OURS,
  WORKER_SINK_ERROR_LOST,
  WORKER_SINK_ERROR_SOURCE,
} WorkerSinkError;

#define WORKER_SINK_ERROR (worker_sink_error_quark ())
GQuark worker_sink_error_quark (void);

typedef struct _WorkerSink WorkerSink;

/**
 * worker_sink_open:
 * @path: (type filename): absolute path of the target
 * @temporary_name: (type filename): name of the temporary file, beside the target
 * @resume: (nullable): a{sv} as kept by ferryd ("Resume" of ferry-worker-protocol.h)
 * @restarted: (out): whether @resume named bytes that are lost (gone, shorter than the offset), so
 * that the file starts at 0
 *
 * Opens the directory (where @resume saw one: the same, else DESTINATION), then the temporary
 * file: with an offset in @resume it is reopened (O_NOFOLLOW, regular, our uid, one link,
 * same inode and birth time, size >= offset) and cut to the offset; without, what we may have left
 * under that name is removed and it is created with O_EXCL|O_NOFOLLOW, mode 0600.
 */
WorkerSink *worker_sink_open (const char *path, const char *temporary_name, GVariant *resume,
                              gboolean *restarted, GError **error);

/** Closes without a checkpoint; the file stays. @self may be %NULL. */
void worker_sink_free (WorkerSink *self);

/** Bytes written so far, from the start of the file. */
guint64 worker_sink_get_position (WorkerSink *self);

/** Bytes that are known to be on disk. */
guint64 worker_sink_get_durable (WorkerSink *self);

/**
 * worker_sink_expect:
 * @total: size of the whole file, FERRY_SIZE_UNKNOWN when not known
 *
 * Checks that there is room for what is missing plus 1 % (DISK_FULL otherwise), and lets writes
 * preallocate in steps of 256 MiB ahead of the position, never past @total.
 */
gboolean worker_sink_expect (WorkerSink *self, guint64 total, GError **error);

/**
 * worker_sink_write:
 *
 * Writes all of @data at the position. Starts write-back early (sync_file_range). After a failed
 * write, sync or close nothing behind the durable offset is trusted: every further call fails with
 * the same error.
 */
gboolean worker_sink_write (WorkerSink *self, gconstpointer data, gsize size, GError **error);

/** Makes all that was written durable (fdatasync; the directory too, before the first time). */
gboolean worker_sink_checkpoint (WorkerSink *self, GError **error);

/** Whether 64 MiB or 5 s (boot time) have passed since the last checkpoint and bytes were written.
 */
gboolean worker_sink_wants_checkpoint (WorkerSink *self);

/**
 * worker_sink_restart:
 *
 * Drops all bytes: position 0, durable 0. When some were durable the file is replaced by a new one
 * under the same name, so that an old `Resume` still in the store can never fit the new bytes.
 * Where files cannot be told apart (FUSE, FAT) this fails with NOT_OURS, and the file is removed;
 * as does worker_sink_open() there for bytes that were lost.
 */
gboolean worker_sink_restart (WorkerSink *self, GError **error);

/** Cuts the file to the position (preallocated space goes) and makes it durable. */
gboolean worker_sink_finish (WorkerSink *self, GError **error);

/**
 * worker_sink_finish_for_publication:
 * @mode: the file's final permissions, as for worker_publish()
 *
 * worker_sink_finish() for a file that is published next. It gets its permissions before the sync, so that publication
 * need not sync it again, and its temporary name is left to the sync of the directory there: a power cut in between may
 * lose bytes that were never at a checkpoint, and they are fetched again.
 */
gboolean worker_sink_finish_for_publication (WorkerSink *self, guint32 mode, GError **error);

/** Reads back what is at @offset, for a digest over bytes of an earlier run. Returns: bytes read,
 * -1 with @error */
gssize worker_sink_read (WorkerSink *self, guint64 offset, gpointer buffer, gsize size,
                         GError **error);

/**
 * worker_sink_add_resume:
 * @dict: where to put the keys of this sink: Offset (the durable bytes), Inode, BirthTime,
 *   DirectoryInode, DirectoryDevice, DirectoryFsid, DirectorySeen, and Uid, DirectoryBirthTime,
 *   DirectoryType, DirectoryBoot
 */
void worker_sink_add_resume (WorkerSink *self, GVariantDict *dict);

/* == what needs no open sink (worker-publish.c, worker-read.c, worker-target.c) == */

/* As long as the longest that ferryd makes: targets are checked with it. */
#define WORKER_LONGEST_TEMPORARY_NAME ".ferry-00000000000000000000000000000000-4294967295.part"

/**
 * worker_target_check:
 * @pid: process id of the caller, whose view of the directory is compared with ours; 0 = do not
 * @may_exist: whether an existing target is fine (`Replace`)
 * @no_symlinks: somebody else chose the path: a symbolic link on it is NO_FILE_ACCESS, and `Resume` says so for later
 *
 * Everything that can be known before the first byte: absolute path, length of the names (the
 * temporary one too), directory there and writable (a file is created in it, O_TMPFILE or a named
 * one that is removed), target absent or a regular file when @may_exist; symbolic links, FIFOs,
 * devices, directories as targets are refused. NO_FILE_ACCESS, TARGET_EXISTS.
 *
 * Returns: (transfer full): the first `Resume` a{sv}, or %NULL
 */
GVariant *worker_target_check (const char *path, const char *temporary_name, GPid pid,
                               gboolean may_exist, gboolean no_symlinks, GError **error);

/** See "check-publish" in ferry-worker-protocol.h. */
gboolean worker_publish_check (const char *path, const char *temporary_name, GVariant *resume,
                               gboolean replace, GError **error);

/**
 * worker_publish:
 * @mode: permissions as for open(2) with umask 0
 *
 * See "publish" in ferry-worker-protocol.h. Can be repeated after a crash at any point of it. Never
 * replaces anything without @replace. A directory that is not there is DESTINATION here and in
 * worker_publish_check(); LOST when the fetched bytes are under neither name.
 */
gboolean worker_publish (const char *path, const char *temporary_name, GVariant *resume,
                         gboolean replace, guint32 mode, GError **error);

/** See "read". Returns: (transfer full) (nullable): at most @size bytes from @offset; LOST when the file is not there */
GBytes *worker_read (const char *path, const char *temporary_name, GVariant *resume, guint64 offset,
                     gsize size, GError **error);

/** See "remove". An absent file, or one that is not ours, is left alone and is a success. */
gboolean worker_remove (const char *path, const char *temporary_name, GVariant *resume,
                        GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WorkerSink, worker_sink_free)

G_END_DECLS
