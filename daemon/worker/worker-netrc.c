/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-netrc.h"

#include "ferry-text.h"
#include "worker-small-file.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes of an entry in the user database. */
#define PASSWD_MAX (64 * 1024)

void
worker_netrc_entry_clear (WorkerNetrcEntry *self)
{
  g_clear_pointer (&self->user, ferry_text_wipe);
  g_clear_pointer (&self->password, ferry_text_wipe);
}

/* == words == */

typedef struct
{
  char *at;
  const char *end;
  gboolean malformed;
} Reader;

/** Part of the file; no copy, so that there is only one place to wipe. */
typedef struct
{
  const char *text; /* (nullable) */
  gsize length;
} Word;

static void
skip_line (Reader *self)
{
  char *newline = memchr (self->at, '\n', (gsize) (self->end - self->at));

  self->at = newline != NULL ? newline + 1 : (char *) self->end;
}

/* Until the first empty line. */
static void
skip_macro (Reader *self)
{
  do
    skip_line (self);
  while (self->at < self->end && *self->at != '\n' && *self->at != '\r');
}

static char
unescape (char c)
{
  switch (c)
    {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
    }
}

static gboolean
read_quoted (Reader *self, Word *word)
{
  char *to = ++self->at;

  word->text = to;
  while (self->at < self->end && *self->at != '\n')
    {
      char c = *self->at++;

      if (c == '"')
        {
          word->length = (gsize) (to - word->text);
          self->malformed = self->at < self->end && !g_ascii_isspace (*self->at);
          return !self->malformed;
        }
      if (c == '\\' && self->at < self->end)
        c = unescape (*self->at++);
      *to++ = c;
    }

  self->malformed = TRUE;
  return FALSE;
}

/* Returns: whether there is one; sets @word only then */
static gboolean
read_word (Reader *self, Word *word)
{
  while (self->at < self->end && (g_ascii_isspace (*self->at) || *self->at == '#'))
    {
      if (*self->at == '#')
        skip_line (self);
      else
        self->at++;
    }
  if (self->at == self->end)
    return FALSE;
  if (*self->at == '"')
    return read_quoted (self, word);

  word->text = self->at;
  while (self->at < self->end && !g_ascii_isspace (*self->at))
    self->at++;
  word->length = (gsize) (self->at - word->text);
  return TRUE;
}

static gboolean
is (const Word *word, const char *text)
{
  return word->length == strlen (text) && g_ascii_strncasecmp (word->text, text, word->length) == 0;
}

/* == entries == */

typedef struct
{
  Word user;
  Word password;
} Pair;

/** What has been found so far. */
typedef struct
{
  Pair machine;
  Pair fallback; /* `default` */
  Pair other;    /* somebody else's */
  Pair *current;
} Found;

static gboolean
is_empty (const Pair *pair)
{
  return pair->user.text == NULL && pair->password.text == NULL;
}

/* The first one that says something counts. */
static void
begin (Found *self, Pair *pair)
{
  self->other = (Pair){ 0 };
  self->current = is_empty (pair) ? pair : &self->other;
}

static void
read_entries (Reader *reader, const char *host, Found *found)
{
  Word key, value;

  begin (found, &found->other);
  while (read_word (reader, &key))
    {
      if (is (&key, "default"))
        begin (found, &found->fallback);
      else if (is (&key, "macdef"))
        skip_macro (reader);
      else if (is (&key, "machine") && read_word (reader, &value))
        begin (found, is (&value, host) ? &found->machine : &found->other);
      else if (is (&key, "login") && read_word (reader, &value))
        found->current->user = value;
      else if (is (&key, "password") && read_word (reader, &value))
        found->current->password = value;
      else if (is (&key, "account"))
        read_word (reader, &value);
    }
}

/* They have no place in what is made of them (RFC 7617, 2). */
static gboolean
has_control (const Word *word)
{
  for (gsize i = 0; i < word->length; i++)
    if (g_ascii_iscntrl (word->text[i]))
      return TRUE;
  return FALSE;
}

