/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "lossy-image.h"

#include <errno.h>
#include <string.h>

#define PAGE   4096
#define SECTOR 512

/* One write or change of names in so many reaches the disk by itself, at once. */
#define WRITE_BACK_ONE_IN 16

/**
 * Change: of a directory; up to two names that change together.
 */
typedef struct
{
  char *names[2];        /* (owned) (nullable) */
  LossyInode *inodes[2]; /* (owned) (nullable): what has the name from then on */
} Change;

struct _LossyInode
{
  LossyImage *image; /* (unowned): holds us while somebody refers to us */
  guint64 number;
  guint64 references; /* of the kernel, of names, of changes */
  guint links;        /* names it has now */
  LossyRights rights, synced_rights;
  struct timespec modified;

  GByteArray *data, *synced; /* (owned) (nullable): of a file */
  guint64 lowest;            /* size since the last sync */
  guint64 dirty_from, dirty_to;

  GHashTable *names,
      *synced_names;  /* (owned) (nullable) (element-type utf8 LossyInode): of a directory */
  GPtrArray *changes; /* (owned) (nullable) (element-type Change): not synced */
};

struct _LossyImage
{
  GHashTable *inodes;  /* (owned) (element-type guint64 LossyInode) */
  GRand *chance;       /* (owned) (nullable): %NULL: nothing unsynced is kept */
  gboolean keeps_last; /* but the last change of each directory */
};

/* == chance == */

static gboolean
happens (LossyImage *self, gint one_in)
{
  return self->chance != NULL && g_rand_int_range (self->chance, 0, one_in) == 0;
}

/* Any of @from to @to. */
static guint64
pick (LossyImage *self, guint64 from, guint64 to)
{
  return from + (guint64) (g_rand_double (self->chance) * (to - from + 1));
}

void
lossy_image_set_seed (LossyImage *self, guint32 seed)
{
  g_clear_pointer (&self->chance, g_rand_free);
  self->keeps_last = FALSE;
  if (seed != 0)
    self->chance = g_rand_new_with_seed (seed);
}

void
lossy_image_keep_last (LossyImage *self)
{
  lossy_image_set_seed (self, 0);
  self->keeps_last = TRUE;
}

/* == inodes == */

void
lossy_inode_ref (LossyInode *self)
{
  self->references++;
}

void
lossy_inode_unref (LossyInode *self, guint64 references)
{
  self->references -= MIN (references, self->references);
  /* The root has no name. */
  if (self->references == 0 && self->number != 1)
    g_hash_table_remove (self->image->inodes, &self->number);
}

static void
unref_name (gpointer inode)
{
  lossy_inode_unref (inode, 1);
}

static void
change_free (gpointer data)
{
  Change *change = data;

  for (guint i = 0; i < G_N_ELEMENTS (change->names); i++)
    {
      g_free (change->names[i]);
      if (change->inodes[i] != NULL)
        lossy_inode_unref (change->inodes[i], 1);
    }
  g_free (change);
}

static GHashTable *
new_names (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, unref_name);
}

static void
inode_free (gpointer data)
{
  LossyInode *self = data;

  g_clear_pointer (&self->data, g_byte_array_unref);
  g_clear_pointer (&self->synced, g_byte_array_unref);
  g_clear_pointer (&self->changes, g_ptr_array_unref);
  g_clear_pointer (&self->names, g_hash_table_unref);
  g_clear_pointer (&self->synced_names, g_hash_table_unref);
  g_free (self);
}

static void
touch (LossyInode *self)
{
  clock_gettime (CLOCK_REALTIME, &self->modified);
}

/* The lowest number that is free, as many file systems give it: another file may soon have it. */
static LossyInode *
add_inode (LossyImage *image, const LossyRights *rights)
{
  LossyInode *self = g_new0 (LossyInode, 1);

  self->image = image;
  for (self->number = 1; lossy_image_get (image, self->number) != NULL;)
    self->number++;
  self->rights = self->synced_rights = *rights;
  touch (self);
  if (S_ISDIR (rights->mode))
    {
      self->names = new_names ();
      self->synced_names = new_names ();
      self->changes = g_ptr_array_new_with_free_func (change_free);
    }
  else
    {
      self->data = g_byte_array_new ();
      self->synced = g_byte_array_new ();
    }
  g_hash_table_insert (image->inodes, &self->number, self);
  return self;
}

