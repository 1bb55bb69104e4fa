/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-mode.h"

#include "worker-sink-error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACL_ATTRIBUTE         "system.posix_acl_access"
#define DEFAULT_ACL_ATTRIBUTE "system.posix_acl_default"

/* Returns: (transfer full) (nullable): NULL when there is none beyond the mode */
static GBytes *
read_acl (int fd)
{
  gssize size = fgetxattr (fd, ACL_ATTRIBUTE, NULL, 0);
  if (size <= 0)
    return NULL;

  g_autofree char *data = g_malloc (size);
  size = fgetxattr (fd, ACL_ATTRIBUTE, data, size);
  return size > 0 ? g_bytes_new_take (g_steal_pointer (&data), size) : NULL;
}

static gboolean
is_same_acl (GBytes *a, GBytes *b)
{
  return a == NULL || b == NULL ? a == b : g_bytes_equal (a, b);
}

/* Returns: 0 or an errno */
static int
set_mode (int fd, guint32 present, guint32 wanted, gboolean *changed)
{
  if (present == wanted)
    return 0;

  *changed = TRUE;
  if (fchmod (fd, wanted) == 0)
    return 0;

  /* Where modes cannot be changed, what the file has is what files have there. */
  return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : errno;
}

static gboolean
has_no_acl (int fd, const char *attribute)
{
  return fgetxattr (fd, attribute, NULL, 0) < 0 && errno == ENODATA;
}

/* Where the file system knows ACLs, this directory has none to give and the file got none before, open(2) with our umask of
 * 0 gives just the mode that is asked for (acl(5)): making a file to look at it, an inode each time, tells nothing.
 * Everywhere else it does. */
static gboolean
gives_plain_modes (WorkerDirectory *directory, int fd)
{
  return has_no_acl (directory->fd, DEFAULT_ACL_ATTRIBUTE) && has_no_acl (fd, ACL_ATTRIBUTE);
}

/* Returns: 0 or an errno */
static int
copy_permissions (int from, int to, gboolean *changed)
{
  g_autoptr (GBytes) wanted = read_acl (from);
  g_autoptr (GBytes) present = read_acl (to);
  WorkerStat model, file;

  if (!is_same_acl (wanted, present))
    {
      int result = wanted != NULL ? fsetxattr (to, ACL_ATTRIBUTE, g_bytes_get_data (wanted, NULL),
                                               g_bytes_get_size (wanted), 0)
                                  : fremovexattr (to, ACL_ATTRIBUTE);
      if (result != 0)
        return errno;
      *changed = TRUE;
    }

  int errsv = worker_stat_at (from, "", &model);
  if (errsv == 0)
    errsv = worker_stat_at (to, "", &file);
  return errsv != 0 ? errsv : set_mode (to, file.mode & 0777, model.mode & 0777, changed);
}

/* Returns: 0 or an errno */
static int
apply_plain_mode (int fd, guint32 mode, gboolean *changed)
{
  WorkerStat file;
  int errsv = worker_stat_at (fd, "", &file);

  return errsv != 0 ? errsv : set_mode (fd, file.mode & 0777, mode, changed);
}

gboolean
worker_mode_apply (WorkerDirectory *directory, int fd, guint32 mode, gboolean *changed,
                   GError **error)
{
  g_auto (WorkerProbe) probe = WORKER_PROBE_INIT;

  *changed = FALSE;

  int errsv;

  if (gives_plain_modes (directory, fd))
    {
      errsv = apply_plain_mode (fd, mode & 0777, changed);
    }
  else
    {
      errsv = worker_probe_open (&probe, directory, mode & 0777);
      if (errsv != 0)
        {
          worker_sink_set_errno (error, errsv, "find the permissions for", directory->display);
          return FALSE;
        }
      errsv = copy_permissions (probe.fd, fd, changed);
    }

  if (errsv != 0)
    worker_sink_set_errno (error, errsv, "set the permissions of", directory->display);
  return errsv == 0;
}
