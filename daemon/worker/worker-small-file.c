/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-small-file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
worker_small_file_open (const char *path)
{
  return open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

gssize
worker_small_file_read (int fd, char *buffer, gsize size)
{
  gsize got = 0;

  while (got < size)
    {
      gssize n = read (fd, buffer + got, size - got);

      if (n == 0)
        break;
      if (n < 0 && errno != EINTR)
        return -1;
      got += (gsize) MAX (n, 0);
    }
  return (gssize) got;
}