void
lossy_inode_get_stat (LossyInode *self, struct stat *st)
{
  memset (st, 0, sizeof *st);
  st->st_ino = self->number;
  st->st_mode = self->rights.mode;
  st->st_uid = self->rights.uid;
  st->st_gid = self->rights.gid;
  st->st_nlink = self->names != NULL ? 2 : self->links;
  st->st_size = self->data != NULL ? self->data->len : PAGE;
  st->st_blksize = PAGE;
  st->st_blocks = (st->st_size + SECTOR - 1) / SECTOR;
  st->st_atim = st->st_mtim = st->st_ctim = self->modified;
}

void
lossy_inode_set_rights (LossyInode *self, const LossyRights *rights)
{
  self->rights = *rights;
}

void
lossy_inode_set_times (LossyInode *self, const struct timespec *modified)
{
  self->modified = *modified;
}

/* == the image == */

LossyImage *
lossy_image_new (void)
{
  LossyImage *self = g_new0 (LossyImage, 1);
  const LossyRights rights = { .mode = S_IFDIR | 0755 };

  self->inodes = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, inode_free);
  add_inode (self, &rights);
  return self;
}

LossyInode *
lossy_image_get (LossyImage *self, guint64 number)
{
  return g_hash_table_lookup (self->inodes, &number);
}

/* == names == */

LossyInode *
lossy_inode_lookup (LossyInode *directory, const char *name)
{
  return directory->names != NULL ? g_hash_table_lookup (directory->names, name) : NULL;
}

GList *
lossy_inode_list (LossyInode *directory)
{
  return g_list_sort (g_hash_table_get_keys (directory->names), (GCompareFunc) strcmp);
}

static void
set_name (GHashTable *names, const char *name, LossyInode *inode)
{
  if (inode == NULL)
    {
      g_hash_table_remove (names, name);
      return;
    }
  lossy_inode_ref (inode);
  g_hash_table_replace (names, g_strdup (name), inode);
}

static void
apply (GHashTable *names, const Change *change)
{
  for (guint i = 0; i < G_N_ELEMENTS (change->names); i++)
    {
      if (change->names[i] != NULL)
        set_name (names, change->names[i], change->inodes[i]);
    }
}

static void
sync_names (LossyInode *self)
{
  for (guint i = 0; i < self->changes->len; i++)
    apply (self->synced_names, g_ptr_array_index (self->changes, i));
  g_ptr_array_set_size (self->changes, 0);
}

/* Takes effect now, and for good with the next sync of @directory. @other_name may be %NULL. */
static void
change_names (LossyInode *directory, const char *name, LossyInode *inode, const char *other_name,
              LossyInode *other)
{
  Change *change = g_new0 (Change, 1);

  *change = (Change){ { g_strdup (name), g_strdup (other_name) }, { inode, other } };
  for (guint i = 0; i < G_N_ELEMENTS (change->names); i++)
    {
      LossyInode *before = change->names[i] != NULL
                               ? lossy_inode_lookup (directory, change->names[i])
                               : NULL;

      if (before != NULL)
        before->links--;
      if (change->inodes[i] != NULL)
        {
          lossy_inode_ref (change->inodes[i]);
          change->inodes[i]->links++;
        }
    }

  g_ptr_array_add (directory->changes, change);
  apply (directory->names, change);
  touch (directory);
  if (happens (directory->image, WRITE_BACK_ONE_IN))
    sync_names (directory);
}

int
lossy_image_create (LossyImage *self, LossyInode *directory, const char *name,
                    const LossyRights *rights, LossyInode **inode)
{
  if (lossy_inode_lookup (directory, name) != NULL)
    return EEXIST;

  *inode = add_inode (self, rights);
  if (directory->rights.mode & S_ISGID)
    {
      (*inode)->rights.gid = directory->rights.gid;
      if (S_ISDIR (rights->mode))
        (*inode)->rights.mode |= S_ISGID;
      (*inode)->synced_rights = (*inode)->rights;
    }
  change_names (directory, name, *inode, NULL, NULL);
  return 0;
}

int
lossy_image_link (LossyImage *self, LossyInode *directory, const char *name, LossyInode *inode)
{
  if (lossy_inode_lookup (directory, name) != NULL)
    return EEXIST;

  change_names (directory, name, inode, NULL, NULL);
  return 0;
}

