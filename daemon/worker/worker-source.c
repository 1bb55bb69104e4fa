/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-source.h"

#include "ferry-error.h"
#include "worker-directory.h"
#include "worker-sink-error.h"
#include "worker-sink.h"
#include "worker-view.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nothing is ever made beside a source; a directory wants a name to look for, all the same. */
#define NO_TEMPORARY ".ferry-source"

struct _WorkerSource
{
  WorkerDirectory *directory; /* (owned) */
  int fd;                     /* (owned) */
  WorkerStat stat;            /* when it was opened */
  _Atomic gint64 *busy_since; /* (unowned) (nullable) */
};

/* A source is no target: what is away is another wait reason. Propagates @from. */
static void
propagate (GError **error, GError *from)
{
  if (g_error_matches (from, WORKER_SINK_ERROR, WORKER_SINK_ERROR_DESTINATION))
    from->code = WORKER_SINK_ERROR_SOURCE;
  g_propagate_error (error, from);
}

/* == opening == */

/* Whether everybody may pass on the way from the root to @directory: who may rename on it can put a directory there through
 * which only we may. */
static gboolean
is_open_to_all (int directory)
{
  WorkerStat stat;
  WorkerStat above;
  int fd = TEMP_FAILURE_RETRY (openat (directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  gboolean open = fd >= 0 && worker_stat_at (fd, "", &stat) == 0;

  while (open && (stat.mode & S_IXOTH))
    {
      int parent = TEMP_FAILURE_RETRY (openat (fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));

      close (fd);
      fd = parent;
      open = fd >= 0 && worker_stat_at (fd, "", &above) == 0;
      /* The root is its own parent. */
      if (open && above.inode == stat.inode && above.device == stat.device)
        break;
      stat = above;
    }

  if (fd >= 0)
    close (fd);
  return open && (stat.mode & S_IXOTH);
}

/* Regular, and open for reading; -1 with @error. */
static int
open_file (WorkerDirectory *directory, WorkerStat *stat, GError **error)
{
  /* O_NONBLOCK: a FIFO must not hang us. The last symbolic link is followed, as every program of the owner's would. */
  int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
              (directory->no_symlinks ? O_NOFOLLOW : 0);
  int fd = TEMP_FAILURE_RETRY (openat (directory->fd, directory->name, flags));
  int errsv = fd >= 0 ? worker_stat_at (fd, "", stat) : errno;

  if (errsv != 0)
    worker_sink_set_errno (error, errsv, "read", directory->display);
  else if (!S_ISREG (stat->mode))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                 "%s is %s; only regular files can be sent", directory->display,
                 worker_kind_to_string (stat->mode));
  else if (directory->no_symlinks &&
           ((stat->mode & S_IROTH) == 0 || !is_open_to_all (directory->fd)))
    /* Who may rename in its directory can put a file there that only we may read. */
    g_set_error (
        error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
        "%s is not for everybody to read, and is not sent for a job that another user made",
        directory->display);
  else if (directory->no_symlinks && stat->links != 1)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_NO_FILE_ACCESS,
                 "%s has other names too, and is not sent for a job that another user made",
                 directory->display);
  else
    return fd;

  if (fd >= 0)
    close (fd);
  return -1;
}

GVariant *
worker_source_check (const char *path, GPid pid, gboolean no_symlinks, guint64 *size,
                     GError **error)
{
  const WorkerResume known = { .uid = -1, .no_symlinks = no_symlinks };
  g_autoptr (WorkerDirectory) directory = worker_directory_open (path, NO_TEMPORARY, &known, error);
  g_auto (GVariantDict) resume = G_VARIANT_DICT_INIT (NULL);
  WorkerStat stat;
  int fd = -1;

  if (directory != NULL && (pid == 0 || worker_view_check (directory, path, pid, error)))
    fd = open_file (directory, &stat, error);
  if (fd < 0)
    {
      worker_sink_deny_destination (error);
      return NULL;
    }

  close (fd);
  *size = stat.size;
  worker_resume_add_directory (&resume, &directory->stat, &directory->system, no_symlinks);
  return g_variant_ref_sink (g_variant_dict_end (&resume));
}

/* A call that may hang in the file system is watched by the main thread. */
static void
begin_call (WorkerSource *self)
{
  if (self->busy_since != NULL)
    *self->busy_since = g_get_monotonic_time ();
}

static void
end_call (WorkerSource *self)
{
  if (self->busy_since != NULL)
    *self->busy_since = 0;
}

/* == identity == */

static gboolean
is_same (const WorkerStat *a, const WorkerStat *b, gboolean invents_inodes)
{
  if (a->size != b->size || a->modification_time != b->modification_time)
    return FALSE;
  return invents_inodes || (a->inode == b->inode && (a->birth_time == b->birth_time ||
                                                     a->birth_time == 0 || b->birth_time == 0));
}

