/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A FUSE file system in memory that can lose its power: see lossy-image.h for what is lost then.
 *
 *   lossy-fs [-o OPTION]... MOUNT-POINT
 *
 * Options: acl (answers questions for ACLs: there are none), no-rename-flags (as NFS), fat (one owner and mode for all, no
 * second links). It does as it is told on standard input, a line each:
 *
 *   sync              all that is there is synced           answer: done CALLS
 *   seed SEED         what chance decides from now on       answer: done CALLS
 *   last              not chance decides: the last change of each directory is kept
 *                                                           answer: done CALLS
 *   cut               the power goes now                    answer: cut CALLS
 *   cut-at CALLS      the power goes instead of that call   answer, when it has: cut CALLS
 *   cut-at-sync CALLS the same, and only syncs count        answer, when it has: cut CALLS
 *   mount             the power is back                     answer: mounted CALLS
 *   hold              syncs do not end any more             answer, when one does not: held CALLS
 *   hold-names        those of directories do not           answer, when one does not: held CALLS
 *   release           they do again
 *   read-only         nothing can be changed or synced      answer: done CALLS
 *   read-write        it can be again                       answer: done CALLS
 *
 * CALLS counts the calls that change or sync something, since the last mount. Between cut and mount every call fails
 * with EIO. Who unmounts it cuts nothing. It ends when its input does. */

#define FUSE_USE_VERSION 31

#include "lossy-image.h"

#include <fuse_lowlevel.h>

#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

static LossyImage *image = NULL;
static struct fuse_session *session = NULL;
static const char *mount_point = NULL;
static gboolean knows_acls = FALSE;
static gboolean knows_rename_flags = TRUE;
static gboolean is_fat = FALSE;

static guint64 calls = 0;
static guint64 syncs = 0;
static guint64 cut_at = 0;      /* 0 = never */
static guint64 cut_at_sync = 0; /* 0 = never */
static gboolean is_cut = FALSE;
static gboolean is_read_only = FALSE;
static gboolean is_holding_data = FALSE;
static gboolean is_holding_names = FALSE;
static GArray *held = NULL; /* (owned) (element-type guint64): requests without an answer */

/* == answers == */

static LossyInode *
get (fuse_ino_t number)
{
  return lossy_image_get (image, number);
}

static void
reply_attr (fuse_req_t request, LossyInode *inode)
{
  struct stat st;

  lossy_inode_get_stat (inode, &st);
  fuse_reply_attr (request, &st, 0);
}

/* The kernel refers to what it is told of here. */
static struct fuse_entry_param
make_entry (LossyInode *inode)
{
  struct fuse_entry_param entry = { .generation = 1 };

  lossy_inode_ref (inode);
  lossy_inode_get_stat (inode, &entry.attr);
  entry.ino = entry.attr.st_ino;
  return entry;
}

static void
reply_entry (fuse_req_t request, int error, LossyInode *inode)
{
  struct fuse_entry_param entry;

  if (error != 0)
    {
      fuse_reply_err (request, error);
      return;
    }
  entry = make_entry (inode);
  fuse_reply_entry (request, &entry);
}

/* == reading == */

static void
do_lookup (fuse_req_t request, fuse_ino_t directory, const char *name)
{
  LossyInode *inode = lossy_inode_lookup (get (directory), name);

  reply_entry (request, inode == NULL ? ENOENT : 0, inode);
}

static void
do_forget (fuse_req_t request, fuse_ino_t number, uint64_t lookups)
{
  LossyInode *inode = get (number);

  if (inode != NULL)
    lossy_inode_unref (inode, lookups);
  fuse_reply_none (request);
}

static void
do_getattr (fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
  reply_attr (request, get (number));
}

static void
do_open (fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
  fuse_reply_open (request, file);
}

static void
do_read (fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
         struct fuse_file_info *file)
{
  gsize there = size;
  const char *data = lossy_inode_read (get (number), &there, offset);

  fuse_reply_buf (request, data, there);
}

/* The list is made when it is opened; FileInfo.fh holds it. */
static void
do_opendir (fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
  g_autoptr (GList) names = lossy_inode_list (get (number));
  GByteArray *list = g_byte_array_new ();

  for (GList *l = names; l != NULL; l = l->next)
    {
      gsize size = fuse_add_direntry (request, NULL, 0, l->data, NULL, 0);
      guint before = list->len;
      struct stat st;

      lossy_inode_get_stat (lossy_inode_lookup (get (number), l->data), &st);
      g_byte_array_set_size (list, before + size);
      fuse_add_direntry (request, (char *) list->data + before, size, l->data, &st, before + size);
    }
  file->fh = GPOINTER_TO_SIZE (list);
  fuse_reply_open (request, file);
}

