/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ~/.netrc: what is read of it, and when it is not read at all. */

#include "worker-netrc.h"

#include <glib/gstdio.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST "files.example"

/* == words == */

typedef struct
{
  const char *name;
  const char *text;
  const char *user; /* (nullable): nothing is found */
  const char *password;
} Good;

static const Good good[] = {
  { "empty", "", NULL, NULL },
  { "one-line", "machine files.example login ada password sesame", "ada", "sesame" },
  { "lines", "machine\nfiles.example\r\n\tlogin\n ada\npassword\nsesame\n", "ada", "sesame" },
  { "any-order", "machine files.example password sesame login ada", "ada", "sesame" },
  { "any-case", "MACHINE Files.EXAMPLE Login ada PassWord sesame", "ada", "sesame" },
  { "other-host", "machine other.example login ada password sesame", NULL, NULL },
  { "not-a-part",
    "machine sub.files.example login ada password x machine example login ada password y "
    "machine files.example. login ada password z",
    NULL, NULL },
  { "first-counts",
    "machine files.example login ada password sesame machine files.example login eve password x",
    "ada", "sesame" },
  { "second-says-something",
    "machine files.example machine files.example login ada password sesame", "ada", "sesame" },
  { "default", "machine other.example login eve password x default login ada password sesame",
    "ada", "sesame" },
  { "default-comes-last",
    "default login eve password x machine files.example login ada password sesame", "ada",
    "sesame" },
  { "account", "machine files.example account password login ada password sesame", "ada",
    "sesame" },
  /* Values that look like keywords. */
  { "keywords-as-values",
    "machine other.example login machine password files.example\n"
    "machine files.example login default password login",
    "default", "login" },
  { "unknown-words", "machine files.example port 8080 login ada protocol https password sesame",
    "ada", "sesame" },
  { "without-password", "machine files.example login ada", "ada", "" },
  { "without-login", "machine files.example password sesame", "", "sesame" },
  { "without-value", "machine files.example login ada password", "ada", "" },
  { "without-host", "default login ada password sesame machine", "ada", "sesame" },
  { "stray", "login eve password x\nmachine files.example login ada password sesame", "ada",
    "sesame" },
  { "quoted", "machine \"files.example\" login \"ada l\" password \"se\\\"sa\\\\me #1\"", "ada l",
    "se\"sa\\me #1" },
  { "quoted-empty", "machine files.example login \"\" password \"\"", "", "" },
  { "quote-inside", "machine files.example login ada password se\"same\"", "ada", "se\"same\"" },
  { "backslash-inside", "machine files.example login ada password se\\nsame", "ada", "se\\nsame" },
  { "comments",
    "# machine files.example login eve password x\n"
    "machine files.example # login eve\n login ada#1 password sesame # password x\n",
    "ada#1", "sesame" },
  { "macro",
    "macdef init\nmachine files.example login eve password x\n\"\n\n"
    "machine files.example login ada password sesame\n",
    "ada", "sesame" },
  { "macro-of-a-machine",
    "machine other.example login eve password x\nmacdef init\npassword x\r\n\r\n"
    "machine files.example login ada password sesame\n",
    "ada", "sesame" },
  { "macro-without-end", "macdef init\nmachine files.example login eve password x", NULL, NULL },
  { "macro-without-name", "macdef", NULL, NULL },
  { "beyond-ascii", "machine files.example login ad\xc3\xa4 password \xff\xfe", "ad\xc3\xa4",
    "\xff\xfe" },
};

static void
test_good (gconstpointer data)
{
  const Good *row = data;
  WorkerNetrcEntry entry;
  /* Exactly as long, so that a sanitizer sees who reads on. */
  gsize size = strlen (row->text);
  g_autofree char *text = g_memdup2 (row->text, size);

  g_assert_true (worker_netrc_parse (text, size, HOST, &entry));
  g_assert_cmpstr (entry.user, ==, row->user);
  g_assert_cmpstr (entry.password, ==, row->password);
  worker_netrc_entry_clear (&entry);
}