static gboolean
set_changed (WorkerSource *self, GError **error)
{
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_LOCAL_FILE_CHANGED,
               "%s changed while it was being sent", self->directory->display);
  return FALSE;
}

/* What cannot be looked at now is not another file for that. */
static gboolean
set_errno (WorkerSource *self, int errsv, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (errsv == ENOENT || errsv == ENOTDIR)
    return set_changed (self, error);
  worker_sink_set_errno (&local_error, errsv, "read", self->directory->display);
  propagate (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* Whether it is the file that @resume tells of, when it tells of one. */
static gboolean
check_pinned (WorkerSource *self, GVariant *resume, GError **error)
{
  WorkerStat pinned = { 0 };

  if (!g_variant_lookup (resume, "SourceTime", "x", &pinned.modification_time))
    return TRUE;
  g_variant_lookup (resume, "SourceSize", "t", &pinned.size);
  g_variant_lookup (resume, "SourceInode", "t", &pinned.inode);
  g_variant_lookup (resume, "SourceBirthTime", "x", &pinned.birth_time);
  return is_same (&pinned, &self->stat, self->directory->system.invents_inodes) ||
         set_changed (self, error);
}

static WorkerDirectory *
open_directory (const char *path, GVariant *resume, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  WorkerResume known;
  WorkerDirectory *directory;

  worker_resume_parse (resume, &known);
  /* What is known of the offset is of the server's file. */
  known.offset = 0;
  directory = worker_directory_open (path, NO_TEMPORARY, &known, &local_error);
  if (directory == NULL)
    propagate (error, g_steal_pointer (&local_error));
  return directory;
}

WorkerSource *
worker_source_open (const char *path, GVariant *resume, _Atomic gint64 *busy_since, GError **error)
{
  g_autoptr (WorkerSource) self = g_new0 (WorkerSource, 1);
  g_autoptr (GError) local_error = NULL;
  WorkerStat stat;

  self->fd = -1;
  self->busy_since = busy_since;
  self->directory = open_directory (path, resume, error);
  if (self->directory == NULL)
    return NULL;

  self->fd = open_file (self->directory, &self->stat, &local_error);
  if (self->fd < 0 && worker_stat_at (self->directory->fd, self->directory->name, &stat) == ENOENT)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_LOCAL_FILE_CHANGED, "%s is gone",
                   self->directory->display);
      return NULL;
    }
  if (self->fd < 0)
    {
      propagate (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (!check_pinned (self, resume, error))
    return NULL;

  return g_steal_pointer (&self);
}

void
worker_source_free (WorkerSource *self)
{
  if (self == NULL)
    return;
  if (self->fd >= 0)
    close (self->fd);
  worker_directory_free (self->directory);
  g_free (self);
}

guint64
worker_source_get_size (const WorkerSource *self)
{
  return self->stat.size;
}

const char *
worker_source_get_name (const WorkerSource *self)
{
  return self->directory->name;
}

/* Whether what was opened has its size and time still. */
static gboolean
check_opened (WorkerSource *self, GError **error)
{
  WorkerStat opened;
  int errsv;

  begin_call (self);
  errsv = worker_stat_at (self->fd, "", &opened);
  end_call (self);
  if (errsv != 0)
    return set_errno (self, errsv, error);
  return is_same (&opened, &self->stat, self->directory->system.invents_inodes) ||
         set_changed (self, error);
}

gboolean
worker_source_verify (WorkerSource *self, GError **error)
{
  gboolean invents = self->directory->system.invents_inodes;
  struct stat named;
  int errsv;

  if (!check_opened (self, error))
    return FALSE;
  /* By its name, as it was opened: through a last symbolic link. */
  begin_call (self);
  errsv = fstatat (self->directory->fd, self->directory->name, &named,
                   self->directory->no_symlinks ? AT_SYMLINK_NOFOLLOW : 0) != 0
              ? errno
              : 0;
  end_call (self);
  if (errsv != 0)
    return set_errno (self, errsv, error);
  return invents || named.st_ino == self->stat.inode || set_changed (self, error);
}

void
worker_source_add_resume (const WorkerSource *self, GVariantDict *dict)
{
  worker_resume_add_directory (dict, &self->directory->stat, &self->directory->system,
                               self->directory->no_symlinks);
  g_variant_dict_insert (dict, "SourceInode", "t", self->stat.inode);
  g_variant_dict_insert (dict, "SourceBirthTime", "x", self->stat.birth_time);
  g_variant_dict_insert (dict, "SourceSize", "t", self->stat.size);
  g_variant_dict_insert (dict, "SourceTime", "x", self->stat.modification_time);
}

/* == reading == */

#define WORKER_TYPE_SOURCE_STREAM (worker_source_stream_get_type ())
G_DECLARE_FINAL_TYPE (WorkerSourceStream, worker_source_stream, WORKER, SOURCE_STREAM, GInputStream)

/* libsoup reads 8 KiB at a time, and has the kernel send each. The file is read in larger pieces, and these sent at once where
 * the stream knows by what. */
struct _WorkerSourceStream
{
  GInputStream parent_instance;

  WorkerSource *source;   /* (unowned) */
  WorkerBuffers *buffers; /* (unowned) */
  WorkerBuffer *buffer;   /* (owned) (nullable) */
  gsize used;             /* bytes of @buffer that were handed out */
  gsize filled;
  guint64 position; /* in the file, behind what is in @buffer */
  guint64 end;

  GOutputStream *out; /* (owned) (nullable) */
  WorkerSourceWrote wrote;
  gpointer data; /* (unowned) */
};

G_DEFINE_FINAL_TYPE (WorkerSourceStream, worker_source_stream, G_TYPE_INPUT_STREAM)

static gssize
read_file (WorkerSource *source, gpointer data, gsize size, guint64 offset)
{
  gssize n;

  begin_call (source);
  n = TEMP_FAILURE_RETRY (pread (source->fd, data, size, (off_t) offset));
  end_call (source);
  return n;
}

static gboolean
fill (WorkerSourceStream *self, GCancellable *cancellable, GError **error)
{
  WorkerSource *source = self->source;
  gssize n;

  if (self->buffer == NULL)
    self->buffer = worker_buffers_take (self->buffers, cancellable, error);
  if (self->buffer == NULL)
    return FALSE;

  n = read_file (source, self->buffer->data,
                 (gsize) MIN (self->end - self->position, WORKER_BUFFER_SIZE), self->position);
  if (n < 0)
    return set_errno (source, errno, error);
  if (n == 0)
    return set_changed (source, error);
  self->used = 0;
  self->filled = (gsize) n;
  self->position += (guint64) n;
  /* After the read, and before any of it goes out: a body is never whole that is of two versions. Before its end goes out
   * the name is looked at too. */
  return self->position < self->end ? check_opened (source, error)
                                    : worker_source_verify (source, error);
}

/* Leaves the last buffer. */
static gboolean
write_out (WorkerSourceStream *self, GCancellable *cancellable, GError **error)
{
  gssize n;

  while (self->position < self->end)
    {
      if (self->used == self->filled)
        {
          if (!fill (self, cancellable, error))
            return FALSE;
          continue;
        }
      n = g_output_stream_write (self->out, self->buffer->data + self->used,
                                 self->filled - self->used, cancellable, error);
      if (n < 0)
        return FALSE;
      self->used += (gsize) n;
      self->wrote ((gsize) n, self->data);
    }
  return TRUE;
}

static gssize
worker_source_stream_read (GInputStream *stream, void *data, gsize size, GCancellable *cancellable,
                           GError **error)
{
  WorkerSourceStream *self = WORKER_SOURCE_STREAM (stream);
  gsize n;

  if (self->out != NULL && !write_out (self, cancellable, error))
    return -1;
  if (self->used == self->filled)
    {
      if (self->position == self->end)
        return 0;
      if (!fill (self, cancellable, error))
        return -1;
    }

  n = MIN (size, self->filled - self->used);
  memcpy (data, self->buffer->data + self->used, n);
  self->used += n;
  return (gssize) n;
}

static void
worker_source_stream_finalize (GObject *object)
{
  WorkerSourceStream *self = WORKER_SOURCE_STREAM (object);

  g_clear_pointer (&self->buffer, worker_buffer_unref);
  g_clear_object (&self->out);
  G_OBJECT_CLASS (worker_source_stream_parent_class)->finalize (object);
}

static void
worker_source_stream_class_init (WorkerSourceStreamClass *class)
{
  G_OBJECT_CLASS (class)->finalize = worker_source_stream_finalize;
  G_INPUT_STREAM_CLASS (class)->read_fn = worker_source_stream_read;
}

static void
worker_source_stream_init (WorkerSourceStream *self)
{
}

GInputStream *
worker_source_new_stream (WorkerSource *self, guint64 start, guint64 length, WorkerBuffers *buffers)
{
  WorkerSourceStream *stream = g_object_new (WORKER_TYPE_SOURCE_STREAM, NULL);

  stream->source = self;
  stream->buffers = buffers;
  stream->position = start;
  stream->end = start + length;
  return G_INPUT_STREAM (stream);
}

void
worker_source_stream_write_to (GInputStream *stream, GOutputStream *out, WorkerSourceWrote wrote,
                               gpointer data)
{
  WorkerSourceStream *self = WORKER_SOURCE_STREAM (stream);

  g_set_object (&self->out, out);
  self->wrote = wrote;
  self->data = data;
}