static void
do_readdir (fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
            struct fuse_file_info *file)
{
  GByteArray *list = GSIZE_TO_POINTER (file->fh);
  guint64 left = (guint64) offset < list->len ? list->len - offset : 0;

  fuse_reply_buf (request, (char *) list->data + offset, MIN (left, size));
}

static void
do_releasedir (fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
  g_byte_array_unref (GSIZE_TO_POINTER (file->fh));
  fuse_reply_err (request, 0);
}

static void
do_statfs (fuse_req_t request, fuse_ino_t number)
{
  const struct statvfs sfs = { .f_bsize = 4096,
                               .f_frsize = 4096,
                               .f_blocks = 1 << 20,
                               .f_bfree = 1 << 20,
                               .f_bavail = 1 << 20,
                               .f_files = 1 << 20,
                               .f_ffree = 1 << 20,
                               .f_namemax = 255 };

  fuse_reply_statfs (request, &sfs);
}

static void
do_getxattr (fuse_req_t request, fuse_ino_t number, const char *name, size_t size)
{
  fuse_reply_err (request, knows_acls ? ENODATA : ENOSYS);
}

/* == changing == */

static void
do_setattr (fuse_req_t request, fuse_ino_t number, struct stat *wanted, int set,
            struct fuse_file_info *file)
{
  LossyInode *inode = get (number);
  LossyRights rights;
  struct stat st;

  lossy_inode_get_stat (inode, &st);
  rights = (LossyRights){ st.st_mode, st.st_uid, st.st_gid };
  if ((set & FUSE_SET_ATTR_MODE) && (!is_fat || number == FUSE_ROOT_ID))
    rights.mode = (st.st_mode & S_IFMT) | (wanted->st_mode & ~S_IFMT);
  if (set & FUSE_SET_ATTR_UID)
    rights.uid = wanted->st_uid;
  if (set & FUSE_SET_ATTR_GID)
    rights.gid = wanted->st_gid;
  lossy_inode_set_rights (inode, &rights);
  if (set & FUSE_SET_ATTR_SIZE)
    lossy_inode_resize (inode, wanted->st_size);
  if (set & FUSE_SET_ATTR_MTIME)
    lossy_inode_set_times (inode, &wanted->st_mtim);
  reply_attr (request, inode);
}

static int
create (fuse_req_t request, fuse_ino_t directory, const char *name, mode_t mode, LossyInode **inode)
{
  const struct fuse_ctx *context = fuse_req_ctx (request);
  LossyRights rights = { mode, context->uid, context->gid };
  struct stat st;

  if (is_fat)
    {
      lossy_inode_get_stat (get (FUSE_ROOT_ID), &st);
      rights = (LossyRights){ (mode & S_IFMT) | (st.st_mode & 0777), st.st_uid, st.st_gid };
    }
  return lossy_image_create (image, get (directory), name, &rights, inode);
}

static void
do_mkdir (fuse_req_t request, fuse_ino_t directory, const char *name, mode_t mode)
{
  LossyInode *inode = NULL;
  int error = create (request, directory, name, S_IFDIR | mode, &inode);

  reply_entry (request, error, inode);
}

static void
do_create (fuse_req_t request, fuse_ino_t directory, const char *name, mode_t mode,
           struct fuse_file_info *file)
{
  LossyInode *inode = NULL;
  int error = create (request, directory, name, S_IFREG | mode, &inode);
  struct fuse_entry_param entry;

  if (error != 0)
    {
      fuse_reply_err (request, error);
      return;
    }
  entry = make_entry (inode);
  fuse_reply_create (request, &entry, file);
}

static void
do_link (fuse_req_t request, fuse_ino_t number, fuse_ino_t directory, const char *name)
{
  LossyInode *inode = get (number);
  int error = is_fat ? EPERM : lossy_image_link (image, get (directory), name, inode);

  reply_entry (request, error, inode);
}

static void
do_unlink (fuse_req_t request, fuse_ino_t directory, const char *name)
{
  fuse_reply_err (request, lossy_image_unlink (image, get (directory), name));
}

static int
rename_within (LossyInode *directory, const char *from, const char *to, unsigned int flags)
{
  if ((flags & ~RENAME_NOREPLACE) != 0 || (flags != 0 && !knows_rename_flags))
    return EINVAL;
  if (flags != 0 && lossy_inode_lookup (directory, to) != NULL)
    return EEXIST;
  return lossy_image_rename (image, directory, from, to);
}

static void
do_rename (fuse_req_t request, fuse_ino_t directory, const char *from, fuse_ino_t to_directory,
           const char *to, unsigned int flags)
{
  int error = directory == to_directory ? rename_within (get (directory), from, to, flags) : EXDEV;

  fuse_reply_err (request, error);
}