gboolean
worker_netrc_parse (char *text, gsize size, const char *host, WorkerNetrcEntry *entry)
{
  Reader reader = { .at = text, .end = text + size };
  Found found = { 0 };
  const Pair *pair;

  *entry = (WorkerNetrcEntry){ 0 };
  read_entries (&reader, host, &found);
  pair = is_empty (&found.machine) ? &found.fallback : &found.machine;
  if (reader.malformed || has_control (&pair->user) || has_control (&pair->password))
    return FALSE;
  if (is_empty (pair))
    return TRUE;

  entry->user = g_strndup (pair->user.text, pair->user.length);
  entry->password = g_strndup (pair->password.text, pair->password.length);
  if (entry->user == NULL)
    entry->user = g_strdup ("");
  if (entry->password == NULL)
    entry->password = g_strdup ("");
  return TRUE;
}

/* == the file == */

/* Returns: (nullable): what is wrong with it */
static const char *
find_fault (const struct stat *stat)
{
  if (!S_ISREG (stat->st_mode))
    return "~/.netrc is not used: it is no regular file";
  if (stat->st_uid != geteuid ())
    return "~/.netrc is not used: it belongs to somebody else";
  if ((stat->st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return "~/.netrc is not used: others may read it; chmod 600 it";
  if (stat->st_size > WORKER_NETRC_MAX)
    return "~/.netrc is not used: it has more than 1 MiB";
  return NULL;
}

static const char *
read_entry (int fd, const char *host, WorkerNetrcEntry *entry)
{
  struct stat stat;
  const char *fault;
  gsize size;
  char *text;
  gssize got;

  if (fstat (fd, &stat) != 0)
    return "~/.netrc is not used: it cannot be read";
  fault = find_fault (&stat);
  if (fault != NULL)
    return fault;

  size = (gsize) stat.st_size;
  text = g_malloc (size + 1);
  got = worker_small_file_read (fd, text, size);
  if (got < 0)
    fault = "~/.netrc is not used: it cannot be read";
  else if (!worker_netrc_parse (text, (gsize) got, host, entry))
    fault = "~/.netrc is not used: it is malformed";
  explicit_bzero (text, size);
  g_free (text);
  return fault;
}

/* Not $HOME, which is whatever started us wanted. Returns: (transfer full) (nullable) */
static char *
dup_path (void)
{
  g_autofree char *buffer = g_malloc (PASSWD_MAX);
  struct passwd entry, *found = NULL;

  if (getpwuid_r (geteuid (), &entry, buffer, PASSWD_MAX, &found) != 0 || found == NULL ||
      !g_path_is_absolute (found->pw_dir))
    return NULL;
  return g_build_filename (found->pw_dir, ".netrc", NULL);
}

static void
load (WorkerNetrc *self, const char *host)
{
  int fd;

  if (self->path == NULL)
    self->path = dup_path ();
  if (self->path == NULL)
    return;

  fd = worker_small_file_open (self->path);
  if (fd < 0)
    {
      if (errno != ENOENT && errno != ENOTDIR)
        self->complaint = "~/.netrc is not used: it cannot be read";
      return;
    }
  self->complaint = read_entry (fd, host, &self->entry);
  close (fd);
}

WorkerNetrc *
worker_netrc_new (void)
{
  return g_new0 (WorkerNetrc, 1);
}

void
worker_netrc_free (WorkerNetrc *self)
{
  if (self == NULL)
    return;
  worker_netrc_entry_clear (&self->entry);
  g_free (self->path);
  g_free (self);
}

const WorkerNetrcEntry *
worker_netrc_find (WorkerNetrc *self, const char *host)
{
  if (!self->read)
    {
      self->read = TRUE;
      if (self->busy != NULL)
        *self->busy = g_get_monotonic_time ();
      load (self, host);
      if (self->busy != NULL)
        *self->busy = 0;
    }
  return self->entry.user != NULL ? &self->entry : NULL;
}