static const char *const bad[] = {
  "machine files.example login ada password \"sesame",
  "machine files.example login ada password \"sesame\\",
  "machine files.example login ada password \"sesame\\\"",
  "machine files.example login ada password \"",
  "machine files.example login ada password \"ses\name\"",
  "machine files.example login ada password \"sesame\"x",
  "machine other.example login \"ada\nmachine files.example login ada password sesame",
  "machine files.example login \"a\\nda\" password sesame",
  "machine files.example login ada password \"se\\tsame\"",
  "machine files.example login ada password \"se\\\nsame\"",
  "machine files.example login ada password se\x01same",
  "machine files.example login a\x7f password sesame",
};

static void
test_bad (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      WorkerNetrcEntry entry;
      gsize size = strlen (bad[i]);
      g_autofree char *text = g_memdup2 (bad[i], size);

      g_test_message ("%u", i);
      g_assert_false (worker_netrc_parse (text, size, HOST, &entry));
      g_assert_null (entry.user);
      g_assert_null (entry.password);
    }
}

static void
test_zero_byte (void)
{
  static const char zero[] = "machine files.example login ada password se\0same";
  char *text = g_memdup2 (zero, sizeof zero - 1);
  WorkerNetrcEntry entry;

  g_assert_false (worker_netrc_parse (text, sizeof zero - 1, HOST, &entry));
  g_free (text);
}

/* Whatever the bytes: no read beyond them, and an end. */
static void
test_noise (void)
{
  static const char *const words[] = { "machine", "default", "login",    "password", "account",
                                       "macdef",  "\"",      "\\",       "\n",       " ",
                                       "#",       HOST,      "\r\n\r\n", "\n\n",     "\"a\"" };
  GRand *rand = g_rand_new_with_seed (7);

  for (guint round = 0; round < 5000; round++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autofree char *copy = NULL;
      WorkerNetrcEntry entry;
      int n = g_rand_int_range (rand, 0, 20);

      for (int i = 0; i < n; i++)
        {
          g_string_append (text, words[g_rand_int_range (rand, 0, G_N_ELEMENTS (words))]);
          if (g_rand_boolean (rand))
            g_string_append_c (text, ' ');
        }
      copy = g_memdup2 (text->str, text->len);
      worker_netrc_parse (copy, text->len, HOST, &entry);
      worker_netrc_entry_clear (&entry);
    }
  g_rand_free (rand);
}

/* == the file == */

typedef struct
{
  char *directory;
  char *path;
} Place;

static void
set_up (Place *place, gconstpointer data)
{
  place->directory = g_dir_make_tmp ("ferry-netrc-XXXXXX", NULL);
  g_assert_nonnull (place->directory);
  place->path = g_build_filename (place->directory, ".netrc", NULL);
}

static void
tear_down (Place *place, gconstpointer data)
{
  g_remove (place->path);
  g_assert_cmpint (g_rmdir (place->directory), ==, 0);
  g_free (place->directory);
  g_free (place->path);
}

static void
write_file (Place *place, const char *text, guint mode)
{
  g_assert_true (g_file_set_contents (place->path, text, -1, NULL));
  g_assert_cmpint (g_chmod (place->path, (int) mode), ==, 0);
}

/* What the file says, as "user:password", or the complaint about it. */
static char *
look (Place *place)
{
  _Atomic gint64 busy = 0;
  WorkerNetrc *netrc = worker_netrc_new ();
  const WorkerNetrcEntry *entry;
  char *seen;

  netrc->path = g_strdup (place->path);
  netrc->busy = &busy;
  entry = worker_netrc_find (netrc, HOST);
  g_assert_true (entry == NULL || netrc->complaint == NULL);
  seen = entry != NULL ? g_strconcat (entry->user, ":", entry->password, NULL)
                       : g_strdup (netrc->complaint);
  g_assert_cmpint (busy, ==, 0);
  worker_netrc_free (netrc);
  return seen;
}

#define LINE "machine files.example login ada password sesame\n"

static void
assert_seen (Place *place, const char *expected)
{
  g_autofree char *seen = look (place);

  g_assert_cmpstr (seen, ==, expected);
}