static void
do_write (fuse_req_t request, fuse_ino_t number, const char *data, size_t size, off_t offset,
          struct fuse_file_info *file)
{
  lossy_inode_write (get (number), data, size, offset);
  fuse_reply_write (request, size);
}

static void
do_fallocate (fuse_req_t request, fuse_ino_t number, int mode, off_t offset, off_t length,
              struct fuse_file_info *file)
{
  LossyInode *inode = get (number);
  struct stat st;

  lossy_inode_get_stat (inode, &st);
  if (mode == 0 && offset + length > st.st_size)
    lossy_inode_resize (inode, offset + length);
  fuse_reply_err (request, mode == 0 || mode == FALLOC_FL_KEEP_SIZE ? 0 : EOPNOTSUPP);
}

static void
do_fsync (fuse_req_t request, fuse_ino_t number, int data_only, struct fuse_file_info *file)
{
  lossy_inode_sync (get (number), data_only);
  fuse_reply_err (request, 0);
}

static const struct fuse_lowlevel_ops operations = {
  .lookup = do_lookup,
  .forget = do_forget,
  .getattr = do_getattr,
  .setattr = do_setattr,
  .mkdir = do_mkdir,
  .unlink = do_unlink,
  .rmdir = do_unlink,
  .rename = do_rename,
  .link = do_link,
  .open = do_open,
  .read = do_read,
  .write = do_write,
  .fsync = do_fsync,
  .opendir = do_opendir,
  .readdir = do_readdir,
  .releasedir = do_releasedir,
  .fsyncdir = do_fsync,
  .statfs = do_statfs,
  .getxattr = do_getxattr,
  .create = do_create,
  .fallocate = do_fallocate,
};

/* == power == */

static void
say (const char *what)
{
  printf ("%s %" G_GUINT64_FORMAT "\n", what, calls);
  fflush (stdout);
}

static gboolean
is_sync (guint32 opcode)
{
  return opcode == FUSE_FSYNC || opcode == FUSE_FSYNCDIR;
}

static gboolean
is_change (guint32 opcode)
{
  switch (opcode)
    {
    case FUSE_SETATTR:
    case FUSE_MKDIR:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
    case FUSE_RENAME:
    case FUSE_RENAME2:
    case FUSE_LINK:
    case FUSE_WRITE:
    case FUSE_CREATE:
    case FUSE_FALLOCATE:
      return TRUE;
    default:
      return FALSE;
    }
}

static void
refuse (guint64 request, int error)
{
  struct fuse_out_header answer = { sizeof answer, -error, request };

  /* Nobody may be waiting any more. */
  if (write (fuse_session_fd (session), &answer, sizeof answer) < 0 && errno != ENOENT)
    perror ("lossy-fs: answering");
}

static void
cut (void)
{
  if (is_cut)
    return;
  is_cut = TRUE;
  is_holding_data = is_holding_names = FALSE;
  cut_at = cut_at_sync = 0;
  lossy_image_cut (image);
  for (guint i = 0; i < held->len; i++)
    refuse (g_array_index (held, guint64, i), EIO);
  g_array_set_size (held, 0);
  say ("cut");
}

/* Who is killed need not wait on. */
static void
let_go (guint64 request)
{
  for (guint i = 0; i < held->len; i++)
    {
      if (g_array_index (held, guint64, i) == request)
        {
          g_array_remove_index_fast (held, i);
          refuse (request, EINTR);
          return;
        }
    }
}

static gboolean
hold (const struct fuse_in_header *request)
{
  if (request->opcode == FUSE_INTERRUPT)
    let_go (((const struct fuse_interrupt_in *) (request + 1))->unique);
  if (!(is_holding_data && request->opcode == FUSE_FSYNC) &&
      !(is_holding_names && request->opcode == FUSE_FSYNCDIR))
    return FALSE;
  if (held->len == 0)
    say ("held");
  g_array_append_val (held, request->unique);
  return TRUE;
}

/* After a cut: what the kernel wants no answer to is not heard, save what frees something. */
static void
serve_without_power (struct fuse_buf *buffer)
{
  const struct fuse_in_header *request = buffer->mem;

  switch (request->opcode)
    {
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      break;
    case FUSE_DESTROY:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      fuse_session_process_buf (session, buffer);
      break;
    default:
      refuse (request->unique, EIO);
    }
}

static void
count (guint32 opcode)
{
  if (is_sync (opcode))
    syncs++;
  if (is_sync (opcode) || is_change (opcode))
    calls++;
  if ((cut_at != 0 && calls >= cut_at) || (cut_at_sync != 0 && syncs >= cut_at_sync))
    cut ();
}

