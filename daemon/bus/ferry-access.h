/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may call what: the table (object, interface, member) -> rule. What is not in it is denied. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * FerryAccessObject:
 *
 * Which object was called.
 */
typedef enum
{
  FERRY_ACCESS_ROOT,
  FERRY_ACCESS_JOB,
} FerryAccessObject;

/**
 * FerryAccessKind:
 * @FERRY_ACCESS_PUBLIC: everybody; it tells nothing of any job
 * @FERRY_ACCESS_OWN: everybody; it concerns the caller's own jobs only
 * @FERRY_ACCESS_CREATE: everybody; the handler asks polkit for the actions to make a job, with details
 * @FERRY_ACCESS_READ: the job's owner, final jobs too
 * @FERRY_ACCESS_CHANGE: the job's owner, when it is not final
 * @FERRY_ACCESS_AUTHORIZED: who polkit lets, asked before anything is looked up
 */
typedef enum
{
  FERRY_ACCESS_PUBLIC,
  FERRY_ACCESS_OWN,
  FERRY_ACCESS_CREATE,
  FERRY_ACCESS_READ,
  FERRY_ACCESS_CHANGE,
  FERRY_ACCESS_AUTHORIZED,
} FerryAccessKind;

typedef struct
{
  FerryAccessObject object;
  const char *interface;
  const char *member;
  FerryAccessKind kind;
  const char *action; /* (nullable): polkit action of AUTHORIZED */
} FerryAccessRule;

/** Returns: (transfer none) (nullable): %NULL: denied */
const FerryAccessRule *ferry_access_lookup (FerryAccessObject object, const char *interface,
                                            const char *member);

/** Number of rules, for the test that holds the table to the XML. */
guint ferry_access_count (void);

G_END_DECLS