static void
test_file (Place *place, gconstpointer data)
{
  assert_seen (place, NULL);
  write_file (place, LINE, 0600);
  assert_seen (place, "ada:sesame");
  write_file (place, LINE, 0400);
  assert_seen (place, "ada:sesame");
  write_file (place, "", 0600);
  assert_seen (place, NULL);
  write_file (place, "machine files.example login \"", 0600);
  assert_seen (place, "~/.netrc is not used: it is malformed");
}

static void
test_modes (Place *place, gconstpointer data)
{
  static const guint modes[] = { 0640, 0604, 0620, 0602, 0644, 0610, 0601 };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      write_file (place, LINE, modes[i]);
      assert_seen (place, "~/.netrc is not used: others may read it; chmod 600 it");
    }
}

static void
test_no_file (Place *place, gconstpointer data)
{
  g_assert_cmpint (g_mkdir (place->path, 0700), ==, 0);
  assert_seen (place, "~/.netrc is not used: it is no regular file");
  g_assert_cmpint (g_rmdir (place->path), ==, 0);
  /* Nobody writes into it: opening it must not wait. */
  g_assert_cmpint (mkfifo (place->path, 0600), ==, 0);
  assert_seen (place, "~/.netrc is not used: it is no regular file");
  g_assert_cmpint (g_remove (place->path), ==, 0);
  g_assert_cmpint (symlink (".netrc", place->path), ==, 0);
  assert_seen (place, "~/.netrc is not used: it cannot be read");
}

static void
test_link (Place *place, gconstpointer data)
{
  g_autofree char *real = g_build_filename (place->directory, "dotfile", NULL);

  g_assert_cmpint (symlink ("dotfile", place->path), ==, 0);
  assert_seen (place, NULL);
  g_assert_true (g_file_set_contents (real, LINE, -1, NULL));
  g_assert_cmpint (g_chmod (real, 0600), ==, 0);
  assert_seen (place, "ada:sesame");
  g_assert_cmpint (g_chmod (real, 0644), ==, 0);
  assert_seen (place, "~/.netrc is not used: others may read it; chmod 600 it");
  g_assert_cmpint (g_remove (real), ==, 0);
}

static void
test_owner (Place *place, gconstpointer data)
{
  write_file (place, LINE, 0600);
  if (chown (place->path, 65534, (gid_t) -1) != 0)
    {
      g_test_skip ("only root can give files away");
      return;
    }
  assert_seen (place, "~/.netrc is not used: it belongs to somebody else");
}

static void
test_size (Place *place, gconstpointer data)
{
  write_file (place, LINE, 0600);
  g_assert_cmpint (truncate (place->path, WORKER_NETRC_MAX + 1), ==, 0);
  assert_seen (place, "~/.netrc is not used: it has more than 1 MiB");
  g_assert_cmpint (truncate (place->path, WORKER_NETRC_MAX), ==, 0);
  assert_seen (place, "ada:sesame");
}

/* Once for an attempt, and anew for the next. */
static void
test_once (Place *place, gconstpointer data)
{
  WorkerNetrc *netrc = worker_netrc_new ();

  netrc->path = g_strdup (place->path);
  g_assert_null (worker_netrc_find (netrc, HOST));
  write_file (place, LINE, 0600);
  g_assert_null (worker_netrc_find (netrc, HOST));
  worker_netrc_free (netrc);
  assert_seen (place, "ada:sesame");
}

#define ADD(name, function)                                                                        \
  g_test_add ("/worker-netrc/" name, Place, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *name = g_strconcat ("/worker-netrc/good/", good[i].name, NULL);

      g_test_add_data_func (name, &good[i], test_good);
    }
  g_test_add_func ("/worker-netrc/bad", test_bad);
  g_test_add_func ("/worker-netrc/zero-byte", test_zero_byte);
  g_test_add_func ("/worker-netrc/noise", test_noise);
  ADD ("file", test_file);
  ADD ("modes", test_modes);
  ADD ("no-file", test_no_file);
  ADD ("link", test_link);
  ADD ("owner", test_owner);
  ADD ("size", test_size);
  ADD ("once", test_once);
  return g_test_run ();
}