static void
serve (struct fuse_buf *buffer)
{
  int size = fuse_session_receive_buf (session, buffer);
  const struct fuse_in_header *request = buffer->mem;

  if (size <= 0)
    return;
  count (request->opcode);
  if (is_cut)
    serve_without_power (buffer);
  else if (is_read_only && (is_change (request->opcode) || is_sync (request->opcode)))
    refuse (request->unique, EROFS);
  else if (!hold (request))
    fuse_session_process_buf (session, buffer);
}

static void
unmount (void)
{
  if (session == NULL)
    return;
  umount2 (mount_point, MNT_DETACH);
  fuse_session_destroy (session);
  session = NULL;
}

static void
mount_now (void)
{
  struct fuse_args args = FUSE_ARGS_INIT (0, NULL);

  unmount ();
  fuse_opt_add_arg (&args, "lossy-fs");
  fuse_opt_add_arg (&args, "-oallow_other,default_permissions,fsname=lossy");
  session = fuse_session_new (&args, &operations, sizeof operations, NULL);
  fuse_opt_free_args (&args);
  if (session == NULL || fuse_session_mount (session, mount_point) != 0)
    exit (1);
  is_cut = FALSE;
  calls = syncs = 0;
}

/* == orders == */

/* Returns: whether it is to go on */
static gboolean
obey (char *line)
{
  guint64 number;

  if (sscanf (line, "cut-at %" G_GUINT64_FORMAT, &number) == 1)
    cut_at = calls + MAX (number, 1);
  else if (sscanf (line, "cut-at-sync %" G_GUINT64_FORMAT, &number) == 1)
    cut_at_sync = syncs + MAX (number, 1);
  else if (sscanf (line, "seed %" G_GUINT64_FORMAT, &number) == 1)
    {
      lossy_image_set_seed (image, number);
      say ("done");
    }
  else if (g_str_equal (line, "last"))
    {
      lossy_image_keep_last (image);
      say ("done");
    }
  else if (g_str_equal (line, "read-only") || g_str_equal (line, "read-write"))
    {
      is_read_only = g_str_equal (line, "read-only");
      say ("done");
    }
  else if (g_str_equal (line, "cut"))
    cut ();
  else if (g_str_equal (line, "hold"))
    is_holding_data = is_holding_names = TRUE;
  else if (g_str_equal (line, "hold-names"))
    is_holding_names = TRUE;
  else if (g_str_equal (line, "release"))
    is_holding_data = is_holding_names = FALSE;
  else if (g_str_equal (line, "sync"))
    {
      lossy_image_sync (image);
      say ("done");
    }
  else if (g_str_equal (line, "mount"))
    {
      mount_now ();
      say ("mounted");
    }
  else
    return FALSE;
  return TRUE;
}

static gboolean
take_orders (void)
{
  static char text[256];
  static gsize length = 0;
  gssize got = read (STDIN_FILENO, text + length, sizeof text - 1 - length);
  char *end;

  if (got <= 0)
    return FALSE;
  length += got;
  text[length] = '\0';
  while ((end = strchr (text, '\n')) != NULL)
    {
      *end = '\0';
      if (!obey (text))
        return FALSE;
      length -= end + 1 - text;
      memmove (text, end + 1, length + 1);
    }
  return TRUE;
}

static gboolean
parse_arguments (int argc, char *argv[])
{
  int option;

  while ((option = getopt (argc, argv, "o:")) == 'o')
    {
      if (g_str_equal (optarg, "acl"))
        knows_acls = TRUE;
      else if (g_str_equal (optarg, "no-rename-flags"))
        knows_rename_flags = FALSE;
      else if (g_str_equal (optarg, "fat"))
        is_fat = TRUE;
      else
        return FALSE;
    }
  mount_point = argv[optind];
  return option == -1 && argc == optind + 1;
}

int
main (int argc, char *argv[])
{
  struct fuse_buf buffer = { 0 };
  gboolean going = TRUE;

  if (!parse_arguments (argc, argv))
    {
      fprintf (stderr, "usage: %s [-o acl|no-rename-flags|fat]... MOUNT-POINT\n", argv[0]);
      return 2;
    }

  /* A test that is aborted unmounts nothing. */
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  signal (SIGPIPE, SIG_IGN);
  image = lossy_image_new ();
  held = g_array_new (FALSE, FALSE, sizeof (guint64));
  mount_now ();
  say ("mounted");
  while (going)
    {
      /* Somebody else may have unmounted it. */
      struct pollfd fds[] = {
        { fuse_session_exited (session) ? -1 : fuse_session_fd (session), POLLIN, 0 },
        { STDIN_FILENO, POLLIN, 0 },
      };

      if (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
        break;
      if (fds[0].revents != 0)
        serve (&buffer);
      if (fds[1].revents != 0)
        going = take_orders ();
    }
  unmount ();
  free (buffer.mem);
  return 0;
}