int
lossy_image_unlink (LossyImage *self, LossyInode *directory, const char *name)
{
  LossyInode *inode = lossy_inode_lookup (directory, name);

  if (inode == NULL)
    return ENOENT;
  if (inode->names != NULL && g_hash_table_size (inode->names) > 0)
    return ENOTEMPTY;

  change_names (directory, name, NULL, NULL, NULL);
  return 0;
}

int
lossy_image_rename (LossyImage *self, LossyInode *directory, const char *from, const char *to)
{
  LossyInode *inode = lossy_inode_lookup (directory, from);

  if (inode == NULL)
    return ENOENT;
  if (lossy_inode_lookup (directory, to) != inode)
    change_names (directory, from, NULL, to, inode);
  return 0;
}

/* == bytes == */

static void
resize (GByteArray *bytes, guint64 size)
{
  guint before = bytes->len;

  g_byte_array_set_size (bytes, size);
  if (size > before)
    memset (bytes->data + before, 0, size - before);
}

static void
note_dirty (LossyInode *self, guint64 from, guint64 to)
{
  if (self->dirty_to == 0)
    self->dirty_from = from;
  self->dirty_from = MIN (self->dirty_from, from);
  self->dirty_to = MAX (self->dirty_to, to);
}

/* Copies what is there of the bytes from @from to @to, and makes the file on disk long enough for them. */
static void
write_back (LossyInode *self, guint64 from, guint64 to)
{
  to = MIN (to, self->data->len);
  if (from >= to)
    return;
  if (self->synced->len < to)
    resize (self->synced, to);
  memcpy (self->synced->data + from, self->data->data + from, to - from);
}

void
lossy_inode_write (LossyInode *self, const char *data, gsize size, guint64 offset)
{
  if (self->data->len < offset + size)
    resize (self->data, offset + size);
  memcpy (self->data->data + offset, data, size);
  touch (self);

  note_dirty (self, offset, offset + size);
  if (happens (self->image, WRITE_BACK_ONE_IN))
    {
      guint64 page = pick (self->image, offset, offset + size - 1) / PAGE * PAGE;

      write_back (self, page, page + PAGE);
    }
}

void
lossy_inode_resize (LossyInode *self, guint64 size)
{
  if (size > self->data->len)
    note_dirty (self, self->data->len, size);
  resize (self->data, size);
  self->lowest = MIN (self->lowest, size);
  touch (self);
}

const char *
lossy_inode_read (LossyInode *self, gsize *size, guint64 offset)
{
  guint64 there = offset < self->data->len ? self->data->len - offset : 0;

  *size = MIN (*size, there);
  return there > 0 ? (const char *) self->data->data + offset : NULL;
}

/* == syncing == */

static void
sync_data (LossyInode *self)
{
  resize (self->synced, self->data->len);
  write_back (self, self->dirty_from, self->dirty_to);
  self->dirty_from = self->dirty_to = 0;
  self->lowest = self->data->len;
}

void
lossy_inode_sync (LossyInode *self, gboolean data_only)
{
  if (self->names != NULL)
    sync_names (self);
  else
    sync_data (self);
  if (!data_only)
    self->synced_rights = self->rights;
}

void
lossy_image_sync (LossyImage *self)
{
  g_autoptr (GList) inodes = g_hash_table_get_values (self->inodes);

  for (GList *l = inodes; l != NULL; l = l->next)
    lossy_inode_ref (l->data);
  for (GList *l = inodes; l != NULL; l = l->next)
    lossy_inode_sync (l->data, FALSE);
  for (GList *l = inodes; l != NULL; l = l->next)
    lossy_inode_unref (l->data, 1);
}

/* == the cut == */

/* A page of @bytes, zeros behind its end. */
static void
get_page (GByteArray *bytes, guint64 offset, guint8 *page)
{
  gsize there = offset < bytes->len ? MIN (bytes->len - offset, PAGE) : 0;

  if (there > 0)
    memcpy (page, bytes->data + offset, there);
  memset (page + there, 0, PAGE - there);
}

