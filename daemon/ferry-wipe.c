/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that ferryd gives back is wiped first, by whatever library: secrets pass through messages of GDBus, variants of GLib and
 * many strings, none of which clean up behind them. Replaces two functions of glibc for the whole process, as "Replacing malloc"
 * in its manual describes; the rest of its malloc stays in use. */

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void __libc_free (void *data);
void *__libc_malloc (size_t size);

void
free (void *data)
{
  int saved = errno;

  if (data == NULL)
    return;
  explicit_bzero (data, malloc_usable_size (data));
  __libc_free (data);
  errno = saved;
}

/* glibc's own may move a block, and leaves what was in the old one. */
void *
realloc (void *data, size_t size)
{
  size_t old = data != NULL ? malloc_usable_size (data) : 0;
  void *moved;

  if (data != NULL && size == 0)
    {
      free (data);
      return NULL;
    }
  /* Not worth a move. */
  if (data != NULL && size <= old && size >= old / 2)
    return data;

  moved = __libc_malloc (size);
  if (moved == NULL || data == NULL)
    return moved;
  memcpy (moved, data, old < size ? old : size);
  free (data);
  return moved;
}
