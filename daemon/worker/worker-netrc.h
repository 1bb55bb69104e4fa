/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The passwords that a user keeps in ~/.netrc for his programs (curl, wget, git): what it has for one host. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A longer file is not used, bytes. */
#define WORKER_NETRC_MAX (1024 * 1024)

/** A name and a password, wiped when they go. All zeros: none. */
typedef struct
{
  char *user;     /* (owned) (nullable): %NULL when there is none at all */
  char *password; /* (owned) (nullable): %NULL when there is none at all */
} WorkerNetrcEntry;

void worker_netrc_entry_clear (WorkerNetrcEntry *self);

/**
 * worker_netrc_parse:
 * @text: (inout): the file; what is quoted in it is unquoted in place
 * @size: its bytes
 * @host: compared without regard to case
 * @entry: (out caller-allocates): of the first `machine` of that name that has a login or a password, or else of the first
 *   such `default`; all zeros when there is none
 *
 * Reads what curl reads: also quoted words with escapes, comments, and macros, which are skipped.
 *
 * Returns: %FALSE when it is malformed: a quotation without end, or a login or password with control characters
 */
gboolean worker_netrc_parse (char *text, gsize size, const char *host, WorkerNetrcEntry *entry);

/** The file, as far as one attempt has needed it. Of the attempt's thread alone. */
typedef struct
{
  char *path; /* (owned) (nullable): %NULL = .netrc in the home directory of our uid */
  _Atomic gint64
      *busy; /* (unowned) (nullable): monotonic µs since when a file call is under way, 0 = none */
  gboolean read;          /* @entry or @complaint are what came of it */
  WorkerNetrcEntry entry; /* (owned) */
  const char *complaint;  /* (nullable): why nothing of it is used, to go behind a semicolon */
  gboolean asked; /* the server was given a password as it is, and gets it unasked from now on */
} WorkerNetrc;

WorkerNetrc *worker_netrc_new (void);
/** @self may be %NULL. */
void worker_netrc_free (WorkerNetrc *self);

/**
 * worker_netrc_find:
 * @host: always the same one
 *
 * Reads the file when called first. It must be a regular file of our uid that nobody else may read; that one is absent is no
 * reason to complain. Blocks.
 *
 * Returns: (transfer none) (nullable): what it has for @host
 */
const WorkerNetrcEntry *worker_netrc_find (WorkerNetrc *self, const char *host);

G_END_DECLS
