/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading back what was fetched and has no name yet. */

#include "worker-sink.h"

#include "worker-directory.h"
#include "worker-sink-error.h"

#include <errno.h>
#include <unistd.h>

/* Returns: a descriptor, or -1 with @error */
static int
open_fetched (WorkerDirectory *directory, const WorkerResume *resume, GError **error)
{
  WorkerStat found;
  int errsv = worker_stat_at (directory->fd, directory->temporary, &found);
  int fd = -1;

  if (errsv == 0 &&
      worker_resume_compare_file (resume, &found, &directory->system, 1) == WORKER_LIKENESS_SAME)
    {
      fd = worker_directory_open_temporary (directory, &found);
      errsv = fd < 0 ? errno : 0;
    }
  else if (errsv == 0)
    {
      errsv = ENOENT;
    }

  if (errsv == ENOENT)
    g_set_error (error, WORKER_SINK_ERROR, WORKER_SINK_ERROR_LOST,
                 "What was fetched for %s is not there any more", directory->display);
  else if (errsv != 0)
    worker_sink_set_errno (error, errsv, "read what was fetched for", directory->display);
  return fd;
}

GBytes *
worker_read (const char *path, const char *temporary_name, GVariant *resume, guint64 offset,
             gsize size, GError **error)
{
  g_autoptr (WorkerDirectory) directory = NULL;
  g_autofree guint8 *buffer = g_malloc (size);
  WorkerResume known;
  gssize n;
  int fd;

  worker_resume_parse (resume, &known);
  directory = worker_directory_open (path, temporary_name, &known, error);
  if (directory == NULL)
    return NULL;
  fd = open_fetched (directory, &known, error);
  if (fd < 0)
    return NULL;

  n = TEMP_FAILURE_RETRY (pread (fd, buffer, size, (off_t) offset));
  if (n < 0)
    worker_sink_set_errno (error, errno, "read what was fetched for", directory->display);
  close (fd);
  return n >= 0 ? g_bytes_new_take (g_steal_pointer (&buffer), (gsize) n) : NULL;
}