/* One of the sizes that the file had since it was synced, or was on its way to. */
static guint64
pick_size (LossyInode *self)
{
  LossyImage *image = self->image;
  guint64 low = MIN (self->lowest, MIN (self->synced->len, self->data->len));
  guint64 high = MAX (self->synced->len, self->data->len);

  switch (g_rand_int_range (image->chance, 0, 4))
    {
    case 0:
      return self->synced->len;
    case 1:
      return self->data->len;
    case 2:
      return low;
    default:
      return pick (image, low, high);
    }
}

/* The page at @offset as some mixture of the synced one and the one of now. */
static void
mix_page (LossyInode *self, guint64 offset, guint8 *page)
{
  LossyImage *image = self->image;
  guint8 now[PAGE];
  gsize cut = pick (image, 1, PAGE / SECTOR - 1) * SECTOR;

  get_page (self->synced, offset, page);
  get_page (self->data, offset, now);
  switch (g_rand_int_range (image->chance, 0, 4))
    {
    case 0:
      break;
    case 1:
      memcpy (page, now, PAGE);
      break;
    case 2:
      memcpy (page, now, cut);
      break;
    default:
      memcpy (page + cut, now + cut, PAGE - cut);
      break;
    }
}

static void
cut_data (LossyInode *self)
{
  LossyImage *image = self->image;
  guint64 size = image->chance != NULL ? pick_size (self) : self->synced->len;
  g_autoptr (GByteArray) kept = g_byte_array_new ();

  while (kept->len < size)
    {
      guint8 page[PAGE];

      if (image->chance != NULL)
        mix_page (self, kept->len, page);
      else
        get_page (self->synced, kept->len, page);
      g_byte_array_append (kept, page, PAGE);
    }
  g_byte_array_set_size (kept, size);

  g_byte_array_unref (self->synced);
  self->synced = g_steal_pointer (&kept);
  g_byte_array_set_size (self->data, 0);
  g_byte_array_append (self->data, self->synced->data, size);
  self->dirty_from = self->dirty_to = 0;
  self->lowest = size;
}

/* How a journal, or none, may have got on with the changes: none, all, the first few, or any. */
static void
keep_changes (LossyInode *self)
{
  LossyImage *image = self->image;
  guint way = g_rand_int_range (image->chance, 0, 4);
  guint first = pick (image, 0, self->changes->len);

  for (guint i = 0; i < self->changes->len; i++)
    {
      if (way == 1 || (way == 2 && i < first) || (way == 3 && happens (image, 2)))
        apply (self->synced_names, g_ptr_array_index (self->changes, i));
    }
}

static void
cut_names (LossyInode *self)
{
  GHashTableIter iter;
  gpointer name, inode;

  if (self->image->chance != NULL)
    keep_changes (self);
  else if (self->image->keeps_last && self->changes->len > 0)
    apply (self->synced_names, g_ptr_array_index (self->changes, self->changes->len - 1));
  g_ptr_array_set_size (self->changes, 0);

  g_hash_table_remove_all (self->names);
  g_hash_table_iter_init (&iter, self->synced_names);
  while (g_hash_table_iter_next (&iter, &name, &inode))
    {
      set_name (self->names, name, inode);
      ((LossyInode *) inode)->links++;
    }
}

static void
cut_inode (LossyInode *self)
{
  if (!happens (self->image, 2))
    self->rights = self->synced_rights;
  self->synced_rights = self->rights;
  if (self->names != NULL)
    cut_names (self);
  else
    cut_data (self);
}

static gint
compare_inodes (gconstpointer a, gconstpointer b)
{
  const LossyInode *first = a, *second = b;

  return first->number < second->number ? -1 : first->number > second->number;
}

void
lossy_image_cut (LossyImage *self)
{
  GList *inodes = g_list_sort (g_hash_table_get_values (self->inodes), compare_inodes);

  for (GList *l = inodes; l != NULL; l = l->next)
    {
      LossyInode *inode = l->data;

      lossy_inode_ref (inode);
      inode->links = 0;
    }
  for (GList *l = inodes; l != NULL; l = l->next)
    cut_inode (l->data);

  /* Two references are left to each name: of now, and of the disk; and ours. */
  for (GList *l = inodes; l != NULL; l = l->next)
    ((LossyInode *) l->data)->references = 2 * ((LossyInode *) l->data)->links + 1;
  for (GList *l = inodes; l != NULL; l = l->next)
    lossy_inode_unref (l->data, 1);
  g_list_free (inodes);
}
